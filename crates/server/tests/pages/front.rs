//! A front that browsers ask: a watch over a simulated host, its pages at a port of their own, and accounts that the test
//! keeps. A browser keeps its cookie, and says where a form comes from as real ones do.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchkeeper_model::{ActionNumber, Person};
use watchkeeper_server::{Accounts, Caller, PageServing, pages, serve_pages};
use watchkeeper_store::Store;
use watchkeeper_watch::{Role, Watch, Web};

use crate::bridge::{Bridge, NGINX};

/// How long a test waits for what must come.
const DEADLINE: Duration = Duration::from_secs(40);

/// Accounts that the test gives and takes.
#[derive(Debug, Default)]
pub(crate) struct People(Mutex<BTreeMap<String, Caller>>);

impl People {
    /// From now on this account has this number and role.
    pub(crate) fn are(&self, person: &Person, role: Role) {
        let caller = Caller {
            person: person.clone(),
            role,
        };
        let mut people = self.0.lock().expect("unlocked");
        people.insert(person.name.clone(), caller);
    }

    /// From now on there is no such account.
    pub(crate) fn are_without(&self, person: &Person) {
        self.0.lock().expect("unlocked").remove(&person.name);
    }
}

impl Accounts for People {
    fn find(&self, name: &str) -> Option<Caller> {
        self.0.lock().expect("unlocked").get(name).cloned()
    }
}

/// Pages over a bridge on which action 0 waits.
pub(crate) struct Front {
    pub(crate) bridge: Bridge,
    pub(crate) people: Arc<People>,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    serving: JoinSet<std::io::Result<()>>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stop.cancel();
        self.serving.abort_all();
    }
}

/// Who decides in the tests.
pub(crate) fn anna() -> Person {
    Person {
        name: "anna".to_owned(),
        uid: 1_000,
    }
}

/// Somebody else who may.
pub(crate) fn bert() -> Person {
    Person {
        name: "bert".to_owned(),
        uid: 1_001,
    }
}

/// The pages of a watch, and whom they believe: the tests stand where a proxy would, so that they can come from anywhere.
fn served(watch: &Watch, people: &Arc<People>, address: SocketAddr) -> (Router, Vec<IpAddr>) {
    let proxies = vec![address.ip()];
    let router = pages(PageServing {
        name: "hal".to_owned(),
        watch: watch.clone(),
        accounts: people.clone(),
        proxies: proxies.clone(),
    });
    (router, proxies)
}

impl Front {
    pub(crate) async fn on_sqlite() -> Self {
        Self::over(Bridge::on_sqlite().await).await
    }

    pub(crate) async fn on_postgres() -> Self {
        Self::over(Bridge::on_postgres().await).await
    }

    async fn over(bridge: Bridge) -> Self {
        bridge.host().unit(NGINX).fails("exit-code");
        bridge.check().await;
        assert_eq!(bridge.state(0).await, "held");
        let people = Arc::new(People::default());
        people.are(&anna(), Role::Operator);
        people.are(&bert(), Role::Operator);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        bridge.watch.use_web(Web {
            public_url: Some(format!("http://{address}")),
            ..Web::default()
        });
        let (router, proxies) = served(&bridge.watch, &people, address);
        let (stop, mut serving) = (CancellationToken::new(), JoinSet::new());
        serving.spawn(serve_pages(listener, router, proxies, stop.clone()));
        Self {
            bridge,
            people,
            address,
            stop,
            serving,
        }
    }

    /// The path of a new link for somebody to action 0.
    pub(crate) async fn link(&self, person: &Person) -> String {
        let made = self.bridge.watch.own_link(ActionNumber(0), person).await;
        self.path_of(&made.expect("a link").url)
    }

    /// The path of what makes a browser somebody's.
    pub(crate) async fn enrolment(&self, person: &Person) -> String {
        let asked = self
            .bridge
            .watch
            .ask_for_device(person.clone(), None, person.clone());
        self.path_of(
            &asked
                .await
                .expect("an address")
                .url
                .expect("it was not sent"),
        )
    }

    pub(crate) fn path_of(&self, url: &str) -> String {
        let path = url.strip_prefix(&self.origin());
        path.expect("it is at the public address").to_owned()
    }

    /// What a browser calls these pages' origin.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A browser that is not known.
    pub(crate) fn browser(&self) -> Browser {
        Browser {
            address: self.address,
            origin: self.origin(),
            from: "198.51.100.1".to_owned(),
            taken_off: "",
            cookie: None,
        }
    }

    /// The same pages at another door: a second controller on the same store, behind the same name.
    pub(crate) async fn another_door(&mut self) -> (Watch, SocketAddr) {
        let watch = self.bridge.another_controller("other").await;
        watch.use_web(self.bridge.watch.web());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (router, proxies) = served(&watch, &self.people, address);
        self.serving
            .spawn(serve_pages(listener, router, proxies, self.stop.clone()));
        (watch, address)
    }

