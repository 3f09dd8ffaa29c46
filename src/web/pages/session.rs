//! Signing in and out; a form whose session ended is carried through.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use ledger::b64u;
use serde::Serialize;

use super::language::is_shown;
use crate::clock::random_id;
use crate::domain::field::{Typed, typed};
use crate::operations::failure::Failure;
use crate::operations::sign_in::{Credentials, sign_in};
use crate::operations::{sessions, sign_out};
use crate::web::ctx::{PublicCtx, session_cookie};
use crate::web::error::{self, Again, PageError};
use crate::web::form::{Submission, VisitorForm};
use crate::web::page::{Frame, Page};
use crate::web::token::{FormToken, whose};
use crate::web::urls;

/// Binds the sign-in form to this browser before there is a session.
const VISITOR: &str = "dh_visitor";
/// Names of carried fields begin so.
const CARRIED: &str = "carried.";

/// The sign-in page.
#[derive(Serialize, Default)]
pub struct SignIn {
    code: String,
    wrong: bool,
    expired: bool,
    lost: bool,
    trouble: Option<&'static str>,
    carried: Typed,
    /// Whose form is carried.
    whose: String,
    next: String,
}

impl Page for SignIn {
    const TEMPLATE: &'static str = "session/new.html";

    fn samples() -> Vec<Self> {
        let carried = vec![("carried.alias".to_owned(), "Hoa Mẫu".to_owned())];
        vec![
            Self::default(),
            Self {
                wrong: true,
                code: "NV-MAU0-0001".to_owned(),
                ..Self::default()
            },
            Self {
                expired: true,
                ..Self::default()
            },
            Self {
                lost: true,
                carried,
                next: urls::INTAKES.to_owned(),
                ..Self::default()
            },
        ]
    }
}

/// After signing in: the form that was on its way.
#[derive(Serialize)]
pub struct Resume {
    action: String,
    typed: Typed,
    /// Whether it is hers who signed in.
    own: bool,
    /// Whether a file went with it, which cannot be carried.
    file: bool,
}

impl Page for Resume {
    const TEMPLATE: &'static str = "session/resume.html";

    fn samples() -> Vec<Self> {
        let page = |own, file| Self {
            action: urls::INTAKES.to_owned(),
            typed: vec![("alias".to_owned(), "Hoa Mẫu".to_owned())],
            own,
            file,
        };
        vec![page(true, false), page(true, true), page(false, false)]
    }
}

/// What the address says.
#[derive(serde::Deserialize, Default)]
pub struct Asked {
    /// The page that was asked for.
    next: Option<String>,
}

/// The sign-in page, which leads on to the page that was asked for.
pub fn way_in(request: &HttpRequest) -> String {
    let path = request.path();
    match path != urls::HOME && of_this_house(path) && is_shown(path) {
        true => format!("{}?next={path}", urls::SIGN_IN),
        false => urls::SIGN_IN.to_owned(),
    }
}

/// `GET /sign-in`
pub async fn new(ctx: PublicCtx, asked: web::Query<Asked>) -> Result<HttpResponse, PageError> {
    let next = asked.into_inner().next.filter(|next| of_this_house(next));
    let sign_in = SignIn {
        next: next.unwrap_or_default(),
        ..SignIn::default()
    };
    page(&ctx, StatusCode::OK, &sign_in)
}

/// `POST /sign-in`
pub async fn create(request: HttpRequest, sent: VisitorForm) -> Result<HttpResponse, PageError> {
    let VisitorForm { ctx, raw } = sent;
    let visitor = request
        .cookie(VISITOR)
        .map(|cookie| cookie.value().to_owned())
        .unwrap_or_default();
    let values = raw.values();
    let (code, carried, next) = carried(&values);
    let whose = typed(&values, "whose").next().unwrap_or_default().to_owned();
    let again = |wrong, expired| SignIn {
        code: code.clone(),
        wrong,
        expired,
        lost: false,
        trouble: None,
        carried: carried.clone(),
        whose: whose.clone(),
        next: next.clone(),
    };
    let Ok((form, id)) = raw.verified_for_visitor(&ctx.house, &visitor) else {
        // The page was open too long or cookies are off: a fresh form, with the staff code kept.
        return page(&ctx, StatusCode::FORBIDDEN, &again(false, true));
    };
    let field = |name| typed(&form.typed, name).next().unwrap_or_default().to_owned();
    let credentials = Credentials {
        code: field("code"),
        password: field("password").into(),
        second: field("second").into(),
    };
    match sign_in(&ctx.house.app, credentials, ctx.network, id).await {
        Ok(token) => signed_in(&ctx, &token, &carried, (&whose, &next)).await,
        Err(error) => match error::of_sign_in(error) {
            // Whatever is wrong, a form that was carried here stays on the page.
            Some(error) if carried.is_empty() => Err(error),
            Some(error) => {
                let status = actix_web::ResponseError::status_code(&error);
                page(
                    &ctx,
                    status,
                    &SignIn {
                        trouble: Some(error.name()),
                        ..again(false, false)
                    },
                )
            }
            None => page(&ctx, StatusCode::UNPROCESSABLE_ENTITY, &again(true, false)),
        },
    }
}

