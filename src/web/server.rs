//! Starts the server: headers on every answer, error pages, TLS, an orderly end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App as Actix, HttpServer, web};

use super::ctx::Front;
use super::error::{self, PageError};
use super::form::MOST_BYTES;
use super::page::Pages;
use super::routes::routes;
use crate::config::Config;
use crate::operations::gate::Gate;

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be taken.
    #[error("cannot listen: {0}")]
    Listen(#[from] std::io::Error),
    /// Templates or wording are broken.
    #[error("templates: {0}")]
    Pages(String),
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
}

/// A server that is ready to run, and where it listens.
pub struct Ready {
    /// Runs until it is stopped.
    pub server: Server,
    /// The address, with the port that was taken.
    pub address: SocketAddr,
}

/// Binds and prepares the server, sealed or open.
pub fn prepare(gate: Arc<Gate>) -> Result<Ready, ServeError> {
    let config = Arc::clone(&gate.process().config);
    let front = web::Data::new(Front {
        pages: Arc::new(Pages::load().map_err(ServeError::Pages)?),
        tls: config.tls(),
        gate,
    });
    let listener = TcpListener::bind(config.listen)?;
    let address = listener.local_addr()?;
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        some => some,
    };
    let server = HttpServer::new(move || {
        Actix::new()
            .app_data(front.clone())
            .app_data(web::PayloadConfig::new(MOST_BYTES))
            .wrap(from_fn(error::pages))
            .wrap(from_fn(headers))
            .configure(routes)
            .default_service(web::to(async || Err::<String, _>(PageError::NotFound(String::new()))))
    })
    .workers(workers)
    .shutdown_timeout(10);
    let server = match tls(&config)? {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(Ready {
        server: server.run(),
        address,
    })
}

const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    ),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

async fn headers(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let tls = request.app_data::<web::Data<Front>>().is_some_and(|front| front.tls);
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        // A file comes with a stricter policy of its own.
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if tls {
        headers.insert(
            HeaderName::from_static("strict-transport-security"),
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
        );
    }
    let name = HeaderName::from_static("cache-control");
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

fn tls(config: &Config) -> Result<Option<rustls::ServerConfig>, ServeError> {
    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else {
        return Ok(None);
    };
    let wrong = |error: &dyn std::fmt::Display| ServeError::Tls(error.to_string());
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_file_iter(certificate)
        .map_err(|error| wrong(&error))?
        .collect();
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(|error| wrong(&error))?, key)
        .map(Some)
        .map_err(|error| wrong(&error))
}
