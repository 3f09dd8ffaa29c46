//! The operator's front: one file per command. Secrets are prompted for or read from standard input, never arguments.

mod backup;
mod check;
mod control;
mod demo;
mod erase;
mod hand_over;
mod hardware;
mod init;
mod keys;
mod log;
mod migrate;
mod package;
mod rotate;
mod serve;
mod server;
mod sheet;
mod slot;
mod unseal;
mod user;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Case management for victims of trafficking: no plaintext without a log entry.
#[derive(Parser)]
#[command(name = "donghanh", version)]
struct Arguments {
    /// Data folder.
    #[arg(long, global = true, default_value = "data")]
    data: PathBuf,
    /// Open the keys with this key file instead of a passphrase.
    #[arg(long, global = true)]
    key_file: Option<PathBuf>,
    /// Read the passphrase from the first line of standard input instead of asking for it.
    #[arg(long, global = true)]
    passphrase_stdin: bool,
    /// Read shares of custodians from standard input, one per line; an empty line ends them.
    #[arg(long, global = true)]
    shares_stdin: bool,
    /// Open the keys with the hardware module of config.toml; asks for the PIN of its token.
    #[arg(long, global = true)]
    hardware: bool,
    /// The key file is a duty officer's token: her passphrase is needed as well.
    #[arg(long, global = true)]
    duty: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Backups of the data, and the way back.
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Check configuration, permissions, versions, log head and disk; names all faults at once.
    Check,
    /// The demonstration with synthetic people.
    #[command(subcommand)]
    Demo(demo::Demo),
    /// Set up a new deployment in an empty folder and print the log's public key.
    Init(slot::NewSlot),
    /// Slots, unsealing and sealing.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The access log.
    #[command(subcommand)]
    Log(log::Log),
    /// Bring both databases up to date; needs no key.
    Migrate,
    /// Add an organisation: CODE KIND NAME.
    OrganisationAdd {
        /// Short code, for example UBND-MAU.
        code: String,
        /// Kind, for example commune, legal_aid_centre, police, health_department.
        kind: String,
        /// Name.
        name: String,
    },
    /// Serve the browser front; sealed, unless a key file or secrets on standard input are given.
    Serve,
    /// Accounts.
    #[command(subcommand)]
    User(user::User),
}

/// What went wrong, for the operator: one sentence and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Fault(String);

fn fault(error: impl std::fmt::Display) -> Fault {
    Fault(error.to_string())
}

impl From<crate::storage::StorageError> for Fault {
    fn from(error: crate::storage::StorageError) -> Self {
        fault(error)
    }
}

/// Every command as it is typed, without its arguments.
#[must_use]
pub fn commands() -> Vec<String> {
    fn below(command: &clap::Command, before: &str, all: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let name = format!("{before}{}", sub.get_name());
            match sub.has_subcommands() {
                true => below(sub, &format!("{name} "), all),
                false => all.push(name),
            }
        }
    }
    let mut all = Vec::new();
    below(&Arguments::command(), "", &mut all);
    all
}

/// Runs the command line.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .with_target(false)
        .init();
    // Whatever is written is its owner's alone, whatever the folder allows.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // No core file may hold keys, and no other process of the same user may read the memory.
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process could not be made non-dumpable");
    }
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%error, "core files could not be turned off");
    }
    let done = match &arguments.command {
        Command::Backup(act) => backup::run(&arguments, act),
        Command::Check => check::run(&arguments),
        Command::Demo(demo) => demo::run(&arguments, demo),
        Command::Init(new) => init::run(&arguments, new),
        Command::Keys(keys) => keys::run(&arguments, keys),
        Command::Log(log) => log::run(&arguments, log),
        Command::Migrate => migrate::run(&arguments),
        Command::OrganisationAdd { code, kind, name } => user::add_organisation(&arguments, code, kind, name),
        Command::Serve => serve::run(&arguments),
        Command::User(user) => user::run(&arguments, user),
    };
    match done {
        Ok(code) => code,
        Err(Fault(text)) => {
            say_error(&text);
            ExitCode::FAILURE
        }
    }
}

/// Runs what only waits for files, outside a server.
fn wait<T>(work: impl Future<Output = T>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fault)?;
    Ok(runtime.block_on(work))
}

fn say(text: &str) {
    // A closed terminal is the reader's choice.
    let _closed: std::io::Result<()> = writeln!(std::io::stdout(), "{text}");
}

fn say_error(text: &str) {
    let _closed: std::io::Result<()> = writeln!(std::io::stderr(), "donghanh: {text}");
}
