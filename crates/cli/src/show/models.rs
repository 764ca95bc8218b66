//! Models of lanes as a table, and how far the fetching of one is as a bar or as plain lines.

use std::time::Duration;

use watchkeeper_llm::PullProgress;
use watchkeeper_model::visible;

use super::page::{Page, Tone, clip, columns};
use super::table::{Cell, Table};

/// One model of a lane, as it is listed.
#[derive(Debug)]
pub(crate) struct ModelRow {
    /// The lane's name.
    pub(crate) lane: String,
    /// The model's name.
    pub(crate) model: String,
    /// What the lane asks it for; empty for nothing.
    pub(crate) roles: Vec<&'static str>,
    /// Whether the server has it.
    pub(crate) there: bool,
    /// Bytes on disk.
    pub(crate) size: Option<u64>,
    /// The context it is served with.
    pub(crate) context: Option<u32>,
    /// Whether it lies in memory.
    pub(crate) loaded: Option<bool>,
}

/// The table of models.
pub(crate) fn model_table(page: &Page, rows: &[ModelRow]) -> String {
    let mut table = Table::new(&["lane", "model", "size", "context", "asked as", "state"]);
    for row in rows {
        let state: Cell = match (row.there, row.loaded) {
            (false, _) => (Tone::Bad, "missing").into(),
            (true, Some(true)) => (Tone::Good, "loaded").into(),
            (true, _) => "there".into(),
        };
        table.row(vec![
            row.lane.clone().into(),
            row.model.clone().into(),
            row.size.map_or_else(String::new, bytes).into(),
            row.context
                .map_or_else(String::new, |tokens| tokens.to_string())
                .into(),
            row.roles.join(", ").into(),
            state,
        ]);
    }
    table.render(page)
}

/// A size for people, in steps of 1024.
pub(crate) fn bytes(count: u64) -> String {
    const STEPS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match STEPS.iter().find(|(_, step)| count >= *step) {
        Some((name, step)) => {
            let tenths = (count % step) * 10 / step;
            format!("{}.{tenths} {name}", count / step)
        }
        None => format!("{count} B"),
    }
}

/// Cells of the bar.
const BAR_CELLS: u64 = 20;
/// Columns of the words before it, at the most.
const STATUS_COLUMNS: usize = 26;
/// Too little to tell how fast it goes.
const LEAST_TELLING: Duration = Duration::from_secs(2);

/// One line that takes the place of the last: what is done, a bar, how much of it is there, how fast and how long.
/// `came` is how much of this part has come within `took`.
pub(crate) fn progress_bar(
    page: &Page,
    progress: &PullProgress,
    came: u64,
    took: Duration,
) -> String {
    let status = clip(&visible(&progress.status), STATUS_COLUMNS);
    let (Some(done), Some(total)) = (progress.done, progress.total.filter(|total| *total > 0))
    else {
        return clip(&status, page.width.saturating_sub(1));
    };
    let done = done.min(total);
    let filled = usize::try_from(done.saturating_mul(BAR_CELLS) / total).unwrap_or(0);
    let empty = usize::try_from(BAR_CELLS).unwrap_or(0) - filled;
    let mut text = format!(
        "{status}{} {}{} {:>3} %  {} of {}",
        " ".repeat(STATUS_COLUMNS - columns(&status)),
        "█".repeat(filled),
        "░".repeat(empty),
        percent(done, total),
        bytes(done),
        bytes(total),
    );
    if took >= LEAST_TELLING && came > 0 {
        let per_second = came / took.as_secs().max(1);
        let left = (total - done) / per_second.max(1);
        text.push_str(&format!(
            "  {}/s, {} left",
            bytes(per_second),
            lasting(left)
        ));
    }
    clip(&text, page.width.saturating_sub(1))
}

/// One plain line: what is done, and how much of it is there.
pub(crate) fn progress_line(progress: &PullProgress) -> String {
    let status = visible(&progress.status);
    match (progress.done, progress.total.filter(|total| *total > 0)) {
        (Some(done), Some(total)) => {
            format!("{status} {} % of {}", percent(done, total), bytes(total))
        }
        _ => status.into_owned(),
    }
}

/// Whole percents, never above 100.
pub(crate) fn percent(done: u64, total: u64) -> u64 {
    done.min(total).saturating_mul(100) / total.max(1)
}

fn lasting(seconds: u64) -> String {
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_model::Timestamp;

    fn page(width: usize) -> Page {
        Page {
            width,
            colour: false,
            now: Timestamp::from_millis(0),
        }
    }

    fn progress(status: &str, done: Option<u64>, total: Option<u64>) -> PullProgress {
        PullProgress {
            status: status.to_owned(),
            done,
            total,
        }
    }

    #[test]
    fn the_bar_says_how_much_how_fast_and_how_long() {
        let half = progress("pulling 6a0746a1ec1a", Some(2 << 30), Some(4 << 30));
        let bar = progress_bar(&page(120), &half, 1 << 30, Duration::from_secs(64));
        assert_eq!(
            bar,
            "pulling 6a0746a1ec1a       ██████████░░░░░░░░░░  50 %  2.0 GiB of 4.0 GiB  16.0 MiB/s, 2 min left"
        );
        let begun = progress_bar(&page(120), &half, 0, Duration::ZERO);
        assert!(begun.ends_with("4.0 GiB"), "{begun}");
        for width in [1, 10, 40, 80] {
            let bar = progress_bar(&page(width), &half, 1 << 30, Duration::from_secs(64));
            assert!(columns(&bar) < width.max(2), "{width}: {bar}");
        }
    }

    #[test]
    fn a_server_that_counts_wrong_breaks_no_bar() {
        for (done, total) in [
            (Some(9), Some(3)),
            (Some(u64::MAX), Some(u64::MAX)),
            (Some(0), Some(0)),
            (None, Some(3)),
            (Some(3), None),
        ] {
            let odd = progress("x\u{1b}[2J", done, total);
            let bar = progress_bar(&page(100), &odd, u64::MAX, Duration::from_secs(9));
            assert!(!bar.contains('\u{1b}') && columns(&bar) < 100, "{bar}");
            assert!(!progress_line(&odd).contains('\u{1b}'));
        }
    }

    #[test]
    fn sizes_are_for_people() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (5_200_000_000, "4.8 GiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
