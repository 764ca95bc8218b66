//! `doctor`: tries everything the watch needs, one line for each, and under what is wrong what to type. It goes on
//! where something is broken: without a usable configuration with what can be used of it, without a store with one
//! that is thrown away.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use nix::unistd::Group;
use serde::Serialize;
use tokio_util::task::TaskTracker;
use watchkeeper_server::{Gate, Serving, router};
use watchkeeper_store::Store;
use watchkeeper_watch::view::{DoctorLine, DoctorState};

use super::{Ended, answer};
use crate::args::{Common, Output};
use crate::called::Called;
use crate::client::Client;
use crate::compose;
use crate::config::{Config, Loaded};
use crate::failure::{CommandError, Kind};
use crate::session::{self, open_store, page, take_lock};
use crate::show;
use crate::surroundings::Surroundings;

/// How long another command may keep the store until that is told.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// Everything that was tested.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    lines: Vec<DoctorLine>,
}

/// Tests everything.
pub(super) async fn run(common: &Common, around: &Surroundings, called: &Called) -> Ended {
    let lines = lines(common, around).await;
    let ok = lines.iter().all(|line| line.state != DoctorState::Failed);
    if common.output == Output::Text {
        super::put(&show::doctor_report(&page(around), &lines, called))?;
    } else {
        answer(common.output, &Report { ok, lines }, |_| String::new())?;
    }
    Ok(if ok { 0 } else { Kind::Failed.exit_status() })
}

/// Tests everything, and tells nobody yet.
pub(super) async fn lines(common: &Common, around: &Surroundings) -> Vec<DoctorLine> {
    let loaded = Config::look(common, around);
    let mut lines = configuration(&loaded);
    lines.extend(group(&loaded.config));
    let socket = daemon(&mut lines, common, &loaded, around).await;
    runbooks(&mut lines, &loaded.config, around);
    match socket {
        Some(socket) => ask(&mut lines, &Client::Socket(socket)).await,
        None => by_ourselves(&mut lines, &loaded.config, around).await,
    }
    lines
}

fn ok(name: &str, detail: impl Into<String>) -> DoctorLine {
    DoctorLine {
        name: name.to_owned(),
        state: DoctorState::Ok,
        detail: detail.into(),
        remedy: String::new(),
    }
}

fn warning(name: &str, detail: impl Into<String>, remedy: impl Into<String>) -> DoctorLine {
    DoctorLine {
        state: DoctorState::Warning,
        remedy: remedy.into(),
        ..ok(name, detail)
    }
}

fn failed(name: &str, detail: impl Into<String>, remedy: impl Into<String>) -> DoctorLine {
    DoctorLine {
        state: DoctorState::Failed,
        remedy: remedy.into(),
        ..ok(name, detail)
    }
}

fn failed_by(name: &str, error: &CommandError) -> DoctorLine {
    failed(name, error.line(), error.hints.join("; "))
}

fn configuration(loaded: &Loaded) -> Vec<DoctorLine> {
    let mut lines: Vec<DoctorLine> = Vec::new();
    for error in &loaded.errors {
        let remedy = error
            .remedy()
            .unwrap_or_else(|| "correct it, then: watchkeeper config check".to_owned());
        lines.push(failed("config", error.line(), remedy));
    }
    if lines.is_empty() {
        let files: Vec<String> = loaded
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        lines.push(ok(
            "config",
            if files.is_empty() {
                "no file, all defaults".to_owned()
            } else {
                files.join(", ")
            },
        ));
    }
    if loaded.config.store.url.holds_a_password() {
        let remedy =
            "put it into a file that only the daemon reads, and name that in store.password_file";
        lines.push(warning(
            "config",
            "the store's password stands in store.url",
            remedy,
        ));
    }
    lines.extend(
        loaded
            .config
            .store
            .password_file
            .as_deref()
            .and_then(seen_by_others),
    );
    lines
}

/// A secret that everybody on this machine can read is none.
fn seen_by_others(file: &Path) -> Option<DoctorLine> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    (mode & 0o007 != 0).then(|| {
        let detail = format!("everybody can read {}", file.display());
        warning("config", detail, format!("chmod o= {}", file.display()))
    })
}

fn group(config: &Config) -> Option<DoctorLine> {
    let name = &config.server.operators_group;
    match Group::from_name(name) {
        Ok(Some(group)) => Some(ok(
            "operators",
            format!("root and the group {name}: {}", members(&group)),
        )),
        Ok(None) => Some(warning(
            "operators",
            format!("there is no group {name}: beside root nobody may approve through a daemon"),
            format!("groupadd --system {name}, then usermod --append --groups {name} YOU"),
        )),
        Err(error) => Some(warning(
            "operators",
            format!("the group {name} could not be looked up: {error}"),
            "",
        )),
    }
}

fn members(group: &Group) -> String {
    if group.mem.is_empty() {
        "no members".to_owned()
    } else {
        group.mem.join(", ")
    }
}

