//! `notify`: say something to people, try a channel, see what was sent and what was given up.

use clap::{Args, Subcommand};
use watchkeeper_model::{DeliveryNumber, DeliveryState};
use watchkeeper_server::{SayWordsBody, SentAnswer, TestBody};
use watchkeeper_watch::view::{DeliveryLine, NoticesView};

use super::{Ended, answer};
use crate::failure::CommandError;
use crate::session::Session;
use crate::show;

/// What is said, or what is to be done with messages.
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true, arg_required_else_help = true)]
pub(crate) struct NotifyArgs {
    #[command(subcommand)]
    pub(crate) command: Option<NotifyCommand>,
    /// One line; after `--` where it is one of the words above
    #[arg(value_name = "TITLE")]
    pub(crate) title: Option<String>,
    /// More
    #[arg(value_name = "TEXT", requires = "title")]
    pub(crate) text: Option<String>,
    /// 0 to 10, as Gotify has it: 2 is information, 5 wants attention, 8 is critical and passes quiet hours
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=10))]
    pub(crate) priority: u8,
    /// To this channel; without it, as the routes say
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

/// What to do with messages.
#[derive(Debug, Subcommand)]
pub(crate) enum NotifyCommand {
    /// Send a test, whatever the routes and quiet hours say
    Test {
        /// The channel; without it, every one
        channel: Option<String>,
    },
    /// How the channels fare, and what was sent to them
    List {
        /// Only messages in this state: queued, sent, dead, folded
        #[arg(long)]
        state: Option<DeliveryState>,
        /// At most so many
        #[arg(long, short = 'n')]
        limit: Option<i64>,
    },
    /// Send once more what was given up
    Retry {
        /// The delivery
        #[arg(value_name = "N")]
        number: DeliveryNumber,
    },
}

/// Says something, or does one thing with messages.
pub(super) async fn run(session: &Session, args: &NotifyArgs) -> Ended {
    let client = &session.client;
    let sent: SentAnswer = match (&args.command, &args.title) {
        (Some(NotifyCommand::List { state, limit }), _) => {
            list(session, *state, *limit).await?;
            return Ok(0);
        }
        (Some(NotifyCommand::Test { channel }), _) => {
            let body = TestBody {
                channel: channel.clone(),
            };
            client.post("/v1/deliveries/test", &body).await?
        }
        (Some(NotifyCommand::Retry { number }), _) => {
            let path = format!("/v1/deliveries/{number}/retry");
            client.post(&path, &()).await?
        }
        (None, title) => {
            let body = SayWordsBody {
                title: title.clone().unwrap_or_default(),
                text: args.text.clone().unwrap_or_default(),
                priority: args.priority,
                channel: args.channel.clone(),
            };
            client.post("/v1/deliveries", &body).await?
        }
    };
    told(session, &sent)
}

async fn list(
    session: &Session,
    state: Option<DeliveryState>,
    limit: Option<i64>,
) -> Result<(), CommandError> {
    let mut path = "/v1/deliveries?".to_owned();
    if let Some(state) = state {
        path.push_str(&format!("state={state}&"));
    }
    if let Some(limit) = limit {
        path.push_str(&format!("limit={limit}"));
    }
    let view: NoticesView = session.client.get(&path).await?;
    answer(session.output, &view, |view| {
        show::notices_report(&session.page, view, &session.called)
    })
}

/// Exit status 1 where a channel did not take it; what waits for its time is no failure.
fn told(session: &Session, sent: &SentAnswer) -> Ended {
    answer(session.output, sent, |sent| {
        show::sent_report(&session.page, &sent.deliveries, &session.called)
    })?;
    let failed = |line: &DeliveryLine| line.state == DeliveryState::Dead || line.error.is_some();
    Ok(u8::from(sent.deliveries.iter().any(failed)))
}
