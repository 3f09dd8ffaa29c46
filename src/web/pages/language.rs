//! The language of the interface, kept in a cookie of this browser.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::web::i18n::Locale;
use crate::web::urls;

/// `GET /language/{code}`: back to the page it was asked from, if that is of this house.
pub async fn update(request: HttpRequest, code: web::Path<String>) -> HttpResponse {
    let cookie = Cookie::build("dh_lang", Locale::parse(&code).code())
        .path("/")
        .same_site(SameSite::Lax)
        .http_only(true)
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
        .unwrap_or(urls::HOME);
    HttpResponse::SeeOther()
        .cookie(cookie)
        .insert_header((header::LOCATION, back))
        .finish()
}
