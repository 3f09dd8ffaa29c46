//! A body of a form: checked for origin and token before its values can be touched.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::ctx::{Ctx, House};
use super::error::{PageError, SentRequest};
use super::token::{FormToken, TokenFault};
use crate::domain::attachment::{Fault, MOST_BYTES as MOST_FILE_BYTES};
use crate::domain::field::{Typed, typed};

/// Most bytes of a body: far more than any field takes, so that a text that is too long comes back with the form.
pub const MOST_BYTES: usize = 2 * 1024 * 1024;

/// A form as it came, before its token was checked.
pub struct RawForm(Typed);

/// A form of a signed-in actor whose token is genuine.
pub struct Form {
    /// Names and values without the hidden fields of the house.
    pub typed: Typed,
    /// The page was open too long: show it again with what was typed.
    pub expired: bool,
}

/// A form together with its actor; what was typed survives a lost session and a fault of the house.
pub struct Submission {
    /// Who sent it.
    pub ctx: Ctx,
    /// What was sent, unchecked.
    pub raw: RawForm,
}

/// What was typed, kept beside the request for an error page.
pub struct Kept(pub Typed);

impl FromRequest for Submission {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = RawForm::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let raw = raw.await?;
            request.extensions_mut().insert(Kept(raw.values()));
            let ctx = Ctx::from_request(&request, &mut Payload::None).await?;
            if let Ok((Some(sent), _)) = raw.check(&ctx.house, &ctx.actor.session) {
                request.extensions_mut().insert(SentRequest(sent));
            }
            Ok(Self { ctx, raw })
        })
    }
}

impl Submission {
    /// The context and the form, once the token is genuine.
    pub fn verified(mut self) -> Result<(Ctx, Form), PageError> {
        let form = self.raw.verified(&mut self.ctx)?;
        Ok((self.ctx, form))
    }
}

impl FromRequest for RawForm {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Box::pin(async { Err(PageError::ContentType) });
        }
        if !same_origin(request) {
            return Box::pin(async { Err(PageError::Forged) });
        }
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|_| PageError::TooLarge)?;
            let pairs = form_urlencoded::parse(&body);
            Ok(Self(
                pairs
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect(),
            ))
        })
    }
}

/// A form with a file, whose token is genuine; the file is last in it and is read as it streams in.
pub struct FileForm {
    /// Who sent it.
    pub ctx: Ctx,
    /// What was typed.
    pub form: Form,
    /// Name of the file; empty when none was chosen.
    pub name: String,
    /// Its bytes.
    pub content: Content,
}

/// The bytes of the file of a [`FileForm`], without any once it has ended.
pub struct Content {
    multipart: Multipart,
    file: Option<Field>,
}

/// Fields before the file, and bytes of each.
const MOST_FIELDS: usize = 16;
const MOST_FIELD_BYTES: usize = 8 * 1024;

impl FromRequest for FileForm {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let multipart = Multipart::new(request.headers(), payload.take());
        let request = request.clone();
        Box::pin(async move {
            if !same_origin(&request) {
                return Err(PageError::Forged);
            }
            let mut ctx = Ctx::from_request(&request, &mut Payload::None).await?;
            let kind = request
                .headers()
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok());
            if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
                return Err(PageError::ContentType);
            }
            let (typed, name, content) = fields(multipart).await?;
            let form = RawForm(typed).verified(&mut ctx)?;
            Ok(Self {
                ctx,
                form,
                name,
                content,
            })
        })
    }
}

async fn fields(mut multipart: Multipart) -> Result<(Typed, String, Content), PageError> {
    let mut typed = Typed::new();
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(|_| PageError::ContentType)?;
        let name = field.name().unwrap_or_default().to_owned();
        let file = field
            .content_disposition()
            .and_then(|said| said.get_filename().map(str::to_owned));
        if let Some(file) = file {
            let file_name = file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            let content = Content {
                multipart,
                file: Some(field),
            };
            return Ok((typed, file_name, content));
        }
        if typed.len() == MOST_FIELDS {
            return Err(PageError::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(piece) = field.next().await {
            bytes.extend_from_slice(&piece.map_err(|_| PageError::ContentType)?);
            if bytes.len() > MOST_FIELD_BYTES {
                return Err(PageError::TooLarge);
            }
        }
        typed.push((name, String::from_utf8_lossy(&bytes).into_owned()));
    }
    let content = Content { multipart, file: None };
    Ok((typed, String::new(), content))
}

impl Stream for Content {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(file) = &mut self.file else {
            return Poll::Ready(None);
        };
        let next = std::task::ready!(file.poll_next_unpin(context));
        if next.is_none() {
            self.file = None;
        }
        Poll::Ready(next.map(|piece| piece.map_err(|_| Fault::Interrupted)))
    }
}

impl Content {
    /// Reads what is left, so that the browser comes to see the answer; gives up on what is far too long.
    pub async fn drain(&mut self) {
        let mut left = 2 * MOST_FILE_BYTES;
        while let Some(Ok(piece)) = self.next().await {
            left = left.saturating_sub(piece.len() as u64);
            if left == 0 {
                return;
            }
        }
        // Whatever comes behind the file, too.
        while let Some(Ok(mut field)) = self.multipart.next().await {
            while let Some(Ok(_)) = field.next().await {}
        }
    }
}

impl RawForm {
    /// Checks the token against the actor's session; afterwards `ctx` carries the form's request id.
    pub fn verified(self, ctx: &mut Ctx) -> Result<Form, PageError> {
        let session = ctx.actor.session;
        let (request, expired) = self.check(&ctx.house, &session)?;
        ctx.actor.request = request.unwrap_or(ctx.actor.request);
        Ok(Form {
            typed: self.values(),
            expired,
        })
    }

    /// Checks the token of a form for visitors against the cookie that came with it.
    pub fn verified_for_visitor(self, house: &House, cookie: &str) -> Result<(Form, [u8; 16]), PageError> {
        let (request, expired) = self.check(house, cookie.as_bytes())?;
        let request = request.ok_or(PageError::Forged)?;
        Ok((
            Form {
                typed: self.values(),
                expired,
            },
            request,
        ))
    }

    /// What was typed, unchecked: only for giving it back to the browser it came from.
    #[must_use]
    pub fn values(&self) -> Typed {
        self.0
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .cloned()
            .collect()
    }

    fn check(&self, house: &House, session: &[u8]) -> Result<(Option<[u8; 16]>, bool), PageError> {
        let field = |name| typed(&self.0, name).next().unwrap_or_default();
        let (keyring, now_ms) = (&house.app.keyring, house.app.clock.now_ms());
        match FormToken::check(
            keyring,
            session,
            field("_request"),
            field("_expires"),
            field("_mac"),
            now_ms,
        ) {
            Ok(request) => Ok((Some(request), false)),
            Err(TokenFault::Expired) => Ok((None, true)),
            Err(TokenFault::Forged) => Err(PageError::Forged),
        }
    }
}

/// Browsers say where a form comes from; what they say must be this house.
fn same_origin(request: &HttpRequest) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    match header("origin") {
        None | Some("null") => header("origin").is_none(),
        Some(origin) => {
            let host = header("host").unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
    }
}
