//! Styles, scripts and fonts, inside the binary, with the hash of their content as validator.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;

use super::error::PageError;
use crate::domain::public_id::PublicId;

#[derive(RustEmbed)]
#[folder = "static"]
struct Assets;

/// The same for everybody, and asked for again after an hour.
const KEPT: &str = "public, max-age=3600";

/// `GET /static/…`
pub async fn show(request: HttpRequest, path: web::Path<String>) -> Result<HttpResponse, PageError> {
    let file = Assets::get(&path).ok_or_else(|| PageError::NotFound(String::new()))?;
    let half = file
        .metadata
        .sha256_hash()
        .first_chunk::<16>()
        .copied()
        .unwrap_or_default();
    let tag = format!("\"{}\"", PublicId(half));
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    if known == Some(tag.as_str()) {
        return Ok(HttpResponse::NotModified()
            .insert_header((header::CACHE_CONTROL, KEPT))
            .insert_header((header::ETAG, tag))
            .finish());
    }
    let kind = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("woff2") => "font/woff2",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, KEPT))
        .insert_header((header::ETAG, tag))
        .body(file.data.into_owned()))
}
