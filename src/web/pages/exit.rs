//! Quick exit: signed out, nothing kept in the browser, away to an everyday page.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::operations::{sessions, sign_out};
use crate::web::ctx::{Front, PublicCtx, session_cookie};
use crate::web::pages::session::without_cookie;

/// `GET /exit`: leaves even when signing out cannot be written, and while the house is sealed.
pub async fn show(request: HttpRequest, front: web::Data<Front>) -> HttpResponse {
    let away = front.gate.process().config.quick_exit.clone();
    if let (Some(cookie), Ok(ctx)) = (request.cookie(session_cookie(front.tls)), PublicCtx::of(&request)) {
        let found = sessions::find(&ctx.house.app, cookie.value(), ctx.network, [0; 16]).await;
        if let Ok(Some(actor)) = found
            && let Err(error) = sign_out::sign_out(&ctx.house.app, &actor).await
        {
            tracing::error!(%error, "quick exit could not end the session");
        }
    }
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, away));
    response.insert_header(("Clear-Site-Data", "\"cache\", \"storage\""));
    without_cookie(&mut response, front.tls);
    response.finish()
}
