//! The configuration: defaults, files, variables and flags laid over one another into one checked value, with the
//! origin of each part. A later layer wins:
//!
//! 1. defaults, which depend on the account (`place`);
//! 2. `/etc/watchkeeper/config.toml`, then `/etc/watchkeeper/conf.d/*.toml` by name;
//! 3. `~/.config/watchkeeper/config.toml`;
//! 4. `WATCHKEEPER_SECTION__KEY` in the environment;
//! 5. files given by `--config`, then values given by `--set`.

mod error;
mod key;
mod layers;
mod place;
mod sections;
mod shape;
mod sources;

#[cfg(test)]
mod effects;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub(crate) use error::{ConfigError, ConfigErrors, Origin};
pub(crate) use key::Key;
pub(crate) use place::is_system;
pub(crate) use sections::{OrdersSection, Timing};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};
use watchkeeper_health::Thresholds;
use watchkeeper_llm::Lane;
use watchkeeper_model::{GroupName, HostName};
use watchkeeper_policy::{InvalidPolicy, PolicySettings};

use crate::args::Common;
use crate::surroundings::Surroundings;
use layers::Layers;
use sections::{
    EgressSection, Faults, GroupSection, HostSection, KnowledgeSection, LlmSection, NotifySection,
    RiskSection, RunSection, RunbooksSection, ServerSection, SshSection, StoreSection, TalkSection,
    WatchSection, WebSection,
};

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[warn(clippy::missing_docs_in_private_items)]
pub(crate) struct Config {
    /// What the watch is called; the machine's short name if left out.
    pub(crate) name: HostName,
    /// What the daemon logs: `error`, `warn`, `info`, `debug`, or as in `info,watchkeeper_fleet=debug`.
    pub(crate) log: String,
    /// When hosts are looked at, and what is kept.
    pub(crate) watch: WatchSection,
    /// The standing orders.
    pub(crate) policy: PolicySettings,
    /// The standing orders beside it.
    pub(crate) orders: OrdersSection,
    /// What is added to the lists by which risk is told.
    pub(crate) risk: RiskSection,
    /// When a figure is a finding.
    pub(crate) thresholds: Thresholds,
    /// What holds for the hosts of a group.
    pub(crate) groups: BTreeMap<GroupName, GroupSection>,
    /// The hosts; with none, this machine is watched.
    pub(crate) hosts: BTreeMap<HostName, HostSection>,
    /// What holds for every host that is reached by SSH.
    pub(crate) ssh: SshSection,
    /// Where everything is kept.
    pub(crate) store: StoreSection,
    /// The models that may be asked.
    pub(crate) lanes: Vec<Lane>,
    /// Where what hosts say may go.
    pub(crate) egress: EgressSection,
    /// How long and how often they are asked.
    pub(crate) llm: LlmSection,
    /// How long talks are kept, and how long a question waits for its daemon.
    pub(crate) talk: TalkSection,
    /// How what is known is searched.
    pub(crate) knowledge: KnowledgeSection,
    /// Diagnoses without a model.
    pub(crate) runbooks: RunbooksSection,
    /// Where the daemon answers, and who may decide.
    pub(crate) server: ServerSection,
    /// Where pages for phones are served.
    pub(crate) web: WebSection,
    /// How what is approved is executed and verified.
    pub(crate) run: RunSection,
    /// Who is told what, how, and when it can wait.
    pub(crate) notify: NotifySection,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: HostName::new("watch").expect("it is a name"),
            log: "info".to_owned(),
            watch: WatchSection::default(),
            policy: PolicySettings::default(),
            orders: OrdersSection::default(),
            risk: RiskSection::default(),
            thresholds: Thresholds::default(),
            groups: BTreeMap::new(),
            hosts: BTreeMap::new(),
            ssh: SshSection::default(),
            store: StoreSection::default(),
            lanes: Vec::new(),
            egress: EgressSection::default(),
            llm: LlmSection::default(),
            talk: TalkSection::default(),
            knowledge: KnowledgeSection::default(),
            runbooks: RunbooksSection::default(),
            server: ServerSection::default(),
            web: WebSection::default(),
            run: RunSection::default(),
            notify: NotifySection::default(),
        }
    }
}

/// A configuration that was read, and what is known about it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What holds. Where there are errors: as if what is wrong had not been said.
    pub(crate) config: Config,
    /// Everything that is wrong.
    pub(crate) errors: Vec<ConfigError>,
    /// The files that were read, in their order.
    pub(crate) files: Vec<PathBuf>,
    layers: Layers,
}

