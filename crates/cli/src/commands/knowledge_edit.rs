//! `knowledge edit N` with nothing said: the entry in the person's editor, its topic first, then what it says.

use std::io::Write as _;

use anyhow::anyhow;
use watchkeeper_model::{Entry, EntryNumber};
use watchkeeper_server::EntryEditBody;

use super::editor::Draft;
use crate::failure::{CommandError, Kind};
use crate::session::Session;

/// Longest text of an entry that is edited, with its topic.
const MAX_EDIT_BYTES: u64 = 66 * 1024;

/// Has an entry edited; the entry as it is then, or none where nothing was changed.
pub(super) async fn in_editor(
    session: &Session,
    number: EntryNumber,
) -> Result<Option<Entry>, CommandError> {
    let path = format!("/v1/knowledge/{number}");
    let entry: Entry = session.client.get(&path).await?;
    let _ = writeln!(
        std::io::stderr(),
        "the first line is the topic; what stands below it is what the entry says"
    );
    let name = format!("entry-{number}.md");
    let draft = Draft::edit(session, &name, &written(&entry), MAX_EDIT_BYTES)?;
    let body = match changed(&entry, &draft.text) {
        Ok(Some(body)) => body,
        Ok(None) => {
            draft.discard();
            return Ok(None);
        }
        Err(error) => return Err(draft.keep(error)),
    };
    match taken(session, &entry, &path, &body).await {
        Ok(entry) => {
            draft.discard();
            Ok(Some(entry))
        }
        Err(error) => Err(draft.keep(error)),
    }
}

/// Writes it, unless somebody else has changed the entry while it was edited.
async fn taken(
    session: &Session,
    read: &Entry,
    path: &str,
    body: &EntryEditBody,
) -> Result<Entry, CommandError> {
    let now: Entry = session.client.get(path).await?;
    if now.updated_at != read.updated_at {
        let error = anyhow!(
            "entry {} was changed while you edited it; nothing was written",
            read.number
        );
        return Err(CommandError::failed(error)
            .kind(Kind::Refused)
            .hint(format!("watchkeeper knowledge show {}", read.number)));
    }
    Ok(session.client.put(path, body).await?)
}

/// An entry as it is edited.
fn written(entry: &Entry) -> String {
    format!("{}\n\n{}\n", entry.title, entry.text.trim_end_matches('\n'))
}

/// What an edited text changes of an entry; none where it changes nothing.
fn changed(entry: &Entry, text: &str) -> Result<Option<EntryEditBody>, CommandError> {
    let (title, said) = text.split_once('\n').unwrap_or((text, ""));
    let (title, said) = (title.trim(), said.trim_matches('\n'));
    let refused = |why: &str| CommandError::usage(anyhow!("{why}; nothing was changed"));
    if title.is_empty() {
        return Err(refused("the first line, which is the topic, is empty"));
    }
    if said.trim().is_empty() {
        return Err(refused("below the topic nothing is said"));
    }
    let body = EntryEditBody {
        title: (title != entry.title.trim()).then(|| title.to_owned()),
        text: (said != entry.text.trim_matches('\n')).then(|| said.to_owned()),
        ..EntryEditBody::default()
    };
    Ok((body.title.is_some() || body.text.is_some()).then_some(body))
}
