//! Pictures for the documents, made from the real program on real hosts: what it wrote to a terminal, as an SVG. Drawn
//! anew by hand, when what it shows has changed; a test holds that the picture in the repository is one of ours.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use watchkeeper_tests::binary::Home;
use watchkeeper_tests::lab::Lab;

/// Width of a character and height of a line, in the picture's units.
const CELL: (f32, f32) = (8.4, 19.0);
/// Columns that are drawn at least.
const COLUMNS: usize = 100;

fn picture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures/repair.svg")
}

/// How a piece of text looks.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    dim: bool,
    colour: Option<u8>,
}

impl Look {
    /// After this code of `ESC [ … m`.
    fn then(self, code: u8) -> Self {
        match code {
            1 => Self { bold: true, ..self },
            2 => Self { dim: true, ..self },
            22 => Self {
                bold: false,
                dim: false,
                ..self
            },
            30..=37 => Self {
                colour: Some(code - 30),
                ..self
            },
            90..=97 => Self {
                colour: Some(code - 90),
                ..self
            },
            39 => Self {
                colour: None,
                ..self
            },
            _ => Self::default(),
        }
    }

    fn attributes(self) -> String {
        let fill = match self.colour {
            Some(1) => "#ff7b72",
            Some(2) => "#7ee787",
            Some(3) => "#e3b341",
            Some(4) => "#79c0ff",
            Some(5) => "#d2a8ff",
            Some(6) => "#76e3ea",
            _ if self.dim => "#8b949e",
            _ => "#e6edf3",
        };
        let weight = if self.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        format!("fill=\"{fill}\"{weight}")
    }
}

/// Pieces of one line with their looks; the look goes on over lines.
fn pieces(line: &str, look: &mut Look) -> Vec<(Look, String)> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some((text, after)) = rest.split_once("\u{1b}[") {
        pieces.push((*look, text.to_owned()));
        let (codes, after) = after
            .split_once(|c: char| c.is_ascii_alphabetic())
            .unwrap_or((after, ""));
        for code in codes.split(';') {
            *look = look.then(code.parse().unwrap_or(0));
        }
        rest = after;
    }
    pieces.push((*look, rest.to_owned()));
    pieces.retain(|(_, text)| !text.is_empty());
    pieces
}

/// Blanks are kept by every viewer where they do not break.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace(' ', "\u{a0}")
}

fn svg(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let height = CELL.1.mul_add(lines.len() as f32, 40.0);
    let width = CELL.0.mul_add(COLUMNS as f32, 40.0);
    let mut drawn = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"A failed service is found, shown and repaired in a terminal\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"10\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n"
    );
    let mut look = Look::default();
    for (number, line) in lines.iter().enumerate() {
        let y = CELL.1.mul_add(number as f32, 34.0);
        let mut column = 0;
        for (look, piece) in pieces(line, &mut look) {
            let x = CELL.0.mul_add(column as f32, 20.0);
            column += piece.chars().count();
            let _ = writeln!(
                drawn,
                "<text x=\"{x:.1}\" y=\"{y:.0}\" {}>{}</text>",
                look.attributes(),
                escaped(&piece)
            );
        }
    }
    drawn.push_str("</g>\n</svg>\n");
    drawn
}

#[test]
#[ignore = "draws docs/pictures/repair.svg anew"]
fn draw_the_first_repair() {
    let lab = Lab::up(&["web1", "db1"]);
    let home =
        Home::new().config(&lab.config("name = \"hal\"\n[policy]\nautonomy = \"suggest\"\n"));
    for host in &lab.hosts {
        home.run(&["enrol", &host.name, "--fingerprint", &host.fingerprint()])
            .ended_with(&[0]);
    }
    home.run(&["check"]).ended_with(&[0]);
    lab.hosts[0].fault(&["svc-crash"]);
    let mut screen = String::new();
    for typed in [
        "hal-check",
        "hal-approve list",
        "hal-approve 0",
        "hal-check",
    ] {
        let line = format!("script -qec 'stty cols 100; {typed}' /dev/null");
        let said = home.shell(&line).env("TERM", "xterm").output();
        let said = said.expect("there is a shell").stdout;
        let said = String::from_utf8_lossy(&said).replace('\r', "");
        let _ = writeln!(
            screen,
            "\u{1b}[1m$ {typed}\u{1b}[0m\n{}\n",
            lasting(&said).trim_end()
        );
    }
    std::fs::create_dir_all(picture().parent().expect("it lies in a directory"))
        .expect("a directory can be made");
    std::fs::write(picture(), svg(&screen)).expect("it can be written");
}

/// The text without what progress wrote and erased again.
fn lasting(said: &str) -> String {
    let after = |line: &'_ str| {
        line.rsplit("\u{1b}[K")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let kept: Vec<String> = said.lines().map(after).collect();
    kept.join("\n")
}

#[test]
fn the_picture_in_the_documents_is_a_picture() {
    let drawn = std::fs::read_to_string(picture()).expect("docs/pictures/repair.svg");
    let drawn = drawn.replace('\u{a0}', " ");
    for said in [
        "hal-check",
        "nginx.service failed",
        "hal-approve 0",
        "fixed",
    ] {
        assert!(drawn.contains(said), "{said} is not in the picture");
    }
}
