//! `issues`: troubles, and what people say about them.

use watchkeeper_model::IssueNumber;
use watchkeeper_server::{IssueBody, NoteBody};
use watchkeeper_watch::view::{IssueLine, IssueSheet};

use super::{Ended, answer};
use crate::args::{IssuesArgs, IssuesCommand};
use crate::failure::CommandError;
use crate::session::Session;
use crate::show;

/// Does one thing with issues.
pub(super) async fn run(session: &Session, args: &IssuesArgs) -> Ended {
    let client = &session.client;
    let everything = IssuesCommand::List {
        all: false,
        host: None,
    };
    match args.command.as_ref().unwrap_or(&everything) {
        IssuesCommand::List { all, host } => {
            let host = host
                .as_ref()
                .map_or_else(String::new, |host| format!("&host={host}"));
            let issues: Vec<IssueLine> = client.get(&format!("/v1/issues?all={all}{host}")).await?;
            answer(session.output, &issues, |issues| {
                show::issue_list(&session.page, issues, !all, &session.called)
            })?;
        }
        IssuesCommand::Show { number } => {
            let sheet: IssueSheet = client.get(&format!("/v1/issues/{number}")).await?;
            answer(session.output, &sheet, |sheet| {
                show::issue_sheet(&session.page, sheet, &session.called)
            })?;
        }
        IssuesCommand::Create {
            title,
            host,
            severity,
            note,
        } => {
            let body = IssueBody {
                title: title.clone(),
                host: host.clone(),
                severity: *severity,
                note: note.clone(),
            };
            let sheet: IssueSheet = client.post("/v1/issues", &body).await?;
            answer(session.output, &sheet, |sheet| {
                format!("issue {} is open\n", sheet.issue.number)
            })?;
        }
        IssuesCommand::Ack { number, note } => say(session, *number, "ack", note.clone()).await?,
        IssuesCommand::Note { number, text } => {
            say(session, *number, "notes", Some(text.clone())).await?;
        }
        IssuesCommand::Resolve { number, note } => {
            say(session, *number, "resolve", note.clone()).await?;
        }
        IssuesCommand::Close { number, note } => {
            say(session, *number, "close", note.clone()).await?;
        }
    }
    Ok(0)
}

async fn say(
    session: &Session,
    number: IssueNumber,
    what: &str,
    note: Option<String>,
) -> Result<(), CommandError> {
    let sheet: IssueSheet = session
        .client
        .post(&format!("/v1/issues/{number}/{what}"), &NoteBody { note })
        .await?;
    answer(session.output, &sheet, |sheet| {
        format!("issue {number} is {}\n", sheet.issue.state)
    })
}
