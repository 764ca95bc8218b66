//! A model whose words, and a server whose names of models, are made to act on a terminal, to look like a link or a page, or
//! to turn text around: wherever a person meets them, on a terminal, in a file or in a message, they are text.

use serde_json::{Value, json};
use watchkeeper_testkit::model_server::{FakeModel, ModelServer, Turn};
use watchkeeper_testkit::push::Gotify;
use watchkeeper_tests::binary::Home;

/// A screen that is emptied, a title that is set, a link over a text, a turned extension, HTML, and what has no width. The
/// control byte of eight bits begins a command, too.
const WORDS: &str = "plain \u{1b}[2J\u{1b}]0;mine\u{7}\u{1b}]8;;https://evil.example/\u{1b}\\your bank\u{1b}]8;;\u{1b}\\ \u{9b}31m \
     \u{202e}gpj.exe\u{2066} a\u{200b}b <script>alert(1)</script> [click](https://evil.example/) \u{e0041}";
/// The same as a server would name a model. The one that is asked has a name of ours: no other is taken from a file.
const NAME: &str = "evil\u{1b}]8;;https://evil.example/\u{7}\u{202e}:1b";
const ASKED: &str = "small:1b";
/// Hides, turns or acts. A terminal of ours may be sent its own colours and its own beginning of a line.
const HIDDEN: [char; 8] = [
    '\u{7}',
    '\u{9b}',
    '\u{202e}',
    '\u{2066}',
    '\u{200b}',
    '\u{e0041}',
    '\u{90}',
    '\u{9d}',
];
const TOKEN: &str = "Atoken.of-the-phone";

async fn server() -> ModelServer {
    ModelServer::start()
        .await
        .has(FakeModel::chat(NAME, 32_768))
        .has(FakeModel::chat(ASKED, 32_768))
        .decides(|body| {
            let messages = body["messages"].as_array().cloned().unwrap_or_default();
            let last = messages.last().cloned().unwrap_or_default();
            let wishes = last["content"]
                .as_str()
                .unwrap_or_default()
                .contains("wish");
            if wishes && last["role"] == "user" {
                let step = json!({ "kind": "shell", "script": "touch /nonexistent/wish" });
                let proposes = json!({
                    "host": "local", "steps": [step], "reason": WORDS, "evidence": []
                });
                return Turn::calls_tools([("1", "propose", proposes)]).saying(WORDS);
            }
            Turn::replies(WORDS).thinking(WORDS)
        })
}

/// A home whose lane asks that server, and whose people have a phone.
fn home(server: &ModelServer, gotify: &Gotify) -> Home {
    let home = Home::new();
    let token = home.path().join("phone.token");
    std::fs::write(&token, TOKEN).expect("written");
    let config = format!(
        "[watch]\ninterval = \"1h\"\n[notify]\ngroup_wait = \"0s\"\n\
         [[notify.channels]]\nname = \"phone\"\nurl = \"{}\"\ntoken_file = \"{}\"\n\
         [[lanes]]\nname = \"local\"\nmodel = \"{ASKED}\"\nurl = \"{}\"\n",
        gotify.url(),
        token.display(),
        server.url()
    );
    home.config(&config)
}

/// Every way in which a person reads what a model or its server said.
const WAYS: [&[&str]; 14] = [
    &["ask", "is it?"],
    &["ask", "is it?", "--output", "json"],
    &["do", "a wish"],
    &["do", "a wish", "--output", "json"],
    &["chat", "--list"],
    &["queue", "list", "--all"],
    &["queue", "show", "1"],
    &["queue", "show", "1", "--output", "json"],
    &["approve", "list"],
    &["approve", "show", "0"],
    &["logs", "-n", "200"],
    &["models", "list"],
    &["status"],
    &["doctor"],
];

fn is_only_text(words: &[&str], said: &str) {
    for hidden in HIDDEN {
        assert!(!said.contains(hidden), "{words:?}: {hidden:?} in {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_says_and_is_called_is_text_wherever_it_is_read() {
    let (server, gotify) = (server().await, Gotify::start(TOKEN).await);
    let home = home(&server, &gotify);
    for words in WAYS {
        let ran = home.run(words);
        let said = ran.stdout() + &ran.stderr();
        assert!(!said.contains('\u{1b}'), "{words:?}: {said:?}");
        is_only_text(words, &said);
        assert!(!ran.stdout().is_empty(), "{words:?}: {ran:?}");
    }
    let told: Vec<String> = gotify
        .messages()
        .into_iter()
        .map(|message| format!("{}\n{}", message.title, message.message))
        .collect();
    assert!(!told.is_empty(), "that an action waits is told");
    for message in &told {
        assert!(!message.contains('\u{1b}'), "{message:?}");
        is_only_text(&["a message"], message);
    }
}

/// On a terminal it flows as it comes, and a talk is gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_acts_on_a_terminal() {
    let (server, gotify) = (server().await, Gotify::start(TOKEN).await);
    let home = home(&server, &gotify);
    let kept = home.path().join("talk.txt");
    let typed = format!("is it?\n/history\n/model\n/save {}\n", kept.display());
    let chat = home.piped(&["chat"], &typed);
    is_only_text(&["chat"], &(chat.stdout() + &chat.stderr()));
    for (words, typed) in [
        (&["ask", "is it?"][..], ""),
        (&["chat", "--resume"], "/history\r/model\r/exit\r"),
        (&["do", "a wish"], ""),
        (&["approve", "discuss", "0"], "is it?\r/exit\r"),
        (&["queue", "list", "--all"], ""),
        (&["models"], ""),
        (&["doctor"], ""),
    ] {
        let said = home.typed_on_a_terminal(&[], words, typed);
        is_only_text(words, &said);
        for command in ["\u{1b}]", "\u{1b}[2J\u{1b}]", "\u{1b}P", "\u{1b}\\"] {
            assert!(!said.contains(command), "{words:?}: {said:?}");
        }
        assert!(
            ["evil", "plain", ASKED]
                .iter()
                .any(|word| said.contains(word)),
            "{words:?}: {said:?}"
        );
    }
}

/// A list of models that another program reads means what the server said.
#[tokio::test(flavor = "multi_thread")]
async fn for_machines_the_names_mean_the_same() {
    let (server, gotify) = (server().await, Gotify::start(TOKEN).await);
    let home = home(&server, &gotify);
    let listed: Value = home.json(&["models", "list"], &[0]);
    let models = listed[0]["models"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = models
        .iter()
        .filter_map(|model| model["name"].as_str())
        .collect();
    assert!(names.contains(&NAME), "{names:?}");
}