    /// A link for somebody to action 0 in a message to one of their channels.
    pub(crate) async fn link_by(&self, person: &Person, channel: &str) -> String {
        let sheet = self.bridge.sheet(0).await;
        let store = Store::open(&self.bridge.url).await.expect("a store");
        let mut tx = store.begin().await.expect("a transaction");
        let made = self
            .bridge
            .watch
            .link_for(&mut tx, &sheet.action, &person.name, channel)
            .await;
        tx.commit().await.expect("it is kept");
        store.close().await;
        self.path_of(&made.expect("a store").expect("it waits"))
    }

    /// A browser that is somebody's.
    pub(crate) async fn browser_of(&self, person: &Person) -> Browser {
        let mut browser = self.browser();
        let path = self.enrolment(person).await;
        assert_eq!(browser.get(&path).await.status, 200);
        let answer = browser.post(&path, "").await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(browser.cookie.is_some());
        browser
    }

    /// The only log entry of this kind, as JSON.
    pub(crate) async fn told(&self, event: &str) -> serde_json::Value {
        let filter = watchkeeper_watch::LogFilter {
            event: Some(event.to_owned()),
            ..Default::default()
        };
        let entries = self.bridge.watch.log(&filter).await.expect("the log");
        assert_eq!(entries.len(), 1, "{event}");
        serde_json::to_value(&entries[0].record).expect("an entry is data")
    }

    /// How many entries the log has.
    pub(crate) async fn log_length(&self) -> usize {
        self.bridge.log("").await.len()
    }

    /// The state of action 0.
    pub(crate) async fn state(&self) -> String {
        self.bridge.state(0).await
    }
}

/// A browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    /// Where it is connected to.
    pub(crate) address: SocketAddr,
    /// What it calls the origin of the pages.
    origin: String,
    /// What a proxy takes off the paths that it asks for.
    pub(crate) taken_off: &'static str,
    /// Where it stands.
    pub(crate) from: String,
    /// What it shows.
    pub(crate) cookie: Option<String>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The value of the hidden form field.
    pub(crate) fn form(&self) -> String {
        let rest = self.text.split("name=\"form\" value=\"").nth(1);
        let value = rest.and_then(|rest| rest.split('"').next());
        value.expect("a form").to_owned()
    }

    /// What a person reads of it: tags left out, blanks drawn together.
    pub(crate) fn read(&self) -> String {
        let mut text = String::new();
        let body = self.text.split("<body>").nth(1).unwrap_or(&self.text);
        for piece in body.split('<') {
            let (_, words) = piece.split_once('>').unwrap_or(("", piece));
            text.push_str(words);
            text.push(' ');
        }
        let text = text
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
        let text = text.replace("&amp;", "&");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Fails unless it has this status and says this.
    pub(crate) fn says(&self, status: u16, words: &str) -> &Self {
        let read = self.read();
        assert_eq!(self.status, status, "{read}");
        assert!(read.contains(words), "{words:?} is not in: {read}");
        self
    }
}

impl Browser {
    /// Opens an address.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Sends a form from a page of ours.
    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Answer {
        let origin = self.origin.clone();
        let headers = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "navigate"),
        ];
        let answer = self.send(Method::POST, path, &headers, form).await;
        if let Some(cookie) = answer.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("text");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        answer
    }

    /// The first tap.
    pub(crate) async fn ask(&mut self, link: &str, decision: &str) -> Answer {
        let form = format!("decision={decision}");
        self.post(&format!("{link}/ask"), &form).await
    }

    /// The second tap.
    pub(crate) async fn decide(&mut self, link: &str, decision: &str, form: &str) -> Answer {
        let form = format!("decision={decision}&form={form}&reason=not+now");
        self.post(&format!("{link}/decide"), &form).await
    }

    /// Both taps.
    pub(crate) async fn approve(&mut self, link: &str) -> Answer {
        let asked = self.ask(link, "approve").await;
        asked.says(200, "Yes, run exactly this");
        let form = asked.form();
        self.decide(link, "approve", &form).await
    }

    /// Sends anything.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path.strip_prefix(self.taken_off).unwrap_or(path))
            .header(header::HOST, self.address.to_string())
            .header("x-forwarded-for", &self.from)
            .header(
                header::USER_AGENT,
                "Mozilla/5.0 (Linux; Android 15) Chrome/140.0",
            );
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.to_owned()));
        let request = request.body(body).expect("a request");
        let asked = tokio::time::timeout(DEADLINE, self.exchange(request));
        asked.await.expect("an answer in time")
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Answer {
        let stream = TcpStream::connect(self.address).await.expect("connected");
        let (mut sender, talking) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("a handshake");
        let mut tasks = JoinSet::new();
        tasks.spawn(talking);
        let response = sender.send_request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).expect("text"),
        }
    }
}
