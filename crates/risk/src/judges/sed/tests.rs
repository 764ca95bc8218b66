//! Scripts of sed as people write them, and as somebody would hide a command in them.

use super::script::{Deed, read};

/// What a script does, in short.
fn deeds(script: &str) -> String {
    let Ok(deeds) = read(script, true) else {
        return "not understood".to_owned();
    };
    let shown: Vec<String> = deeds
        .iter()
        .map(|deed| match deed {
            Deed::Reads(path) => format!("reads {path}"),
            Deed::Writes(path) => format!("writes {path}"),
            Deed::Runs(command) => format!("runs {command}"),
            Deed::RunsStream => "runs the stream".to_owned(),
        })
        .collect();
    shown.join("; ")
}

fn check(rows: &[(&str, &str)]) {
    for (script, expected) in rows {
        assert_eq!(&deeds(script), expected, "{script}");
    }
}

#[test]
fn scripts_that_only_edit_do_nothing_else() {
    let scripts = [
        "",
        "p",
        "1,5p",
        "$p",
        "$!N;P;D",
        "10q",
        "/start/,/end/p",
        "/start/I,+3{p;=}",
        "0~4d",
        "\\,/usr/bin,d",
        "s/a/b/",
        "s/a/b/2gp",
        "s,/usr,/opt,g",
        "s|x|e|",
        "s/[/]/x/",
        "s/[^/]*$//",
        "s/[]e]/w/",
        "s/[[:space:]/]*$//",
        "s/\\(a\\)/\\1e/",
        "s/;/\\\n/g",
        "y/abc/xyz/",
        "y,a/b,c/d,",
        ":a;N;$!ba;s/\\n/ /g",
        "/x/b end; s/a/b/; :end",
        "/^#/d;/^$/d",
        "/x/{n;d}",
        "/x/{p;b}",
        "a\\\nrm -rf /",
        "a rm -rf /; e reboot",
        "1i\\  e rm -rf /",
        "c\\\nline one\\\ne line two",
        "# e rm -rf /\np",
        "l 60;F;z;x;h;H;g;G",
        "1!G;h;$!d",
        "n;n;s/./x/",
        "5,10!d",
    ];
    for script in scripts {
        assert_eq!(deeds(script), "", "{script}");
    }
}

#[test]
fn commands_and_files_are_seen_wherever_they_stand() {
    check(&[
        ("1e rm -rf /", "runs rm -rf /"),
        ("e", "runs the stream"),
        ("s/.*/reboot/e", "runs the stream"),
        ("s/a/b/gpe", "runs the stream"),
        ("s/a/b/w /etc/passwd", "writes /etc/passwd"),
        ("w /etc/cron.d/x", "writes /etc/cron.d/x"),
        ("$!w/tmp/x", "writes /tmp/x"),
        ("/x/W out", "writes out"),
        ("r /etc/shadow", "reads /etc/shadow"),
        ("$R /etc/shadow", "reads /etc/shadow"),
        ("p;p;e id", "runs id"),
        ("/a/{/b/{e id\n}}", "runs id"),
        ("/a/,/b/ ! { s/x/y/ ; e id\n}", "runs id"),
        ("a text\ne id", "runs id"),
        ("a\\\ntext\ne id", "runs id"),
        ("s/[/]/x/;e id", "runs id"),
        ("s,[,],x,w f", "writes f"),
        ("y/;e/xy/;e id", "runs id"),
        ("b end;e id\n:end", "runs id"),
        ("#n\ne id", "runs id"),
        ("w f;e id", "writes f;e id"),
        ("s/a\\/e/b/;e id", "runs id"),
    ]);
}

#[test]
fn what_is_no_script_is_not_understood() {
    let scripts = [
        "k",
        "s/a/b",
        "s/a/b/q",
        "}",
        "{p",
        "1,p",
        "y/a/b",
        "a",
        "w",
        "p p",
        "s/a/b/;;k",
        "/x",
        "a\\",
        "s\n",
        "e id\0k\nk",
    ];
    for script in scripts {
        assert_eq!(deeds(script), "not understood", "{script:?}");
    }
}

#[test]
fn a_slash_in_brackets_is_read_both_ways() {
    assert!(read("s/[/e;p;#]/x/", false).is_err());
    assert_eq!(
        read("s/[/]/e;#]/x/", false).as_deref(),
        Ok([Deed::RunsStream].as_slice())
    );
}

proptest::proptest! {
    #[test]
    fn no_script_panics(script in "[-/a-z0-9 \\\\\\[\\]{}^;,!$~+\n#]{0,60}") {
        let _ = read(&script, true);
        let _ = read(&script, false);
    }

    #[test]
    fn a_command_put_behind_a_good_script_is_seen(
        script in "([0-9$]{0,1}[pdDnNgGhHx=]|s/[a-z]/[a-z]/g?|y/a/b/|/[a-z]/p|:a|ba|q)(;[pdx]){0,3}"
    ) {
        let deeds = read(&format!("{script}\ne id"), true).expect("understood");
        proptest::prop_assert_eq!(deeds, vec![Deed::Runs("id".to_owned())]);
    }
}
