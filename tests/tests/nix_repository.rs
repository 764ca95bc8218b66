//! The repository with the NixOS configuration: fetched and read by the scripts of the module's units, with real git, a
//! real repository and the built program. What cannot be fetched, cannot be read or holds a secret is told once, and
//! what was read before stays in use.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use watchkeeper_tests::binary::Home;
use watchkeeper_tests::nix::root;

const GOOD: &str = "{ services.nginx.enable = true; networking.hostName = \"web1\"; }\n";

/// A repository somewhere, and a watch that follows it.
struct Followed {
    home: Home,
    upstream: PathBuf,
}

#[expect(
    clippy::disallowed_methods,
    reason = "git and the scripts of the units are other programs than ours"
)]
fn program(name: &str, words: &[&str], at: &Path, variables: &[(&str, String)]) -> Output {
    Command::new(name)
        .args(words)
        .current_dir(at)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(
            variables
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        )
        .output()
        .expect("run tests/install")
}

fn words(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&all).into_owned()
}

impl Followed {
    fn new() -> Self {
        let home = Home::new();
        let upstream = home.path().join("upstream");
        for dir in [
            &upstream,
            &home.path().join("fetched"),
            &home.path().join("index"),
        ] {
            std::fs::create_dir(dir).expect("a directory can be made");
        }
        let followed = Self { home, upstream };
        followed.git(&["init", "-q", "-b", "main"]);
        followed
    }

    fn git(&self, words: &[&str]) {
        let identity = ["-c", "user.name=anna", "-c", "user.email=anna@example.org"];
        let done = program("git", &[&identity, words].concat(), &self.upstream, &[]);
        assert!(
            done.status.success(),
            "git {words:?}: {}",
            self::words(&done)
        );
    }

    fn commit(&self, path: &str, text: &str) {
        let file = self.upstream.join(path);
        std::fs::create_dir_all(file.parent().expect("it lies in the repository"))
            .expect("a directory can be made");
        std::fs::write(file, text).expect("a file can be written");
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "a change"]);
    }

    /// The program as the script knows it: in a home of its own.
    fn watch(&self) -> PathBuf {
        let wrapper = self.home.path().join("watch");
        let command = self.home.command(&[]);
        let mut text = "#!/bin/sh\nexec env -i".to_owned();
        for (name, value) in command.get_envs() {
            let value = value.unwrap_or_default().to_string_lossy();
            text.push_str(&format!(" {}='{value}'", name.to_string_lossy()));
        }
        text.push_str(&format!(
            " '{}' \"$@\"\n",
            command.get_program().to_string_lossy()
        ));
        std::fs::write(&wrapper, text).expect("a file can be written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&wrapper, mode).expect("a file's mode can be set");
        wrapper
    }

    /// As NixOS runs a unit's script: it ends at what fails unasked.
    fn fetch_with(&self, more: &[(&str, String)]) -> Output {
        let path = |path: &Path| path.display().to_string();
        let mut variables = vec![
            ("REPOSITORY_URL", format!("file://{}", path(&self.upstream))),
            ("REPOSITORY_BRANCH", "main".to_owned()),
            ("REPOSITORY_DIR", path(&self.home.path().join("fetched"))),
            ("REPOSITORY_WATCH", path(&self.watch())),
            ("HOME", path(self.home.path())),
        ];
        variables.extend(more.iter().cloned());
        let script = root().join("nix/repository/fetch.sh");
        program("sh", &["-e", &path(&script)], self.home.path(), &variables)
    }

    fn fetch(&self) -> Output {
        self.fetch_with(&[])
    }

    fn index(&self) -> Output {
        let path = |path: PathBuf| path.display().to_string();
        let variables = [
            ("REPOSITORY_DIR", path(self.home.path().join("fetched"))),
            ("REPOSITORY_INDEX_DIR", path(self.home.path().join("index"))),
            ("REPOSITORY_WATCH", path(self.watch())),
        ];
        let script = root().join("nix/repository/index.sh");
        program("sh", &["-e", &path(script)], self.home.path(), &variables)
    }

    /// The kept text of a file.
    fn kept(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.home.path().join("fetched/kept").join(file)).ok()
    }

    fn issues(&self) -> Vec<Value> {
        let issues = self.home.json(&["issues", "list"], &[0]);
        issues.as_array().cloned().expect("a list of issues")
    }
}

fn well(output: &Output) {
    assert!(output.status.success(), "{}", words(output));
}

