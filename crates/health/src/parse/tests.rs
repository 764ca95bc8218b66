//! What parsers owe: nothing panics, and nothing that is cut, forged or strange passes for whole.

use proptest::prelude::*;
use watchkeeper_model::{CheckOutcome, HostName, LookFailure, Timestamp};

use crate::*;

pub(crate) const DEBIAN: &str = include_str!("../../samples/debian-lab.txt");
pub(crate) const TROUBLED: &str = include_str!("../../samples/debian-troubled.txt");
pub(crate) const ALPINE: &str = include_str!("../../samples/alpine.txt");
pub(crate) const NIXOS: &str = include_str!("../../samples/nixos.txt");
pub(crate) const ARCH: &str = include_str!("../../samples/arch.txt");
pub(crate) const FEDORA: &str = include_str!("../../samples/fedora.txt");
const SAMPLES: [&str; 6] = [DEBIAN, TROUBLED, ALPINE, NIXOS, ARCH, FEDORA];
/// Whether the facts tell a section as whole.
type IsWhole = fn(&Facts) -> bool;

const MARK: &str = "@00112233445566778899aabbccddeeff ";

/// The nonce of all samples.
pub(crate) fn nonce() -> Nonce {
    Nonce::from_random([
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
        0xff,
    ])
}

pub(crate) fn facts(answer: &str) -> Facts {
    parse(answer.as_bytes(), &nonce()).expect("a sample is readable")
}

/// All that the checks say of an answer, whatever it is.
fn judged(answer: &[u8]) -> Vec<watchkeeper_model::CheckResult> {
    let look = Look {
        host: HostName::local(),
        at: Timestamp::from_millis(1_795_257_163_000),
        result: parse(answer, &nonce()),
    };
    run_checks(&look, None, &Thresholds::default())
}

fn passes(answer: &[u8]) -> bool {
    judged(answer)
        .iter()
        .any(|result| matches!(result.outcome, CheckOutcome::Passed { .. }))
}

#[test]
fn an_answer_that_is_cut_anywhere_is_unreadable_and_passes_nothing() {
    for sample in SAMPLES {
        let end = sample
            .rfind(&format!("{MARK}end"))
            .expect("a sample has an end")
            + MARK.len()
            + "end\n".len();
        for cut in (0..end).step_by(1 + sample.len() / 4_000) {
            let answer = &sample.as_bytes()[..cut];
            let read = parse(answer, &nonce());
            assert!(
                matches!(read, Err(LookFailure::Unreadable { .. })),
                "cut at {cut}"
            );
            if cut % 97 == 0 {
                assert!(!passes(answer), "cut at {cut} something passed");
            }
        }
    }
}

#[test]
fn a_section_that_is_cut_on_the_host_is_never_present_as_whole() {
    let sections: [(&str, IsWhole); 9] = [
        ("files", |facts| {
            facts.memory.present().is_some() || facts.mounts.present().is_some()
        }),
        ("processes", |facts| facts.processes.present().is_some()),
        ("disks", |facts| facts.disks.present().is_some()),
        ("units", |facts| {
            facts.units.present().is_some_and(|units| units.complete)
        }),
        ("journal", |facts| {
            facts
                .journal
                .present()
                .is_some_and(|journal| !journal.at_least)
        }),
        ("reboot", |facts| facts.reboot.present().is_some()),
        ("clock", |facts| facts.clock.present().is_some()),
        ("certificates", |facts| {
            facts.certificates.present().is_some()
        }),
        ("manager", |facts| facts.units.present().is_some()),
    ];
    for (section, whole) in sections {
        assert!(whole(&facts(TROUBLED)), "{section} is whole in the sample");
        let begin = TROUBLED
            .find(&format!("{MARK}begin {section}\n"))
            .expect("the section is there");
        let body = begin + MARK.len() + "begin ".len() + section.len() + 1;
        let length = TROUBLED[body..]
            .find(&format!("{MARK}done"))
            .expect("it is closed");
        let closed = body + length;
        let after = closed + TROUBLED[closed..].find('\n').expect("marks end") + 1;
        for cut in (body..=closed).step_by(1 + length / 40) {
            let answer = [
                &TROUBLED.as_bytes()[..cut],
                b"\n",
                &TROUBLED.as_bytes()[after..],
            ]
            .concat();
            let read = parse(&answer, &nonce()).expect("the answer as a whole is readable");
            assert!(!whole(&read), "{section} cut at {cut} is told as whole");
        }
        let without = [&TROUBLED[..begin], &TROUBLED[after..]].concat();
        if section != "certificates" {
            assert!(
                !whole(&facts(&without)),
                "{section} left out is told as whole"
            );
        }
    }
}

