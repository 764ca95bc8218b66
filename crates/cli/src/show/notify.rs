//! Channels and messages as a person reads them.

use std::fmt::Write as _;

use watchkeeper_model::{DeliveryState, visible};
use watchkeeper_watch::view::{ChannelLine, DeliveryLine, NoticesView};

use super::page::{Page, Tone};
use super::table::{Cell, Table};
use super::time::{ago, ahead};
use crate::called::Called;

/// The answer to `notify list`.
pub(crate) fn notices_report(page: &Page, view: &NoticesView, called: &Called) -> String {
    let mut text = String::new();
    if view.channels.is_empty() {
        text.push_str("no channel is configured: add [[notify.channels]] to the configuration\n");
    }
    for channel in &view.channels {
        let _ = writeln!(
            text,
            "{}   {}",
            page.paint(Tone::Strong, &visible(&channel.name)),
            channel_words(page, channel)
        );
    }
    if view.deliveries.is_empty() {
        text.push_str("nothing was sent\n");
        return text;
    }
    text.push('\n');
    let mut table = Table::new(&["n", "state", "channel", "made", "message"]);
    for line in &view.deliveries {
        table.row(vec![
            line.number.to_string().into(),
            state_cell(line),
            visible(&line.channel).into_owned().into(),
            ago(page.now, line.made_at).into(),
            visible(&line.title).into_owned().into(),
        ]);
    }
    text.push_str(&table.render(page));
    if view
        .deliveries
        .iter()
        .any(|line| line.state == DeliveryState::Dead)
    {
        let hint = format!(
            "send again what was given up: {}",
            called.command("notify retry N")
        );
        let _ = writeln!(text, "\n{}", page.paint(Tone::Dim, &hint));
    }
    text
}

/// How a channel fares, in words.
pub(crate) fn channel_words(page: &Page, channel: &ChannelLine) -> String {
    let mut words = match (channel.healthy, channel.sent_at) {
        _ if channel.gone => page.paint(Tone::Warn, "is not configured any more"),
        (Some(false), _) if channel.refused => page.paint(Tone::Bad, "its secret is refused"),
        (Some(false), _) if channel.failing_since.is_none() => {
            page.paint(Tone::Warn, "refused a message")
        }
        (Some(false), _) => page.paint(Tone::Bad, "does not take messages"),
        (_, Some(at)) => format!("took a message {}", ago(page.now, at)),
        _ => "nothing was sent yet".to_owned(),
    };
    if let Some(error) = channel
        .error
        .as_ref()
        .filter(|_| channel.healthy == Some(false))
    {
        let _ = write!(words, ": {}", visible(error));
        if let Some(at) = channel.retry_at.filter(|at| *at > page.now) {
            let _ = write!(words, "; tried again {}", ahead(page.now, at));
        }
    }
    if channel.queued > 0 {
        let _ = write!(words, "; {} waiting", channel.queued);
    }
    if channel.dead > 0 {
        let given_up = format!("{} given up", channel.dead);
        let _ = write!(words, "; {}", page.paint(Tone::Warn, &given_up));
    }
    words
}

fn state_cell(line: &DeliveryLine) -> Cell {
    match (line.state, line.folded_into) {
        (DeliveryState::Dead, _) => (Tone::Bad, "dead").into(),
        (DeliveryState::Folded, Some(into)) => format!("in {into}").into(),
        (DeliveryState::Folded, None) => "not sent".into(),
        (state, _) => state.to_string().into(),
    }
}

/// The answer to what sends something.
pub(crate) fn sent_report(page: &Page, lines: &[DeliveryLine], called: &Called) -> String {
    let mut text = String::new();
    for line in lines {
        let channel = visible(&line.channel);
        let said = match (line.state, &line.error) {
            (DeliveryState::Sent, _) => format!("{channel} took it"),
            (DeliveryState::Dead, error) => {
                let why = visible(error.as_deref().unwrap_or_default()).into_owned();
                let given_up = page.paint(Tone::Bad, "did not take it");
                format!("{channel} {given_up}: {why}")
            }
            (_, Some(error)) => {
                let failed = page.paint(Tone::Warn, "has not taken it yet");
                format!(
                    "{channel} {failed}: {}; it is tried again, as delivery {}",
                    visible(error),
                    line.number
                )
            }
            _ => format!(
                "{channel} gets it when quiet hours or the hour of its allowance are over, as delivery {}: {}",
                line.number,
                called.command("notify list")
            ),
        };
        let _ = writeln!(text, "{said}");
    }
    if lines.iter().any(|line| line.error.is_some()) {
        let hint = format!("what to do about it: {}", called.command("doctor"));
        let _ = writeln!(text, "{}", page.paint(Tone::Dim, &hint));
    }
    text
}
