//! What stands around every handler: the headers that every answer has, whether a request comes from a page of ours, how
//! much one address may ask, and what is said where a handler breaks down.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;
use watchkeeper_model::Digest;

use super::Desk;
use super::address::{Peer, counted_as, origin};
use super::html::STYLE;
use super::page::Page;
use super::refused::Refused;
use crate::panics;

/// The only style that counts is the one that stands in the page; scripts, frames and pictures there are none.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Digest::of_bytes(STYLE.as_bytes()).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::try_from(policy).expect("a policy is ASCII")
});

/// Headers that every answer has. `same-origin` and not `no-referrer`: under that a browser calls the origin of its own
/// forms `null`, and where they come from could not be told. Nothing is told to other sites under either.
const HEADERS: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-robots-tag", "noindex, nofollow, noarchive"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=()",
    ),
];

/// Gives every answer its headers, and every page its frame.
pub(super) async fn dressed(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if let Some(page) = response.extensions_mut().remove::<Page>() {
        response = page.render(&desk.serving.name);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

/// Answers in the place of a handler that panics.
pub(super) async fn answer_for(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|panic| {
        panics::problem(&*panic);
        Page::from(Refused::Broken).into_response()
    })
}

/// Refuses who asks too much.
pub(super) async fn limited(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() else {
        return Page::from(Refused::Broken).into_response();
    };
    let from = origin(peer, request.headers(), &desk.serving.proxies);
    if desk.limiter.take(counted_as(from), Instant::now()) {
        next.run(request).await
    } else {
        Page::from(Refused::TooMuch).into_response()
    }
}

/// Whether a form was sent from a page of ours. A browser says where a form comes from, by one header or the other, and
/// other sites cannot have it say something else; who says nothing is refused. So is a script, also one of our own site:
/// where other pages share it, what they hold must not be able to read the answer.
pub(super) fn is_from_our_page(headers: &HeaderMap, our_origin: &str) -> bool {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    let same_site = one("sec-fetch-site").map(|site| site == "same-origin");
    let same_origin = match one("origin") {
        Some("null") | None => None,
        Some(origin) => Some(origin == our_origin),
    };
    if one("sec-fetch-mode").is_some_and(|mode| mode != "navigate") {
        return false;
    }
    match (same_site, same_origin) {
        (None, None) | (Some(false), _) | (_, Some(false)) => false,
        (Some(true), _) | (_, Some(true)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://watch.example.org";

    fn check(headers: &[(&'static str, &'static str)], expect: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        assert_eq!(is_from_our_page(&map, OURS), expect, "{headers:?}");
    }

    #[test]
    fn only_our_own_pages_send_forms() {
        check(&[("origin", OURS)], true);
        check(&[("origin", OURS), ("sec-fetch-site", "same-origin")], true);
        check(
            &[("origin", "null"), ("sec-fetch-site", "same-origin")],
            true,
        );
        check(&[], false);
        check(&[("origin", "null")], false);
        check(&[("origin", "https://evil.example")], false);
        check(&[("origin", "http://watch.example.org")], false);
        check(
            &[("origin", "https://watch.example.org.evil.example")],
            false,
        );
        check(&[("origin", OURS), ("sec-fetch-site", "cross-site")], false);
        check(&[("origin", OURS), ("sec-fetch-site", "same-site")], false);
        check(
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            false,
        );
        check(&[("sec-fetch-site", "none")], false);
        check(&[("origin", OURS), ("sec-fetch-mode", "navigate")], true);
        for mode in ["cors", "no-cors", "same-origin"] {
            check(&[("origin", OURS), ("sec-fetch-mode", mode)], false);
        }
        check(
            &[("origin", OURS), ("origin", "https://evil.example")],
            false,
        );
        check(&[("referer", "https://watch.example.org/")], false);
    }
}
