//! Where things are kept when nothing is said: the system's places for root and for the account that owns them, an
//! account's own places for everybody else. These are the lowest layer.

use std::path::Path;

use toml::{Table, Value};
use watchkeeper_model::HostName;

use super::sections::StoreUrl;
use crate::surroundings::Surroundings;

/// Whether the system's places are meant: for root, and for the account that owns them, which a service runs as.
pub(crate) fn is_system(around: &Surroundings) -> bool {
    around.uid == 0 || around.owns_system_state
}

/// The defaults that depend on the account and the machine.
pub(super) fn defaults(around: &Surroundings) -> Table {
    let mut defaults = Table::new();
    let name =
        HostName::new(around.hostname.as_str()).map_or_else(|_| "watch".to_owned(), String::from);
    defaults.insert("name".to_owned(), Value::String(name));
    let path = |path: &Path| Value::String(path.display().to_string());
    let mut set = |section: &str, key: &str, value: Value| {
        defaults.insert(
            section.to_owned(),
            Value::Table(Table::from_iter([(key.to_owned(), value)])),
        );
    };
    if is_system(around) {
        set(
            "runbooks",
            "dir",
            path(&around.system_config.join("runbooks")),
        );
        return defaults;
    }
    let state = around.state_home.join("watchkeeper");
    set(
        "store",
        "url",
        Value::String(StoreUrl::sqlite(&state.join("watchkeeper.db")).to_string()),
    );
    set("server", "socket", path(&state.join("socket")));
    set("ssh", "known_hosts", path(&state.join("known_hosts")));
    set(
        "runbooks",
        "dir",
        path(&around.config_home.join("watchkeeper/runbooks")),
    );
    defaults
}
