//! Replies as hosts send them, and as they never should.

use proptest::prelude::*;

use super::*;

const NONCE: Nonce = Nonce::from_bytes([0xab; 16]);

fn reply(line: &str) -> Vec<u8> {
    format!("Welcome to web1\nlast login: @never@{NONCE} {line}\n").into_bytes()
}

fn seen(state: &str, end: &str) -> Vec<u8> {
    let digest = "0".repeat(64);
    let line =
        format!("{state} out=3 err=2 outcut=- errcut=1 boot=ab-1.7 digest={digest} end={end}");
    [
        reply(&line),
        b"a\n\0!!".to_vec(),
        format!("@{NONCE} end\n").into_bytes(),
    ]
    .concat()
}

#[test]
fn replies_are_found_behind_any_noise() {
    assert_eq!(
        start_reply(NONCE, &reply("started unit")),
        Ok(StartReply::Started(Launch::Unit))
    );
    assert_eq!(
        start_reply(NONCE, &reply("already")),
        Ok(StartReply::Already)
    );
    let refused = StartReply::Refused(Refusal::OtherBoot);
    assert_eq!(
        start_reply(NONCE, &reply("refused other-boot")),
        Ok(refused)
    );
    assert_eq!(
        start_reply(NONCE, &reply("refused not-allowed")),
        Ok(StartReply::Refused(Refusal::NotAllowed))
    );
    assert_eq!(
        cancel_reply(NONCE, &reply("too-late")),
        Ok(CancelReply::TooLate)
    );
    assert_eq!(wipe_reply(NONCE, &reply("busy")), Ok(WipeReply::Busy));
    assert_eq!(
        boot_reply(NONCE, &reply("boot ab-1.7")),
        Ok(BootReply::Boot(BootId("ab-1.7".to_owned())))
    );
}

#[test]
fn what_is_not_in_the_words_of_the_protocol_says_nothing() {
    for line in [
        "started",
        "started later",
        "started unit x",
        "started  unit",
        "done",
        "refused",
        "refused because",
        "",
    ] {
        assert!(
            matches!(
                start_reply(NONCE, &reply(line)),
                Err(ReplyError::Malformed { .. })
            ),
            "{line:?}"
        );
    }
    assert_eq!(
        start_reply(NONCE, b"sudo: a password is required\n"),
        Err(ReplyError::Absent { bytes: 29 })
    );
    let uncut = reply("started unit");
    assert_eq!(
        start_reply(NONCE, &uncut[..uncut.len() - 1]),
        Err(ReplyError::Cut)
    );
    let other = Nonce::from_bytes([1; 16]);
    assert!(start_reply(other, &uncut).is_err());
}

#[test]
fn an_attach_is_read_with_its_bytes() {
    let AttachReply::Seen(sighting) =
        attach_reply(NONCE, &seen("done", "limit:143:1.25:3.50:1")).expect("a reply")
    else {
        panic!("it was not refused");
    };
    assert_eq!(sighting.state, StepState::Done);
    assert_eq!(
        sighting.end,
        Some(EndStatus {
            by_limit: true,
            code: 143,
            children_left: true
        })
    );
    assert_eq!(
        (sighting.stdout.as_slice(), sighting.stderr.as_slice()),
        (&b"a\n\0"[..], &b"!!"[..])
    );
    assert_eq!((sighting.stdout_cut, sighting.stderr_cut), (None, Some(1)));
}

#[test]
fn a_cut_attach_says_nothing() {
    let whole = seen("done", "exit:0:1:2:0");
    assert!(attach_reply(NONCE, &whole).is_ok());
    for length in 0..whole.len() {
        assert!(
            attach_reply(NONCE, &whole[..length]).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn state_and_status_must_fit() {
    for (state, end) in [
        ("done", "-"),
        ("running", "exit:0:1:2:0"),
        ("died", "exit:0:1:2:0"),
    ] {
        assert!(
            attach_reply(NONCE, &seen(state, end)).is_err(),
            "{state} {end}"
        );
    }
    for end in [
        "exit:256:1:2:0",
        "exit:-1:1:2:0",
        "exit:0:1:2:2",
        "well:0:1:2:0",
        "exit:0:1:2",
        "exit:0:1:2:0:0",
    ] {
        assert!(attach_reply(NONCE, &seen("done", end)).is_err(), "{end}");
    }
}

#[test]
fn more_output_than_was_asked_for_is_refused() {
    let line = format!(
        "running out={} err=0 outcut=- errcut=- boot=a digest=- end=-",
        ATTACH_BYTES + 1
    );
    assert!(matches!(
        attach_reply(NONCE, &reply(&line)),
        Err(ReplyError::Malformed { .. })
    ));
}

proptest! {
    #[test]
    fn garbage_is_never_a_reply(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(start_reply(NONCE, &bytes).is_err());
        prop_assert!(attach_reply(NONCE, &bytes).is_err());
        prop_assert!(cancel_reply(NONCE, &bytes).is_err());
        prop_assert!(wipe_reply(NONCE, &bytes).is_err());
        prop_assert!(boot_reply(NONCE, &bytes).is_err());
    }

    #[test]
    fn garbage_behind_the_nonce_is_neither_started_nor_done(words in "[ -~\n\\PC]{0,200}") {
        let bytes = reply(&words);
        let line = words.split('\n').next().unwrap_or_default();
        prop_assert!(!matches!(start_reply(NONCE, &bytes), Ok(StartReply::Started(_))) || line.starts_with("started "));
        prop_assert!(attach_reply(NONCE, &bytes).is_err() || line.starts_with("refused "));
    }

    #[test]
    fn one_changed_byte_never_makes_an_attach_done(at in 0usize..200, to in any::<u8>()) {
        let mut bytes = seen("running", "-");
        let at = at % bytes.len();
        bytes[at] = to;
        let reply = attach_reply(NONCE, &bytes);
        let is_done = matches!(&reply, Ok(AttachReply::Seen(sighting)) if sighting.state == StepState::Done);
        prop_assert!(!is_done, "{:?}", reply);
    }
}
