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
            done.split("; ").any(|part| {
                !part.is_empty() && !part.starts_with("reads ") && !part.starts_with("probes ")
            })
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
        ("find /a -exec rm -rf {} ;", "runs rm -rf /a; runs rm -rf …"),
        (
            "find /a -exec cp {} {}.bak ; -exec rm {} +",
            "runs cp /a /a.bak; runs cp … ….bak; runs rm /a; runs rm …",
        ),
        (
            "find /a -execdir sh -c 'echo {}' ;",
            "runs sh -c echo /a; runs sh -c echo …",
        ),
        (
            "find /a -exec grep x {} + -delete",
            "deletes_tree /a and below; runs grep x /a; runs grep x …",
        ),
        ("find /a -type f -exec {} ;", "runs_code high"),
        (
            "find /a -ok rm {} ;",
            "interactive high; runs rm /a; runs rm …",
        ),
        ("find /a -mindepth 1 -exec rm {}", "runs rm …"),
        ("find /a -name x.conf -exec cat {} ;", "runs cat …/…x.conf"),
        ("find /a -name *.php -exec cat {} ;", "runs cat …/….php"),
        ("find /a/x.php -name *.php -exec cat {} ;", "runs cat …"),
        (
            "find /a -name *.php -o -exec cat {} ;",
            "runs cat /a; runs cat …",
        ),
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

#[test]
fn commands_of_redis_are_told() {
    check_looks(&[
        "redis-cli ping",
        "redis-cli -h h -p 6380 -n 2 info memory",
        "redis-cli -a x --no-auth-warning dbsize",
        "redis-cli --scan --pattern 'user:*'",
        "redis-cli --bigkeys",
        "redis-cli config get maxmemory",
        "redis-cli client list",
        "redis-cli GET <?>",
        "redis-cli sort l limit 0 5",
        "redis-cli --cluster check h:6379",
        "valkey-cli slowlog get 10",
        "redis-cli memory usage k",
        "redis-cli xread count 1 streams s 0",
    ]);
    check(&[
        ("redis-cli set a 1", "database_writes medium"),
        ("redis-cli del a", "database_writes medium"),
        ("redis-cli sort l store x", "database_writes medium"),
        ("redis-cli frobnicate", "database_writes medium"),
        ("redis-cli FlushAll", "database_admin high"),
        ("redis-cli config set dir /etc", "database_admin high"),
        ("redis-cli config rewrite", "database_admin high"),
        ("redis-cli config get requirepass", "secrets high"),
        ("redis-cli config get '*'", "secrets high"),
        ("redis-cli acl list", "secrets high"),
        ("redis-cli monitor", "secrets high; unbounded low"),
        ("redis-cli bgsave", "snapshots low"),
        ("redis-cli slowlog reset", "database_writes low"),
        ("redis-cli client kill id 5", "database_admin medium"),
        ("redis-cli eval 'return 1' 0", "database_admin high"),
        ("redis-cli --eval /tmp/x.lua", "runs_code high"),
        ("redis-cli --rdb /etc/passwd", "overwrites /etc/passwd"),
        ("redis-cli --pipe", "database_writes high"),
        ("redis-cli --latency", "unbounded low"),
        (
            "redis-cli --cluster reshard h:1",
            "probes h:1; database_admin high",
        ),
        ("redis-cli --frobnicate ping", "unknown medium"),
        ("redis-cli <?>", "unknown medium; database_admin high"),
        ("redis-cli", "interactive high"),
    ]);
    check_input(&[
        ("redis-cli", "ping\nflushall\n", "database_admin high"),
        ("redis-cli", "ping\nget a\n", ""),
    ]);
}

#[test]
fn calls_of_mongo_are_told() {
    check_looks(&[
        "mongosh --version",
        "mongosh --quiet --eval 'db.stats()'",
        "mongosh app --eval 'db.orders.find({a: 1, b: {$gt: 5}}).sort({c: -1}).limit(5).toArray()'",
        "mongosh --eval 'rs.status().members; db.serverStatus().connections.current'",
        "mongosh --eval 'show dbs' --host h",
        "mongosh --eval 'printjson(db.adminCommand({replSetGetStatus: 1}))'",
        "mongosh --eval 'db.getSiblingDB(\"app\").getCollection(\"x\").countDocuments()'",
        "mongo --eval 'db.orders.find({_id: ObjectId(\"5\")}).forEach(printjson)'",
        "mongosh --eval 'JSON.stringify(db.orders.getIndexes())'",
        "mongosh --eval 'db.orders.aggregate([{$group: {_id: \"$a\", n: {$sum: 1}}}])'",
    ]);
    check_high(&[
        "mongosh --eval 'db.orders.drop()'",
        "mongosh --eval 'db.orders.deleteMany({})'",
        "mongosh --eval 'db.stats(); db.dropDatabase()'",
        "mongosh --eval 'db.orders.find({$where: \"sleep(1)\"})'",
        "mongosh --eval 'db.orders.aggregate([{$out: \"x\"}])'",
        "mongosh --eval 'db.adminCommand({shutdown: 1})'",
        "mongosh --eval 'require(\"child_process\")'",
        "mongosh --eval 'db.stats().constructor.constructor(1)'",
        "mongosh --eval 'while (true) {}'",
        "mongosh --eval 'db.stats() + 1'",
        "mongosh --eval <?>",
        "mongosh x.js",
        "mongosh",
        "mongosh --eval 'rs.stepDown()'",
    ]);
}

