//! The server's handle: where it listens, what it is told to do, what it has seen.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::turn::DEADLINE;
use super::{Gate, Outcome, Recorded, Turn, service};

/// The model that is there unless a test says otherwise.
pub const MODEL: &str = "fake:1b";

/// A model the server has.
#[derive(Clone, Debug)]
pub struct FakeModel {
    /// Its name with its tag.
    pub name: String,
    /// The longest context it was made for.
    pub context_length: u64,
    /// What it can do.
    pub capabilities: Vec<String>,
}

impl FakeModel {
    /// A model that can chat, call tools and think.
    #[must_use]
    pub fn chat(name: &str, context_length: u64) -> Self {
        let capabilities = ["completion", "tools", "thinking"];
        Self {
            name: name.to_owned(),
            context_length,
            capabilities: capabilities.map(str::to_owned).to_vec(),
        }
    }

    /// A model that makes vectors.
    #[must_use]
    pub fn embedding(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            context_length: 512,
            capabilities: vec!["embedding".to_owned()],
        }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name || self.name.strip_suffix(":latest") == Some(name)
    }

    pub(super) fn can(&self, what: &str) -> bool {
        self.capabilities.iter().any(|word| word == what)
    }
}

/// A handle to a running model server; clones are the same server.
#[derive(Clone, Debug)]
pub struct ModelServer {
    address: SocketAddr,
    encrypted: bool,
    pub(super) state: Arc<State>,
    _tasks: Arc<JoinSet<()>>,
}

type Chooser = Arc<dyn Fn(&Value) -> Turn + Send + Sync>;

