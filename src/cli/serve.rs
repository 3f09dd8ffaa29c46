//! `serve`: verifies the log, then serves until it is told to stop or the writer stops.

use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ledger::Draft;

use super::{Arguments, Fault, control, fault, say, unseal};
use crate::app::Process;
use crate::clock::{Clock, random_id};
use crate::operations::gate::{Gate, Progress};
use crate::operations::mirror::Follower;
use crate::operations::sweep_files::sweep_files;
use crate::operations::verify_log::verify;
use crate::storage::connection::{AnyConnection, is_postgres};
use crate::storage::dialect::{Plane, pending};
use crate::storage::key_plane;
use crate::web::server;

/// Exit code after which a supervisor should start the server again: it verifies before it serves.
const RESTART: u8 = 3;

/// How often waiting shares and the writer are looked at.
const TICK: Duration = Duration::from_millis(200);

/// How often files without a case are looked for.
const SWEEP: Duration = Duration::from_secs(3600);

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (config, mut keys) = unseal::key_plane(arguments)?;
    if !config.tls() && !config.listen.ip().is_loopback() {
        return Err(fault(
            "without TLS the server listens on loopback only; set tls_certificate and tls_key",
        ));
    }
    if config.lock_memory {
        lock_memory()?;
    }
    let control = control::bind(&arguments.data)?;
    // Asked for before the work begins, so that a wrong passphrase costs no time.
    let offers = if unseal::is_said(arguments) {
        let slots = key_plane::slots(&mut keys).map_err(fault)?;
        unseal::offers(arguments, &slots)?
    } else {
        Vec::new()
    };
    drop(keys);
    let database = config.database_address(&arguments.data);
    let mut connection = AnyConnection::open(&database, false).map_err(fault)?;
    if pending(&mut connection, Plane::House).map_err(fault)? {
        return Err(fault("the database is older than this program; run `donghanh migrate`"));
    }
    let sound = verify(&mut connection).map_err(fault)?.map_err(|bad| {
        Fault(format!(
            "the log does not verify ({}); nothing is served. See `donghanh log verify`",
            bad.what
        ))
    })?;
    tracing::info!(
        entries = sound.size,
        sqlite = !is_postgres(&database),
        "the log is whole"
    );
    drop(connection);
    let mirror = config.backup.mirror.clone();
    let (process, thread) = Process::start(&arguments.data, config, Clock::system()).map_err(fault)?;
    // A mirror of another log keeps the server from serving.
    let follower = mirror
        .map(|folder| Follower::start(&process, &folder))
        .transpose()
        .map_err(fault)?;
    let gate = Arc::new(Gate::sealed(process, Some(sound)));
    let done = actix_web::rt::System::new().block_on(async move {
        for offer in offers {
            if gate.offer(None, offer).await.map_err(fault)? == Progress::Open {
                break;
            }
        }
        serve(control, gate).await
    });
    thread.join();
    if let Some(follower) = follower {
        follower.finish();
    }
    done
}

/// Keeps every page of the process, those to come as well, out of swap: no key is written to a disk that somebody may find.
fn lock_memory() -> Result<(), Fault> {
    use rustix::mm::MlockAllFlags;
    rustix::mm::mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).map_err(|error| {
        Fault(format!(
            "lock_memory is set, and the memory cannot be locked ({error}): put LimitMEMLOCK=infinity into the service unit, \
             or turn swap off and take lock_memory out of config.toml"
        ))
    })
}

async fn serve(control: UnixListener, gate: Arc<Gate>) -> Result<ExitCode, Fault> {
    let process = gate.process().clone();
    record(&process, "sys.start").await?;
    let ready = server::prepare(Arc::clone(&gate)).map_err(fault)?;
    let scheme = if process.config.tls() { "https" } else { "http" };
    let handle = ready.server.handle();
    let control = actix_web::rt::spawn(control::serve(control, Arc::clone(&gate)));
    // Polled before it is announced, so that a signal right after the announcement ends it in order.
    let running = actix_web::rt::spawn(ready.server);
    tokio::task::yield_now().await;
    let address = ready.address;
    if gate.is_sealed() {
        say(&format!(
            "Sealed. Open {scheme}://{address}/unsealing, or run `donghanh keys unseal`"
        ));
    }
    say(&format!("Listening on {scheme}://{address}"));
    let watch = actix_web::rt::spawn(async move {
        while !gate.process().writer.is_stopped() {
            if let Err(error) = gate.expire().await {
                tracing::error!(%error, "shares that waited too long were forgotten, but the log could not say so");
            }
            tokio::time::sleep(TICK).await;
        }
        handle.stop(true).await;
    });
    let swept = process.clone();
    let sweep = actix_web::rt::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            if let Err(error) = sweep_files(&swept).await {
                tracing::error!(%error, "files without a case were not removed");
            }
        }
    });
    running.await.map_err(fault)?.map_err(fault)?;
    sweep.abort();
    watch.abort();
    control.abort();
    let stopped = process.writer.is_stopped();
    if stopped {
        tracing::error!("the writer stopped; start again to verify the log");
    } else {
        record(&process, "sys.stop").await?;
    }
    // The writer's thread ends with its last handle; these hold one until they are gone.
    drop((watch.await, control.await, sweep.await));
    Ok(if stopped {
        ExitCode::from(RESTART)
    } else {
        ExitCode::SUCCESS
    })
}

async fn record(process: &Process, kind: &str) -> Result<(), Fault> {
    let entry = Draft::new(kind, "system", &random_id().map_err(fault)?);
    process
        .writer
        .write::<(), ()>(None, move |_| Ok(((), vec![entry])))
        .await
        .map(drop)
        .map_err(|_| fault("the log cannot be written; see `donghanh check`"))
}
