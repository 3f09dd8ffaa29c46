//! Whether the house answers, for a service manager and a load balancer; tells sealed from broken and says nothing else.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use crate::web::ctx::Front;

/// `GET /healthz`: 200 while the process can go on, with `ok` or `sealed`; 500 `stopped` when only a restart helps.
pub async fn alive(front: web::Data<Front>) -> HttpResponse {
    match state(&front) {
        STOPPED => answer(StatusCode::INTERNAL_SERVER_ERROR, STOPPED),
        going_on => answer(StatusCode::OK, going_on),
    }
}

/// `GET /readyz`: 200 `ok` while pages are served, 503 `sealed` while somebody has to bring keys, 500 `stopped`.
pub async fn ready(front: web::Data<Front>) -> HttpResponse {
    match state(&front) {
        STOPPED => answer(StatusCode::INTERNAL_SERVER_ERROR, STOPPED),
        SEALED => answer(StatusCode::SERVICE_UNAVAILABLE, SEALED),
        serving => answer(StatusCode::OK, serving),
    }
}

const STOPPED: &str = "stopped";
const SEALED: &str = "sealed";

fn state(front: &Front) -> &'static str {
    if front.gate.process().writer.is_stopped() {
        STOPPED
    } else if front.gate.is_sealed() {
        SEALED
    } else {
        "ok"
    }
}

fn answer(status: StatusCode, word: &str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/plain")
        .body(format!("{word}\n"))
}
