//! Hostile text in every field of every page: it stays text, and nothing of it acts, hides or turns anything around.

use std::collections::BTreeSet;

use watchkeeper_model::{
    ActionNumber, ActionState, Approval, Approver, BootId, Certainty, Confidence, ControllerId,
    Decoded, Evidence, HostName, JobNumber, Person, Phase, PlannedStep, Proposer, Revision,
    RiskLevel, Run, RunId, RunStep, Step, StepOutcome, Verification,
};
use watchkeeper_testkit::build;
use watchkeeper_testkit::clock::NOON;
use watchkeeper_watch::Shown;
use watchkeeper_watch::view::{
    ActionSheet, ClaimView, DeviceLine, DiagnosisView, EnrolmentAsked, PastAction,
};

use super::{Reader, code, enrolment, framed, front, outcome, question, sheet};
use crate::pages::links::Choice;
use crate::pages::page::Page;

/// What a host, a model or a person could say.
const EVIL: &str = "</p></pre><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick=\"alert(3)' style='x' \
    javascript:alert(4) &lt;script&gt; \u{1b}[2J\u{202e}gpj.exe\u{2066}\u{200b}\r\0<form action=//evil><input name=form> --> ]]>";
/// Elements that our pages are made of.
const ELEMENTS: [&str; 45] = [
    "!doctype", "html", "head", "meta", "title", "style", "body", "header", "main", "span", "p",
    "h1", "h2", "h3", "b", "a", "dl", "div", "dt", "dd", "section", "ol", "ul", "li", "pre",
    "code", "mark", "small", "bdi", "time", "details", "summary", "form", "button", "input",
    "label", "textarea", "strong", "em", "table", "tr", "td", "th", "hr", "br",
];
/// Attributes that they have.
const ATTRIBUTES: [&str; 27] = [
    "lang",
    "charset",
    "name",
    "content",
    "http-equiv",
    "class",
    "href",
    "method",
    "action",
    "value",
    "type",
    "id",
    "for",
    "rows",
    "maxlength",
    "required",
    "autocomplete",
    "role",
    "autocapitalize",
    "spellcheck",
    "datetime",
    "title",
    "aria-label",
    "aria-hidden",
    "html",
    "aria-live",
    "open",
];

fn evil_step(script: &str) -> PlannedStep {
    PlannedStep {
        step: Step::Shell {
            script: script.to_owned(),
        },
        script: script.to_owned(),
        limit_s: 60,
        max_output_bytes: 1,
    }
}

fn person() -> Person {
    Person {
        name: EVIL.to_owned(),
        uid: 1_000,
    }
}

fn evil_sheet(state: ActionState) -> ActionSheet {
    let mut action = build::action(7, "web1");
    EVIL.clone_into(&mut action.plan.login);
    action.plan.steps = vec![evil_step(EVIL), evil_step(&"\u{202e}x<".repeat(16 * 1024))];
    action.plan.undo = vec![evil_step(EVIL)];
    action.plan.verify = Verification::CheckPasses {
        check: build::check("units"),
        subject: EVIL.to_owned(),
        settle_s: 1,
    };
    EVIL.clone_into(&mut action.reason);
    action.seen = vec![Evidence {
        source: EVIL.to_owned(),
        text: EVIL.to_owned(),
    }];
    action.proposer = Proposer::Model {
        name: EVIL.to_owned(),
    };
    for effect in &mut action.assessment.effects {
        effect.certainty = Certainty::Possible;
        for text in [
            &mut effect.sentence,
            &mut effect.words,
            &mut effect.elsewhere,
            &mut effect.rule,
        ] {
            EVIL.clone_into(text);
        }
    }
    let many = vec![action.assessment.effects[0].clone(); 20];
    action.assessment.effects.extend(many);
    action.assessment.level = RiskLevel::High;
    action.assessment.decoded = vec![Decoded {
        how: EVIL.to_owned(),
        text: EVIL.to_owned(),
    }];
    action.verdict.because = vec![EVIL.to_owned()];
    action.state = state;
    ActionSheet {
        action,
        issue_title: Some(EVIL.to_owned()),
        run: Some(evil_run()),
        before: vec![PastAction {
            number: ActionNumber(3),
            state: EVIL.to_owned(),
            what: EVIL.to_owned(),
            at: NOON,
        }],
        diagnosis: Some(evil_diagnosis()),
        conversations: Vec::new(),
    }
}

