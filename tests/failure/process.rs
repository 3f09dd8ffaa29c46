//! The real program in a data folder of its own, with a worker and an auditor who can sign in.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::Value;
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_donghanh");

/// A data folder with demonstration users.
pub struct House {
    pub folder: TempDir,
    pub data: PathBuf,
}

/// A server that was started.
pub struct Running {
    pub child: Child,
    pub address: String,
}

impl House {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::at(folder, data, "")
    }

    /// A house with as many cases.
    pub fn of(cases: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::filled(folder, data, "", cases)
    }

    /// A house whose data folder is at a path that exists already or not, with more lines of configuration.
    pub fn at(folder: TempDir, data: PathBuf, more: &str) -> Self {
        Self::filled(folder, data, more, 4)
    }

    fn filled(folder: TempDir, data: PathBuf, more: &str, cases: u32) -> Self {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&data)
            .unwrap();
        std::fs::write(
            data.join("config.toml"),
            format!("listen = \"127.0.0.1:0\"\nworkers = 1\n{more}"),
        )
        .unwrap();
        let house = Self { folder, data };
        house.ok(&["init"]);
        house.ok(&["demo", "fill", "--cases", &cases.to_string()]);
        house
    }

    /// Another node of the same deployment: a folder of its own with the same configuration and key.
    pub fn second_node(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::DirBuilder::new().mode(0o700).create(&data).unwrap();
        std::fs::copy(self.data.join("config.toml"), data.join("config.toml")).unwrap();
        std::fs::copy(self.folder.path().join("key"), folder.path().join("key")).unwrap();
        Self { folder, data }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        command(&self.data, &self.folder.path().join("key"), arguments)
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn ok(&self, arguments: &[&str]) -> String {
        let out = self.run(arguments);
        assert!(
            out.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    pub fn serve(&self) -> Running {
        let mut child = self
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(address.starts_with("http"), "{line}");
        Running { child, address }
    }

    pub fn user(&self, role: &str) -> Value {
        let known: Value =
            serde_json::from_str(&std::fs::read_to_string(self.data.join("demo.json")).unwrap()).unwrap();
        known["users"]
            .as_array()
            .unwrap()
            .iter()
            .find(|user| user["role"] == role)
            .unwrap()
            .clone()
    }
}

pub fn command(data: &Path, key: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg("--data")
        .arg(data)
        .arg("--key-file")
        .arg(key)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

/// Runs a command with lines on its standard input.
pub fn fed(mut command: Command, input: &[&str]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in input {
        // A command that does not read to the end closes its input.
        if stdin.write_all(format!("{line}\n").as_bytes()).is_err() {
            break;
        }
    }
    drop(stdin);
    child.wait_with_output().unwrap()
}

impl Running {
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks for an orderly end, as a service manager does.
    pub fn terminate(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }
}

/// A signed-in browser of a user, by a recovery code so that no clock matters.
pub struct Browser {
    pub client: Client,
    pub address: String,
}

pub struct Answer {
    pub status: u16,
    pub index: Option<String>,
    pub location: Option<String>,
    pub retry: Option<String>,
    pub body: String,
}

impl Browser {
    pub async fn sign_in(address: &str, user: &Value, recovery: usize) -> Self {
        let (browser, answer) = Self::asks(address, user, recovery).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser
    }

    /// Whether these open a session.
    pub async fn tries(address: &str, user: &Value, recovery: usize) -> bool {
        let (_, answer) = Self::asks(address, user, recovery).await;
        assert!(matches!(answer.status, 303 | 422), "{}", answer.body);
        answer.status == 303
    }

    async fn asks(address: &str, user: &Value, recovery: usize) -> (Self, Answer) {
        // A connection that waited while a test did something slow may be closed just as it is used again: always a new one.
        let client = Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let browser = Self {
            client,
            address: address.to_owned(),
        };
        let page = browser.get("/sign-in").await.unwrap();
        let text = |name: &str| user[name].as_str().unwrap().to_owned();
        let second = user["recovery"][recovery].as_str().unwrap().to_owned();
        let fields = [
            ("code", text("code")),
            ("password", text("password")),
            ("second", second),
        ];
        let answer = browser.submit(&page, "/sign-in", &fields).await.unwrap();
        (browser, answer)
    }

    pub async fn get(&self, path: &str) -> Result<Answer, reqwest::Error> {
        answer(self.client.get(format!("{}{path}", self.address)).send().await?).await
    }

    pub async fn submit(&self, page: &Answer, path: &str, fields: &[(&str, String)]) -> Result<Answer, reqwest::Error> {
        let mut form: Vec<(&str, String)> = ["_request", "_expires", "_mac"]
            .map(|name| (name, page.hidden(name)))
            .to_vec();
        form.extend(fields.iter().cloned());
        answer(
            self.client
                .post(format!("{}{path}", self.address))
                .form(&form)
                .send()
                .await?,
        )
        .await
    }
}

async fn answer(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let (status, index, location, retry) = (
        response.status().as_u16(),
        header("x-log-index"),
        header("location"),
        header("retry-after"),
    );
    let body = String::from_utf8_lossy(&response.bytes().await?).into_owned();
    Ok(Answer {
        status,
        index,
        location,
        retry,
        body,
    })
}

impl Answer {
    pub fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .body
            .split_once(&mark)
            .unwrap_or_else(|| panic!("no {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// The address of the first case of the list.
pub async fn a_case(browser: &Browser) -> String {
    let list = browser.get("/cases").await.unwrap();
    let case = list
        .body
        .split("href=\"/cases/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .find(|id| id.len() == 26);
    format!("/cases/{}", case.unwrap())
}
