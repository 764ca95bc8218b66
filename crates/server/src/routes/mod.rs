//! The routes, one file per noun, and the one table of them: path, method and what the caller must be allowed to do.
//! The router is built from the table, and the guard before each handler with it, so that no route can be without.
//! `/v1` is a promise: fields are added, never renamed or removed.

mod actions;
mod checks;
mod devices;
mod hosts;
mod issues;
mod knowledge;
mod log;
mod notices;
mod orders;
pub(crate) mod queue;
mod status;
mod talk;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use watchkeeper_watch::Operation::{Approve, Ask, Check, Enrol, Look, Teach, TrackIssue};
use watchkeeper_watch::{Operation, Watch};

use crate::caller::Caller;
use crate::extract::MAX_BODY_BYTES;
use crate::own::OwnRuns;
use crate::panics;
use crate::problem::{Kind, Problem};
use crate::pulse::Pulse;

pub use actions::{ApproveBody, EditBody, RejectBody};
pub use checks::CheckBody;
pub use devices::DeviceBody;
pub use hosts::EnrolBody;
pub use issues::{IssueBody, NoteBody};
pub use knowledge::{
    ConfigsAnswer, ConfigsBody, EntryBody, EntryEditBody, ImportBody, MoveBody, RepositoryBody,
    SearchBody,
};
pub use log::LogQuery;
pub use notices::{SayWordsBody, SentAnswer, TestBody};
pub use orders::ReplayBody;
pub use queue::LaneBody;
pub use talk::{SayBody, TalkBody};

/// Verifications of the whole log at a time; each reads all of it.
const VERIFICATIONS_AT_ONCE: usize = 1;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The use cases.
    pub watch: Watch,
    /// Owns what goes on after a response has begun.
    pub tasks: TaskTracker,
    /// Whether a daemon serves this, or a command for itself.
    pub daemon: bool,
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) serving: Serving,
    pub(crate) own: OwnRuns,
    pub(crate) pulse: Pulse,
    pub(crate) verifying: Semaphore,
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Its method; a GET answers HEAD, too.
    pub method: Method,
    /// Its path; `{…}` stands for one piece.
    pub path: &'static str,
    /// What the caller must be allowed to do.
    pub operation: Operation,
    handle: Handle,
}

type Handle = fn(Guard) -> MethodRouter<Arc<Shared>>;

const fn get(path: &'static str, operation: Operation, handle: Handle) -> Route {
    route(Method::GET, path, operation, handle)
}

const fn post(path: &'static str, operation: Operation, handle: Handle) -> Route {
    route(Method::POST, path, operation, handle)
}

const fn put(path: &'static str, operation: Operation, handle: Handle) -> Route {
    route(Method::PUT, path, operation, handle)
}

const fn route(method: Method, path: &'static str, operation: Operation, handle: Handle) -> Route {
    Route {
        method,
        path,
        operation,
        handle,
    }
}

