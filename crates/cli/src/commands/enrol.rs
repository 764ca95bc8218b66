//! `enrol HOST`: the one way to accept a host's key. Without `--fingerprint` it asks, and only on a terminal.

use std::io::{BufRead as _, Write as _};

use anyhow::anyhow;
use watchkeeper_server::EnrolBody;
use watchkeeper_watch::view::OfferedKeyView;

use super::{Ended, answer};
use crate::args::EnrolArgs;
use crate::failure::{CommandError, Kind};
use crate::session::Session;

/// Shows the key, has it compared, and keeps it.
pub(super) async fn run(session: &Session, args: &EnrolArgs) -> Ended {
    let host = &args.host;
    let fingerprint = match &args.fingerprint {
        Some(fingerprint) => fingerprint.clone(),
        None => {
            let offered: OfferedKeyView =
                session.client.get(&format!("/v1/hosts/{host}/key")).await?;
            compare(session, &offered)?;
            offered.fingerprint
        }
    };
    let body = EnrolBody {
        fingerprint,
        replace: args.replace,
    };
    let kept: OfferedKeyView = session
        .client
        .post(&format!("/v1/hosts/{host}/enrol"), &body)
        .await?;
    answer(session.output, &kept, |kept| {
        format!(
            "{host} is enrolled with {} {}\n",
            kept.algorithm, kept.fingerprint
        )
    })?;
    Ok(0)
}

fn compare(session: &Session, offered: &OfferedKeyView) -> Result<(), CommandError> {
    let OfferedKeyView {
        host,
        address,
        algorithm,
        fingerprint,
        ..
    } = offered;
    if !session.terminal {
        let error = anyhow!(
            "{host} ({address}) offers {algorithm} {fingerprint}, and there is no terminal to compare it on"
        );
        return Err(CommandError::failed(error)
            .kind(Kind::Refused)
            .hint(format!(
                "watchkeeper enrol {host} --fingerprint {fingerprint}, once it is compared"
            )));
    }
    let mut err = std::io::stderr();
    writeln!(
        err,
        "{host} ({address}) offers this key:\n\n  {algorithm}  {fingerprint}\n"
    )?;
    if let Some(known) = &offered.known {
        writeln!(err, "Another key is known: {known}")?;
    }
    writeln!(
        err,
        "Compare it with what the host's console shows for: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub"
    )?;
    write!(
        err,
        "Type the last six characters of the fingerprint to accept it: "
    )?;
    err.flush()?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed)?;
    let wanted = &fingerprint[fingerprint.len().saturating_sub(6)..];
    if typed.trim() == wanted {
        return Ok(());
    }
    Err(CommandError::failed(anyhow!("not accepted; nothing was kept")).kind(Kind::Refused))
}
