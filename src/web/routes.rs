//! Every route of the house: method, path, and the action that decides it. A test walks this list with every role.

use actix_web::web::{self, ServiceConfig};

use super::pages::{
    attachments, cases, consents, exit, health, home, inbox, intakes, language, log, orders, parts, referrals,
    requests, session, steps, unsealing, versions,
};
use super::{assets, urls};

/// How a route is decided, for the test of the authorisation matrix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decided {
    /// By the policies, about one case.
    Case,
    /// By the policies, about no single case.
    House,
    /// Only the author's own things.
    Own,
    /// Nothing of a person is behind it.
    Public,
}

/// A route as the matrix test sees it.
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Pattern.
    pub path: &'static str,
    /// How it is decided.
    pub decided: Decided,
    /// Name of the action in the policies, where they decide.
    pub action: &'static str,
}

const fn route(method: &'static str, path: &'static str, decided: Decided, action: &'static str) -> Route {
    Route {
        method,
        path,
        decided,
        action,
    }
}

/// All routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/", Decided::Own, ""),
    route("GET", "/healthz", Decided::Public, ""),
    route("GET", "/readyz", Decided::Public, ""),
    route("GET", "/unsealing", Decided::Public, ""),
    route("POST", "/unsealing", Decided::Public, ""),
    route("GET", "/static/{path:.*}", Decided::Public, ""),
    route("GET", "/language/{code}", Decided::Public, ""),
    route("GET", "/sign-in", Decided::Public, ""),
    route("POST", "/sign-in", Decided::Public, ""),
    route("POST", "/sign-out", Decided::Own, ""),
    route("GET", "/exit", Decided::Public, ""),
    route("GET", "/cases", Decided::House, "list"),
    route("POST", "/cases/names", Decided::House, "list"),
    route("GET", "/cases/{id}", Decided::Case, "view"),
    route("POST", "/cases/{id}/assignment", Decided::Case, "take"),
    route("POST", "/cases/{id}/deadlines/{clock}", Decided::Case, "edit"),
    route(
        "POST",
        "/cases/{id}/deadlines/{clock}/resumption",
        Decided::Case,
        "edit",
    ),
    route("GET", "/cases/{id}/groups/{group}", Decided::Case, "view"),
    route("POST", "/cases/{id}/groups/{group}", Decided::Case, "edit"),
    route("POST", "/cases/{id}/groups/{group}/opening", Decided::Case, "view"),
    route("POST", "/cases/{id}/groups/{group}/draft", Decided::Case, "edit"),
    route("GET", "/cases/{id}/groups/{group}/versions", Decided::Case, "history"),
    route("POST", "/cases/{id}/groups/{group}/versions", Decided::Case, "history"),
    route("GET", "/cases/{id}/steps/{kind}/{step}", Decided::Case, "view"),
    route("POST", "/cases/{id}/steps/{kind}/{step}", Decided::Case, "edit"),
    route("POST", "/cases/{id}/steps/{kind}/{step}/opening", Decided::Case, "view"),
    route("POST", "/cases/{id}/steps/{kind}/{step}/draft", Decided::Case, "edit"),
    route(
        "GET",
        "/cases/{id}/steps/{kind}/{step}/versions",
        Decided::Case,
        "history",
    ),
    route(
        "POST",
        "/cases/{id}/steps/{kind}/{step}/versions",
        Decided::Case,
        "history",
    ),
    route(
        "POST",
        "/cases/{id}/steps/{kind}/{step}/state",
        Decided::Case,
        "approve",
    ),
    route("POST", "/cases/{id}/visits", Decided::Case, "edit"),
    route("GET", "/cases/{id}/matters/{referral}/{record}", Decided::Case, "view"),
    route(
        "POST",
        "/cases/{id}/matters/{referral}/{record}",
        Decided::Case,
        "report",
    ),
    route(
        "POST",
        "/cases/{id}/matters/{referral}/{record}/draft",
        Decided::Case,
        "report",
    ),
    route("GET", "/cases/{id}/attachments", Decided::Case, "view"),
    route("POST", "/cases/{id}/attachments", Decided::Case, "attach"),
    route("GET", "/cases/{id}/attachments/{file}", Decided::Case, "view"),
    route("GET", "/cases/{id}/consents/new", Decided::Case, "edit"),
    route("POST", "/cases/{id}/consents", Decided::Case, "edit"),
    route("POST", "/cases/{id}/consents/draft", Decided::Case, "edit"),
    route(
        "POST",
        "/cases/{id}/consents/{consent}/withdrawal",
        Decided::Case,
        "edit",
    ),
    route("GET", "/cases/{id}/referrals/{kind}", Decided::Case, "refer"),
    route("POST", "/cases/{id}/referrals/{kind}", Decided::Case, "refer"),
    route("POST", "/cases/{id}/referrals/{kind}/draft", Decided::Case, "refer"),
    route("POST", "/cases/{id}/withdrawals/{referral}", Decided::Case, "refer"),
    route("GET", "/referrals", Decided::House, "inbox"),
    route("GET", "/referrals/{referral}", Decided::Case, "pick_up"),
    route("POST", "/referrals/{referral}/answer", Decided::Case, "pick_up"),
    route("POST", "/referrals/{referral}/closing", Decided::Case, "pick_up"),
    route("GET", "/cases/{id}/orders/{kind}", Decided::Case, "order"),
    route("POST", "/cases/{id}/orders/{kind}", Decided::Case, "order"),
    route("POST", "/cases/{id}/orders/{kind}/draft", Decided::Case, "order"),
    route("GET", "/cases/{id}/hold", Decided::Case, "hold"),
    route("POST", "/cases/{id}/hold", Decided::Case, "hold"),
    route("GET", "/orders", Decided::House, "list_orders"),
    route("GET", "/orders/{order}", Decided::Case, "see_order"),
    route("POST", "/orders/{order}/agreement", Decided::Case, "agree"),
    route("POST", "/orders/{order}/refusal", Decided::Case, "agree"),
    route("POST", "/orders/{order}/withdrawal", Decided::Case, "order"),
    route("GET", "/orders/{order}/certificate", Decided::Case, "see_order"),
    route("GET", "/intakes/new", Decided::House, "intake"),
    route("POST", "/intakes", Decided::House, "intake"),
    route("POST", "/intakes/draft", Decided::House, "intake"),
    route("GET", "/log", Decided::House, "read_log"),
    route("POST", "/log/verification", Decided::House, "verify_log"),
    route("POST", "/log/export", Decided::House, "export_log"),
    route("GET", "/requests/{id}", Decided::Own, ""),
];

