//! The only place that knows status codes. A visitor sees what to do; the cause goes to the server's log.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, ResponseError};
use serde::Serialize;

use super::ctx::{Front, PublicCtx, actor_frame};
use super::form::Kept;
use super::page::Page;
use super::pages::language::{is_for_forms, shown_by_get};
use super::pages::session;
use crate::clock::random_id;
use crate::domain::field::{self, Typed};
use crate::domain::group::Group;
use crate::domain::part::Part;
use crate::domain::public_id::PublicId;
use crate::domain::refusal::Why;
use crate::domain::step::Kind;
use crate::operations::actor::Actor;
use crate::operations::case_act::CaseActError;
use crate::operations::create_intake::CreateIntakeError;
use crate::operations::failure::Failure;
use crate::operations::search_log::SearchLogError;
use crate::operations::{sessions, sign_in};

/// Why a page is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Somebody else changed it meanwhile.
    #[error("conflict")]
    Conflict,
    /// A body that is no form.
    #[error("content type")]
    ContentType,
    /// A form whose text is not UTF-8.
    #[error("encoding")]
    Encoding,
    /// A form that was open too long.
    #[error("expired form")]
    Expired,
    /// A fault of the house.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A form that this house did not make for this session.
    #[error("forged form")]
    Forged,
    /// A form that comes from another site, or through something that says so.
    #[error("foreign form")]
    Foreign,
    /// A body that broke off or cannot be read.
    #[error("unreadable body")]
    Unreadable,
    /// A form whose session has ended.
    #[error("lost session")]
    LostSession,
    /// Missing or hidden: the same page; the index of the entry that recorded it.
    #[error("not found")]
    NotFound(String),
    /// The rules of the work say no, and why.
    #[error("refused")]
    Refused(Why),
    /// The keys are not in memory.
    #[error("sealed")]
    Sealed,
    /// Nobody is signed in.
    #[error("signed out")]
    SignedOut,
    /// Too many tries.
    #[error("throttled")]
    Throttled,
    /// A body over the limit.
    #[error("too large")]
    TooLarge,
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Conflict | Self::Refused(_) => StatusCode::CONFLICT,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Encoding | Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Expired => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failure(Failure::Internal(_) | Failure::NoKeys) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Failure(Failure::Busy | Failure::Unavailable | Failure::Unknown) | Self::Sealed => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Forged | Self::Foreign => StatusCode::FORBIDDEN,
            Self::LostSession => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::SignedOut => StatusCode::SEE_OTHER,
            Self::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl PageError {
    /// Message keys: `error-<name>-title` and `error-<name>-help`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::ContentType => "content-type",
            Self::Encoding => "encoding",
            Self::Expired => "expired",
            Self::Failure(Failure::Busy) => "busy",
            Self::Failure(Failure::Internal(_)) => "internal",
            Self::Failure(Failure::NoKeys) => "no-keys",
            Self::Failure(Failure::Unavailable) => "unavailable",
            Self::Failure(Failure::Unknown) => "unknown",
            Self::Forged => "forged",
            Self::Foreign => "foreign",
            Self::Unreadable => "unreadable",
            Self::LostSession | Self::SignedOut => "signed-out",
            Self::NotFound(_) => "not-found",
            Self::Refused(_) => "refused",
            Self::Sealed => "sealed",
            Self::Throttled => "throttled",
            Self::TooLarge => "too-large",
        }
    }
}

impl From<CaseActError> for PageError {
    fn from(error: CaseActError) -> Self {
        match error {
            CaseActError::Conflict => Self::Conflict,
            CaseActError::Failure(failure) => failure.into(),
            CaseActError::NotFound(index) => Self::NotFound(index),
            CaseActError::Refused(why) => Self::Refused(why),
            CaseActError::SignedOut => Self::LostSession,
        }
    }
}

impl From<CreateIntakeError> for PageError {
    fn from(error: CreateIntakeError) -> Self {
        match error {
            CreateIntakeError::Already(_) | CreateIntakeError::Changed(_) => Self::Conflict,
            CreateIntakeError::Act(error) => error.into(),
        }
    }
}

impl From<SearchLogError> for PageError {
    fn from(error: SearchLogError) -> Self {
        match error {
            SearchLogError::Act(error) => error.into(),
            SearchLogError::NoSuchCase | SearchLogError::NoSuchStaff => Self::NotFound(String::new()),
        }
    }
}

/// An error page; for a form that could not be taken it carries everything that was typed.
#[derive(Serialize)]
pub struct ErrorPage {
    name: &'static str,
    status: u16,
    reference: String,
    again: Option<Again>,
    /// What was typed into a form that cannot be sent again, to be copied from the page.
    typed: Typed,
    outcome: Option<String>,
    /// Key of the sentence that says why, and where to go from there.
    why: Option<(&'static str, String)>,
}

/// A form to send again.
#[derive(Serialize)]
pub struct Again {
    /// Where it goes.
    pub action: String,
    /// What was typed.
    pub typed: Typed,
    /// Whose form it was, if it says.
    pub whose: String,
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "errors/show.html";

