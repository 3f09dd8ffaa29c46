//! `user add | disable | reset` and `organisation-add`.

use std::process::ExitCode;

use std::sync::Arc;

use clap::Subcommand;
use ledger::vault::keyring::Keyring;

use super::{Arguments, Fault, fault, say, unseal};
use crate::domain::role::Role;
use crate::operations::accounts::{self, Secrets};
use crate::operations::password;
use crate::operations::release_cases::release_cases;
use crate::storage::connection::AnyConnection;
use crate::storage::writer::Writer;

/// Accounts.
#[derive(Subcommand)]
pub enum User {
    /// Add an account; prints its secrets once.
    Add {
        /// Code of the organisation.
        #[arg(long)]
        org: String,
        /// Role, for example `social_worker`.
        #[arg(long)]
        role: String,
        /// Name of the member of staff; kept sealed.
        #[arg(long)]
        name: String,
    },
    /// Disable an account, end its sessions at once, and let cases that nobody else works on wait for a colleague.
    Disable {
        /// Staff code.
        code: String,
    },
    /// New password, second factor and recovery codes.
    Reset {
        /// Staff code.
        code: String,
    },
}

/// Runs the command.
pub fn run(arguments: &Arguments, user: &User) -> Result<ExitCode, Fault> {
    let (writer, thread, keyring) = unseal::writer(arguments)?;
    let done = match user {
        User::Add { org, role, name } => {
            let known = Role::parse(role).ok_or_else(|| {
                let roles: Vec<&str> = Role::ALL.iter().map(|role| role.code()).collect();
                Fault(format!("no such role; the roles are {}", roles.join(", ")))
            })?;
            let password = new_password()?;
            let made = accounts::add(&writer, &keyring, org, known, name, &password).map_err(fault);
            made.map(|secrets| print(&secrets, &password))
        }
        User::Disable { code } => accounts::disable(&writer, &keyring, code)
            .map_err(fault)
            .and_then(|()| {
                say("Disabled; all sessions ended.");
                release(arguments, &writer, &keyring, code)
            }),
        User::Reset { code } => {
            let password = new_password()?;
            let made = accounts::reset(&writer, &keyring, code, &password).map_err(fault);
            made.map(|secrets| print(&secrets, &password))
        }
    };
    drop(writer);
    thread.join();
    done.map(|()| ExitCode::SUCCESS)
}

/// Nobody sees the cases of somebody who left but her supervisor: they go back to the unit.
fn release(arguments: &Arguments, writer: &Writer, keyring: &Arc<Keyring>, code: &str) -> Result<(), Fault> {
    let (config, mut plane) = unseal::key_plane(arguments)?;
    let mut house = AnyConnection::open(&config.database_address(&arguments.data), false).map_err(fault)?;
    let released = release_cases(&mut house, &mut plane, writer, keyring, code).map_err(|error| {
        Fault(format!(
            "the account is disabled, its cases are not released yet ({error}); run the command again"
        ))
    })?;
    if released > 0 {
        say(&format!(
            "Cases that now wait for a worker of the unit to take them: {released}"
        ));
    }
    Ok(())
}

/// `organisation-add`.
pub fn add_organisation(arguments: &Arguments, code: &str, kind: &str, name: &str) -> Result<ExitCode, Fault> {
    let (writer, thread, keyring) = unseal::writer(arguments)?;
    let done = accounts::add_organisation(&writer, &keyring, code, kind, name).map_err(fault);
    drop(writer);
    thread.join();
    done.map(|()| {
        say("Added.");
        ExitCode::SUCCESS
    })
}

/// A first password of 60 random bits that the person changes with the operator.
pub fn new_password() -> Result<String, Fault> {
    let codes = password::recovery_codes().map_err(fault)?;
    Ok(codes.into_iter().take(2).collect::<Vec<_>>().join("-").to_lowercase())
}

fn print(secrets: &Secrets, password: &str) {
    say(&format!("Staff code:      {}", secrets.code));
    say(&format!("Password:        {password}"));
    say(&format!(
        "One-time secret: {} (SHA-1, 6 digits, 30 seconds)",
        base32(&secrets.totp_secret)
    ));
    say(&format!("Recovery codes:  {}", secrets.recovery.join("  ")));
    say("Shown once. Hand them over in person.");
}

/// RFC 4648 base32, as authenticator apps want the secret.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    totp_rs::Secret::Raw(bytes.to_vec()).to_encoded().to_string()
}
