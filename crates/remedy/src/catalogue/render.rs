//! Steps into text. The text is what `approve show` prints and what runs, so it is as simple as it can be: one
//! command where one command does it.

use watchkeeper_model::{
    CheckName, PlannedStep, RiskLevel, Step, UnitName, Verification, visible_block,
};
use watchkeeper_risk::{assess, canonical, critical_part};

use super::quote::quoted;
use super::wall;
use super::{HostTraits, Init, PackageManager};

/// Why a step cannot be done on a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// Hosts of its kind are looked at and never changed.
    #[error("{os} hosts are only looked at")]
    ReadOnlySystem {
        /// The system.
        os: String,
    },
    /// It needs another init than the host has.
    #[error("{step} needs {needs}, and the host has {has}")]
    OtherInit {
        /// The kind of step.
        step: &'static str,
        /// What it needs.
        needs: &'static str,
        /// What the host has.
        has: Init,
    },
    /// The unit is of a kind, or named in a way, that the host's init does not know.
    #[error("{unit} cannot be a service of {has}")]
    NoSuchService {
        /// The unit.
        unit: UnitName,
        /// What the host has.
        has: Init,
    },
    /// No package manager that is known was seen there.
    #[error("no known package manager was seen on the host")]
    NoPackageManager,
    /// A journal of that size is not one.
    #[error("a journal must keep at least {least} MiB")]
    JournalTooSmall {
        /// The least that may stay, in MiB.
        least: u32,
    },
    /// The script is empty.
    #[error("the script is empty")]
    EmptyScript,
    /// The script is too long.
    #[error("the script has {bytes} bytes; {limit} are allowed")]
    ScriptTooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Something stands in the script that a reader would not see.
    #[error("line {line} of the script holds a character that cannot be seen: {character}")]
    HiddenCharacter {
        /// The line, from 1.
        line: usize,
        /// The character, written out.
        character: String,
    },
}

/// As whom a step can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// As root, or not at all.
    Root,
    /// As root where the login may become root, else as the login.
    RootWherePossible,
}

/// Least size of a journal after a vacuum, in MiB.
pub const LEAST_JOURNAL_MIB: u32 = 16;
/// How much is kept of what a typed step prints, in bytes.
pub const TYPED_OUTPUT_BYTES: u32 = 64 * 1024;
/// How much is kept of what a shell step prints, in bytes.
pub const SHELL_OUTPUT_BYTES: u32 = 1024 * 1024;
/// How long a shell step may take, in seconds.
pub const SHELL_LIMIT_S: u32 = 600;
/// How long things may settle before it is looked whether a step helped, in seconds.
pub const SETTLE_S: u32 = 5;

/// As whom this step can run.
#[must_use]
pub const fn rights(step: &Step) -> Rights {
    match step {
        Step::Shell { .. } => Rights::RootWherePossible,
        _ => Rights::Root,
    }
}

/// What undoes this step, if one step does. Nothing stops a critical unit, not even as the inverse of its start.
#[must_use]
pub fn inverse(step: &Step) -> Option<Step> {
    match step {
        Step::UnitStart { unit } if critical_part(unit).is_some() => None,
        Step::UnitStart { unit } => Some(Step::UnitStop { unit: unit.clone() }),
        Step::UnitStop { unit } => Some(Step::UnitStart { unit: unit.clone() }),
        Step::UnitRestart { .. }
        | Step::UnitReload { .. }
        | Step::UnitResetFailed { .. }
        | Step::JournalVacuum { .. }
        | Step::PackageCacheClean {}
        | Step::Shell { .. } => None,
    }
}

/// How it is told whether these steps worked, where the proposal comes from a check: that the check passes; else
/// from the last step that leaves something to look at.
#[must_use]
pub fn default_verification(steps: &[Step], check: Option<(&CheckName, &str)>) -> Verification {
    if let Some((check, subject)) = check {
        return Verification::CheckPasses {
            check: check.clone(),
            subject: subject.to_owned(),
            settle_s: SETTLE_S,
        };
    }
    let active = steps.iter().rev().find_map(|step| match step {
        Step::UnitRestart { unit } | Step::UnitStart { unit } | Step::UnitReload { unit } => {
            Some(unit)
        }
        _ => None,
    });
    match active {
        Some(unit) => Verification::UnitActive {
            unit: unit.clone(),
            settle_s: SETTLE_S,
        },
        None => Verification::HostAnswers { settle_s: SETTLE_S },
    }
}