fn evil_diagnosis() -> DiagnosisView {
    DiagnosisView {
        by: Proposer::Model {
            name: EVIL.to_owned(),
        },
        job: JobNumber(1),
        at: NOON,
        outcome: EVIL.to_owned(),
        cause: EVIL.to_owned(),
        confidence: Confidence::High,
        claims: vec![ClaimView {
            text: EVIL.to_owned(),
            evidence: vec![EVIL.to_owned()],
            supported: true,
            why_not: None,
        }],
        looked_at: Vec::new(),
        second_opinion: "objected".to_owned(),
        objections: vec![EVIL.to_owned()],
        as_on: None,
        remark: Some(EVIL.to_owned()),
    }
}

fn evil_run() -> Run {
    Run {
        id: RunId::from_parts(NOON, [1; 10]),
        action: ActionNumber(7),
        revision: Revision(1),
        digest: build::plan("web1").digest(),
        controller: ControllerId::new("c1").expect("a name"),
        claimed_at: NOON,
        boot: BootId("b".to_owned()),
        steps: vec![RunStep {
            phase: Phase::Apply,
            index: 0,
            asked_at: NOON,
            outcome: Some(StepOutcome::Unknown {
                why: EVIL.to_owned(),
            }),
            ended_at: None,
            stdout: EVIL.repeat(1_000),
            stderr: EVIL.to_owned(),
        }],
    }
}

fn states() -> Vec<ActionState> {
    let run = RunId::from_parts(NOON, [1; 10]);
    let approval = Approval {
        by: Approver::Person {
            person: person(),
            reason: Some(EVIL.to_owned()),
        },
        at: NOON,
        revision: Revision(1),
        digest: build::plan("web1").digest(),
    };
    let why = EVIL.to_owned();
    vec![
        ActionState::Held {
            since: NOON,
            because: vec![EVIL.to_owned()],
            approve_by: NOON,
            approvals: vec![approval.clone()],
        },
        ActionState::Approved {
            approval: approval.clone(),
            also: Vec::new(),
            execute_by: NOON,
        },
        ActionState::Running {
            run: run.clone(),
            approval,
            since: NOON,
        },
        ActionState::Failed {
            run: run.clone(),
            at: NOON,
            why: why.clone(),
        },
        ActionState::Unknown {
            run,
            at: NOON,
            why: why.clone(),
        },
        ActionState::Stale {
            at: NOON,
            why: why.clone(),
        },
        ActionState::Rejected {
            by: person(),
            at: NOON,
            reason: why,
        },
    ]
}

/// Fails unless the page is made of our own elements and attributes, and nothing on it is hidden.
fn is_harmless(page: &Page) {
    let html = framed(EVIL, page).into_string();
    let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!html.contains(hidden), "a control character");
    for c in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}'] {
        assert!(!html.contains(c), "{c:?} stands on the page");
    }
    let style = html.find("</style>").expect("a style");
    let (elements, attributes): (BTreeSet<_>, BTreeSet<_>) = (
        ELEMENTS.into_iter().collect(),
        ATTRIBUTES.into_iter().collect(),
    );
    for tag in html[style..].split('<').skip(1) {
        let (inside, text) = tag.split_once('>').expect("every tag ends");
        assert!(
            !text.contains('>'),
            "a bracket that is not written out: {text:?}"
        );
        let name = inside
            .trim_start_matches('/')
            .split([' ', '\n'])
            .next()
            .unwrap_or_default();
        assert!(
            elements.contains(name.to_lowercase().as_str()),
            "{name:?} is not ours"
        );
        let mut rest = inside;
        while let Some((before, after)) = rest.split_once("=\"") {
            let attribute = before.rsplit([' ', '\n']).next().unwrap_or_default();
            assert!(
                attributes.contains(attribute),
                "{attribute:?} is not ours: {inside}"
            );
            let (value, next) = after.split_once('"').expect("every value ends");
            if ["href", "action"].contains(&attribute) {
                assert!(
                    value.starts_with('/') && !value.starts_with("//"),
                    "{value:?}"
                );
            }
            rest = next;
        }
        assert!(!rest.contains('='), "an attribute without quotes: {inside}");
    }
}

