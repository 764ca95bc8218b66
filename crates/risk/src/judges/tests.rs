//! Whole commands through their table entry and its judge: what is found, and what is handed back to be judged.

use std::sync::LazyLock;

use crate::invocation::{Context, Found, Input, Invocation, Nested, Outcome, Target};
use crate::spec::Tables;
use crate::word::{Arg, Origin};

/// The entries that judges of this module serve.
static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let text = include_str!("../../tables/languages.toml");
    Tables::load(&[("languages", text)]).expect("the table is whole")
});

/// Words parted at blanks; single quotes hold a word together, `<?>` is a word that is not known, `<??>` some words.
pub(super) fn words(line: &str) -> Vec<Arg> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut stands = false;
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                stands = true;
            }
            ' ' if !quoted => {
                if stands {
                    words.push(std::mem::take(&mut word));
                }
                stands = false;
            }
            letter => {
                word.push(letter);
                stands = true;
            }
        }
    }
    if stands {
        words.push(word);
    }
    words
        .into_iter()
        .map(|word| match word.as_str() {
            "<?>" => Arg::unknown(Origin::Output, false),
            "<??>" => Arg::unknown(Origin::Output, true),
            _ => Arg::text(word),
        })
        .collect()
}

/// What a command does, in short.
pub(super) fn judged(line: &str, stdin: Input) -> String {
    judge(words(line), stdin)
}

/// The same for words that are parted already.
pub(super) fn judged_words(words: &[&str]) -> String {
    judge(
        words.iter().map(|word| Arg::text(*word)).collect(),
        Input::Nothing,
    )
}

fn judge(argv: Vec<Arg>, stdin: Input) -> String {
    let invocation = Invocation {
        argv,
        stdin,
        context: Context {
            directories: vec!["/root".to_owned()],
            ..Context::default()
        },
    };
    TABLES
        .judge(&invocation)
        .map_or_else(|| "no entry".to_owned(), |outcome| shown(&outcome))
}

fn shown(outcome: &Outcome) -> String {
    let found = outcome.found.iter().map(effect);
    let nested = outcome.nested.iter().map(nested);
    let mut all: Vec<String> = found.chain(nested).filter(|text| text != "reads").collect();
    all.dedup();
    all.join("; ")
}

fn effect(found: &Found) -> String {
    let mut text = found.kind.to_string();
    if let Some(level) = found.level {
        text.push(' ');
        text.push_str(level.as_str());
    }
    match &found.target {
        Target::None => {}
        Target::Path(arg)
        | Target::Unit(arg)
        | Target::Package(arg)
        | Target::Process(arg)
        | Target::Host(arg)
        | Target::Url(arg)
        | Target::Named(arg) => {
            text.push(' ');
            text.push_str(&arg.shown());
        }
    }
    if found.recursive {
        text.push_str(" and below");
    }
    text
}

fn nested(nested: &Nested) -> String {
    match nested {
        Nested::Argv { argv, .. } => {
            let words: Vec<String> = argv.iter().map(Arg::shown).collect();
            format!("runs {}", words.join(" "))
        }
        Nested::Shell {
            text,
            arguments,
            hidden,
            ..
        } => {
            let arguments: Vec<String> = arguments.iter().map(Arg::shown).collect();
            let with = if arguments.is_empty() { "" } else { " with " };
            let how = hidden.as_deref().unwrap_or("shell");
            format!("{how} {}{with}{}", text.shown(), arguments.join(" "))
        }
        Nested::ShellInput { .. } => "shell of its input".to_owned(),
    }
}

