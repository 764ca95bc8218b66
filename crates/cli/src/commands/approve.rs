//! `approve`: the queue and the decisions. What is approved is the revision and digest that were read just
//! before; on a terminal the outcome is followed to its end.

use std::io::Write as _;

use anyhow::anyhow;
use watchkeeper_model::{Action, ActionNumber, ActionState, Revision};
use watchkeeper_server::{ApproveBody, RejectBody};
use watchkeeper_watch::view::{ActionLine, ActionSheet};

use super::follow::follow;
use super::{Ended, answer, edit, put, talk};
use crate::args::{ApproveArgs, ApproveCommand, Output};
use crate::failure::{CommandError, Kind};
use crate::session::Session;
use crate::show;

/// Fewest digits of a digest that tell one from another.
const MIN_DIGEST_DIGITS: usize = 8;

/// Does one thing with the queue.
pub(super) async fn run(session: &Session, args: &ApproveArgs) -> Ended {
    if args.command.is_some() && args.says_what_to_approve() {
        let error =
            anyhow!("either an action is approved, or something else is done; both was typed");
        return Err(CommandError::usage(error).hint("watchkeeper approve --help"));
    }
    match (&args.command, args.number) {
        (Some(ApproveCommand::List { all, host }), _) => {
            let host = host
                .as_ref()
                .map_or_else(String::new, |host| format!("&host={host}"));
            let actions: Vec<ActionLine> = session
                .client
                .get(&format!("/v1/actions?all={all}{host}"))
                .await?;
            answer(session.output, &actions, |actions| {
                show::action_list(&session.page, actions, !all, &session.called)
            })?;
        }
        (Some(ApproveCommand::Show { number }), _) => sheet(session, *number).await?,
        (Some(ApproveCommand::Reject { number, reason }), _) => {
            let body = RejectBody {
                reason: reason.clone(),
            };
            let sheet: ActionSheet = session
                .client
                .post(&format!("/v1/actions/{number}/reject"), &body)
                .await?;
            answer(session.output, &sheet, |_| {
                format!(
                    "action {number} is rejected; the same repair is not proposed again until the evidence changes\n"
                )
            })?;
        }
        (Some(ApproveCommand::Discuss(args)), _) => return talk::discuss(session, args).await,
        (Some(ApproveCommand::Edit { number, file }), _) => {
            edit::run(session, *number, file.as_deref()).await?;
        }
        (None, Some(number)) => return approve(session, number, args).await,
        (None, None) => {
            return Err(
                CommandError::usage(anyhow!("which action?")).hint("watchkeeper approve list")
            );
        }
    }
    Ok(0)
}

async fn sheet(session: &Session, number: ActionNumber) -> Result<(), CommandError> {
    let sheet: ActionSheet = session.client.get(&format!("/v1/actions/{number}")).await?;
    answer(session.output, &sheet, |sheet| {
        show::action_sheet(&session.page, sheet, &session.called)
    })
}

async fn approve(session: &Session, number: ActionNumber, args: &ApproveArgs) -> Ended {
    let sheet: ActionSheet = session.client.get(&format!("/v1/actions/{number}")).await?;
    let action = &sheet.action;
    if let Some(wanted) = &args.digest {
        check_digest(&action.digest.to_string(), wanted)?;
    }
    let body = ApproveBody {
        revision: args.revision.map_or(action.revision, Revision),
        digest: action.digest,
        reason: args.reason.clone(),
    };
    let now: ActionSheet = session
        .client
        .post(&format!("/v1/actions/{number}/approve"), &body)
        .await?;
    if let ActionState::Held { approvals, .. } = &now.action.state {
        return still_held(session, &now, approvals.len());
    }
    approved(session, action, args.no_wait).await
}

/// Says that an action is approved, and follows it to its end. The exit status is that of the end.
pub(super) async fn approved(session: &Session, action: &Action, no_wait: bool) -> Ended {
    let number = action.number;
    if session.output == Output::Text {
        put(&format!(
            "approved action {number}: {} on {}\n",
            watchkeeper_watch::view::what_it_does(&action.plan.steps),
            action.plan.host
        ))?;
    }
    if no_wait && session.works_itself() {
        let _ = writeln!(
            std::io::stderr(),
            "no daemon runs: this command stays until the action is over"
        );
    }
    let ended = if no_wait {
        Some(0)
    } else {
        follow(session, number).await?
    };
    if session.output == Output::Json {
        let ended: ActionSheet = session.client.get(&format!("/v1/actions/{number}")).await?;
        answer(session.output, &ended, |_| String::new())?;
    }
    Ok(ended.unwrap_or(Kind::Failed.exit_status()))
}

/// Others must approve it, too.
pub(super) fn still_held(session: &Session, sheet: &ActionSheet, so_far: usize) -> Ended {
    answer(session.output, sheet, |sheet| {
        format!(
            "approved action {} as number {so_far}: the standing orders ask for more people, so it waits\n",
            sheet.action.number
        )
    })?;
    Ok(0)
}

fn check_digest(stands: &str, wanted: &str) -> Result<(), CommandError> {
    if wanted.len() < MIN_DIGEST_DIGITS {
        return Err(CommandError::usage(anyhow!(
            "--digest needs at least {MIN_DIGEST_DIGITS} digits"
        )));
    }
    if !stands.starts_with(&wanted.to_ascii_lowercase()) {
        let error = anyhow!("the action's digest is {stands}, not {wanted}: nothing was approved");
        return Err(CommandError::failed(error)
            .kind(Kind::Refused)
            .hint("watchkeeper approve show N"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_compared_from_its_beginning_and_not_too_short() {
        assert!(check_digest("abcdef0123456789", "ABCDEF01").is_ok());
        assert!(check_digest("abcdef0123456789", "abcdef02").is_err());
        assert!(check_digest("abcdef0123456789", "abc").is_err());
    }
}
