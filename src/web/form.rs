//! A body of a form: checked for origin and token before its values can be touched.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use percent_encoding::percent_decode;

use super::ctx::{Ctx, House, PublicCtx};
use super::error::{PageError, SentRequest};
use super::token::{FormToken, TokenFault};
use crate::domain::attachment::{Fault, MOST_BYTES as MOST_FILE_BYTES};
use crate::domain::field::{Typed, typed};
use crate::domain::public_id::PublicId;
use crate::operations::attach_file::LONGEST_SILENCE;

/// Most bytes of a body: far more than any field takes, so that a text that is too long comes back with the form.
pub const MOST_BYTES: usize = 2 * 1024 * 1024;

/// A form of somebody who is not signed in; what was typed survives a fault of the house, the secrets aside.
pub struct VisitorForm {
    /// Who sent it.
    pub ctx: PublicCtx,
    /// What was sent, unchecked.
    pub raw: RawForm,
}

impl FromRequest for VisitorForm {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = RawForm::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let raw = raw.await?;
            let mut kept = raw.values();
            kept.retain(|(name, _)| !["password", "second"].contains(&name.as_str()));
            request.extensions_mut().insert(Kept {
                typed: kept,
                whose: String::new(),
            });
            let ctx = PublicCtx::from_request(&request, &mut Payload::None).await?;
            Ok(Self { ctx, raw })
        })
    }
}

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
pub struct Kept {
    /// Names and values.
    pub typed: Typed,
    /// Whose form it was, as [`super::token::whose`]; empty when it does not say.
    pub whose: String,
}

impl FromRequest for Submission {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = RawForm::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let raw = raw.await?;
            request.extensions_mut().insert(raw.kept());
            let ctx = Ctx::from_request(&request, &mut Payload::None).await?;
            if let Ok((Some(sent), _)) = raw.check(&ctx.house, &ctx.actor.session) {
                request
                    .extensions_mut()
                    .insert(SentRequest(raw.sheet().unwrap_or(sent)));
            }
            Ok(Self { ctx, raw })
        })
    }
}

impl Submission {
    /// The context and what was typed, once the token is genuine and not too old; [`PageError::Expired`] gives the form back.
    pub fn verified(self) -> Result<(Ctx, Typed), PageError> {
        let (ctx, form) = self.verified_at_any_age()?;
        if form.expired {
            return Err(PageError::Expired);
        }
        Ok((ctx, form.typed))
    }

    /// For a page that shows itself again when it was open too long, and for what must never be refused for that.
    pub fn verified_at_any_age(mut self) -> Result<(Ctx, Form), PageError> {
        let form = self.raw.verified(&mut self.ctx)?;
        Ok((self.ctx, form))
    }
}

impl FromRequest for RawForm {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !said_to_be(request, "application/x-www-form-urlencoded") {
            return Box::pin(async { Err(PageError::ContentType) });
        }
        if !same_origin(request) {
            return Box::pin(async { Err(PageError::Foreign) });
        }
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| {
                match error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE {
                    true => PageError::TooLarge,
                    false => PageError::Unreadable,
                }
            })?;
            body.split(|byte| *byte == b'&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                        Some(at) => pair.split_at(at),
                        None => (pair, &[][..]),
                    };
                    Ok((decoded(name)?, decoded(value.strip_prefix(b"=").unwrap_or(value))?))
                })
                .collect::<Result<_, _>>()
                .map(Self)
        })
    }
}

/// One name or value (URL Standard §5.1); bytes that are no text are refused, not replaced.
fn decoded(text: &[u8]) -> Result<String, PageError> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(String::from).map_err(|_| PageError::Encoding)
}

/// Whether the body is of this media type, in UTF-8.
fn said_to_be(request: &HttpRequest, kind: &str) -> bool {
    let utf_8 = request.encoding().is_ok_and(|encoding| encoding.name() == "UTF-8");
    utf_8 && request.content_type().eq_ignore_ascii_case(kind)
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
    /// `None` once the sending has gone wrong: nothing more comes.
    multipart: Option<Multipart>,
    file: Option<Field>,
}

