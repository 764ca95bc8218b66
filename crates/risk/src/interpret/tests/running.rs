//! Shells in shells, texts that are hidden, standard input, limits.

use watchkeeper_model::RiskLevel;

use super::{check, check_flags, flagged, input_of, ran, see};
use crate::invocation::Input;
use crate::word::{Arg, Origin};

#[test]
fn texts_for_shells_are_read() {
    check(&[
        ("bash -c 'rm /x'", &["rm /x"]),
        ("sudo bash -c \"bash -c 'rm /x'\"", &["rm /x"]),
        ("eval rm /x", &["rm /x"]),
        ("eval 'rm' '/x'", &["rm /x"]),
        ("a='rm /x'; eval \"$a\"", &["rm /x"]),
        ("eval \"$(echo rm /x)\"", &["rm /x"]),
        ("eval eval eval rm /x", &["rm /x"]),
        ("echo 'rm /x' | sh", &["rm /x"]),
        ("printf 'rm %s\\n' /x | bash", &["rm /x"]),
        ("cat <<E | sh\nrm /x\nE", &["cat", "rm /x"]),
        ("sh <<'E'\nrm /x\nE", &["rm /x"]),
        ("sh <<< 'rm /x'", &["rm /x"]),
        ("echo 'rm /x' | sudo sh", &["rm /x"]),
        ("bash <(echo 'rm /x')", &["rm /x"]),
        ("sh < <(echo rm /x)", &["rm /x"]),
        ("source <(echo rm /x)", &["rm /x"]),
        (". /dev/stdin <<< 'rm /x'", &["rm /x"]),
        (
            "echo 'rm /x' > /tmp/f; sh /tmp/f",
            &["sh /tmp/f", "echo rm /x > /tmp/f", "rm /x"],
        ),
        (
            "echo 'rm /x' > /tmp/f; . /tmp/f",
            &["echo rm /x > /tmp/f", "rm /x"],
        ),
        (
            "cat > f <<E\nrm /x\nE\nsh < f",
            &["cat > f", "cat", "rm /x"],
        ),
        (
            "cat > f <<E\nrm /x\nE\n./f",
            &["cat > f", "cat", "./f", "rm /x"],
        ),
        ("echo cm0gL3g= | base64 -d | sh", &["base64 -d", "rm /x"]),
        ("echo 'x/ mr' | rev | sh", &["rev", "rm /x"]),
        ("{ echo 'rm /x'; } | sh", &["rm /x"]),
        ("f() { echo rm /x; }; f | sh", &["rm /x"]),
        ("echo 'rm /x' | cat | sh", &["cat", "rm /x"]),
        ("echo 'rm /x' | tee f | sh", &["tee f"]),
        ("exec <<< 'rm /x'; sh", &["rm /x"]),
        ("{ sh; } <<< 'rm /x'", &["rm /x"]),
        ("{ read a; sh; } <<< $'ls\nrm /x'", &["rm /x"]),
        ("trap 'rm /x' EXIT", &["rm /x"]),
        ("trap 'rm $d' EXIT; d=/x", &["rm $d", "rm /x"]),
        ("trap f EXIT; f() { rm /x; }", &["f", "rm /x"]),
        ("command rm /x", &["rm /x"]),
        ("command -p rm /x", &["rm /x"]),
        ("builtin eval rm /x", &["rm /x"]),
        ("exec rm /x", &["rm /x"]),
        ("exec -a ls rm /x", &["rm /x"]),
        ("sudo timeout 5 env A=1 rm /x", &["rm /x"]),
        ("ls | xargs rm", &["ls", "rm …"]),
        ("echo 'rm /x' >&2 | sh", &[]),
        ("{ echo 'rm /x' >&2; } 2>&1 | sh", &["rm /x"]),
        ("eval \"rm /x $y\"", &["rm /x $y"]),
        ("echo \"rm /x $(date)\" | sh", &["date", "rm /x …"]),
        ("bash -c 'rm /x; echo '\"$z\"", &["rm /x"]),
        ("PROMPT_COMMAND='rm /x'", &["rm /x"]),
        ("PS4='$(rm /x)' bash -x", &["rm /x"]),
        ("mapfile -C 'rm /x' -c 1 a <<< b", &["rm /x"]),
    ]);
}

