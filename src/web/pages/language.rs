//! The language of the interface, kept in a cookie of this browser.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::drafts;
use crate::domain::public_id::PublicId;
use crate::web::ctx::Front;
use crate::web::i18n::Locale;
use crate::web::routes::{ROUTES, Route};
use crate::web::urls;

/// What the address says.
#[derive(serde::Deserialize, Default)]
pub struct Asked {
    draft: Option<String>,
}

/// `GET /language/{code}`: back to the page it was asked from, if that is of this house.
pub async fn update(
    request: HttpRequest,
    front: web::Data<Front>,
    code: web::Path<String>,
    asked: web::Query<Asked>,
) -> HttpResponse {
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
        .filter(|path| path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'))
        .map_or(urls::HOME, shown_by_get);
    // A form that came back with what was typed is kept as a draft, which the other page goes on with.
    let draft = asked.draft.as_deref().and_then(PublicId::parse);
    let back = match draft.filter(|_| back != urls::HOME && !back.contains('?')) {
        Some(draft) => drafts::address(back, draft),
        None => back.to_owned(),
    };
    HttpResponse::SeeOther()
        .cookie(cookie)
        .insert_header((header::LOCATION, back))
        .finish()
}

/// A page that answered a form has an address that cannot be asked for; the page before it can.
pub fn shown_by_get(path: &str) -> &str {
    match path {
        urls::INTAKES | urls::INTAKE_DRAFT => return urls::NEW_INTAKE,
        _ => {}
    }
    let mut path = path;
    // `?` and what follows belongs to a page that was asked for.
    while !path.contains('?') && !is_shown(path) {
        path = match path.rsplit_once('/') {
            Some((before, _)) if !before.is_empty() => before,
            _ => return urls::HOME,
        };
    }
    path
}

/// Whether only forms go to this address.
pub fn is_for_forms(path: &str) -> bool {
    !is_shown(path) && best(path).any(|route| route.method == "POST")
}

/// Whether the route that answers this address, the one with the fewest variables, has a page.
pub fn is_shown(path: &str) -> bool {
    best(path).any(|route| route.method == "GET")
}

/// The routes that answer an address: those with the fewest variables.
fn best(path: &str) -> impl Iterator<Item = &'static Route> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_variable = |part: &str| part.starts_with('{');
    let answers: Vec<&Route> = ROUTES
        .iter()
        .filter(|route| {
            let asked: Vec<&str> = route.path.split('/').collect();
            let mut pairs = asked.iter().zip(&parts);
            asked.len() == parts.len() && pairs.all(|(asked, part)| is_variable(asked) || asked == part)
        })
        .collect();
    let variables = |route: &Route| route.path.split('/').filter(|part| part.starts_with('{')).count();
    let fewest = answers.iter().map(|route| variables(route)).min();
    answers
        .into_iter()
        .filter(move |route| Some(variables(route)) == fewest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_every_form_the_language_leads_to_a_page_that_can_be_asked_for() {
        for route in ROUTES {
            let path = route.path.replace("{id}", "0").replace("{path:.*}", "own.js");
            let shown = shown_by_get(&path);
            assert!(is_shown(shown) || shown == urls::HOME, "{path} leads to {shown}");
            if route.method == "GET" && !route.path.contains("{path") {
                assert_eq!(shown, path);
            }
        }
        for (asked, shown) in [
            ("/cases/names", "/cases"),
            ("/cases/0/consents", "/cases/0"),
            ("/cases/0/steps/support/1/state", "/cases/0/steps/support/1"),
            ("/cases/0/groups/risk/opening", "/cases/0/groups/risk"),
            ("/cases/0/deadlines/X/resumption", "/cases/0"),
            ("/referrals/0/answer", "/referrals/0"),
            ("/orders/0/agreement", "/orders/0"),
            ("/intakes/draft", "/intakes/new"),
            ("/cases/0?saved=1", "/cases/0?saved=1"),
            ("/nowhere/at/all", "/"),
        ] {
            assert_eq!(shown_by_get(asked), shown);
        }
    }
}