#[test]
fn what_the_branch_says_is_fetched_read_and_found() {
    let followed = Followed::new();
    followed.commit("hosts/web1.nix", GOOD);
    followed.git(&["switch", "-q", "-c", "stable"]);
    followed.commit("hosts/web1.nix", "{ services.caddy.enable = true; }\n");

    well(&followed.fetch());
    assert_eq!(followed.kept("hosts/web1.nix").as_deref(), Some(GOOD));
    well(&followed.index());
    let found = followed.home.run(&["configs", "search", "nginx"]);
    found.ended_with(&[0]);
    assert!(
        found.stdout().contains("hosts/web1.nix"),
        "{}",
        found.stdout()
    );

    // Another branch is another configuration.
    well(&followed.fetch_with(&[("REPOSITORY_BRANCH", "stable".to_owned())]));
    well(&followed.index());
    let found = followed.home.run(&["configs", "search", "caddy"]).stdout();
    assert!(found.contains("hosts/web1.nix"), "{found}");
    // Once more changes nothing.
    well(&followed.fetch_with(&[("REPOSITORY_BRANCH", "stable".to_owned())]));
    assert!(followed.issues().is_empty(), "{:?}", followed.issues());
}

#[test]
fn a_repository_that_cannot_be_fetched_is_one_issue_until_it_can_be() {
    let followed = Followed::new();
    followed.commit("web1.nix", GOOD);
    well(&followed.fetch());
    let elsewhere = followed.home.path().join("elsewhere");
    std::fs::rename(&followed.upstream, &elsewhere).expect("it can be moved away");
    for _ in 0..3 {
        let failed = followed.fetch();
        assert_eq!(failed.status.code(), Some(1));
        let said = words(&failed);
        assert!(
            said.contains("the configuration repository cannot be fetched: branch main:"),
            "{said}"
        );
    }
    let issues = followed.issues();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    assert_eq!(
        issues[0]["title"],
        "the configuration repository cannot be fetched"
    );
    assert_eq!(followed.kept("web1.nix").as_deref(), Some(GOOD));

    std::fs::rename(&elsewhere, &followed.upstream).expect("it can be moved back");
    well(&followed.fetch());
    assert!(
        followed.issues().is_empty(),
        "it is resolved: {:?}",
        followed.issues()
    );
}

#[test]
fn a_commit_that_is_no_nix_is_told_and_the_one_before_stays() {
    let followed = Followed::new();
    followed.commit("web1.nix", GOOD);
    well(&followed.fetch());
    followed.commit("deep/a file.nix", "{ services.nginx.enable = ; }\n");
    let failed = followed.fetch();
    assert_eq!(failed.status.code(), Some(1));
    let said = words(&failed);
    assert!(
        said.contains("cannot be read as Nix: commit ") && said.contains("a file.nix"),
        "{said}"
    );
    assert_eq!(followed.kept("deep/a file.nix"), None);
    assert_eq!(followed.kept("web1.nix").as_deref(), Some(GOOD));
    well(&followed.index());
    assert_eq!(followed.issues().len(), 1);

    // Another trouble is a note to the same issue; the mended commit resolves it.
    let elsewhere = followed.home.path().join("elsewhere");
    std::fs::rename(&followed.upstream, &elsewhere).expect("it can be moved away");
    assert_eq!(followed.fetch().status.code(), Some(1));
    std::fs::rename(&elsewhere, &followed.upstream).expect("it can be moved back");
    let issues = followed.issues();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    let number = issues[0]["number"].to_string();
    let shown = followed.home.json(&["issues", "show", &number], &[0]);
    let noted = shown.to_string();
    assert!(
        noted.contains("the configuration repository cannot be fetched: branch main"),
        "{shown:#}"
    );
    followed.commit("deep/a file.nix", "{ }\n");
    well(&followed.fetch());
    assert_eq!(followed.kept("deep/a file.nix").as_deref(), Some("{ }\n"));
    assert!(followed.issues().is_empty());
}

#[test]
fn files_with_secrets_are_not_read_and_are_named_once() {
    let followed = Followed::new();
    followed.commit("web1.nix", GOOD);
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\n";
    followed.commit("keys.nix", &format!("''\n{key}''\n"));
    well(&followed.fetch());
    for _ in 0..2 {
        let read = followed.index();
        well(&read);
        let said = words(&read);
        assert!(
            said.contains("keys.nix: ") && !said.contains("b3BlbnNza"),
            "{said}"
        );
    }
    let issues = followed.issues();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    assert_eq!(
        issues[0]["title"],
        "files of the configuration repository are not read"
    );
    let known = followed.home.run(&["configs", "search", "nginx"]).stdout();
    assert!(known.contains("web1.nix"), "{known}");
    let secret = followed.home.run(&[
        "configs",
        "search",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ",
    ]);
    assert!(!secret.stdout().contains("keys.nix"), "{}", secret.stdout());

    std::fs::remove_file(followed.upstream.join("keys.nix")).expect("it can be removed");
    followed.git(&["commit", "-q", "-a", "-m", "no key any more"]);
    well(&followed.fetch());
    well(&followed.index());
    assert!(followed.issues().is_empty(), "{:?}", followed.issues());
}

