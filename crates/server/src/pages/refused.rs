//! Every refusal has a page of its own, which says what happened, that nothing was done, and what to do.

use http::StatusCode;
use maud::{Markup, html};
use watchkeeper_model::{ActionNumber, ActionState, Proposer, Timestamp, visible};
use watchkeeper_watch::{Fault, LinkRefused, WatchError};

use super::html::{prose, state_word, state_words, when};
use super::page::Page;

/// Why there is no other page.
#[derive(Debug)]
pub(super) enum Refused {
    /// A link was refused.
    Link(Box<LinkRefused>),
    /// A link was refused on the browser that has used it: most likely a finger that tapped twice.
    UsedHere {
        /// To which action it led.
        action: ActionNumber,
        /// When it was used.
        at: Timestamp,
        /// For what, as a word.
        decision: String,
    },
    /// The account has no role any more, or is another.
    NoRole {
        /// Whose link it is.
        person: String,
    },
    /// The form did not come from a page of ours.
    OtherSite,
    /// The form cannot be read.
    NoSuchForm,
    /// One address asked too much.
    TooMuch,
    /// There is nothing at this address.
    NoSuchPage,
    /// There is, but not for this method.
    NotThatWay,
    /// Pages are served, and nobody said where they are found.
    NoPublicUrl,
    /// Something is broken here.
    Broken,
}

impl From<LinkRefused> for Refused {
    fn from(refused: LinkRefused) -> Self {
        Self::Link(Box::new(refused))
    }
}

/// What a page of a refusal says.
struct Said {
    status: StatusCode,
    title: String,
    text: Markup,
}

fn said(status: StatusCode, title: impl Into<String>, text: Markup) -> Said {
    let title = title.into();
    Said {
        status,
        title,
        text,
    }
}

impl From<Refused> for Page {
    fn from(refused: Refused) -> Self {
        let Said {
            status,
            title,
            text,
        } = match refused {
            Refused::Link(refused) => link(*refused),
            other => other.said(),
        };
        let body = html! {
            section.notice {
                h1 { (title) }
                (text)
            }
        };
        Self {
            status,
            ..Self::new(title, body)
        }
    }
}

impl Refused {
    fn said(self) -> Said {
        match self {
            Self::Link(refused) => link(*refused),
            Self::UsedHere {
                action,
                at,
                decision,
            } => said(
                StatusCode::GONE,
                "This link was used already",
                html! {
                    p { "You " (decided(&decision)) " action " (action) " on it, in this browser, at " (when(at)) ". It counted once: nothing more was done now." }
                },
            ),
            Self::NoRole { person } => said(
                StatusCode::FORBIDDEN,
                format!("{} may not decide any more", visible(&person)),
                html! {
                    p { "The account is not, or no longer, among those who decide about actions. Nothing was done." }
                    p { "Root and the members of the operators' group decide (" code { "server.operators_group" } ")." }
                },
            ),
            Self::OtherSite => said(
                StatusCode::FORBIDDEN,
                "This form did not come from here",
                html! { p { "Another site may have sent it, so nothing was done. Open the link again and decide on its own page." } },
            ),
            Self::NoSuchForm => said(
                StatusCode::BAD_REQUEST,
                "This form cannot be read",
                html! { p { "Nothing was done. Open the link again." } },
            ),
            Self::TooMuch => said(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                html! { p { "Too much was asked from this address. Nothing was done with the last request: wait half a minute, then try again." } },
            ),
            Self::NoSuchPage => said(
                StatusCode::NOT_FOUND,
                "There is no such page",
                html! { p { "Open the link of a message as a whole: part of it may be missing." } },
            ),
            Self::NotThatWay => said(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not that way",
                html! { p { "This address does not take such a request. Nothing was done." } },
            ),
            Self::NoPublicUrl => said(
                StatusCode::SERVICE_UNAVAILABLE,
                "Not set up yet",
                html! { p { "Say in the configuration where browsers find these pages: " code { "web.public_url" } "." } },
            ),
            Self::Broken => said(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something is broken here",
                html! { p { "Look at the action before you try again: " code { "watchkeeper approve list" } ". The daemon's log says what broke." } },
            ),
        }
    }
}