impl FromRequest for FileForm {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // A form that comes back after signing in again has lost its file, and nothing else.
        if said_to_be(request, "application/x-www-form-urlencoded") {
            let without_file = Submission::from_request(request, payload);
            return Box::pin(async move {
                let (ctx, form) = without_file.await?.verified_at_any_age()?;
                Ok(Self {
                    ctx,
                    form,
                    name: String::new(),
                    content: Content::none(),
                })
            });
        }
        if !said_to_be(request, "multipart/form-data") {
            return Box::pin(async { Err(PageError::ContentType) });
        }
        if !same_origin(request) {
            return Box::pin(async { Err(PageError::Foreign) });
        }
        let multipart = Multipart::new(request.headers(), payload.take());
        let request = request.clone();
        Box::pin(async move {
            let read = tokio::time::timeout(LONGEST_SILENCE, fields(multipart)).await;
            let (raw, name, mut content) = read.map_err(|_| PageError::ContentType)??;
            request.extensions_mut().insert(raw.kept());
            let checked = async {
                let mut ctx = Ctx::from_request(&request, &mut Payload::None).await?;
                let form = raw.verified(&mut ctx)?;
                Ok((ctx, form))
            };
            match checked.await {
                Ok((ctx, form)) => Ok(Self {
                    ctx,
                    form,
                    name,
                    content,
                }),
                Err(error) => {
                    content.drain().await;
                    Err(error)
                }
            }
        })
    }
}

/// Reads up to the file, which is the last part.
async fn fields(mut multipart: Multipart) -> Result<(RawForm, String, Content), PageError> {
    let mut typed = Typed::new();
    let mut taken = 0;
    while let Some(field) = multipart.next().await {
        let mut field = match field {
            Ok(field) => field,
            // A part that cannot be read takes what was typed before it not along.
            Err(_) if !typed.is_empty() => break,
            Err(_) => return Err(PageError::ContentType),
        };
        let name = field.name().unwrap_or_default().to_owned();
        let file = field
            .content_disposition()
            .and_then(|said| said.get_filename().map(str::to_owned));
        if let Some(file) = file {
            let file_name = file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            let content = Content {
                multipart: Some(multipart),
                file: Some(field),
            };
            return Ok((RawForm(typed), file_name, content));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = field.next().await {
            let piece = piece.map_err(|_| PageError::ContentType)?;
            taken += piece.len();
            if taken > MOST_BYTES {
                return Err(PageError::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        typed.push((name, String::from_utf8(bytes).map_err(|_| PageError::Encoding)?));
    }
    Ok((RawForm(typed), String::new(), Content::none()))
}

impl Stream for Content {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(file) = &mut self.file else {
            return Poll::Ready(None);
        };
        let next = std::task::ready!(file.poll_next_unpin(context));
        match next {
            Some(Ok(piece)) => Poll::Ready(Some(Ok(piece))),
            None => {
                self.file = None;
                Poll::Ready(None)
            }
            // Asked once more, a broken part would never answer.
            Some(Err(_)) => {
                *self = Self::none();
                Poll::Ready(Some(Err(Fault::Interrupted)))
            }
        }
    }
}

impl Content {
    fn none() -> Self {
        Self {
            multipart: None,
            file: None,
        }
    }

    /// Reads what is left, so that the browser comes to see the answer; gives up on what is far too long or falls silent.
    pub async fn drain(&mut self) {
        let mut left = 2 * MOST_FILE_BYTES;
        while let Ok(Some(Ok(piece))) = tokio::time::timeout(LONGEST_SILENCE, self.next()).await {
            left = left.saturating_sub(piece.len() as u64);
            if left == 0 {
                return;
            }
        }
        // Whatever comes behind the file, too.
        let rest = async {
            while let Some(Ok(mut field)) = self.multipart.as_mut()?.next().await {
                while let Some(Ok(_)) = field.next().await {}
            }
            Some(())
        };
        // Silence ends the reading as the end does.
        drop(tokio::time::timeout(LONGEST_SILENCE, rest).await);
    }
}

impl RawForm {
    /// The draft that a form says it is kept in. Every window that shows the draft sends this id, so it takes the place of the
    /// request id: what one window has sent, another does not send again. Ids of one account mean nothing for another.
    fn sheet(&self) -> Option<[u8; 16]> {
        typed(&self.0, "draft")
            .next()
            .and_then(PublicId::parse)
            .map(|sheet| sheet.0)
    }

    /// Checks the token against the actor's session; afterwards `ctx` carries the form's request id.
    pub fn verified(self, ctx: &mut Ctx) -> Result<Form, PageError> {
        let session = ctx.actor.session;
        let (request, expired) = self.check(&ctx.house, &session)?;
        ctx.actor.request = self.sheet().or(request).unwrap_or(ctx.actor.request);
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

    fn kept(&self) -> Kept {
        Kept {
            typed: self.values(),
            whose: typed(&self.0, "_whose").next().unwrap_or_default().to_owned(),
        }
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
