//! The bridge that a case stands on: a watch over one or more simulated hosts, with its own store and clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use watchkeeper_agent::Runbooks;
use watchkeeper_fleet::{
    Connector, Engine, Engines, Fleet, HostEntry, Inventory, Routes, SshConfig, SshDefaults,
};
use watchkeeper_health::Thresholds;
use watchkeeper_model::{ActionNumber, Autonomy, ControllerId, HostName, Person, Span};
use watchkeeper_policy::PolicySettings;
use watchkeeper_store::Store;
use watchkeeper_testkit::clock::{MockClock, NOON};
use watchkeeper_testkit::postgres::{Cluster, Database};
use watchkeeper_testkit::ssh_host::SshHost;
use watchkeeper_watch::view::{ActionSheet, CheckReport, IssueLine};
use watchkeeper_watch::{
    ActionQuery, Asking, Chance, Decision, IssueQuery, LaneParts, LogFilter, Looking, Parts, Ran,
    Running, Settings, StandingOrders, ThresholdLayers, Watch, WatchError,
};

pub(crate) const NGINX: &str = "nginx.service";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A runbook as the shipped one for failed services, that settles at once.
const RESTART: &str = r#"
name = "restart"
title = "A failed service is restarted"
confidence = "medium"
explain = "{{summary}}"
reason = "{{unit}} has failed"

[match]
check = "units"
subject = ["*.service"]

[[step]]
kind = "unit_restart"
unit = "{{unit}}"

[verify]
kind = "check_passes"
settle_s = 0

[[example]]
matches = true
subject = "nginx.service"
cause = "exit code 1"

[[example]]
matches = false
subject = "srv-data.mount"
"#;

pub(crate) struct Bridge {
    pub(crate) watch: Watch,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) hosts: Vec<SshHost>,
    pub(crate) url: String,
    pub(crate) dir: TempDir,
    _database: Option<Database>,
    _cluster: Option<Arc<Cluster>>,
}

/// What a watch is built over, beside its hosts.
#[derive(Debug)]
pub(crate) struct Rig<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Where its store is.
    pub(crate) store: Store,
    /// Where its known_hosts file is.
    pub(crate) dir: &'a Path,
    /// Its time.
    pub(crate) clock: Arc<MockClock>,
    /// Its inventory.
    pub(crate) entries: Vec<HostEntry>,
    /// Its limits and orders.
    pub(crate) settings: Settings,
    /// Its models.
    pub(crate) lanes: Vec<LaneParts>,
}

