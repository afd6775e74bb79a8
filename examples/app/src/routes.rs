//! Which path is answered how. Every answer names the version that gave it.

use hyper::body::Body;
use hyper::header::{ALLOW, HeaderMap, HeaderName};
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use tokio::time::Instant;

use crate::answer::{self, Answer};
use crate::settings::{Fault, Settings};
use crate::tasks::Tasks;
use crate::trouble::Count;
use crate::{guard, journal, login, session, visits};

const VERSION: HeaderName = HeaderName::from_static("x-app-version");
/// What a build says that was not told its version.
const UNSET_VERSION: &str = "0.0.0-dev";

/// The service.
#[derive(Debug)]
pub(crate) struct App {
    settings: Settings,
    started: Instant,
    tasks: Tasks,
    met: Count,
}

impl App {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            started: Instant::now(),
            tasks: Tasks::default(),
            met: Count::default(),
        }
    }

    /// The answer to a request.
    pub(crate) async fn answer<B: Body>(&self, request: Request<B>) -> Answer
    where
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let answer = match (head.uri.path(), &head.method) {
            _ if self.trouble(head.uri.path()).await => answer::json(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({ "error": "internal error" }),
            ),
            (_, &Method::OPTIONS) => guard::preflight(&head.headers, &self.settings.public_url)
                .unwrap_or_else(|| not_allowed("GET, HEAD")),
            (path, method) if path == "/tasks" || path.starts_with("/tasks/") => self
                .tasks
                .answer(method, path, body)
                .await
                .unwrap_or_else(|| not_allowed("GET, HEAD, POST, DELETE")),
            ("/items", &Method::GET | &Method::HEAD) => self.list_items().await,
            ("/auth/session", &Method::POST) => session::start(&self.settings, body).await,
            ("/auth/session", _) => not_allowed("POST"),
            (path, &Method::GET | &Method::HEAD) => self.read(path, &head.headers),
            (path, _) if self.read(path, &head.headers).status() == StatusCode::NOT_FOUND => {
                not_found()
            }
            (_, _) => not_allowed("GET, HEAD"),
        };
        if answer.status().is_client_error() {
            let details = json!({ "method": head.method.as_str(), "path": head.uri.path(), "status": answer.status().as_u16() });
            journal::info("request refused", &details);
        }
        answer::with(
            guard::guarded(answer, &head.headers, &self.settings.public_url),
            VERSION,
            &self.settings.version,
        )
    }

    /// What makes this version worse; whether the request fails by it.
    async fn trouble(&self, path: &str) -> bool {
        let met = self.settings.trouble.meet(path, &self.met);
        if let Some(latency) = met.waits {
            tokio::time::sleep(latency).await;
        }
        if let Some(line) = met.logs {
            journal::raw(line);
        }
        if met.fails {
            journal::error("request failed", "the pricing service did not answer");
        }
        met.fails
    }

    async fn list_items(&self) -> Answer {
        match &self.settings.items {
            Some(items) => items.list().await,
            None => not_found(),
        }
    }

    fn read(&self, path: &str, headers: &HeaderMap) -> Answer {
        match path {
            "/" => answer::text(format!("Hello from version {}\n", self.settings.version)),
            "/health" => self.health(),
            "/ready" => self.ready(),
            "/auth/google/login" => answer::found(&login::location(
                &self.settings,
                forwarded_port(headers),
                &session::nonce(),
            )),
            "/auth/me" => session::me(&self.settings, headers),
            "/visits" => visits::count(headers),
            "/login" => answer::moved("/auth/google/login"),
            _ => not_found(),
        }
    }

    fn health(&self) -> Answer {
        let version = if self.settings.fault == Fault::Wrong {
            UNSET_VERSION
        } else {
            &self.settings.version
        };
        answer::json(
            StatusCode::OK,
            &json!({ "status": "ok", "version": version, "time": journal::now() }),
        )
    }

    /// Healthy is not yet ready: caches have to fill first.
    fn ready(&self) -> Answer {
        if self.started.elapsed() < self.settings.warm_up {
            return answer::json(
                StatusCode::SERVICE_UNAVAILABLE,
                &json!({ "status": "warming up" }),
            );
        }
        answer::json(StatusCode::OK, &json!({ "status": "ready" }))
    }
}

fn forwarded_port(headers: &HeaderMap) -> Option<u16> {
    headers.get("x-forwarded-port")?.to_str().ok()?.parse().ok()
}

fn not_found() -> Answer {
    answer::json(StatusCode::NOT_FOUND, &json!({ "error": "not found" }))
}

