//! `devices`: browsers that are known as people's, and links on which they decide.

use clap::{Args, Subcommand};
use watchkeeper_model::{ActionNumber, DeviceNumber, visible};
use watchkeeper_server::DeviceBody;
use watchkeeper_watch::view::{DeviceLine, EnrolmentMade, LinkMade};

use super::{Ended, answer};
use crate::failure::CommandError;
use crate::session::Session;
use crate::show;

/// What to do with the browsers that may decide.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<DevicesCommand>,
}

/// One thing to do with browsers; `list` where nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// The browsers that are known, and whose they are
    List,
    /// Print an address that makes a browser known as yours, once and within ten minutes
    ///
    /// Open it on your phone: links that messages bring you count there from then on. Only root names somebody else.
    Add {
        /// The account whose browser it is; you, where nobody is named
        person: Option<String>,
        /// What the browser is to be called
        #[arg(long)]
        label: Option<String>,
    },
    /// Have a browser known no longer
    Remove {
        /// The browser
        #[arg(value_name = "N")]
        number: DeviceNumber,
    },
    /// Print a link on which you decide about an action, on a browser that is known as yours
    Link {
        /// The action
        #[arg(value_name = "N")]
        number: ActionNumber,
    },
}

/// Does one thing with browsers.
pub(super) async fn run(session: &Session, args: &DevicesArgs) -> Ended {
    match args.command.as_ref().unwrap_or(&DevicesCommand::List) {
        DevicesCommand::List => list(session).await?,
        DevicesCommand::Add { person, label } => {
            let body = DeviceBody {
                person: person.clone(),
                label: label.clone(),
            };
            let made: EnrolmentMade = session.client.post("/v1/devices", &body).await?;
            answer(session.output, &made, |made| {
                format!(
                    "{}\n\nOpen this in the browser that is to be {}'s, {}. It is good once; who opens it first has it,\nso show it to nobody else.\n",
                    made.url,
                    visible(&made.person),
                    show::ahead(session.page.now, made.expires_at),
                )
            })?;
        }
        DevicesCommand::Remove { number } => {
            let path = format!("/v1/devices/{number}/remove");
            let gone: DeviceLine = session.client.post(&path, &()).await?;
            answer(session.output, &gone, |gone| {
                format!(
                    "device {number} of {} is not known any more\n",
                    visible(&gone.person)
                )
            })?;
        }
        DevicesCommand::Link { number } => {
            let path = format!("/v1/actions/{number}/link");
            let made: LinkMade = session.client.post(&path, &()).await?;
            answer(session.output, &made, |made| {
                format!(
                    "{}\n\nIt leads {} to revision {} of action {}, on a browser that is known as theirs; it is good for one\ndecision, and ends {}.\n",
                    made.url,
                    visible(&made.person),
                    made.revision,
                    made.action,
                    show::ahead(session.page.now, made.expires_at),
                )
            })?;
        }
    }
    Ok(0)
}

async fn list(session: &Session) -> Result<(), CommandError> {
    let devices: Vec<DeviceLine> = session.client.get("/v1/devices").await?;
    let add = session.called.command("devices");
    answer(session.output, &devices, |devices| {
        if devices.is_empty() {
            return format!("no browser is known   {add} add makes one yours\n");
        }
        show::device_list(&session.page, devices)
    })
}
