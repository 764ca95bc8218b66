//! Renders what only looks as a host with systemd gets it: `{"cmd"}` a line on standard input, `{"script"}` a line on
//! standard output, null where no script runs by itself. For `tests/truth/run`, which must run the very wall.

use std::io::{BufRead, BufWriter, Write, stdin, stdout};

use serde_json::{Value, json};
use watchkeeper_model::Step;
use watchkeeper_remedy::{HostTraits, Init, is_behind_wall, render};

fn main() -> std::io::Result<()> {
    let traits = HostTraits {
        os: "debian".to_owned(),
        init: Init::Systemd,
        package_manager: None,
    };
    let mut out = BufWriter::new(stdout().lock());
    for line in stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let script = line["cmd"].as_str().unwrap_or_default().to_owned();
        let planned = render(&Step::Shell { script }, &traits).ok();
        let walled = planned.filter(is_behind_wall).map(|planned| planned.script);
        writeln!(out, "{}", json!({ "script": walled }))?;
    }
    out.flush()
}