    fn samples() -> Vec<Self> {
        let errors = [
            PageError::Conflict,
            PageError::ContentType,
            PageError::Encoding,
            PageError::Expired,
            PageError::Failure(Failure::Busy),
            PageError::Failure(Failure::Internal(None)),
            PageError::Failure(Failure::NoKeys),
            PageError::Failure(Failure::Unavailable),
            PageError::Failure(Failure::Unknown),
            PageError::Forged,
            PageError::Foreign,
            PageError::Unreadable,
            PageError::SignedOut,
            PageError::NotFound(String::new()),
            PageError::Refused(Why::CaseClosed),
            PageError::Sealed,
            PageError::Throttled,
            PageError::TooLarge,
        ];
        errors
            .into_iter()
            .map(|error| Self {
                name: error.name(),
                status: error.status_code().as_u16(),
                reference: "0123456789".to_owned(),
                again: Some(Again {
                    action: "/intakes".to_owned(),
                    typed: vec![("alias".to_owned(), "Hoa Mẫu".to_owned())],
                    whose: String::new(),
                }),
                typed: vec![("circumstances".to_owned(), "Mẫu".to_owned())],
                outcome: Some("/requests/00000000000000000000000000".to_owned()),
                why: matches!(error, PageError::Refused(_)).then(|| {
                    (
                        Why::CaseClosed.message(),
                        "/cases/00000000000000000000000000".to_owned(),
                    )
                }),
            })
            .collect()
    }
}

/// Turns every error into a page in the visitor's language.
pub async fn pages(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let response = next.call(request).await?;
    let Some(error) = response.response().error() else {
        return Ok(response.map_into_boxed_body());
    };
    let fallback = PageError::Failure(Failure::Internal(None));
    let (name, status, error) = match error.as_error::<PageError>() {
        Some(error) => (error.name(), error.status_code(), Some(error)),
        None => match error.as_response_error().status_code() {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::BAD_REQUEST => {
                ("not-found", StatusCode::NOT_FOUND, None)
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, None),
            _ => (fallback.name(), fallback.status_code(), None),
        },
    };
    let kept = response.request().extensions_mut().remove::<Kept>();
    let again = kept.map(|Kept { typed, whose }| Again {
        action: response.request().path().to_owned(),
        typed,
        whose,
    });
    let ctx = match PublicCtx::of(response.request()) {
        Ok(ctx) => ctx,
        // Whatever was asked for, the answer is the same; only the form for the keys tells its own faults.
        Err(sealed) => {
            let own = error.filter(|_| response.request().path() == super::urls::UNSEALING);
            let made = keyless(response.request(), own.unwrap_or(&sealed), again);
            let made = made.unwrap_or_else(|_| HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR));
            let (request, _) = response.into_parts();
            return Ok(ServiceResponse::new(request, made));
        }
    };
    let index = match error {
        Some(PageError::NotFound(index)) => index.clone(),
        _ => String::new(),
    };
    let why = match error {
        Some(PageError::Refused(why)) => Some((why.message(), back_to(response.request().path()))),
        Some(PageError::Conflict) => Some(("error-conflict-help", back_to(response.request().path()))),
        _ => None,
    };
    let made = match error {
        Some(PageError::SignedOut) => Ok(see_other(&session::way_in(response.request()))),
        // An address to which only a form goes is asked for when somebody types it again or comes back to it.
        Some(PageError::NotFound(index))
            if index.is_empty()
                && response.request().method() == actix_web::http::Method::GET
                && is_for_forms(response.request().path()) =>
        {
            Ok(see_other(shown_by_get(response.request().path())))
        }
        // Only a form has something to lose.
        Some(PageError::LostSession) if response.request().method() == actix_web::http::Method::GET => {
            Ok(see_other(&session::way_in(response.request())))
        }
        Some(PageError::LostSession) => session::lost(&ctx, again),
        _ => {
            let told = Told {
                name,
                status,
                again,
                index,
                why,
            };
            show(&ctx, response.request(), told).await
        }
    };
    let made = made.unwrap_or_else(|_| HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR));
    let (request, _) = response.into_parts();
    Ok(ServiceResponse::new(request, made))
}

/// The page of a house without keys; a form that arrives meanwhile can be sent again later.
fn keyless(
    request: &actix_web::HttpRequest,
    error: &PageError,
    again: Option<Again>,
) -> Result<HttpResponse, PageError> {
    let reference = reference()?;
    if let PageError::Failure(_) = error {
        tracing::error!(%reference, name = error.name(), "an error page was shown");
    }
    let page = ErrorPage {
        name: error.name(),
        status: error.status_code().as_u16(),
        reference,
        again,
        typed: Typed::new(),
        outcome: None,
        why: None,
    };
    let mut response = Front::of(request)?.page(request, error.status_code(), &page)?;
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
    Ok(response)
}

