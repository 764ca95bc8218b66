//! `risk explain` and `risk batch`: what a command would do, told without running it and without asking a host.

use std::io::{BufRead as _, Read as _, Write as _};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use watchkeeper_model::{Assessment, Decoded, Effect, RiskLevel, visible_json};
use watchkeeper_risk::{HostFacts, TextAssessment, assess_bytes, quote_words};

use super::{Ended, answer};
use crate::args::{Common, RiskArgs, RiskCommand};
use crate::compose;
use crate::config::Config;
use crate::failure::{CommandError, Kind};
use crate::session::page;
use crate::show;
use crate::surroundings::Surroundings;

/// The most of standard input that `explain` reads; what is longer is high, and says so.
const MAX_STDIN_BYTES: u64 = 16 * 1024 * 1024;
/// The longest line that `batch` reads.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;
/// The exit status where a line was not understood, as EX_DATAERR of sysexits.h.
const DATA_ERROR: u8 = 65;

/// One assessed command, for machines.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    level: RiskLevel,
    score: u8,
    canonical: Option<&'a str>,
    effects: &'a [Effect],
    decoded: &'a [Decoded],
    undoable: bool,
    tables: &'a str,
}

/// One line of `batch`.
#[derive(Debug, Deserialize)]
struct Asked {
    cmd: String,
}

/// The answer to one line of `batch`.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    cmd: &'a str,
    level: RiskLevel,
    score: u8,
    canonical: Option<&'a str>,
    effects: &'a [Effect],
    #[serde(skip_serializing_if = "<[Decoded]>::is_empty")]
    decoded: &'a [Decoded],
}

/// The answer to a line that was not understood.
#[derive(Debug, Serialize)]
struct NotUnderstood {
    line: u64,
    error: String,
}

/// Assesses.
pub(super) fn run(common: &Common, around: &Surroundings, args: &RiskArgs) -> Ended {
    match &args.command {
        RiskCommand::Explain {
            stdin,
            host,
            directory,
            command,
        } => {
            let facts = facts(common, around, host.as_ref())?;
            let text = if *stdin {
                from_stdin()?
            } else {
                script_of(command).into_bytes()
            };
            explain(common, around, &text, &facts, directory.as_deref())
        }
        RiskCommand::Batch { host } => {
            let facts = facts(common, around, host.as_ref())?;
            batch(&facts)
        }
    }
}

/// What is known of the host, by the configuration alone.
fn facts(
    common: &Common,
    around: &Surroundings,
    host: Option<&watchkeeper_model::HostName>,
) -> Result<HostFacts, CommandError> {
    let config = Config::load(common, around)?.config;
    let extra = compose::host_facts(&config);
    let Some(host) = host else {
        return Ok(extra);
    };
    let prepared = compose::prepare(&config, around).map_err(CommandError::usage)?;
    let entry = prepared
        .inventory
        .get(host)
        .ok_or_else(|| CommandError::usage(anyhow!("there is no host {host} in the inventory")))?;
    Ok(HostFacts {
        login: entry.login.clone(),
        ..extra
    })
}

/// One word is a script, several are a command and its words.
pub(super) fn script_of(command: &[String]) -> String {
    match command {
        [script] => script.clone(),
        words => quote_words(words),
    }
}

fn from_stdin() -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_STDIN_BYTES + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn explain(
    common: &Common,
    around: &Surroundings,
    text: &[u8],
    facts: &HostFacts,
    directory: Option<&str>,
) -> Ended {
    let directories = match directory {
        Some(directory) => vec![directory.to_owned()],
        None => facts.start_directories(),
    };
    let TextAssessment {
        assessment,
        canonical,
    } = assess_bytes(text, facts, &directories);
    let explained = Explained {
        level: assessment.level,
        score: assessment.score,
        canonical: canonical.as_deref(),
        effects: &assessment.effects,
        decoded: &assessment.decoded,
        undoable: assessment.undoable,
        tables: &assessment.tables,
    };
    answer(common.output, &explained, |_| {
        show::assessment(&page(around), canonical.as_deref(), &assessment)
    })?;
    Ok(exit_status(&assessment))
}

/// What a script can tell by: 0 read_only, 10 low, 20 medium, 30 high, 40 forbidden.
const fn exit_status(assessment: &Assessment) -> u8 {
    match assessment.level {
        RiskLevel::ReadOnly => 0,
        RiskLevel::Low => 10,
        RiskLevel::Medium => 20,
        RiskLevel::High => 30,
        RiskLevel::Forbidden => 40,
    }
}

/// Judges line by line, and answers each before it reads the next.
fn batch(facts: &HostFacts) -> Ended {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut understood = true;
    let mut number = 0_u64;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input)
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        number += 1;
        let whole = line.last() == Some(&b'\n') || (read as u64) < MAX_LINE_BYTES;
        if !whole {
            input.skip_until(b'\n')?;
        }
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if blank {
            continue;
        }
        understood &= answer_line(&mut output, &line, number, whole, facts)?;
        // Whoever asks one by one waits for the answer.
        output.flush().map_err(broken)?;
    }
    Ok(if understood { 0 } else { DATA_ERROR })
}

fn answer_line(
    output: &mut impl std::io::Write,
    line: &[u8],
    number: u64,
    whole: bool,
    facts: &HostFacts,
) -> Result<bool, CommandError> {
    let asked: Result<Asked, String> = if whole {
        serde_json::from_slice(line).map_err(|error| error.to_string())
    } else {
        Err(format!("the line has more than {MAX_LINE_BYTES} bytes"))
    };
    let understood = asked.is_ok();
    let text = match asked {
        Ok(Asked { cmd }) => {
            let judged = assess_bytes(cmd.as_bytes(), facts, &facts.start_directories());
            serde_json::to_string(&Answered {
                cmd: &cmd,
                level: judged.assessment.level,
                score: judged.assessment.score,
                canonical: judged.canonical.as_deref(),
                effects: &judged.assessment.effects,
                decoded: &judged.assessment.decoded,
            })?
        }
        Err(error) => serde_json::to_string(&NotUnderstood {
            line: number,
            error,
        })?,
    };
    writeln!(output, "{}", visible_json(&text)).map_err(broken)?;
    Ok(understood)
}

fn broken(error: std::io::Error) -> CommandError {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => CommandError::reader_gone(),
        _ => CommandError::failed(error).kind(Kind::Failed),
    }
}
