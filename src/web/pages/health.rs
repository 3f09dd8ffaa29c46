//! Whether the house answers; says nothing about its content.

use actix_web::{HttpResponse, web};

use crate::web::ctx::House;

/// `GET /healthz`: 200 while the log can be written, 503 when the writer has stopped.
pub async fn show(house: web::Data<House>) -> HttpResponse {
    if house.app.writer.is_stopped() {
        HttpResponse::ServiceUnavailable()
            .content_type("text/plain")
            .body("stopped\n")
    } else {
        HttpResponse::Ok().content_type("text/plain").body("ok\n")
    }
}
