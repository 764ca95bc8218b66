//! `[server]`: where the daemon answers, and who may decide.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Faults;
use crate::config::key::Key;

/// Where the daemon answers, and who may decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerSection {
    /// The socket that commands speak to the daemon by.
    pub(crate) socket: PathBuf,
    /// Members of this group approve, enrol and change issues; root does too. Others only look.
    pub(crate) operators_group: String,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            socket: "/run/watchkeeper/socket".into(),
            operators_group: "watchkeeper".to_owned(),
        }
    }
}

impl ServerSection {
    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        // What the kernel takes (unix(7), sun_path), with its final zero.
        const MAX_SOCKET_BYTES: usize = 107;
        let key = |name: &str| Key::from("server").name(name);
        if !self.socket.is_absolute() {
            faults.add(
                key("socket"),
                format!("{} is not an absolute path", self.socket.display()),
            );
        }
        if self.socket.as_os_str().len() > MAX_SOCKET_BYTES {
            faults.add(key("socket"), format!("server.socket is longer than the {MAX_SOCKET_BYTES} bytes that a socket may have"));
        }
        if self.operators_group.is_empty() {
            faults.add(
                key("operators_group"),
                "server.operators_group names no group",
            );
        }
    }
}
