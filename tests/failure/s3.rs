//! Sealed files in a store that speaks S3: a real server of it, the real program, and what happens when the store is away.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use reqwest::multipart::{Form, Part};

use crate::attachments::streams_flat;
use crate::process::{Browser, House, a_case, block_on};

/// A store of its own for one test; `scripts/test` installs the program.
struct Store {
    child: Child,
    port: u16,
}

impl Store {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/target/s3/bin/moto_server");
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; `scripts/test` installs it"));
        let store = Self { child, port };
        let end = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the store starts");
            std::thread::sleep(Duration::from_millis(100));
        }
        let bucket = reqwest::Client::new().put(format!("http://127.0.0.1:{port}/sealed"));
        assert!(block_on(bucket.send()).unwrap().status().is_success());
        store
    }

    /// A house whose files are in it.
    fn house(&self, more: &str) -> House {
        let folder = tempfile::tempdir().unwrap();
        let credentials = folder.path().join("s3");
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&credentials)
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"an-id\na-secret-of-the-store\n"))
            .unwrap();
        let data = folder.path().join("data");
        let config = format!(
            "{more}\n[s3]\nendpoint = \"http://127.0.0.1:{}\"\nbucket = \"sealed\"\nprefix = \"province\"\ncredentials = \"{}\"\n",
            self.port,
            credentials.display()
        );
        House::at(folder, data, &config)
    }

    /// What the bucket says is in it.
    fn listing(&self) -> String {
        let list = reqwest::Client::new().get(format!("http://127.0.0.1:{}/sealed", self.port));
        block_on(async { list.send().await.unwrap().text().await.unwrap() })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn attach(browser: &Browser, case: &str, bytes: Vec<u8>) -> (u16, String) {
    let at = format!("{case}/attachments");
    let page = browser.get(&at).await.unwrap();
    let mut form = Form::new().text("group", "risk").text("evidence", "yes");
    for name in ["_request", "_expires", "_mac"] {
        form = form.text(name, page.hidden(name));
    }
    // The fields come before the file.
    form = form.part("file", Part::bytes(bytes).file_name("mau.pdf"));
    let sent = browser.client.post(format!("{}{at}", browser.address)).multipart(form);
    let answer = sent.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[test]
fn a_hundred_megabytes_go_through_a_store_while_the_memory_stays_flat() {
    let store = Store::start();
    let house = store.house("");
    streams_flat(&house);
    assert!(store.listing().contains("<Key>province/"));
    assert!(!house.data.join("files").exists(), "nothing is kept beside it");
}

#[test]
fn files_in_a_store_are_backed_up_checked_and_given_out_and_a_store_that_is_away_loses_nothing() {
    let store = Store::start();
    let away = tempfile::tempdir().unwrap();
    let identity = age::x25519::Identity::generate();
    let secret = away.path().join("identity").to_str().unwrap().to_owned();
    std::fs::write(&secret, identity.to_string().expose_secret()).unwrap();
    let backup = format!(
        "[backup]\nfolder = \"{}\"\nrecipients = [\"{}\"]\n",
        away.path().display(),
        identity.to_public()
    );
    let house = store.house(&backup);
    let running = house.serve();
    let document = [b"%PDF-1.7 mau ".as_slice(), &[7; 7_000_000]].concat();
    let (worker, case) = block_on(async {
        let worker = Browser::sign_in(&running.address, &house.user("social_worker"), 0).await;
        let case = a_case(&worker).await;
        assert_eq!(attach(&worker, &case, document.clone()).await.0, 303);
        (worker, case)
    });
    let said = house.ok(&["backup", "create"]);
    assert!(said.contains("1 sealed files"), "{said}");
    assert!(
        house
            .ok(&["backup", "verify", "--identity", &secret])
            .contains("1 sealed files")
    );
    assert!(house.ok(&["check"]).contains("OK"));

    let list = async || worker.get(&format!("{case}/attachments")).await.unwrap();
    let before = block_on(list()).body.matches("mau.pdf").count();
    assert!(before > 0);
    drop(store);
    block_on(async {
        let (status, page) = attach(&worker, &case, document.clone()).await;
        assert_eq!(status, 503, "{page}");
        assert!(
            !page.contains("127.0.0.1:") && !page.contains("sealed/"),
            "the page tells no inside"
        );
        let after = list().await;
        assert_eq!(after.status, 200, "what is known of the files is in the database");
        assert_eq!(after.body.matches("mau.pdf").count(), before, "the second was not kept");
        assert_eq!(worker.get(&case).await.unwrap().status, 200, "and work goes on");
    });
    running.kill();
    let checked = house.run(&["check"]);
    assert!(!checked.status.success());
}

#[test]
fn a_store_over_the_network_without_tls_or_with_open_credentials_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let house = House::at(folder, data, "");
    let credentials = house.folder.path().join("s3");
    std::fs::write(&credentials, "an-id\na-secret-of-the-store\n").unwrap();
    let tries = |endpoint: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(mode)).unwrap();
        let config = format!(
            "listen = \"127.0.0.1:0\"\n[s3]\nendpoint = \"{endpoint}\"\nbucket = \"sealed\"\ncredentials = \"{}\"\n",
            credentials.display()
        );
        std::fs::write(house.data.join("config.toml"), config).unwrap();
        let out = house.run(&["serve"]);
        assert!(!out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    assert!(tries("http://store.example", 0o600).contains("must begin with https://"));
    assert!(tries("https://store.example", 0o644).contains("chmod 600"));
    for odd in [
        "a-secret-that-is-long an-id\n",
        "a-secret-that-is-long\nan-id\n",
        "[default]\nkey = an-id\n",
    ] {
        std::fs::write(&credentials, odd).unwrap();
        let said = tries("https://store.example", 0o600);
        assert!(
            said.contains("two lines") && !said.contains("that-is-long"),
            "{odd}: {said}"
        );
    }
    std::fs::write(&credentials, "only-an-id\n").unwrap();
    let said = tries("https://store.example", 0o600);
    assert!(said.contains("two lines") && !said.contains("only-an-id"), "{said}");
}
