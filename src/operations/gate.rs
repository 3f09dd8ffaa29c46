//! Sealed or open: what the process does with a passphrase or with shares of custodians, each attempt an entry of the log.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota};
use ledger::Draft;
use ledger::vault::share::{Share, ShareFault};
use ledger::vault::slot::{Opener, Slot};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::failure::{Failure, sort};
use super::verify_log::{Sound, keep_checkpoint};
use crate::app::{App, Process};
use crate::clock::random_id;
use crate::storage::StorageError;
use crate::storage::connection::AnyConnection;
use crate::storage::key_plane::{self, Unsealed};

/// Shares that wait longer are forgotten, milliseconds.
pub const LONGEST_WAIT_MS: i64 = 10 * 60_000;
const PER_SOURCE: NonZeroU32 = NonZeroU32::new(20).unwrap();
const PER_HOUSE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// Sources that are remembered before quiet ones are forgotten.
const MOST_SOURCES: usize = 10_000;

/// The keys of a running process, or the lack of them.
pub struct Gate {
    process: Process,
    open: RwLock<Option<App>>,
    /// How often it was sealed; changed under the lock of `open`.
    sealings: AtomicU64,
    gathered: Mutex<BTreeMap<String, Gathered>>,
    /// One passphrase is stretched at a time: each takes 256 MiB.
    stretching: Semaphore,
    by_source: DefaultKeyedRateLimiter<String>,
    by_house: DefaultDirectRateLimiter,
    /// The log as it was verified before serving; its checkpoint is signed as soon as there is a key.
    sound: Option<Sound>,
}

/// Shares of one slot that have been taken, as written, by number, each with the time after which it is forgotten.
type Gathered = BTreeMap<u8, (Zeroizing<String>, i64)>;

/// What somebody gives to open the keys.
#[derive(Clone)]
pub enum Offer {
    /// The text of a key file.
    KeyFile(Zeroizing<String>),
    /// A passphrase.
    Passphrase(Zeroizing<String>),
    /// The duty officer's passphrase and the text of the key file on her token.
    Duty(Zeroizing<String>, Zeroizing<String>),
    /// One custodian's share, as typed or scanned.
    Share(Zeroizing<String>),
}

/// What became of an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The keys are open.
    Open,
    /// The share was taken; so many more are needed.
    Waiting(u8),
}

/// Why an offer does not help.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// The keys are open already.
    #[error("the keys are open already")]
    Open,
    /// The share cannot be read.
    #[error(transparent)]
    Share(ShareFault),
    /// A share that reads well but belongs to none of the slots.
    #[error("share {0} does not belong to this deployment, or has been replaced")]
    Stranger(u8),
    /// Too many tries.
    #[error("too many tries; wait a minute")]
    Throttled,
    /// It opens nothing.
    #[error("this opens nothing here")]
    Wrong,
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// A slot of custodians and how far it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quorum {
    /// Shares that open it.
    pub threshold: u8,
    /// Shares that there are.
    pub shares: usize,
    /// Numbers of the shares taken so far.
    pub taken: Vec<u8>,
    /// When the first of them is forgotten, UTC milliseconds.
    pub until_ms: Option<i64>,
}

/// What can be given to open the keys.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ways {
    /// Whether a passphrase alone opens one of the slots.
    pub passphrase: bool,
    /// Slots of custodians.
    pub quorums: Vec<Quorum>,
}

impl Gate {
    /// A gate without keys.
    #[must_use]
    pub fn sealed(process: Process, sound: Option<Sound>) -> Self {
        Self {
            process,
            open: RwLock::default(),
            sealings: AtomicU64::new(0),
            gathered: Mutex::default(),
            stretching: Semaphore::new(1),
            by_source: DefaultKeyedRateLimiter::keyed(Quota::per_minute(PER_SOURCE)),
            by_house: DefaultDirectRateLimiter::direct(Quota::per_minute(PER_HOUSE)),
            sound,
        }
    }

    /// A gate whose keys were opened before it was made.
    #[must_use]
    pub fn opened(app: App) -> Self {
        let process = Process::clone(&app);
        Self {
            open: RwLock::new(Some(app)),
            ..Self::sealed(process, None)
        }
    }

    /// The process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The app while the keys are open.
    #[must_use]
    pub fn app(&self) -> Option<App> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the keys are not in memory.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// What would open the keys.
    pub async fn ways(&self) -> Result<Ways, Failure> {
        let slots = self.slots().await?;
        let gathered = self.gathered();
        let quorum = |slot: &Slot| {
            let (threshold, shares) = slot.quorum()?;
            let so_far = gathered.get(slot.id());
            Some(Quorum {
                threshold,
                shares,
                taken: so_far.map_or_else(Vec::new, |so_far| so_far.keys().copied().collect()),
                until_ms: so_far.and_then(|so_far| so_far.values().map(|(_, until_ms)| *until_ms).min()),
            })
        };
        Ok(Ways {
            passphrase: slots.iter().any(|slot| slot.kind() == "passphrase"),
            quorums: slots.iter().filter_map(quorum).collect(),
        })
    }

