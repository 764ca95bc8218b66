//! `devices`: browsers that are known as people's, and links on which they decide.

use clap::{Args, Subcommand};
use watchkeeper_model::{ActionNumber, DeviceNumber, visible};
use watchkeeper_server::DeviceBody;
use watchkeeper_watch::view::{DeviceLine, EnrolmentMade, EnrolmentSent, LinkMade};

use super::{Ended, answer};
use crate::failure::CommandError;
use crate::session::Session;
use crate::show::{self, Tone};

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
    /// Make a browser known as yours: by an address that is good once and for ten minutes
    ///
    /// Scan it with your phone, or open it there: links that messages bring you count there from then on. Only root names
    /// somebody else.
    Add {
        /// The account whose browser it is; you, where nobody is named
        person: Option<String>,
        /// What the browser is to be called
        #[arg(long)]
        label: Option<String>,
        /// Send the address to that person's channels, and print only a code that is typed there
        #[arg(long)]
        send: bool,
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
        DevicesCommand::Add {
            person,
            label,
            send,
        } => {
            let body = DeviceBody {
                person: person.clone(),
                label: label.clone(),
                send: *send,
            };
            let made: EnrolmentMade = session.client.post("/v1/devices", &body).await?;
            answer(session.output, &made, |made| match &made.sent {
                Some(sent) => said_of_sent(session, made, sent),
                None => said_of_address(session, made),
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
                    "{}\n\nIt leads {} to revision {} of action {}, on a browser that is known as theirs; it is good for one\ndecision, and ends {}. Links from here before it are good no more.\n",
                    to_scan(session, &made.url),
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

/// An address, and where somebody looks at a terminal, what a camera reads.
fn to_scan(session: &Session, url: &str) -> String {
    if session.reads {
        format!("{}{url}", show::qr(&session.page, url))
    } else {
        url.to_owned()
    }
}

fn said_of_address(session: &Session, made: &EnrolmentMade) -> String {
    format!(
        "{}\n\nOpen this in the browser that is to be {}'s. It ends {}, and is good once:\nwho opens it first has it, so show it to nobody else.\n",
        to_scan(session, made.url.as_deref().unwrap_or_default()),
        visible(&made.person),
        show::ahead(session.page.now, made.expires_at),
    )
}

fn said_of_sent(session: &Session, made: &EnrolmentMade, sent: &EnrolmentSent) -> String {
    let (first, rest) = sent.code.split_at_checked(4).unwrap_or((&sent.code, ""));
    let code = session.page.paint(Tone::Strong, &format!("{first} {rest}"));
    let not_to: String = sent
        .not_to
        .iter()
        .map(|failed| format!("It could not be sent to {}\n", visible(failed)))
        .collect();
    format!(
        "It was sent to {}. Open that message in the browser that is to be {}'s, and type there:\n\n  {code}\n\n\
         It ends {}, and is good once. Who has only the message has nothing, so tell the code to nobody else.\n{not_to}",
        sent.to.join(" and "),
        visible(&made.person),
        show::ahead(session.page.now, made.expires_at),
    )
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
