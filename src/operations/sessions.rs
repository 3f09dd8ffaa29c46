//! Signed-in browsers: rows in the database, a cache in memory that a revocation empties through the rights version.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;

use super::actor::Actor;
use super::failure::Failure;
use crate::app::App;
use crate::domain::role::Role;
use crate::storage::StorageError;
use crate::storage::access_rows::{AccessRow, AccountRow, OrganisationRow, SessionRow};
use crate::storage::connection::AnyConnection;
use crate::storage::log_rows;
use crate::storage::schema::{account, organisation, session};
use crate::storage::visible::Viewer;

/// Most sessions kept in memory; beyond it the cache starts anew.
const MOST: usize = 10_000;

/// The cache.
pub struct Sessions {
    idle_ms: i64,
    known: Mutex<HashMap<[u8; 32], Known>>,
}

struct Known {
    actor: Actor,
    expires_at: i64,
    seen_at: i64,
}

/// The id of a session row for a token.
#[must_use]
pub fn session_id(token: &str) -> [u8; 32] {
    ledger::sha256(&[b"DH1 session".as_slice(), token.as_bytes()].concat())
}

impl Sessions {
    /// Sessions end after so many minutes without a request.
    #[must_use]
    pub fn new(idle_minutes: u32) -> Self {
        Self {
            idle_ms: i64::from(idle_minutes) * 60_000,
            known: Mutex::default(),
        }
    }

    /// Forgets what is known of a session, so that it is read again.
    pub fn forget(&self, id: &[u8; 32]) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// `rights` is the last rights version known here: an actor looked up before it is looked up again.
    fn cached(&self, id: &[u8; 32], now_ms: i64, rights: i64) -> Option<Option<Actor>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get_mut(id)?;
        if now_ms >= entry.expires_at || now_ms - entry.seen_at > self.idle_ms {
            return Some(None);
        }
        entry.seen_at = now_ms;
        if entry.actor.rights < rights {
            return None;
        }
        Some(Some(entry.actor.clone()))
    }

    fn keep(&self, id: [u8; 32], actor: Actor, expires_at: i64, now_ms: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        let seen_at = known.get(&id).map_or(now_ms, |entry| entry.seen_at);
        known.insert(
            id,
            Known {
                actor,
                expires_at,
                seen_at,
            },
        );
    }
}

/// The actor of a session token; `None` when nobody is signed in by it.
pub async fn find(app: &App, token: &str, network: [u8; 8], request: [u8; 16]) -> Result<Option<Actor>, Failure> {
    let id = session_id(token);
    let now_ms = app.clock.now_ms();
    // What is known in memory is only ever less than what the row allows.
    if let Some(cached) = app.sessions.cached(&id, now_ms, app.writer.rights()) {
        return Ok(cached.map(|actor| Actor {
            network,
            request,
            ..actor
        }));
    }
    refresh(app, id, network, request).await
}

/// The session ended while an act was under way.
#[derive(Debug)]
pub struct SignedOut;

/// Does an act, and decides it again whenever rights were taken away between its decision and its entry (`None`).
pub async fn with_current_rights<T, E: From<Failure> + From<SignedOut>>(
    app: &App,
    actor: &Actor,
    attempt: impl AsyncFn(&Actor) -> Result<Option<T>, E>,
) -> Result<T, E> {
    let mut actor = actor.clone();
    loop {
        if let Some(done) = attempt(&actor).await? {
            return Ok(done);
        }
        actor = refresh(app, actor.session, actor.network, actor.request)
            .await?
            .ok_or(SignedOut)?;
    }
}

/// Reads the session again, after rights were taken away.
pub async fn refresh(app: &App, id: [u8; 32], network: [u8; 8], request: [u8; 16]) -> Result<Option<Actor>, Failure> {
    let now_ms = app.clock.now_ms();
    let loaded = app
        .read(move |app, connection| load(app, connection, id, now_ms))
        .await?;
    match loaded {
        Loaded::Nobody => {
            app.sessions.forget(&id);
            Ok(None)
        }
        Loaded::Tampered(table) => {
            app.sessions.forget(&id);
            super::refuse::tampered(app, &[table]).await?;
            Ok(None)
        }
        Loaded::Actor(actor, expires_at) => {
            let actor = Actor {
                network,
                request,
                ..*actor
            };
            app.sessions.keep(id, actor.clone(), expires_at, now_ms);
            Ok(Some(actor))
        }
    }
}

enum Loaded {
    Actor(Box<Actor>, i64),
    Nobody,
    Tampered(&'static str),
}

fn load(app: &App, connection: &mut AnyConnection, id: [u8; 32], now_ms: i64) -> Result<Loaded, StorageError> {
    // Read first: whatever is taken away after this makes the version differ when the act is written.
    let rights = log_rows::head(connection)?.rights_version;
    let row: Option<SessionRow> = session::table
        .find(id.to_vec())
        .select(SessionRow::as_select())
        .first(connection)
        .optional()?;
    let Some(row) = row else {
        return Ok(Loaded::Nobody);
    };
    let Ok(row) = row.trusted(&app.keyring) else {
        return Ok(Loaded::Tampered("session"));
    };
    if row.expires_at <= now_ms {
        return Ok(Loaded::Nobody);
    }
    let found: Option<(AccountRow, OrganisationRow)> = account::table
        .inner_join(organisation::table)
        .filter(account::id.eq(row.account_id.clone()))
        .select((AccountRow::as_select(), OrganisationRow::as_select()))
        .first(connection)
        .optional()?;
    // A session whose account is not there any more was not left so by the program.
    let Some((account, org)) = found else {
        return Ok(Loaded::Tampered("account"));
    };
    let Ok(account) = account.trusted(&app.keyring) else {
        return Ok(Loaded::Tampered("account"));
    };
    let Ok(org) = org.trusted(&app.keyring) else {
        return Ok(Loaded::Tampered("organisation"));
    };
    let Some(role) = Role::parse(&account.role) else {
        return Ok(Loaded::Nobody);
    };
    if account.state != "active" {
        return Ok(Loaded::Nobody);
    }
    let actor = Actor {
        viewer: Viewer {
            account_id: account.id,
            org_id: account.org_id,
            role,
        },
        code: account.code,
        org_code: org.code,
        org_kind: org.kind,
        session: id,
        network: [0; 8],
        rights,
        request: [0; 16],
    };
    Ok(Loaded::Actor(Box::new(actor), row.expires_at))
}
