//! Times as people say them, with the exact one for who wants it.

use std::time::Duration;

use maud::{Markup, html};
use watchkeeper_model::Timestamp;

/// How long something takes, in its largest unit.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A time that lies back.
pub(super) fn ago(now: Timestamp, then: Timestamp) -> Markup {
    let past = now.since(then);
    if past < Duration::from_secs(2) {
        exactly(then, "just now")
    } else {
        exactly(then, &format!("{} ago", span(past)))
    }
}

/// A time that lies ahead.
pub(super) fn ahead(now: Timestamp, then: Timestamp) -> Markup {
    if then <= now {
        exactly(then, "now")
    } else {
        exactly(then, &format!("in {}", span(then.since(now))))
    }
}

/// A time by which something must be done: how long there is, and when exactly, because a phone shows no titles.
pub(super) fn by_then(now: Timestamp, then: Timestamp) -> Markup {
    html! { (ahead(now, then)) ", by " (when(then)) }
}

/// A time where nothing says what is now.
pub(in crate::pages) fn when(at: Timestamp) -> Markup {
    let exact = at.to_string();
    let (day, time) = (exact.get(..10), exact.get(11..16));
    match (day, time) {
        (Some(day), Some(time)) => exactly(at, &format!("{day} {time} UTC")),
        _ => exactly(at, &exact),
    }
}

fn exactly(at: Timestamp, text: &str) -> Markup {
    html! { time datetime=(at) title=(at) { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_and_told_exactly() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let later = now.after(Duration::from_secs(3 * 3_600));
        assert_eq!(
            ahead(now, later).into_string(),
            "<time datetime=\"2023-11-15T01:13:20.000Z\" title=\"2023-11-15T01:13:20.000Z\">in 3 h</time>"
        );
        assert!(ago(later, now).into_string().contains(">3 h ago<"));
        assert!(ahead(later, now).into_string().contains(">now<"));
        assert!(when(now).into_string().contains(">2023-11-14 22:13 UTC<"));
        let by = by_then(now, later).into_string();
        assert!(by.contains(">in 3 h</time>, by <time"), "{by}");
        assert!(by.ends_with(">2023-11-15 01:13 UTC</time>"), "{by}");
    }
}
