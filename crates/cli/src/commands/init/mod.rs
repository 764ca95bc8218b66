//! `init`: from nothing to a configuration that works. It asks on a terminal, or takes flags; writes a commented file,
//! never over one that says something; tests what it wrote; and says what to do next.
//!
//! What is asked and what is found become [`Wishes`] (`ask`, `found`), these become the text of a file (`file`), and that
//! is put in its place (`place`).

mod ask;
mod file;
mod found;
mod here;
mod next;
mod place;

pub(super) use place::says_something;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;
use watchkeeper_model::{Autonomy, HostName, visible};
use watchkeeper_watch::view::{DoctorLine, DoctorState};

use self::here::Here;
use self::next::Step;
use super::{Ended, answer, doctor};
use crate::args::{Common, Output};
use crate::called::Called;
use crate::config::Config;
use crate::failure::{CommandError, Kind};
use crate::session::page;
use crate::show;
use crate::surroundings::Surroundings;

/// What to write. What is not said is asked on a terminal.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// What the watch is called; the machine's short name if left out
    #[arg(long)]
    pub(super) name: Option<HostName>,
    /// A host: its name in the SSH configuration, or NAME=[LOGIN@]ADDRESS[:PORT]; may be said several times
    #[arg(long = "host", value_name = "HOST")]
    pub(super) hosts: Vec<String>,
    /// All hosts that the SSH configuration names
    #[arg(long)]
    pub(super) all_hosts: bool,
    /// Read hosts from this file instead of ~/.ssh/config
    #[arg(long, value_name = "FILE")]
    pub(super) ssh_config: Option<PathBuf>,
    /// This machine, too, by SSH to itself as this account; its key is taken from /etc/ssh
    #[arg(long, value_name = "LOGIN[:PORT]")]
    pub(super) this_machine: Option<Here>,
    /// Look and repair as root on the hosts, by sudo without a password
    #[arg(long)]
    pub(super) become_root: bool,
    /// How much the watch may do by itself: observe, suggest, auto-safe, auto-full
    #[arg(long)]
    pub(super) autonomy: Option<Autonomy>,
    /// The model to ask, as Ollama calls it
    #[arg(long)]
    pub(super) model: Option<String>,
    /// Where Ollama listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:11434")]
    pub(super) ollama: String,
    /// Where Gotify listens: messages go there
    #[arg(long, value_name = "URL", requires = "gotify_token_file")]
    pub(super) gotify: Option<String>,
    /// A file that holds the token of Gotify's application and nothing else
    #[arg(long, value_name = "FILE", requires = "gotify")]
    pub(super) gotify_token_file: Option<PathBuf>,
    /// The file to write; the account's own configuration if left out
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Write over a configuration that says something; a copy is kept
    #[arg(long)]
    pub(super) force: bool,
    /// Ask nothing, also on a terminal: what is not said stays as it is by default
    #[arg(long)]
    pub(super) no_questions: bool,
    /// Write only, and do not try it
    #[arg(long)]
    pub(super) no_test: bool,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) name: HostName,
    pub(super) hosts: Vec<Wished>,
    /// Which of them is this machine.
    pub(super) this_machine: Option<HostName>,
    pub(super) become_root: bool,
    pub(super) autonomy: Autonomy,
    pub(super) model: Option<Model>,
    pub(super) gotify: Option<Gotify>,
    /// What could not be taken over as it was.
    pub(super) notes: Vec<String>,
}

/// A host that is to be watched, with what must be written of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wished {
    pub(super) name: HostName,
    pub(super) address: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) login: Option<String>,
    pub(super) jump: Vec<String>,
    pub(super) host_key_alias: Option<String>,
}

impl Wished {
    /// With nothing said but the name.
    pub(super) fn named(name: HostName) -> Self {
        Self {
            name,
            address: None,
            port: None,
            login: None,
            jump: Vec::new(),
            host_key_alias: None,
        }
    }
}

/// The model that is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) url: String,
    pub(super) name: String,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gotify {
    pub(super) url: String,
    pub(super) token_file: PathBuf,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    /// The file that was written.
    file: PathBuf,
    /// The copy of what stood there.
    kept: Option<PathBuf>,
    name: String,
    hosts: Vec<String>,
    autonomy: String,
    model: Option<String>,
    /// Whether nothing but what is still to be done by hand is wrong.
    ok: bool,
    errors: Vec<String>,
    /// What was done beside it, and what could not be taken over.
    notes: Vec<String>,
    /// What was tried.
    tests: Vec<DoctorLine>,
    /// What to do next, in order.
    next: Vec<Step>,
}

