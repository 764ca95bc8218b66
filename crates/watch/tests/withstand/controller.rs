//! Controllers as processes of their own, so that two can do the same at one moment, and one can be killed with
//! SIGKILL at an exact one. The process is this test binary again, told to run the one ignored test below.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use watchkeeper_fleet::{Engine, HostEntry};
use watchkeeper_model::{ActionNumber, HostName, Timestamp};
use watchkeeper_store::Store;
use watchkeeper_testkit::clock::MockClock;
use watchkeeper_watch::{Ran, Watch};

use crate::bridge::{Bridge, Rig, ann, build_watch, seen, settings};
use crate::gate::{Gate, Gated, Moment};
use crate::soon;

/// The variable that tells the process what it is to do.
const ORDERS: &str = "WATCHKEEPER_TEST_CONTROLLER";
/// How its words for the test begin, among those of the test harness.
const WORD: &str = "@controller ";

/// What it is to do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Deed {
    /// Approve action 0.
    Approve,
    /// Run action 0.
    Run,
}

#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    name: String,
    deed: Deed,
    moment: Option<Moment>,
    url: String,
    dir: PathBuf,
    now: Timestamp,
    hosts: Vec<(u16, String, PathBuf)>,
}

/// A controller in a process of its own.
#[derive(Debug)]
pub(crate) struct Controller {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Controller {
    /// Starts one that is ready to do this, and stops at this moment.
    pub(crate) async fn start(
        bridge: &Bridge,
        name: &str,
        deed: Deed,
        moment: Option<Moment>,
    ) -> Self {
        let host = |host: &watchkeeper_testkit::ssh_host::SshHost| {
            (host.port(), host.login().to_owned(), host.client_key())
        };
        let orders = Orders {
            name: name.to_owned(),
            deed,
            moment,
            url: bridge.url.clone(),
            dir: bridge.dir.path().to_owned(),
            now: watchkeeper_model::Clock::now(&*bridge.clock),
            hosts: bridge.hosts.iter().map(host).collect(),
        };
        let mut child = spawn(&orders);
        let stdout = child.stdout.take().expect("it is piped");
        let mut controller = Self {
            child,
            lines: BufReader::new(stdout).lines(),
        };
        assert_eq!(controller.says().await, "ready");
        controller
    }

    /// Lets it begin.
    pub(crate) async fn go(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        stdin.write_all(b"go\n").await.expect("it listens");
    }

    /// Its next word.
    pub(crate) async fn says(&mut self) -> String {
        let word = async {
            while let Some(line) = self.lines.next_line().await.expect("its output is text") {
                // The test harness may have begun a line of its own.
                if let Some((_, word)) = line.split_once(WORD) {
                    return word.to_owned();
                }
            }
            panic!("the controller ended without a word");
        };
        soon("the controller says something", word).await
    }

    /// Lets it begin, and returns when it stands at its moment.
    pub(crate) async fn reaches_its_moment(&mut self) {
        self.go().await;
        assert_eq!(self.says().await, "reached");
    }

    /// SIGKILL.
    pub(crate) async fn dies(mut self) {
        self.child.kill().await.expect("it is there to be killed");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the process is this very test, and what it is to do comes by the environment"
)]
fn spawn(orders: &Orders) -> Child {
    let this = std::env::current_exe().expect("a test is a program");
    tokio::process::Command::new(this)
        .args([
            "--exact",
            "controller::a_controller",
            "--ignored",
            "--nocapture",
        ])
        .env(
            ORDERS,
            serde_json::to_string(orders).expect("orders are data"),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("this very program can be started")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other tests run it, in processes of their own"]
async fn a_controller() {
    #[expect(
        clippy::disallowed_methods,
        reason = "what it is to do comes by the environment"
    )]
    let Ok(orders) = std::env::var(ORDERS) else {
        return;
    };
    let orders: Orders = serde_json::from_str(&orders).expect("orders");
    let gate = orders.moment.map(Gate::at);
    let watch = watch(&orders, gate.clone()).await;
    let sheet = watch.action(ActionNumber(0)).await.expect("an action");
    say("ready");
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).expect("a word");
    let deed = async {
        match orders.deed {
            Deed::Approve => match watch.approve(ActionNumber(0), ann(), seen(&sheet)).await {
                Ok(()) => "approved".to_owned(),
                Err(error) => format!("refused: {error}"),
            },
            Deed::Run => match watch.run_action(ActionNumber(0)).await {
                Ok(Ran::Over(state)) => format!("over: {state}"),
                Ok(Ran::Later { why }) => format!("later: {why}"),
                Ok(Ran::NotOurs) => "not ours".to_owned(),
                Err(error) => format!("error: {error}"),
            },
        }
    };
    let reached = async {
        match &gate {
            Some(gate) => gate.is_reached().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        word = deed => say(&word),
        () = reached => {
            say("reached");
            // Now it only waits to be killed.
            std::future::pending::<()>().await;
        }
    }
}

#[expect(
    clippy::print_stdout,
    reason = "this is how it speaks to the test that started it"
)]
fn say(word: &str) {
    println!("{WORD}{word}");
}

async fn watch(orders: &Orders, gate: Option<Gate>) -> Watch {
    let entry = |(place, (port, login, key)): (usize, &(u16, String, PathBuf))| HostEntry {
        address: Some("127.0.0.1".to_owned()),
        port: Some(*port),
        login: Some(login.clone()),
        engine: Some(Engine::Russh),
        identity_files: vec![key.clone()],
        use_agent: false,
        become_root: true,
        ..HostEntry::new(HostName::new(format!("web{place}")).expect("a name"))
    };
    let rig = Rig {
        name: &orders.name,
        store: Store::open(&orders.url).await.expect("a store"),
        dir: &orders.dir,
        clock: Arc::new(MockClock::at(orders.now)),
        entries: (1..).zip(&orders.hosts).map(entry).collect(),
        settings: settings(),
        lanes: Vec::new(),
    };
    build_watch(rig, |engines| match gate {
        Some(gate) => Arc::new(Gated {
            ways: engines,
            gate,
        }),
        None => engines,
    })
}