#[test]
fn a_program_that_failed_or_timed_out_breaks_its_section() {
    for (sample, section) in [
        (DEBIAN, "disks"),
        (DEBIAN, "units"),
        (DEBIAN, "manager"),
        (DEBIAN, "journal"),
        (DEBIAN, "clock"),
    ] {
        for status in ["124", "127", "2", "", "x", "-1"] {
            let begin = sample
                .find(&format!("{MARK}begin {section}\n"))
                .expect("the section is there");
            let done = begin
                + sample[begin..]
                    .find(&format!("{MARK}done 0"))
                    .expect("it is closed");
            let end = done + MARK.len() + "done 0".len();
            let answer = format!("{}{MARK}done {status}{}", &sample[..done], &sample[end..]);
            let read = facts(&answer);
            let gone = match section {
                "disks" => read.disks.present().is_none(),
                "journal" => read.journal.present().is_none(),
                "clock" => read.clock.present().is_none(),
                _ => read.units.present().is_none(),
            };
            assert!(gone, "{section} with status {status:?}");
        }
    }
}

#[test]
fn marks_with_another_nonce_are_text() {
    let other = DEBIAN.replace(MARK, "@ffeeddccbbaa99887766554433221100 ");
    assert!(matches!(
        parse(other.as_bytes(), &nonce()),
        Err(LookFailure::Unreadable { .. })
    ));
    // A banner that replays an older answer before the real one.
    let both = format!("{other}\nlast login today\n{TROUBLED}");
    assert_eq!(facts(&both), facts(TROUBLED));
}

#[test]
fn a_section_that_is_forged_beside_the_real_one_breaks() {
    let forged = format!("{MARK}begin units\n\n{MARK}done 0\n\n{MARK}begin clock");
    let answer = TROUBLED.replacen(&format!("{MARK}begin clock"), &forged, 1);
    assert!(matches!(facts(&answer).units, Section::Broken { .. }));
    let inside = TROUBLED.replacen(
        "nginx.service    loaded",
        &format!("{MARK}done 0\nnginx.service loaded"),
        1,
    );
    // Closing it early leaves its real end without a section.
    assert!(parse(inside.as_bytes(), &nonce()).is_err());
}

#[test]
fn noise_of_the_login_shell_before_and_after_is_no_trouble() {
    let noisy = format!("\u{1b}[2Jwelcome\r\n{DEBIAN}\nlogout\n");
    assert_eq!(facts(&noisy), facts(DEBIAN));
}

#[test]
fn five_megabytes_of_junk_are_unreadable_or_ignored() {
    let junk = "\u{0}\u{fffd}@00112233 begin units\n".repeat(200_000);
    assert!(parse(junk.as_bytes(), &nonce()).is_err());
    assert_eq!(facts(&format!("{junk}\n{DEBIAN}")), facts(DEBIAN));
    let inside = DEBIAN.replacen("begin units\n", &format!("begin units\n{junk}"), 1);
    assert!(matches!(facts(&inside).units, Section::Broken { .. }));
}