/// One value that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its key.
    pub(crate) key: Key,
    /// The value as it would be written; none where nothing is said and there is no default.
    pub(crate) value: Option<String>,
    /// Where it was said.
    pub(crate) origin: Origin,
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// Names everything that is wrong.
    pub(crate) fn load(common: &Common, around: &Surroundings) -> Result<Loaded, ConfigErrors> {
        Self::look(common, around).strict()
    }

    /// Reads all layers, and goes on where something is wrong.
    pub(crate) fn look(common: &Common, around: &Surroundings) -> Loaded {
        let mut layers = Layers::over(place::defaults(around));
        let files = sources::read_all(&mut layers, common, around);
        Loaded::of(layers, files, around)
    }

    /// Reads one file alone over the defaults.
    pub(crate) fn look_at(path: &Path, around: &Surroundings) -> Loaded {
        let mut layers = Layers::over(place::defaults(around));
        let files = sources::read_one(&mut layers, path, around);
        Loaded::of(layers, files, around)
    }

    /// What is wrong with the whole, though each part fits.
    fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        self.watch.check(&mut faults);
        self.orders.check(&mut faults);
        self.risk.check(&mut faults);
        self.ssh.check(&mut faults);
        self.store.check(&mut faults);
        self.knowledge.check(&mut faults);
        self.runbooks.check(&mut faults);
        self.server.check(&mut faults);
        self.web.check(&mut faults);
        self.run.check(&mut faults);
        self.notify.check(&mut faults);
        self.llm.check(&mut faults);
        self.talk.check(&mut faults);
        for (name, host) in &self.hosts {
            host.check(name, self.watch.look_deadline, &mut faults);
        }
        self.check_log(&mut faults);
        self.check_policy(&mut faults);
        self.check_thresholds(&mut faults);
        self.check_lanes(&mut faults);
        self.check_egress(&mut faults);
        faults
    }

    fn check_log(&self, faults: &mut Faults) {
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log) {
            faults.add(
                Key::from("log"),
                format!("log is no filter ({error}); write error, warn, info or debug"),
            );
        }
    }

    fn check_policy(&self, faults: &mut Faults) {
        if let Err(error) = self.policy.validate() {
            let key = match &error {
                InvalidPolicy::SpanOutOfRange { key, .. }
                | InvalidPolicy::CountOutOfRange { key, .. } => key,
                InvalidPolicy::TooManyUnits { .. } => "protected_units",
            };
            faults.add(Key::from("policy").name(key), error.to_string());
        }
    }

    fn check_thresholds(&self, faults: &mut Faults) {
        if let Err(error) = self.thresholds.validate() {
            return faults.add(
                Key::from(format!("thresholds.{}", error.key).as_str()),
                error.to_string(),
            );
        }
        for (name, group) in &self.groups {
            if let Err(error) = self.thresholds.apply(&group.thresholds).validate() {
                faults.add(
                    Key::from("groups").name(name.as_str()).name("thresholds"),
                    format!("group {name}: {error}"),
                );
            }
        }
        for (name, host) in &self.hosts {
            let groups = host
                .groups
                .iter()
                .filter_map(|group| self.groups.get(group));
            let of_groups = groups.fold(self.thresholds, |all, group| all.apply(&group.thresholds));
            if let Err(error) = of_groups.apply(&host.thresholds).validate() {
                faults.add(
                    Key::from("hosts").name(name.as_str()).name("thresholds"),
                    format!("host {name}: {error}"),
                );
            }
        }
    }

    fn check_lanes(&self, faults: &mut Faults) {
        let mut names = BTreeSet::new();
        for (place, lane) in self.lanes.iter().enumerate() {
            let key = Key::from("lanes").place(place);
            if !names.insert(&lane.name) {
                faults.add(
                    key.name("name"),
                    format!(
                        "two lanes are called {}; give each a name of its own",
                        lane.name
                    ),
                );
            }
            if let Err(error) = lane.validate() {
                faults.add(key.clone(), error.to_string());
            }
            for other in &lane.standby_for {
                if !self.lanes.iter().any(|lane| lane.name == *other) {
                    let why = format!("lane {} stands by for {other}, which is no lane", lane.name);
                    faults.add(key.name("standby_for"), why);
                }
            }
        }
    }

    fn check_egress(&self, faults: &mut Faults) {
        let lanes = self.lanes.iter().map(|lane| lane.name.as_str());
        let of_hosts = self.hosts.values().flat_map(|host| &host.groups);
        let groups = of_hosts.chain(self.groups.keys());
        self.egress.check(&lanes, &groups, faults);
    }
}

impl Loaded {
    fn of(mut layers: Layers, files: Vec<PathBuf>, around: &Surroundings) -> Self {
        let config: Config = layers.read().unwrap_or_else(|error| {
            layers.fault(error);
            // Then only the defaults are sure to hold; they are ours, and fit.
            Layers::over(place::defaults(around))
                .read()
                .unwrap_or_default()
        });
        for (key, message) in config.faults().0 {
            let origin = layers.origin_near(&key);
            layers.fault(ConfigError::Invalid {
                origin,
                message,
                likely: None,
            });
        }
        Self {
            config,
            errors: layers.take_errors(),
            files,
            layers,
        }
    }

    /// The same where nothing is wrong.
    ///
    /// # Errors
    /// Names everything that is wrong.
    pub(crate) fn strict(self) -> Result<Self, ConfigErrors> {
        if self.errors.is_empty() {
            Ok(self)
        } else {
            Err(ConfigErrors(self.errors))
        }
    }

    /// Where the value of a key was said.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.layers.origin(&key.into())
    }

    /// Every value that holds, sorted by section. Passwords are crossed out.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let values = Table::try_from(&self.config).unwrap_or_default();
        let mut settings: Vec<Setting> = layers::leaves(&values)
            .into_iter()
            .map(|(key, value)| Setting {
                origin: self.layers.origin(&key),
                value: Some(written(value)),
                key,
            })
            .collect();
        for known in shape::keys::<Config>()
            .into_iter()
            .filter(|known| !known.repeated)
        {
            let told = settings
                .iter()
                .any(|setting| setting.key == known.key || setting.key.lies_in(&known.key));
            if !told {
                settings.push(Setting {
                    key: known.key,
                    value: None,
                    origin: Origin::Default,
                });
            }
        }
        settings.sort_by(|left, right| left.key.cmp(&right.key));
        settings
    }
}

/// A value as it would be written in a file.
fn written(value: &Value) -> String {
    match value {
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        value => value.to_string(),
    }
}
