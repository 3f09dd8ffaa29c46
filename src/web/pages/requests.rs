//! What became of a form whose answer got lost: saved, and where, or not.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::domain::public_id::PublicId;
use crate::operations::outcome;
use crate::web::ctx::Ctx;
use crate::web::error::PageError;
use crate::web::page::Page;
use crate::web::urls;

/// The answer.
#[derive(Serialize)]
pub struct Outcome {
    case: Option<String>,
}

impl Page for Outcome {
    const TEMPLATE: &'static str = "requests/show.html";

    fn samples() -> Vec<Self> {
        vec![
            Self { case: None },
            Self {
                case: Some(urls::case(PublicId([7; 16]))),
            },
        ]
    }
}

/// `GET /requests/{id}`: of the actor's own forms only.
pub async fn show(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let id = PublicId::parse(&id).ok_or_else(|| PageError::NotFound(String::new()))?;
    let found = outcome::look_up(ctx.app(), &ctx.actor, id.0).await?;
    ctx.page(&Outcome {
        case: found.map(urls::case),
    })
}