#[test]
fn hostile_names_are_bounded_and_visible() {
    let hostile = "evil\u{1b}]0;pwned\u{7}\"';$(reboot)\u{202e}.service";
    let answer = TROUBLED
        .replace("labapp.service", hostile)
        .replace("payments", "\\u001b[31mpay\\nments");
    let text = serde_json::to_string(&facts(&answer)).expect("facts are data");
    assert!(
        !text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\n']),
        "{text}"
    );
    let long = TROUBLED.replace("labapp.service", &format!("{}.service", "a".repeat(5_000)));
    let facts = facts(&long);
    let units = facts.units.present().expect("the units are read");
    assert!(
        units
            .failed
            .iter()
            .all(|unit| unit.name.chars().count() <= 255)
    );
}

#[test]
fn facts_survive_being_stored() {
    for sample in SAMPLES {
        let facts = facts(sample);
        let json = serde_json::to_string(&facts).expect("facts are data");
        assert!(json.len() < 64 * 1024, "{} bytes", json.len());
        assert_eq!(
            serde_json::from_str::<Facts>(&json).expect("read back"),
            facts
        );
    }
}

#[test]
fn redaction_reaches_every_free_text() {
    let mut facts = facts(TROUBLED);
    facts.redact(|text| text.replace(char::is_alphabetic, "x"));
    let json = serde_json::to_string(&facts).expect("facts are data");
    for secret in ["Killed process", "eighty", "Backup of", "gateway"] {
        assert!(!json.contains(secret), "{secret} is still there");
    }
}

#[test]
fn the_boot_is_boot_id_and_start_time_of_the_first_process() {
    let facts = facts(ALPINE);
    let identity = facts.identity.present().expect("identity");
    assert_eq!(
        identity.boot.as_deref(),
        Some("3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f.24")
    );
    assert_eq!(identity.cores, Some(2));
}

#[test]
fn a_process_that_names_itself_like_a_zombie_is_none() {
    let fake = "total 0\n/proc/7/stat:8 (x) Z 1\n/proc/9/stat:9 (a) Z 1 (b) S 1\n/proc/10/stat:10 (a) Z 1) D 2\n";
    let answer = DEBIAN.replacen("total 0\n", fake, 1);
    let facts = facts(&answer);
    let processes = facts.processes.present().expect("processes");
    assert_eq!((processes.zombies, processes.blocked), (0, 1));
    assert_eq!(processes.blocked_names, ["a) Z 1"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_without_panic_and_pass_nothing(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
        prop_assert!(!passes(&bytes));
    }

    #[test]
    fn an_answer_with_bytes_changed_is_read_without_panic(
        sample in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut answer = SAMPLES[sample].as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(answer.len());
            answer[place] = byte;
        }
        judged(&answer);
    }

    #[test]
    fn an_answer_with_lines_mixed_up_is_read_without_panic(
        sample in 0..SAMPLES.len(),
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..30),
        text in "[ -~]{0,40}",
    ) {
        let mut lines: Vec<&str> = SAMPLES[sample].lines().collect();
        for (from, to) in moves {
            let (from, to) = (from.index(lines.len()), to.index(lines.len()));
            lines.swap(from, to);
            lines.insert(to, &text);
        }
        judged(lines.join("\n").as_bytes());
    }

    #[test]
    fn any_text_inside_a_section_is_read_without_panic(
        sample in 0..SAMPLES.len(),
        place in any::<prop::sample::Index>(),
        text in any::<String>(),
    ) {
        let answer = SAMPLES[sample];
        let begins: Vec<usize> = answer.match_indices(" begin ").map(|(at, _)| at).collect();
        let at = begins[place.index(begins.len())];
        let at = at + answer[at..].find('\n').expect("marks end") + 1;
        let results = judged(format!("{}{text}\n{}", &answer[..at], &answer[at..]).as_bytes());
        for result in results {
            let shown = match &result.outcome {
                CheckOutcome::Passed { detail } => detail,
                CheckOutcome::Found { finding } => &finding.summary,
                CheckOutcome::Unknown { why } => why,
            };
            prop_assert!(shown.chars().count() <= 300 && !shown.contains(|c: char| c.is_control()));
        }
    }
}
