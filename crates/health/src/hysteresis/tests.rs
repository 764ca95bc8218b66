//! Rows of looks and what they change.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn at(minutes: u32) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).after(MINUTE * minutes)
}

/// Plays one look a minute: `p` passed, `w` warning, `c` critical, `?` unknown. Tells what each changed: `F` fired,
/// `=` still firing, `+`/`-` worse or milder, `C` cleared, `.` nothing.
fn play(rule: Rule, looks: &str) -> String {
    let mut state = FindingState::default();
    let mut told = String::new();
    for (minute, look) in (0..).zip(looks.chars()) {
        let seen = match look {
            'p' => Seen::Passed,
            'w' => Seen::Found(Severity::Warning),
            'c' => Seen::Found(Severity::Critical),
            _ => Seen::Unknown,
        };
        let (next, change) = step(state, seen, rule, at(minute));
        state = next;
        told.push(match change {
            None => '.',
            Some(Change::Fired { .. }) => 'F',
            Some(Change::StillFiring) => '=',
            Some(Change::SeverityChanged { from, to }) if to > from => '+',
            Some(Change::SeverityChanged { .. }) => '-',
            Some(Change::Cleared) => 'C',
        });
    }
    told
}

#[test]
fn looks_in_a_row_fire_and_clear() {
    let rule = Rule::new(2, 2);
    for (looks, told) in [
        ("pwpwp", "....."),
        ("ww", ".F"),
        ("wwwww", ".F==="),
        ("wwpwpp", ".F===C"),
        ("wwppww", ".F=C.F"),
        ("wwcc", ".F+="),
        ("ccww", ".F=-"),
        ("ccwcww", ".F===-"),
    ] {
        assert_eq!(play(rule, looks), told, "{looks}");
    }
    assert_eq!(play(Rule::new(1, 1), "wp"), "FC");
    assert_eq!(play(Rule::new(0, 0), "wp"), "FC");
}

#[test]
fn a_look_that_could_not_tell_changes_nothing() {
    let rule = Rule::new(2, 2);
    for (looks, told) in [
        ("????", "...."),
        ("w?w", "..F"),
        ("ww??????????", ".F=========="),
        ("wwp?p", ".F==C"),
        ("wwp???", ".F===="),
    ] {
        assert_eq!(play(rule, looks), told, "{looks}");
    }
}

#[test]
fn what_flaps_stays_a_finding_until_it_has_been_well_for_long() {
    assert_eq!(play(Rule::new(1, 1), "wpwpwpwpwpppp"), "FCFCF=======C");
    // Two hours later the firings are forgotten.
    let calm = format!("wpwpwpppp{}wp", "p".repeat(150));
    assert!(play(Rule::new(1, 1), &calm).ends_with("FC"));
}

#[test]
fn it_counts_from_the_first_bad_look() {
    let rule = Rule::new(3, 1);
    let mut state = FindingState::default();
    for minute in 0..2 {
        state = step(state, Seen::Found(Severity::Warning), rule, at(minute)).0;
        assert!(state.wants_look());
    }
    let (state, change) = step(state, Seen::Found(Severity::Critical), rule, at(2));
    assert_eq!(
        change,
        Some(Change::Fired {
            since: at(0),
            severity: Severity::Critical
        })
    );
    let json = serde_json::to_string(&state).expect("a state is data");
    assert_eq!(
        serde_json::from_str::<FindingState>(&json).expect("read back"),
        state
    );
}

#[test]
fn a_refused_login_fires_at_once_and_a_lost_packet_does_not() {
    let check = crate::check_name("reachable");
    let rule = |failure| {
        let host = watchkeeper_model::HostName::local();
        rule(
            &check,
            &Look {
                host,
                at: at(0),
                result: Err(failure),
            },
        )
    };
    let refused = LookFailure::LoginRefused {
        login: "ops".to_owned(),
        methods: String::new(),
    };
    assert_eq!(rule(refused).fire_after, 1);
    assert_eq!(rule(LookFailure::TimedOut { limit_ms: 1 }).fire_after, 2);
}

proptest! {
    #[test]
    fn without_a_good_look_nothing_ever_clears(looks in "[wc?]{0,60}", fire in 1_u8..5, clear in 1_u8..5) {
        prop_assert!(!play(Rule::new(fire, clear), &looks).contains('C'));
    }

    #[test]
    fn unknown_looks_may_be_left_out(looks in "[pwc?]{0,40}", fire in 1_u8..4, clear in 1_u8..4) {
        let rule = Rule::new(fire, clear);
        let without: String = looks.chars().filter(|look| *look != '?').collect();
        let changes = |told: String| told.chars().filter(|c| !".=".contains(*c)).collect::<String>();
        prop_assert_eq!(changes(play(rule, &looks)), changes(play(rule, &without)));
    }

    #[test]
    fn firing_and_clearing_take_turns(looks in "[pwc?]{0,80}", fire in 1_u8..4, clear in 1_u8..4) {
        let told = play(Rule::new(fire, clear), &looks);
        let turns: String = told.chars().filter(|c| "FC".contains(*c)).collect();
        prop_assert!(!turns.contains("FF") && !turns.contains("CC") && !turns.starts_with('C'));
    }
}
