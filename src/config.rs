//! Configuration: one TOML file in the data folder and nothing in the environment, so that no secret shows in a listing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// `config.toml` of a data folder; every key has a default.
#[derive(Deserialize, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address that `serve` listens on.
    pub listen: SocketAddr,
    /// `postgres://…` or empty for the SQLite file `donghanh.db` of the data folder.
    pub database: String,
    /// `postgres://…` of the key plane, another instance than `database`, or empty for `keys.db` of the data folder.
    pub key_plane: String,
    /// Name of this process in the log.
    pub node: String,
    /// PEM file with the certificate chain; with `tls_key` the server speaks TLS only.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with the private key.
    pub tls_key: Option<PathBuf>,
    /// Where *quick exit* leads.
    pub quick_exit: String,
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u32,
    /// Hours after which a session ends in any case.
    pub session_hours: u32,
    /// Threads that answer requests; 0 for one per core.
    pub workers: usize,
    /// Folder of the sealed files, or `files` of the data folder.
    pub files: Option<PathBuf>,
    /// A store of the sealed files that speaks S3, instead of a folder.
    pub s3: Option<S3>,
    /// PKCS #11 library of the hardware module that opens slots of the kind `pkcs11`.
    pub pkcs11: Option<PathBuf>,
    /// Whether the memory of the server is kept out of swap; needs the right to lock it.
    pub lock_memory: bool,
    /// Where copies go.
    pub backup: Backup,
}

/// `[backup]` of `config.toml`.
#[derive(Deserialize, Clone)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Folder of the backups, on another disk than the data.
    pub folder: Option<PathBuf>,
    /// Public age keys of those who may restore; their secret keys are not on this machine.
    pub recipients: Vec<String>,
    /// How many backups are kept.
    pub keep: usize,
    /// Folder into which the raw entries of the log are copied as they are written, on another machine's disk.
    pub mirror: Option<PathBuf>,
}

/// `[s3]` of `config.toml`.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Address of the store, `https://…`; plain HTTP on loopback only.
    pub endpoint: String,
    /// Region, as the store wants it.
    #[serde(default = "region")]
    pub region: String,
    /// Bucket.
    pub bucket: String,
    /// Before the name of every file; empty for none.
    #[serde(default)]
    pub prefix: String,
    /// File (0600) with the id of the access key in its first line and the secret in its second.
    pub credentials: PathBuf,
}

fn region() -> String {
    "us-east-1".to_owned()
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            folder: None,
            recipients: Vec::new(),
            keep: 30,
            mirror: None,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            database: String::new(),
            key_plane: String::new(),
            node: "node-1".to_owned(),
            tls_certificate: None,
            tls_key: None,
            quick_exit: "https://www.google.com/search?q=thoi+tiet".to_owned(),
            idle_minutes: 30,
            session_hours: 12,
            workers: 0,
            files: None,
            s3: None,
            pkcs11: None,
            lock_memory: false,
            backup: Backup::default(),
        }
    }
}

/// The configuration cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there but cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file is not valid.
    ///
    /// Says where and what, and never repeats the line: it may hold what is secret.
    #[error("{0} is not valid, line {1}: {2}")]
    Invalid(PathBuf, usize, String),
}

impl Config {
    /// Reads `config.toml` of a data folder; a folder without one takes the defaults.
    pub fn load(data: &Path) -> Result<Self, ConfigError> {
        let path = data.join("config.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
                ConfigError::Invalid(path, before.matches('\n').count() + 1, error.message().to_owned())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(ConfigError::Unreadable(path, error)),
        }
    }

    /// Address of the database with cases and log.
    #[must_use]
    pub fn database_address(&self, data: &Path) -> String {
        or_file(&self.database, data, "donghanh.db")
    }

    /// Address of the key plane.
    #[must_use]
    pub fn key_plane_address(&self, data: &Path) -> String {
        or_file(&self.key_plane, data, "keys.db")
    }

    /// Folder of the sealed files; several nodes share it.
    #[must_use]
    pub fn files_folder(&self, data: &Path) -> PathBuf {
        self.files.clone().unwrap_or_else(|| data.join("files"))
    }

    /// Whether the server speaks TLS.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls_certificate.is_some() && self.tls_key.is_some()
    }
}

fn or_file(address: &str, data: &Path, name: &str) -> String {
    if address.is_empty() {
        data.join(name).to_string_lossy().into_owned()
    } else {
        address.to_owned()
    }
}
