//! `migrate`: both databases, without a key.

use std::process::ExitCode;

use super::{Arguments, Fault, fault, say};
use crate::config::Config;
use crate::storage::connection::AnyConnection;
use crate::storage::dialect::{Plane, migrate};

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let config = Config::load(&arguments.data).map_err(fault)?;
    for (address, plane) in [
        (config.database_address(&arguments.data), Plane::House),
        (config.key_plane_address(&arguments.data), Plane::Keys),
    ] {
        let mut connection = AnyConnection::open(&address, false).map_err(fault)?;
        migrate(&mut connection, plane).map_err(fault)?;
    }
    say("Both databases are up to date.");
    Ok(ExitCode::SUCCESS)
}
