//! What stands on the pages, made by code that escapes everything it is given. What hosts, models and people said is
//! shown so that it can neither act nor deceive: `bytes` for what runs, `prose` for what is only read.

mod bytes;
#[cfg(test)]
mod contrast;
#[cfg(test)]
mod hostile;
mod outcome;
mod people;
mod question;
mod sheet;
mod states;
mod times;

pub(super) use outcome::outcome;
pub(super) use people::{code, enrolment, front};
pub(super) use question::question;
pub(super) use sheet::{Reader, sheet};
pub(super) use states::{state_word, state_words};
pub(super) use times::when;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use watchkeeper_model::{RiskLevel, bounded, visible};

use super::page::Page;

/// The one style of all pages.
pub(super) const STYLE: &str = include_str!("style.css");
/// Longest text that is only read, in characters.
const MAX_PROSE_CHARS: usize = 4_000;

/// A page in its frame.
pub(super) fn framed(watch: &str, page: &Page) -> Markup {
    let watch = visible(watch);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                meta name="theme-color" content="#f6f5f2" media="(prefers-color-scheme: light)";
                meta name="theme-color" content="#14161a" media="(prefers-color-scheme: dark)";
                @if let Some(seconds) = page.reload_s {
                    meta http-equiv="refresh" content=(seconds);
                }
                title { (visible(&page.title)) " · " (watch) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.top { span.mark aria-hidden="true" {} span.watch { (watch) } span.kind { "Watchkeeper" } }
                main { (page.body) }
            }
        }
    }
}

/// Text that is only read: nothing in it acts, and it turns nothing around it.
pub(super) fn prose(text: &str) -> Markup {
    let shown = visible(text);
    html! { bdi { (bounded(&shown, MAX_PROSE_CHARS)) } }
}

/// What stands on a page, and a way on from there.
pub(super) fn and_way(body: &Markup, path: &str, text: &str) -> Markup {
    html! {
        (body)
        p.way { a.button.plain href=(path) { (text) } }
    }
}

/// A level of risk as a word with a colour, which is never without the word.
fn badge(level: RiskLevel) -> Markup {
    let (tone, word) = match level {
        RiskLevel::ReadOnly => ("calm", "read only"),
        RiskLevel::Low => ("calm", "low"),
        RiskLevel::Medium => ("warm", "medium"),
        RiskLevel::High => ("hot", "high"),
        RiskLevel::Forbidden => ("hot", "forbidden"),
    };
    html! { span class={ "badge " (tone) } { (word) } }
}
