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
/// How wide the narrowest screen is that is thought of: a page on a desk at 400 %, too.
const NARROWEST: u32 = 320;
/// A screen on a desk.
pub const DESK: Screen = Screen {
    width: 1_280,
    height: 800,
    phone: false,
};

/// What every page must be for everybody who opens it; returns what it is not.
const FAULTS: &str = r#"
const faults = [];
const luminance = colour => {
  const part = text => { const c = text / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const isClear = colour => /, 0\)$/.test(colour);
const below = e => {
  for (; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (!isClear(colour)) return colour;
  }
  return 'rgb(255, 255, 255)';
};
const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node; node = words.nextNode();) {
  const e = node.parentElement;
  if (!node.textContent.trim() || !e.getClientRects().length) continue;
  const [a, b] = [luminance(getComputedStyle(e).color), luminance(below(e))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) faults.push(`"${node.textContent.trim()}" has a contrast of ${contrast.toFixed(2)}`);
}
for (const e of document.querySelectorAll('button, a.button, summary, textarea, input:not([type=hidden])')) {
  const { width, height } = e.getBoundingClientRect();
  if (width < 44 || height < 44) faults.push(`${e.tagName} is ${width} by ${height}`);
  const name = e.getAttribute('aria-label') || [...(e.labels || [])].map(l => l.innerText).join('') || e.innerText;
  if (!name.trim()) faults.push(`${e.tagName} has no name`);
}
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) faults.push(`it is ${root.scrollWidth} wide on ${root.clientWidth}`);
if (document.scripts.length) faults.push('it has a script');
if (document.querySelectorAll('h1').length != 1 || !document.querySelector('main') || !root.lang || !document.title)
  faults.push('it has no heading, main part, language or title');
return faults;
"#;

/// A browser with a profile of its own; closed when it is dropped.
#[derive(Debug)]
pub struct Browser {
    screen: Screen,
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
    pub fn start(screen: Screen) -> Self {
        Self::start_with(screen, &[])
    }

    /// Starts one that finds sites elsewhere than names say: each rule is `MAP name:port address:port`. It takes their
    /// certificates as they are.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn start_finding(screen: Screen, rules: &str) -> Self {
        let rules = format!("--host-resolver-rules={rules}");
        Self::start_with(screen, &["--ignore-certificate-errors", &rules])
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a browser is another program than ours"
    )]
    fn start_with(screen: Screen, more: &[&str]) -> Self {
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
            screen,
            driver,
            port,
            session: String::new(),
            profile,
        };
        browser.session = browser.begin(more);
        browser
    }

    fn begin(&self, more: &[&str]) -> String {
        let screen = self.screen;
        let profile = self.profile.path().join("profile");
        let size = format!("--window-size={},{}", screen.width, screen.height);
        let mut options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--lang=en", size,
                format!("--user-data-dir={}", profile.display()),
            ],
        });
        if let Some(args) = options["args"].as_array_mut() {
            args.extend(more.iter().map(|arg| json!(arg)));
        }
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

    /// Goes back to the page before.
    ///
    /// # Panics
    /// When the driver does not.
    pub fn back(&self) {
        self.command("POST", "/back", &json!({}));
    }

    /// Loads the page again, with the form that had led to it where there was one.
    ///
    /// # Panics
    /// When the driver does not.
    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// Takes it out of the network, or back into it.
    ///
    /// # Panics
    /// When the driver does not.
    pub fn offline(&self, offline: bool) {
        let params = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        self.devtools("Network.enable", &json!({}));
        self.devtools("Network.emulateNetworkConditions", &params);
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

    /// Fails unless the page can be read and tapped by everybody: by day and by night, on the narrowest screen that is
    /// thought of, and with letters twice as large.
    ///
    /// # Panics
    /// When it cannot.
    pub fn is_for_everybody(&self) {
        let fits = |how: &str| {
            let faults = self.run(FAULTS, &json!([]));
            assert_eq!(faults, json!([]), "{how}, at {}", self.address());
        };
        let is_wide = |width: u32| {
            let Screen { height, phone, .. } = self.screen;
            let scale = if phone { 2 } else { 1 };
            let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
            self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        };
        let letters = |size: &str| {
            let script = "document.documentElement.style.fontSize = arguments[0]";
            let _ = self.run(script, &json!([size]));
        };
        self.at_night(true);
        fits("by night");
        self.at_night(false);
        fits("by day");
        letters("200%");
        fits("with large letters");
        letters("");
        is_wide(NARROWEST);
        fits("on the narrowest screen");
        is_wide(self.screen.width);
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
        self.until_it_says_one_of(&[words]);
    }

    /// Waits until the page says one of these, without doing anything.
    ///
    /// # Panics
    /// When it does not.
    pub fn until_it_says_one_of(&self, words: &[&str]) {
        let what = format!("the page says {words:?}");
        let script = "return document.body ? document.body.innerText : ''";
        let body = json!({ "script": script, "args": [] });
        let path = format!("/session/{}/execute/sync", self.session);
        until_within(LONG, &what, &mut || {
            // Between two pages there is none that could be asked.
            let said = self.ask("POST", &path, &body);
            said.as_str()
                .is_some_and(|text| words.iter().any(|words| text.contains(words)))
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
