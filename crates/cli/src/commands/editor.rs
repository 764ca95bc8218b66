//! Having a person edit a text in the editor of their choice: in a new file that is theirs only. What they typed is not
//! lost: where it cannot be used, the file stays and its path is told.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::failure::CommandError;
use crate::session::Session;

/// What is edited with where nothing is said.
const USUAL_EDITOR: &str = "vi";

/// A text that was edited and is not taken yet.
#[derive(Debug)]
pub(super) struct Draft {
    dir: PathBuf,
    path: PathBuf,
    /// As it is now.
    pub(super) text: String,
}

impl Draft {
    /// Has a text edited, in a file of this name, of so many bytes at most.
    pub(super) fn edit(
        session: &Session,
        name: &str,
        text: &str,
        most: u64,
    ) -> Result<Self, CommandError> {
        let dir = std::env::temp_dir().join(format!("watchkeeper-{:016x}", rand::random::<u64>()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&dir);
        made.with_context(|| format!("could not make {}", dir.display()))?;
        let path = dir.join(name);
        let mut draft = Self {
            dir,
            path,
            text: text.to_owned(),
        };
        let editor = session.editor.as_deref().unwrap_or(USUAL_EDITOR);
        let edited = write_new(&draft.path, text)
            .and_then(|()| run(editor, &draft.path))
            .and_then(|()| read(&draft.path, most));
        match edited {
            Ok(edited) => {
                draft.text = edited;
                Ok(draft)
            }
            Err(error) if draft.is_as_it_was() => {
                draft.discard();
                Err(error)
            }
            Err(error) => Err(draft.keep(error)),
        }
    }

    /// Whether the file holds nothing that anybody typed.
    fn is_as_it_was(&self) -> bool {
        std::fs::read(&self.path).map_or(true, |bytes| bytes == self.text.as_bytes())
    }

    /// It was taken, or is not wanted.
    pub(super) fn discard(self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }

    /// It was not taken: the file stays, and the error says where.
    pub(super) fn keep(self, error: CommandError) -> CommandError {
        error.hint(format!("what you typed is kept in {}", self.path.display()))
    }
}

fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let mut options = std::fs::OpenOptions::new();
    let made = options.create_new(true).write(true).mode(0o600).open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("could not write {}", path.display()))?;
    Ok(())
}

fn run(editor: &str, path: &Path) -> Result<(), CommandError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the editor runs here, for the person at this terminal"
    )]
    let status = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("edit")
        .arg(path)
        .status();
    let status = status.with_context(|| format!("could not start {editor}"))?;
    if status.success() {
        return Ok(());
    }
    let error = anyhow!("{editor} ended with {status}; nothing was changed");
    Err(CommandError::failed(error))
}

fn read(path: &Path, most: u64) -> Result<String, CommandError> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .with_context(|| format!("could not read {}", path.display()))?;
    if bytes.len() as u64 > most {
        let error = anyhow!("it is longer than {most} bytes; nothing was changed");
        return Err(CommandError::usage(error));
    }
    String::from_utf8(bytes)
        .map_err(|_| CommandError::usage(anyhow!("it is not text; nothing was changed")))
}
