//! `logs` shows what happened; `log` verifies and exports the chain.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::anyhow;
use http::Method;
use watchkeeper_model::{LogEntry, Timestamp, visible_json};
use watchkeeper_watch::view::{LogPage, LogVerdict};

use super::{Ended, answer, put, put_bytes};
use crate::args::{LogArgs, LogCommand, LogsArgs, Output};
use crate::failure::{CommandError, Kind};
use crate::session::Session;
use crate::show;

/// Shows entries, and goes on with `--follow`.
pub(super) async fn logs(session: &Session, args: &LogsArgs) -> Ended {
    let mut query = query(session.page.now, args)?;
    let page: LogPage = session
        .client
        .get(&format!("/v1/log?{query}&limit={}", args.limit))
        .await?;
    let show = |entry: &LogEntry| show::log_entry(&session.page, entry) + "\n";
    match session.output {
        Output::Text if page.entries.is_empty() && !args.follow => {
            put("nothing of the kind in the log\n")?;
        }
        Output::Text => put(&page.entries.iter().map(show).collect::<String>())?,
        Output::Json if args.follow => put(&page.entries.iter().map(line).collect::<String>())?,
        Output::Json => answer(session.output, &page, |_| String::new())?,
    }
    if !args.follow {
        return Ok(0);
    }
    // Where nothing of the kind was there yet, whatever comes from the first place on is new.
    let last = page.entries.last().map(|entry| entry.seq);
    if let Some(after) = last.or((args.limit > 0).then_some(0)) {
        let _ = write!(query, "&after={after}");
    }
    let mut events = session
        .client
        .events(Method::GET, &format!("/v1/log/follow?{query}"), None::<&()>)
        .await?;
    while let Some(event) = events.next().await? {
        let entry: LogEntry = event.read()?;
        put(&if session.output == Output::Json {
            line(&entry)
        } else {
            show(&entry)
        })?;
    }
    Ok(0)
}

fn line(entry: &LogEntry) -> String {
    let json = serde_json::to_string(entry).unwrap_or_default();
    visible_json(&json).into_owned() + "\n"
}

fn query(now: Timestamp, args: &LogsArgs) -> Result<String, CommandError> {
    let mut parts = Vec::new();
    parts.extend(args.host.as_ref().map(|host| format!("host={host}")));
    parts.extend(args.issue.map(|number| format!("issue={number}")));
    parts.extend(args.action.map(|number| format!("action={number}")));
    if let Some(event) = &args.event {
        if !event
            .chars()
            .all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '_'))
        {
            return Err(CommandError::usage(anyhow!(
                "{event:?} is not an event; they look like action.approved"
            )));
        }
        parts.push(format!("event={event}"));
    }
    if let Some(since) = &args.since {
        parts.push(format!("since={}", point_in_time(now, since)?));
    }
    Ok(parts.join("&"))
}

/// A time, or a span back from now.
fn point_in_time(now: Timestamp, text: &str) -> Result<Timestamp, CommandError> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let span: Result<jiff::SignedDuration, _> = text.parse();
    match span.ok().and_then(|span| Duration::try_from(span).ok()) {
        Some(span) => Ok(now.before(span)),
        None => Err(
            CommandError::usage(anyhow!("{text:?} is neither a time nor a span"))
                .hint("--since 2h, --since 3d, --since 2026-11-21T14:00:00Z"),
        ),
    }
}

/// Verifies or exports the whole log.
pub(super) async fn log(session: &Session, args: &LogArgs) -> Ended {
    match args.command {
        LogCommand::Verify => verify(session).await,
        LogCommand::Export => {
            let mut bytes = session.client.bytes("/v1/log/export").await?;
            while let Some(piece) = bytes.piece().await? {
                put_bytes(&piece)?;
            }
            Ok(0)
        }
    }
}

async fn verify(session: &Session) -> Ended {
    let verdict: LogVerdict = session.client.post("/v1/log/verify", &()).await?;
    answer(session.output, &verdict, |verdict| match verdict {
        LogVerdict::Intact { entries, head } => {
            format!("the log is intact: {entries} entries, head {head}\n")
        }
        LogVerdict::Broken { seq, why } => format!("the log is broken at entry {seq}: {why}\n"),
    })?;
    Ok(if matches!(verdict, LogVerdict::Intact { .. }) {
        0
    } else {
        Kind::Failed.exit_status()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_a_span_back() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(
            point_in_time(now, "2h").ok(),
            Some(now.before(Duration::from_secs(7_200)))
        );
        assert_eq!(point_in_time(now, "2023-11-14T22:13:20Z").ok(), Some(now));
        assert!(point_in_time(now, "yesterday").is_err());
        assert!(point_in_time(now, "-2h").is_err());
    }
}
