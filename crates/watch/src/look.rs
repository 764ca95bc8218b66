//! One look at one host: the probe sent, its answer read. Nothing is stored here and nothing changed there.

use std::time::Duration;

use watchkeeper_agent::redact;
use watchkeeper_fleet::{HostEntry, Limits, Output, RemoteCommand};
use watchkeeper_health::{Facts, Look, Nonce, Probe, parse, script};
use watchkeeper_model::{
    CheckName, CheckOutcome, CheckResult, Evidence, Finding, HostName, LookFailure, Severity,
    bounded, visible,
};

use crate::watch::Watch;

/// A look, and what it showed of our own rights there.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The look.
    pub(crate) look: Look,
    /// Whether root was refused where the inventory says we have it.
    pub(crate) root_refused: Option<String>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Watch {
    /// Looks at one host.
    pub(crate) async fn look(&self, entry: &HostEntry) -> Seen {
        let started = self.now();
        let deadline = self.current().settings.looking.deadline;
        let limit = entry.probe_timeout.min(deadline);
        let looked = tokio::time::timeout(deadline, self.probe(entry, limit)).await;
        let (result, root_refused) = looked.unwrap_or_else(|_| {
            let limit_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
            (Err(LookFailure::TimedOut { limit_ms }), None)
        });
        let result = match result {
            Err(failure) => Err(self.by_its_name(entry, failure).await),
            seen => seen,
        };
        let at = self.now();
        Seen {
            look: Look {
                host: entry.name.clone(),
                at,
                result,
            },
            root_refused,
            took: at.since(started),
        }
    }

    /// Keys are kept under addresses; a person enrols a host by its name here.
    async fn by_its_name(&self, entry: &HostEntry, failure: LookFailure) -> LookFailure {
        let Ok(target) = self.ssh_target(entry).await else {
            return failure;
        };
        let ours = |kept: &str| kept == target.host_key_name() || kept == target.address;
        let name = entry.name.to_string();
        match failure {
            LookFailure::HostKeyUnknown { host, fingerprint } if ours(&host) => {
                LookFailure::HostKeyUnknown {
                    host: name,
                    fingerprint,
                }
            }
            LookFailure::HostKeyChanged {
                host,
                known,
                offered,
            } if ours(&host) => LookFailure::HostKeyChanged {
                host: name,
                known,
                offered,
            },
            other => other,
        }
    }

    async fn probe(
        &self,
        entry: &HostEntry,
        limit: Duration,
    ) -> (Result<Facts, LookFailure>, Option<String>) {
        match self.ask(entry, entry.become_root, limit).await {
            // What can be seen without root is better than nothing, and the refusal is a finding of its own.
            Err(LookFailure::RootRefused { detail, .. }) => {
                let again = self.ask(entry, false, limit).await;
                (
                    again.and_then(|(output, nonce)| read(&output, &nonce)),
                    Some(detail),
                )
            }
            asked => (
                asked.and_then(|(output, nonce)| read(&output, &nonce)),
                None,
            ),
        }
    }

    async fn ask(
        &self,
        entry: &HostEntry,
        as_root: bool,
        time: Duration,
    ) -> Result<(Output, Nonce), LookFailure> {
        let nonce = Nonce::from_random(self.chance().bytes());
        let probe = Probe::new(nonce.clone())
            .certificates(
                entry
                    .certificates
                    .iter()
                    .map(|path| path.to_string_lossy().into_owned()),
            )
            .map_err(|error| LookFailure::Misconfigured {
                detail: error.to_string(),
            })?;
        let output_bytes = self.current().settings.looking.max_output_bytes;
        let command = RemoteCommand::script(script()).limits(Limits { time, output_bytes });
        let command = probe.args().iter().fold(command, RemoteCommand::arg);
        let command = if as_root { command.as_root() } else { command };
        let output = self.fleet().run(&entry.name, command).await?;
        Ok((output, nonce))
    }
}

/// Reads an answer. Secrets go here, before anything is judged, stored or shown.
fn read(output: &Output, nonce: &Nonce) -> Result<Facts, LookFailure> {
    let mut facts = parse(&output.stdout, nonce).map_err(|failure| match failure {
        LookFailure::Unreadable { detail } if !output.stderr.is_empty() => {
            let said = bounded(
                &visible(&redact(&String::from_utf8_lossy(&output.stderr))),
                200,
            )
            .into_owned();
            LookFailure::Unreadable {
                detail: format!("{detail}; the host said: {said}"),
            }
        }
        other => other,
    })?;
    facts.redact(|text| redact(text).into_owned());
    Ok(facts)
}

/// The name of the check that says whether we have the rights that the inventory says we have.
pub(crate) fn privilege_check() -> CheckName {
    CheckName::new("privilege").expect("it is a valid word")
}

/// What the look says about our own rights; nothing where root is not wanted.
pub(crate) fn privilege_result(
    host: &HostName,
    wants_root: bool,
    seen: &Seen,
) -> Option<CheckResult> {
    if !wants_root {
        return None;
    }
    let outcome = match (&seen.look.result, &seen.root_refused) {
        (_, Some(said)) => CheckOutcome::Found {
            finding: Finding {
                host: host.clone(),
                check: privilege_check(),
                subject: String::new(),
                severity: Severity::Warning,
                summary: "sudo is refused, so that not everything can be seen and nothing repaired"
                    .to_owned(),
                cause: "sudo refused".to_owned(),
                evidence: vec![Evidence::new("sudo", &visible(&redact(said)))],
            },
        },
        (Ok(_), None) => CheckOutcome::Passed {
            detail: "root by sudo".to_owned(),
        },
        (Err(_), None) => CheckOutcome::Unknown {
            why: "the host was not seen".to_owned(),
        },
    };
    Some(CheckResult {
        check: privilege_check(),
        subject: String::new(),
        outcome,
    })
}
