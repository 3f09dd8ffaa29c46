//! A browser without a browser: cookies, forms with their hidden fields, no scripts.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::header::LOCATION;
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::support::{PASSWORD, Staff, World};

/// A house that answers on a port of loopback.
pub struct Served {
    pub world: World,
    address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
}

impl Served {
    pub fn start() -> Self {
        Self::of(World::new())
    }

    pub fn of(world: World) -> Self {
        let gate = Arc::clone(&world.gate);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let ready = donghanh::web::server::prepare(gate).unwrap();
                sender.send((ready.address, ready.server.handle())).unwrap();
                ready.server.await.unwrap();
            });
        });
        let (address, handle) = receiver.recv().unwrap();
        Self { world, address, handle }
    }

    pub fn visitor(&self) -> Browser<'_> {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .build()
            .unwrap();
        Browser {
            served: self,
            client,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    pub fn signed_in(&self, staff: &Staff) -> Browser<'_> {
        let browser = self.visitor();
        self.world.app.clock.advance(30_000);
        let page = browser.get("/sign-in");
        let answer = browser.submit(
            &page,
            "/sign-in",
            &[
                ("code", &staff.secrets.code),
                ("password", PASSWORD),
                ("second", &staff.code(self.world.app.clock.now_ms())),
            ],
        );
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The server ends with the test; nothing waits for its last connections.
        drop(self.handle.stop(false));
    }
}

/// A browser with its own cookies.
pub struct Browser<'a> {
    served: &'a Served,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub location: Option<String>,
    pub index: Option<String>,
    pub headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let from = self
            .body
            .find(&mark)
            .unwrap_or_else(|| panic!("no {name} in {}", self.body))
            + mark.len();
        let value = &self.body[from..];
        value[..value.find('"').unwrap()].to_owned()
    }
}

/// Every header that a page carries besides those of the transport, and no other.
pub fn is_guarded(answer: &Answer, what: &str) {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (name, value) in [
        ("content-security-policy", policy),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), interest-cohort=()",
        ),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
    ] {
        let found: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(found, [value], "{what}: {name}");
    }
    let others = [
        "date",
        "content-length",
        "transfer-encoding",
        "content-type",
        "location",
        "set-cookie",
        "x-log-index",
        "vary",
        "retry-after",
        "connection",
        "clear-site-data",
    ];
    for name in answer.headers.keys().map(reqwest::header::HeaderName::as_str) {
        let known = others.contains(&name)
            || name.ends_with("-policy")
            || ["x-content-type-options", "x-frame-options", "cache-control"].contains(&name);
        assert!(known, "{what}: {name}");
    }
}

impl Browser<'_> {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.served.address)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.url(path)))
    }

    /// Sends the form of a page with its hidden fields.
    pub fn submit(&self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut hidden = Vec::from(["_request", "_expires", "_mac"].map(|name| (name, page.hidden(name))));
        if page.body.contains("name=\"draft\" value=\"") {
            hidden.push(("draft", page.hidden("draft")));
            hidden.push(("draft_version", page.hidden("draft_version")));
        }
        for whose in ["_whose", "whose"] {
            if page.body.contains(&format!("name=\"{whose}\" value=\"")) {
                hidden.push((whose, page.hidden(whose)));
            }
        }
        let mut form: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        form.extend_from_slice(fields);
        self.post(path, &form)
    }

    /// Sends the form of a page with its hidden fields and a file behind them, as browsers do.
    pub fn upload(&self, page: &Answer, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
        self.send(
            self.client
                .post(self.url(path))
                .multipart(Self::multipart(page, fields, file)),
        )
    }

    fn multipart(page: &Answer, fields: &[(&str, &str)], (name, bytes): (&str, &[u8])) -> Form {
        Self::multipart_of(page, fields, name, bytes.to_vec())
    }

    /// The same of any body.
    pub fn multipart_of(page: &Answer, fields: &[(&str, &str)], name: &str, body: impl Into<reqwest::Body>) -> Form {
        let hidden = ["_request", "_expires", "_mac"].map(|name| (name, page.hidden(name)));
        let mut form = Form::new();
        for (name, value) in hidden {
            form = form.text(name, value);
        }
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        form.part("file", Part::stream(body).file_name(name.to_owned()))
    }

    /// The bytes of an answer, and its status and headers.
    pub fn bytes(&self, request: reqwest::RequestBuilder) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            (status, headers, response.bytes().await.unwrap().to_vec())
        })
    }

    /// Status and bytes of an answer that came to its end; `None` when the connection broke.
    pub fn try_send(&self, request: reqwest::RequestBuilder) -> Option<(u16, Vec<u8>)> {
        self.runtime.block_on(async {
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            Some((status, response.bytes().await.ok()?.to_vec()))
        })
    }

    /// Asks for an address and reads nothing of the body yet.
    pub fn begun(&self, path: &str) -> Response {
        let request = self.client.get(self.url(path));
        self.runtime.block_on(request.send()).unwrap()
    }

    /// The body of an answer that has begun; `None` when it breaks off.
    pub fn rest(&self, answer: Response) -> Option<Vec<u8>> {
        self.runtime.block_on(answer.bytes()).ok().map(|bytes| bytes.to_vec())
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.client.post(self.url(path)).form(form))
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path))
    }

    pub fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response: Response = request.send().await.unwrap();
            let header = |name: &str| {
                response
                    .headers()
                    .get(name)
                    .map(|value| value.to_str().unwrap().to_owned())
            };
            let (status, location, index) = (
                response.status().as_u16(),
                header(LOCATION.as_str()),
                header("x-log-index"),
            );
            let headers = response.headers().clone();
            let body = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
            Answer {
                status,
                body,
                location,
                index,
                headers,
            }
        })
    }
}
