//! Branches, loops, functions, directories.

use watchkeeper_model::RiskLevel;

use super::{check, check_flags, flagged, see};

#[test]
fn every_branch_counts() {
    check(&[
        (
            "if ls; then rm /a; else rm /b; fi",
            &["ls", "rm /a", "rm /b"],
        ),
        (
            "if ls; then rm a; elif id; then rm b; else rm c; fi",
            &["ls", "rm a", "id", "rm b", "rm c"],
        ),
        ("ls && rm /a || rm /b", &["ls", "rm /a", "rm /b"]),
        ("true || rm /a", &["rm /a"]),
        ("false && rm /a", &["rm /a"]),
        ("case x in y) rm /a;; *) rm /b;; esac", &["rm /a", "rm /b"]),
        ("while ls; do rm /a; done", &["ls", "rm /a"]),
        ("until ls; do rm /a; done", &["ls", "rm /a"]),
        ("rm /a & ls", &["rm /a", "ls"]),
        ("(rm /a)", &["rm /a"]),
        ("( (rm /a) )", &["rm /a"]),
        ("{ rm /a; }", &["rm /a"]),
        ("! rm /a", &["rm /a"]),
        ("time rm /a", &["rm /a"]),
        ("exit; rm /a", &["rm /a"]),
        ("exit 0\nrm /a", &["rm /a"]),
        ("for i in $(:); do rm /a; done", &["rm /a"]),
        ("while false; do rm /a; done", &["rm /a"]),
        ("for ((i=0;i<2;i++)); do rm $i; done", &["rm 0", "rm 1"]),
        ("coproc rm /a", &["rm /a"]),
        ("return; rm /a", &["rm /a"]),
    ]);
}

#[test]
fn several_values_are_all_tried() {
    check(&[
        (
            "a=ls; if id; then a=rm; fi; $a /x",
            &["id", "ls /x", "rm /x"],
        ),
        (
            "if id; then a=rm; else a=ls; fi; $a /x",
            &["id", "rm /x", "ls /x"],
        ),
        ("a=ls; id && a=rm; $a /x", &["id", "ls /x", "rm /x"]),
        ("id || a=rm; a=${a:-ls}; $a /x", &["id", "rm /x", "ls /x"]),
        (
            "case $1 in a) a=rm;; b) a=ls;; esac; ${a:-id} /x",
            &["id /x", "rm /x", "ls /x"],
        ),
        (
            "a=1; if id; then a=2; fi; ls $a$a",
            &["id", "ls 11", "ls 22"],
        ),
        ("$(exit; echo ls)rm /x", &["lsrm /x", "rm /x"]),
        (
            "f() { [ -e /y ] && return; echo ls; }; $(f)rm /x",
            &["lsrm /x", "rm /x"],
        ),
        (
            "$(for i in ls; do break; echo $i; done)rm /x",
            &["lsrm /x", "rm /x"],
        ),
        ("local a=ls; ${a:-rm} /x", &["ls /x", "rm /x"]),
        (
            "$(if [ -e /y ]; then echo rm; else echo ls; fi) /x",
            &["rm /x", "ls /x"],
        ),
    ]);
}

#[test]
fn loops_are_followed() {
    check(&[
        ("for i in a b; do ls $i; done", &["ls a", "ls b"]),
        ("for i in rm ls; do $i /x; done", &["rm /x", "ls /x"]),
        ("for i in /etc/*; do ls $i; done", &["ls /etc/*"]),
        ("for i in a; do :; done; ls $i", &["ls a"]),
        ("for i in a b; do break; done; ls $i", &["ls a"]),
        (
            "for i in a b; do id && break; done; ls $i",
            &["id", "ls a", "ls b"],
        ),
        (
            "for i in a; do x=rm; break 5; x=ls; done; $x /y",
            &["rm /y", "ls /y"],
        ),
        (
            "for i in a; do for j in b; do x=rm; continue 2; done; x=ls; done; $x /y",
            &["rm /y", "ls /y"],
        ),
        ("for i in {1..3}; do ls $i; done", &["ls 1", "ls 2", "ls 3"]),
        ("for i in {1..200}; do ls $i; done", &["ls …"]),
        (
            "i=0; while [ $i -lt 2 ]; do ls $i; i=$((i+1)); done",
            &["ls 0", "ls 1", "ls 2", "ls 3", "ls …"],
        ),
        (
            "while read -r a b; do ls $b; done <<< $'x 1\ny 2'",
            &["ls 1", "ls 2"],
        ),
        (
            "printf '%s\\n' p q | while read a; do ls $a; done",
            &["ls p", "ls q"],
        ),
        (
            "a=ls; while id; do $a /x; a=rm; done",
            &["id", "ls /x", "rm /x"],
        ),
        (
            "find /srv | while read f; do rm \"$f\"; done",
            &["find /srv", "rm …"],
        ),
        ("while read a; do $a; done < f", &[]),
        ("mapfile -t l <<< $'p\nq'; ls ${l[1]}", &["ls q"]),
        (
            "for i in a b; do for j in 1 2; do ls $i$j; done; done",
            &["ls a1", "ls a2", "ls b1", "ls b2"],
        ),
        ("IFS=: read a b <<< 'rm:/x'; $a $b", &["rm /x"]),
        ("read -a l <<< 'rm /x'; ${l[@]}", &["rm /x"]),
    ]);
}

