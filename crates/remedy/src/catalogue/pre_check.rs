//! What must still be true right before a step runs, so that its inverse puts back what was there, and nothing is
//! done to a host that has healed itself meanwhile.

use watchkeeper_fleet::{Connection, Exit, Output, RemoteCommand};
use watchkeeper_model::{LookFailure, Step, UnitName, bounded, visible};

use super::render::openrc_service;
use super::{HostTraits, Init};

/// One thing that must be true of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreCheck {
    /// The unit.
    pub unit: UnitName,
    /// What must be true.
    pub expects: UnitExpectation,
    init: Init,
}

/// What must be true of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitExpectation {
    /// It is there and not masked.
    Loaded,
    /// It is there, and not active: starting it can be undone by stopping it.
    NotActive,
    /// It is active.
    Active,
    /// It is active and can read its configuration again.
    Reloadable,
    /// It has failed.
    Failed,
}

/// What the host says to a pre-check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreCheckAnswer {
    /// It is as it must be.
    Holds,
    /// The world has changed.
    Changed {
        /// What is so now.
        why: String,
    },
    /// It cannot be told.
    CannotTell {
        /// Why.
        why: String,
    },
}

/// What must be true before this step, on a host like this; nothing for steps that need nothing.
#[must_use]
pub fn pre_check(step: &Step, traits: &HostTraits) -> Option<PreCheck> {
    let expects = match step {
        Step::UnitRestart { .. } => UnitExpectation::Loaded,
        Step::UnitStart { .. } => UnitExpectation::NotActive,
        Step::UnitStop { .. } => UnitExpectation::Active,
        Step::UnitReload { .. } => UnitExpectation::Reloadable,
        Step::UnitResetFailed { .. } => UnitExpectation::Failed,
        Step::JournalVacuum { .. } | Step::PackageCacheClean {} | Step::Shell { .. } => {
            return None;
        }
    };
    Some(PreCheck {
        unit: step.unit()?.clone(),
        expects,
        init: traits.init,
    })
}

impl PreCheck {
    /// Asks the host. Changes nothing there.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn ask(&self, conn: &dyn Connection) -> Result<PreCheckAnswer, LookFailure> {
        let Some(command) = self.command() else {
            return Ok(PreCheckAnswer::CannotTell {
                why: format!("{} is not asked on {}", self.unit, self.init),
            });
        };
        Ok(self.judge(&conn.run(command).await?))
    }

    fn command(&self) -> Option<RemoteCommand> {
        match self.init {
            Init::Systemd => Some(
                RemoteCommand::new("systemctl")
                    .arg("show")
                    .arg("--property=LoadState,ActiveState,CanReload")
                    .arg("--")
                    .arg(&self.unit),
            ),
            Init::Openrc => Some(
                RemoteCommand::new("rc-service")
                    .arg(openrc_service(&self.unit).ok()?)
                    .arg("status"),
            ),
            Init::Other => None,
        }
    }

    fn judge(&self, output: &Output) -> PreCheckAnswer {
        let state = match self.init {
            Init::Systemd => UnitState::from_systemctl(output),
            Init::Openrc => UnitState::from_rc_service(output),
            Init::Other => None,
        };
        let Some(state) = state else {
            let said = String::from_utf8_lossy(&output.stderr);
            let why = format!(
                "the state of {} cannot be read: {}",
                self.unit,
                visible(&bounded(said.trim(), 200))
            );
            return PreCheckAnswer::CannotTell { why };
        };
        let holds = match self.expects {
            UnitExpectation::Loaded => state.loaded,
            UnitExpectation::NotActive => state.loaded && !state.active,
            UnitExpectation::Active => state.active,
            UnitExpectation::Reloadable => state.active && state.reloadable,
            UnitExpectation::Failed => state.failed,
        };
        if holds {
            PreCheckAnswer::Holds
        } else {
            PreCheckAnswer::Changed {
                why: format!("{} is {}", self.unit, state.words),
            }
        }
    }
}

/// What a host says about a unit.
struct UnitState {
    loaded: bool,
    active: bool,
    failed: bool,
    reloadable: bool,
    words: String,
}