pub(super) struct State {
    pub(super) models: Mutex<Vec<FakeModel>>,
    /// Names of loaded models with the context they were loaded with.
    pub(super) loaded: Mutex<HashMap<String, u64>>,
    /// As many generations at one time as it has permits.
    pub(super) lane: Arc<Semaphore>,
    /// The key it wants.
    pub(super) key: Mutex<Option<String>>,
    /// Whether it knows `truncate` and `shift`, as versions since 0.12.6 do.
    pub(super) refuses_long_prompts: Mutex<bool>,
    turns: Mutex<VecDeque<Turn>>,
    chooser: Mutex<Option<Chooser>>,
    paths: Mutex<HashMap<String, Turn>>,
    requests: watch::Sender<Vec<Recorded>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl ModelServer {
    /// Starts a server on a free port of the loopback interface, with the one model [`MODEL`].
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts a server on IPv6 loopback.
    ///
    /// # Panics
    /// When the machine has no IPv6.
    pub async fn start_on_ipv6() -> Self {
        Self::start_at(SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0))).await
    }

    /// Starts a server at an address, such as one that has ended.
    ///
    /// # Panics
    /// When the address is taken.
    pub async fn start_at(address: SocketAddr) -> Self {
        Self::start_with(address, None).await
    }

    /// Starts a server that speaks TLS, with a certificate for `localhost` of [`super::authority`].
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start_encrypted() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_with(address, Some(crate::tls::acceptor())).await
    }

    async fn start_with(address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address)
            .await
            .expect("the address is free");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let state = Arc::new(State {
            models: Mutex::new(vec![FakeModel::chat(MODEL, 32_768)]),
            loaded: Mutex::default(),
            lane: Arc::new(Semaphore::new(1)),
            key: Mutex::default(),
            refuses_long_prompts: Mutex::new(true),
            turns: Mutex::default(),
            chooser: Mutex::default(),
            paths: Mutex::default(),
            requests: watch::Sender::new(Vec::new()),
        });
        let mut tasks = JoinSet::new();
        let encrypted = tls.is_some();
        tasks.spawn(accept(listener, tls, Arc::clone(&state)));
        Self {
            address,
            encrypted,
            state,
            _tasks: Arc::new(tasks),
        }
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        if self.encrypted {
            format!("https://localhost:{}", self.address.port())
        } else {
            format!("http://{}", self.address)
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    // What it is.

    /// Has another model.
    pub fn has(&self, model: FakeModel) -> Self {
        lock(&self.state.models).push(model);
        self.clone()
    }

    /// Has no models at all.
    pub fn has_no_models(&self) -> Self {
        lock(&self.state.models).clear();
        self.clone()
    }

    /// Wants this key of everybody, in the header its protocol says, and refuses who has none.
    pub fn wants_key(&self, key: &str) -> Self {
        *lock(&self.state.key) = Some(key.to_owned());
        self.clone()
    }

    /// Serves so many generations at one time, instead of one; to be said before any is served.
    pub fn serves_at_once(&self, generations: usize) -> Self {
        self.state.lane.add_permits(generations.saturating_sub(1));
        self.clone()
    }

    /// The models it has now, by name.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        let models = lock(&self.state.models);
        models.iter().map(|model| model.name.clone()).collect()
    }

    /// The models in its memory, with their contexts.
    #[must_use]
    pub fn loaded(&self) -> HashMap<String, u64> {
        lock(&self.state.loaded).clone()
    }

    /// Behaves as versions before 0.12.6: a prompt that is too long is cut without a word.
    pub fn cuts_long_prompts_silently(&self) -> Self {
        *lock(&self.state.refuses_long_prompts) = false;
        self.clone()
    }

    /// Does this on every request to a path, such as `/api/version`.
    pub fn at(&self, path: &str, turn: Turn) -> Self {
        lock(&self.state.paths).insert(path.to_owned(), turn);
        self.clone()
    }

    /// Lets a function of the request's body decide each generation for which no turn is scripted.
    pub fn decides(&self, chooser: impl Fn(&Value) -> Turn + Send + Sync + 'static) -> Self {
        *lock(&self.state.chooser) = Some(Arc::new(chooser));
        self.clone()
    }

    /// Answers every generation for which no turn is scripted with this text.
    pub fn always_replies(&self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.decides(move |_| Turn::replies(text.clone()))
    }

    // What the next generations do.

    /// The next generation does this.
    pub fn does(&self, turn: Turn) -> Self {
        lock(&self.state.turns).push_back(turn);
        self.clone()
    }

    /// The next generation answers with this text.
    pub fn replies(&self, text: impl Into<String>) -> Self {
        self.does(Turn::replies(text))
    }

    fn amend(&self, change: impl FnOnce(Turn) -> Turn) -> Self {
        let mut turns = lock(&self.state.turns);
        let last = turns
            .pop_back()
            .expect("a turn is scripted before it is amended");
        turns.push_back(change(last));
        drop(turns);
        self.clone()
    }

    /// … then cuts the connection after so many lines.
    pub fn then_cuts_after(&self, lines: usize) -> Self {
        self.amend(|turn| turn.cut_after(lines))
    }

    /// … then reports an error inside the stream after so many lines.
    pub fn then_fails_after(&self, lines: usize, error: &str) -> Self {
        self.amend(|turn| turn.failing_after(lines, error))
    }

    /// … then falls silent after so many lines.
    pub fn then_hangs_after(&self, lines: usize) -> Self {
        self.amend(|turn| turn.hanging_after(lines))
    }

    /// … but not before the gate is open.
    pub fn once_open(&self, gate: &Gate) -> Self {
        self.amend(|turn| turn.after(gate))
    }

    // What it has seen.

    /// Every request so far, in the order they came.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.borrow().clone()
    }

    /// The bodies of all requests for a generation.
    #[must_use]
    pub fn generations(&self) -> Vec<Value> {
        let requests = self.requests();
        requests
            .into_iter()
            .filter(Recorded::is_generation)
            .map(|request| request.body)
            .collect()
    }

    /// Waits until what it has seen satisfies a condition.
    ///
    /// # Panics
    /// When that does not happen within the deadline.
    pub async fn until(&self, what: &str, condition: impl Fn(&[Recorded]) -> bool) {
        let mut requests = self.state.requests.subscribe();
        let seen = tokio::time::timeout(DEADLINE, requests.wait_for(|all| condition(all))).await;
        let seen = seen.map(|_| ());
        assert!(
            seen.is_ok(),
            "waited in vain for {what}; there was {:#?}",
            self.requests()
        );
    }

    /// Waits until a client has closed its connection before its answer was complete.
    ///
    /// # Panics
    /// When none does within the deadline.
    pub async fn sees_a_client_leave(&self) {
        let is_gone = |request: &Recorded| request.outcome == Outcome::ClientGone;
        self.until("a client that leaves", |all| all.iter().any(is_gone))
            .await;
    }

    /// Turns that were scripted and not used: a test that leaves some has not tried what it meant to.
    #[must_use]
    pub fn unused_turns(&self) -> usize {
        lock(&self.state.turns).len()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no test panics while it holds the script")
}

impl State {
    /// What a request to a path does, where that was said.
    pub(super) fn at(&self, path: &str) -> Option<Turn> {
        lock(&self.paths).get(path).cloned()
    }

    /// What the next generation does, where that was said.
    pub(super) fn next_turn(&self, body: &Value) -> Option<Turn> {
        if let Some(turn) = lock(&self.turns).pop_front() {
            return Some(turn);
        }
        let chooser = lock(&self.chooser).clone();
        chooser.map(|choose| choose(body))
    }

    /// Records a request and gives its number.
    pub(super) fn record(&self, request: Recorded) -> usize {
        let mut number = 0;
        self.requests.send_modify(|all| {
            number = all.len();
            all.push(request);
        });
        number
    }

    pub(super) fn set_outcome(&self, number: usize, outcome: Outcome) {
        self.requests
            .send_modify(|all| all[number].outcome = outcome);
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                // Each piece goes out by itself, as a model's tokens do.
                let _ = stream.set_nodelay(true);
                connections.spawn(greet(stream, tls.clone(), Arc::clone(&state)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn greet(stream: TcpStream, tls: Option<TlsAcceptor>, state: Arc<State>) {
    match tls {
        None => serve(stream, state).await,
        Some(tls) => {
            // A client that does not trust us ends it here.
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, state).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, state: Arc<State>) {
    let service = service_fn(|request| service::serve(Arc::clone(&state), request));
    // A connection that ends badly is what half of the scripts are about.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