fn reference() -> Result<String, Failure> {
    let id = random_id()?;
    Ok(ledger::vault::associated::hex(&id).chars().take(10).collect())
}

/// The page of the case or the list of referrals from which a refused act came.
fn back_to(path: &str) -> String {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some("cases"), Some(id)) => format!("{}/{id}", super::urls::CASES),
        (Some("referrals"), _) => super::urls::REFERRALS.to_owned(),
        _ => super::urls::HOME.to_owned(),
    }
}

/// Goes on to another page.
#[must_use]
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// What an error page says.
struct Told {
    name: &'static str,
    status: StatusCode,
    again: Option<Again>,
    index: String,
    why: Option<(&'static str, String)>,
}

async fn show(ctx: &PublicCtx, request: &actix_web::HttpRequest, told: Told) -> Result<HttpResponse, PageError> {
    let Told {
        name,
        status,
        again,
        index,
        why,
    } = told;
    let reference = reference()?;
    if status.is_server_error() {
        tracing::error!(%reference, name, status = status.as_u16(), "an error page was shown");
    }
    let (frame, signed_in) = match actor(ctx, request).await {
        // The request id is kept, so that sending again cannot do the act twice.
        Some(actor) => (
            actor_frame(&ctx.house, ctx.locale, &ctx.path, &actor, actor.request),
            true,
        ),
        None => (ctx.frame(None), false),
    };
    let retriable = matches!(
        name,
        "busy" | "unavailable" | "unknown" | "forged" | "expired" | "internal"
    );
    let outcome = (name == "unknown").then(|| request_of(request)).flatten();
    let page = ErrorPage {
        name,
        status: status.as_u16(),
        reference,
        typed: again.as_ref().filter(|_| !retriable).map(copied).unwrap_or_default(),
        again: again.filter(|_| retriable),
        outcome,
        why,
    };
    let mut response = HttpResponse::build(status);
    response.content_type("text/html; charset=utf-8");
    if !index.is_empty() && signed_in {
        response.insert_header(("X-Log-Index", index));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = if status == StatusCode::TOO_MANY_REQUESTS {
            "60"
        } else {
            "5"
        };
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    Ok(response.body(ctx.render(&frame, &page)?))
}

/// Fields for words and days in forms that are no part of a case.
const OUTSIDE_PARTS: [&str; 2] = ["met_on", "note"];

/// The answers of a form in words and numbers; what was chosen is chosen again quickly.
fn copied(again: &Again) -> Typed {
    let parts = Group::with_section().map(Part::Group);
    let steps = Kind::ALL.into_iter().map(|kind| Part::Step(kind, None));
    let records = [
        Part::Matter(PublicId([0; 16])),
        Part::Advice(PublicId([0; 16])),
        Part::Consent(PublicId([0; 16])),
    ];
    let fields: Vec<_> = parts.chain(steps).chain(records).flat_map(Part::fields).collect();
    let is_text = |name: &str| {
        let field = fields.iter().find(|field| field.name == name);
        field.is_some_and(|field| !matches!(field.kind, field::Kind::Code(_) | field::Kind::Codes(_)))
    };
    let mut typed = again.typed.clone();
    typed.retain(|(name, text)| (is_text(name) || OUTSIDE_PARTS.contains(&name.as_str())) && !text.trim().is_empty());
    typed
}

/// The form's own request id, if a genuine form was sent.
#[derive(Clone, Copy)]
pub struct SentRequest(pub [u8; 16]);

fn request_of(request: &actix_web::HttpRequest) -> Option<String> {
    request
        .extensions()
        .get::<SentRequest>()
        .map(|SentRequest(id)| super::urls::request(id))
}

/// Who is signed in, without failing: an error page must be shown even when the database is away.
async fn actor(ctx: &PublicCtx, request: &actix_web::HttpRequest) -> Option<Actor> {
    let token = request
        .cookie(super::ctx::session_cookie(ctx.house.tls))?
        .value()
        .to_owned();
    let sent = request.extensions().get::<SentRequest>().map(|SentRequest(id)| *id);
    let id = sent.or_else(|| random_id().ok())?;
    sessions::find(&ctx.house.app, &token, ctx.network, id)
        .await
        .ok()
        .flatten()
}

/// What a sign-in error means for the page.
#[must_use]
pub fn of_sign_in(error: sign_in::SignInError) -> Option<PageError> {
    match error {
        sign_in::SignInError::Failure(failure) => Some(failure.into()),
        sign_in::SignInError::Throttled => Some(PageError::Throttled),
        sign_in::SignInError::Wrong => None,
    }
}
