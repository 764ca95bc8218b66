//! Times as people say them. The exact ones are in `--output json`.

use std::time::Duration;

use watchkeeper_model::Timestamp;

/// How long something takes or took, in its largest unit: `0.3 s`, `22 s`, `3 min`, `2 h`, `6 d`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() < 100 => format!("{} ms", time.as_millis()),
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `just now`, `3 min ago`.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let past = now.since(then);
    if past < Duration::from_secs(2) {
        "just now".to_owned()
    } else {
        format!("{} ago", span(past))
    }
}

/// `in 6 d`, or `over` when it has passed.
pub(crate) fn ahead(now: Timestamp, then: Timestamp) -> String {
    if then <= now {
        "over".to_owned()
    } else {
        format!("in {}", span(then.since(now)))
    }
}

/// Hours and minutes of the day in UTC, or the date too when it is another day.
pub(crate) fn clock(now: Timestamp, at: Timestamp) -> String {
    let (today, exact) = (now.to_string(), at.to_string());
    match (today.get(..10), exact.get(..10), exact.get(11..19)) {
        (Some(today), Some(day), Some(time)) if today == day => time.to_owned(),
        (_, Some(day), Some(time)) => format!("{day} {time}"),
        _ => exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_their_largest_unit() {
        let said = |seconds: f64| span(Duration::from_secs_f64(seconds));
        assert_eq!(
            [
                said(0.31),
                said(22.0),
                said(200.0),
                said(7_300.0),
                said(600_000.0)
            ],
            ["0.3 s", "22 s", "3 min", "2 h", "6 d"]
        );
    }

    #[test]
    fn what_lies_ahead_is_not_ago() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(ago(now, now.after(Duration::from_secs(60))), "just now");
        assert_eq!(ahead(now, now), "over");
        assert_eq!(clock(now, now), "22:13:20");
        assert_eq!(
            clock(now, now.before(Duration::from_secs(86_400))),
            "2023-11-13 22:13:20"
        );
    }
}