impl Bridge {
    pub(crate) async fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", dir.path().join("store.db").display());
        Self::build(dir, url, None, None).await
    }

    pub(crate) async fn on_postgres() -> Self {
        Self::on_cluster(Arc::new(Cluster::shared())).await
    }

    pub(crate) async fn on_cluster(cluster: Arc<Cluster>) -> Self {
        let key = &Store::tables_digest().to_string()[..16];
        let prepare = async |url: String| {
            Store::open(&url)
                .await
                .expect("a new database")
                .close()
                .await;
        };
        let database = cluster.database(key, prepare).await;
        let url = database.url().to_owned();
        Self::build(
            tempfile::tempdir().expect("a directory"),
            url,
            Some(database),
            Some(cluster),
        )
        .await
    }

    async fn build(
        dir: TempDir,
        url: String,
        database: Option<Database>,
        cluster: Option<Arc<Cluster>>,
    ) -> Self {
        let hosts = vec![SshHost::start().await];
        let clock = Arc::new(MockClock::at(NOON));
        let watch = watch_over(&hosts, &url, &dir, Arc::clone(&clock), "bridge").await;
        Self {
            watch,
            clock,
            hosts,
            url,
            dir,
            _database: database,
            _cluster: cluster,
        }
    }

    /// Adds a host, and a watch that knows it.
    pub(crate) async fn add_host(&mut self) {
        self.hosts.push(SshHost::start().await);
        self.watch = self.another_controller("bridge").await;
    }

    /// A second controller on the same store and hosts.
    pub(crate) async fn another_controller(&self, name: &str) -> Watch {
        watch_over(
            &self.hosts,
            &self.url,
            &self.dir,
            Arc::clone(&self.clock),
            name,
        )
        .await
    }

    pub(crate) fn host(&self) -> &SshHost {
        &self.hosts[0]
    }

    pub(crate) async fn check(&self) -> CheckReport {
        self.watch.check(&[], |_| ()).await.expect("a report")
    }

    /// Autonomy for everything from now on.
    pub(crate) fn autonomy(&self, level: Autonomy) {
        self.under(level, "schema = 1");
    }

    /// Autonomy and standing orders for everything from now on.
    pub(crate) fn under(&self, level: Autonomy, orders: &str) {
        let settings = settings_under(level, orders);
        self.watch
            .reload(settings, runbooks(), Vec::<LaneParts>::new());
    }

    pub(crate) async fn issues(&self) -> Vec<IssueLine> {
        self.watch
            .issues(&IssueQuery {
                all: true,
                ..IssueQuery::default()
            })
            .await
            .expect("a list")
    }

    /// The issue about nginx.
    pub(crate) async fn nginx(&self) -> IssueLine {
        let issues = self.issues().await;
        let about: Vec<_> = issues
            .into_iter()
            .filter(|line| line.issue.title.contains(NGINX))
            .collect();
        assert_eq!(about.len(), 1, "one issue about nginx");
        about.into_iter().next().expect("one")
    }

    pub(crate) async fn sheet(&self, number: i64) -> ActionSheet {
        self.watch
            .action(ActionNumber(number))
            .await
            .expect("an action")
    }

    pub(crate) async fn state(&self, number: i64) -> String {
        self.sheet(number).await.action.state.as_str().to_owned()
    }

    pub(crate) async fn actions(&self) -> usize {
        let query = ActionQuery {
            all: true,
            ..ActionQuery::default()
        };
        self.watch.actions(&query).await.expect("a list").len()
    }

    pub(crate) async fn approve(&self, number: i64) {
        self.approve_as(number, ann())
            .await
            .expect("it can be approved");
    }

    pub(crate) async fn approve_as(&self, number: i64, person: Person) -> Result<(), WatchError> {
        let sheet = self.sheet(number).await;
        self.watch
            .approve(ActionNumber(number), person, seen(&sheet))
            .await
    }

    pub(crate) async fn run(&self, number: i64) -> Ran {
        self.watch
            .run_action(ActionNumber(number))
            .await
            .expect("it runs")
    }

    /// The words of all entries of the log that begin so.
    pub(crate) async fn log(&self, event: &str) -> Vec<String> {
        let filter = LogFilter {
            event: Some(event.to_owned()),
            limit: Some(1_000),
            ..LogFilter::default()
        };
        let entries = self.watch.log(&filter).await.expect("the log");
        entries
            .into_iter()
            .map(|entry| entry.record.event)
            .collect()
    }

    pub(crate) async fn log_is_intact(&self) {
        let verdict = self.watch.verify_log().await.expect("a verdict");
        assert!(
            matches!(verdict, watchkeeper_watch::view::LogVerdict::Intact { .. }),
            "{verdict:?}"
        );
    }
}

pub(crate) fn settings_under(level: Autonomy, orders: &str) -> Settings {
    let mut settings = settings();
    settings.policy.autonomy = level;
    settings.orders = StandingOrders::parse(orders).expect("orders");
    settings
}

pub(crate) fn ben() -> Person {
    Person {
        name: "ben".to_owned(),
        uid: 1_001,
    }
}

pub(crate) fn ann() -> Person {
    Person {
        name: "ann".to_owned(),
        uid: 1_000,
    }
}

/// What a person approves who has seen this sheet.
pub(crate) fn seen(sheet: &ActionSheet) -> Decision {
    Decision {
        revision: sheet.action.revision,
        digest: sheet.action.digest,
        reason: None,
    }
}

/// Simulated hosts share this machine's load and real clock, while the tests have a clock of their own: what follows
/// from that is no finding.
fn quiet() -> Thresholds {
    let mut thresholds = Thresholds::default();
    thresholds.clock.warning_seconds = u64::MAX;
    thresholds.clock.critical_seconds = u64::MAX;
    thresholds.load.warning_per_core = f64::MAX;
    thresholds.load.critical_per_core = f64::MAX;
    thresholds.cpu.warning_percent = f64::MAX;
    thresholds.cpu.critical_pressure_percent = f64::MAX;
    thresholds.cpu.steal_warning_percent = f64::MAX;
    thresholds.zombies.warning_count = u32::MAX;
    thresholds.zombies.critical_count = u32::MAX;

    thresholds
}