/// The text of a step on a host, with its limits.
///
/// # Errors
/// Says why the host cannot do it.
pub fn render(step: &Step, traits: &HostTraits) -> Result<PlannedStep, StepRefused> {
    if traits.read_only() {
        return Err(StepRefused::ReadOnlySystem {
            os: traits.os.clone(),
        });
    }
    let (script, limit_s, max_output_bytes) = match step {
        // systemd gives a unit 90 s to stop and 90 s to start.
        Step::UnitRestart { unit } => (
            unit_command("restart", unit, step, traits)?,
            200,
            TYPED_OUTPUT_BYTES,
        ),
        Step::UnitStart { unit } => (
            unit_command("start", unit, step, traits)?,
            100,
            TYPED_OUTPUT_BYTES,
        ),
        Step::UnitStop { unit } => (
            unit_command("stop", unit, step, traits)?,
            100,
            TYPED_OUTPUT_BYTES,
        ),
        Step::UnitReload { unit } => (
            unit_command("reload", unit, step, traits)?,
            100,
            TYPED_OUTPUT_BYTES,
        ),
        Step::UnitResetFailed { unit } => {
            systemd_only(step, traits)?;
            (systemctl("reset-failed", unit), 30, TYPED_OUTPUT_BYTES)
        }
        Step::JournalVacuum { keep_mib } => {
            systemd_only(step, traits)?;
            (journal_vacuum(*keep_mib)?, 300, TYPED_OUTPUT_BYTES)
        }
        Step::PackageCacheClean {} => {
            let (command, limit_s) = cache_clean(traits)?;
            (command.to_owned(), limit_s, TYPED_OUTPUT_BYTES)
        }
        Step::Shell { script } => {
            let limit_s = SHELL_LIMIT_S;
            let looks_only = assess(std::slice::from_ref(step), &[]).level == RiskLevel::ReadOnly;
            let text = wall::script(shell(script)?, looks_only, traits, limit_s);
            (text, limit_s, SHELL_OUTPUT_BYTES)
        }
    };
    let script = if script.ends_with('\n') {
        script
    } else {
        script + "\n"
    };
    Ok(PlannedStep {
        step: judged(step),
        script,
        limit_s,
        max_output_bytes,
    })
}

/// The step as it is judged, shown and remembered: a script in its canonical text, where it has one.
fn judged(step: &Step) -> Step {
    match step {
        Step::Shell { script } => Step::Shell {
            script: canonical(script).map_or_else(|| script.clone(), |found| found.text),
        },
        step => step.clone(),
    }
}

fn systemd_only(step: &Step, traits: &HostTraits) -> Result<(), StepRefused> {
    match traits.init {
        Init::Systemd => Ok(()),
        has => Err(StepRefused::OtherInit {
            step: step.kind(),
            needs: "systemd",
            has,
        }),
    }
}

fn unit_command(
    verb: &str,
    unit: &UnitName,
    step: &Step,
    traits: &HostTraits,
) -> Result<String, StepRefused> {
    match traits.init {
        Init::Systemd => Ok(systemctl(verb, unit)),
        Init::Openrc => {
            openrc_service(unit).map(|name| format!("rc-service {} {verb}", quoted(name)))
        }
        Init::Other => Err(StepRefused::OtherInit {
            step: step.kind(),
            needs: "systemd or openrc",
            has: traits.init,
        }),
    }
}

fn systemctl(verb: &str, unit: &UnitName) -> String {
    // Only the root mount and the root slice begin so.
    let end_of_options = if unit.as_str().starts_with('-') {
        "-- "
    } else {
        ""
    };
    format!("systemctl {verb} {end_of_options}{}", quoted(unit.as_str()))
}

