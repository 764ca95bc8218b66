//! The pages about a browser and whose it is.

use maud::{Markup, html};
use watchkeeper_watch::view::{DeviceLine, EnrolmentAsked};

use super::{prose, when};
use crate::pages::page::Page;

/// Asks for what stands at the terminal, beside an address that was sent. Whose browser it would be is not told yet.
pub(in crate::pages) fn code(path: &str, was_wrong: bool) -> Page {
    let body: Markup = html! {
        p.crumb { "A new browser" }
        h1 { "Type the code that the terminal shows" }
        p.lead { "It stands where " code { "watchkeeper devices add --send" } " was typed. Who reads this message alone can do nothing with it." }
        form.decide.single method="get" action=(path) {
            div.reason {
                label for="code" { "Code" }
                @if was_wrong {
                    p.warn role="alert" { "No browser can be made known with this code. It has eight characters; look again, or ask for another." }
                }
                input #code.code type="text" name="code" required maxlength="20" autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            div.yes {
                button.button.approve { "Go on" }
                p.note { "You are asked once more." }
            }
        }
    };
    Page::new("A new browser", body)
}

/// Asks whether this browser is to be known as a person's.
pub(in crate::pages) fn enrolment(path: &str, asked: &EnrolmentAsked) -> Page {
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
        form.decide.single method="post" action=(path) {
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