/// `POST /sign-out`
pub async fn destroy(submission: Submission) -> Result<HttpResponse, PageError> {
    let (ctx, _) = submission.verified_at_any_age()?;
    sign_out::sign_out(ctx.app(), &ctx.actor).await?;
    let mut response = HttpResponse::SeeOther();
    response.insert_header(("Location", urls::SIGN_IN));
    response.insert_header(("Clear-Site-Data", "\"cache\", \"storage\""));
    without_cookie(&mut response, ctx.house.tls);
    Ok(response.finish())
}

/// The sign-in page for a form whose session ended; what was typed goes along.
pub fn lost(ctx: &PublicCtx, again: Option<Again>) -> Result<HttpResponse, PageError> {
    let (next, carried, whose) = match again {
        Some(again) => (again.action, again.typed, again.whose),
        None => (String::new(), Vec::new(), String::new()),
    };
    let carried = carried
        .into_iter()
        .map(|(name, value)| (format!("{CARRIED}{name}"), value))
        .collect();
    page(
        ctx,
        StatusCode::UNAUTHORIZED,
        &SignIn {
            lost: true,
            carried,
            whose,
            next,
            ..SignIn::default()
        },
    )
}

/// Takes the session cookie out of the browser.
pub fn without_cookie(response: &mut HttpResponseBuilder, tls: bool) {
    let mut cookie = Cookie::build(session_cookie(tls), "")
        .path("/")
        .secure(tls)
        .http_only(true)
        .finish();
    cookie.make_removal();
    response.cookie(cookie);
}

async fn signed_in(
    ctx: &PublicCtx,
    token: &str,
    carried: &Typed,
    (of, next): (&str, &str),
) -> Result<HttpResponse, PageError> {
    let cookie = Cookie::build(session_cookie(ctx.house.tls), token.to_owned())
        .path("/")
        .secure(ctx.house.tls)
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish();
    if carried.is_empty() || !of_this_house(next) {
        let shown = of_this_house(next) && is_shown(next);
        return Ok(HttpResponse::SeeOther()
            .cookie(cookie)
            .insert_header(("Location", if shown { next } else { urls::HOME }))
            .finish());
    }
    let app = &ctx.house.app;
    let id = random_id().map_err(Failure::from)?;
    let session = sessions::session_id(token);
    // What somebody typed is hers: whoever signs in after her at the same machine neither sees it nor sends it.
    let actor = sessions::find(app, token, ctx.network, id).await?;
    let own = actor.is_some_and(|actor| whose(&app.keyring, &actor.code) == of);
    let frame = Frame {
        token: Some(FormToken {
            whose: own.then(|| of.to_owned()),
            ..FormToken::new(&app.keyring, &session, id, app.clock.now_ms())
        }),
        ..ctx.frame(None)
    };
    let typed: Typed = carried
        .iter()
        .filter(|_| own)
        .map(|(name, value)| (name.trim_start_matches(CARRIED).to_owned(), value.clone()))
        .collect();
    let body = ctx.render(
        &frame,
        &Resume {
            action: next.to_owned(),
            typed,
            own,
            file: next.ends_with("/attachments"),
        },
    )?;
    Ok(HttpResponse::Ok()
        .cookie(cookie)
        .content_type("text/html; charset=utf-8")
        .body(body))
}

fn page(ctx: &PublicCtx, status: StatusCode, sign_in: &SignIn) -> Result<HttpResponse, PageError> {
    let visitor = b64u(&random_id().map_err(Failure::from)?);
    let frame = ctx.frame(Some((&visitor, random_id().map_err(Failure::from)?)));
    let cookie = Cookie::build(VISITOR, visitor)
        .path(urls::SIGN_IN)
        .http_only(true)
        .secure(ctx.house.tls)
        .same_site(SameSite::Strict)
        .max_age(Duration::hours(12))
        .finish();
    Ok(HttpResponse::build(status)
        .cookie(cookie)
        .content_type("text/html; charset=utf-8")
        .body(ctx.render(&frame, sign_in)?))
}

fn carried(values: &Typed) -> (String, Typed, String) {
    let field = |name| typed(values, name).next().unwrap_or_default().to_owned();
    let carried = values
        .iter()
        .filter(|(name, _)| name.starts_with(CARRIED))
        .cloned()
        .collect();
    (field("code"), carried, field("next"))
}

/// A path of this house and nothing that leads away.
fn of_this_house(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/_-".contains(&byte))
        && !path.starts_with("//")
}
