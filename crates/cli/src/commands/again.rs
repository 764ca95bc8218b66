//! Going on with a stream of events after the daemon that told it went away. What is followed is in the store and loses
//! nothing by it, so the command looks for the daemon with growing pauses, and not for ever.

use std::io::Write as _;
use std::time::{Duration, Instant};

use http::Method;
use watchkeeper_model::Span;
use watchkeeper_server::{Problem, ProblemKind};

use crate::client::Events;
use crate::interrupts::Hears;
use crate::session::Session;
use crate::show::Tone;

/// The first pause before a daemon that went away is looked for; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What came of looking for it.
pub(super) enum Again {
    /// It is there, and tells.
    Back(Events),
    /// The person does not want to wait any longer.
    Stopped,
    /// It is there, and does not tell.
    Refused(anyhow::Error),
    /// It did not come back in time.
    NotBack(anyhow::Error),
}

/// Looks for the daemon until it tells the stream at this path, for `talk.daemon_back_within`.
pub(super) async fn again(session: &Session, path: &str, hears: &mut Hears) -> Again {
    let until = Instant::now() + session.daemon_back_within;
    let mut pause = FIRST_PAUSE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let asked = async {
            tokio::time::sleep(pause.min(left)).await;
            let events = session.client.events(Method::GET, path, None::<&()>);
            events.await
        };
        let events = tokio::select! {
            events = asked => events,
            () = hears.pressed() => return Again::Stopped,
        };
        match events {
            Ok(events) => return Again::Back(events),
            Err(error) if !is_away(&error) => return Again::Refused(error),
            Err(_) if Instant::now() < until => {}
            Err(error) => return Again::NotBack(error),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Says that it went away, and what becomes of what it did.
pub(super) fn say_away(session: &Session, goes_on: &str, within: Duration) {
    let line = format!(
        "the daemon went away; nothing is lost. Waiting for it, at most {}: {goes_on}",
        Span(within)
    );
    let line = session.page.paint(Tone::Warn, &line);
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says that it is there again.
pub(super) fn say_back(session: &Session, what: &str) {
    let line = format!("the daemon is back; {what} goes on");
    let line = session.page.paint(Tone::Dim, &line);
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether a request failed because no daemon answers now.
pub(super) fn is_away(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Problem>()
        .is_none_or(|problem| problem.kind == ProblemKind::Unavailable.as_str())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_daemon_that_answers_is_not_away_whatever_it_says() {
        let of = |kind| anyhow::Error::from(Problem::new(kind, "no"));
        assert!(!is_away(&of(ProblemKind::NotFound)));
        assert!(!is_away(&of(ProblemKind::Forbidden)));
        assert!(is_away(&of(ProblemKind::Unavailable)), "it stops");
        assert!(is_away(&anyhow!("the daemon closed the connection")));
    }
}