impl UnitState {
    fn from_systemctl(output: &Output) -> Option<Self> {
        let text = String::from_utf8_lossy(&output.stdout);
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        };
        let (load, active) = (value("LoadState")?, value("ActiveState")?);
        let words = if load == "loaded" { active } else { load };
        Some(Self {
            loaded: load == "loaded",
            active: matches!(active, "active" | "activating" | "reloading" | "refreshing"),
            failed: active == "failed",
            reloadable: value("CanReload") == Some("yes"),
            words: visible(&bounded(words, 40)).into_owned(),
        })
    }

    /// rc-service answers with its exit status: 0 started, 3 stopped, 32 crashed.
    fn from_rc_service(output: &Output) -> Option<Self> {
        let (active, failed, words) = match output.exit {
            Exit::Code(0) => (true, false, "started"),
            Exit::Code(3) => (false, false, "stopped"),
            Exit::Code(32) => (false, true, "crashed"),
            Exit::Code(_) | Exit::Signal(_) => return None,
        };
        Some(Self {
            loaded: true,
            active,
            failed,
            reloadable: active,
            words: words.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(step: &Step, stdout: &str) -> PreCheckAnswer {
        let traits = HostTraits {
            os: "debian".to_owned(),
            init: Init::Systemd,
            package_manager: None,
        };
        let output = Output {
            stdout: stdout.as_bytes().to_vec(),
            stderr: vec![],
            exit: Exit::Code(0),
        };
        pre_check(step, &traits)
            .expect("a unit step has one")
            .judge(&output)
    }

    #[test]
    fn a_start_is_stale_once_the_unit_runs() {
        let unit = UnitName::new("nginx.service").expect("a unit");
        let start = Step::UnitStart { unit: unit.clone() };
        let active = "LoadState=loaded\nActiveState=active\nCanReload=yes\n";
        assert_eq!(
            answer(&start, active),
            PreCheckAnswer::Changed {
                why: "nginx.service is active".to_owned()
            }
        );
        assert_eq!(
            answer(
                &start,
                "LoadState=loaded\nActiveState=failed\nCanReload=no\n"
            ),
            PreCheckAnswer::Holds
        );
        let gone = "LoadState=not-found\nActiveState=inactive\n";
        assert_eq!(
            answer(&start, gone),
            PreCheckAnswer::Changed {
                why: "nginx.service is not-found".to_owned()
            }
        );
        assert_eq!(
            answer(&Step::UnitReload { unit: unit.clone() }, active),
            PreCheckAnswer::Holds
        );
        assert!(matches!(
            answer(&Step::UnitResetFailed { unit }, active),
            PreCheckAnswer::Changed { .. }
        ));
    }

    #[test]
    fn an_answer_without_the_states_tells_nothing() {
        let unit = UnitName::new("nginx.service").expect("a unit");
        for broken in [
            "",
            "ActiveState=active",
            "LoadState=loaded",
            "garbage\0\u{1b}",
        ] {
            let got = answer(&Step::UnitStop { unit: unit.clone() }, broken);
            assert!(
                matches!(got, PreCheckAnswer::CannotTell { .. }),
                "{broken:?}: {got:?}"
            );
        }
    }

    #[test]
    fn openrc_answers_by_exit_status() {
        let traits = HostTraits {
            os: "alpine".to_owned(),
            init: Init::Openrc,
            package_manager: None,
        };
        let unit = UnitName::new("nginx.service").expect("a unit");
        let check = pre_check(&Step::UnitStart { unit }, &traits).expect("a unit step has one");
        let says = |exit| {
            check.judge(&Output {
                stdout: vec![],
                stderr: vec![],
                exit,
            })
        };
        assert_eq!(says(Exit::Code(3)), PreCheckAnswer::Holds);
        assert_eq!(says(Exit::Code(32)), PreCheckAnswer::Holds);
        assert!(matches!(
            says(Exit::Code(0)),
            PreCheckAnswer::Changed { .. }
        ));
        assert!(matches!(
            says(Exit::Code(1)),
            PreCheckAnswer::CannotTell { .. }
        ));
        assert!(matches!(
            says(Exit::Signal("KILL".to_owned())),
            PreCheckAnswer::CannotTell { .. }
        ));
    }
}
