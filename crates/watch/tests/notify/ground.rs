//! A bridge whose people have a phone: a Gotify server and a channel to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_model::{IssueNumber, Severity, Span};
use watchkeeper_notify::{Channel, ChannelKind, ChannelSettings, open};
use watchkeeper_testkit::push::{Gotify, GotifyMessage};
use watchkeeper_watch::view::{ChannelLine, DeliveryLine};
use watchkeeper_watch::{NewIssue, Notifying, Watch};

use crate::bridge::{Bridge, ann};

pub(crate) const TOKEN: &str = "Atoken.of-the-phone";
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// Longer than a message waits for others.
pub(crate) const SOON: Duration = Duration::from_secs(31);

pub(crate) struct Ground {
    pub(crate) bridge: Bridge,
    pub(crate) gotify: Gotify,
    pub(crate) token_file: PathBuf,
}

impl Ground {
    pub(crate) async fn over(bridge: Bridge) -> Self {
        let gotify = Gotify::start(TOKEN).await;
        let token_file = bridge.dir.path().join("token");
        std::fs::write(&token_file, TOKEN).expect("written");
        let ground = Self {
            bridge,
            gotify,
            token_file,
        };
        ground.tells(&ground.bridge.watch, |_| ()).await;
        ground
    }

    /// The settings of a channel to a Gotify server.
    pub(crate) fn settings(&self, name: &str, url: &str) -> ChannelSettings {
        ChannelSettings {
            name: name.to_owned(),
            kind: ChannelKind::Gotify,
            url: url.to_owned(),
            token_file: Some(self.token_file.clone()),
            topic: None,
            login: None,
            from: None,
            to: Vec::new(),
            person: None,
            image: None,
            ca_file: None,
            per_hour: 30,
            timeout: Span::seconds(3),
        }
    }

    pub(crate) fn phone(&self) -> Arc<dyn Channel> {
        open(self.settings("phone", &self.gotify.url())).expect("a channel")
    }

    /// Has a watch tell people by the phone, with other settings where a case needs them.
    pub(crate) async fn tells(&self, watch: &Watch, change: impl FnOnce(&mut Notifying)) {
        let mut notifying = Notifying {
            channels: vec![self.phone()],
            ..Notifying::default()
        };
        change(&mut notifying);
        watch.use_channels(notifying);
        watch.begin_notices().await.expect("the store answers");
    }

    /// Reads what is new, lets a little time pass, and sends what is due. Says how many messages the phone took.
    pub(crate) async fn pass(&self) -> usize {
        self.makes().await;
        self.bridge.clock.advance(SOON);
        self.sends().await
    }

    /// Makes deliveries of what is new and due.
    pub(crate) async fn makes(&self) {
        let watch = &self.bridge.watch;
        watch.read_notices().await.expect("the store answers");
        watch.remind().await.expect("the store answers");
        watch.make_digest().await.expect("the store answers");
    }

    pub(crate) async fn sends(&self) -> usize {
        let sent = self.bridge.watch.deliver("phone").await;
        sent.expect("the store answers")
    }

    pub(crate) fn messages(&self) -> Vec<GotifyMessage> {
        self.gotify.messages()
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        let messages = self.messages().into_iter();
        messages.map(|message| message.title).collect()
    }

    /// Writes down a trouble.
    pub(crate) async fn trouble(&self, title: &str, severity: Severity) -> IssueNumber {
        let new = NewIssue {
            title: title.to_owned(),
            host: None,
            severity,
            note: None,
        };
        let made = self.bridge.watch.create_issue(ann(), new).await;
        made.expect("an issue")
    }

    pub(crate) async fn deliveries(&self) -> Vec<DeliveryLine> {
        let view = self.bridge.watch.notices(None, Some(1_000)).await;
        view.expect("the store answers").deliveries
    }

    pub(crate) async fn channel(&self, name: &str) -> ChannelLine {
        let status = self.bridge.watch.status(false).await.expect("a status");
        let found = status.channels.into_iter().find(|one| one.name == name);
        found.expect("the channel is in the status")
    }

    /// The states of the issues about channels, oldest first.
    pub(crate) async fn channel_issues(&self) -> Vec<String> {
        let mut issues = self.bridge.issues().await;
        issues.retain(|line| line.issue.title.starts_with("channel "));
        issues.reverse();
        issues
            .iter()
            .map(|line| line.issue.state.as_str().to_owned())
            .collect()
    }
}
