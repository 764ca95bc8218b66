//! A real Chromium without a screen, driven over WebDriver: it opens pages, taps, types, and takes pictures. The driver is
//! Debian's `chromium-driver`; what is said to it is JSON over HTTP, which needs no more than a socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::until_within;

/// How long the driver may take for one thing; far more than it does.
const LONG: Duration = Duration::from_secs(90);
/// What WebDriver calls an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// What a phone calls itself.
const PHONE: &str = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/140.0.0.0 Mobile Safari/537.36";

/// How large a screen is, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
    /// Whether it is held in a hand.
    pub phone: bool,
}

/// A phone's screen.
pub const HAND: Screen = Screen {
    width: 390,
    height: 844,
    phone: true,
};
/// The smallest phone that is thought of.
pub const SMALL_HAND: Screen = Screen {
    width: 360,
    height: 640,
    phone: true,
};
/// A screen on a desk.
pub const DESK: Screen = Screen {
    width: 1_280,
    height: 800,
    phone: false,
};

/// A browser with a profile of its own; closed when it is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// Starts one.
    ///
    /// # Panics
    /// When there is none: `tests/install` brings it.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "a browser is another program than ours"
    )]
    pub fn start(screen: Screen) -> Self {
        let profile = TempDir::with_prefix("wk-browser-").expect("a directory can be made");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", profile.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: run tests/install");
        let port = port_of(&mut driver);
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            profile,
        };
        browser.session = browser.begin(screen);
        browser
    }

    fn begin(&self, screen: Screen) -> String {
        let profile = self.profile.path().join("profile");
        let size = format!("--window-size={},{}", screen.width, screen.height);
        let mut options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--lang=en", size,
                format!("--user-data-dir={}", profile.display()),
            ],
        });
        if screen.phone {
            options["mobileEmulation"] = json!({
                "deviceMetrics": { "width": screen.width, "height": screen.height, "pixelRatio": 2, "touch": true },
                "userAgent": PHONE,
            });
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
        } } });
        let begun = self.ask("POST", "/session", &wanted);
        let id = begun["sessionId"].as_str();
        id.unwrap_or_else(|| panic!("no session: {begun}"))
            .to_owned()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let answered = self.ask(method, &format!("/session/{}{path}", self.session), body);
        assert!(answered["error"].is_null(), "{path}: {answered}");
        answered
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the driver listens");
        stream
            .set_read_timeout(Some(LONG))
            .expect("a limit can be set");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream.write_all(body.as_bytes()).expect("it is sent");
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        let mut line = String::new();
        while answer.read_line(&mut line).expect("a head") > 0 && line != "\r\n" {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            line.clear();
        }
        let mut bytes = vec![0; length];
        answer.read_exact(&mut bytes).expect("a body");
        let answered: Value = serde_json::from_slice(&bytes).expect("JSON");
        answered["value"].clone()
    }

    /// Opens an address.
    ///
    /// # Panics
    /// When the driver does not.
    pub fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Where it is.
    ///
    /// # Panics
    /// When the driver does not tell.
    #[must_use]
    pub fn address(&self) -> String {
        let at = self.command("GET", "/url", &Value::Null);
        at.as_str().unwrap_or_default().to_owned()
    }

    fn element(&self, selector: &str) -> String {
        let by = json!({ "using": "css selector", "value": selector });
        let found = self.command("POST", "/element", &by);
        let id = found[ELEMENT].as_str();
        id.unwrap_or_else(|| panic!("no {selector}: {found}"))
            .to_owned()
    }

    /// What a person reads in the first element that fits.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        // A page that reloads itself may take the element away in between.
        let script =
            "const e = document.querySelector(arguments[0]); return e ? e.innerText : null";
        let text = self.run(script, &json!([selector]));
        let text = text.as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("no {selector} at {}", self.address()))
    }

    /// Taps it.
    ///
    /// # Panics
    /// When there is none, or something lies over it.
    pub fn tap(&self, selector: &str) {
        let id = self.element(selector);
        self.command("POST", &format!("/element/{id}/click"), &json!({}));
    }

    /// Types into it.
    ///
    /// # Panics
    /// When there is none.
    pub fn type_into(&self, selector: &str, text: &str) {
        let id = self.element(selector);
        self.command(
            "POST",
            &format!("/element/{id}/value"),
            &json!({ "text": text }),
        );
    }

    /// What a script of the test's own returns: pages have none.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn run(&self, script: &str, args: &Value) -> Value {
        let body = json!({ "script": script, "args": args });
        self.command("POST", "/execute/sync", &body)
    }

    /// Has pages be as at night, or by day.
    ///
    /// # Panics
    /// When the driver does not.
    pub fn at_night(&self, night: bool) {
        let scheme = if night { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// Says something in the language of its developers' tools.
    ///
    /// # Panics
    /// When the driver does not.
    pub fn devtools(&self, command: &str, params: &Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        self.command("POST", "/goog/cdp/execute", &body)
    }

    /// A picture of the page down to this height, as base64 of a PNG.
    ///
    /// # Panics
    /// When the driver does not take one.
    #[must_use]
    pub fn picture(&self, screen: Screen, height: u32) -> String {
        // A phone has two dots for one: half of them are enough for a document.
        let scale = if screen.phone { 0.5 } else { 1.0 };
        let clip =
            json!({ "x": 0, "y": 0, "width": screen.width, "height": height, "scale": scale });
        let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let taken = self.devtools("Page.captureScreenshot", &params);
        taken["data"].as_str().expect("a picture").to_owned()
    }

    /// Waits until the page says this, without doing anything.
    ///
    /// # Panics
    /// When it does not.
    pub fn until_it_says(&self, words: &str) {
        let what = format!("the page says {words:?}");
        let script = "return document.body ? document.body.innerText : ''";
        let body = json!({ "script": script, "args": [] });
        let path = format!("/session/{}/execute/sync", self.session);
        until_within(LONG, &what, &mut || {
            // Between two pages there is none that could be asked.
            let said = self.ask("POST", &path, &body);
            said.as_str().is_some_and(|text| text.contains(words))
        });
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes its browser with the session; then it has nothing left.
        if !self.session.is_empty() && !std::thread::panicking() {
            self.ask(
                "DELETE",
                &format!("/session/{}", self.session),
                &Value::Null,
            );
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        end_all_of(self.profile.path());
    }
}

/// Ends whatever of the browser is still there: it starts in a group of its own, and outlives a driver that is killed.
#[expect(
    clippy::disallowed_methods,
    reason = "a browser is another program than ours"
)]
fn end_all_of(profile: &std::path::Path) {
    let named = profile.to_string_lossy().into_owned();
    let _ = Command::new("pkill")
        .args(["-KILL", "-f", &named])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// The port that the driver says it listens at.
fn port_of(driver: &mut Child) -> u16 {
    let said = driver.stdout.take().expect("it is piped");
    for line in BufReader::new(said).lines() {
        let line = line.expect("the driver speaks");
        let port = line.split("successfully on port ").nth(1).and_then(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        });
        if let Some(port) = port {
            return port;
        }
    }
    panic!("the driver does not say where it listens");
}
