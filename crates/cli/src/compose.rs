//! The composition root: what the configuration says becomes what the use cases are built from. Wiring only; what the
//! parts do is said in their crates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchkeeper_agent::{RunbookErrors, Runbooks};
use watchkeeper_fleet::{
    Engines, Fleet, HostEntry, Inventory, InventoryError, RefusedHost, Routes, SshConfig,
    SshDefaults,
};
use watchkeeper_knowledge::{VectorError, VectorStore};
use watchkeeper_llm::{ApiKey, Lane, LaneError, connect};
use watchkeeper_model::ControllerId;
use watchkeeper_notify::OpenError;
use watchkeeper_qdrant::Qdrant;
use watchkeeper_risk::HostFacts;
use watchkeeper_store::{QueueLimits, Store};
use watchkeeper_watch::{
    Asking, Chance, Every, LaneParts, Looking, Notifying, Parts, Running, Schedule, Settings,
    StandingOrders, ThresholdLayers, Watch, Web,
};

use crate::clock::SystemClock;
use crate::config::{Config, Timing, is_system};
use crate::orders::{self, OrdersFileError};
use crate::surroundings::Surroundings;

/// Largest runbook file that is read.
const MAX_RUNBOOK_BYTES: u64 = 1024 * 1024;
/// So much of a key's file is read; what is longer is no key.
const MAX_KEY_FILE_BYTES: u64 = 8 * 1024;