/// Each line does what stands beside it.
pub(super) fn check(rows: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(line, expected)| {
            let done = judged(line, Input::Nothing);
            (done != *expected).then(|| format!("{line}\n  does     {done}\n  expected {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same with a text on the standard input.
pub(super) fn check_input(rows: &[(&str, &str, &str)]) {
    for (line, input, expected) in rows {
        let done = judged(line, Input::Text((*input).to_owned()));
        assert_eq!(&done, expected, "{line} <<< {input}");
    }
}

/// None of these lines does anything but look.
pub(super) fn check_looks(lines: &[&str]) {
    let rows: Vec<(&str, String)> = lines
        .iter()
        .map(|line| (*line, judged(line, Input::Nothing)))
        .collect();
    let wrong: Vec<String> = rows
        .iter()
        .filter(|(_, done)| {
            done.split("; ")
                .any(|part| !part.is_empty() && !part.starts_with("reads "))
        })
        .map(|(line, done)| format!("{line}: {done}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each of these lines does something that is high, without a target.
pub(super) fn check_high(lines: &[&str]) {
    let wrong: Vec<&&str> = lines
        .iter()
        .filter(|line| !judged(line, Input::Nothing).contains(" high"))
        .collect();
    assert!(wrong.is_empty(), "not high: {wrong:?}");
}

#[test]
fn find_is_read_to_its_end() {
    check_looks(&[
        "find",
        "find /var/log -name '*.gz' -mtime +30",
        "find / -xdev -type f -size +100M -print0",
        "find -L /etc -maxdepth 2 ( -name a -o -name b ) ! -user root -ls",
        "find /proc -maxdepth 1 -regextype posix-extended -regex '.*/[0-9]+' -prune -o -print",
        "find . -newermt 2026-01-01 -printf '%s %p\\n' -quit",
        "find /x -perm /6000 -newer -delete",
        "find /x -name -delete",
        "find /x -name <?>",
        "find /x -samefile /etc/passwd",
    ]);
    check(&[
        ("find /etc -delete", "deletes_tree /etc and below"),
        ("find -delete", "deletes_tree . and below"),
        (
            "find /a /b -name x -delete",
            "deletes /a and below; deletes /b and below",
        ),
        ("find /a -delete -name x", "deletes_tree /a and below"),
        ("find /a -name x -o -delete", "deletes_tree /a and below"),
        ("find /a ! -name x -delete", "deletes_tree /a and below"),
        ("find /a -name '*' -delete", "deletes_tree /a and below"),
        ("find /a -type f -delete", "deletes_tree /a and below"),
        ("find /a -mtime +7 -delete", "deletes /a and below"),
        ("find /a -exec rm -rf {} ;", "runs rm -rf …"),
        (
            "find /a -exec cp {} {}.bak ; -exec rm {} +",
            "runs cp … ….bak; runs rm …",
        ),
        ("find /a -execdir sh -c 'echo {}' ;", "runs sh -c echo …"),
        (
            "find /a -exec grep x {} + -delete",
            "deletes_tree /a and below; runs grep x …",
        ),
        ("find /a -exec {} ;", "runs_code high"),
        ("find /a -ok rm {} ;", "interactive high; runs rm …"),
        ("find /a -exec rm {}", "runs rm …"),
        ("find /a -fprint /etc/passwd", "overwrites /etc/passwd"),
        (
            "find /a -fprintf /tmp/x '%p' -fls /tmp/y",
            "overwrites /tmp/x; overwrites /tmp/y",
        ),
        (
            "find -files0-from /root/list -delete",
            "reads /root/list; deletes_tree … and below",
        ),
        ("find /a -frobnicate", "runs_code high"),
        ("find /a <?>", "unknown medium"),
        ("find /a -name x <?>", "runs_code high"),
        ("find <??> -name x", "runs_code high"),
        ("find /a -name <??>", "runs_code high"),
        ("find <?> -name x", "unknown medium"),
    ]);
}

#[test]
fn fd_is_read_to_its_end() {
    check_looks(&[
        "fd",
        "fd -e log . /var/log",
        "fdfind -HI -t f -S +100M pattern /",
        "fd -l --changed-within 1d conf /etc",
        "fd --max-depth=2 x",
    ]);
    check(&[
        ("fd x /a -x rm", "runs rm …"),
        ("fd x /a -Hx rm -f {} ; -t f", "runs rm -f …"),
        ("fd x /a --exec-batch chmod 777 {/}", "runs chmod 777 …"),
        ("fd x -X", "unknown medium"),
        ("fd --frobnicate x", "runs_code high"),
        ("fd <?>", "runs_code high"),
        ("fd x -x echo ; -x rm", "runs_code high; runs echo …"),
    ]);
}

#[test]
fn scripts_of_sed_and_their_files_are_judged() {
    check_looks(&[
        "sed -n 1,5p /var/log/syslog",
        "sed -e s/a/b/ -e p",
        "sed -nE '/a|b/{p;q}' f",
        "sed --quiet --expression=p f",
        "sed -z -s -u p f g",
        "sed w/dev/stdout f",
    ]);
    check(&[
        (
            "sed -i s/a/b/ /etc/hosts",
            "reads /etc/hosts; writes /etc/hosts",
        ),
        ("sed -Ei.bak s/a/b/ f", "reads f; writes f"),
        (
            "sed --in-place=.old -e s/a/b/ f g",
            "reads f; writes f; reads g; writes g",
        ),
        ("sed -ni p f", "reads f; writes f"),
        ("sed -i", "unknown medium"),
        ("sed '1e id'", "shell id"),
        (
            "sed -n 'w /etc/passwd' f",
            "overwrites /etc/passwd; reads f",
        ),
        ("sed -e '1r /etc/shadow' f", "reads /etc/shadow; reads f"),
        (
            "sed -f /opt/x.sed f",
            "reads /opt/x.sed; runs_code medium; reads f",
        ),
        (
            "sed -f /tmp/x.sed f",
            "reads /tmp/x.sed; runs_code high; reads f",
        ),
        ("sed <?> f", "unknown medium …; runs_code high; reads f"),
        ("sed s/a/b/e f", "runs_code high; reads f"),
        ("sed -e p -f - f", "reads f"),
    ]);
    check_input(&[("sed -f - f", "1e id", "reads f; shell id")]);
    check_high(&["sed --frobnicate p f", "sed 'k' f", "sed -f <?> f"]);
}

#[test]
fn programs_of_awk_and_their_files_are_judged() {
    check_looks(&[
        "awk '{print $1}' /var/log/syslog",
        "awk -F: -v n=3 '$3 > n' OFS=x /etc/passwd",
        "gawk -F '\\t' --source '{print}' f",
        "mawk 'BEGIN{print 1/3}'",
        "awk '{print > \"/dev/stderr\"}' f",
        "awk 'NR==FNR{a[$1];next} $1 in a' f g",
    ]);
    check(&[
        ("awk 'BEGIN{system(\"id\")}'", "shell id"),
        (
            "awk 'BEGIN{c=\"rm -rf \" \"/x\"; system(c)}'",
            "shell rm -rf /x",
        ),
        ("awk -v c=id 'BEGIN{system(c)}'", "shell id"),
        ("awk -v c=id 'BEGIN{c=\"ls\";system(c)}'", "runs_code high"),
        ("awk '{system($0)}' f", "runs_code high; reads f"),
        ("awk 'BEGIN{print \"id\" | \"sh\"}'", "shell sh"),
        (
            "awk '{print >> \"/etc/hosts\"}' f",
            "writes /etc/hosts; reads f",
        ),
        ("awk '{print > $1}' f", "overwrites high; reads f"),
        (
            "awk '{print > \"/tmp/\" $1}' f",
            "overwrites /tmp/…; reads f",
        ),
        (
            "awk 'BEGIN{getline x < \"/etc/shadow\"}'",
            "reads /etc/shadow",
        ),
        ("awk 'BEGIN{\"/inet/tcp/0/h/1\" |& getline}'", "sends high"),
        ("gawk -i inplace '{print}' f", "writes f; reads f"),
        ("gawk -l filefuncs '{print}' f", "runs_code high; reads f"),
        (
            "awk -f /opt/p.awk f",
            "reads /opt/p.awk; runs_code medium; reads f",
        ),
        ("awk '{print' f", "runs_code high; reads f"),
        ("awk <?> f", "unknown medium …; runs_code high; reads f"),
        ("awk", "unknown medium"),
    ]);
}

#[test]
fn shells_hand_their_text_back() {
    check_looks(&["bash -n /opt/x.sh", "sh --version", "zsh -n f"]);
    check(&[
        ("bash -c 'rm -rf /'", "shell rm -rf /"),
        ("bash -euo pipefail -c 'df -h' x y", "shell df -h with x y"),
        ("sh -xc id", "shell id"),
        ("bash -c -x id", "shell id"),
        ("bash -lc id", "shell id"),
        ("sh -c 'echo $\\'a", "shell echo $\\a"),
        ("dash -c '[[ a > b ]]'", "runs_code high; shell [[ a > b ]]"),
        ("zsh -c 'ls -l /etc | wc -l'", "shell ls -l /etc | wc -l"),
        ("zsh -c 'ls *(e:id:)'", "runs_code high; shell ls *(e:id:)"),
        ("fish -c 'echo (id)'", "runs_code high; shell echo (id)"),
        ("bash /opt/x.sh a", "reads /opt/x.sh; runs_code medium"),
        ("bash /tmp/x.sh", "reads /tmp/x.sh; runs_code high"),
        ("bash <?>", "runs_code high; reads …; runs_code high"),
        ("bash", "interactive high"),
        ("bash -i", "interactive high"),
        ("bash --rcfile /tmp/x -c id", "runs_code high; shell id"),
        ("bash -O extdebug -c id", "runs_code high; shell id"),
        ("bash --frobnicate -c id", "runs_code high; shell id"),
        ("fish -C id", "runs_code high; reads id; runs_code medium"),
        ("bash -c", "unknown medium"),
        ("zsh -D -c id", "runs_code high; shell id"),
    ]);
    check_input(&[
        ("bash", "id", "shell of its input"),
        ("bash -s a b", "id", "shell id with bash a b"),
        ("sh", "[[ x", "runs_code high; shell of its input"),
    ]);
}