#[test]
fn functions_run_with_their_arguments() {
    check(&[
        ("f() { rm $1; }", &[]),
        ("f() { rm $1; }; f /x", &["rm /x"]),
        ("f() { $1 $2; }; f rm /x", &["rm /x"]),
        ("f() { \"$@\"; }; f rm /x", &["rm /x"]),
        ("f() { g $1; }; g() { rm $1; }; f /x", &["rm /x"]),
        ("f() { echo rm; }; $(f) /x", &["rm /x"]),
        (
            "f() { local a=rm; $a /x; }; a=ls; f; $a /y",
            &["rm /x", "ls /y"],
        ),
        ("f() { a=rm; }; f; $a /x", &["rm /x"]),
        ("ls() { rm /x; }; ls", &["rm /x"]),
        ("ls() { rm /x; }; command ls", &["ls"]),
        ("f() { return; rm /x; }; f", &["rm /x"]),
        ("f() (rm /x); f", &["rm /x"]),
        ("f() { rm /x; }; sudo f", &["f"]),
        (
            "if id; then f() { rm /x; }; else f() { ls /x; }; fi; f",
            &["id", "rm /x", "ls /x"],
        ),
        ("f() { rm /x; }; unset -f f; f", &["f"]),
        ("function f { rm /x; }; f", &["rm /x"]),
        ("command_not_found_handle() { rm /x; }", &["rm /x"]),
        ("f() { rm /x; } > /tmp/o; f", &["> /tmp/o", "rm /x"]),
    ]);
}

fn directories(text: &str) -> Vec<String> {
    see(text)
        .effects
        .iter()
        .rev()
        .find(|effect| effect.found.rule == "fake.rm")
        .map(|effect| effect.context.directories.clone())
        .unwrap_or_default()
}

#[test]
fn directories_are_followed() {
    let none: &[&str] = &[];
    for (text, expect) in [
        ("rm x", &["/home/ops"] as &[&str]),
        ("cd /srv; rm x", &["/home/ops", "/srv"]),
        ("cd /srv && rm x", &["/srv"]),
        ("cd /srv || exit; rm x", &["/srv"]),
        ("cd /srv || exit 1; rm x", &["/srv"]),
        ("cd /srv || { echo no >&2; exit 1; }; rm x", &["/srv"]),
        ("cd /srv || true; rm x", &["/home/ops", "/srv"]),
        ("cd /srv || rm x", &["/home/ops"]),
        ("! cd /srv && rm x", &["/home/ops"]),
        ("if cd /srv; then rm x; fi", &["/srv"]),
        ("if ! cd /srv; then exit 1; fi; rm x", &["/srv"]),
        ("cd /srv/a/../b && cd ../c && rm x", &["/srv/c"]),
        ("cd && rm x", &["/home/ops"]),
        ("cd /srv && cd - && rm x", &["/home/ops"]),
        ("cd \"$X\" && rm x", none),
        ("(cd /srv); rm x", &["/home/ops"]),
        ("(cd /srv && rm x)", &["/srv"]),
        ("cd /srv | cat; rm x", &["/home/ops"]),
        ("pushd /srv && rm x", &["/srv"]),
        ("pushd /srv && popd && rm x", &["/home/ops"]),
        (
            "f() { cd /srv && return; }; f && rm x",
            &["/home/ops", "/srv"],
        ),
        ("cd / && bash -c 'rm x'", &["/"]),
        ("eval 'cd /srv' && rm x", &["/srv"]),
        ("for d in /a /b; do cd $d || continue; rm x; done", &["/b"]),
        ("cd -- /srv && rm x", &["/srv"]),
        (
            "exit 1 2; cd /srv || exit 1 2; rm x",
            &["/home/ops", "/srv"],
        ),
    ] {
        assert_eq!(directories(text), expect, "{text}");
    }
}

#[test]
fn what_calls_itself_is_flagged() {
    let bomb = ("shell.fork_bomb".to_owned(), RiskLevel::Forbidden);
    for text in [
        ":(){ :|:& };:",
        "b() { b | b & }; b",
        "f() { f & f; }; f",
        "f() { g & }; g() { f & }; f",
        "bash -c ':(){ :|:& };:'",
        "f() { (f | f) & }; f",
    ] {
        assert!(flagged(text).contains(&bomb), "{text}: {:?}", flagged(text));
    }
    check_flags(&[
        ("f() { f; }; f", "shell.recursion"),
        ("f() { f | f & }", ""),
        ("while true; do ls; done", "shell.endless_loop"),
        ("while :; do ls & done", "shell.endless_background"),
        ("until false; do ls; done", "shell.endless_loop"),
        ("while ((1)); do ls; done", "shell.endless_loop"),
        ("while true; do ls && break; done", ""),
        ("while true; do ls || exit; done", ""),
    ]);
}