#[test]
fn tables_and_jobs_hold_commands() {
    check_looks(&["crontab -l", "crontab -u www-data -l", "at -l", "at -c 5"]);
    check(&[
        ("crontab -r", "schedules high"),
        ("crontab -ri -u x", "schedules high"),
        ("crontab -e", "interactive high"),
        ("crontab /tmp/x", "schedules high; reads /tmp/x"),
        ("crontab -l /tmp/x", "schedules high; reads /tmp/x"),
        ("at -f /tmp/x now", "schedules high; reads /tmp/x"),
        ("at -d 5", "schedules medium"),
    ]);
    check_input(&[
        (
            "crontab -",
            "# x\nA=b\n*/5 * * * * rm -rf /x\n",
            "schedules high; shell rm -rf /x",
        ),
        (
            "crontab",
            "@reboot id\n0 1 * * mon-fri echo a%b\n",
            "schedules high; shell id; shell echo a",
        ),
        ("crontab -", "what is this", "schedules high; shell …"),
        ("at now", "rm -rf /x", "schedules high; shell rm -rf /x"),
        ("batch", "id", "schedules high; shell id"),
    ]);
}

#[test]
fn filters_of_documents_read_and_seldom_write() {
    check_looks(&[
        "jq . /tmp/a.json",
        "jq -rc '.a[] | select(.b > 1)' f g",
        "jq -n --arg a 1 --argjson b 2 '$a'",
        "jq -rf /opt/x.jq f",
        "jq --indent 2 --tab . f",
        "gojq <?> f",
        "yq .a f",
        "yq eval -o=json .a f",
        "yq '.a = load(\"/tmp/b.yml\")' f",
    ]);
    check(&[
        ("jq -n --rawfile s /etc/shadow '$s'", "reads /etc/shadow"),
        (
            "jq --slurpfile s /etc/shadow . f",
            "reads /etc/shadow; reads f",
        ),
        ("jq --frobnicate . f", "unknown medium; reads f"),
        ("jq . /etc/shadow", "reads /etc/shadow"),
        ("yq -i '.a = 1' f", "reads f; writes f"),
        (
            "yq e -i '.a = 1' f g",
            "reads f; writes f; reads g; writes g",
        ),
        (
            "yq '.a = load(\"/etc/shadow\")' f",
            "reads /etc/shadow; reads f",
        ),
        ("yq -s .a f", "writes medium; reads f"),
        ("yq 'system(\"id\")' f", "runs_code high; reads f"),
        ("xmllint --noout f", "reads f"),
        (
            "xmllint --output /etc/passwd f",
            "overwrites /etc/passwd; reads f",
        ),
    ]);
}

#[test]
fn expressions_of_nix_only_evaluate() {
    check_looks(&[
        "nix-instantiate --eval -E '1 + 1'",
        "nix-instantiate --eval '<nixpkgs/nixos>' -A config.x",
        "nix-instantiate --eval --strict --json -E 'with import <nixpkgs> {}; lib.version'",
        "nix-instantiate --eval /etc/nixos/configuration.nix",
        "nix-instantiate --eval -E 'builtins.readFile /etc/hostname'",
        "nix-instantiate --parse ./x.nix",
    ]);
    check(&[
        ("nix-instantiate ./x.nix", "writes low"),
        (
            "nix-instantiate --eval -E 'builtins.readFile \"/etc/shadow\"'",
            "reads /etc/shadow",
        ),
        (
            "nix-instantiate --eval -E 'import ./x.nix'",
            "unknown medium",
        ),
        (
            "nix-instantiate --eval -E 'builtins.${\"ex\" + \"ec\"} 1'",
            "unknown medium",
        ),
        ("nix-instantiate --eval --frobnicate -E 1", "unknown medium"),
    ]);
    check_high(&[
        "nix-instantiate --eval -E 'builtins.exec [ \"id\" ]'",
        "nix-instantiate --eval -E 'with builtins; fetchTarball \"https://x\"'",
        "nix-instantiate --eval -I nixpkgs=https://x/y.tgz -E 1",
        "nix-instantiate --eval --option allow-unsafe-native-code-during-evaluation true -E 1",
        "nix-instantiate --eval -E <?>",
        "nix-instantiate --eval /tmp/x.nix",
        "nix-instantiate --eval https://x/y.nix",
    ]);
}