/// The name of a service in OpenRC, which has no other kinds of units and no instances written with `@`.
pub(super) fn openrc_service(unit: &UnitName) -> Result<&str, StepRefused> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    unit.as_str()
        .strip_suffix(".service")
        .filter(|name| !name.starts_with('-') && name.chars().all(plain))
        .ok_or_else(|| StepRefused::NoSuchService {
            unit: unit.clone(),
            has: Init::Openrc,
        })
}

fn journal_vacuum(keep_mib: u32) -> Result<String, StepRefused> {
    if keep_mib < LEAST_JOURNAL_MIB {
        return Err(StepRefused::JournalTooSmall {
            least: LEAST_JOURNAL_MIB,
        });
    }
    Ok(format!("journalctl --vacuum-size={keep_mib}M"))
}

/// None of these removes an installed package or an older generation of the system.
fn cache_clean(traits: &HostTraits) -> Result<(&'static str, u32), StepRefused> {
    match traits.package_manager {
        Some(PackageManager::Apt) => Ok(("apt-get clean", 120)),
        Some(PackageManager::Dnf) => Ok(("dnf clean all", 120)),
        Some(PackageManager::Pacman) => Ok(("pacman -Sc --noconfirm", 120)),
        Some(PackageManager::Apk) => Ok(("apk cache clean", 120)),
        Some(PackageManager::Nix) => Ok(("nix-collect-garbage", 3600)),
        None => Err(StepRefused::NoPackageManager),
    }
}

