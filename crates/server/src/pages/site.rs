//! Where browsers find the pages: an origin, and perhaps a path of it below which a reverse proxy has put them. Some
//! proxies hand a request on with that path and some without; both are answered.

use axum::body::Body;
use http::{Request, Uri};
use watchkeeper_watch::Web;

/// Where browsers find the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    public_url: String,
    /// How much of it is the origin.
    origin: usize,
}

impl Site {
    /// What the configuration says, where it says something.
    pub(super) fn of(web: Web) -> Option<Self> {
        web.public_url.map(Self::new)
    }

    /// A site at this address, which ends without a slash.
    pub(super) fn new(public_url: impl Into<String>) -> Self {
        let public_url = public_url.into();
        let host = public_url.find("://").map_or(0, |at| at + "://".len());
        let path = public_url.get(host..).and_then(|rest| rest.find('/'));
        let origin = path.map_or(public_url.len(), |at| host + at);
        Self { public_url, origin }
    }

    /// What a browser calls the origin of the pages.
    pub(super) fn origin(&self) -> &str {
        &self.public_url[..self.origin]
    }

    /// The path below which they are; empty where they have the site for themselves.
    pub(super) fn path(&self) -> &str {
        &self.public_url[self.origin..]
    }

    /// Whether they are reached by TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// One of our paths as a browser has it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.path())
    }

    /// The request with one of our own paths, whether or not a proxy has left the path of the site before it.
    pub(super) fn own(&self, mut request: Request<Body>) -> Request<Body> {
        if let Some(uri) = self.without_path(request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    }

    fn without_path(&self, uri: &Uri) -> Option<Uri> {
        if self.path().is_empty() {
            return None;
        }
        let rest = uri.path_and_query()?.as_str().strip_prefix(self.path())?;
        match rest.chars().next() {
            None => Some(Uri::from_static("/")),
            Some('?') => format!("/{rest}").parse().ok(),
            Some('/') => rest.parse().ok(),
            // It begins like the site, and is another word.
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_and_a_path() {
        let check = |url: &str, origin: &str, path: &str| {
            let site = Site::new(url);
            assert_eq!((site.origin(), site.path()), (origin, path), "{url}");
        };
        check("https://watch.example.org", "https://watch.example.org", "");
        check("http://[fd00::1]:8470", "http://[fd00::1]:8470", "");
        check(
            "https://home.example.org/watch",
            "https://home.example.org",
            "/watch",
        );
        check(
            "https://home.example.org:8443/ops/watch",
            "https://home.example.org:8443",
            "/ops/watch",
        );
    }

    #[test]
    fn a_request_is_the_same_with_the_path_of_the_site_and_without() {
        let own = |url: &str, asked: &str| {
            let request = Request::builder().uri(asked).body(Body::empty());
            let request = Site::new(url).own(request.expect("a request"));
            request.uri().to_string()
        };
        let below = "https://home.example.org/watch";
        for (asked, expect) in [
            ("/watch/a/x/run", "/a/x/run"),
            ("/watch/d/x?code=y", "/d/x?code=y"),
            ("/watch/", "/"),
            ("/watch", "/"),
            ("/watch?x", "/?x"),
            ("/a/x/run", "/a/x/run"),
            ("/", "/"),
            ("/watchtower/a/x", "/watchtower/a/x"),
            ("/watch/watch/a/x", "/watch/a/x"),
        ] {
            assert_eq!(own(below, asked), expect, "{asked}");
        }
        assert_eq!(own("https://watch.example.org", "/watch/a/x"), "/watch/a/x");
    }
}
