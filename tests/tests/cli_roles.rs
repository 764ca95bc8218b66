//! A role that is taken away in the middle: of a talk, of a question that is being answered, between what was shown and the
//! approval. The daemon reads accounts and groups of this test's own, in a mount namespace; the person is the account that
//! the kernel names at the socket. Only root can become another account, so for others these tests do nothing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use watchkeeper_testkit::model_server::{Gate, MODEL, ModelServer, Turn};
use watchkeeper_tests::binary::{Home, until};
use watchkeeper_tests::missing;

/// The person, and the number of their account and of their own group.
const ANNA: (&str, u32) = ("anna", 42_424);
/// The group whose members decide.
const OPERATORS: &str = "deciders";

/// A home with a daemon that has accounts of its own, of which one is Anna's.
struct Ground {
    home: Home,
    daemon: Option<Child>,
}

impl Ground {
    /// With this model, and action 0 held; none where this is not root.
    fn new(server: &ModelServer) -> Option<Self> {
        if !nix::unistd::Uid::effective().is_root() {
            return None;
        }
        let lane = format!(
            "[[lanes]]\nname = \"local\"\nmodel = \"{MODEL}\"\nurl = \"{}\"\n\
             [server]\noperators_group = \"{OPERATORS}\"\n",
            server.url()
        );
        let home = missing::certificate();
        let file = home.path().join(".config/watchkeeper/config.toml");
        let text = std::fs::read_to_string(&file).expect("it is there") + &lane;
        std::fs::write(&file, text).expect("a file can be written");
        missing::find(&home);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(home.path(), mode).expect("it is ours");
        std::fs::copy(
            watchkeeper_tests::binary::binary(),
            home.path().join("watchkeeper"),
        )
        .expect("a copy");
        let (name, number) = ANNA;
        let accounts = format!(
            "root:x:0:0:root:/root:/bin/sh\n{name}:x:{number}:{number}::/nonexistent:/bin/sh\n"
        );
        std::fs::write(home.path().join("passwd"), accounts).expect("a file can be written");
        let mut ground = Self { home, daemon: None };
        ground.members(&[ANNA.0]);
        ground.daemon = Some(ground.start());
        Some(ground)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Who may decide from now on.
    fn members(&self, names: &[&str]) {
        let (name, number) = ANNA;
        let text = format!(
            "root:x:0:\n{OPERATORS}:x:42425:{}\n{name}:x:{number}:\n",
            names.join(",")
        );
        // The file is mounted: it is written in its place, and not replaced.
        std::fs::write(self.file("group"), text).expect("a file can be written");
    }

    /// The words of a command in the mount namespace with these accounts.
    #[expect(
        clippy::disallowed_methods,
        reason = "other accounts are what is tested"
    )]
    fn among_accounts(&self, before: &str, words: &[&str]) -> Command {
        let ours = self.home.command(words);
        let script = format!(
            "mount --bind '{}' /etc/passwd && mount --bind '{}' /etc/group && exec {before} '{}' \"$@\"",
            self.file("passwd").display(),
            self.file("group").display(),
            self.file("watchkeeper").display()
        );
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            &script,
            "sh",
        ]);
        command.args(words).env_clear();
        for (name, value) in ours.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.stdin(Stdio::null());
        command
    }

    fn start(&self) -> Child {
        let log = std::fs::File::create(self.file("daemon.log")).expect("a file");
        let daemon = self
            .among_accounts("", &["daemon"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("unshare: run tests/install");
        let socket = self.file("socket");
        until("the daemon answers", || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
        daemon
    }

    /// A command of Anna's.
    fn as_anna(&self, words: &[&str]) -> Command {
        let become_anna = format!("setpriv --reuid={0} --regid={0} --clear-groups --", ANNA.1);
        self.among_accounts(&become_anna, words)
    }

    fn runs(&self, words: &[&str]) -> Output {
        self.as_anna(words).output().expect("it starts")
    }

    fn state(&self) -> String {
        let sheet = self.home.json(&["approve", "show", "0"], &[0]);
        sheet["action"]["state"]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Nothing was decided.
    fn waits(&self) {
        assert_eq!(self.state(), "held");
        assert!(!missing::site(&self.home).exists(), "and nothing ran");
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A talk that is typed line by line.
struct Talk {
    child: Child,
    keys: Option<ChildStdin>,
    lines: BufReader<std::process::ChildStdout>,
}

impl Talk {
    fn begins(ground: &Ground, words: &[&str]) -> Self {
        let mut child = ground
            .as_anna(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let keys = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, keys, lines }
    }

    fn types(&mut self, line: &str) {
        let keys = self.keys.as_mut().expect("it is not ended");
        keys.write_all(line.as_bytes()).expect("it is read");
        keys.write_all(b"\n").expect("it is read");
    }

    fn says(&mut self, word: &str) {
        let mut said = String::new();
        while !said.contains(word) {
            let read = self.lines.read_line(&mut said).expect("it can be read");
            assert!(read > 0, "it never said {word:?}:\n{said}");
        }
    }

    /// Its status, and what it said on standard error.
    fn ends(mut self) -> (Option<i32>, String) {
        drop(self.keys.take());
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("text");
        let mut errors = String::new();
        let mut stderr = self.child.stderr.take().expect("it is piped");
        stderr.read_to_string(&mut errors).expect("text");
        (self.child.wait().expect("it ends").code(), errors)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_their_role_between_the_sheet_and_the_word_approves_nothing() {
    let server = ModelServer::start()
        .await
        .always_replies("It copies a file.");
    let Some(ground) = Ground::new(&server) else {
        return;
    };
    let mut talk = Talk::begins(&ground, &["approve", "discuss", "0"]);
    talk.types("what does it do?");
    talk.says("It copies a file.");
    ground.members(&[]);
    talk.types("approve 0");
    let (status, errors) = talk.ends();
    assert_eq!(status, Some(77), "{errors}");
    assert!(errors.contains("anna may not do this"), "{errors}");
    ground.waits();
    // Nor by any other way, and with the role it goes on.
    for words in [
        &["approve", "0"][..],
        &["approve", "reject", "0", "--reason", "no"],
        &["approve", "discuss", "0"],
    ] {
        let refused = ground.runs(words);
        assert_eq!(refused.status.code(), Some(77), "{words:?}: {refused:?}");
    }
    ground.waits();
    ground.members(&[ANNA.0]);
    let approved = ground.runs(&["approve", "0"]);
    assert_eq!(approved.status.code(), Some(0), "{approved:?}");
    assert_eq!(ground.state(), "fixed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_their_role_while_it_is_answered_has_nothing_proposed() {
    let gate = Gate::closed();
    let server = ModelServer::start().await;
    let held = gate.clone();
    let script = serde_json::json!([{ "kind": "shell", "script": "touch /nonexistent/wish" }]);
    server.decides(move |body| {
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        if messages.last().is_some_and(|last| last["role"] == "tool") {
            return Turn::replies("It is put back now.");
        }
        let proposes = serde_json::json!({
            "host": "local", "steps": script, "reason": "wished for", "evidence": []
        });
        Turn::calls_tools([("1", "propose", proposes)]).after(&held)
    });
    let Some(ground) = Ground::new(&server) else {
        return;
    };
    let mut wishing = Talk::begins(&ground, &["do", "put the certificate back"]);
    gate.is_reached().await;
    ground.members(&[]);
    gate.open();
    wishing.says("nothing was proposed: anna asked for it and may not any more");
    let (status, errors) = wishing.ends();
    assert_eq!((status, errors.as_str()), (Some(65), ""));
    let actions = ground.home.json(&["approve", "list", "--all"], &[0]);
    assert_eq!(actions.as_array().map(Vec::len), Some(1), "{actions:#}");
    ground.waits();
    let asked = text(&ground.runs(&["ask", "is all well?"]).stderr);
    assert!(asked.contains("anna may not do this"), "{asked}");
}
