//! Texts and what becomes of them: their canonical text, their tree, or a refusal.

mod refused;
mod table;
mod trees;

use watchkeeper_shell::{is_plain_pipeline, parse, plain_pipeline};

#[test]
fn every_text_has_its_canonical_text() {
    let mut wrong = Vec::new();
    for (text, canonical) in table::canonical() {
        let found = parse(text).map(|parsed| parsed.canonical);
        if found.as_deref() != Ok(*canonical) {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn canonical_text_is_its_own_and_gives_the_same_tree() {
    for (_, canonical) in table::canonical() {
        let parsed =
            parse(canonical).unwrap_or_else(|refusal| panic!("{canonical}\nis refused: {refusal}"));
        assert_eq!(parsed.canonical, *canonical);
        assert_eq!(parse(&parsed.canonical), Ok(parsed));
    }
}

#[test]
fn the_place_of_a_command_is_its_text() {
    let parsed = parse("a  'b c' && x=$( d  e ) f >g").expect("is parsed");
    let texts: Vec<&str> = trees::simples(&parsed.script)
        .iter()
        .map(|simple| &parsed.canonical[simple.place.from as usize..simple.place.to as usize])
        .collect();
    assert_eq!(texts, ["a 'b c'", "x=$(d e) f >g", "d e"]);
}

#[test]
fn a_pipeline_of_literal_words_needs_no_shell() {
    let plain = |text: &str| plain_pipeline(&parse(text).expect("is parsed").script);
    assert_eq!(
        plain("ps  aux | grep 'a b'"),
        Some(vec![
            vec!["ps".into(), "aux".into()],
            vec!["grep".into(), "a b".into()]
        ])
    );
    assert_eq!(
        plain("find . -name '*.log'").map(|commands| commands.len()),
        Some(1)
    );
    for text in [
        "ps aux >f",
        "a=b ps",
        "cd /",
        "echo a",
        "ls *",
        "ls ~",
        "ls $x",
        "a; b",
        "a && b",
        "a &",
        "! a",
        "time a",
        "a | read x",
        "(a)",
        "ls {a,b}",
        "a 2>&1 | b",
        "printf x",
        "'cd' /",
        "kill 1",
        "ls $(a)",
        "ls a?b",
        "\"\" a",
    ] {
        assert!(
            !is_plain_pipeline(&parse(text).expect("is parsed").script),
            "{text}"
        );
    }
}