    /// Takes what somebody gives; `source` is a network address, kept nowhere, or `None` on the machine itself.
    pub async fn offer(&self, source: Option<&str>, offer: Offer) -> Result<Progress, OfferError> {
        if !self.is_sealed() {
            return Err(OfferError::Open);
        }
        // A right share is never kept waiting by a flood of wrong tries; it is known by itself and costs nothing to look at.
        if !matches!(offer, Offer::Share(_)) {
            self.slowed(source)?;
        }
        // One passphrase at a time; the network is told to come back, the machine itself waits for the one that runs.
        let _stretching = match (&offer, source) {
            (Offer::Passphrase(_) | Offer::Duty(..), None) => {
                Some(self.stretching.acquire().await.map_err(|_| Failure::Internal(None))?)
            }
            (Offer::Passphrase(_) | Offer::Duty(..), Some(_)) => {
                Some(self.stretching.try_acquire().map_err(|_| OfferError::Throttled)?)
            }
            _ => None,
        };
        match offer {
            Offer::KeyFile(text) => self.unseal(Opener::KeyFile(text), &[]).await,
            Offer::Passphrase(text) => self.unseal(Opener::Passphrase(normal(&text)), &[]).await,
            Offer::Duty(passphrase, token) => self.unseal(Opener::Duty(normal(&passphrase), token), &[]).await,
            Offer::Share(text) => self.share(source, &text).await,
        }
    }

    /// Takes the keys out of memory; pages that are being made are finished. They go even when the log cannot say so.
    pub async fn seal(&self) -> Result<(), Failure> {
        {
            let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            self.sealings.fetch_add(1, Ordering::AcqRel);
            open.take();
        }
        // Last: a share that was on its way has seen the order, or goes with the others.
        self.gathered().clear();
        self.record("key.seal", "operator", "", &[]).await
    }

    /// Forgets shares that waited too long.
    pub async fn expire(&self) -> Result<(), Failure> {
        let now_ms = self.process.clock.now_ms();
        let mut late = Vec::new();
        self.gathered().retain(|slot, gathered| {
            let is_late = |(_, until_ms): &(Zeroizing<String>, i64)| now_ms >= *until_ms;
            let gone: Vec<u8> = gathered
                .iter()
                .filter(|(_, waiting)| is_late(waiting))
                .map(|(number, _)| *number)
                .collect();
            gathered.retain(|_, waiting| !is_late(waiting));
            if !gone.is_empty() {
                late.push(fields(slot, gone));
            }
            !gathered.is_empty()
        });
        for fields in late {
            self.record("key.share_expire", "system", "custodians", &fields).await?;
        }
        Ok(())
    }

    /// Limits what one source and what everybody on the network together may try.
    fn slowed(&self, source: Option<&str>) -> Result<(), OfferError> {
        let Some(source) = source else {
            return Ok(());
        };
        if self.by_source.len() > MOST_SOURCES {
            self.by_source.retain_recent();
        }
        if self.by_source.check_key(&source.to_owned()).is_err() || self.by_house.check().is_err() {
            return Err(OfferError::Throttled);
        }
        Ok(())
    }

