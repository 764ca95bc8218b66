use super::*;

fn host(name: &str) -> HostName {
    HostName::new(name).expect("a host")
}

/// What the claims of a text lack, one line for each.
fn check(text: &str, otherwise: &[&str], expect: &[&str]) {
    let (web1, web2) = (host("web1"), host("web2"));
    let ground = Ground {
        evidence: vec![
            Citable {
                label: "F1",
                title: "what the check found",
                text: "nginx.service failed 3 min ago: exit code 1",
                is_note: false,
            },
            Citable {
                label: "E1",
                title: "journal of nginx.service on web1",
                text: "bind() to 0.0.0.0:80 failed (98: Address already in use)\nworker 17 left\n\
                       open(\"/srv/data/a\") failed",
                is_note: false,
            },
            Citable {
                label: "E2",
                title: "status of x.service",
                text: "",
                is_note: false,
            },
            Citable {
                label: "K1",
                title: "a note",
                text: "port 80 was taken before",
                is_note: true,
            },
        ],
        given: vec!["web1"],
        hosts: vec![&web1, &web2],
        notes_suffice: false,
    };
    let otherwise: Vec<String> = otherwise.iter().map(|&label| label.to_owned()).collect();
    let claims = claims(text, &otherwise, &ground);
    let found: Vec<&str> = claims
        .iter()
        .map(|claim| claim.why_not.as_deref().unwrap_or("supported"))
        .collect();
    assert_eq!(found, expect, "{text:?}: {claims:?}");
}

#[test]
fn a_claim_rests_on_what_it_cites() {
    check("Port 80 is in use on web1 [E1].", &[], &["supported"]);
    check(
        "Port 80 is in use. [E1] nginx.service failed [F1].",
        &[],
        &["supported", "supported"],
    );
    check("Port 80 is in use.", &["E1"], &["supported"]);
    check("Port 80 is in use [E1, F1].", &[], &["supported"]);
    check(
        "nginx.service failed. Port 80 is taken.",
        &["F1", "E1"],
        &["supported"; 2],
    );
}

#[test]
fn a_claim_whose_evidence_does_not_exist_is_unsupported() {
    check("It is the disk.", &[], &["it cites no evidence"]);
    check("It is the disk [E9].", &["E1"], &["there is no E9"]);
    check("It is the disk [E1, E9].", &[], &["there is no E9"]);
    check("x is down [E2].", &[], &["nothing was seen under E2"]);
    check("It is the disk.", &["the log"], &["there is no the log"]);
    check("[E9]", &[], &["there is no E9"]);
}

#[test]
fn names_and_numbers_must_stand_in_what_is_cited() {
    check(
        "Port 443 is in use [E1].",
        &[],
        &["443 does not stand in E1"],
    );
    check(
        "mysql.service holds port 80 [E1].",
        &[],
        &["mysql.service does not stand in E1"],
    );
    check(
        "web2 holds the port [E1].",
        &[],
        &["web2 does not stand in E1"],
    );
    check(
        "It stands in /etc/nginx/nginx.conf [E1].",
        &[],
        &["/etc/nginx/nginx.conf does not stand in E1"],
    );
    check(
        "It cannot open `/srv/data/a`, and /srv/data is there [E1].",
        &[],
        &["supported"],
    );
    check("Worker 1 left, 2 stayed [E1].", &[], &["supported"]);
    check("The code is 9 [E1].", &[], &["supported"]);
    check("The code is 17 [F1].", &[], &["17 does not stand in F1"]);
}

#[test]
fn notes_alone_support_no_cause() {
    check(
        "Port 80 was taken before [K1].",
        &[],
        &["it rests on notes alone, not on what was seen"],
    );
    check("Port 80 was taken before [K1, E1].", &[], &["supported"]);
}

#[test]
fn sentences_end_where_they_end() {
    let text = "It runs nginx, e.g. on port 80. See `a. b`! Done? [E1]\n- Version 1.24 is old\n";
    let found: Vec<String> = sentences::sentences(text)
        .into_iter()
        .map(|one| one.text)
        .collect();
    assert_eq!(
        found,
        [
            "It runs nginx, e.g. on port 80.",
            "See `a. b`!",
            "Done? [E1]",
            "- Version 1.24 is old"
        ]
    );
}

#[test]
fn what_is_unsupported_is_marked_in_its_place() {
    let text = "One.\n\nTwo. [E9]\n[E8] Three.\n[E7]";
    let claims = claims(text, &[], &Ground::default());
    assert_eq!(
        marked(text, &claims),
        "One. (unsupported: it cites no evidence)\n\nTwo. [E9] (unsupported: there is no E9)\n[E8] Three.\n[E7] (unsupported: there is no E8)"
    );
}

#[test]
fn lines_that_are_quoted_are_found_under_their_labels() {
    let ground = Ground {
        evidence: vec![Citable {
            label: "F2",
            title: "",
            text: "Out of  memory:\nKilled process 12",
            is_note: false,
        }],
        ..Ground::default()
    };
    let labels = |lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        labels_of_lines(&lines, &ground)
    };
    assert_eq!(labels(&["out of memory: killed"]), ["F2"]);
    assert_eq!(
        labels(&["[F2]", "F2", "see [E7]", "e3: the journal"]),
        ["F2", "E7", "E3"]
    );
    assert!(labels(&["something else", "", "a"]).is_empty());
}

proptest::proptest! {
    #[test]
    fn any_text_has_claims_without_a_panic(text in "[\\PC\n\\[\\]EF0-9. `]{0,200}") {
        let ground = Ground::default();
        for claim in claims(&text, &[], &ground) {
            proptest::prop_assert!(!claim.supported);
        }
    }
}
