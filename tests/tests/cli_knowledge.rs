//! `knowledge` and `configs` over the built binary: without a model, without a terminal; then with vectors that move to
//! a Qdrant server and back.

use serde_json::Value;
use watchkeeper_testkit::model_server::{FakeModel, MODEL, ModelServer};
use watchkeeper_testkit::qdrant::QdrantServer;
use watchkeeper_tests::binary::{Home, until};

/// Watches nothing, so that nothing else happens.
const QUIET: &str = "[watch]\ninterval = \"1d\"\n";

fn numbers(list: &Value) -> Vec<i64> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|entry| entry["number"].as_i64().expect("a number"))
        .collect()
}

#[test]
fn what_a_person_teaches_is_found_changed_confirmed_and_forgotten() {
    let home = Home::new();
    let seeded = home.json(&["knowledge", "seed"], &[0]);
    assert!(seeded["new"].as_i64() >= Some(40), "{seeded}");
    let again = home.json(&["knowledge", "seed"], &[0]);
    assert_eq!((&again["new"], &again["changed"]), (&0.into(), &0.into()));
    let words = [
        "knowledge",
        "add",
        "our",
        "vault2 takes backups at 02:00",
        "--label",
        "backup",
        "--kind",
        "command",
    ];
    let added = home.json(&words, &[0]);
    let number = added["number"].to_string();
    assert_eq!(added["source"]["kind"], "person");
    let found = home.json(
        &["knowledge", "search", "when", "does", "vault2", "run?"],
        &[0],
    );
    assert_eq!(found[0]["entry"]["number"], added["number"]);
    assert_eq!(found[0]["by"], "lexical");
    let text = home.run(&["knowledge", "search", "no space left on device"]);
    assert!(
        text.ended_with(&[0])
            .stdout()
            .contains("A file system is full"),
        "{}",
        text.stdout()
    );
    assert!(
        text.stdout().contains("shipped"),
        "where it comes from stands there"
    );
    let listed = home.json(&["knowledge", "list", "--label", "backup"], &[0]);
    assert_eq!(
        numbers(&listed),
        [added["number"].as_i64().expect("a number")]
    );
    let edited = home.piped(
        &["knowledge", "edit", &number, "--file", "-"],
        "vault3 takes them now\n",
    );
    edited.ended_with(&[0]);
    let shown = home.run(&["knowledge", "show", &number]);
    assert!(
        shown.stdout().contains("vault3 takes them now") && shown.stdout().contains("all hosts"),
        "{}",
        shown.stdout()
    );
    home.run(&["knowledge", "edit", &number]).ended_with(&[64]);
    home.run(&["knowledge", "verify", &number]).ended_with(&[0]);
    home.run(&["knowledge", "forget", &number]).ended_with(&[0]);
    let gone = home.run(&["knowledge", "show", &number]);
    assert!(
        !gone.output.status.success() && gone.stderr().contains("no entry"),
        "{}",
        gone.stderr()
    );
    for hostile in [
        "\"",
        "AND OR NOT *",
        "a:b -c (",
        "'; drop table entries; --",
        "\u{202e}",
    ] {
        home.run(&["knowledge", "search", "--", hostile])
            .ended_with(&[0]);
    }
}

#[test]
fn an_export_is_imported_elsewhere_marked_and_only_once() {
    let home = Home::new();
    home.run(&[
        "knowledge",
        "add",
        "ours",
        "connect as postgres://app:hunter2hunter2@db1/app",
    ])
    .ended_with(&[0]);
    home.run(&["knowledge", "add", "more", "of ours"])
        .ended_with(&[0]);
    let file = home.path().join("known.jsonl");
    let path = file.to_string_lossy().into_owned();
    home.run(&["knowledge", "export", &path]).ended_with(&[0]);
    let text = std::fs::read_to_string(&file).expect("it is written");
    assert_eq!(text.lines().count(), 2);
    assert!(
        !text.contains("hunter2") && text.contains("\"person\""),
        "{text}"
    );
    let piped = home.run(&["knowledge", "export"]);
    assert_eq!(piped.stdout(), text);
    let other = Home::new();
    let imported = other.json(&["knowledge", "import", &path], &[0]);
    assert_eq!(imported["new"], 2);
    let again = other.json(&["knowledge", "import", &path], &[0]);
    assert_eq!((&again["new"], &again["same"]), (&0.into(), &2.into()));
    let listed = other.json(&["knowledge", "list"], &[0]);
    assert_eq!(listed[0]["source"]["kind"], "import");
    let shown = other.run(&["knowledge", "show", "1"]);
    assert!(
        shown
            .stdout()
            .contains("no host, until somebody finds it to be right"),
        "{}",
        shown.stdout()
    );
    let bad = other.piped(
        &["knowledge", "import", "-"],
        &format!("{text}what is this\n{{\"title\":\"x\"}}\n"),
    );
    let bad = bad.ended_with(&[1]).stdout();
    assert!(
        bad.contains("line 3 was refused") && bad.contains("line 4 was refused"),
        "{bad}"
    );
    let _ = other.json(&["knowledge", "import", &path, "--confirmed"], &[0]);
    let shown = other.run(&["knowledge", "show", "1"]);
    assert!(shown.stdout().contains("all hosts"), "{}", shown.stdout());
}

