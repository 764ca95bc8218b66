//! Where a person's lines come from: an editor with history on a terminal, standard input elsewhere. What is kept of
//! what was typed has no secrets in it, and is its owner's only.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustyline::Editor;
use rustyline::config::{BellStyle, Builder};
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History as _};

use crate::failure::CommandError;

/// Lines that are kept.
const KEPT_LINES: usize = 1_000;
/// Longest line that is read from standard input, in bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line; what was pasted may be several.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the end of standard input.
    End,
}

/// Where lines come from.
pub(super) enum Lines {
    /// A terminal.
    Terminal {
        editor: Option<Box<Editor<(), FileHistory>>>,
        history: Option<PathBuf>,
    },
    /// Standard input.
    Input,
}

impl Lines {
    /// From this terminal, with the history of this file.
    pub(super) fn of_this_terminal(history: Option<PathBuf>) -> Result<Self, CommandError> {
        let config = Builder::new()
            .bell_style(BellStyle::None)
            .bracketed_paste(true)
            .max_history_size(KEPT_LINES)
            .and_then(|config| config.history_ignore_dups(true))
            .context("could not set up the line editor")?
            .build();
        let kept = FileHistory::with_config(&config);
        let mut editor =
            Editor::with_history(config, kept).context("could not use this terminal")?;
        if let Some(path) = &history {
            // A history that cannot be read is no reason not to talk.
            let _ = editor.load_history(path);
        }
        Ok(Self::Terminal {
            editor: Some(Box::new(editor)),
            history,
        })
    }

    /// The next line.
    pub(super) async fn next(&mut self, prompt: &str) -> Result<Typed, CommandError> {
        match self {
            Self::Input => tokio::task::spawn_blocking(read_line)
                .await
                .context("standard input could not be read")?,
            Self::Terminal { editor, .. } => {
                let mut own = editor.take().expect("it is given back after each line");
                let prompt = prompt.to_owned();
                // The editor waits for keys, and everything else goes on meanwhile.
                let edited = tokio::task::spawn_blocking(move || {
                    let line = own.readline(&prompt);
                    (own, line)
                });
                let (own, line) = edited.await.context("the line editor broke down")?;
                *editor = Some(own);
                match line {
                    Ok(line) => Ok(Typed::Line(line)),
                    Err(ReadlineError::Interrupted) => Ok(Typed::Interrupted),
                    Err(ReadlineError::Eof) => Ok(Typed::End),
                    Err(error) => Err(CommandError::failed(error)),
                }
            }
        }
    }

    /// Keeps a line for the arrow keys, now and the next time.
    pub(super) fn remember(&mut self, line: &str) {
        let Self::Terminal { editor, history } = self else {
            return;
        };
        let Some(editor) = editor else { return };
        let line = watchkeeper_agent::redact(line);
        let _ = editor.add_history_entry(line);
        if let Some(path) = history {
            let _ = keep(editor.history_mut(), path);
        }
    }
}

/// Writes the history, readable for its owner only.
fn keep(history: &mut FileHistory, path: &Path) -> Result<(), CommandError> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    if let Some(dir) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
    }
    let mut made = std::fs::OpenOptions::new();
    made.create(true).append(true).mode(0o600).open(path)?;
    Ok(history.save(path)?)
}

fn read_line() -> Result<Typed, CommandError> {
    Ok(line_of(&mut std::io::stdin().lock())?)
}

/// The next line. What is longer than is read is not cut into lines of its own: its end could be a decision.
fn line_of(input: &mut impl BufRead) -> std::io::Result<Typed> {
    use std::io::Read as _;
    let mut line = Vec::new();
    let read = input
        .by_ref()
        .take(MAX_LINE_BYTES)
        .read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(Typed::End);
    }
    if line.last() != Some(&b'\n') && read as u64 == MAX_LINE_BYTES {
        input.skip_until(b'\n')?;
    }
    let line = String::from_utf8_lossy(&line);
    Ok(Typed::Line(line.trim_end_matches(['\n', '\r']).to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_end_of_a_line_that_is_too_long_is_no_line() {
        let most = usize::try_from(MAX_LINE_BYTES).expect("it is small");
        let text = format!("{}approve 0\nnext\nlast", "x".repeat(most));
        let mut input = std::io::Cursor::new(text);
        let mut lines = Vec::new();
        while let Typed::Line(line) = line_of(&mut input).expect("it can be read") {
            lines.push(line);
        }
        assert_eq!(lines.len(), 3, "{:?}", &lines[1..]);
        assert_eq!(lines[0].len(), most);
        assert_eq!(lines[1..], ["next", "last"]);
    }

    #[test]
    fn the_history_is_its_owners_only_and_holds_no_secret() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("new/history");
        let mut lines = Lines::of_this_terminal(Some(path.clone())).expect("an editor");
        lines.remember("why is nginx down?");
        lines.remember("the password=hunter2hunter2 is wrong");
        let mode = std::fs::metadata(&path).expect("it is kept").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let kept = std::fs::read_to_string(&path).expect("text");
        assert!(kept.contains("why is nginx down?"), "{kept}");
        assert!(!kept.contains("hunter2"), "{kept}");
    }
}
