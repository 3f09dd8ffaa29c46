//! What a handler gets: a visitor's context, or an actor's, which cannot be built for an anonymous visitor.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::error::PageError;
use super::i18n::{Locale, Wording};
use super::page::{Frame, Page, Pages};
use super::token::{FormToken, whose};
use super::urls;
use crate::app::App;
use crate::clock::random_id;
use crate::domain::public_id::PublicId;
use crate::domain::role::Role;
use crate::operations::actor::Actor;
use crate::operations::failure::Failure;
use crate::operations::gate::Gate;
use crate::operations::{refuse, sessions};

/// The process as the web sees it, sealed or open.
pub struct Front {
    /// The keys, or the lack of them.
    pub gate: Arc<Gate>,
    /// Templates and wording.
    pub pages: Arc<Pages>,
    /// Whether the connection is TLS.
    pub tls: bool,
}

/// The open process as one request sees it.
pub struct House {
    /// Operations.
    pub app: App,
    /// Templates and wording.
    pub pages: Arc<Pages>,
    /// Whether the connection is TLS.
    pub tls: bool,
}

impl Front {
    /// The front of a request.
    pub fn of(request: &HttpRequest) -> Result<&Self, PageError> {
        let front = request.app_data::<web::Data<Self>>();
        front
            .map(|front| front.get_ref())
            .ok_or(PageError::Failure(Failure::Internal(None)))
    }

    /// A page that needs no key.
    pub fn page<P: Page>(
        &self,
        request: &HttpRequest,
        status: StatusCode,
        page: &P,
    ) -> Result<HttpResponse, PageError> {
        let locale = language(request);
        let body = render(&self.pages, locale, &frame(locale, request.path(), self.tls), page)?;
        Ok(HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .body(body))
    }
}

/// Context of a visitor who may not be signed in.
pub struct PublicCtx {
    /// The process.
    pub house: Arc<House>,
    /// Language.
    pub locale: Locale,
    /// Digest of the network address.
    pub network: [u8; 8],
    /// Path and query of this page.
    pub path: String,
}

/// Context of a signed-in actor.
pub struct Ctx {
    /// The process.
    pub house: Arc<House>,
    /// Language.
    pub locale: Locale,
    /// Who acts.
    pub actor: Actor,
    path: String,
}

/// Name of the session cookie; browsers refuse the `__Host-` prefix without TLS.
#[must_use]
pub fn session_cookie(tls: bool) -> &'static str {
    if tls { "__Host-dh" } else { "dh" }
}

impl PublicCtx {
    /// Reads language and address of a request; [`PageError::Sealed`] while there are no keys.
    pub fn of(request: &HttpRequest) -> Result<Self, PageError> {
        let front = Front::of(request)?;
        let house = Arc::new(House {
            app: front.gate.app().ok_or(PageError::Sealed)?,
            pages: Arc::clone(&front.pages),
            tls: front.tls,
        });
        Ok(Self {
            network: house.app.keyring.network_digest(&source(request)),
            locale: language(request),
            path: request.path().to_owned(),
            house,
        })
    }

    /// The frame of a page for visitors; `cookie` binds its form.
    #[must_use]
    pub fn frame(&self, cookie: Option<(&str, [u8; 16])>) -> Frame {
        Frame {
            token: cookie.map(|(cookie, request)| {
                let app = &self.house.app;
                FormToken::new(&app.keyring, cookie.as_bytes(), request, app.clock.now_ms())
            }),
            ..frame(self.locale, &self.path, self.house.tls)
        }
    }

    /// Renders a page for visitors.
    pub fn render<P: Page>(&self, frame: &Frame, page: &P) -> Result<Vec<u8>, PageError> {
        render(&self.house.pages, self.locale, frame, page)
    }
}

impl Ctx {
    /// The app.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.house.app
    }

    /// Records that the actor may see a case but not do this with it; the answer is the same as for a case that is not there.
    pub async fn refused(&self, id: PublicId) -> PageError {
        match refuse::page(self.app(), &self.actor, id.0).await {
            Ok(index) => PageError::NotFound(index),
            Err(failure) => failure.into(),
        }
    }

    /// Whether the actor belongs to a body that receives referrals.
    #[must_use]
    pub fn is_receiver(&self) -> bool {
        matches!(self.actor.role(), Role::LegalAidOfficer | Role::Liaison)
    }

    /// Wording in the actor's language.
    #[must_use]
    pub fn wording(&self) -> &Wording {
        self.house.pages.wording(self.locale)
    }

    /// A page for the actor, with a fresh request id in its forms.
    pub fn page<P: Page>(&self, page: &P) -> Result<HttpResponse, PageError> {
        self.page_with(StatusCode::OK, None, page)
    }

    /// A page that shows something from an entry of the log.
    pub fn logged_page<P: Page>(&self, index: &str, page: &P) -> Result<HttpResponse, PageError> {
        self.page_with(StatusCode::OK, Some(index), page)
    }

    /// A page that shows something from several entries.
    pub fn logged_pages<P: Page>(&self, indexes: &[&str], page: &P) -> Result<HttpResponse, PageError> {
        let indexes: Vec<&str> = indexes.iter().copied().filter(|index| !index.is_empty()).collect();
        self.logged_page(&indexes.join(", "), page)
    }

    /// A page with a status.
    pub fn page_with<P: Page>(
        &self,
        status: StatusCode,
        index: Option<&str>,
        page: &P,
    ) -> Result<HttpResponse, PageError> {
        let request = random_id().map_err(Failure::from)?;
        let frame = actor_frame(&self.house, self.locale, &self.path, &self.actor, request);
        let mut response = HttpResponse::build(status);
        response.content_type("text/html; charset=utf-8");
        if let Some(index) = index.filter(|index| !index.is_empty()) {
            response.insert_header(("X-Log-Index", index));
        }
        Ok(response.body(render(&self.house.pages, self.locale, &frame, page)?))
    }

    /// Goes on to another page after a form.
    #[must_use]
    pub fn see_other(&self, to: &str, index: &str) -> HttpResponse {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((header::LOCATION, to));
        if !index.is_empty() {
            response.insert_header(("X-Log-Index", index));
        }
        response.finish()
    }
}

