//! What a host is like, as an entry of its own: written by code from what a look saw, and changed only when that changed. It
//! is text of the host, so it speaks for that host only. A person who puts it otherwise is not overruled: the entry says by
//! a label which text was code's own, and another text is left as it is.
//!
//! The probe does not list which services run, so what a host is for is told by the owner's groups, by its file systems
//! and by its certificates.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use watchkeeper_fleet::HostEntry;
use watchkeeper_health::{Facts, Machine};
use watchkeeper_model::{
    Collection, Confidence, DigestWriter, Entry, HostName, Source, Tier, Timestamp, bounded,
    visible,
};
use watchkeeper_remedy::{HostTraits, Init, PackageManager};
use watchkeeper_store::{NewEntry, StoredEntry, Tx};

use crate::WatchError;
use crate::traits::of_facts;
use crate::watch::Watch;

/// How long an entry is found after the host was seen last as it says.
const KEPT_FOR: Duration = Duration::from_secs(60 * 86_400);
/// How often it is said anew that a host is still like this.
const CONFIRMED_EVERY: Duration = Duration::from_secs(7 * 86_400);
/// Longest name of the system, of the machine or of a path, in characters.
const MAX_NAME_CHARS: usize = 100;
/// File systems, certificates and groups that are named.
const NAMED: usize = 20;
/// What the label begins with that says which text was code's own.
const OWN_TEXT: &str = "seen:";

/// When it was last made sure, by this process, that the entry of a host stands.
#[derive(Debug, Default)]
pub(crate) struct HostsKnown(Mutex<HashMap<HostName, Timestamp>>);

impl HostsKnown {
    fn is_due(&self, host: &HostName, now: Timestamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(host)
            .is_none_or(|at| now.since(*at) >= CONFIRMED_EVERY)
    }

    fn stands(&self, host: &HostName, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(host.clone(), now);
    }
}

