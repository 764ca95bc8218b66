//! Pages for a browser, at a TCP address of their own: where a link out of a message leads, and where a browser is made
//! known as a person's. Nothing of the API is served here.
//!
//! Who asks is told by two secrets together, a link and what a known browser shows (`watch::links` has the essay); what
//! they may do is looked up by the account's name at every request, so a role that was taken away counts at once. A GET
//! changes nothing, whoever sends it and however often. A POST must come from one of our own pages. There is no script
//! on any page, and none would run.

mod address;
mod browser;
mod cookie;
mod devices;
mod guard;
mod html;
mod limit;
mod links;
mod page;
mod refused;
mod serve;
mod site;

pub use serve::serve_pages;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use http::Request;
use tower::util::MapRequest;
use watchkeeper_watch::Watch;

use crate::caller::Accounts;
use limit::Limiter;
use page::Page;
use refused::Refused;

/// Largest body of a request: a form with a reason.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// What the pages work with.
#[derive(Clone, Debug)]
pub struct PageServing {
    /// What the watch is called.
    pub name: String,
    /// The use cases.
    pub watch: Watch,
    /// Who has which role.
    pub accounts: Arc<dyn Accounts>,
    /// Reverse proxies: what they say of where a request came from is believed.
    pub proxies: Vec<IpAddr>,
}

/// What the handlers share.
#[derive(Debug)]
struct Desk {
    serving: PageServing,
    limiter: Limiter,
}

/// The pages.
pub fn pages(serving: PageServing) -> Router {
    let desk = Arc::new(Desk {
        serving,
        limiter: Limiter::default(),
    });
    let own = Router::new()
        .route("/", get(devices::front))
        .route("/a/{token}", get(links::show))
        .route("/a/{token}/ask", post(links::ask))
        .route("/a/{token}/decide", post(links::decide))
        .route("/a/{token}/run", get(links::run))
        .route("/d/{token}", get(devices::show).post(devices::add))
        .fallback(|| async { Page::from(Refused::NoSuchPage) })
        .method_not_allowed_fallback(|| async { Page::from(Refused::NotThatWay) })
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(from_fn_with_state(Arc::clone(&desk), guard::limited))
        .layer(from_fn(guard::answer_for))
        .layer(from_fn_with_state(Arc::clone(&desk), guard::dressed))
        .with_state(Arc::clone(&desk));
    // Which page is meant is told only once the path of the site is off.
    let asked = move |request: Request<Body>| match desk.site() {
        Ok(site) => site.own(request),
        Err(_) => request,
    };
    Router::new().fallback_service(MapRequest::new(own, asked))
}
