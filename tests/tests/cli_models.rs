//! `models` and the lanes of `doctor` over the built binary: what the servers have, fetching with progress, loading,
//! and each ✗ with its remedy.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer, Turn, authority};
use watchkeeper_tests::binary::{Home, Ran};

/// The lines of a configuration for a lane.
fn lane(name: &str, server: &ModelServer, more: &str) -> String {
    let url = server.url();
    format!("[[lanes]]\nname = \"{name}\"\nmodel = \"{MODEL}\"\nurl = \"{url}\"\n{more}\n")
}

fn home(server: &ModelServer, more: &str) -> Home {
    Home::new().config(&lane("local", server, more))
}

/// What the doctor says of lanes: for each line its name, state and remedy.
fn doctor(home: &Home, status: i32) -> Vec<(String, String, String)> {
    let report = home.json(&["doctor"], &[status]);
    let lines = report["lines"].as_array().expect("lines");
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    lines
        .iter()
        .map(|line| {
            (
                word(line, "name"),
                word(line, "state"),
                word(line, "remedy"),
            )
        })
        .filter(|(name, ..)| name.starts_with("lane "))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_every_lane_are_listed_with_what_they_are_asked_for() {
    let (ollama, vllm) = (ModelServer::start().await, ModelServer::start().await);
    ollama.has(FakeModel::embedding("fake-embed"));
    let home = Home::new().config(&format!(
        "{}{}",
        lane("local", &ollama, "embedding_model = \"fake-embed\""),
        lane("gpu", &vllm, "provider = \"openai_compatible\""),
    ));
    let ran = home.run(&["models", "list"]);
    ran.ended_with(&[0]);
    let rows: Vec<String> = ran
        .stdout()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "lane model size context asked as state",
            "local fake:1b 1.2 GiB main there",
            "local fake-embed 1.2 GiB embedding there",
            "gpu fake:1b 32768 main there",
        ]
    );
    let told = home.json(&["models", "list", "--lane", "gpu"], &[0]);
    assert_eq!(
        (&told[0]["models"][0]["name"], &told[0]["missing"]),
        (&json!(MODEL), &json!([]))
    );
    home.run(&["models", "list", "--lane", "no"])
        .ended_with(&[64]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_missing_or_a_server_that_is_away_is_told_with_what_to_type() {
    let server = ModelServer::start().await;
    let home = home(&server, "triage_model = \"qwen3:1.7b\"");
    let ran = home.run(&["models"]);
    ran.ended_with(&[1]);
    let text = ran.stdout();
    assert!(text.contains("missing"), "{text}");
    assert!(
        text.contains("Try: watchkeeper models pull qwen3:1.7b --lane local"),
        "{text}"
    );
    drop(server);
    tokio::task::yield_now().await;
    let ran = home.run(&["models"]);
    ran.ended_with(&[1]);
    assert!(ran.stdout().contains("systemctl start ollama"));
    Home::new().run(&["models"]).ended_with(&[64]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_fetched_with_plain_lines_where_nobody_watches() {
    let server = ModelServer::start().await;
    let home = home(&server, "");
    let ran = home.run(&["models", "pull", "qwen3:8b"]);
    ran.ended_with(&[0]);
    assert_eq!(ran.stdout(), "qwen3:8b is there, after 0 s\n");
    let told = ran.stderr();
    assert!(told.contains("50 % of 1.2 GiB\n"), "{told}");
    assert!(
        told.lines().count() <= 12 && !told.contains(['\r', '\u{1b}']),
        "{told:?}"
    );
    assert!(server.models().contains(&"qwen3:8b".to_owned()));
    let told = home.json(&["models", "pull", "qwen3:4b"], &[0]);
    assert_eq!(told["model"], "qwen3:4b");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_a_bar_is_drawn_and_taken_away() {
    let server = ModelServer::start().await;
    let home = home(&server, "");
    let seen = home.on_a_terminal(&[], &["models", "pull", "qwen3:8b"]);
    for bar in ["░░░░░░░░░░   0 %", "██████████ 100 %"] {
        assert!(seen.contains(bar), "{seen:?}");
    }
    assert!(
        seen.trim_end().ends_with("qwen3:8b is there, after 0 s"),
        "{seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fetching_is_stopped_by_ctrl_c_and_the_server_sees_it() {
    let begun = "{\"status\":\"pulling manifest\"}\n{\"status\":\"pulling x\",\"total\":10,\"completed\":1}\n";
    let server = ModelServer::start()
        .await
        .at("/api/pull", Turn::sends(200, &[], begun).hanging_after(2));
    let home = home(&server, "");
    let mut child = home
        .command(&["models", "pull", "qwen3:8b"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut told = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("pulling x") {
        line.clear();
        told.read_line(&mut line).expect("a line");
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a process number"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it is there");
    server.sees_a_client_leave().await;
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_is_an_error_with_a_hint() {
    let server = ModelServer::start().await;
    let home = Home::new().config(&format!(
        "{}{}",
        lane("local", &server, ""),
        lane("gpu", &server, "provider = \"openai_compatible\""),
    ));
    let unknown = home.run(&["models", "pull", "no-such:1b", "--lane", "local"]);
    unknown.ended_with(&[1]);
    assert!(unknown.stderr().contains("no model `no-such:1b`"));
    let elsewhere = home.run(&["models", "pull", "x", "--lane", "gpu"]);
    elsewhere.ended_with(&[1]);
    assert!(
        elsewhere
            .stderr()
            .contains("offers no way to fetch a model")
    );
    let either = home.run(&["models", "pull", "x"]);
    either.ended_with(&[64]);
    assert!(either.stderr().contains("--lane: local, gpu"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_loaded_with_the_context_of_its_lane() {
    let server = ModelServer::start().await;
    let home = home(&server, "context = 4096\nkeep_alive = \"1h\"");
    let ran = home.run(&["models", "load"]);
    ran.ended_with(&[0]);
    assert!(
        ran.stdout()
            .starts_with("fake:1b is loaded with a context of 4096 tokens, and stays for 1h"),
        "{}",
        ran.stdout()
    );
    assert_eq!(server.loaded().get(MODEL), Some(&4096));
    home.run(&["models", "load", "absent"]).ended_with(&[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tries_every_lane_and_names_each_remedy() {
    let (well, ill) = (ModelServer::start().await, ModelServer::start().await);
    well.has(FakeModel::embedding("fake-embed"));
    ill.has_no_models().has(FakeModel::chat(MODEL, 2048));
    let home = Home::new().config(&format!(
        "{}{}",
        lane("well", &well, "embedding_model = \"fake-embed\""),
        lane("ill", &ill, "provider = \"openai_compatible\""),
    ));
    let lines = doctor(&home, 1);
    let of = |state: &str| -> Vec<&str> {
        let found = lines.iter().filter(|(_, said, _)| said == state);
        found.map(|(name, ..)| name.as_str()).collect()
    };
    assert_eq!(of("failed"), ["lane ill: context"]);
    assert_eq!(
        of("ok"),
        [
            "lane well: server",
            "lane well: model",
            "lane well: embedding",
            "lane well: context",
            "lane well: schema",
            "lane well: speed",
            "lane well: tools",
            "lane well: vectors",
            "lane ill: server",
            "lane ill: model",
            "lane ill: schema",
            "lane ill: speed",
            "lane ill: tools",
        ]
    );
    let context = lines.iter().find(|(name, ..)| name == "lane ill: context");
    assert_eq!(
        context.map(|(.., remedy)| remedy.as_str()),
        Some("set `context = 2048` for lane `ill`")
    );
    let text = home.run(&["doctor"]).stdout();
    assert!(
        text.contains("✗ lane ill: context") && text.contains("set `context = 2048`"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_with_servers_that_the_system_trusts_and_with_no_others() {
    let server = ModelServer::start_encrypted().await;
    let home = home(&server, "provider = \"openai_compatible\"");
    let listed = |trusting: bool| {
        let words = ["models", "list", "--output", "json"];
        let mut command = home.command(&words);
        if trusting {
            command.env("SSL_CERT_FILE", authority());
        }
        Ran::of(&words, command.output().expect("the program starts"))
    };
    let trusted = listed(true);
    trusted.ended_with(&[0]);
    assert!(trusted.stdout().contains(MODEL), "{}", trusted.stdout());
    let strange = listed(false);
    strange.ended_with(&[1]);
    let told = strange.stdout();
    assert!(
        told.contains("certificate") || told.contains("UnknownIssuer"),
        "{told}"
    );
    assert_eq!(server.requests().len(), 1, "nothing was sent to a stranger");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_read_from_its_file_and_shown_nowhere() {
    let server = ModelServer::start().await.wants_key("sk-open-the-doors");
    let home = Home::new();
    let file = home.path().join("key");
    std::fs::write(&file, "sk-open-the-doors\n").expect("a file can be written");
    let more = format!(
        "provider = \"openai\"\napi_key_file = \"{}\"",
        file.display()
    );
    let home = home.config(&lane("cloud", &server, &more));
    home.run(&["models"]).ended_with(&[0]);
    for words in [
        &["models"][..],
        &["config", "show"],
        &["doctor"],
        &["status"],
    ] {
        let ran = home.run(words);
        let said = ran.stdout() + &ran.stderr();
        assert!(!said.contains("doors"), "{words:?}: {said}");
    }
    std::fs::write(&file, "sk-another-open-the-doors\n").expect("a file can be written");
    let ran = home.run(&["models"]);
    ran.ended_with(&[1]);
    let said = ran.stdout();
    assert!(
        said.contains("put the right key into") && !said.contains("doors"),
        "{said}"
    );
    std::fs::remove_file(&file).expect("it is there");
    let said = home.run(&["models"]).stdout();
    assert!(
        said.contains("could not read the key of lane `cloud`"),
        "{said}"
    );
}