pub(crate) fn settings() -> Settings {
    Settings {
        name: "bridge".to_owned(),
        store_label: "a test's".to_owned(),
        policy: PolicySettings {
            attempt_window: Span::days(1),
            ..PolicySettings::default()
        },
        orders: StandingOrders::default(),
        risk: Default::default(),
        thresholds: ThresholdLayers {
            base: quiet(),
            ..ThresholdLayers::default()
        },
        looking: Looking {
            deadline: Duration::from_secs(20),
            ..Looking::default()
        },
        running: Running {
            verify_looks: 1,
            ..Running::default()
        },
        asking: Asking::default(),
        knowledge: watchkeeper_watch::Knowing::default(),
    }
}

pub(crate) fn runbooks() -> Runbooks {
    Runbooks::load(&[("restart.toml", RESTART)]).expect("it is valid")
}

async fn watch_over(
    hosts: &[SshHost],
    url: &str,
    dir: &TempDir,
    clock: Arc<MockClock>,
    name: &str,
) -> Watch {
    accept_keys(hosts, dir.path());
    let rig = Rig {
        name,
        store: Store::open(url).await.expect("a store"),
        dir: dir.path(),
        clock,
        entries: entries(hosts),
        settings: settings(),
        lanes: Vec::new(),
    };
    build_watch(rig, |engines| engines)
}

/// The keys of these hosts are known from now on.
pub(crate) fn accept_keys(hosts: &[SshHost], dir: &Path) {
    let known_hosts = dir.join("known_hosts");
    let lines: String = hosts.iter().map(SshHost::known_hosts_lines).collect();
    let known = std::fs::read_to_string(&known_hosts).unwrap_or_default();
    if known.len() < lines.len() {
        std::fs::write(&known_hosts, lines).expect("a file can be written");
    }
}

/// These hosts as an inventory names them: `web1`, `web2`, …
pub(crate) fn entries(hosts: &[SshHost]) -> Vec<HostEntry> {
    (1..)
        .zip(hosts)
        .map(|(place, host)| entry(place, host))
        .collect()
}

/// A watch whose commands to hosts go through what `wrap` puts before the real ways.
pub(crate) fn build_watch(
    rig: Rig<'_>,
    wrap: impl FnOnce(Arc<Engines>) -> Arc<dyn Connector>,
) -> Watch {
    let known_hosts = rig.dir.join("known_hosts");
    let inventory = Inventory::new(rig.entries, Vec::new()).expect("an inventory");
    let defaults = SshDefaults {
        known_hosts: known_hosts.clone(),
        user_known_hosts: false,
        agent_socket: None,
        login: "ops".to_owned(),
    };
    let config = SshConfig::new(rig.dir.to_owned(), Some("/dev/null".into()));
    let engines = Arc::new(Engines::new(
        Routes::new(config, defaults),
        rig.clock.clone(),
        rig.dir.join("run"),
    ));
    let seed = *watchkeeper_model::Digest::of_bytes(rig.name.as_bytes()).as_bytes();
    Watch::new(Parts {
        store: rig.store,
        fleet: Fleet::new(inventory, wrap(Arc::clone(&engines))),
        engines,
        local_login: "root".to_owned(),
        clock: rig.clock,
        chance: Chance::seeded(seed),
        controller: ControllerId::new(rig.name).expect("a controller"),
        settings: rig.settings,
        runbooks: runbooks(),
        lanes: rig.lanes,
        known_hosts,
    })
}

fn entry(place: usize, host: &SshHost) -> HostEntry {
    HostEntry {
        address: Some("127.0.0.1".to_owned()),
        port: Some(host.port()),
        login: Some(host.login().to_owned()),
        engine: Some(Engine::Russh),
        identity_files: vec![host.client_key()],
        use_agent: false,
        become_root: true,
        connect_timeout: Duration::from_secs(5),
        ..HostEntry::new(HostName::new(format!("web{place}")).expect("a name"))
    }
}
