//! Every rule of the option grammar and of what follows from an entry, on entries made for it.

use std::fmt::Write as _;

use watchkeeper_model::Certainty;

use super::Tables;
use crate::invocation::{Context, Found, Input, Invocation, Nested, Outcome, Target};
use crate::word::{Arg, Origin, Part, Unknown};

const OWN: &str = include_str!("grammar_tests.toml");

/// A word as written here: `$X` is an unknown, in quotes it stays one word; `*` is a file pattern; `%N` is a plain
/// unknown; `''` is the empty word.
fn word(written: &str) -> Arg {
    let quoted = written.starts_with('"');
    let inner = written.trim_matches('"');
    let inner = if inner == "''" { "" } else { inner };
    let mut parts = Vec::new();
    let mut rest = inner;
    while let Some(place) = rest.find(['$', '*', '%']) {
        if place > 0 {
            parts.push(Part::Text(rest[..place].to_owned()));
        }
        let (sign, after) = rest[place..].split_at(1);
        let end = after
            .find(|letter: char| !letter.is_ascii_uppercase())
            .unwrap_or(after.len());
        let plain = sign == "%";
        if sign == "*" {
            parts.push(Part::Pattern("*".to_owned()));
            rest = after;
        } else {
            let from = Origin::Variable(after[..end].to_owned());
            parts.push(Part::Unknown(Unknown { from, plain }));
            rest = &after[end..];
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    let splits = !quoted && parts.iter().any(|part| !matches!(part, Part::Text(_)));
    Arg { parts, splits }
}

fn invocation(line: &str) -> Invocation {
    Invocation {
        argv: line.split(' ').map(word).collect(),
        stdin: Input::Nothing,
        context: Context::default(),
    }
}

fn tables() -> Tables {
    Tables::load(&[("own", OWN)]).unwrap_or_else(|error| panic!("{error}"))
}

fn shown(words: &[Arg]) -> String {
    let words: Vec<String> = words.iter().map(Arg::shown).collect();
    words.join(" ")
}

fn line_of(found: &Found) -> String {
    let mut line = found.kind.to_string();
    match &found.target {
        Target::None => {}
        Target::Path(word)
        | Target::Unit(word)
        | Target::Package(word)
        | Target::Process(word)
        | Target::Host(word)
        | Target::Url(word)
        | Target::Named(word) => write!(line, " {}", word.shown()).expect("a string"),
    }
    if let Some(level) = found.level {
        write!(line, " ={level}").expect("a string");
    }
    if found.certainty == Certainty::Possible {
        line.push_str(" ?");
    }
    if found.recursive {
        line.push_str(" all");
    }
    line
}

fn lines_of(outcome: &Outcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome.found.iter().map(line_of).collect();
    for nested in &outcome.nested {
        lines.push(match nested {
            Nested::Argv { argv, context, .. } => {
                let place = context.as_ref().map_or("", |context| &context.elsewhere);
                format!("run {} {place}", shown(argv)).trim_end().to_owned()
            }
            Nested::Shell {
                text, arguments, ..
            } => format!("shell {} {}", text.shown(), shown(arguments))
                .trim_end()
                .to_owned(),
            Nested::ShellInput { .. } => "shell input".to_owned(),
        });
    }
    lines
}

fn judged(line: &str) -> Vec<String> {
    let outcome = tables().judge(&invocation(line)).expect("a known program");
    lines_of(&outcome)
}

fn check(line: &str, expect: &[&str]) {
    assert_eq!(judged(line), expect, "{line}");
}

const READS: &[&str] = &["reads"];

#[test]
fn values_stand_joined_after_an_equals_sign_or_as_the_next_word() {
    for line in [
        "put -o /x",
        "put -o/x",
        "put -o=/x",
        "put --out /x",
        "put --out=/x",
        "put -vo /x",
        "put -vo/x",
        "put -v -a -o /x",
        "put -n5 -o /x",
        "put -n 5o -o /x",
        "put a -o /x b",
    ] {
        check(line, &["overwrites /x"]);
    }
    check("put -n -o", READS);
    check("put --limit -o", READS);
    check("put --colour -o /x", &["overwrites /x"]);
    check("put -c -o /x", &["overwrites /x"]);
    check("put -co /x", READS);
    check("put -o /x -o /y", &["overwrites /x", "overwrites /y"]);
    check("put -o", &["overwrites"]);
}

#[test]
fn two_dashes_end_the_options() {
    check("put -- -o /x", READS);
    check("put -v -- --help", READS);
    check("put -o -- /x", &["overwrites --"]);
    check("put -", READS);
}

#[test]
fn long_names_may_be_shortened_and_stand_for_all_that_begin_so() {
    check("put --ou=/x", &["overwrites /x"]);
    check("put --ou /x", &["overwrites /x"]);
    check("put --verb", READS);
    // --out and --offset-mode.
    check("put --o=/x", &["overwrites /x ?", "permissions ?"]);
    check("put --no-v", &["unknown --no-v =medium ?"]);
    check("exact --verb", &["unknown --verb =medium ?"]);
    check(
        "exact --ou=/x",
        &["unknown --ou =medium ?", "overwrites /x ?"],
    );
}

#[test]
fn a_switch_may_say_true_or_false() {
    check("put --verbose=true", READS);
    check("put --force=false", &["deletes ?"]);
    check("put --force=true", &["deletes"]);
    check("put --verbose=5", &["unknown --verbose=5 =medium ?"]);
}

#[test]
fn an_option_that_is_not_listed_is_unknown() {
    check("put -X", &["unknown -X =medium ?"]);
    check("put --frob", &["unknown --frob =medium ?"]);
    check("put --frob=1", &["unknown --frob =medium ?"]);
    check("put -vX -o /x", &["unknown -X =medium ?", "overwrites /x"]);
    check("strict -X", &["unknown -X =high ?"]);
    // Whether it takes the next word is not known: both are read.
    check(
        "service --frob list stop sshd",
        &["unknown --frob =high ?", "stops sshd ?"],
    );
    check(
        "service --frob x stop sshd",
        &[
            "unknown --frob =high ?",
            "unknown x =medium ?",
            "stops sshd ?",
        ],
    );
}

#[test]
fn numbers_are_options_where_the_table_says_so() {
    check("first -5 a", &["reads a"]);
    check("first -20q a", &["reads a"]);
    check("first +5 a", &["reads a"]);
    check("first -$N a", &["reads a"]);
    check("put -5", &["unknown -5 =medium ?"]);
    check("first -$N", READS);
    check("put +5", READS);
}

#[test]
fn old_bundles_need_no_dash() {
    check("pack tf a.tar", READS);
    check("pack -tf a.tar", READS);
    check("pack tfb a.tar 20", READS);
    check("pack xf a.tar", &["writes"]);
    check("pack xfC a.tar /x", &["writes", "writes /x"]);
    check("pack xQ", &["unknown Q =medium ?", "writes"]);
    check("pack tf x", READS);
    check(
        "pack $O a",
        &["unknown $O =medium ?", "writes ?", "writes $O ?"],
    );
}

#[test]
fn letters_without_a_dash_may_mean_something_else_than_with_one() {
    check("procs aux", READS);
    check("procs -e", READS);
    check("procs axe", &["secrets"]);
    check("procs ax e", &["secrets"]);
    check("procs ax o pid", READS);
    check("procs 1234", READS);
}

#[test]
fn words_of_the_form_name_value_are_options_of_their_own() {
    check("copy if=/a of=/b bs=1M", &["reads /a", "overwrites /b"]);
    check("copy of=$X", &["overwrites $X"]);
    check("copy foo=1", &["unknown foo =medium ?"]);
    check("copy $X", &["unknown $X =medium ?"]);
    check("copy --help", READS);
}

#[test]
fn long_names_with_one_dash_are_no_bundles() {
    check("tls -in a -out b", &["overwrites b"]);
    check("tls --out b", &["overwrites b"]);
    check("tls -out=b", &["overwrites b"]);
    check("tls -ou b", &["unknown -ou =medium ?"]);
    check("tls +short", READS);
    check("tls +long", &["unknown +long =medium ?"]);
    check(
        "tls -ou$X",
        &["unknown -ou$X =medium ?", "overwrites -ou$X ?"],
    );
    check("tls -help", READS);
}

#[test]
fn the_first_operand_ends_the_options_of_a_wrapper() {
    check("wait 5 cmd -x --help", &["run cmd -x --help"]);
    check("wait -k 2 5 cmd -k", &["run cmd -k"]);
    check("wait --frob 5 cmd", &["unknown --frob =high ?", "run cmd"]);
    check("wait 5 -v cmd", &["run cmd"]);
    check("wait -- 5 cmd", &["run cmd"]);
    check("wait 5", &["interactive"]);
    check("wait --help", READS);
    check("wait $T cmd", &["unknown $T =high ?", "run cmd"]);
    check("wait %T cmd", &["run cmd"]);
}

#[test]
fn a_program_that_reads_on_for_options_is_reckoned_with() {
    check(
        "halts a -f",
        &["deletes a ?", "deletes -f ?", "writes a ?", "writes -f ?"],
    );
    check("halts a -n", &["writes a", "writes -n"]);
    check("halts -n a", READS);
}

#[test]
fn words_that_may_be_options_are_unknown_where_an_option_may_do_harm() {
    check("put $X", &["unknown $X =medium ?"]);
    check("put \"$X\"", &["unknown $X =medium ?"]);
    check("put %X", READS);
    check("put *", &["unknown * =medium ?"]);
    check("put a*", READS);
    check("put /a/$X", READS);
    check("put -- $X", READS);
    check("first $X", &["reads $X"]);
    check("first *", &["reads *"]);
    check("say $X", READS);
}

#[test]
fn a_partly_known_option_is_everything_that_it_may_be() {
    check("put --lim$X", &["unknown --lim$X =medium ?"]);
    check(
        "put --ou$X",
        &["unknown --ou$X =medium ?", "overwrites --ou$X ?"],
    );
    check("put --out=$X", &["overwrites $X"]);
    check("put -n$X", READS);
    check("put -o$X", &["overwrites $X"]);
    check("first --qui$X", &["unknown --qui$X =medium ?"]);
}

#[test]
fn an_unquoted_variable_may_be_no_word_at_all() {
    check("put -n $X -o /x", &["overwrites /x"]);
    check("put -n $X x", READS);
    check("put -o $X /x", &["overwrites $X", "overwrites /x ?"]);
    check("put -o \"$X\" /x", &["overwrites $X"]);
}

#[test]
fn verbs_choose_what_is_done() {
    check("service list", READS);
    check("service status a", READS);
    check("service restart a b", &["restarts a", "restarts b"]);
    check("service --quiet restart a", &["restarts a"]);
    check("service restart --quiet a", &["restarts a"]);
    check("service restart -n 5 a", &["restarts a"]);
    check("service -n 5 restart a", &["restarts a"]);
    check("service dance a", &["unknown dance =medium ?"]);
    check("service", READS);
    check("tool", &["unknown"]);
    check("tool image rm x", &["deletes x"]);
    check("tool image", &["unknown"]);
    check("tool -f y image -f rm x", &["deletes x"]);
}

#[test]
fn an_option_before_the_verb_is_looked_up_again_with_the_verb() {
    check("service --now disable a", &["stops", "disables a"]);
    check(
        "service --now restart a",
        &["unknown --now =high ?", "restarts a"],
    );
    check("service --lines 5 logs a", READS);
    check("service --lines=5 logs a", READS);
}

#[test]
fn a_partly_known_verb_is_every_verb_that_it_may_be() {
    let lines = judged("service re$X a");
    assert!(
        lines.contains(&"unknown re$X =high ?".to_owned()),
        "{lines:?}"
    );
    assert!(lines.contains(&"restarts a ?".to_owned()), "{lines:?}");
    assert!(!lines.contains(&"stops a ?".to_owned()), "{lines:?}");
    let lines = judged("service \"$X\" sshd");
    assert!(lines.contains(&"stops sshd ?".to_owned()), "{lines:?}");
    let lines = judged("service $X stop sshd");
    assert!(lines.contains(&"stops sshd ?".to_owned()), "{lines:?}");
    assert!(
        lines.contains(&"unknown $X =high ?".to_owned()),
        "{lines:?}"
    );
    check(
        "service $X",
        &[
            "unknown $X =medium ?",
            "unknown $X =high ?",
            "restarts ?",
            "stops ?",
            "disables ?",
        ],
    );
}

#[test]
fn shortened_verbs_stand_for_all_that_begin_so() {
    check("net addr show", READS);
    check("net a s", READS);
    check("net a", READS);
    check("net a a x", &["network_config x"]);
    check("net addr d x", &["network_config x"]);
    check("net l", &["network_config ?", "firewall ?"]);
    check("net link", &["network_config"]);
}

#[test]
fn help_and_version_only_show_where_nothing_comes_before() {
    check("put --help", READS);
    check("put --version -o /x", READS);
    check("put -v --help", READS);
    check("put a --help", &["unknown --help =medium ?"]);
    check(
        "put -o /x --help",
        &["unknown --help =medium ?", "overwrites /x"],
    );
    check(
        "put --frob --help",
        &["unknown --frob =medium ?", "unknown --help =medium ?"],
    );
    check("service stop --help", READS);
    check("say --help", READS);
    check("put --help=1", &["unknown --help =medium ?"]);
    check(
        "service stop a --help",
        &["unknown --help =high ?", "stops a"],
    );
}

#[test]
fn words_are_selected_by_their_place() {
    check("move a b c", &["reads a", "reads b", "overwrites c"]);
    check("move a", &["reads"]);
    check(
        "move $A b",
        &["unknown $A =medium ?", "reads $A", "overwrites b"],
    );
    check(
        "move a $B",
        &[
            "unknown $B =medium ?",
            "reads a",
            "reads $B",
            "overwrites $B",
        ],
    );
    check("uniq a", &["reads a"]);
    check("uniq a b", &["reads a", "overwrites b"]);
    check("uniq a b c", &["reads a", "overwrites b", "unknown"]);
    check("uniq %A", &["reads $A", "overwrites $A"]);
    check(
        "pair a b c",
        &["writes b", "deletes c", "starts b", "starts c"],
    );
}

#[test]
fn conditions_hold_and_unhold_effects() {
    check("erase a", &["deletes a"]);
    check("erase -r a", &["deletes a", "deletes_tree a all"]);
    check("erase --recursive a", &["deletes a", "deletes_tree a all"]);
    check("erase -k a", READS);
    check(
        "erase -k --frob a",
        &["unknown --frob =medium ?", "deletes a ?"],
    );
    check("erase --mode=list a", READS);
    check("erase --mode=all a", &["deletes a"]);
    check("erase --mode=$X a", &["deletes a ?"]);
    check("erase --mode=list --mode=all a", &["deletes a ?"]);
}

#[test]
fn a_dry_run_does_nothing_but_to_an_options_own_value() {
    check("sync -o /log a", &["writes /log", "overwrites a"]);
    check("sync -n -o /log a", &["writes /log"]);
    check("sync -n --delete a", READS);
    check("sync --dry-run a", READS);
    check(
        "sync -n --frob a",
        &["unknown --frob =medium ?", "overwrites a"],
    );
    check("sync -- -n a", &["overwrites -n", "overwrites a"]);
    check("sync -n -e evil a", &["shell evil"]);
}

#[test]
fn an_option_may_stand_in_place_of_everything_else() {
    check("sync --list a", READS);
    check(
        "sync --list --frob a",
        &["unknown --frob =medium ?", "overwrites a"],
    );
    check(
        "sync --list$X a",
        &["unknown --list$X =medium ?", "overwrites a"],
    );
}

#[test]
fn what_an_option_does_may_hang_on_its_value() {
    check("fetch -X GET u", READS);
    check("fetch -X POST u", &["sends"]);
    check("fetch -XDELETE u", &["sends"]);
    check("fetch -X $M u", &["sends ?"]);
    check("fetch --to 10.0.0.1 u", READS);
    check("fetch --to file:a u", &["writes file:a"]);
}

#[test]
fn without_operands_it_is_done_to_what_is_meant_then() {
    check("upgrade a", &["package_installs a"]);
    check("upgrade", &["package_installs"]);
    check("mount", READS);
    check("mount /a", &["mounts /a"]);
}

#[test]
fn only_the_listed_operands_are_known() {
    check("power status", READS);
    check("power st-x", READS);
    check("power off", &["unknown off"]);
    check("power $X", &["unknown $X"]);
}

#[test]
fn waiting_for_a_person_and_going_on_for_ever_are_effects() {
    check("watchit", &["interactive", "unbounded"]);
    check("watchit -b", &["unbounded"]);
    check("watchit -b -c 3", READS);
    check(
        "watchit -b -c 3 --frob",
        &["unknown --frob =medium ?", "interactive", "unbounded"],
    );
}

#[test]
fn a_wrapper_hands_on_what_it_runs() {
    check(
        "as A=b -u x LD_PRELOAD=/x cmd y",
        &["privilege =read_only", "run env A=b LD_PRELOAD=/x cmd y"],
    );
    check("as A=b", &["privilege =read_only"]);
    check("over root@web -p 22 rm -rf /", &["shell rm -rf /"]);
    check("over root@web", &["interactive"]);
    check("inside web sh -c x", &["run sh -c x container web"]);
    check("code -c text a b", &["shell text"]);
    check("text -x 'a' b", &["shell 'a' b"]);
    check("sync -P gzip a", &["overwrites a", "run gzip"]);
    check("sync -F /s a", &["runs_code /s", "overwrites a"]);
    check("none", &["shell input"]);
}

#[test]
fn text_is_split_into_words_only_where_that_is_plain() {
    let line = |text: &str, rest: &[&str]| {
        let mut argv = vec![Arg::text("split"), Arg::text("-S"), Arg::text(text)];
        argv.extend(rest.iter().map(|word| Arg::text(*word)));
        let whole = Invocation {
            argv,
            ..invocation("split")
        };
        lines_of(&tables().judge(&whole).expect("known"))
    };
    assert_eq!(line("rm -rf", &["/x"]), ["run rm -rf /x"]);
    assert_eq!(line("rm '-rf'", &["/x"]), ["runs_code", "run /x"]);
}

#[test]
fn words_from_the_input_are_added() {
    let with = |line: &str, stdin: Input| {
        let whole = Invocation {
            stdin,
            ..invocation(line)
        };
        lines_of(&tables().judge(&whole).expect("known"))
    };
    let text = |text: &str| Input::Text(text.to_owned());
    assert_eq!(
        with("each rm -f", text("/a /b\n/c\n")),
        ["run rm -f /a /b /c"]
    );
    assert_eq!(with("each -n1 do", text("a b")), ["run do a", "run do b"]);
    assert_eq!(
        with("each -I {} rm {}/x", text("a b\nc\n")),
        ["run rm a b/x", "run rm c/x"]
    );
    assert_eq!(with("each -I {} rm {}", Input::Nothing), ["run rm …"]);
    assert_eq!(
        with("each rm", Input::Unknown(Origin::Network)),
        ["run rm …"]
    );
    assert_eq!(with("each rm", text("'a b'")), ["run rm …"]);
    assert_eq!(with("each -0 rm", text("a b\0c")), ["run rm a b c"]);
    assert_eq!(with("each -I@ @", text("reboot")), ["run reboot"]);
    assert_eq!(with("each", Input::Nothing), ["reads"]);
}

#[test]
fn a_program_elsewhere_is_not_the_one_in_the_tables() {
    let known = |line: &str| tables().judge(&invocation(line)).is_some();
    assert!(known("/usr/bin/put a"));
    assert!(!known("/tmp/put a"));
    assert!(!known("./put a"));
    assert!(!known("unheard-of a"));
    check("/etc/init.d/restart a", &["restarts a"]);
}

#[test]
fn no_word_is_too_long_or_too_many() {
    let line = format!("service {}", "$X ".repeat(3_000).trim_end());
    let lines = judged(&line);
    assert!(
        lines.iter().any(|line| line.starts_with("unknown")),
        "{lines:?}"
    );
    let line = format!("put -{}", "v".repeat(100_000));
    assert!(judged(&line).contains(&"unknown =high ?".to_owned()));
    let line = format!("put {}", "x ".repeat(200_000).trim_end());
    assert!(judged(&line).contains(&"unknown =high ?".to_owned()));
}

#[test]
fn names_of_files_that_begin_with_the_root_are_no_options() {
    let with = |directories: &[&str], splits: bool| {
        let directories = directories.iter().map(|name| (*name).to_owned()).collect();
        let word = Arg::unknown(Origin::PathsBelow(directories), splits);
        let whole = Invocation {
            argv: vec![Arg::text("put"), word],
            ..invocation("put")
        };
        lines_of(&tables().judge(&whole).expect("known")) == READS
    };
    assert!(with(&["/dev"], true));
    assert!(with(&["/var/log/nginx"], true));
    assert!(with(&["/tmp"], false));
    assert!(!with(&["/tmp"], true));
    assert!(!with(&["/dev/shm"], true));
    assert!(!with(&["/etc/../tmp"], true));
    assert!(!with(&["/etc", "."], false));
    assert!(!with(&[], false));
}

/// Options that take something away, of the entries of these tests; every other word only adds.
const TAKES_AWAY: &[&str] = &[
    "-n",
    "--dry-run",
    "--list",
    "-k",
    "--mode=list",
    "-b",
    "-c",
    "3",
    "--help",
    "--version",
];

#[test]
fn a_word_at_the_end_never_takes_an_effect_away() {
    let lines = [
        "put -o /x",
        "put --force",
        "put -X",
        "put $X",
        "erase -r a",
        "erase a",
        "sync a",
        "sync --delete a",
        "service stop a",
        "service restart a",
        "tool image rm x",
        "net link set",
        "upgrade",
        "fetch -X POST u",
        "watchit",
        "procs e",
        "copy of=/x",
        "tls -out x",
        "move a b",
        "power off",
        "halts a",
        "pack x",
    ];
    let words = [
        "-o",
        "-v",
        "-a",
        "--out=/y",
        "--frob",
        "-Z",
        "a",
        "/etc",
        "$X",
        "\"$X\"",
        "*",
        "--",
        "-",
        "''",
        "stop",
        "-r",
        "--recursive",
        "--mode=all",
        "-X",
        "GET",
        "of=/dev/null",
        "e",
        "-f",
        "rm",
        "status",
        "-q",
        "+x",
        "-5",
    ];
    let kinds = |line: &str| {
        let outcome = tables().judge(&invocation(line)).expect("known");
        let kinds: std::collections::BTreeSet<_> =
            outcome.found.iter().map(|found| found.kind).collect();
        kinds
    };
    for line in lines {
        let before = kinds(line);
        for word in words {
            assert!(!TAKES_AWAY.contains(&word));
            let after = kinds(&format!("{line} {word}"));
            let lost: Vec<_> = before
                .difference(&after)
                .filter(|kind| kind.as_str() != "reads")
                .collect();
            assert!(lost.is_empty(), "{line} {word}: lost {lost:?}");
        }
    }
}

#[test]
fn verbs_of_verbs_that_are_not_known_are_not_followed() {
    let lines = judged("tool $X $Y $Z");
    assert!(lines.contains(&"unknown =high ?".to_owned()), "{lines:?}");
}