fn not_allowed(allowed: &str) -> Answer {
    let refusal = answer::json(
        StatusCode::METHOD_NOT_ALLOWED,
        &json!({ "error": "method not allowed" }),
    );
    answer::with(refusal, ALLOW, allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};
    use hyper::body::Bytes;
    use serde_json::Value;

    async fn ask(
        app: &App,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (Answer, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::<Bytes>::from(body.to_owned()))
            .expect("a request");
        let (head, body) = app.answer(request).await.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        (
            hyper::Response::from_parts(head, Full::default()),
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    #[tokio::test]
    async fn paths_and_methods_have_their_statuses() {
        let app = App::new(Settings::with(Fault::None));
        let bearer = ("authorization", "Bearer sample-token");
        let table = [
            (Method::GET, "/", None, "", 200),
            (Method::GET, "/health", None, "", 200),
            (Method::GET, "/auth/google/login", None, "", 302),
            (Method::GET, "/auth/me", None, "", 401),
            (Method::GET, "/auth/me", Some(bearer), "", 200),
            (
                Method::POST,
                "/auth/session",
                None,
                r#"{"token":"sample-token"}"#,
                204,
            ),
            (
                Method::POST,
                "/auth/session",
                None,
                r#"{"token":"wrong"}"#,
                401,
            ),
            (Method::POST, "/auth/session", None, "not json", 400),
            (Method::GET, "/auth/session", None, "", 405),
            (Method::DELETE, "/health", None, "", 405),
            (Method::GET, "/login", None, "", 301),
            (Method::GET, "/visits", None, "", 200),
            (Method::GET, "/tasks", None, "", 200),
            (Method::POST, "/tasks", None, r#"{"title":"x"}"#, 201),
            (Method::PUT, "/tasks/1", None, "", 405),
            (Method::DELETE, "/tasks/1", None, "", 204),
            (Method::OPTIONS, "/tasks", None, "", 405),
            (Method::GET, "/boom", None, "", 404),
            (Method::POST, "/boom", None, "", 404),
        ];
        for (method, path, header, body, status) in table {
            let headers: Vec<_> = header.into_iter().collect();
            let (answer, _) = ask(&app, method.clone(), path, &headers, body).await;
            assert_eq!(answer.status().as_u16(), status, "{method} {path} {body}");
            assert_eq!(answer.headers()["x-app-version"], "1.1.0");
        }
    }

    #[tokio::test]
    async fn browsers_are_told_what_they_may() {
        let app = App::new(Settings::with(Fault::None));
        let wanted = ("access-control-request-method", "POST");
        let (ours, theirs) = (
            ("origin", "https://app.example.com"),
            ("origin", "https://evil.example.com"),
        );
        let (allowed, _) = ask(&app, Method::OPTIONS, "/tasks", &[ours, wanted], "").await;
        assert_eq!(
            (
                allowed.status().as_u16(),
                &allowed.headers()["access-control-allow-origin"]
            ),
            (204, &ours.1.parse().expect("a value"))
        );
        assert_eq!(
            allowed.headers()["access-control-allow-methods"],
            "GET, POST, DELETE"
        );
        let (refused, _) = ask(&app, Method::OPTIONS, "/tasks", &[theirs, wanted], "").await;
        assert_eq!(
            (
                refused.status().as_u16(),
                refused.headers().get("access-control-allow-origin")
            ),
            (403, None)
        );
        let (read, _) = ask(&app, Method::GET, "/boom", &[theirs], "").await;
        assert_eq!(
            (
                &read.headers()["x-frame-options"],
                read.headers().get("access-control-allow-origin")
            ),
            (&"DENY".parse().expect("a value"), None)
        );
        assert!(read.headers().contains_key("strict-transport-security"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_worse_version_fails_some_requests_of_tasks_and_is_healthy() {
        let app = App::new(Settings::with(Fault::Errors));
        let mut failed = 0;
        for _ in 0..100 {
            failed +=
                usize::from(ask(&app, Method::GET, "/tasks", &[], "").await.0.status() == 500);
            assert_eq!(
                ask(&app, Method::GET, "/health", &[], "").await.0.status(),
                200
            );
        }
        assert_eq!(failed, 5);
        let app = App::new(Settings::with(Fault::Slow));
        let began = Instant::now();
        for _ in 0..10 {
            ask(&app, Method::GET, "/tasks", &[], "").await;
        }
        assert_eq!(began.elapsed().as_millis(), 800);
    }

    #[tokio::test]
    async fn the_session_cookie_is_guarded() {
        let app = App::new(Settings::with(Fault::None));
        let (answer, _) = ask(
            &app,
            Method::POST,
            "/auth/session",
            &[],
            r#"{"token":"sample-token"}"#,
        )
        .await;
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        assert!(
            cookie.starts_with("session=")
                && cookie.ends_with("; HttpOnly; Secure; SameSite=Lax; Path=/"),
            "{cookie}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_healthy_at_once_and_ready_after_its_warm_up() {
        let app = App::new(Settings::with(Fault::None));
        assert_eq!(
            ask(&app, Method::GET, "/ready", &[], "").await.0.status(),
            503
        );
        assert_eq!(
            ask(&app, Method::GET, "/health", &[], "").await.0.status(),
            200
        );
        tokio::time::advance(app.settings.warm_up).await;
        assert_eq!(
            ask(&app, Method::GET, "/ready", &[], "").await.0.status(),
            200
        );
    }

    #[tokio::test]
    async fn the_wrong_version_is_healthy_and_reports_another_one() {
        for (fault, version) in [
            (Fault::None, "1.1.0"),
            (Fault::Production, "1.1.0"),
            (Fault::Wrong, "0.0.0-dev"),
        ] {
            let (answer, body) = ask(
                &App::new(Settings::with(fault)),
                Method::GET,
                "/health",
                &[],
                "",
            )
            .await;
            assert_eq!(
                (answer.status().as_u16(), &body["status"], &body["version"]),
                (200, &"ok".into(), &version.into())
            );
        }
    }
}
