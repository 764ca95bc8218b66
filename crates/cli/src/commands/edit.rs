//! `approve edit N`: the steps as JSON in an editor or from a file; the result is a new revision.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde::{Deserialize, Serialize};
use watchkeeper_model::{ActionNumber, Step};
use watchkeeper_server::EditBody;
use watchkeeper_watch::view::ActionSheet;

use super::answer;
use super::editor::Draft;
use crate::failure::CommandError;
use crate::session::Session;
use crate::show;

/// Longest text that is read as an edit.
const MAX_EDIT_BYTES: u64 = 256 * 1024;

/// What is edited.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Editable {
    reason: String,
    steps: Vec<Step>,
    #[serde(default)]
    undo: Vec<Step>,
}

/// Edits one action and shows the new revision.
pub(super) async fn run(
    session: &Session,
    number: ActionNumber,
    file: Option<&Path>,
) -> Result<(), CommandError> {
    let sheet: ActionSheet = session.client.get(&format!("/v1/actions/{number}")).await?;
    let stands = Editable {
        reason: sheet.action.reason.clone(),
        steps: sheet
            .action
            .plan
            .steps
            .iter()
            .map(|planned| planned.step.clone())
            .collect(),
        undo: sheet
            .action
            .plan
            .undo
            .iter()
            .map(|planned| planned.step.clone())
            .collect(),
    };
    let sheet = match file {
        Some(path) => taken(session, &sheet, &read(path)?).await?,
        None => {
            let stands = serde_json::to_string_pretty(&stands)?;
            let draft = in_editor(session, number, &stands)?;
            match taken(session, &sheet, &draft.text).await {
                Ok(taken) => {
                    draft.discard();
                    taken
                }
                Err(error) => return Err(draft.keep(error)),
            }
        }
    };
    answer(session.output, &sheet, |sheet| {
        show::action_sheet(&session.page, sheet, &session.called)
    })
}

/// Puts the edited text in the place of what stands.
async fn taken(
    session: &Session,
    sheet: &ActionSheet,
    text: &str,
) -> Result<ActionSheet, CommandError> {
    let edited: Editable = serde_json::from_str(text).map_err(|error| {
        CommandError::usage(anyhow!(error).context("the edit cannot be read; nothing was changed"))
    })?;
    let body = EditBody {
        revision: sheet.action.revision,
        steps: edited.steps,
        undo: edited.undo,
        reason: Some(edited.reason),
    };
    let path = format!("/v1/actions/{}", sheet.action.number);
    Ok(session.client.put(&path, &body).await?)
}

fn in_editor(session: &Session, number: ActionNumber, text: &str) -> Result<Draft, CommandError> {
    if !session.terminal {
        return Err(
            CommandError::usage(anyhow!("there is no terminal to edit on"))
                .hint(format!("watchkeeper approve edit {number} --file FILE")),
        );
    }
    Draft::edit(
        session,
        &format!("action-{number}.json"),
        text,
        MAX_EDIT_BYTES,
    )
}

fn read(path: &Path) -> Result<String, CommandError> {
    let mut text = String::new();
    let source: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(
            std::fs::File::open(path)
                .with_context(|| format!("could not read {}", path.display()))?,
        )
    };
    source
        .take(MAX_EDIT_BYTES)
        .read_to_string(&mut text)
        .context("the edit is not text")?;
    Ok(text)
}