#[test]
fn flakes_that_are_evaluated_are_ours_or_foreign() {
    let judge = super::by_name("nix_expression").expect("a judge");
    let done = |line: &str| {
        let invocation = Invocation {
            argv: words(line),
            stdin: Input::Nothing,
            context: Context::default(),
        };
        shown(&judge(&invocation, &crate::spec::Matched::default()))
    };
    for line in [
        "nix eval .#nixosConfigurations.web.config.x",
        "nix eval /etc/nixos#x --json",
        "nix eval nixpkgs#hello.version --raw",
        "nix eval --expr '1 + 1' --impure",
        "nix eval --file ./x.nix attr",
    ] {
        assert_eq!(done(line), "", "{line}");
    }
    for line in [
        "nix eval github:foo/bar#x",
        "nix eval git+https://x/y#z",
        "nix eval foo#x",
        "nix eval /tmp/x#y",
        "nix eval --override-input a github:x/y .#z",
        "nix eval --expr 'builtins.getFlake \"github:x/y\"'",
    ] {
        assert_eq!(done(line), "runs_code high", "{line}");
    }
}

#[test]
fn editors_wait_for_a_person_or_run_a_script() {
    check_looks(&["vim --version"]);
    check(&[
        ("vim /etc/hosts", "interactive high; reads /etc/hosts"),
        ("vim -c ':!rm -rf /x'", "interactive high; shell rm -rf /x"),
        (
            "vim -es f -c '%s/a/b/' -c wq",
            "interactive high; reads f; overwrites f",
        ),
        (
            "vi +':w /etc/passwd' f",
            "interactive high; reads f; overwrites /etc/passwd",
        ),
        (
            "ex -S /tmp/x f",
            "interactive high; runs_code high; reads f",
        ),
        ("ed -s f", "reads f; interactive high"),
        ("ed '!id'", "interactive high; shell id"),
        ("dc -e '2 3 + p'", ""),
        ("dc -e '!id'", "shell id"),
        ("dc -e '2 3 !>a'", ""),
    ]);
    check_input(&[
        ("ed -s f", "1,$p\nq\n", "reads f"),
        ("ed -s f", "a\n!id\n.\nw\nq", "reads f; overwrites f"),
        (
            "ed f",
            "!id\nw /etc/passwd\nr /etc/shadow",
            "reads f; overwrites /etc/passwd; reads /etc/shadow; shell id",
        ),
        ("ed f", "w !sh", "reads f; shell sh"),
        ("ed f", "g/x/!id", "reads f; runs_code high"),
        (
            "ex -s f",
            "w! /etc/passwd",
            "interactive high; reads f; overwrites /etc/passwd",
        ),
        ("dc", "[!id]x", "shell id]x; shell id"),
    ]);
}

#[test]
fn builders_and_debuggers_are_judged_by_their_entries() {
    check(&[
        ("make -n install", ""),
        ("make install", "runs_code medium"),
        ("make --eval=x", "runs_code; runs_code medium"),
        ("gdb -p 5", "secrets high"),
        ("m4 f", "runs_code high"),
        ("bc -l f", "reads f"),
        ("osascript -e x", "runs_code high"),
    ]);
}

proptest::proptest! {
    #[test]
    fn no_words_make_a_judge_panic(
        command in "(find|fd|sed|awk|bash|zsh|psql|mysql|sqlite3|redis-cli|mongosh|crontab|at|python3|perl|ruby|node|php|lua|jq|yq|nix-instantiate|vim|ed|dc)",
        words in proptest::collection::vec("[-+a-z0-9 '\"`$@%{}()\\[\\]<>/\\\\#.,;:=!?&|~\n]{0,12}", 0..6),
        input in "[-a-z0-9 !%./*@=\n]{0,30}"
    ) {
        let mut argv = vec![Arg::text(command)];
        argv.extend(words.into_iter().map(Arg::text));
        let _ = judge(argv.clone(), Input::Nothing);
        let _ = judge(argv, Input::Text(input));
    }

    #[test]
    fn a_deletion_anywhere_in_an_expression_of_find_is_seen(
        before in proptest::collection::vec("(-name|-type|-mtime|-size)", 0..4),
        after in proptest::collection::vec("(-print|-prune|-depth)", 0..4)
    ) {
        let mut line = "find /a".to_owned();
        for test in before {
            line.push_str(&format!(" {test} x"));
        }
        line.push_str(" -delete");
        for action in after {
            line.push_str(&format!(" {action}"));
        }
        proptest::prop_assert!(judged(&line, Input::Nothing).starts_with("deletes"));
    }
}
