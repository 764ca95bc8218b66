//! The pages about a browser and whose it is.

use maud::html;
use watchkeeper_watch::view::{DeviceLine, EnrolmentAsked};

use super::{prose, when};
use crate::pages::page::Page;

/// Asks whether this browser is to be known as a person's.
pub(in crate::pages) fn enrolment(token: &str, asked: &EnrolmentAsked) -> Page {
    let person = &asked.person.name;
    let body = html! {
        p.crumb { "A new browser" }
        h1 { "Make this browser known as " (prose(person)) "'s?" }
        p.lead { "Links that are sent to " b { (prose(person)) } " will open here, and decide about repairs with two taps." }
        ul.seen {
            li { "Do this on a phone or computer that only " (prose(person)) " unlocks." }
            li { (prose(&asked.asked_by)) " asked for it at " (when(asked.asked_at)) ". If that was not meant, close this page: nothing has happened." }
            li { "It can be taken back at any time: " code { "watchkeeper devices remove" } "." }
        }
        @if let Some(other) = asked.known_as.as_deref().filter(|other| *other != person.as_str()) {
            p.warn role="note" { "This browser is known as " b { (prose(other)) } "'s now. It will not be any more." }
        }
        form.decide.single method="post" action={ "/d/" (token) } {
            div.yes {
                button.button.approve { span { "Yes, I am " (prose(person)) } }
                p.note { "This address is good once, until " (when(asked.expires_at)) "." }
            }
        }
    };
    Page::new(format!("A browser of {person}"), body)
}

/// As whose this browser is known.
pub(in crate::pages) fn front(device: Option<&DeviceLine>) -> Page {
    let body = match device {
        Some(device) => html! {
            section.notice.calm {
                h1 { "This browser is known as " (prose(&device.person)) "'s" }
                p { "Links that are sent to " (prose(&device.person)) " open here, until " (when(device.expires_at)) "." }
                p.note { "Device " (device.number) ", " (prose(&device.label)) ". Open the link of a message: nothing else is shown here." }
            }
        },
        None => html! {
            section.notice {
                h1 { "Links of messages lead here" }
                p { "There is nothing else to see. This browser is not known as anybody's; to make it yours, at a terminal of the machine that watches:" }
                pre { "watchkeeper devices add" }
            }
        },
    };
    Page::new("Watchkeeper", body)
}