fn link(refused: LinkRefused) -> Said {
    use LinkRefused as R;
    match refused {
        R::NoSuchLink => said(
            StatusCode::NOT_FOUND,
            "There is no such link",
            html! { p { "It is mistyped, incomplete, or was forgotten long after it ended. Open the link of the newest message as a whole." } },
        ),
        R::NotThisBrowser { person, known_as } => forwarded(&person, known_as.as_deref()),
        R::Used {
            action,
            at,
            decision,
            ..
        } => said(
            StatusCode::GONE,
            "This link was used already",
            html! {
                p { "Action " (action) " was " (decided(&decision)) " on it at " (when(at)) ". A link is good for one decision." }
            },
        ),
        R::Replaced { action, at } => said(
            StatusCode::GONE,
            "A newer link took its place",
            html! {
                p { "The message was sent again, or another link was asked for, at " (when(at)) ". Only the newest link is good. Nothing was decided, and action " (action) " still waits." }
                (another_link(action.0))
            },
        ),
        R::Expired { action, at } => expired(action.map(|number| number.0), at),
        R::Edited {
            action,
            asked,
            current,
            by,
        } => edited(action.0, asked.0, current.0, &by),
        R::Over { action } => over(action.number.0, &action.state),
        R::NoForm => said(
            StatusCode::FORBIDDEN,
            "Nothing was decided",
            html! { p { "This form was used before, is older than ten minutes, or was made for another browser. Open the link again and decide anew." } },
        ),
        R::NoReason => said(
            StatusCode::UNPROCESSABLE_ENTITY,
            "A rejection needs a reason",
            html! { p { "Nothing was decided. Go back and say why: it is kept, and the same repair is not proposed again until the evidence changes." } },
        ),
        R::MayNotApprove(why) => said(
            StatusCode::FORBIDDEN,
            "You may not approve this",
            html! { p { (prose(&capital(&why.to_string()))) "." } p { "Nothing was decided, and the link can still be used to reject." } },
        ),
        R::TooManyDevices { person, limit } => said(
            StatusCode::CONFLICT,
            "Too many browsers",
            html! { p { (prose(&person)) " has " (limit) " browsers already. Remove one first: " code { "watchkeeper devices list" } "." } },
        ),
        R::Watch(error) => broken(&error),
    }
}

fn decided(decision: &str) -> &'static str {
    match decision {
        "reject" => "rejected",
        _ => "approved",
    }
}

fn forwarded(person: &str, known_as: Option<&str>) -> Said {
    let person = visible(person).into_owned();
    said(
        StatusCode::FORBIDDEN,
        format!("This link is for {person}"),
        html! {
            @match known_as {
                Some(other) => p { "This browser is known as " b { (prose(other)) } "'s. A link counts on a browser of the person it was sent to, and on no other; nothing is shown here." },
                None => p { "This browser is not known as " b { (person) } "'s. A link counts on a browser of the person it was sent to, and on no other; nothing is shown here." },
            }
            h2 { "You are " (person) "?" }
            p { "Make this browser known as yours, once. At a terminal of the machine that watches, as " (person) @if person != "root" { " or root" } ":" }
            pre { "watchkeeper devices add " (person) }
            p { "Open the address it prints in this browser, within ten minutes. Then open this link again." }
        },
    )
}

fn expired(action: Option<i64>, at: Timestamp) -> Said {
    match action {
        Some(number) => said(
            StatusCode::GONE,
            "This link has expired",
            html! {
                p { "It was good until " (when(at)) ". Nothing was decided, and action " (number) " still waits." }
                (another_link(number))
            },
        ),
        None => said(
            StatusCode::GONE,
            "This address is not good any more",
            html! {
                p { "It made one browser known, or its ten minutes have passed. Ask for another:" }
                pre { "watchkeeper devices add" }
            },
        ),
    }
}

fn edited(action: i64, asked: i64, current: i64, by: &Proposer) -> Said {
    said(
        StatusCode::CONFLICT,
        "It was edited meanwhile",
        html! {
            p {
                "This link is for revision " (asked) " of action " (action) ". There is revision " b { (current) }
                " now, by " (prose(&by.to_string())) ": something else would run. Nothing was decided."
            }
            p { "The message about revision " (current) " carries a link of its own." }
            (another_link(action))
        },
    )
}

fn another_link(action: i64) -> Markup {
    html! {
        p { "To get a link to what stands now, or to decide at a terminal:" }
        pre { "watchkeeper devices link " (action) "\nwatchkeeper approve show " (action) }
    }
}

fn over(action: i64, state: &ActionState) -> Said {
    let how = match state {
        ActionState::Approved { .. }
        | ActionState::Running { .. }
        | ActionState::Verifying { .. } => "It is decided already",
        ActionState::Rejected { .. } => "It was rejected",
        ActionState::Withdrawn { .. } => "It was withdrawn",
        ActionState::Superseded { .. } => "Another took its place",
        ActionState::Expired { .. } => "It was not decided in time",
        ActionState::Stale { .. } => "The world has changed",
        ActionState::Refused { .. } => "It is forbidden",
        _ => "It is over",
    };
    said(
        StatusCode::CONFLICT,
        how,
        html! {
            p { "Action " (action) " is " b { (state_word(state)) } ": " (state_words(state)) "." }
            p { "There is nothing left to decide on this link, and nothing was done." }
        },
    )
}

fn broken(error: &WatchError) -> Said {
    tracing::error!(error = %error, "a page could not be made");
    match error.fault() {
        Fault::Unavailable => said(
            StatusCode::SERVICE_UNAVAILABLE,
            "It cannot be done now",
            html! { p { "The store does not answer. Nothing was changed: try again in a minute." } },
        ),
        Fault::Conflict => said(
            StatusCode::CONFLICT,
            "Somebody was quicker",
            html! { p { "Nothing was decided here. Open the link again and look." } },
        ),
        Fault::Invalid | Fault::NoSuchThing | Fault::NotTheirs => said(
            StatusCode::UNPROCESSABLE_ENTITY,
            "It cannot be done",
            html! { p { (prose(&capital(&error.to_string()))) "." } },
        ),
        _ => Refused::Broken.said(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