/// The text of a shell step, where there is nothing in it that a person would not see.
pub(super) fn shell(script: &str) -> Result<&str, StepRefused> {
    if script.trim().is_empty() {
        return Err(StepRefused::EmptyScript);
    }
    if script.len() > Step::MAX_SCRIPT_BYTES {
        return Err(StepRefused::ScriptTooLong {
            bytes: script.len(),
            limit: Step::MAX_SCRIPT_BYTES,
        });
    }
    for (number, line) in script.split('\n').enumerate() {
        // What a person cannot see in the text, they did not approve.
        let seen = visible_block(line);
        if seen != line {
            let hidden = line
                .chars()
                .find(|c| *visible_block(&c.to_string()) != c.to_string());
            let character = hidden
                .map(|c| format!("U+{:04X}", u32::from(c)))
                .unwrap_or_default();
            return Err(StepRefused::HiddenCharacter {
                line: number + 1,
                character,
            });
        }
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(init: Init, package_manager: Option<PackageManager>) -> HostTraits {
        HostTraits {
            os: "debian".to_owned(),
            init,
            package_manager,
        }
    }

    fn unit(name: &str) -> UnitName {
        UnitName::new(name).expect("a unit")
    }

    fn text(step: &Step, init: Init) -> String {
        render(step, &traits(init, None))
            .expect("it can be done")
            .script
    }

    #[test]
    fn every_unit_step_is_one_command() {
        let nginx = || unit("nginx.service");
        let table = [
            (
                Step::UnitRestart { unit: nginx() },
                "systemctl restart nginx.service\n",
                "rc-service nginx restart\n",
            ),
            (
                Step::UnitStart { unit: nginx() },
                "systemctl start nginx.service\n",
                "rc-service nginx start\n",
            ),
            (
                Step::UnitStop { unit: nginx() },
                "systemctl stop nginx.service\n",
                "rc-service nginx stop\n",
            ),
            (
                Step::UnitReload { unit: nginx() },
                "systemctl reload nginx.service\n",
                "rc-service nginx reload\n",
            ),
        ];
        for (step, systemd, openrc) in table {
            assert_eq!(text(&step, Init::Systemd), systemd);
            assert_eq!(text(&step, Init::Openrc), openrc);
            assert!(render(&step, &traits(Init::Other, None)).is_err());
        }
        assert_eq!(
            text(&Step::UnitResetFailed { unit: nginx() }, Init::Systemd),
            "systemctl reset-failed nginx.service\n"
        );
    }

    #[test]
    fn odd_unit_names_stay_arguments() {
        let step = Step::UnitRestart {
            unit: unit("-.mount"),
        };
        assert_eq!(text(&step, Init::Systemd), "systemctl restart -- -.mount\n");
        let step = Step::UnitStart {
            unit: unit("a\\x2db@c:d.service"),
        };
        assert_eq!(
            text(&step, Init::Systemd),
            "systemctl start 'a\\x2db@c:d.service'\n"
        );
        assert!(matches!(
            render(&step, &traits(Init::Openrc, None)),
            Err(StepRefused::NoSuchService { .. })
        ));
    }

    #[test]
    fn what_a_host_cannot_do_is_refused() {
        let vacuum = Step::JournalVacuum { keep_mib: 500 };
        assert_eq!(
            text(&vacuum, Init::Systemd),
            "journalctl --vacuum-size=500M\n"
        );
        let refused =
            render(&vacuum, &traits(Init::Openrc, None)).expect_err("there is no journal");
        assert_eq!(
            refused.to_string(),
            "journal_vacuum needs systemd, and the host has openrc"
        );
        assert!(
            render(
                &Step::JournalVacuum { keep_mib: 0 },
                &traits(Init::Systemd, None)
            )
            .is_err()
        );
        assert!(
            render(
                &Step::UnitResetFailed {
                    unit: unit("a.service")
                },
                &traits(Init::Openrc, None)
            )
            .is_err()
        );
        let mac = HostTraits {
            os: "macos".to_owned(),
            ..traits(Init::Systemd, None)
        };
        assert!(matches!(
            render(&vacuum, &mac),
            Err(StepRefused::ReadOnlySystem { .. })
        ));
    }

    #[test]
    fn a_package_cache_is_cleaned_without_removing_packages_or_generations() {
        let table = [
            (PackageManager::Apt, "apt-get clean\n"),
            (PackageManager::Dnf, "dnf clean all\n"),
            (PackageManager::Pacman, "pacman -Sc --noconfirm\n"),
            (PackageManager::Apk, "apk cache clean\n"),
            (PackageManager::Nix, "nix-collect-garbage\n"),
        ];
        for (manager, expect) in table {
            let planned = render(
                &Step::PackageCacheClean {},
                &traits(Init::Other, Some(manager)),
            );
            assert_eq!(planned.expect("it can be done").script, expect);
        }
        assert_eq!(
            render(&Step::PackageCacheClean {}, &traits(Init::Systemd, None)),
            Err(StepRefused::NoPackageManager)
        );
    }

    #[test]
    fn a_script_runs_as_it_is_read() {
        let script = |text: &str| {
            render(
                &Step::Shell {
                    script: text.to_owned(),
                },
                &traits(Init::Other, None),
            )
        };
        assert!(
            script("\techo 'ä'\necho b")
                .expect("it is plain")
                .script
                .ends_with("'\n")
        );
        for hidden in [
            "a\0",
            "a\rb",
            "a\u{1b}[2J",
            "\u{202e}x",
            "a\u{200b}b",
            "a\u{a0}b",
            "a\u{7f}",
        ] {
            assert!(
                matches!(
                    script(hidden),
                    Err(StepRefused::HiddenCharacter { line: 1, .. })
                ),
                "{hidden:?}"
            );
        }
        let refused = script("ok\nno\0").expect_err("it holds a NUL");
        assert_eq!(
            refused.to_string(),
            "line 2 of the script holds a character that cannot be seen: U+0000"
        );
        assert_eq!(script(" \n\t"), Err(StepRefused::EmptyScript));
        assert!(matches!(
            script(&"x".repeat(16 * 1024 + 1)),
            Err(StepRefused::ScriptTooLong { .. })
        ));
    }

    #[test]
    fn verification_follows_the_check_or_the_last_unit() {
        let steps = [
            Step::UnitResetFailed {
                unit: unit("a.service"),
            },
            Step::UnitStart {
                unit: unit("a.service"),
            },
        ];
        let check = CheckName::new("unit").expect("a check");
        let by_check = default_verification(&steps, Some((&check, "a.service")));
        assert!(matches!(by_check, Verification::CheckPasses { .. }));
        assert!(matches!(
            default_verification(&steps, None),
            Verification::UnitActive { .. }
        ));
        assert!(matches!(
            default_verification(&steps[..1], None),
            Verification::HostAnswers { .. }
        ));
    }
}
