//! A command that only looks: judged by code for the host it is for, refused with a reason where it does more, and run
//! behind the wall with its own limits. It is no run: there is no gate, since nothing is changed. What tries to write
//! all the same is told as the breach that it is.

use std::time::Duration;

use tokio::time::Instant;
use watchkeeper_agent::redact;
use watchkeeper_fleet::{Exit, HostEntry, Limits, Output, RemoteCommand};
use watchkeeper_model::guards::{Guard, stands};
use watchkeeper_model::{
    Assessment, Decision, Effect, HostName, LookFailure, Plan, PlannedStep, Privilege, Proposer,
    RiskLevel, Step, Tier, Verification, visible_block,
};
use watchkeeper_policy::{Orders, Preset, Recent, Rules, judge};
use watchkeeper_remedy::{LoginRights, LookingRefused, LookingScript, breach, looking};
use watchkeeper_risk::assess_on;

use super::reach::leaves;
use crate::WatchError;
use crate::orders::PlannedSteps;
use crate::traits::traits_of;
use crate::watch::Watch;

/// How long a command that only looks may take, where nothing else is said.
pub(crate) const USUAL_TIME: Duration = Duration::from_secs(20);
/// The longest that may be said.
pub(crate) const LONGEST_TIME: Duration = Duration::from_secs(60);
/// Most bytes that are taken of what it prints; it is stopped there.
pub(crate) const OUTPUT_BYTES: u64 = 256 * 1024;
/// Most bytes that are taken of its errors.
const ERROR_BYTES: u64 = 16 * 1024;
/// What connecting and the way back may take beyond the command's own limit.
const OVERHEAD: Duration = Duration::from_secs(15);
/// Most reasons that are told of why a command is not run.
const REASONS_TOLD: usize = 3;

/// Runs `$1` and passes on at most `$3` bytes of its output and `$4` of its errors; its exit status goes to the errors
/// behind the word `$2`, which it cannot guess.
const WRAPPER: &str = r#"exec 5>&2
{ { sh -c "$1" 2>&1 >&3 3>&- 4>&- 5>&-; printf '\n%s %s\n' "$2" "$?" >&4; } 4>&5 | head -c "$4" >&2; } 3>&1 | head -c "$3"
"#;

/// Whose words a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// A model's own.
    Models,
    /// Ours, around values that were checked.
    Ours,
}

/// With whose rights a command looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eyes {
    /// All that can be read behind the wall.
    Wall,
    /// What the login may read.
    Login,
}

/// A command that is to look at one host.
#[derive(Clone, Debug)]
pub(crate) struct ReadOnlyCommand {
    /// Where.
    pub(crate) host: HostName,
    /// Its text.
    pub(crate) script: String,
    /// Whose words it is.
    pub(crate) wording: Wording,
    /// With whose rights it looks.
    pub(crate) eyes: Eyes,
    /// How long it may take.
    pub(crate) time: Duration,
}

impl ReadOnlyCommand {
    /// A command of our own wording.
    pub(crate) fn ours(host: HostName, script: String) -> Self {
        Self {
            host,
            script,
            wording: Wording::Ours,
            eyes: Eyes::Wall,
            time: USUAL_TIME,
        }
    }
}

