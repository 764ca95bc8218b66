//! `config check` tells everything that is wrong with the configuration; `config show` tells every value and where it
//! comes from. Neither needs a store or a host.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use watchkeeper_model::visible;

use super::{Ended, answer};
use crate::args::{Common, ConfigArgs, ConfigCommand};
use crate::compose;
use crate::config::{Config, ConfigError, Loaded, Setting};
use crate::failure::{CommandError, Kind};
use crate::session::page;
use crate::show;
use crate::surroundings::Surroundings;

/// What `config check` found.
#[derive(Debug, Serialize)]
struct Checked {
    ok: bool,
    files: Vec<PathBuf>,
    errors: Vec<Wrong>,
    hosts: usize,
    lanes: usize,
}

/// One thing that is wrong.
#[derive(Debug, Serialize)]
struct Wrong {
    error: String,
    remedy: Option<String>,
}

/// One value, for machines.
#[derive(Debug, Serialize)]
struct Shown {
    key: String,
    value: Option<String>,
    origin: String,
}

/// Does one thing with the configuration.
pub(super) fn run(common: &Common, around: &Surroundings, args: &ConfigArgs) -> Ended {
    match &args.command {
        ConfigCommand::Check { file: None } => check(common, around, &Config::look(common, around)),
        ConfigCommand::Check { file: Some(file) } => {
            check(common, around, &Config::look_at(file, around))
        }
        ConfigCommand::Show => show(common, around),
    }
}

fn check(common: &Common, around: &Surroundings, loaded: &Loaded) -> Ended {
    let mut errors: Vec<Wrong> = loaded.errors.iter().map(wrong).collect();
    let mut hosts = loaded.config.hosts.len();
    if errors.is_empty() {
        match compose::prepare(&loaded.config, around) {
            Ok(prepared) => hosts = prepared.inventory.len(),
            Err(error) => errors.push(Wrong {
                error: CommandError::failed(error).line(),
                remedy: None,
            }),
        }
    }
    let files = loaded.files.clone();
    let checked = Checked {
        ok: errors.is_empty(),
        files,
        hosts,
        lanes: loaded.config.lanes.len(),
        errors,
    };
    answer(common.output, &checked, text)?;
    Ok(if checked.ok {
        0
    } else {
        Kind::Usage.exit_status()
    })
}

fn wrong(error: &ConfigError) -> Wrong {
    Wrong {
        error: visible(&error.line()).into_owned(),
        remedy: error.remedy(),
    }
}

fn text(checked: &Checked) -> String {
    let mut text = String::new();
    for Wrong { error, remedy } in &checked.errors {
        let _ = writeln!(text, "✗ {error}");
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "  {remedy}");
        }
    }
    if checked.ok {
        let files: Vec<String> = checked
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let from = if files.is_empty() {
            "no file, all defaults".to_owned()
        } else {
            files.join(", ")
        };
        let _ = writeln!(text, "✓ the configuration can be used: {from}");
        let _ = writeln!(
            text,
            "  {} and {}",
            show::count(checked.hosts, "host"),
            show::count(checked.lanes, "lane")
        );
    } else {
        let _ = writeln!(
            text,
            "\n{} to mend",
            show::count(checked.errors.len(), "error")
        );
    }
    text
}

fn show(common: &Common, around: &Surroundings) -> Ended {
    let loaded = Config::load(common, around)?;
    let shown: Vec<Shown> = loaded.settings().into_iter().map(shown).collect();
    answer(common.output, &shown, |shown| {
        let mut table = show::Table::new(&["key", "value", "from"]);
        for Shown { key, value, origin } in shown {
            let value = value.as_deref().unwrap_or("(not set)");
            let origin = if origin == "default" {
                (show::Tone::Dim, origin.as_str()).into()
            } else {
                origin.as_str().into()
            };
            table.row(vec![key.as_str().into(), value.into(), origin]);
        }
        // A value that is cut is of no use here.
        table.render(&show::Page {
            width: usize::from(u16::MAX),
            ..page(around)
        })
    })?;
    Ok(0)
}

fn shown(setting: Setting) -> Shown {
    Shown {
        key: setting.key.to_string(),
        value: setting.value,
        origin: setting.origin.to_string(),
    }
}