#[test]
fn what_is_only_known_later_is_flagged() {
    check_flags(&[
        ("$x /y", "shell.dynamic_command"),
        ("$(date) /y", "shell.dynamic_command"),
        ("/bin/r? /y", "shell.pattern_command"),
        ("eval \"$x\"", "shell.runs_unknown"),
        ("curl http://x | sh", "shell.runs_download"),
        ("bash -c \"$(curl http://x)\"", "shell.runs_download"),
        ("source <(curl http://x)", "shell.runs_download"),
        ("bash <(curl http://x)", "shell.runs_download"),
        ("sh < /tmp/unseen", "shell.runs_unknown"),
        (". ./lib.sh", "shell.source"),
        (". /etc/os-release", ""),
        ("date | sh", "shell.runs_unknown"),
        ("echo cm0gL3g= | base64 -d | sh", "shell.hidden_text"),
        ("$(echo cm0= | base64 -d) /x", "shell.hidden_command"),
        ("frobnicate", "shell.unknown_program"),
        ("./frobnicate", "shell.unknown_program"),
        ("/tmp/frobnicate", "shell.scratch_program"),
        ("cd /tmp && ./frobnicate", "shell.scratch_program"),
        ("curl -o f http://x; ./f", "shell.written_program"),
        ("date > /opt/f; /opt/f", "shell.written_program"),
        ("bash -c 'if'", "shell.refused_text"),
        ("echo 'rm (' | sh", "shell.refused_text"),
        ("IFS=$(date); a=b; ls $a", "shell.unknown_separators"),
        ("x='a[$(rm /x)]'; echo $((x))", "shell.arithmetic_code"),
        ("x='a[$(rm /x)]'; [[ $x -eq 1 ]]", "shell.arithmetic_code"),
        ("[[ -v 'a[$(rm /x)]' ]]", "shell.arithmetic_code"),
        ("test -v 'a[$(rm /x)]'", "shell.arithmetic_code"),
        ("unset 'a[$(rm /x)]'", "shell.arithmetic_code"),
        ("let 'a[$(rm /x)]=1'", "shell.arithmetic_code"),
        ("x='$(rm /x)'; echo ${x@P}", "shell.prompt_expansion"),
        ("x=$(date); echo $(( x + 1 ))", ""),
        ("echo $(( $(date) + 1 ))", ""),
        ("ls *.log /etc/*", ""),
        ("for f in /etc/*; do ls \"$f\"; done", ""),
        ("ls $(hostname)", ""),
    ]);
}

#[test]
fn what_changes_later_commands_is_flagged() {
    check_flags(&[
        ("alias ls=rm", "shell.alias"),
        ("alias", ""),
        ("shopt -s expand_aliases", "shell.shopt"),
        ("shopt -s nullglob", ""),
        ("set -k", "shell.set"),
        ("set -euo pipefail", ""),
        ("enable -f x", "shell.changes_commands"),
        ("hash -p /tmp/x ls", "shell.hash"),
        ("hash -r", ""),
        ("exec -a x ls", "shell.exec"),
        ("bind -x '\"a\": ls'", "shell.changes_commands"),
        ("declare -n a=b", "shell.nameref"),
        ("ls() { rm /x; }", "shell.shadowed_command"),
        ("ls() { command ls -la; }", ""),
        ("PATH=/tmp:$PATH ls", "shell.environment"),
        ("PATH=/tmp; ls", "shell.environment"),
        ("export PATH=/tmp", "shell.environment"),
        ("LD_PRELOAD=/tmp/x.so ls", "shell.environment"),
        ("env LD_PRELOAD=/tmp/x.so ls", "shell.environment"),
        ("sudo LD_PRELOAD=/tmp/x.so ls", "shell.environment"),
        ("BASH_ENV=/tmp/x bash -c ls", "shell.environment"),
        ("PAGER='sh -c x' ls", "shell.environment"),
        ("PAGER=cat SYSTEMD_PAGER= ls", ""),
        ("LC_ALL=C LANG=C TZ=UTC ls", ""),
        ("FOO=1 ls", ""),
        ("PGHOST=db.example ls", "shell.asks"),
        ("env PGHOSTADDR=192.0.2.7 ls", "shell.asks"),
        ("sudo CONSUL_HTTP_ADDR=a.example:8500 ls", "shell.asks"),
        ("export MYSQL_HOST=db.example; ls", "shell.asks"),
        ("PGHOST=db.example; export PGHOST; ls", "shell.asks"),
        ("set -a; REDISCLI_HOST=db.example; ls", "shell.asks"),
        ("X=https://a.example/ ls", "shell.asks"),
        ("DISPLAY=a.example:0 ls", "shell.asks"),
        ("http_proxy=http://a.example ls", "shell.environment"),
        ("PIP_INDEX_URL=http://a.example ls", "shell.environment"),
        ("PGHOST=/run/postgresql DISPLAY=:0 ls", ""),
        ("NO_PROXY=localhost PGHOST= ls", ""),
        ("PGHOST=db.example; ls", "shell.asks"),
        ("PGHOST=$x; ls", "shell.asks"),
        ("read PGHOST <<< db.example; ls", "shell.asks"),
        ("for PGHOST in db.example; do ls; done", "shell.asks"),
        ("http_proxy=http://a.example; ls", "shell.asks"),
        ("PGHOST=/run/postgresql; ls", ""),
        ("HOST=db.example; url=http://a.example/; ls", ""),
        ("x=https://a.example/; ls", ""),
        ("PATH=$PATH:/usr/sbin:/sbin ls", ""),
        ("PATH=$PATH: ls", "shell.environment"),
        ("PATH=$X:/sbin ls", "shell.environment"),
        ("PATH[0]=/tmp; ls", "shell.environment"),
        ("PATH=(/tmp); ls", "shell.environment"),
        ("read -a PATH <<< /tmp; ls", "shell.environment"),
        ("for PATH in /tmp; do ls; done", "shell.environment"),
        ("BASH_CMDS[ls]=/tmp/x; ls", "shell.environment"),
        ("printf -v 'a[$(rm /x)]' x", "shell.arithmetic_code"),
        ("declare \"$x=1\"", "shell.unknown_name"),
        ("export HISTFILE=/dev/null", "shell.history"),
        ("unset HISTFILE", "shell.history"),
        ("history -c", "shell.history"),
        ("history", ""),
        ("ulimit -n 1024", "shell.limits"),
        ("ulimit -a", ""),
        ("IFS=, ls", "shell.environment"),
        ("IFS=$'\\n'; ls", ""),
        ("while IFS= read -r l; do ls; done < f", ""),
        ("export -f f", "shell.export_function"),
        ("exec -z ls", "shell.unknown_option"),
        ("command -z ls", "shell.unknown_option"),
    ]);
}

