//! Watchkeeper with a real small model and real embeddings, over Ollama's API and the OpenAI-compatible one
//! (`tests/models/run`). A model of this size talks nonsense, so what it says is printed for people to read and never
//! asserted; asserted is what must hold whatever it says: nothing is resolved, nothing is run, errors are plain.

#![expect(
    clippy::print_stdout,
    reason = "what the model said is for people to read"
)]

use std::time::Duration;

use serde_json::Value;
use watchkeeper_testkit::ssh_host::SshHost;
use watchkeeper_tests::binary::{Home, until_within};

/// How long ten questions to a small model may take on a busy machine.
const TEN_ANSWERS: Duration = Duration::from_secs(20 * 60);

/// What a lane is run with: a model on two cores reads some hundred tokens in a second and writes some tens, so prompts are
/// kept to the tools that matter most and answers to a paragraph.
const TERMS: &str = "context = 3072\nmax_tokens = 400\n";

/// What fails on the simulated host: a unit, what its journal says, and a word that a right answer has.
const TROUBLES: [(&str, &str, &str); 10] = [
    (
        "nginx.service",
        "bind() to 0.0.0.0:80 failed (98: Address already in use)",
        "in use",
    ),
    (
        "postgresql.service",
        "FATAL: could not write lock file: No space left on device",
        "space",
    ),
    (
        "redis.service",
        "Can't open the log file: Permission denied",
        "permission",
    ),
    (
        "app.service",
        "java.lang.OutOfMemoryError: Java heap space",
        "memory",
    ),
    (
        "backup.service",
        "rsync: connection unexpectedly closed: Connection timed out",
        "connection",
    ),
    (
        "certbot.service",
        "Certificate expired: renewal failed, DNS problem: NXDOMAIN",
        "dns",
    ),
    (
        "docker.service",
        "failed to start daemon: invalid character in /etc/docker/daemon.json",
        "daemon.json",
    ),
    (
        "mysql.service",
        "InnoDB: Database page corruption on disk",
        "corrupt",
    ),
    (
        "vpn.service",
        "TLS handshake failed: certificate has expired",
        "certificate",
    ),
    (
        "mail.service",
        "fatal: no SASL authentication mechanisms",
        "authentication",
    ),
];

fn real(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests/models/run says where the servers are"
    )]
    let value = std::env::var(format!("REAL_{name}"));
    value.expect("run tests/models/run: it brings the servers up and says where they are")
}

/// The lanes of one API.
fn lanes(api: &str) -> String {
    let (chat, embed) = (real("CHAT_MODEL"), real("EMBED_MODEL"));
    let server = |url: String| url.trim_end_matches("/v1").to_owned();
    let waits = "[lanes.timeouts]\nfirst_byte = \"15m\"\nidle = \"5m\"\n";
    match api {
        "ollama" => format!(
            "[[lanes]]\nname = \"real\"\nurl = \"{}\"\nmodel = \"{chat}\"\ntriage_model = \"{chat}\"\n\
             embedding_model = \"{embed}\"\n{TERMS}{waits}",
            real("OLLAMA_HOST")
        ),
        _ => format!(
            "[[lanes]]\nname = \"real\"\nprovider = \"openai_compatible\"\nurl = \"{}\"\nmodel = \"{chat}\"\n\
             triage_model = \"{chat}\"\n{TERMS}{waits}\
             [[lanes]]\nname = \"vectors\"\nprovider = \"openai_compatible\"\nurl = \"{}\"\nembedding_model = \"{embed}\"\n{waits}",
            server(real("OPENAI_BASE_URL")),
            server(real("EMBED_BASE_URL"))
        ),
    }
}

fn doctor_tries_it(api: &str) {
    let home = Home::new().config(&lanes(api));
    let ran = home.run(&["doctor"]);
    println!("\n== doctor over {api}\n{}{}", ran.stdout(), ran.stderr());
    let said = ran.stdout();
    assert!(said.contains("real"), "the lane is tried: {said}");
}

fn a_question_is_answered(api: &str) {
    let home = Home::new().config(&lanes(api));
    let ran = home.run(&[
        "ask",
        "What does the command df show? Answer in one sentence.",
    ]);
    println!(
        "\n== ask over {api}: {}\n{}{}",
        ran.output.status,
        ran.stdout(),
        ran.stderr()
    );
    // Answered, or a plain word why not; never a panic, never a success without an answer.
    assert!(!ran.stderr().contains("panicked"), "{ran:?}");
    match ran.output.status.code() {
        Some(0) => assert!(!ran.stdout().trim().is_empty(), "{ran:?}"),
        Some(_) => assert!(!ran.stderr().trim().is_empty(), "{ran:?}"),
        None => panic!("it was killed: {ran:?}"),
    }
}

