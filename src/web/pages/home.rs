//! Where a signed-in person lands: the page of her role, or a plain word that there is none yet.

use actix_web::HttpResponse;
use serde::Serialize;

use crate::domain::role::Role;
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::page::Page;
use crate::web::urls;

/// The page of a role whose work is not built yet.
#[derive(Serialize)]
pub struct Home {
    role: &'static str,
}

impl Page for Home {
    const TEMPLATE: &'static str = "home.html";

    fn samples() -> Vec<Self> {
        Role::ALL.into_iter().map(|role| Self { role: role.code() }).collect()
    }
}

/// `GET /`
pub async fn show(ctx: Ctx) -> Result<HttpResponse, PageError> {
    match ctx.actor.role() {
        Role::SocialWorker | Role::Supervisor => Ok(ctx.see_other(urls::CASES, "")),
        Role::Auditor => Ok(ctx.see_other(urls::LOG, "")),
        Role::LegalAidOfficer | Role::Liaison => Ok(ctx.see_other(urls::REFERRALS, "")),
        Role::KeyCustodian => Ok(ctx.see_other(urls::ORDERS, "")),
        role @ (Role::Administrator | Role::Analyst | Role::ServiceProvider) => ctx.page(&Home { role: role.code() }),
    }
}
