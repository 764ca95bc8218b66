//! A real nginx before the pages, configured by the words of docs/phone.md: of those only ports and files are the test's.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::binary::until;

/// An nginx of its own; ended when it is dropped.
#[derive(Debug)]
pub struct Nginx {
    running: Child,
    port: u16,
    dir: TempDir,
}

/// A piece of configuration out of docs/phone.md: the first of this language that says this.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn of_the_page(language: &str, says: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/phone.md");
    let page = std::fs::read_to_string(path).expect("the page can be read");
    let mark = format!("```{language}\n");
    let pieces = page.split(&mark).skip(1);
    let mut pieces = pieces.filter_map(|rest| rest.split("```").next());
    pieces
        .find(|piece| piece.contains(says))
        .unwrap_or_else(|| panic!("no {language} of the page says {says:?}"))
        .to_owned()
}

impl Nginx {
    /// Starts one with this `server` of the page, before pages that are served here.
    ///
    /// # Panics
    /// When there is none: `tests/install` brings it.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "a proxy is another program than ours"
    )]
    pub fn before(pages: &str, server: &str) -> Self {
        let dir = TempDir::with_prefix("wk-nginx-").expect("a directory can be made");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        std::fs::write(
            dir.path().join("nginx.conf"),
            settings(dir.path(), port, pages, server),
        )
        .expect("a file can be written");
        certificate(dir.path());
        let running = Command::new("/usr/sbin/nginx")
            .arg("-p")
            .arg(dir.path())
            .arg("-c")
            .arg(dir.path().join("nginx.conf"))
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx: run tests/install");
        let nginx = Self { running, port, dir };
        until("nginx listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        nginx
    }

    /// How a browser finds it under this name.
    #[must_use]
    pub fn rule(&self, name: &str) -> String {
        format!("MAP {name}:443 127.0.0.1:{}", self.port)
    }

    /// What it has to say.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    #[expect(
        clippy::disallowed_methods,
        reason = "a proxy is another program than ours"
    )]
    fn drop(&mut self) {
        // It ends its workers itself when it is asked to.
        let id = self.running.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.running.wait();
    }
}

fn settings(dir: &Path, port: u16, pages: &str, server: &str) -> String {
    let dir = dir.display();
    let server = server
        .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;"))
        .replace("listen [::]:443 ssl;", "")
        .replace(
            "/etc/letsencrypt/live/watch.example.org/",
            &format!("{dir}/"),
        )
        .replace("127.0.0.1:8470", pages);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("    {kind}_temp_path {dir}/{kind};\n"))
        .collect();
    format!(
        "daemon off;\nuser root;\nworker_processes 1;\npid {dir}/pid;\nerror_log {dir}/error.log;\n\
         events {{ worker_connections 64; }}\nhttp {{\n    access_log off;\n{temporary}{server}\n}}\n"
    )
}

/// A certificate that nobody vouches for, under the names that the page has.
#[expect(
    clippy::disallowed_methods,
    reason = "a certificate is made by another program than ours"
)]
fn certificate(dir: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=watch",
        ])
        .arg("-keyout")
        .arg(dir.join("privkey.pem"))
        .arg("-out")
        .arg(dir.join("fullchain.pem"))
        .output()
        .expect("openssl: run tests/install");
    assert!(made.status.success(), "{made:?}");
}