fn shown(state: ActionState) -> Shown {
    Shown {
        sheet: evil_sheet(state),
        may_not: None,
        now: NOON,
    }
}

#[test]
fn hostile_text_in_every_field_is_text_on_every_page() {
    let reader = Reader {
        link: "/a/token",
        person: EVIL,
        device: EVIL,
        until: NOON,
    };
    for state in states() {
        let shown = shown(state);
        is_harmless(&sheet(reader, &shown));
        is_harmless(&question(
            "/a/token",
            &shown,
            Choice::Approve,
            "form",
            false,
        ));
        is_harmless(&question("/a/token", &shown, Choice::Reject, "form", true));
        is_harmless(&outcome(&shown));
    }
    let asked = EnrolmentAsked {
        person: person(),
        asked_by: EVIL.to_owned(),
        asked_at: NOON,
        expires_at: NOON,
        known_as: Some("other".to_owned()),
    };
    is_harmless(&enrolment("/d/token", &asked));
    is_harmless(&code("/d/token", true));
    let device = DeviceLine {
        number: watchkeeper_model::DeviceNumber(1),
        person: EVIL.to_owned(),
        label: EVIL.to_owned(),
        added_at: NOON,
        expires_at: NOON,
        decided_at: None,
    };
    is_harmless(&front(Some(&device)));
}

#[test]
fn every_byte_of_a_large_script_is_on_the_sheet() {
    let mut shown = shown(states().remove(0));
    let script = "echo 0123456789abcdef\n".repeat(3_000);
    assert!(script.len() > 64 * 1024);
    shown.sheet.action.plan.steps = vec![evil_step(&script)];
    let reader = Reader {
        link: "/a/token",
        person: "anna",
        device: "phone",
        until: NOON,
    };
    let page = sheet(reader, &shown).body.into_string();
    assert_eq!(
        page.matches("<span class=\"line\">echo 0123456789abcdef\n</span>")
            .count(),
        3_000
    );
    assert!(
        page.contains("3000 lines, 66000 bytes"),
        "it says how much there is"
    );
}

#[test]
fn the_first_and_the_last_that_was_seen_are_not_folded_away() {
    let mut shown = shown(states().remove(0));
    shown.sheet.action.seen = (1..=20)
        .map(|line| Evidence {
            source: "journal".to_owned(),
            text: format!("line {line}."),
        })
        .collect();
    let reader = Reader {
        link: "/a/token",
        person: "anna",
        device: "phone",
        until: NOON,
    };
    let page = sheet(reader, &shown).body.into_string();
    let folded = page
        .split("<details>")
        .skip(1)
        .filter_map(|rest| rest.split("</details>").next())
        .find(|folded| folded.contains("more of it"))
        .expect("the rest is folded");
    for line in 1..=20 {
        let text = format!("line {line}.");
        assert!(page.contains(&text), "{text} is there");
        assert_eq!(folded.contains(&text), (4..=16).contains(&line), "{text}");
    }
}

#[test]
fn a_host_name_that_could_be_markup_is_none() {
    assert!(HostName::new("<b>").is_err());
}