/// Whether a daemon answers; its socket if so.
async fn daemon(
    lines: &mut Vec<DoctorLine>,
    common: &Common,
    loaded: &Loaded,
    around: &Surroundings,
) -> Option<PathBuf> {
    match session::find_daemon(common, loaded, around).await {
        Ok(Some(socket)) => {
            lines.push(ok("daemon", format!("answers at {}", socket.display())));
            Some(socket)
        }
        Ok(None) => {
            lines.push(warning(
                "daemon",
                "none runs: hosts are looked at only when you say so",
                "watchkeeper daemon, or enable its service",
            ));
            None
        }
        Err(error) => {
            lines.push(failed_by("daemon", &error));
            None
        }
    }
}

fn runbooks(lines: &mut Vec<DoctorLine>, config: &Config, around: &Surroundings) {
    lines.push(match compose::runbooks(&config.runbooks.dir, around) {
        Ok(runbooks) => ok(
            "runbooks",
            format!("{} can be used", runbooks.iter().count()),
        ),
        Err(error) => failed(
            "runbooks",
            CommandError::failed(error).line(),
            "correct or remove them",
        ),
    });
}

/// What a watch says of its hosts, models and log.
async fn ask(lines: &mut Vec<DoctorLine>, client: &Client) {
    match client.get::<Vec<DoctorLine>>("/v1/doctor").await {
        Ok(found) => lines.extend(found),
        Err(error) => lines.push(failed_by("watch", &error.into())),
    }
}

async fn by_ourselves(lines: &mut Vec<DoctorLine>, config: &Config, around: &Surroundings) {
    let opened = match open_store(config).await {
        Ok(store) => take_lock(&store, config, LOCK_PATIENCE)
            .await
            .map(|lock| (store, lock)),
        Err(error) => Err(error),
    };
    match opened {
        Ok((store, lock)) => {
            lines.push(ok(
                "store",
                format!("{}, nobody else has it", config.store.url),
            ));
            examine(lines, config, around, store, Told::Everything).await;
            drop(lock);
        }
        Err(error) => {
            lines.push(failed_by("store", &error));
            match scratch().await {
                Ok((_dir, store)) => {
                    examine(lines, config, around, store, Told::AllButTheLog).await;
                }
                Err(error) => lines.push(failed_by("hosts", &error)),
            }
        }
    }
}

/// What of a watch's answer is about the store that is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Everything,
    AllButTheLog,
}

async fn examine(
    lines: &mut Vec<DoctorLine>,
    config: &Config,
    around: &Surroundings,
    store: Store,
    told: Told,
) {
    let house = match compose::build(config, around, store.clone()) {
        Ok(house) => house,
        Err(error) => {
            return lines.push(failed(
                "watch",
                CommandError::failed(error).line(),
                "correct it, and try again",
            ));
        }
    };
    let tasks = TaskTracker::new();
    let gate = Gate {
        operators_group: config.server.operators_group.clone(),
        daemon_uid: None,
    };
    let caller = gate.admit(around.uid, around.gid);
    let serving = Serving {
        watch: house.watch.clone(),
        tasks: tasks.clone(),
        daemon: false,
    };
    let mut found = Vec::new();
    ask(
        &mut found,
        &Client::InProcess(Box::new((router(serving), caller))),
    )
    .await;
    found.retain(|line| told == Told::Everything || line.name != "log");
    lines.extend(found);
    tasks.close();
    tasks.wait().await;
    house.fleet.close_all().await;
    store.close().await;
}

/// A store for the doctor alone, gone when it is dropped.
async fn scratch() -> Result<(Scratch, Store), CommandError> {
    let dir =
        std::env::temp_dir().join(format!("watchkeeper-doctor-{:016x}", rand::random::<u64>()));
    let dir = Scratch(dir);
    let store = Store::open(&format!("sqlite:{}", dir.0.join("store.db").display())).await;
    Ok((
        dir,
        store.map_err(|error| CommandError::failed(anyhow!(error)))?,
    ))
}

#[derive(Debug)]
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_broken_configuration_and_store_do_not_keep_it_from_the_rest() {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        std::fs::create_dir_all(&around.system_config).expect("made");
        let file = around.system_config.join("config.toml");
        std::fs::write(
            &file,
            "[watch]\nintervall = \"5m\"\n[store]\nurl = \"sqlite:/proc/no/such/store.db\"\n",
        )
        .expect("written");
        let common = Common {
            config: vec![],
            set: vec![],
            output: Output::Text,
            no_daemon: true,
        };
        let loaded = Config::look(&common, &around);
        let mut lines = configuration(&loaded);
        by_ourselves(&mut lines, &loaded.config, &around).await;
        let state = |name: &str| {
            lines
                .iter()
                .find(|line| line.name == name)
                .map(|line| line.state)
        };
        assert_eq!(state("config"), Some(DoctorState::Failed));
        assert_eq!(state("store"), Some(DoctorState::Failed));
        assert_eq!(
            state("log"),
            None,
            "the log of a store that is thrown away says nothing"
        );
        assert!(
            lines.iter().any(|line| line.name.starts_with("host ")),
            "{lines:#?}"
        );
        assert!(
            lines
                .iter()
                .filter(|line| line.state == DoctorState::Failed)
                .all(|line| !line.remedy.is_empty()),
            "{lines:#?}"
        );
    }
}