#[test]
fn a_repository_that_is_too_much_to_read_is_one_issue_and_a_file_that_is_too_long_is_named() {
    let followed = Followed::new();
    followed.commit("web1.nix", GOOD);
    well(&followed.fetch());
    well(&followed.index());
    let kept = followed.home.path().join("fetched/kept");
    let many = kept.join("many");
    std::fs::create_dir(&many).expect("a directory can be made");
    for number in 0..5_000 {
        std::fs::write(many.join(format!("{number}.nix")), "{ }\n").expect("it can be written");
    }
    for _ in 0..2 {
        let read = followed.index();
        assert_eq!(read.status.code(), Some(1));
        let said = words(&read);
        assert!(said.contains("more than 5000 *.nix files"), "{said}");
    }
    let issues = followed.issues();
    assert_eq!(issues.len(), 1, "{issues:#?}");
    let known = followed.home.run(&["configs", "search", "nginx"]).stdout();
    assert!(known.contains("web1.nix"), "what was read stays: {known}");

    // No more of a file is read than may be kept, however long it is.
    std::fs::remove_dir_all(&many).expect("it can be removed");
    let long = std::fs::File::create(kept.join("long.nix")).expect("a file can be made");
    long.set_len(1 << 40)
        .expect("a file may be long and hold nothing");
    let read = followed.index();
    well(&read);
    let said = words(&read);
    assert!(
        said.contains("long.nix: it is longer than 131072 bytes"),
        "{said}"
    );
    std::fs::remove_file(kept.join("long.nix")).expect("it can be removed");
    well(&followed.index());
    assert!(followed.issues().is_empty(), "{:?}", followed.issues());
}

#[test]
fn nothing_of_a_repository_is_run_or_followed() {
    let followed = Followed::new();
    let outside = followed.home.path().join("outside");
    std::fs::write(&outside, "secret\n").expect("a file can be written");
    std::os::unix::fs::symlink(&outside, followed.upstream.join("link.nix"))
        .expect("a link can be made");
    followed.commit(".gitattributes", "*.nix filter=evil\n");
    followed.commit("web1.nix", "builtins.exec [ \"touch\" \"/tmp/never\" ]\n");
    well(&followed.fetch());
    assert_eq!(followed.kept("link.nix"), None);
    assert!(
        followed
            .kept("web1.nix")
            .is_some_and(|text| text.contains("builtins.exec"))
    );
}

/// A server that asks who is there, and hears the answer.
fn asking_server() -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!(
        "http://{}/me/nixos.git",
        listener.local_addr().expect("it has an address")
    );
    let hearing = std::thread::spawn(move || {
        let mut heard = Vec::new();
        for stream in listener.incoming().take(2) {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a second hand on it"));
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if line.starts_with("Authorization:") {
                    heard.push(line.trim().to_owned());
                }
                line.clear();
            }
            let answer = "HTTP/1.1 401 no\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            // Who has hung up needs no answer.
            let _ = stream.write_all(answer.as_bytes());
        }
        heard
    });
    (url, hearing)
}

#[test]
fn a_token_goes_to_the_server_and_to_nowhere_else() {
    let followed = Followed::new();
    let secrets = followed.home.path().join("secrets");
    std::fs::create_dir(&secrets).expect("a directory can be made");
    std::fs::write(secrets.join("token"), "s3cr3t-of-the-repository")
        .expect("a file can be written");
    let (url, hearing) = asking_server();
    let failed = followed.fetch_with(&[
        ("REPOSITORY_URL", url),
        ("CREDENTIALS_DIRECTORY", secrets.display().to_string()),
    ]);
    // base64 of `token:s3cr3t-of-the-repository`.
    let header = "Authorization: Basic dG9rZW46czNjcjN0LW9mLXRoZS1yZXBvc2l0b3J5";
    assert_eq!(hearing.join().expect("the server ends"), [header]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(!words(&failed).contains("s3cr3t"), "{}", words(&failed));
    let number = followed.issues()[0]["number"].to_string();
    let shown = followed.home.json(&["issues", "show", &number], &[0]);
    assert!(!shown.to_string().contains("s3cr3t"), "{shown:#}");
}