/// Registers the handlers of [`ROUTES`]; a test compares the two.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(home::show))
        .route("/healthz", web::get().to(health::alive))
        .route("/readyz", web::get().to(health::ready))
        .route(urls::UNSEALING, web::get().to(unsealing::new))
        .route(urls::UNSEALING, web::post().to(unsealing::create))
        .route("/static/{path:.*}", web::get().to(assets::show))
        .route("/language/{code}", web::get().to(language::update))
        .route(urls::SIGN_IN, web::get().to(session::new))
        .route(urls::SIGN_IN, web::post().to(session::create))
        .route(urls::SIGN_OUT, web::post().to(session::destroy))
        .route(urls::EXIT, web::get().to(exit::show))
        .route(urls::CASES, web::get().to(cases::index))
        .route(urls::NAMES, web::post().to(cases::names))
        .route("/cases/{id}", web::get().to(cases::show))
        .route("/cases/{id}/assignment", web::post().to(cases::take))
        .route("/cases/{id}/deadlines/{clock}", web::post().to(cases::meet))
        .route(
            "/cases/{id}/deadlines/{clock}/resumption",
            web::post().to(cases::resume),
        )
        .route("/cases/{id}/groups/{group}", web::get().to(parts::edit))
        .route("/cases/{id}/groups/{group}", web::post().to(parts::update))
        .route("/cases/{id}/groups/{group}/opening", web::post().to(parts::open))
        .route("/cases/{id}/groups/{group}/draft", web::post().to(parts::keep))
        .route("/cases/{id}/groups/{group}/versions", web::get().to(versions::index))
        .route("/cases/{id}/groups/{group}/versions", web::post().to(versions::show))
        .route(
            "/cases/{id}/steps/{kind}/{step}/versions",
            web::get().to(versions::index),
        )
        .route(
            "/cases/{id}/steps/{kind}/{step}/versions",
            web::post().to(versions::show),
        )
        .route("/cases/{id}/steps/{kind}/{step}", web::get().to(parts::edit))
        .route("/cases/{id}/steps/{kind}/{step}", web::post().to(parts::update))
        .route("/cases/{id}/steps/{kind}/{step}/opening", web::post().to(parts::open))
        .route("/cases/{id}/steps/{kind}/{step}/draft", web::post().to(parts::keep))
        .route("/cases/{id}/steps/{kind}/{step}/state", web::post().to(steps::update))
        .route("/cases/{id}/visits", web::post().to(steps::plan))
        .route("/cases/{id}/matters/{referral}/{record}", web::get().to(parts::edit))
        .route("/cases/{id}/matters/{referral}/{record}", web::post().to(parts::update))
        .route(
            "/cases/{id}/matters/{referral}/{record}/draft",
            web::post().to(parts::keep),
        )
        .route("/cases/{id}/attachments", web::get().to(attachments::index))
        .route("/cases/{id}/attachments", web::post().to(attachments::create))
        .route("/cases/{id}/attachments/{file}", web::get().to(attachments::show))
        .route("/cases/{id}/consents/new", web::get().to(consents::new))
        .route("/cases/{id}/consents", web::post().to(consents::create))
        .route("/cases/{id}/consents/draft", web::post().to(consents::keep))
        .route(
            "/cases/{id}/consents/{consent}/withdrawal",
            web::post().to(consents::withdraw),
        )
        .route("/cases/{id}/referrals/{kind}", web::get().to(referrals::new))
        .route("/cases/{id}/referrals/{kind}", web::post().to(referrals::create))
        .route("/cases/{id}/referrals/{kind}/draft", web::post().to(referrals::keep))
        .route(
            "/cases/{id}/withdrawals/{referral}",
            web::post().to(referrals::withdraw),
        )
        .route(urls::REFERRALS, web::get().to(inbox::index))
        .route("/referrals/{referral}", web::get().to(inbox::show))
        .route("/referrals/{referral}/answer", web::post().to(inbox::answer))
        .route("/referrals/{referral}/closing", web::post().to(inbox::close))
        .route("/cases/{id}/orders/{kind}", web::get().to(orders::new))
        .route("/cases/{id}/orders/{kind}", web::post().to(orders::create))
        .route("/cases/{id}/orders/{kind}/draft", web::post().to(orders::keep))
        .route("/cases/{id}/hold", web::get().to(orders::new_hold))
        .route("/cases/{id}/hold", web::post().to(orders::create_hold))
        .route(urls::ORDERS, web::get().to(orders::index))
        .route("/orders/{order}", web::get().to(orders::show))
        .route("/orders/{order}/agreement", web::post().to(orders::agree))
        .route("/orders/{order}/refusal", web::post().to(orders::refuse))
        .route("/orders/{order}/withdrawal", web::post().to(orders::withdraw))
        .route("/orders/{order}/certificate", web::get().to(orders::certificate))
        .route(urls::NEW_INTAKE, web::get().to(intakes::new))
        .route(urls::INTAKES, web::post().to(intakes::create))
        .route(urls::INTAKE_DRAFT, web::post().to(intakes::keep))
        .route(urls::LOG, web::get().to(log::index))
        .route(urls::LOG_VERIFICATION, web::post().to(log::verify))
        .route(urls::LOG_EXPORT, web::post().to(log::export))
        .route("/requests/{id}", web::get().to(requests::show));
}
