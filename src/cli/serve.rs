//! `serve`: verifies the log, then serves until it is told to stop or the writer stops.

use std::process::ExitCode;
use std::time::Duration;

use ledger::Draft;

use super::{Arguments, Fault, fault, say, unseal};
use crate::app::App;
use crate::clock::{Clock, random_id};
use crate::operations::verify_log::{Sound, keep_checkpoint, verify};
use crate::storage::connection::{AnyConnection, is_postgres};
use crate::storage::dialect::{Plane, pending};
use crate::web::server;

/// Exit code after which a supervisor should start the server again: it verifies before it serves.
const RESTART: u8 = 3;

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let (config, keyring) = unseal::keyring(arguments)?;
    if !config.tls() && !config.listen.ip().is_loopback() {
        return Err(fault(
            "without TLS the server listens on loopback only; set tls_certificate and tls_key",
        ));
    }
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
    let (app, thread) = App::start(&arguments.data, config, Clock::system(), keyring).map_err(fault)?;
    let done = actix_web::rt::System::new().block_on(serve(app, sound));
    thread.join();
    done
}

async fn serve(app: App, sound: Sound) -> Result<ExitCode, Fault> {
    keep_checkpoint(&app, &sound).await.map_err(fault)?;
    record(&app, "sys.start").await?;
    let writer = app.writer.clone();
    let tls = app.config.tls();
    let stopping = app.clone();
    let ready = server::prepare(app).map_err(fault)?;
    let scheme = if tls { "https" } else { "http" };
    let handle = ready.server.handle();
    // Polled before it is announced, so that a signal right after the announcement ends it in order.
    let running = actix_web::rt::spawn(ready.server);
    tokio::task::yield_now().await;
    say(&format!("Listening on {scheme}://{}", ready.address));
    let watch = actix_web::rt::spawn(async move {
        while !writer.is_stopped() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        handle.stop(true).await;
    });
    running.await.map_err(fault)?.map_err(fault)?;
    watch.abort();
    let stopped = stopping.writer.is_stopped();
    if stopped {
        tracing::error!("the writer stopped; start again to verify the log");
    } else {
        record(&stopping, "sys.stop").await?;
    }
    // The writer's thread ends with its last handle; the watcher holds one until it is gone.
    drop(watch.await);
    drop(stopping);
    Ok(if stopped {
        ExitCode::from(RESTART)
    } else {
        ExitCode::SUCCESS
    })
}

async fn record(app: &App, kind: &str) -> Result<(), Fault> {
    let entry = Draft::new(kind, "system", &random_id().map_err(fault)?);
    app.writer
        .write::<(), ()>(None, move |_| Ok(((), vec![entry])))
        .await
        .map(drop)
        .map_err(|_| fault("the log cannot be written; see `donghanh check`"))
}