fn ten_findings_are_sorted_and_diagnosed(api: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let host = runtime.block_on(SshHost::start());
    for (unit, journal, _) in TROUBLES {
        host.unit(unit)
            .property("Type", "oneshot")
            .fails("exit-code");
        host.journal(unit, 3, journal);
    }
    let home = home_of(&host, api);
    let daemon = home.daemon();
    let over = || {
        let queue = home.json(&["queue", "list", "--all"], &[0]);
        let jobs = queue["jobs"].as_array().cloned().unwrap_or_default();
        let diagnoses: Vec<&Value> = jobs
            .iter()
            .filter(|job| job["request"]["kind"] == "diagnose_finding")
            .collect();
        let ended = |job: &&&Value| !matches!(job["state"].as_str(), Some("queued" | "leased"));
        diagnoses.len() >= TROUBLES.len()
            && diagnoses.iter().filter(ended).count() == diagnoses.len()
    };
    until_within(TEN_ANSWERS, "ten findings are diagnosed", &mut { over });
    report(api, &home);
    nothing_was_done(&host, &home);
    drop(daemon);
}

fn home_of(host: &SshHost, api: &str) -> Home {
    let none = tempfile::tempdir().expect("a directory can be made").keep();
    for name in [
        "unit-failed",
        "unit-failed-job",
        "unit-failed-timer",
        "unit-failed-oom",
        "unit-failed-setup",
        "unit-failed-start-limit",
    ] {
        let shipped = std::fs::read_to_string(format!(
            "{}/../runbooks/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        ));
        let silenced = format!("enabled = false\n{}", shipped.expect("a shipped runbook"));
        std::fs::write(none.join(format!("{name}.toml")), silenced).expect("a file can be written");
    }
    let config = format!(
        "[policy]\nautonomy = \"auto-full\"\n[watch]\ninterval = \"1h\"\njitter = \"0s\"\n[runbooks]\ndir = \"{}\"\n\
         [llm]\nattempts = 1\npause = \"0s\"\n[hosts.sim]\naddress = \"127.0.0.1\"\nport = {}\nlogin = \"{}\"\n\
         identity_files = [\"{}\"]\nbecome_root = true\n{}",
        none.display(),
        host.port(),
        host.login(),
        host.client_key().display(),
        lanes(api),
    );
    let home = Home::new().config(&config);
    std::fs::copy(host.known_hosts(), home.path().join("known_hosts"))
        .expect("the host's key is known");
    home
}

/// What the model made of each, for people.
fn report(api: &str, home: &Home) {
    println!("\n== ten findings over {api}");
    let issues = home.json(&["issues", "list", "--all"], &[0]);
    let (mut diagnosed, mut named) = (0, 0);
    for (unit, _, word) in TROUBLES {
        let found = issues.as_array().and_then(|list| {
            list.iter().find(|issue| {
                issue["title"]
                    .as_str()
                    .is_some_and(|title| title.contains(unit))
            })
        });
        let Some(issue) = found else {
            println!("{unit}: no issue");
            continue;
        };
        let sheet = home.json(&["issues", "show", &issue["number"].to_string()], &[0]);
        let said = sheet["diagnosed"]["cause"]
            .as_str()
            .unwrap_or("-")
            .to_owned();
        diagnosed += usize::from(said != "-");
        named += usize::from(said.to_lowercase().contains(word));
        println!(
            "{unit}: {} · {}",
            sheet["diagnosed"]["outcome"],
            said.replace('\n', " ")
        );
    }
    println!("diagnosed {diagnosed} of 10; names the cause {named} of 10");
    let queue = home.json(&["queue", "list", "--all"], &[0]);
    for job in queue["jobs"].as_array().cloned().unwrap_or_default() {
        println!(
            "job {} {} {}",
            job["number"], job["state"], job["last_error"]
        );
    }
    println!(
        "actions: {:#}",
        home.json(&["approve", "list", "--all"], &[0])
    );
}

/// Whatever it said: no issue is resolved while the trouble is there, and what ran on the host is what code judged fit to
/// run by itself, on units that failed.
fn nothing_was_done(host: &SshHost, home: &Home) {
    let issues = home.json(&["issues", "list", "--all"], &[0]);
    let actions = home.json(&["approve", "list", "--all"], &[0]);
    let fixed = |unit: &str| !host.unit(unit).get("ActiveState").contains("failed");
    for (unit, _, _) in TROUBLES {
        let issue = issues.as_array().into_iter().flatten().find(|issue| {
            issue["title"]
                .as_str()
                .is_some_and(|title| title.contains(unit))
        });
        let state = issue.map_or("none", |issue| issue["state"].as_str().unwrap_or("none"));
        assert!(
            state != "resolved" || fixed(unit),
            "{unit} is called resolved and is not"
        );
    }
    for action in actions.as_array().into_iter().flatten() {
        let risk = action["risk"].as_str().unwrap_or_default();
        let ran = !matches!(
            action["state"].as_str(),
            Some("held" | "refused" | "shadow" | "approved")
        );
        assert!(
            !ran || matches!(risk, "low" | "medium" | "read_only"),
            "ran by itself: {action:#}"
        );
    }
    home.run(&["log", "verify"]).ended_with(&[0]);
}

fn real_vectors_find_what_words_do_not(api: &str) {
    let home = Home::new().config(&lanes(api));
    home.run(&["knowledge", "seed"]).ended_with(&[0]);
    let daemon = home.daemon();
    until_within(TEN_ANSWERS, "the entries have vectors", &mut || {
        let queue = home.json(&["queue", "list", "--all"], &[0]);
        let jobs = queue["jobs"].as_array().cloned().unwrap_or_default();
        jobs.iter()
            .any(|job| job["request"]["kind"] == "embed_entries")
            && !jobs
                .iter()
                .any(|job| matches!(job["state"].as_str(), Some("queued" | "leased")))
    });
    println!("\n== retrieval over {api}");
    for question in [
        "the machine has run out of room",
        "clock is wrong",
        "my website says its encryption is no longer valid",
        "which process eats all memory",
        "the server does not come up after the update",
    ] {
        let found = home.json(&["knowledge", "search", question], &[0]);
        let titles: Vec<String> = found
            .as_array()
            .into_iter()
            .flatten()
            .take(3)
            .map(|one| {
                format!(
                    "{} ({})",
                    one["entry"]["title"].as_str().unwrap_or("?"),
                    one["by"]
                )
            })
            .collect();
        println!("{question}: {}", titles.join(" · "));
        assert!(
            !titles.is_empty(),
            "something is found for {question:?}: {found:#}"
        );
    }
    recall_at_3(&home);
    drop(daemon);
}

/// How many of the labelled questions in plain language have their entry among the first three, by words and meaning
/// together. Printed, and not asserted: for words alone there is a floor in `knowledge`.
fn recall_at_3(home: &Home) {
    let (known, held_out) = QUESTIONS.split_once("\n--- held out\n").expect("two parts");
    for (part, questions) in [("known", known), ("held out", held_out)] {
        let lines = questions.lines().filter(|line| !line.starts_with('#'));
        let pairs: Vec<_> = lines.filter_map(|line| line.split_once(" | ")).collect();
        let mut found = 0;
        for (key, question) in &pairs {
            let answer = home.json(&["knowledge", "search", question, "--limit", "3"], &[0]);
            let titles = answer.as_array().into_iter().flatten();
            let titles: Vec<&str> = titles
                .filter_map(|one| one["entry"]["title"].as_str())
                .collect();
            if titles.contains(&title_of(key).as_str()) {
                found += 1;
            } else {
                println!("missed: {question}: {}", titles.join(" · "));
            }
        }
        println!("recall@3, {part}: {found} of {}", pairs.len());
    }
}

/// The labelled questions.
const QUESTIONS: &str = include_str!("../../crates/knowledge/tests/questions.txt");

/// The title of a shipped entry.
fn title_of(key: &str) -> String {
    let files = [
        include_str!("../../knowledge/disks.toml"),
        include_str!("../../knowledge/network.toml"),
        include_str!("../../knowledge/packages.toml"),
        include_str!("../../knowledge/resources.toml"),
        include_str!("../../knowledge/services.toml"),
    ];
    let begins = format!("key = \"{key}\"");
    let mut lines = files.iter().flat_map(|file| file.lines());
    lines.find(|line| *line == begins).expect("the key ships");
    let title = lines.next().and_then(|line| line.strip_prefix("title = "));
    title.expect("a title follows").trim_matches('"').to_owned()
}

macro_rules! over {
    ($($api:ident $name:literal;)*) => {$(
        mod $api {
            #[test]
            #[ignore = "needs a real model: tests/models/run"]
            fn doctor_tries_it() {
                super::doctor_tries_it($name);
            }

            #[test]
            #[ignore = "needs a real model: tests/models/run"]
            fn a_question_is_answered() {
                super::a_question_is_answered($name);
            }

            #[test]
            #[ignore = "needs a real model: tests/models/run"]
            fn ten_findings_are_sorted_and_diagnosed() {
                super::ten_findings_are_sorted_and_diagnosed($name);
            }

            #[test]
            #[ignore = "needs real embeddings: tests/models/run"]
            fn real_vectors_find_what_words_do_not() {
                super::real_vectors_find_what_words_do_not($name);
            }
        }
    )*};
}

over! {
    ollama "ollama";
    openai_compatible "openai_compatible";
}
