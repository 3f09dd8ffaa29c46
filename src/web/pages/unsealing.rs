//! Opening the keys of a sealed house: a passphrase, or shares of custodians one by one, from any of their browsers.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use ledger::vault::share::ShareFault;
use serde::Serialize;

use crate::domain::field::typed;
use crate::operations::gate::{LONGEST_WAIT_MS, Offer, OfferError, Progress, Quorum, Ways};
use crate::web::ctx::{Front, source};
use crate::web::error::{self, PageError};
use crate::web::form::RawForm;
use crate::web::page::Page;
use crate::web::urls;

/// The form, and how far the custodians have come.
#[derive(Serialize, Default)]
pub struct Unsealing {
    passphrase: bool,
    quorums: Vec<Shown>,
    fault: Option<Fault>,
    minutes: i64,
}

/// A slot of custodians.
#[derive(Serialize)]
struct Shown {
    threshold: u8,
    shares: usize,
    taken: Vec<u8>,
    missing: usize,
    /// Minutes until the first share is forgotten.
    left: Option<i64>,
}

/// What was wrong: never what was typed.
#[derive(Serialize)]
struct Fault {
    /// Ending of the message key.
    name: &'static str,
    field: &'static str,
    row: usize,
    place: usize,
}

impl Page for Unsealing {
    const TEMPLATE: &'static str = "unsealing/new.html";

    fn samples() -> Vec<Self> {
        let quorum = |taken: &[u8]| Quorum {
            threshold: 3,
            shares: 5,
            taken: taken.to_vec(),
            until_ms: (!taken.is_empty()).then_some(LONGEST_WAIT_MS),
        };
        let ways = |passphrase, quorums| Ways { passphrase, quorums };
        let syllable = OfferError::Share(ShareFault::Syllable { row: 2, place: 5 });
        vec![
            Self::of(&ways(true, vec![]), 0, None),
            Self::of(&ways(true, vec![]), 0, Some((&OfferError::Wrong, "passphrase"))),
            Self::of(&ways(false, vec![quorum(&[])]), 0, Some((&syllable, "share"))),
            Self::of(
                &ways(true, vec![quorum(&[2, 5])]),
                0,
                Some((&OfferError::Stranger(4), "share")),
            ),
            Self::of(
                &ways(false, vec![quorum(&[1])]),
                0,
                Some((&OfferError::Throttled, "share")),
            ),
            Self::of(
                &ways(false, vec![quorum(&[1])]),
                0,
                Some((&OfferError::Share(ShareFault::Row(7)), "share")),
            ),
            Self::of(
                &ways(false, vec![quorum(&[1])]),
                0,
                Some((&OfferError::Share(ShareFault::Length(41)), "share")),
            ),
            Self::of(&ways(false, vec![]), 0, None),
        ]
    }
}

impl Unsealing {
    fn of(ways: &Ways, now_ms: i64, fault: Option<(&OfferError, &'static str)>) -> Self {
        Self {
            passphrase: ways.passphrase,
            quorums: ways.quorums.iter().map(|quorum| shown(quorum, now_ms)).collect(),
            fault: fault.map(|(error, field)| told(error, field)),
            minutes: LONGEST_WAIT_MS / 60_000,
        }
    }
}

fn shown(quorum: &Quorum, now_ms: i64) -> Shown {
    Shown {
        threshold: quorum.threshold,
        shares: quorum.shares,
        taken: quorum.taken.clone(),
        missing: usize::from(quorum.threshold).saturating_sub(quorum.taken.len()),
        left: quorum.until_ms.map(|until_ms| ((until_ms - now_ms) / 60_000).max(0)),
    }
}

fn told(error: &OfferError, field: &'static str) -> Fault {
    let (name, row, place) = match error {
        OfferError::Share(ShareFault::Length(count)) => ("length", *count, 0),
        OfferError::Share(ShareFault::Syllable { row, place }) => ("syllable", *row, *place),
        OfferError::Share(ShareFault::Row(row)) => ("row", *row, 0),
        OfferError::Share(ShareFault::Version) => ("version", 0, 0),
        OfferError::Stranger(number) => ("stranger", usize::from(*number), 0),
        OfferError::Throttled => ("throttled", 0, 0),
        OfferError::Wrong | OfferError::Open | OfferError::Failure(_) => ("wrong", 0, 0),
    };
    Fault {
        name,
        field,
        row,
        place,
    }
}

/// `GET /unsealing`
pub async fn new(request: HttpRequest, front: web::Data<Front>) -> Result<HttpResponse, PageError> {
    if !front.gate.is_sealed() {
        return Ok(error::see_other(urls::HOME));
    }
    front.gate.expire().await?;
    page(&request, &front, StatusCode::OK, None).await
}

/// `POST /unsealing`
pub async fn create(request: HttpRequest, front: web::Data<Front>, raw: RawForm) -> Result<HttpResponse, PageError> {
    let values = raw.values();
    let share = typed(&values, "share").next().unwrap_or_default();
    let passphrase = typed(&values, "passphrase").next().unwrap_or_default();
    let (offer, field) = if share.trim().is_empty() {
        (Offer::Passphrase(passphrase.to_owned().into()), "passphrase")
    } else {
        (Offer::Share(share.to_owned().into()), "share")
    };
    let done = front.gate.offer(Some(&source(&request)), offer).await;
    match done {
        Ok(Progress::Open) | Err(OfferError::Open) => Ok(error::see_other(urls::SIGN_IN)),
        Ok(Progress::Waiting(_)) => Ok(error::see_other(urls::UNSEALING)),
        Err(OfferError::Failure(failure)) => Err(failure.into()),
        Err(error) => {
            let status = match error {
                OfferError::Throttled => PageError::Throttled.status_code(),
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            page(&request, &front, status, Some((&error, field))).await
        }
    }
}

async fn page(
    request: &HttpRequest,
    front: &Front,
    status: StatusCode,
    fault: Option<(&OfferError, &'static str)>,
) -> Result<HttpResponse, PageError> {
    let ways = front.gate.ways().await?;
    let now_ms = front.gate.process().clock.now_ms();
    front.page(request, status, &Unsealing::of(&ways, now_ms, fault))
}