/// Why nothing could be built of a configuration that is valid by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    /// The vector server's key cannot be read.
    #[error("could not read the key of the Qdrant server in {}", file.display())]
    VectorServerKey {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The vector server's address is none.
    #[error("the Qdrant server cannot be used")]
    VectorServer(#[from] VectorError),
    /// The list of hosts.
    #[error("the hosts cannot be watched")]
    Inventory(#[from] InventoryError),
    /// A runbook.
    #[error("the runbooks in {} cannot be used", dir.display())]
    Runbooks {
        /// Where they lie.
        dir: PathBuf,
        /// Everything that is wrong with them.
        #[source]
        source: RunbookErrors,
    },
    /// The directory of runbooks.
    #[error("could not read the runbooks in {}", dir.display())]
    RunbookDir {
        /// Where they lie.
        dir: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A lane.
    #[error("a lane cannot be used")]
    Lane(#[from] LaneError),
    /// The key of a lane.
    #[error("could not read the key of lane `{lane}` from {}", file.display())]
    Key {
        /// Which lane.
        lane: String,
        /// Where it should lie.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A way to tell people.
    #[error("people cannot be told")]
    Channel(#[from] OpenError),
    /// The standing orders.
    #[error(transparent)]
    Orders(#[from] OrdersFileError),
    /// When hosts are looked at.
    #[error("{why}")]
    Schedule {
        /// What is wrong.
        why: String,
    },
}

/// What a reload replaces.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The hosts.
    pub(crate) inventory: Inventory,
    /// Names in `~/.ssh/config` that could not be taken over.
    pub(crate) refused: Vec<RefusedHost>,
    notifying: Notifying,
    settings: Settings,
    schedule: Schedule,
    runbooks: Runbooks,
    lanes: Vec<LaneParts>,
    vectors: Option<Arc<dyn VectorStore>>,
    web: Web,
}

/// Everything that was built.
#[derive(Clone, Debug)]
pub(crate) struct House {
    /// The use cases.
    pub(crate) watch: Watch,
    /// The hosts.
    pub(crate) fleet: Fleet,
}

impl Prepared {
    /// The standing orders.
    pub(crate) const fn orders(&self) -> &StandingOrders {
        &self.settings.orders
    }
}

/// Reads what belongs to a configuration, and changes nothing.
pub(crate) fn prepare(config: &Config, around: &Surroundings) -> Result<Prepared, ComposeError> {
    let (inventory, refused) = inventory(config, around)?;
    Ok(Prepared {
        inventory,
        refused,
        settings: settings(config, orders::in_force(config, around)?),
        schedule: schedule(config)?,
        runbooks: runbooks(&config.runbooks.dir, around)?,
        lanes: lanes(config)?,
        notifying: config.notify.notifying()?,
        web: config.web.web(),
        vectors: vector_server(config)?,
    })
}

/// Builds everything over a store.
pub(crate) fn build(
    config: &Config,
    around: &Surroundings,
    store: Store,
) -> Result<House, ComposeError> {
    let Prepared {
        inventory,
        refused,
        settings,
        schedule: _,
        runbooks,
        lanes,
        vectors,
        notifying,
        web,
    } = prepare(config, around)?;
    warn_of(&refused);
    let clock = Arc::new(SystemClock);
    let defaults = SshDefaults {
        known_hosts: config.ssh.known_hosts.clone(),
        user_known_hosts: config.ssh.user_known_hosts,
        agent_socket: around.ssh_auth_sock.clone(),
        login: around.user.clone(),
    };
    let routes = Routes::new(ssh_config(around), defaults);
    let engines = Arc::new(Engines::new(routes, clock.clone(), control_sockets(around)));
    let fleet = Fleet::new(inventory, engines.clone());
    let watch = Watch::new(Parts {
        store,
        fleet: fleet.clone(),
        engines,
        local_login: around.user.clone(),
        clock,
        chance: Chance::seeded(rand::random()),
        controller: controller(around),
        settings,
        runbooks,
        lanes,
        known_hosts: config.ssh.known_hosts.clone(),
    });
    watch.use_channels(notifying);
    watch.use_web(web);
    watch.use_vector_server(vectors);
    Ok(House { watch, fleet })
}

impl House {
    /// Takes another configuration. What is under way goes on with the old one.
    pub(crate) async fn take(&self, prepared: Prepared) {
        warn_of(&prepared.refused);
        self.watch
            .reload(prepared.settings, prepared.runbooks, prepared.lanes);
        self.watch.use_vector_server(prepared.vectors);
        self.watch.use_channels(prepared.notifying);
        self.watch.use_web(prepared.web);
        self.watch.reschedule(prepared.schedule);
        self.fleet.reload(prepared.inventory).await;
    }
}

fn warn_of(refused: &[RefusedHost]) {
    for RefusedHost { name, why } in refused {
        tracing::warn!(host = name, why, "a host of ~/.ssh/config is not watched");
    }
}

/// When hosts are looked at.
pub(crate) fn schedule(config: &Config) -> Result<Schedule, ComposeError> {
    let every = match config
        .watch
        .timing()
        .map_err(|why| ComposeError::Schedule { why })?
    {
        Timing::Every(span) => Every::Interval(span.0),
        Timing::Cron(schedule) => Every::Cron(schedule),
    };
    Ok(Schedule {
        every,
        jitter: config.watch.jitter.0,
    })
}

fn ssh_config(around: &Surroundings) -> SshConfig {
    SshConfig::new(around.home.clone(), None)
}

fn inventory(
    config: &Config,
    around: &Surroundings,
) -> Result<(Inventory, Vec<RefusedHost>), InventoryError> {
    let configured = entries(config);
    if !config.ssh.import {
        return Ok((Inventory::new(configured, Vec::new())?, Vec::new()));
    }
    let mut imported = ssh_config(around).hosts();
    for entry in &mut imported.entries {
        with_defaults(entry, config);
    }
    Ok((
        Inventory::new(configured, imported.entries)?,
        imported.refused,
    ))
}

/// The configured hosts, with what their groups and the general sections say where they say nothing.
fn entries(config: &Config) -> Vec<HostEntry> {
    let mut entries = Vec::with_capacity(config.hosts.len());
    for (name, section) in &config.hosts {
        let mut entry = section.entry(name).expect("the configuration was checked");
        let groups: Vec<_> = section
            .groups
            .iter()
            .filter_map(|group| config.groups.get(group))
            .collect();
        entry.autonomy = section
            .autonomy
            .or_else(|| groups.iter().filter_map(|group| group.autonomy).min());
        entry.tier = section
            .tier
            .or_else(|| groups.iter().filter_map(|group| group.tier).max())
            .unwrap_or_default();
        with_defaults(&mut entry, config);
        entry.use_agent = section.agent.unwrap_or(config.ssh.agent);
        entries.push(entry);
    }
    if entries.is_empty() && !config.ssh.import {
        let mut local = HostEntry::new(watchkeeper_model::HostName::local());
        with_defaults(&mut local, config);
        entries.push(local);
    }
    entries
}

fn with_defaults(entry: &mut HostEntry, config: &Config) {
    entry.use_agent = config.ssh.agent;
    if entry.identity_files.is_empty() {
        entry.identity_files.clone_from(&config.ssh.identity_files);
    }
    for path in &config.watch.certificates {
        if !entry.certificates.contains(path) {
            entry.certificates.push(path.clone());
        }
    }
}

/// What the owner says of all hosts beyond what ships with the lists.
pub(crate) fn host_facts(config: &Config) -> HostFacts {
    let risk = &config.risk;
    HostFacts {
        critical_units: risk.critical_units.clone(),
        heavy_units: risk.heavy_units.clone(),
        unimportant_units: risk.unimportant_units.clone(),
        critical_paths: risk.critical_paths.clone(),
        secret_paths: risk.secret_paths.clone(),
        management_interfaces: risk.management_interfaces.clone(),
        ..HostFacts::default()
    }
}

fn settings(config: &Config, orders: StandingOrders) -> Settings {
    let (watch, run, llm) = (&config.watch, &config.run, &config.llm);
    Settings {
        name: config.name.to_string(),
        store_label: config.store.url.to_string(),
        policy: config.policy.clone(),
        orders,
        risk: host_facts(config),
        thresholds: ThresholdLayers {
            base: config.thresholds,
            groups: config
                .groups
                .iter()
                .map(|(name, group)| (name.clone(), group.thresholds))
                .collect(),
            hosts: config
                .hosts
                .iter()
                .map(|(name, host)| (name.clone(), host.thresholds))
                .collect(),
        },
        looking: Looking {
            parallel: watch.parallel as usize,
            deadline: watch.look_deadline.0,
            reopen_within: watch.reopen_within.0,
            keep_observations: watch.keep_observations.0,
            ..Looking::default()
        },
        running: Running {
            lease: run.lease.0,
            parallel: run.parallel as usize,
            verify_looks: run.verify_looks,
            verify_pause: run.verify_pause.0,
            patience: run.patience.0,
        },
        asking: Asking {
            lease: llm.lease.0,
            attempts: i64::from(llm.attempts),
            pause: llm.pause.0,
            deadline: llm.deadline.0,
            keep_jobs: llm.keep_jobs.0,
            keep_dead: llm.keep_dead.0,
            limits: QueueLimits {
                waiting: llm.waiting,
                waiting_of_host: llm.waiting_of_host,
                waiting_of_person: llm.waiting_of_person,
                ..QueueLimits::default()
            },
            egress: config.egress.rules(),
            keep_talks: config.talk.keep.0,
        },
        knowledge: config.knowledge.knowing(),
    }
}

fn lanes(config: &Config) -> Result<Vec<LaneParts>, ComposeError> {
    config.lanes.iter().map(lane_parts).collect()
}

/// A lane and the way to it, with its key where it names one.
pub(crate) fn lane_parts(lane: &Lane) -> Result<LaneParts, ComposeError> {
    let key = match &lane.api_key_file {
        None => None,
        Some(file) => Some(read_key(file).map_err(|source| ComposeError::Key {
            lane: lane.name.clone(),
            file: file.clone(),
            source,
        })?),
    };
    Ok(LaneParts {
        lane: lane.clone(),
        provider: connect(lane.clone(), key)?,
    })
}

/// The Qdrant server, where one is configured. It is not asked for anything yet.
fn vector_server(config: &Config) -> Result<Option<Arc<dyn VectorStore>>, ComposeError> {
    let Some(url) = &config.knowledge.qdrant else {
        return Ok(None);
    };
    let key =
        match &config.knowledge.qdrant_key_file {
            None => None,
            Some(file) => Some(std::fs::read_to_string(file).map_err(|source| {
                ComposeError::VectorServerKey {
                    file: file.clone(),
                    source,
                }
            })?),
        };
    let key = key.as_deref().map(str::trim);
    Ok(Some(Arc::new(Qdrant::new(url, key)?)))
}

fn read_key(file: &Path) -> std::io::Result<ApiKey> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)?
        .take(MAX_KEY_FILE_BYTES)
        .read_to_string(&mut text)?;
    ApiKey::new(&text).map_err(|why| std::io::Error::new(std::io::ErrorKind::InvalidData, why))
}

/// The runbooks that come with Watchkeeper, and those of a directory in their place. The directory need not be there.
pub(crate) fn runbooks(dir: &Path, around: &Surroundings) -> Result<Runbooks, ComposeError> {
    let files = runbook_files(dir, around).map_err(|source| ComposeError::RunbookDir {
        dir: dir.to_owned(),
        source,
    })?;
    let shipped = Runbooks::shipped();
    if files.is_empty() {
        return Ok(shipped);
    }
    let theirs = Runbooks::load(&files).map_err(|source| ComposeError::Runbooks {
        dir: dir.to_owned(),
        source,
    })?;
    Ok(shipped.overridden_by(theirs))
}

/// The files of a directory of runbooks, in their order.
pub(crate) fn runbook_paths(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    Ok(paths)
}

fn runbook_files(dir: &Path, around: &Surroundings) -> std::io::Result<Vec<(String, String)>> {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;
    let read = |path: PathBuf| {
        let file = std::fs::File::open(&path)?;
        // Whoever can write what root proposes need not be root for long.
        if around.uid == 0 && file.metadata()?.permissions().mode() & 0o022 != 0 {
            let why = format!(
                "{} can be written by others than its owner: chmod go-w {0}",
                path.display()
            );
            return Err(std::io::Error::new(
                std::io::ErrorKind::PermissionDenied,
                why,
            ));
        }
        let mut text = String::new();
        file.take(MAX_RUNBOOK_BYTES).read_to_string(&mut text)?;
        Ok((path.display().to_string(), text))
    };
    runbook_paths(dir)?.into_iter().map(read).collect()
}

/// One running controller: its machine and a random part.
fn controller(around: &Surroundings) -> ControllerId {
    let random = format!("{:08x}", rand::random::<u32>());
    ControllerId::new(format!("{}-{random}", around.hostname))
        .or_else(|_| ControllerId::new(format!("watch-{random}")))
        .expect("letters and digits are a valid id")
}

/// A directory for control sockets of the system's `ssh`, which have short paths, and nobody else's hands on them.
fn control_sockets(around: &Surroundings) -> PathBuf {
    if around.uid == 0 {
        return PathBuf::from("/run/watchkeeper-ssh");
    }
    match &around.runtime_dir {
        Some(dir) => dir.join("watchkeeper-ssh"),
        None if is_system(around) => PathBuf::from("/run/watchkeeper/ssh"),
        None => around.state_home.join("watchkeeper/ssh"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_fleet::Engine;
    use watchkeeper_model::{Autonomy, HostName, Tier};

    fn config(text: &str) -> Config {
        toml::from_str(text).expect("a configuration")
    }

    fn host(config: &Config, name: &str) -> HostEntry {
        let name = HostName::new(name).expect("a name");
        entries(config)
            .into_iter()
            .find(|entry| entry.name == name)
            .expect("it is there")
    }

    #[test]
    fn with_no_hosts_this_machine_is_watched() {
        let config = config("[watch]\ncertificates = ['/etc/cert.pem']\n");
        let local = host(&config, "local");
        assert_eq!(
            (local.engine(), local.certificates.len()),
            (Engine::Local, 1)
        );
    }

    #[test]
    fn a_host_takes_from_its_groups_what_it_does_not_say() {
        let config = config(
            "[groups.a]\nautonomy = 'auto-full'\n[groups.b]\nautonomy = 'suggest'\ntier = 'critical'\n\
             [hosts.both]\ngroups = ['a', 'b', 'unsaid']\n[hosts.own]\ngroups = ['a', 'b']\nautonomy = 'auto-safe'\n\
             tier = 'normal'\n[hosts.none]\n",
        );
        let said = |name| {
            let entry = host(&config, name);
            (entry.autonomy, entry.tier)
        };
        assert_eq!(
            said("both"),
            (Some(Autonomy::Suggest), Tier::Critical),
            "the most careful one counts"
        );
        assert_eq!(said("own"), (Some(Autonomy::AutoSafe), Tier::Normal));
        assert_eq!(said("none"), (None, Tier::Normal));
    }

    #[test]
    fn general_keys_and_certificates_are_every_hosts() {
        let config = config(
            "[ssh]\nagent = false\nidentity_files = ['/k']\n[watch]\ncertificates = ['/a.pem']\n\
             [hosts.a]\n[hosts.b]\nagent = true\nidentity_files = ['/own']\ncertificates = ['/a.pem', '/b.pem']\n",
        );
        let (a, b) = (host(&config, "a"), host(&config, "b"));
        assert_eq!((a.use_agent, b.use_agent), (false, true));
        assert_eq!(
            (a.identity_files, b.identity_files),
            (vec![PathBuf::from("/k")], vec![PathBuf::from("/own")])
        );
        assert_eq!((a.certificates.len(), b.certificates.len()), (1, 2));
    }

    #[test]
    fn looks_follow_the_interval_or_the_crontab() {
        let noon = watchkeeper_model::Timestamp::from_millis(1_700_049_600_000);
        let minutes = |text: &str| {
            let schedule = schedule(&config(text)).expect("a schedule");
            schedule.every.next_after(noon).since(noon).as_secs() / 60
        };
        assert_eq!(minutes(""), 5);
        assert_eq!(minutes("[watch]\ninterval = '7m'"), 7);
        assert_eq!(
            minutes("[watch]\ninterval = '7m'\ncron = '*/10 * * * *'"),
            10
        );
    }

    #[test]
    fn runbooks_need_no_directory_and_a_broken_one_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let shipped = runbooks(&dir.path().join("absent"), &around).expect("the shipped ones");
        assert_eq!(shipped, Runbooks::shipped());
        std::fs::write(dir.path().join("mine.toml"), "nonsense").expect("written");
        let error = runbooks(dir.path(), &around).expect_err("it is broken");
        let source = std::error::Error::source(&error)
            .expect("it says why")
            .to_string();
        assert!(source.contains("mine.toml"), "{source}");
    }
}
