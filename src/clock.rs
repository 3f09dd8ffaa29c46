//! Where time and randomness come from; nothing else asks the operating system for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, Utc};
use ledger::vault::VaultError;

/// The present, or a time that a test or the demonstration sets.
#[derive(Clone, Default)]
pub struct Clock {
    fixed: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn fixed(now_ms: i64) -> Self {
        Self {
            fixed: Some(Arc::new(AtomicI64::new(now_ms))),
        }
    }

    /// Moves a fixed clock by milliseconds; the clock of the machine stays as it is.
    pub fn advance(&self, by_ms: i64) {
        if let Some(fixed) = &self.fixed {
            fixed.fetch_add(by_ms, Ordering::SeqCst);
        }
    }

    /// UTC milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match &self.fixed {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
            None => Utc::now().timestamp_millis(),
        }
    }

    /// The day in Viet Nam, which has kept UTC+7 without summer time since 1975.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        (self.now() + chrono::Duration::hours(7)).date_naive()
    }

    /// UTC.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now_ms()).unwrap_or_default()
    }
}

/// Random bytes for ids.
pub fn random_id() -> Result<[u8; 16], VaultError> {
    ledger::vault::random()
}

/// A row id: UUIDv7 of this time.
pub fn row_id(now_ms: i64) -> Result<[u8; 16], VaultError> {
    let random: [u8; 10] = ledger::vault::random()?;
    let millis = u64::try_from(now_ms).unwrap_or_default();
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .into_bytes())
}
