//! The socket in the data folder by which a command talks to the server that runs on it. Whoever may read the folder may use it.
//!
//! One line of JSON there, one line back; `docs/formats.md` does not list it, because both ends are the same program.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::{UnixListener as StdListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use zeroize::Zeroizing;

use super::{Fault, fault};
use crate::operations::gate::{Gate, Offer, OfferError, Progress};

/// Longest question, bytes.
const LONGEST: u64 = 16 * 1024;
/// A passphrase can take seconds, a queue of them more.
const PATIENCE: Duration = Duration::from_secs(60);

/// A question to the server.
#[derive(Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Question {
    /// How it stands.
    Status,
    /// Take the keys out of memory.
    Seal,
    /// A passphrase.
    Passphrase { text: Zeroizing<String> },
    /// The text of a key file.
    KeyFile { text: Zeroizing<String> },
    /// One share.
    Share { text: Zeroizing<String> },
    /// Passphrase and text of the key file on the token.
    Duty {
        passphrase: Zeroizing<String>,
        token: Zeroizing<String>,
    },
}

/// What the server says.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Reply {
    /// The keys are in memory.
    Open,
    /// They are not; numbers of the shares that have been taken.
    Sealed { taken: Vec<u8> },
    /// The share was taken; so many more are needed.
    Waiting { missing: u8 },
    /// It did not help, and what to do.
    Fault { text: String },
}

/// Where the socket is.
fn path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// Asks the server that runs on this folder; `None` when none does.
pub fn ask(data: &Path, question: &Question) -> Result<Option<Reply>, Fault> {
    let mut stream = match UnixStream::connect(path(data)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let mut line = Zeroizing::new(serde_json::to_string(question).map_err(fault)?);
    line.push('\n');
    stream
        .set_read_timeout(Some(PATIENCE + Duration::from_secs(5)))
        .map_err(fault)?;
    stream.write_all(line.as_bytes()).map_err(fault)?;
    let mut answer = String::new();
    let read = BufReader::new(stream).read_line(&mut answer);
    if read.is_err() || answer.is_empty() {
        return Err(fault(
            "the server gave no answer in time; see `donghanh keys status`, then try again",
        ));
    }
    serde_json::from_str(&answer).map(Some).map_err(fault)
}

/// Takes the place of a socket that a killed server left; refuses while another server runs on the folder.
pub fn bind(data: &Path) -> Result<StdListener, Fault> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = path(data);
    if UnixStream::connect(&path).is_ok() {
        return Err(fault("a server is running on this data folder already"));
    }
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(fault(error)),
        _ => {}
    }
    let listener = StdListener::bind(&path).map_err(|error| {
        Fault(format!(
            "control socket {}: {error}; a data folder needs a path of fewer than 90 characters",
            path.display()
        ))
    })?;
    listener.set_nonblocking(true).map_err(fault)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(fault)?;
    Ok(listener)
}

/// Answers until it is dropped.
pub async fn serve(listener: StdListener, gate: Arc<Gate>) {
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "control socket"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let gate = Arc::clone(&gate);
                actix_web::rt::spawn(async move {
                    if let Err(error) = tokio::time::timeout(PATIENCE, one(stream, &gate)).await {
                        tracing::warn!(%error, "a command on the control socket took too long");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "control socket");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn one(stream: tokio::net::UnixStream, gate: &Arc<Gate>) {
    let (read, mut write) = stream.into_split();
    let mut line = Zeroizing::new(String::new());
    if let Err(error) = tokio::io::BufReader::new(read.take(LONGEST)).read_line(&mut line).await {
        tracing::warn!(%error, "control socket");
        return;
    }
    let reply = match serde_json::from_str(&line) {
        Ok(question) => answer(gate, question).await,
        // The message of the parser could quote a secret.
        Err(_) => Reply::Fault {
            text: "not a question that this server knows".to_owned(),
        },
    };
    let mut line = serde_json::to_string(&reply).unwrap_or_default();
    line.push('\n');
    if let Err(error) = write.write_all(line.as_bytes()).await {
        tracing::warn!(%error, "control socket");
    }
}

async fn answer(gate: &Arc<Gate>, question: Question) -> Reply {
    let offer = match question {
        Question::Status => return status(gate).await,
        Question::Seal => {
            let sealed = gate.seal().await;
            return match sealed {
                Ok(()) => status(gate).await,
                Err(_) => Reply::Fault {
                    text: "sealed, but the log could not say so; see `donghanh check`".to_owned(),
                },
            };
        }
        Question::Passphrase { text } => Offer::Passphrase(text),
        Question::KeyFile { text } => Offer::KeyFile(text),
        Question::Share { text } => Offer::Share(text),
        Question::Duty { passphrase, token } => Offer::Duty(passphrase, token),
    };
    match gate.offer(None, offer).await {
        Ok(Progress::Open) | Err(OfferError::Open) => Reply::Open,
        Ok(Progress::Waiting(missing)) => Reply::Waiting { missing },
        Err(error) => Reply::Fault {
            text: error.to_string(),
        },
    }
}

async fn status(gate: &Arc<Gate>) -> Reply {
    if !gate.is_sealed() {
        return Reply::Open;
    }
    let ways = gate.ways().await.unwrap_or_default();
    Reply::Sealed {
        taken: ways.quorums.into_iter().flat_map(|quorum| quorum.taken).collect(),
    }
}