#[test]
fn a_nixos_repository_is_read_by_its_attributes() {
    let home = Home::new();
    let repo = home.path().join("nixos");
    std::fs::create_dir_all(repo.join(".git")).expect("a directory");
    let head = format!("{{ config, ... }}:\n{{\n  # {}\n", "words ".repeat(120));
    let nginx = "  services.nginx.enable = true;\n\n  services.grafana.settings.security.admin_password = \"hunter2hunter2\";\n}\n";
    std::fs::write(repo.join("web.nix"), head + nginx).expect("a file");
    std::fs::write(repo.join(".git/hidden.nix"), "{ }").expect("a file");
    std::fs::write(repo.join("big.nix"), "#".repeat(200_000)).expect("a file");
    let dir = repo.to_string_lossy().into_owned();
    let indexed = home.json(&["configs", "index", "--repo", &dir], &[0]);
    assert_eq!(indexed["files"], 1, "{indexed}");
    assert_eq!(indexed["refused"][0]["path"], "big.nix");
    let found = home.json(&["configs", "search", "services.nginx"], &[0]);
    assert_eq!(found[0]["entry"]["title"], "web.nix services.nginx.enable");
    assert!(!found.to_string().contains("hunter2"), "{found}");
    std::fs::remove_file(repo.join("web.nix")).expect("it goes");
    let gone = home.json(&["configs", "index", "--repo", &dir], &[0]);
    assert!(gone["removed"].as_i64() > Some(0), "{gone}");
    assert_eq!(
        home.json(&["configs", "search", "services.nginx"], &[0]),
        Value::Array(Vec::new())
    );
}

#[test]
fn configuration_of_this_machine_is_read_and_shown() {
    let home = Home::new();
    let file = home.path().join("app.conf");
    std::fs::write(
        &file,
        "listen 8080\nworkers 4\npassword = hunter2hunter2\n# end\n",
    )
    .expect("a file");
    let path = file.to_string_lossy().into_owned();
    let indexed = home.json(&["configs", "index", "local", &path], &[0]);
    assert_eq!(indexed["files"], 1, "{indexed}");
    let read = home.run(&["configs", "read", "local", &path]);
    let read = read.ended_with(&[0]).stdout();
    assert!(
        read.contains("workers 4") && !read.contains("hunter2"),
        "{read}"
    );
    assert!(
        home.run(&["configs", "read", "local"])
            .stdout()
            .contains("app.conf")
    );
    assert!(
        !home
            .run(&["configs", "read", "local", "/etc/nothing"])
            .output
            .status
            .success()
    );
    let found = home.json(&["configs", "search", "workers", "--host", "local"], &[0]);
    assert_eq!(found[0]["entry"]["source"]["kind"], "host");
    let shadow = home.json(&["configs", "index", "local", "/etc/shadow"], &[0]);
    assert_eq!(
        (&shadow["files"], shadow["refused"].as_array().map(Vec::len)),
        (&0.into(), Some(1)),
        "{shadow}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vectors_move_to_a_qdrant_server_and_back() {
    let models = ModelServer::start().await.has(FakeModel::embedding("mini"));
    let qdrant = QdrantServer::start().await;
    qdrant.want_key("kettle");
    let home = Home::new();
    let key = home.path().join("key");
    std::fs::write(&key, "kettle\n").expect("a file");
    let home = home.config(&format!(
        "{QUIET}[knowledge]\nqdrant = \"{}\"\nqdrant_key_file = \"{}\"\n\
         [[lanes]]\nname = \"local\"\nmodel = \"{MODEL}\"\nembedding_model = \"mini\"\nurl = \"{}\"\n",
        qdrant.url(),
        key.display(),
        models.url()
    ));
    let _daemon = home.daemon();
    home.run(&["knowledge", "seed"]).ended_with(&[0]);
    let search = || home.json(&["knowledge", "search", "disk full"], &[0]);
    until("the entries are embedded", || {
        search().to_string().contains("\"both\"")
    });
    let moved = home.json(&["knowledge", "move", "--to", "qdrant"], &[0]);
    let vectors = moved["vectors"].as_u64().expect("a number");
    assert!(
        vectors >= 40 && moved["compared"].as_u64() >= Some(20),
        "{moved}"
    );
    assert_eq!(qdrant.collections(), ["watchkeeper.mini"]);
    assert!(search().to_string().contains("\"both\""), "it serves");
    home.run(&["knowledge", "add", "a", "disk full of logs"])
        .ended_with(&[0]);
    until("the server has the new one", || {
        let _ = search();
        home.json(&["knowledge", "move", "--to", "qdrant"], &[0])["vectors"] == vectors + 1
    });
    qdrant.be_down(true);
    let found = search();
    assert!(
        found[0]["entry"]["title"].is_string() && !found.to_string().contains("\"both\""),
        "by words: {found}"
    );
    let refused = home.run(&["knowledge", "move", "--to", "qdrant"]);
    assert!(!refused.output.status.success(), "it cannot be verified");
    let back = home.json(&["knowledge", "move", "--to", "embedded"], &[0]);
    assert_eq!(back["vectors"], vectors + 1);
}

#[test]
fn without_a_server_there_is_nowhere_to_move() {
    let home = Home::new();
    let refused = home.run(&["knowledge", "move", "--to", "qdrant"]);
    refused.ended_with(&[64, 65, 1]);
    assert!(
        refused.stderr().contains("knowledge.qdrant"),
        "{}",
        refused.stderr()
    );
}