/// What a command that only looks printed; redacted and visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// What it printed.
    pub(crate) stdout: String,
    /// Its errors.
    pub(crate) stderr: String,
    /// Its exit status, where it said one.
    pub(crate) status: Option<i32>,
    /// Whether it would have printed more.
    pub(crate) cut: bool,
    /// How many bytes came.
    pub(crate) bytes: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Why a command was not run, or gave nothing. Whoever asked for it reads this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSeen {
    /// There is no such host.
    #[error(
        "there is no host {host} in the inventory; use one of the names that were given to you"
    )]
    NoSuchHost {
        /// The name asked for.
        host: String,
    },
    /// It is more than looking.
    #[error(
        "not run: judged {level}, and only read-only commands may be run to look ({because}). If this change is needed, propose it"
    )]
    DoesMore {
        /// What it is judged.
        level: RiskLevel,
        /// By what.
        because: String,
    },
    /// It would reach other machines in its own words.
    #[error(
        "not run: it asks something of another machine ({because}). The tool network does that, for hosts of the inventory"
    )]
    ReachesOut {
        /// By what.
        because: String,
    },
    /// The standing orders are against it.
    #[error("not run: the standing orders hold it back ({because})")]
    HeldBack {
        /// Which.
        because: String,
    },
    /// It has no text there.
    #[error("not run: {0}")]
    NoText(#[from] LookingRefused),
    /// What was asked makes no sense.
    #[error("not looked: {why}")]
    Senseless {
        /// Why.
        why: String,
    },
    /// What the host would say may not go to this model.
    #[error("not looked: {why}")]
    MayNotBeSent {
        /// Why.
        why: String,
    },
    /// The host did not answer.
    #[error("the host gave nothing: {0}")]
    Failed(#[from] LookFailure),
    /// The watch itself could not.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

impl NotSeen {
    /// Whether something was asked for that a look may not do.
    pub(crate) const fn was_forbidden(&self) -> bool {
        matches!(
            self,
            Self::DoesMore { .. } | Self::ReachesOut { .. } | Self::HeldBack { .. }
        )
    }
}

impl Watch {
    /// Judges a command and runs it, if it only looks and nothing is against it.
    pub(crate) async fn look_by(&self, command: &ReadOnlyCommand) -> Result<Printed, NotSeen> {
        let entry = self.entry(&command.host).map_err(|_| NotSeen::NoSuchHost {
            host: command.host.to_string(),
        })?;
        let account = self.eyes_of(&entry, command.eyes).await?;
        let script = self.judged_looking(&entry, command, &account).await?;
        match self.print(&entry, command, &script).await {
            // What can be seen without root is better than nothing.
            Err(NotSeen::Failed(LookFailure::RootRefused { .. })) => {
                let alone = LoginRights {
                    may_become_root: false,
                    ..account
                };
                let script = self.judged_looking(&entry, command, &alone).await?;
                self.print(&entry, command, &script).await
            }
            printed => printed,
        }
    }

    async fn eyes_of(&self, entry: &HostEntry, eyes: Eyes) -> Result<LoginRights, WatchError> {
        Ok(LoginRights {
            login: self.login(entry).await?,
            may_become_root: entry.become_root && eyes == Eyes::Wall,
        })
    }

    /// The text of a command that only looks, by the rules that hold for this host now.
    async fn judged_looking(
        &self,
        entry: &HostEntry,
        command: &ReadOnlyCommand,
        account: &LoginRights,
    ) -> Result<LookingScript, NotSeen> {
        let mut read = self.store().read().await.map_err(WatchError::from)?;
        let seen = read.observations().latest(&entry.name).await;
        let seen = self.or_absent(seen).map_err(WatchError::from)?;
        let breached = self
            .wall_was_breached(&mut read.issues(), &entry.name)
            .await
            .map_err(WatchError::from)?;
        drop(read);
        let facts = self.host_facts(&account.login);
        let step = Step::Shell {
            script: command.script.clone(),
        };
        let assessment = assess_on(std::slice::from_ref(&step), &[], &facts);
        only_looks(&assessment, command.wording, entry)?;
        let limit_s = u32::try_from(command.time.as_secs()).unwrap_or(u32::MAX);
        let traits = traits_of(seen.as_ref());
        let script = looking(&command.script, account, &traits, &facts, limit_s)?;
        let plan = plan_of(entry, &account.login, step, &script, limit_s);
        let recent = Recent {
            wall_was_breached: breached,
            ..Recent::default()
        };
        self.orders_allow(entry, &plan, &assessment, (recent, command.wording))?;
        Ok(script)
    }

    /// Asks the standing orders. Looking is allowed at every level and on hosts of every tier; a freeze, a breach and
    /// the owner's own orders hold all the same, and a preset holds for what is not of our own wording.
    fn orders_allow(
        &self,
        entry: &HostEntry,
        plan: &Plan,
        assessment: &Assessment,
        (recent, wording): (Recent, Wording),
    ) -> Result<(), NotSeen> {
        let current = self.current();
        let steps = PlannedSteps::from(plan);
        let proposer = Proposer::Model {
            name: "look".to_owned(),
        };
        let mut facts = current.facts(entry, plan, &steps, &proposer, (recent, self.now()));
        facts.tier = Tier::Normal;
        let orders = match wording {
            Wording::Models => Orders::clone(&current.settings.orders.orders),
            Wording::Ours => Orders {
                preset: Preset::Normal,
                ..Orders::clone(&current.settings.orders.orders)
            },
        };
        let rules = Rules {
            orders: &orders,
            ..current.rules()
        };
        let verdict = judge(&rules, assessment, &facts);
        if verdict.decision == Decision::Run || !stands(Guard::Judge) {
            return Ok(());
        }
        Err(NotSeen::HeldBack {
            because: verdict.because.join("; "),
        })
    }

    async fn print(
        &self,
        entry: &HostEntry,
        command: &ReadOnlyCommand,
        script: &LookingScript,
    ) -> Result<Printed, NotSeen> {
        let word = self.chance().nonce();
        let limits = Limits {
            time: command.time,
            output_bytes: OUTPUT_BYTES + ERROR_BYTES + 1024,
        };
        let remote = RemoteCommand::script(WRAPPER)
            .arg(&script.text)
            .arg(&word)
            .arg((OUTPUT_BYTES + 1).to_string())
            .arg(ERROR_BYTES.to_string())
            .limits(limits);
        let remote = if script.as_root {
            remote.as_root()
        } else {
            remote
        };
        let started = Instant::now();
        let ran = self.fleet().run(&entry.name, remote);
        let limit_ms = u64::try_from(command.time.as_millis()).unwrap_or(u64::MAX);
        let output = tokio::time::timeout(command.time + OVERHEAD, ran)
            .await
            .unwrap_or(Err(LookFailure::TimedOut { limit_ms }))?;
        let printed = printed(&output, &word, started.elapsed());
        if script.walled
            && let Some(words) = breach(&printed.stderr)
        {
            self.tell_of_looking_breach(&entry.name, &command.script, words)
                .await?;
        }
        Ok(printed)
    }
}

/// Refuses what does more than look, and, in a model's own words, what goes beyond the host (`reach`).
fn only_looks(assessment: &Assessment, wording: Wording, host: &HostEntry) -> Result<(), NotSeen> {
    let told = |wanted: &dyn Fn(&Effect) -> bool| {
        let mut sentences: Vec<String> = assessment
            .effects
            .iter()
            .filter(|effect| wanted(effect))
            .map(|effect| effect.sentence.clone())
            .collect();
        sentences.dedup();
        sentences.truncate(REASONS_TOLD);
        sentences.join("; ")
    };
    let level = assessment.level;
    if level != RiskLevel::ReadOnly && stands(Guard::Judge) {
        let because = told(&|effect| effect.level == level);
        return Err(NotSeen::DoesMore { level, because });
    }
    let goes = |effect: &Effect| leaves(effect, host);
    if wording == Wording::Models && stands(Guard::Reach) && assessment.effects.iter().any(goes) {
        let because = told(&goes);
        return Err(NotSeen::ReachesOut { because });
    }
    Ok(())
}

/// The look as a plan, which is what orders are asked about.
fn plan_of(
    entry: &HostEntry,
    login: &str,
    step: Step,
    script: &LookingScript,
    limit_s: u32,
) -> Plan {
    Plan {
        host: entry.name.clone(),
        login: login.to_owned(),
        privilege: if script.as_root {
            Privilege::Root
        } else {
            Privilege::Login
        },
        steps: vec![PlannedStep {
            step,
            script: script.text.clone(),
            limit_s,
            max_output_bytes: u32::try_from(OUTPUT_BYTES).unwrap_or(u32::MAX),
        }],
        verify: Verification::HostAnswers { settle_s: 0 },
        undo: Vec::new(),
    }
}

/// What came back, without secrets and with nothing in it that acts on a terminal.
fn printed(output: &Output, word: &str, took: Duration) -> Printed {
    let clean = |text: &str| visible_block(&redact(text)).into_owned();
    let most = usize::try_from(OUTPUT_BYTES).unwrap_or(usize::MAX);
    let cut = output.stdout.len() > most;
    let stdout = &output.stdout[..output.stdout.len().min(most)];
    let stderr = String::from_utf8_lossy(&output.stderr);
    let (stderr, status) = without_status(&stderr, word);
    Printed {
        stdout: clean(&String::from_utf8_lossy(stdout)),
        stderr: clean(stderr.trim()),
        // A command that was stopped because it printed too much did not fail.
        status: status.filter(|_| !cut).or(match output.exit {
            Exit::Code(0) => None,
            Exit::Code(code) => Some(code),
            Exit::Signal(_) => None,
        }),
        cut,
        bytes: output.stdout.len() as u64,
        took,
    }
}

/// Takes the line with the exit status out of the errors.
fn without_status(stderr: &str, word: &str) -> (String, Option<i32>) {
    let mut status = None;
    let rest: Vec<&str> = stderr
        .lines()
        .filter(|line| {
            let said = line
                .strip_prefix(word)
                .and_then(|code| code.trim().parse().ok());
            status = status.or(said);
            said.is_none()
        })
        .collect();
    (rest.join("\n"), status)
}

impl Printed {
    /// All of it as one text: what was printed, then what went wrong.
    pub(crate) fn text(&self) -> String {
        let mut text = self.stdout.trim_end().to_owned();
        let mut add = |line: String| {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line);
        };
        if self.cut {
            add(format!(
                "(it printed more than {OUTPUT_BYTES} bytes and was stopped there; ask for less)"
            ));
        }
        if !self.stderr.is_empty() {
            add(format!("(standard error)\n{}", self.stderr));
        }
        if let Some(status) = self.status.filter(|status| *status != 0) {
            add(format!("(exit status {status})"));
        }
        if text.is_empty() {
            "(it printed nothing)".clone_into(&mut text);
        }
        text
    }
}