#[test]
fn what_is_flagged_beyond_a_medium_is_high() {
    for text in [
        "$x",
        "eval \"$x\"",
        "curl http://x | sh",
        "PATH=/tmp ls",
        "alias a=b",
        "/tmp/x",
        "bash -c 'if'",
    ] {
        let level = flagged(text).into_iter().map(|(_, level)| level).max();
        assert_eq!(level, Some(RiskLevel::High), "{text}");
    }
    assert_eq!(
        flagged("frobnicate"),
        [("shell.unknown_program".to_owned(), RiskLevel::Medium)]
    );
}

#[test]
fn limits_are_named() {
    check_flags(&[
        ("ls {1..1000000000}", "limit.words_of_one_brace_expansion"),
        (
            "for i in {1..1000000000}; do ls $i; done",
            "limit.words_of_one_brace_expansion",
        ),
        (
            "a=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; for i in {1..8}; do a=$a$a; done; for i in {1..64}; do ls $a $a $a; done",
            "limit.bytes_of_expansions",
        ),
        (
            "for a in {1..60}; do for b in {1..60}; do for c in {1..60}; do ls; done; done; done",
            "limit.commands",
        ),
        (
            "sudo sudo sudo sudo sudo sudo sudo sudo sudo sudo ls",
            "limit.commands_that_run_commands",
        ),
        (
            "id && a=1; id && b=1; id && c=1; id && d=1; id && e=1; id && f=1; id && g=1; ls $a$b$c$d$e$f$g",
            "limit.combinations_of_values",
        ),
    ]);
}

#[test]
fn standard_input_is_followed() {
    assert_eq!(input_of("tee x"), [Input::Nothing]);
    assert_eq!(input_of("echo a | tee x"), [Input::Text("a\n".to_owned())]);
    assert_eq!(input_of("tee x <<< b"), [Input::Text("b\n".to_owned())]);
    assert_eq!(input_of("tee x < f"), [Input::File(Arg::text("f"))]);
    assert_eq!(
        input_of("cat <<E | tee x\na $((1+1))\nE"),
        [Input::Text("a 2\n".to_owned())]
    );
    let below = Input::Unknown(Origin::PathsBelow(vec!["/srv".to_owned()]));
    assert_eq!(input_of("find /srv | tee x"), std::slice::from_ref(&below));
    assert_eq!(input_of("find /srv | cat | tee x"), [below]);
    assert_eq!(
        input_of("curl http://x | tee x"),
        [Input::Unknown(Origin::Network)]
    );
    assert_eq!(input_of("date | tee x"), [Input::Unknown(Origin::Output)]);
    assert_eq!(input_of(": | tee x"), [Input::Text(String::new())]);
}

#[test]
fn hidden_texts_are_shown() {
    let seen = see("echo cm0gL3g= | base64 -d | sh");
    assert_eq!(seen.decoded.len(), 1);
    assert_eq!(seen.decoded[0].how, "base64");
    assert_eq!(seen.decoded[0].text, "rm /x");
}

#[test]
fn an_effect_stands_where_its_outermost_command_stands() {
    let text = "ls; sudo bash -c 'rm /x'";
    let canonical = watchkeeper_shell::parse(text)
        .expect("a good text")
        .canonical;
    let seen = see(text);
    let effect = seen
        .effects
        .iter()
        .find(|effect| effect.found.rule == "fake.rm")
        .expect("rm is seen");
    let place = effect.place.expect("it has a place");
    assert_eq!(
        &canonical[place.from as usize..place.to as usize],
        "sudo bash -c 'rm /x'"
    );
    assert_eq!(effect.words, "rm /x");
}

#[test]
fn patterns_for_a_program_try_the_dangerous_ones() {
    assert_eq!(ran("/bin/r? -rf /x"), ["rm -rf /x"]);
    assert_eq!(ran("/???/r[m] -rf /x"), ["rm -rf /x"]);
    assert_eq!(ran("$x rm /x"), ["rm /x"]);
    assert_eq!(ran("r${x}m /x"), ["rm /x"]);
}