/// Every route there is.
pub static ROUTES: [Route; 57] = [
    get("/v1/status", Look, |guard| guard.before(status::status)),
    get("/v1/doctor", Check, |guard| guard.before(status::doctor)),
    get("/v1/systems", Look, |guard| guard.before(hosts::list)),
    get("/v1/hosts/{host}/key", Check, |guard| {
        guard.before(hosts::offered_key)
    }),
    post("/v1/hosts/{host}/enrol", Enrol, |guard| {
        guard.before(hosts::enrol)
    }),
    post("/v1/checks", Check, |guard| guard.before(checks::check)),
    get("/v1/issues", Look, |guard| guard.before(issues::list)),
    post("/v1/issues", TrackIssue, |guard| {
        guard.before(issues::create)
    }),
    get("/v1/issues/{number}", Look, |guard| {
        guard.before(issues::show)
    }),
    post("/v1/issues/{number}/ack", TrackIssue, |guard| {
        guard.before(issues::acknowledge)
    }),
    post("/v1/issues/{number}/notes", TrackIssue, |guard| {
        guard.before(issues::note)
    }),
    post("/v1/issues/{number}/resolve", TrackIssue, |guard| {
        guard.before(issues::resolve)
    }),
    post("/v1/issues/{number}/close", TrackIssue, |guard| {
        guard.before(issues::close)
    }),
    get("/v1/actions", Look, |guard| guard.before(actions::list)),
    get("/v1/actions/{number}", Look, |guard| {
        guard.before(actions::show)
    }),
    put("/v1/actions/{number}", Approve, |guard| {
        guard.before(actions::edit)
    }),
    post("/v1/actions/{number}/approve", Approve, |guard| {
        guard.before(actions::approve)
    }),
    post("/v1/actions/{number}/reject", Approve, |guard| {
        guard.before(actions::reject)
    }),
    get("/v1/actions/{number}/events", Look, |guard| {
        guard.before(actions::events)
    }),
    post("/v1/actions/{number}/link", Approve, |guard| {
        guard.before(devices::link)
    }),
    get("/v1/devices", Look, |guard| guard.before(devices::list)),
    post("/v1/devices", Approve, |guard| guard.before(devices::add)),
    post("/v1/devices/{number}/remove", Approve, |guard| {
        guard.before(devices::remove)
    }),
    post("/v1/conversations", Ask, |guard| guard.before(talk::begin)),
    get("/v1/conversations", Look, |guard| guard.before(talk::list)),
    get("/v1/conversations/{number}", Look, |guard| {
        guard.before(talk::show)
    }),
    post("/v1/conversations/{number}/said", Ask, |guard| {
        guard.before(talk::say)
    }),
    post("/v1/orders/replay", Check, |guard| {
        guard.before(orders::replay)
    }),
    get("/v1/queue", Look, |guard| guard.before(queue::list)),
    post("/v1/queue/pause", Ask, |guard| guard.before(queue::pause)),
    post("/v1/queue/resume", Ask, |guard| guard.before(queue::resume)),
    get("/v1/jobs/{number}", Look, |guard| guard.before(queue::show)),
    get("/v1/jobs/{number}/events", Look, |guard| {
        guard.before(queue::events)
    }),
    post("/v1/jobs/{number}/cancel", Ask, |guard| {
        guard.before(queue::cancel)
    }),
    post("/v1/jobs/{number}/retry", Ask, |guard| {
        guard.before(queue::retry)
    }),
    get("/v1/deliveries", Look, |guard| guard.before(notices::list)),
    post("/v1/deliveries", TrackIssue, |guard| {
        guard.before(notices::say)
    }),
    post("/v1/deliveries/test", TrackIssue, |guard| {
        guard.before(notices::test)
    }),
    post("/v1/deliveries/{number}/retry", TrackIssue, |guard| {
        guard.before(notices::retry)
    }),
    get("/v1/knowledge", Look, |guard| guard.before(knowledge::list)),
    post("/v1/knowledge", Teach, |guard| guard.before(knowledge::add)),
    post("/v1/knowledge/search", Look, |guard| {
        guard.before(knowledge::search)
    }),
    post("/v1/knowledge/seed", Teach, |guard| {
        guard.before(knowledge::seed)
    }),
    get("/v1/knowledge/export", Look, |guard| {
        guard.before(knowledge::export)
    }),
    post("/v1/knowledge/import", Teach, |guard| {
        guard.before(knowledge::import)
    }),
    post("/v1/knowledge/move", Teach, |guard| {
        guard.before(knowledge::relocate)
    }),
    get("/v1/knowledge/{number}", Look, |guard| {
        guard.before(knowledge::show)
    }),
    put("/v1/knowledge/{number}", Teach, |guard| {
        guard.before(knowledge::edit)
    }),
    post("/v1/knowledge/{number}/verify", Teach, |guard| {
        guard.before(knowledge::verify)
    }),
    post("/v1/knowledge/{number}/forget", Teach, |guard| {
        guard.before(knowledge::forget)
    }),
    get("/v1/configs", Look, |guard| {
        guard.before(knowledge::configs)
    }),
    post("/v1/configs", Teach, |guard| {
        guard.before(knowledge::index_configs)
    }),
    post("/v1/configs/repository", Teach, |guard| {
        guard.before(knowledge::index_repository)
    }),
    get("/v1/log", Look, |guard| guard.before(log::list)),
    get("/v1/log/follow", Look, |guard| guard.before(log::follow)),
    post("/v1/log/verify", Look, |guard| guard.before(log::verify)),
    get("/v1/log/export", Look, |guard| guard.before(log::export)),
];

/// The router over the use cases.
pub fn router(serving: Serving) -> Router {
    let shared = Shared {
        serving,
        own: OwnRuns::default(),
        pulse: Pulse::default(),
        verifying: Semaphore::new(VERIFICATIONS_AT_ONCE),
    };
    let routes = ROUTES.iter().fold(Router::new(), |router, route| {
        let method =
            MethodFilter::try_from(route.method.clone()).expect("a method of the standard");
        let guard = Guard {
            method,
            operation: route.operation,
        };
        router.route(route.path, (route.handle)(guard))
    });
    hardened(routes).with_state(Arc::new(shared))
}

/// Answers with a problem where no route does, and where one breaks down.
fn hardened<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .fallback(|| async { Problem::new(Kind::NotFound, "there is no such path") })
        .method_not_allowed_fallback(|method: Method| async move {
            Problem::new(
                Kind::MethodNotAllowed,
                format!("{method} is not for this path"),
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(panics::answer_for))
}

/// What stands before a handler: who may not do this gets no further, whatever else the request holds.
#[derive(Clone, Copy, Debug)]
struct Guard {
    method: MethodFilter,
    operation: Operation,
}

impl Guard {
    fn before<H, T>(self, handler: H) -> MethodRouter<Arc<Shared>>
    where
        H: Handler<T, Arc<Shared>>,
        T: 'static,
    {
        let check = move |caller: Caller, request: Request, next: Next| async move {
            caller.require(self.operation)?;
            Ok::<_, Problem>(next.run(request).await)
        };
        on(self.method, handler).route_layer(from_fn(check))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_next_request_is_served() {
        async fn breaks() {
            panic!("the invariant did not hold");
        }
        let routes = Router::new().route("/", axum::routing::get(breaks));
        let router = hardened(routes);
        for _ in 0..2 {
            let request = Request::builder().uri("/").body(Body::empty());
            let answered = router.clone().oneshot(request.expect("a request")).await;
            let response = answered.expect("an answer");
            assert_eq!(response.status(), 500);
            let kind = &response.headers()["content-type"];
            assert_eq!(kind, "application/problem+json");
            let body = response.into_body().collect().await.expect("a body");
            let problem: Problem = serde_json::from_slice(&body.to_bytes()).expect("a problem");
            assert_eq!(problem.kind, "internal");
            assert!(!problem.title.contains("invariant"), "that is for the log");
        }
    }
}
