//! A page before it has its frame: the frame names the watch, and is put around it where the answer leaves.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use maud::Markup;

use super::html;

/// How long who asks too much is told to wait, in seconds.
const WAIT_S: &str = "30";

/// A page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Its status.
    pub(super) status: StatusCode,
    /// What the browser's tab says.
    pub(super) title: String,
    /// After how many seconds it reloads itself.
    pub(super) reload_s: Option<u32>,
    /// What stands in it.
    pub(super) body: Markup,
    /// Where to go instead.
    pub(super) goes_to: Option<String>,
    /// What the browser is to show from now on.
    pub(super) cookie: Option<String>,
}

impl Page {
    /// An ordinary page.
    pub(super) fn new(title: impl Into<String>, body: Markup) -> Self {
        Self {
            status: StatusCode::OK,
            title: title.into(),
            reload_s: None,
            body,
            goes_to: None,
            cookie: None,
        }
    }

    /// Has the browser go to another page of ours, so that a reload sends nothing again.
    pub(super) fn go_to(path: &str) -> Self {
        Self {
            status: StatusCode::SEE_OTHER,
            goes_to: Some(path.to_owned()),
            ..Self::new("", Markup::default())
        }
    }

    /// The whole answer.
    pub(super) fn render(self, watch: &str) -> Response {
        let text = html::framed(watch, &self).into_string();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, html);
        let more = [
            (header::LOCATION, self.goes_to),
            (header::SET_COOKIE, self.cookie),
        ];
        for (name, value) in more {
            if let Some(value) = value.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(WAIT_S));
        }
        response
    }
}

impl IntoResponse for Page {
    /// The page itself goes along as an extension: its frame is put around it by `guard::dressed`.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