/// Writes a configuration.
pub(super) async fn run(
    common: &Common,
    around: &Surroundings,
    called: &Called,
    args: &InitArgs,
) -> Ended {
    let target = place::target(args, around);
    if !args.force && place::says_something(&target) {
        let error = anyhow!(
            "{} says something already; it was left alone",
            target.display()
        );
        return Err(CommandError::failed(error)
            .kind(Kind::Refused)
            .hint("--force, which keeps a copy; or --file for another place"));
    }
    let found = found::Found::look(args, around).await;
    let asks = around.stdin_terminal
        && around.stderr_terminal
        && common.output == Output::Text
        && !args.no_questions;
    let wishes = ask::wishes(args, around, &found, asks).await?;
    let kept = place::put(&target, &file::text(&wishes), around)?;

    let mut notes = wishes.notes.clone();
    let common = &reading(common, around, &target, &mut notes);
    let loaded = Config::look(common, around);
    let errors: Vec<String> = loaded.errors.iter().map(|error| error.line()).collect();
    let mut known = Vec::new();
    if let Some(name) = wishes.this_machine.as_ref().filter(|_| errors.is_empty()) {
        match here::pin(common, around, called, name).await {
            Ok(key) => {
                notes.push(format!("the key of {name} is accepted: {key}"));
                known.push(name.clone());
            }
            Err(error) => notes.push(format!(
                "the key of {name} is not accepted yet: {}",
                error.line()
            )),
        }
    }
    let tests = if args.no_test || !errors.is_empty() {
        Vec::new()
    } else {
        doctor::lines(common, around).await
    };
    let report = Report {
        file: target,
        kept,
        name: wishes.name.to_string(),
        hosts: wishes
            .hosts
            .iter()
            .map(|host| host.name.to_string())
            .collect(),
        autonomy: wishes.autonomy.to_string(),
        model: wishes.model.as_ref().map(|model| model.name.clone()),
        ok: errors.is_empty(),
        errors,
        notes,
        next: next::steps(&wishes, &known, around, &tests),
        tests,
    };
    answer(common.output, &report, |report| {
        let text = told(
            report,
            &show::doctor_report(&page(around), &report.tests, called),
        );
        called.respell(&text).into_owned()
    })?;
    Ok(if report.ok {
        0
    } else {
        Kind::Usage.exit_status()
    })
}

/// The flags by which the file that was written is read: it is named where it does not lie in its usual place.
fn reading(
    common: &Common,
    around: &Surroundings,
    target: &Path,
    notes: &mut Vec<String>,
) -> Common {
    let real = |path: &Path| path.canonicalize().ok();
    let mut reading = common.clone();
    let read = Config::look(common, around).files;
    if !read.iter().any(|file| real(file) == real(target)) {
        notes.push(format!(
            "it is read by commands that are told so: --config {}",
            target.display()
        ));
        reading.config.push(target.to_owned());
    }
    reading
}

fn told(report: &Report, tests: &str) -> String {
    let mut text = format!(
        "✓ {} was written\n",
        visible(&report.file.display().to_string())
    );
    if let Some(kept) = &report.kept {
        text.push_str(&format!(
            "  what stood there is kept as {}\n",
            visible(&kept.display().to_string())
        ));
    }
    for note in &report.notes {
        text.push_str(&format!("  {}\n", visible(note)));
    }
    for error in &report.errors {
        text.push_str(&format!("✗ {}\n", visible(error)));
    }
    if !report.tests.is_empty() {
        text.push('\n');
        text.push_str(tests);
        if report
            .tests
            .iter()
            .any(|line| line.state == DoctorState::Failed)
        {
            text.push_str(
                "What is marked is not ready yet; the steps below, or its own line, say how.\n",
            );
        }
    }
    text.push_str("\nNext:\n");
    for (place, step) in report.next.iter().enumerate() {
        text.push_str(&format!("  {}. {}\n", place + 1, step.what));
        for command in &step.commands {
            text.push_str(&format!("       {}\n", visible(command)));
        }
    }
    text
}
