//! Every kind of channel against a server that behaves, and fails, as the real one does.

mod gotify;
mod mail;
mod ntfy;
mod webhook;

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use watchkeeper_model::{HostName, IssueNumber, Severity, Span, Timestamp};
use watchkeeper_notify::{
    Channel, ChannelKind, ChannelSettings, Event, Message, Notice, Teller, compose, open,
};

/// Noon of an ordinary day.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_781_524_800_000);
/// What hosts, models and people may write.
pub(crate) const HOSTILE: &str = "a\r\nBcc: evil@example.org\r\n\r\n<img src=x onerror=y> [x](http://evil) `b` \u{1b}[2J\u{202e}";

/// A channel with its secret in a file.
pub(crate) struct Way {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) secret: PathBuf,
    _dir: TempDir,
}

/// A channel of a kind at an address, changed as a case needs it.
pub(crate) fn way(
    kind: ChannelKind,
    url: &str,
    secret: &str,
    change: impl FnOnce(&mut ChannelSettings),
) -> Way {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("secret");
    std::fs::write(&file, format!("{secret}\n")).expect("written");
    let mail = kind == ChannelKind::Mail;
    let mut settings = ChannelSettings {
        name: "phone".to_owned(),
        kind,
        url: url.to_owned(),
        token_file: (!mail).then(|| file.clone()),
        topic: (kind == ChannelKind::Ntfy).then(|| "watch".to_owned()),
        login: None,
        from: mail.then(|| "Watch <watch@example.org>".to_owned()),
        to: if mail {
            vec![
                "anna@example.org".to_owned(),
                "Ben <ben@example.org>".to_owned(),
            ]
        } else {
            Vec::new()
        },
        person: None,
        image: None,
        ca_file: None,
        per_hour: 30,
        timeout: Span::seconds(5),
    };
    change(&mut settings);
    Way {
        channel: open(settings).expect("a channel"),
        secret: file,
        _dir: dir,
    }
}

/// A message about a critical trouble of this title.
pub(crate) fn message(title: &str) -> Message {
    let notice = Notice {
        event: Event::Opened,
        severity: Severity::Critical,
        at: NOON,
        host: Some(HostName::new("web1").expect("a name")),
        issue: Some(IssueNumber(12)),
        action: None,
        cause: "units nginx.service".to_owned(),
        title: title.to_owned(),
        text: "exit code 1".to_owned(),
        of_channel: None,
    };
    let teller = Teller {
        watch: "hal".to_owned(),
        id: "4f0c1f8e6a5b4c3d2e1f00998877aa01".to_owned(),
        at: NOON,
        priority: None,
        click: None,
    };
    compose(teller, vec![notice], 0)
}