/// The source of a request: an IPv4 address, or the /64 that one IPv6 customer has.
#[must_use]
pub fn source(request: &HttpRequest) -> String {
    match request.peer_addr().map(|address| address.ip()) {
        None => String::new(),
        Some(std::net::IpAddr::V4(address)) => address.to_string(),
        Some(std::net::IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The language that the browser keeps.
#[must_use]
pub fn language(request: &HttpRequest) -> Locale {
    request
        .cookie("dh_lang")
        .map_or(Locale::Vi, |cookie| Locale::parse(cookie.value()))
}

/// The frame of a signed-in actor's page, whose forms carry this request id.
#[must_use]
pub fn actor_frame(house: &House, locale: Locale, path: &str, actor: &Actor, request: [u8; 16]) -> Frame {
    let app = &house.app;
    Frame {
        role: Some(actor.role().code()),
        staff: Some(actor.code.clone()),
        org: Some(actor.org_code.clone()),
        nav: navigation(actor.role(), path),
        token: Some(FormToken {
            whose: Some(whose(&app.keyring, &actor.code)),
            ..FormToken::new(&app.keyring, &actor.session, request, app.clock.now_ms())
        }),
        ..frame(locale, path, house.tls)
    }
}

fn frame(locale: Locale, path: &str, tls: bool) -> Frame {
    let other = if locale == Locale::Vi { Locale::En } else { Locale::Vi };
    Frame {
        lang: locale.code(),
        other_lang: other.code(),
        path: path.to_owned(),
        plain: !tls,
        ..Frame::default()
    }
}

fn render<P: Page>(pages: &Pages, locale: Locale, frame: &Frame, page: &P) -> Result<Vec<u8>, PageError> {
    pages.render(locale, frame, page).map_err(|place| {
        tracing::error!(%place, "a template failed");
        PageError::Failure(Failure::Internal(None))
    })
}

/// What is not built or not allowed for a role has no entry here.
fn navigation(role: Role, path: &str) -> Vec<(&'static str, &'static str, bool)> {
    let entries: &[(&'static str, &'static str)] = match role {
        Role::SocialWorker => &[(urls::CASES, "nav-cases"), (urls::NEW_INTAKE, "nav-new-intake")],
        Role::Supervisor => &[(urls::CASES, "nav-cases"), (urls::ORDERS, "nav-orders")],
        Role::KeyCustodian => &[(urls::ORDERS, "nav-orders")],
        Role::Auditor => &[(urls::LOG, "nav-log")],
        Role::LegalAidOfficer | Role::Liaison => &[(urls::REFERRALS, "nav-referrals")],
        Role::Administrator | Role::Analyst | Role::ServiceProvider => &[],
    };
    entries
        .iter()
        .map(|(address, key)| (*address, *key, *address == path))
        .collect()
}

impl FromRequest for PublicCtx {
    type Error = PageError;
    type Future = std::future::Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(request))
    }
}

impl FromRequest for Ctx {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let public = PublicCtx::of(request);
        let is_form = request.method() == actix_web::http::Method::POST;
        let cookie = |tls| {
            request
                .cookie(session_cookie(tls))
                .map(|cookie| cookie.value().to_owned())
        };
        let token = public.as_ref().ok().and_then(|public| cookie(public.house.tls));
        Box::pin(async move {
            let public = public?;
            let signed_out = || {
                if is_form {
                    PageError::LostSession
                } else {
                    PageError::SignedOut
                }
            };
            let token = token.ok_or_else(signed_out)?;
            let request = random_id().map_err(Failure::from)?;
            let actor = sessions::find(&public.house.app, &token, public.network, request).await?;
            let actor = actor.ok_or_else(signed_out)?;
            Ok(Self {
                house: public.house,
                locale: public.locale,
                actor,
                path: public.path,
            })
        })
    }
}