    async fn share(&self, source: Option<&str>, text: &str) -> Result<Progress, OfferError> {
        let sealings = self.sealings.load(Ordering::Acquire);
        self.expire().await?;
        let share = match Share::parse(text) {
            Ok(share) => share,
            Err(fault) => {
                self.slowed(source)?;
                self.record("key.share_refuse", "custodian", "custodians", &[]).await?;
                return Err(OfferError::Share(fault));
            }
        };
        let deployment = self.with_keys(key_plane::deployment).await?;
        let slots = self.slots().await?;
        let number = share.number();
        let Some(slot) = slots.iter().find(|slot| slot.takes(deployment, &share)) else {
            self.slowed(source)?;
            self.record("key.share_refuse", "custodian", "custodians", &[]).await?;
            return Err(OfferError::Stranger(number));
        };
        let threshold = slot.quorum().map_or(u8::MAX, |(threshold, _)| threshold);
        let is_there =
            |all: &BTreeMap<String, Gathered>| all.get(slot.id()).is_some_and(|so_far| so_far.contains_key(&number));
        if !is_there(&self.gathered()) {
            let entry = fields(slot.id(), [number]);
            self.record("key.share", "custodian", "custodians", &entry).await?;
            let until_ms = self.process.clock.now_ms() + LONGEST_WAIT_MS;
            let mut all = self.gathered();
            // Nothing waits in a house that was opened or sealed while the entry was written.
            if !self.is_sealed() {
                return Err(OfferError::Open);
            }
            if self.sealings.load(Ordering::Acquire) != sealings {
                return Err(Failure::Busy.into());
            }
            let so_far = all.entry(slot.id().to_owned()).or_default();
            so_far.insert(number, (text.to_owned().into(), until_ms));
        }
        // What was taken stays until the keys are open: when the last step fails, nobody has to come back.
        let (shares, numbers) = {
            let all = self.gathered();
            let so_far = all.get(slot.id());
            let taken = so_far.map_or(0, BTreeMap::len);
            let missing = usize::from(threshold).saturating_sub(taken);
            if missing > 0 {
                return Ok(Progress::Waiting(u8::try_from(missing).unwrap_or(u8::MAX)));
            }
            let shares = so_far.into_iter().flat_map(BTreeMap::values);
            let shares: Vec<Share> = shares.filter_map(|(text, _)| Share::parse(text).ok()).collect();
            let numbers: Vec<u8> = shares.iter().map(Share::number).collect();
            (shares, numbers)
        };
        self.unseal(Opener::Shares(shares), &numbers).await
    }

    async fn unseal(&self, opener: Opener, shares: &[u8]) -> Result<Progress, OfferError> {
        let sealings = self.sealings.load(Ordering::Acquire);
        let unsealed = self
            .with_keys(move |connection| key_plane::unseal(connection, &opener))
            .await?;
        let Some(Unsealed { keyring, slot, .. }) = unsealed else {
            self.record("key.unseal_refuse", "operator", "", &[]).await?;
            return Err(OfferError::Wrong);
        };
        let actor = if shares.is_empty() { "operator" } else { "custodian" };
        let entry = fields(slot.id(), shares.iter().copied());
        let app = self.process.open(keyring);
        if let Some(sound) = &self.sound {
            keep_checkpoint(&app, sound).await?;
        }
        self.record("key.unseal", actor, slot.kind(), &entry).await?;
        let sealed_meanwhile = {
            let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            let meanwhile = self.sealings.load(Ordering::Acquire) != sealings;
            if !meanwhile {
                // Somebody else may have been quicker; what is remembered under her keys stays.
                open.get_or_insert(app);
            }
            meanwhile
        };
        if sealed_meanwhile {
            // The order to seal is the later one, and the log says so last.
            self.record("key.seal", "system", "", &[]).await?;
            return Err(Failure::Busy.into());
        }
        self.gathered().clear();
        tracing::info!(slot = slot.kind(), "the keys are open");
        Ok(Progress::Open)
    }

    async fn slots(&self) -> Result<Vec<Slot>, Failure> {
        self.with_keys(key_plane::slots).await
    }

    async fn with_keys<T: Send + 'static>(
        &self,
        body: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, Failure> {
        let keys = self.process.key_plane.clone();
        let done = tokio::task::spawn_blocking(move || keys.with(body)).await;
        done.map_err(|_| Failure::Internal(None))?.map_err(Failure::from)
    }

    async fn record(&self, kind: &str, actor: &str, purpose: &str, fields: &[String]) -> Result<(), Failure> {
        let entry = entry(kind, actor, purpose, fields)?;
        let written = self
            .process
            .writer
            .write::<(), ()>(None, move |_| Ok(((), vec![entry])));
        sort(written.await).map(drop)
    }

    fn gathered(&self) -> MutexGuard<'_, BTreeMap<String, Gathered>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A passphrase as it is stretched: without the end of its line, NFC.
#[must_use]
pub fn normal(passphrase: &str) -> Zeroizing<String> {
    Zeroizing::new(passphrase.trim_end_matches(['\r', '\n']).nfc().collect())
}

/// An entry about keys: the purpose is the kind of slot, the fields name the slot and the shares.
pub fn entry(kind: &str, actor: &str, purpose: &str, fields: &[String]) -> Result<Draft, Failure> {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let mut draft = Draft::new(kind, actor, &random_id()?).fields(&fields);
    if !purpose.is_empty() {
        draft = draft.purpose(purpose);
    }
    if kind.ends_with("_refuse") {
        draft = draft.decision(false, &[]);
    }
    Ok(draft)
}

/// Slot and shares, as [`entry`] names them.
pub fn fields(slot: &str, shares: impl IntoIterator<Item = u8>) -> Vec<String> {
    let shares = shares.into_iter().map(|number| format!("share-{number}"));
    std::iter::once(slot.to_owned()).chain(shares).collect()
}
