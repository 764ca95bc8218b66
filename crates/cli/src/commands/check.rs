//! `check`: look now. Progress goes to standard error, and only on a terminal.

use std::io::Write as _;

use http::Method;
use serde_json::json;
use watchkeeper_model::Severity;
use watchkeeper_watch::view::{CheckProgress, CheckReport, HostReport, OutcomeWord};

use super::{Ended, answer};
use crate::args::CheckArgs;
use crate::failure::{CommandError, Kind};
use crate::session::Session;
use crate::show;

/// Nagios' exit statuses (plugin API, "Plugin Return Codes").
const OK: u8 = 0;
const WARNING: u8 = 1;
const CRITICAL: u8 = 2;
const UNKNOWN: u8 = 3;

/// Looks and shows what was seen.
pub(super) async fn run(session: &Session, args: &CheckArgs) -> Ended {
    let report = look(session, args)
        .await
        .map_err(|error| match error.kind {
            Kind::Failed => error.kind(Kind::Unknown),
            _ => error,
        })?;
    answer(session.output, &report, |report| {
        show::check_report(&session.page, report, args.all, &session.called)
    })?;
    Ok(report
        .hosts
        .iter()
        .map(exit_status)
        .max_by_key(|status| badness(*status))
        .unwrap_or(UNKNOWN))
}

async fn look(session: &Session, args: &CheckArgs) -> Result<CheckReport, CommandError> {
    let body = json!({ "hosts": args.hosts });
    let mut events = session
        .client
        .events(Method::POST, "/v1/checks", Some(&body))
        .await?;
    let mut progress = Progress::new(session.progress);
    while let Some(event) = events.next().await? {
        match event.name.as_str() {
            "progress" => progress.show(&event.read()?),
            "report" => {
                progress.clear();
                return Ok(event.read()?);
            }
            _ => {}
        }
    }
    progress.clear();
    Err(
        CommandError::failed(anyhow::anyhow!("the look ended without a report"))
            .hint("watchkeeper status"),
    )
}

/// One host's status: not seen counts as critical, a look that could tell nothing as unknown.
fn exit_status(host: &HostReport) -> u8 {
    if host.failure.is_some() {
        return CRITICAL;
    }
    let worst = host
        .results
        .iter()
        .filter(|line| line.outcome == OutcomeWord::Found)
        .filter_map(|line| line.severity)
        .max();
    match worst {
        Some(Severity::Critical) => CRITICAL,
        Some(Severity::Warning) => WARNING,
        _ if !host.errors.is_empty() => UNKNOWN,
        _ if host
            .results
            .iter()
            .all(|line| line.outcome == OutcomeWord::Unknown) =>
        {
            UNKNOWN
        }
        _ => OK,
    }
}

/// Critical is worse than unknown, and that worse than a warning.
fn badness(status: u8) -> u8 {
    match status {
        CRITICAL => 3,
        UNKNOWN => 2,
        WARNING => 1,
        _ => 0,
    }
}

/// `37/120 hosts, 2 not seen`, rewritten in place.
struct Progress {
    shown: bool,
    stands: bool,
    unseen: usize,
}

impl Progress {
    fn new(shown: bool) -> Self {
        Self {
            shown,
            stands: false,
            unseen: 0,
        }
    }

    fn show(&mut self, progress: &CheckProgress) {
        self.unseen += usize::from(!progress.seen);
        if !self.shown || progress.total < 2 {
            return;
        }
        let unseen = if self.unseen == 0 {
            String::new()
        } else {
            format!(", {} not seen", self.unseen)
        };
        self.stands = true;
        let _ = write!(
            std::io::stderr(),
            "\r\u{1b}[K{}/{} hosts{unseen}",
            progress.done,
            progress.total
        );
    }

    fn clear(&self) {
        if self.stands {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_model::{CheckName, HostName};
    use watchkeeper_watch::view::{CheckLine, Unseen};

    fn host(lines: &[(OutcomeWord, Option<Severity>)]) -> HostReport {
        let line = |(outcome, severity): &(OutcomeWord, Option<Severity>)| CheckLine {
            check: CheckName::new("disk").expect("a check"),
            subject: String::new(),
            outcome: *outcome,
            severity: *severity,
            text: String::new(),
            evidence: vec![],
            issue: None,
            action: None,
            firing: true,
        };
        HostReport {
            host: HostName::local(),
            local: true,
            identity: None,
            took_ms: 1,
            failure: None,
            results: lines.iter().map(line).collect(),
            errors: vec![],
        }
    }

    #[test]
    fn exit_status_is_nagios() {
        use OutcomeWord::{Found, Passed, Unknown};
        assert_eq!(exit_status(&host(&[(Passed, None), (Unknown, None)])), OK);
        assert_eq!(exit_status(&host(&[(Found, Some(Severity::Info))])), OK);
        assert_eq!(
            exit_status(&host(&[(Found, Some(Severity::Warning)), (Passed, None)])),
            WARNING
        );
        assert_eq!(
            exit_status(&host(&[
                (Found, Some(Severity::Warning)),
                (Found, Some(Severity::Critical))
            ])),
            CRITICAL
        );
    }

    #[test]
    fn no_data_is_not_well() {
        assert_eq!(exit_status(&host(&[(OutcomeWord::Unknown, None)])), UNKNOWN);
        assert_eq!(exit_status(&host(&[])), UNKNOWN);
        let unseen = Unseen {
            kind: "silent".to_owned(),
            message: String::new(),
            remedy: String::new(),
        };
        assert_eq!(
            exit_status(&HostReport {
                failure: Some(unseen),
                ..host(&[])
            }),
            CRITICAL
        );
    }
}
