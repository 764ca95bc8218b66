//! The documents tell the truth: every command in a `sh` block of README.md and docs/*.md is known to the program and
//! is run, document by document, in a home where a trouble was found; links lead somewhere; what
//! docs/coming-from.md says of the older systems can be found.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use watchkeeper_testkit::model_server::{MODEL, ModelServer};
use watchkeeper_tests::binary::{Home, Ran};
use watchkeeper_tests::missing;

/// How long one command of a document may take; far more than any does.
const LONG: Duration = Duration::from_secs(90);
/// How long a command that goes on until it is stopped is watched.
const A_WHILE: Duration = Duration::from_secs(2);

/// Commands that end otherwise than with 0 in a home with one trouble and no terminal, and why.
const ENDINGS: [(&str, &[i32], &str); 9] = [
    (
        "check",
        &[1, 2],
        "as Nagios says it: something is wrong there",
    ),
    (
        "doctor",
        &[0, 1],
        "a machine may lack what a check would like to have",
    ),
    (
        "enrol",
        &[1],
        "this machine is reached without SSH: there is no key to accept",
    ),
    (
        "approve show",
        &[0, 1],
        "a document may decide about an action that others have seen through",
    ),
    ("approve", &[0, 1], "the same"),
    (
        "knowledge verify",
        &[0, 1],
        "entries have other numbers in a home of its own",
    ),
    ("configs", &[0, 1], "nothing may have been read yet"),
    (
        "risk explain",
        &[0, 10, 20, 30, 40],
        "the status tells the level",
    ),
    ("do", &[65], "the model of this test proposes nothing"),
];

/// Commands that go on until they are stopped.
const ENDLESS: [&str; 3] = ["daemon", "worker", "--follow"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Name and text of each document.
fn documents() -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_owned()];
    for entry in std::fs::read_dir(root().join("docs")).expect("there are documents") {
        let name = entry.expect("a directory entry").file_name();
        let name = name.to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|end| end == "md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = std::fs::read_to_string(root().join(&name)).expect("a text");
            (name, text)
        })
        .collect()
}

/// The lines of a document's `sh` blocks that call our program.
fn calls(text: &str) -> Vec<String> {
    let mut block = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = match block {
                None => Some(language.trim().to_owned()),
                Some(_) => None,
            };
        } else if block.as_deref() == Some("sh") && ours(line) {
            found.push(line.to_owned());
        }
    }
    found
}

fn ours(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("sudo ").unwrap_or(line);
    line.starts_with("watchkeeper ") || line.starts_with("hal-")
}

/// The words of the first command on a line, quotes taken away, without what a shell would do with the rest.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '|' | '<' | '>' | '&' | ';') => break,
            (None, '#') if word.is_none() => break,
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words.retain(|word| word != "sudo");
    words
}

/// A call as it would be typed without a link: `hal-check` is `check`.
fn spelled_out(line: &str) -> Vec<String> {
    let mut words = words(line);
    let first = words.remove(0);
    if let Some(tool) = first.strip_prefix("hal-") {
        words.insert(0, tool.to_owned());
    }
    words
}

