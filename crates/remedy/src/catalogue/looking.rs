//! The text of a command that only looks, on any kind of host and outside any action. What changes something has no
//! text here, whoever asks.

use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{RiskLevel, Step};
use watchkeeper_risk::{HostFacts, assess_on};

use super::render::shell;
use super::{HostTraits, Init, LoginRights, StepRefused, wall};

/// A command that only looks, as it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookingScript {
    /// Its text, for `sh -c`.
    pub text: String,
    /// Whether it must be started as root: the wall is a unit, which only root may start. Behind it nothing is root's.
    pub as_root: bool,
    /// Whether it runs behind the wall of a unit.
    pub walled: bool,
}

/// Why a command has no text as one that only looks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookingRefused {
    /// It does more than look.
    #[error("it is judged {level}, and only what is read-only may be run to look")]
    DoesMore {
        /// What it is judged.
        level: RiskLevel,
    },
    /// It cannot be a script at all.
    #[error(transparent)]
    Refused(#[from] StepRefused),
}

/// The text of a command that only looks. Where the login is or may become root on a host with systemd it runs behind
/// the wall; elsewhere with the rights of the login, or of `nobody` where that is root.
///
/// # Errors
/// When it is not judged read-only on this host, or cannot be a script.
pub fn looking(
    script: &str,
    account: &LoginRights,
    traits: &HostTraits,
    facts: &HostFacts,
    limit_s: u32,
) -> Result<LookingScript, LookingRefused> {
    let step = Step::Shell {
        script: shell(script)?.to_owned(),
    };
    let level = assess_on(std::slice::from_ref(&step), &[], facts).level;
    if level != RiskLevel::ReadOnly && stands(Guard::Judge) {
        return Err(LookingRefused::DoesMore { level });
    }
    let root = account.login == "root" || account.may_become_root;
    let walled = root && traits.init == Init::Systemd;
    let there = HostTraits {
        init: if walled { Init::Systemd } else { Init::Other },
        ..traits.clone()
    };
    Ok(LookingScript {
        text: wall::script(script, true, &there, limit_s),
        as_root: walled,
        walled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(script: &str, login: &str, init: Init) -> Result<LookingScript, LookingRefused> {
        let account = LoginRights {
            login: login.to_owned(),
            may_become_root: login == "ops",
        };
        let traits = HostTraits {
            os: "macos".to_owned(),
            init,
            package_manager: None,
        };
        looking(script, &account, &traits, &HostFacts::default(), 20)
    }

    #[test]
    fn what_looks_runs_behind_the_wall_where_there_is_one() {
        let walled = rendered("df -h", "ops", Init::Systemd).expect("it only looks");
        assert!(walled.walled && walled.as_root, "{walled:?}");
        assert!(walled.text.contains("RuntimeMaxSec=20"), "{walled:?}");
        let alone = rendered("df -h", "guest", Init::Systemd).expect("it only looks");
        assert!(!alone.walled && !alone.as_root, "{alone:?}");
        assert!(alone.text.ends_with("\ndf -h"), "{alone:?}");
    }

    #[test]
    fn what_does_more_has_no_text() {
        for script in ["systemctl restart nginx", "cat /etc/shadow", "echo 'never"] {
            let refused = rendered(script, "ops", Init::Systemd);
            assert!(
                matches!(refused, Err(LookingRefused::DoesMore { .. })),
                "{script}: {refused:?}"
            );
        }
        assert!(matches!(
            rendered("df\0", "ops", Init::Systemd),
            Err(LookingRefused::Refused(StepRefused::HiddenCharacter { .. }))
        ));
    }
}
