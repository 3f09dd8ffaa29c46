//! A PostgreSQL of its own for one test: a fresh cluster on a free port of loopback, ended when dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A running cluster with the databases `house` and `keys`.
pub struct Server {
    folder: TempDir,
    port: u16,
}

impl Server {
    pub fn start() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::Builder::new().prefix("dhpg").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let cluster = folder.path().join("cluster");
        run(program("initdb")
            .args(["-A", "trust", "-U", "dh", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&cluster));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options =
            format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60");
        run(program("pg_ctl")
            .args(["-w", "-s", "-l"])
            .arg(folder.path().join("log"))
            .args(["-o", &options, "-D"])
            .arg(&cluster)
            .arg("start"));
        for database in ["house", "keys"] {
            run(program("createdb").args(["-h", "127.0.0.1", "-U", "dh", "-p", &port.to_string(), database]));
        }
        Self { folder, port }
    }

    pub fn address(&self, database: &str) -> String {
        format!("postgres://dh@127.0.0.1:{}/{database}", self.port)
    }

    /// Two more empty databases: house and keys.
    pub fn fresh(&self) -> (String, String) {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let port = self.port.to_string();
        let names = [format!("house{number}"), format!("keys{number}")];
        for database in &names {
            run(program("createdb").args(["-h", "127.0.0.1", "-U", "dh", "-p", &port, database]));
        }
        (self.address(&names[0]), self.address(&names[1]))
    }

    pub fn stop_at_once(&self) {
        run(program("pg_ctl")
            .args(["-m", "immediate", "-w", "-s", "-D"])
            .arg(self.folder.path().join("cluster"))
            .arg("stop"));
    }

    pub fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60",
            self.port
        );
        let cluster = self.folder.path().join("cluster");
        run(program("pg_ctl")
            .args(["-w", "-s", "-l"])
            .arg(self.folder.path().join("log"))
            .args(["-o", &options, "-D"])
            .arg(cluster)
            .arg("start"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let cluster = self.folder.path().join("cluster");
        let _ended = program("pg_ctl")
            .args(["-m", "immediate", "-s", "-D"])
            .arg(cluster)
            .arg("stop")
            .status();
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// PostgreSQL refuses to run as root, so root runs it as `postgres`.
fn program(name: &str) -> Command {
    let path = [
        "/usr/lib/postgresql/17/bin",
        "/usr/lib/postgresql/16/bin",
        "/usr/lib/postgresql/15/bin",
        "/usr/lib/postgresql/14/bin",
    ]
    .iter()
    .map(|folder| Path::new(folder).join(name))
    .find(|path| path.exists())
    .unwrap_or_else(|| PathBuf::from(name));
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout == b"0\n");
    if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(path);
        command.current_dir("/");
        command
    } else {
        Command::new(path)
    }
}

fn run(command: &mut Command) {
    let out = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .status();
    assert!(
        out.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {out:?}"
    );
}