impl Watch {
    /// Writes down what a host is like, in the transaction of a look, where that is not what the look before saw. It is never
    /// why a look is not recorded.
    pub(crate) async fn learn_host(
        &self,
        tx: &mut Tx,
        host: &HostEntry,
        facts: &Facts,
        previous: Option<&Facts>,
    ) -> Result<(), WatchError> {
        let now = self.now();
        let text = account(host, facts);
        let is_same = previous.is_some_and(|previous| account(host, previous) == text);
        if is_same && !self.shelf().hosts_known().is_due(&host.name, now) {
            return Ok(());
        }
        let key = format!("host {}", host.name);
        let stored = match tx.entries().by_key(&key).await {
            Ok(stored) => stored,
            Err(watchkeeper_store::StoreError::CorruptRow(row)) => {
                self.remember_corrupt(&[row]);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let own = own_label(&text);
        match stored {
            Some(StoredEntry { entry, .. }) if !is_own(&entry) => {
                tracing::debug!(host.id = %host.name, "a person has said what it is like");
            }
            Some(StoredEntry { entry, .. }) if entry.labels.contains(&own) => {
                let after = Entry {
                    expires_at: Some(now.after(KEPT_FOR)),
                    updated_at: now,
                    ..entry.clone()
                };
                tx.entries().change(&entry, &after).await?;
            }
            _ => {
                let new = entry_of(host, facts, text, (key, own), now);
                if let Err(WatchError::Invalid { .. }) = self.learn(tx, new).await {
                    tracing::debug!(host.id = %host.name, "what it is like does not fit an entry");
                }
            }
        }
        self.shelf().hosts_known().stands(&host.name, now);
        Ok(())
    }
}

fn entry_of(
    host: &HostEntry,
    facts: &Facts,
    text: String,
    (key, own): (String, String),
    at: Timestamp,
) -> NewEntry {
    let traits = of_facts(facts);
    let mut labels = vec![own];
    labels.extend((!traits.os.is_empty()).then(|| format!("os:{}", word(&traits.os))));
    let groups = host.groups.iter().take(NAMED / 2);
    labels.extend(groups.map(|group| format!("group:{}", word(group.as_str()))));
    NewEntry {
        collection: Collection::Hosts,
        kind: "host".to_owned(),
        title: format!("{}: what it is", host.name),
        text,
        host: Some(host.name.clone()),
        labels,
        source: Source::Host {
            host: host.name.clone(),
            what: "seen by looking".to_owned(),
        },
        confidence: Confidence::High,
        at,
        confirmed: None,
        expires_at: Some(at.after(KEPT_FOR)),
        key: Some(key),
    }
}

/// A word as a label may hold it.
fn word(text: &str) -> String {
    let fits = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    text.chars().filter(fits).take(40).collect()
}

fn own_label(text: &str) -> String {
    let digest = DigestWriter::new("watchkeeper host 1").field(text).finish();
    let short: String = digest.to_string().chars().take(16).collect();
    format!("{OWN_TEXT}{short}")
}

/// Whether an entry says what code wrote.
fn is_own(entry: &Entry) -> bool {
    entry.labels.contains(&own_label(&entry.text))
}

/// What a host is like: what does not change from look to look.
fn account(host: &HostEntry, facts: &Facts) -> String {
    let mut lines = Vec::new();
    if let Some(identity) = facts.identity.present() {
        let arch = identity.arch.as_deref().unwrap_or("unknown architecture");
        lines.push(format!(
            "system: {}, kernel {}, {}",
            name(&identity.os_name),
            name(&identity.kernel),
            name(arch)
        ));
        lines.push(format!("machine: {}", machine(facts)));
    }
    if let Some(disks) = facts.disks.present() {
        let listed = disks.file_systems.iter().take(NAMED).map(|disk| {
            let (target, kind) = (name(&disk.target), name(&disk.kind));
            format!("{target} {} {kind}", size(disk.size_bytes))
        });
        lines.push(format!("file systems: {}", listed_or_none(listed)));
    }
    let HostTraits {
        init,
        package_manager,
        ..
    } = of_facts(facts);
    let keeper = match init {
        Init::Systemd => "systemd",
        Init::Openrc => "OpenRC",
        Init::Other => "something else",
    };
    let packages = match package_manager {
        Some(PackageManager::Apt) => ", packages by apt",
        Some(PackageManager::Dnf) => ", packages by dnf",
        Some(PackageManager::Pacman) => ", packages by pacman",
        Some(PackageManager::Apk) => ", packages by apk",
        Some(PackageManager::Nix) => ", packages by Nix",
        None => "",
    };
    lines.push(format!("services are kept by {keeper}{packages}"));
    if let Some(certificates) = facts.certificates.present().filter(|all| !all.is_empty()) {
        let paths = certificates.iter().take(NAMED);
        let paths = paths.map(|certificate| name(&certificate.path));
        lines.push(format!("certificates: {}", listed_or_none(paths)));
    }
    let groups = host.groups.iter().take(NAMED).map(ToString::to_string);
    lines.push(format!("groups: {}", listed_or_none(groups)));
    if host.tier == Tier::Critical {
        lines.push("it is critical".to_owned());
    }
    // As an entry keeps it, so that what is read back is the same.
    watchkeeper_agent::redact(&lines.join("\n")).into_owned()
}

fn machine(facts: &Facts) -> String {
    let mut words = Vec::new();
    if let Some(identity) = facts.identity.present() {
        words.push(match &identity.machine {
            Machine::Unknown => "of unknown kind".to_owned(),
            Machine::Physical { model } => format!("hardware of its own, {}", name(model)),
            Machine::Virtual { by } => format!("virtual, by {}", name(by)),
            Machine::Container { by } => format!("a container, by {}", name(by)),
        });
        words.extend(identity.cores.map(|cores| format!("{cores} cores")));
    }
    if let Some(memory) = facts.memory.present() {
        words.push(format!("{} of memory", size(memory.total_bytes)));
    }
    if let Some(swap) = facts.swap.present().filter(|swap| swap.total_bytes > 0) {
        words.push(format!("{} of swap", size(swap.total_bytes)));
    }
    words.join(", ")
}

fn name(text: &str) -> String {
    bounded(&visible(text.trim()), MAX_NAME_CHARS).into_owned()
}

fn listed_or_none(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    if all.is_empty() {
        return "none".to_owned();
    }
    all.join(", ")
}

/// A size in whole GiB, or MiB where it is less than two: what a kernel or a balloon takes of it does not change the text.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    let mib = bytes / MIB;
    if mib < 2 * 1024 {
        return format!("{} MiB", (mib + 32) / 64 * 64);
    }
    format!("{} GiB", (mib + 512) / 1024)
}
