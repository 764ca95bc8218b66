//! A channel that is dead is a trouble of the watch's own, told to the others like any trouble.

use watchkeeper_model::Fingerprint;

use crate::record::own_fingerprint;

/// The key of the issue about a channel.
pub(super) fn key_of_channel(name: &str) -> String {
    format!("notify.channel.{name}")
}

/// The channel that an issue is about.
pub(super) fn channel_of(fingerprint: Fingerprint, names: &[String]) -> Option<String> {
    let is_about = |name: &&String| own_fingerprint(&key_of_channel(name)) == fingerprint;
    names.iter().find(is_about).cloned()
}
