//! What the suites share: a house in a temporary folder, on either database, with a clock that stands still.

#![allow(dead_code, reason = "each suite uses its own part")]

pub mod postgres;

use std::collections::BTreeSet;
use std::sync::Arc;

use donghanh::app::{App, Process};
use donghanh::clock::{Clock, random_id};
use donghanh::config::Config;
use donghanh::domain::group::Group;
use donghanh::domain::public_id::PublicId;
use donghanh::domain::role::Role;
use donghanh::operations::accounts::{self, Secrets};
use donghanh::operations::actor::Actor;
use donghanh::operations::attach_file::{Attachment, attach_file};
use donghanh::operations::create_intake::{Intake, Opened, create_intake};
use donghanh::operations::gate::Gate;
use donghanh::operations::init::init;
use donghanh::operations::open_attachment::list_attachments;
use donghanh::operations::sign_in::{Credentials, sign_in};
use donghanh::operations::{password, sessions};
use donghanh::storage::StorageError;
use donghanh::storage::connection::AnyConnection;
use donghanh::storage::log_rows;
use donghanh::storage::writer::WriterThread;
use ledger::vault::slot::Slot;
use serde_json::json;
use tempfile::TempDir;

pub const PASSWORD: &str = "mật khẩu mẫu đủ dài";
/// 1 March 2026, 08:00 in Viet Nam.
pub const START: i64 = 1_772_326_800_000;

/// A running house.
pub struct World {
    pub app: App,
    pub gate: Arc<Gate>,
    pub data: TempDir,
    thread: Option<WriterThread>,
    _server: Option<postgres::Server>,
}

/// A member of staff with everything needed to sign in.
pub struct Staff {
    pub secrets: Secrets,
}

/// Which database a body of tests runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Runs a body on SQLite and, when the programs are there, on PostgreSQL; `scripts/test` makes sure that they are.
pub fn for_each_database(body: impl Fn(&World)) {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let world = World::on(kind);
        body(&world);
    }
}

impl World {
    pub fn new() -> Self {
        Self::on(Kind::Sqlite)
    }

    pub fn on(kind: Kind) -> Self {
        let server = (kind == Kind::Postgres).then(postgres::Server::start);
        let addresses = server
            .as_ref()
            .map(|server| (server.address("house"), server.address("keys")));
        Self::build(addresses, server, |_| {})
    }

    /// A house with another configuration.
    pub fn configured(change: impl FnOnce(&mut Config)) -> Self {
        Self::build(None, None, change)
    }