/// Asks for help where the command stands: what stands before it must be known.
fn is_known(home: &Home, line: &str) -> Result<(), String> {
    let mut words = spelled_out(line);
    let end = words.iter().position(|word| word == "--");
    words.insert(end.unwrap_or(words.len()), "--help".to_owned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = home.run(&words);
    match ran.output.status.code() {
        Some(0) => Ok(()),
        _ => Err(format!("{line}\n{}", ran.stderr())),
    }
}

#[test]
fn every_command_of_the_documents_is_known() {
    let home = Home::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, text) in documents() {
        for line in calls(&text) {
            seen += 1;
            wrong.extend(
                is_known(&home, &line)
                    .err()
                    .map(|why| format!("{name}: {why}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 40, "only {seen} commands were found");
}

/// A home in which a trouble was found on the host web1, with a model that answers and what documents speak of.
fn home_of_a_reader(server: &ModelServer) -> Home {
    let home = missing::certificate_with("name = \"hal\"\n");
    let config = home.path().join(".config/watchkeeper/config.toml");
    let mut text = std::fs::read_to_string(&config).expect("a configuration");
    text.push_str("[hosts.web1]\nengine = \"local\"\n[hosts.db1]\nengine = \"local\"\n");
    text.push_str(&format!(
        "[[lanes]]\nname = \"local\"\nmodel = \"{MODEL}\"\nurl = \"{}\"\n",
        server.url()
    ));
    std::fs::write(config, text).expect("a file can be written");
    home.run(&["check"]).ended_with(&[1, 2]);
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in the home"))
            .expect("a directory can be made");
        std::fs::write(path, text).expect("a file can be written");
    };
    write("orders.toml", "schema = 1\nexpects = 0\n");
    write("script.sh", "df -h\n");
    write("commands.jsonl", "{\"cmd\": \"df -h\"}\n");
    write(
        "nixos/configuration.nix",
        "{ services.openssh.enable = true; }\n",
    );
    home
}

/// How the line ends; `None` where it had to be stopped.
fn ends(home: &Home, line: &str) -> (Option<Option<i32>>, String) {
    let mut child = home
        .shell(line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let endless = ENDLESS.iter().any(|word| line.contains(word));
    let limit = if endless { A_WHILE } else { LONG };
    let begun = Instant::now();
    let mut ended = None;
    while ended.is_none() && begun.elapsed() < limit {
        ended = child.try_wait().expect("it can be asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    if ended.is_none() {
        let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    }
    let output = child.wait_with_output().expect("it ends");
    let ran = Ran::of(&[], output);
    (
        ended.map(|status| status.code()),
        ran.stdout() + &ran.stderr(),
    )
}

fn judge(line: &str, ended: Option<Option<i32>>) -> bool {
    let words = spelled_out(line).join(" ");
    if ENDLESS.iter().any(|word| line.contains(word)) {
        return ended.is_none();
    }
    let statuses = ENDINGS
        .iter()
        .find(|(command, ..)| words.starts_with(command))
        .map_or(&[0][..], |(_, statuses, _)| statuses);
    ended
        .flatten()
        .is_some_and(|status| statuses.contains(&status))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_documents_is_run() {
    let server = ModelServer::start().await.always_replies("All is well.");
    let mut wrong = Vec::new();
    for (name, text) in documents() {
        let calls = calls(&text);
        if calls.is_empty() {
            continue;
        }
        let home = home_of_a_reader(&server);
        for line in calls {
            let (ended, said) = ends(&home, &line);
            if !judge(&line, ended) {
                wrong.push(format!("{name}: {line}\nended with {ended:?}\n{said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for (name, text) in documents() {
        let dir = root().join(&name).parent().expect("it has one").to_owned();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            if !dir.join(path).exists() {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_page_is_found_from_the_first_one_and_begins_with_what_it_is_for() {
    let all = documents();
    let front = std::fs::read_to_string(root().join("README.md")).expect("a text");
    let mut wrong = Vec::new();
    for (name, text) in all.iter().filter(|(name, _)| name != "README.md") {
        if !front.contains(&format!("]({name})")) {
            wrong.push(format!("{name} is not linked in README.md"));
        }
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let title = lines.next().unwrap_or_default();
        let begin = lines.next().unwrap_or_default();
        let is_prose = begin.starts_with(|c: char| c.is_alphabetic() || c == '`');
        if !title.starts_with("# ") || !is_prose {
            wrong.push(format!("{name} does not say what it is for: {begin}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Adds the Rust files below a directory to the text.
fn walk(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).expect("it can be listed") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            walk(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(path).expect("a text"));
        }
    }
}

/// All of the crates' code.
fn source() -> String {
    let mut text = String::new();
    walk(&root().join("crates"), &mut text);
    text
}

#[test]
fn messages_that_are_explained_are_the_programs_own() {
    let source = source();
    let text = std::fs::read_to_string(root().join("docs/troubleshooting.md")).expect("a text");
    let mut unknown = Vec::new();
    let mut seen = 0;
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cell = line.split(" | ").next().unwrap_or_default();
        for message in code(cell) {
            seen += 1;
            let mut parts = message.split('…').map(str::trim);
            if !parts.all(|part| source.contains(part)) {
                unknown.push(message.clone());
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert!(seen > 40, "only {seen} messages");
}

/// The blocks of this language in a document.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = text.split(&fence).skip(1);
    parts
        .filter_map(|rest| rest.split("\n```").next())
        .map(|block| format!("{block}\n"))
        .collect()
}

/// The channels that examples of routes speak of.
fn channels() -> String {
    ["phone", "mail", "dba", "anna", "chat"]
        .map(|name| {
            format!("[[notify.channels]]\nname = \"{name}\"\nkind = \"ntfy\"\nurl = \"https://ntfy.example.org\"\ntopic = \"{name}\"\n")
        })
        .concat()
}

/// What a block of TOML is, by what stands in it, and the words that check it.
fn is_well(home: &Home, block: &str) -> Ran {
    let file = home.path().join("block.toml");
    std::fs::write(&file, block).expect("a file can be written");
    let file = file.to_string_lossy().into_owned();
    if block.contains("schema = 1") {
        home.run(&["orders", "check", &file])
    } else if block.contains("[match]") {
        let dir = home.path().join("blocks");
        let _ = std::fs::create_dir(&dir);
        std::fs::rename(&file, dir.join("block.toml")).expect("it can be moved");
        let dir = format!("runbooks.dir={}", dir.display());
        home.run(&["config", "check", "--set", &dir])
    } else {
        home.run(&["--config", &file, "config", "check"])
    }
}

#[test]
fn every_block_of_toml_can_be_used() {
    let mut wrong = Vec::new();
    for (name, text) in documents() {
        for block in blocks(&text, "toml") {
            let home = Home::new().config(&channels());
            let ran = is_well(&home, &block);
            if ran.output.status.code() != Some(0) {
                wrong.push(format!("{name}:\n{block}{}{}", ran.stdout(), ran.stderr()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The cells of the tables in docs/coming-from.md: what it was, where it is, commands, options.
fn rows() -> Vec<[String; 4]> {
    let (_, text) = documents()
        .into_iter()
        .find(|(name, _)| name == "docs/coming-from.md")
        .expect("it is there");
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [older, here, command, option] = cells[..] else {
            panic!("four cells: {line}");
        };
        if older != "older" && !older.starts_with("---") {
            rows.push([older, here, command, option].map(str::to_owned));
        }
    }
    rows
}

/// What stands between backticks.
fn code(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_the_older_systems_had_is_here_or_it_is_said_why_not() {
    let home = Home::new();
    let known = configured();
    let module = std::fs::read_to_string(root().join("docs/nixos.md")).unwrap_or_default();
    let mut wrong = Vec::new();
    let rows = rows();
    for [older, here, command, option] in &rows {
        for line in code(command) {
            wrong.extend(
                is_known(&home, &line)
                    .err()
                    .map(|why| format!("{older}: {why}")),
            );
        }
        for key in code(option) {
            let found = if key.starts_with("services.") {
                let short = key.replace("services.watchkeeper.", "");
                module.contains(&format!("`{short}`")) || module.contains(&format!("`{key}`"))
            } else {
                known.contains(&key)
            };
            if !found {
                wrong.push(format!("{older}: there is no {key}"));
            }
        }
        let elsewhere = !code(command).is_empty() || !code(option).is_empty();
        let said = here.starts_with("not: ")
            || here.contains("not built yet")
            || here.contains("journal")
            || here.len() > 20;
        if !elsewhere && !said {
            wrong.push(format!("{older}: neither where it is nor why it is not"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows.len() > 100, "only {} rows", rows.len());
}

/// How a command ends that was typed wrongly; every other status is an answer.
const USAGE: i32 = 64;

/// The line as it can be run by itself: with a question where one is asked, and in the home's own places.
fn runnable(home: &Home, line: &str) -> String {
    let own = home.path().display().to_string();
    let line = line
        .replace("/var/backups", &own)
        .replace("/etc/watchkeeper", &own);
    let asks = ["ask", "do"].iter().any(|tool| {
        let words = spelled_out(&line);
        words.first().is_some_and(|word| word == tool)
    });
    if asks {
        return format!("{line} -- why is it slow");
    }
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_older_systems_could_do_can_be_typed() {
    let server = ModelServer::start().await.always_replies("All is well.");
    let home = home_of_a_reader(&server);
    let lines: BTreeSet<String> = rows()
        .iter()
        .flat_map(|[_, _, command, _]| code(command))
        .collect();
    let mut wrong = Vec::new();
    for line in &lines {
        let (ended, said) = ends(&home, &runnable(&home, line));
        let endless = ENDLESS.iter().any(|word| line.contains(word));
        let understood = match ended {
            None => endless,
            Some(status) => {
                !endless && status.is_some_and(|status| status != USAGE && status < 101)
            }
        };
        if !understood {
            wrong.push(format!("{line}\nended with {ended:?}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines.len() > 60, "only {} commands", lines.len());
}

/// Every key of docs/config.example.toml with its section, which another test holds to be all there are.
fn configured() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("docs/config.example.toml")).expect("a text");
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(name) = line.strip_prefix('[') {
            section = name
                .trim_start_matches('[')
                .split(']')
                .next()
                .unwrap_or_default()
                .to_owned();
        } else if let Some((key, _)) = line.split_once(" = ")
            && !line.starts_with(' ')
        {
            let dot = if section.is_empty() { "" } else { "." };
            keys.insert(format!("{section}{dot}{key}"));
        }
    }
    keys
}

/// Options that every command has; the reference says them once.
const EVERYWHERE: [&str; 6] = [
    "--config <FILE>",
    "--set <KEY=VALUE>",
    "--output <OUTPUT>",
    "--no-daemon",
    "--help",
    "--version",
];

fn help(home: &Home, path: &[&str]) -> String {
    let mut words = path.to_vec();
    words.push("--help");
    let ran = home.run(&words);
    ran.ended_with(&[0]);
    ran.stdout()
}

/// The names under `Commands:`.
fn commands_of(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let list = list.split("\n\n").next().unwrap_or_default();
    let names = list
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Help without the options that are everywhere.
fn without_common(help: &str) -> String {
    let Some((head, options)) = help.split_once("\nOptions:\n") else {
        return help.trim_end().to_owned();
    };
    let mut kept: Vec<Vec<&str>> = Vec::new();
    for line in options.lines() {
        let begins =
            line.trim_start().starts_with('-') && line.len() - line.trim_start().len() <= 6;
        if begins || kept.is_empty() {
            kept.push(Vec::new());
        }
        kept.last_mut().expect("one was begun").push(line);
    }
    kept.retain(|option| {
        let first = option.first().copied().unwrap_or_default();
        !EVERYWHERE.iter().any(|common| first.contains(common))
    });
    let text = |option: Vec<&str>| option.join("\n").trim_end().to_owned();
    let kept: Vec<String> = kept.into_iter().map(text).collect();
    if kept.is_empty() {
        return head.trim_end().to_owned();
    }
    format!("{}\n\nOptions:\n{}", head.trim_end(), kept.join("\n\n"))
}

/// docs/cli.md as the program's own help makes it.
fn reference() -> String {
    fn walk(home: &Home, path: &[&str], text: &mut String) {
        let help = help(home, path);
        let heading = "#".repeat(path.len().min(2) + 1);
        if !path.is_empty() {
            text.push_str(&format!(
                "\n{heading} {}\n```\n{}\n```\n",
                path.join(" "),
                without_common(&help)
            ));
        }
        for name in commands_of(&help).iter().filter(|name| *name != "help") {
            let mut path = path.to_vec();
            path.push(name);
            walk(home, &path, text);
        }
    }
    let home = Home::new();
    let mut text = "# The commands\n\
        Made from the program's own help by a test. With links each has a short name: `hal-check` is `watchkeeper check`.\n\n\
        Every command takes `--config FILE`, `--set KEY=VALUE`, `--output text|json`, `--no-daemon` and `--help`.\n"
        .to_owned();
    walk(&home, &[], &mut text);
    text
}

#[test]
fn the_reference_of_commands_is_what_the_program_says() {
    let written = std::fs::read_to_string(root().join("docs/cli.md")).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/cli.md is of another version: cargo test -p watchkeeper-tests --test documents -- --ignored write_the_reference"
    );
}

#[test]
#[ignore = "writes docs/cli.md anew; for who has changed the commands"]
fn write_the_reference() {
    std::fs::write(root().join("docs/cli.md"), reference()).expect("it can be written");
}
