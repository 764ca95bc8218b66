//! What was tested: one line each, and under what is wrong what to type.

use std::fmt::Write as _;

use watchkeeper_model::visible;
use watchkeeper_watch::view::{DoctorLine, DoctorState};

use super::page::{Page, Tone};
use crate::called::Called;

/// What the doctor of lanes says of a step that it did not come to.
const NOT_TRIED: &str = "not tried";
/// Columns of the names of what was tested; longer ones push their text on.
const NAME_COLUMNS: usize = 12;

/// The whole report.
pub(crate) fn doctor_report(page: &Page, lines: &[DoctorLine], called: &Called) -> String {
    let mut text = String::new();
    for line in lines {
        let mark = match line.state {
            DoctorState::Ok => page.paint(Tone::Good, "✓"),
            DoctorState::Warning => page.paint(Tone::Warn, "!"),
            DoctorState::Failed if !is_tried(line) => page.paint(Tone::Dim, "–"),
            DoctorState::Failed => page.paint(Tone::Bad, "✗"),
        };
        let name = visible(&line.name);
        let indent = 6 + NAME_COLUMNS.max(name.chars().count());
        let said = page.wrap(&visible(&line.detail), indent);
        let _ = writeln!(
            text,
            "  {mark} {}  {said}",
            page.paint(Tone::Strong, &format!("{name:<NAME_COLUMNS$}"))
        );
        if !line.remedy.is_empty() {
            let _ = writeln!(
                text,
                "      {}",
                page.wrap(&called.respell(&visible(&line.remedy)), 6)
            );
        }
    }
    let of = |state| {
        let of_state = lines.iter().filter(|line| line.state == state);
        of_state.filter(|line| is_tried(line)).count()
    };
    let summary = match (of(DoctorState::Failed), of(DoctorState::Warning)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("it works; {} to look at", super::count(warnings, "thing")),
        (failed, _) => format!("{} to mend", super::count(failed, "thing")),
    };
    let _ = writeln!(text, "\n{summary}");
    text
}

/// Whether it was tried. What was not, because something before it fails, is not well, and there is nothing to mend about it.
fn is_tried(line: &DoctorLine) -> bool {
    line.state != DoctorState::Failed || line.detail != NOT_TRIED
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_model::Timestamp;

    #[test]
    fn under_what_is_wrong_stands_what_to_type() {
        let line = |name: &str, state, detail: &str, remedy: &str| DoctorLine {
            name: name.to_owned(),
            state,
            detail: detail.to_owned(),
            remedy: remedy.to_owned(),
        };
        let lines = [
            line("config", DoctorState::Ok, "no file, all defaults", ""),
            line(
                "daemon",
                DoctorState::Warning,
                "none runs",
                "watchkeeper daemon",
            ),
            line(
                "host web1",
                DoctorState::Failed,
                "its key is not known",
                "watchkeeper enrol web1",
            ),
            line("lane: tools", DoctorState::Failed, "not tried", ""),
        ];
        let page = Page {
            width: 80,
            colour: false,
            now: Timestamp::from_millis(0),
        };
        let text = doctor_report(&page, &lines, &Called::by(Some(&"hal-doctor".into())));
        assert_eq!(
            text,
            "  ✓ config        no file, all defaults\n  ! daemon        none runs\n      hal-daemon\n\
             \x20 ✗ host web1     its key is not known\n      hal-enrol web1\n  – lane: tools   not tried\n\n1 thing to mend\n"
        );
    }
}
