//! The language of the interface, kept in a cookie of this browser.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::web::ctx::Front;
use crate::web::i18n::Locale;
use crate::web::urls;

/// `GET /language/{code}`: back to the page it was asked from, if that is of this house.
pub async fn update(request: HttpRequest, front: web::Data<Front>, code: web::Path<String>) -> HttpResponse {
    let cookie = Cookie::build("dh_lang", Locale::parse(&code).code())
        .path("/")
        .same_site(SameSite::Lax)
        .http_only(true)
        .secure(front.tls)
        .permanent()
        .finish();
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let host = text(header::HOST);
    let back = text(header::REFERER)
        .split_once("://")
        .and_then(|(_, rest)| rest.strip_prefix(host));
    let back = back
        .filter(|path| path.starts_with('/') && !path.starts_with("//"))
        .map_or(urls::HOME, shown_by_get);
    HttpResponse::SeeOther()
        .cookie(cookie)
        .insert_header((header::LOCATION, back))
        .finish()
}

/// A page that answered a form has an address that cannot be asked for; the page before it can.
fn shown_by_get(path: &str) -> &str {
    match path {
        urls::NAMES => urls::CASES,
        urls::INTAKES | urls::INTAKE_DRAFT => urls::NEW_INTAKE,
        urls::LOG_EXPORT | urls::LOG_VERIFICATION => urls::LOG,
        other => other
            .strip_suffix("/opening")
            .or(other.strip_suffix("/assignment"))
            .unwrap_or(other),
    }
}