    fn build(
        addresses: Option<(String, String)>,
        server: Option<postgres::Server>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            workers: 1,
            ..Config::default()
        };
        change(&mut config);
        if let Some((house, keys)) = addresses {
            config.database = house;
            config.key_plane = keys;
        }
        let clock = Clock::fixed(START);
        let made = init::<StorageError>(data.path(), &config, &clock, |deployment, root| {
            let (slot, text) = Slot::key_file(deployment, root)?;
            std::fs::write(data.path().join("test.key"), text.as_bytes()).unwrap();
            Ok(slot)
        });
        let keyring = Arc::into_inner(made.unwrap().keyring).unwrap();
        let (process, thread) = Process::start(data.path(), config, clock).unwrap();
        let app = process.open(keyring);
        let world = Self {
            gate: Arc::new(Gate::opened(app.clone())),
            app,
            data,
            thread: Some(thread),
            _server: server,
        };
        for (code, kind) in [
            ("XA-A", "commune"),
            ("XA-B", "commune"),
            ("CA", "police"),
            ("TGPL", "legal_aid_centre"),
            ("TTR", "inspectorate"),
        ] {
            accounts::add_organisation(&world.app.writer, &world.app.keyring, code, kind, "Tổ chức mẫu").unwrap();
        }
        world
    }

    /// A world in databases of its own on a PostgreSQL that is running already: starting one takes seconds.
    pub fn with(kind: Kind, server: &postgres::Server) -> Self {
        Self::build((kind == Kind::Postgres).then(|| server.fresh()), None, |_| {})
    }

    pub fn staff(&self, org: &str, role: Role) -> Staff {
        let secrets = accounts::add(&self.app.writer, &self.app.keyring, org, role, "Người mẫu", PASSWORD).unwrap();
        Staff { secrets }
    }

    /// Signs in for real; every sign-in takes the next step of the clock, because codes work once.
    pub fn sign_in(&self, staff: &Staff) -> (Actor, String) {
        self.app.clock.advance(30_000);
        let token = self.block_on(async {
            let second = staff.code(self.app.clock.now_ms());
            let credentials = Credentials {
                code: staff.secrets.code.clone(),
                password: PASSWORD.to_owned().into(),
                second: second.into(),
            };
            sign_in(&self.app, credentials, [1; 8], random_id().unwrap())
                .await
                .unwrap()
        });
        let actor = self
            .block_on(sessions::find(&self.app, &token, [1; 8], random_id().unwrap()))
            .unwrap()
            .unwrap();
        (actor, token.to_string())
    }

    pub fn actor(&self, org: &str, role: Role) -> Actor {
        self.sign_in(&self.staff(org, role)).0
    }

    pub fn intake(&self, actor: &Actor, alias: &str) -> Opened {
        let actor = Actor {
            request: random_id().unwrap(),
            ..actor.clone()
        };
        self.intake_of_request(&actor, alias)
    }

    /// The same with the request id that the actor has.
    pub fn intake_of_request(&self, actor: &Actor, alias: &str) -> Opened {
        let groups = vec![
            (
                Group::Identity,
                json!({"alias": {"known": alias}, "age_band": {"known": "16_17"}}),
            ),
            (Group::Risk, json!({"danger": {"known": "high"}})),
        ];
        let intake = Intake {
            groups,
            urgent: true,
            child: true,
        };
        self.block_on(create_intake(&self.app, actor, intake)).unwrap()
    }

    /// Adds a document to a case, and gives its name.
    pub fn attach(&self, actor: &Actor, case: PublicId, group: Group, bytes: &[u8]) -> [u8; 16] {
        let attachment = Attachment {
            group,
            name: "mau.pdf".to_owned(),
            note: String::new(),
            evidence: false,
        };
        let actor = Actor {
            request: random_id().unwrap(),
            ..actor.clone()
        };
        let content = futures_util::stream::iter([Ok(bytes::Bytes::copy_from_slice(bytes))]);
        self.block_on(attach_file(&self.app, &actor, case, attachment, content))
            .unwrap();
        let list = self.block_on(list_attachments(&self.app, &actor, case)).unwrap();
        list.files[0].name.0
    }

    /// Names of the sealed files that are kept.
    pub fn sealed_files(&self) -> BTreeSet<[u8; 16]> {
        let sizes = self.block_on(self.app.files.objects.sizes()).unwrap();
        sizes.into_keys().collect()
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(future)
    }

    pub fn database(&self) -> String {
        self.app.config.database_address(self.data.path())
    }

    pub fn connection(&self) -> AnyConnection {
        AnyConnection::open(&self.database(), false).unwrap()
    }

    /// Runs SQL as somebody who has the database in hand.
    pub fn db_execute(&self, sql: &str) -> Result<(), diesel::result::Error> {
        use diesel::connection::SimpleConnection as _;
        self.connection().batch_execute(sql)
    }

    /// Whether a text stands in plain in any file of the data folder.
    pub fn database_holds(&self, text: &str) -> bool {
        std::fs::read_dir(self.data.path())
            .unwrap()
            .filter_map(|entry| std::fs::read(entry.unwrap().path()).ok())
            .any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    /// Kinds of all entries, in order.
    pub fn kinds(&self) -> Vec<String> {
        self.entries().into_iter().map(|entry| entry.k).collect()
    }

    pub fn entries(&self) -> Vec<ledger::log::entry::Entry> {
        self.entries_since(0)
    }

    /// How many entries there are.
    pub fn log_size(&self) -> i64 {
        log_rows::head(&mut self.connection()).unwrap().size
    }

    /// Entries from an index on.
    pub fn entries_since(&self, index: i64) -> Vec<ledger::log::entry::Entry> {
        let mut connection = self.connection();
        let head = log_rows::head(&mut connection).unwrap();
        log_rows::from_index(&mut connection, head.shard, index, 1_000_000)
            .unwrap()
            .iter()
            .map(|row| ledger::log::entry::Entry::parse(&row.bytes).unwrap())
            .collect()
    }

    pub fn log_is_whole(&self) -> bool {
        donghanh::operations::verify_log::verify(&mut self.connection())
            .unwrap()
            .is_ok()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The writer's thread ends when the last handle goes; a test that keeps one would hang here, so it is left alone.
        self.thread.take();
    }
}

impl Staff {
    pub fn code(&self, now_ms: i64) -> String {
        let step = u64::try_from(now_ms).unwrap() / 1000 / password::STEP;
        password::totp_code(&self.secrets.totp_secret, step).unwrap()
    }
}
