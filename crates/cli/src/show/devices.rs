//! The browsers that are known as people's.

use watchkeeper_watch::view::DeviceLine;

use super::page::Page;
use super::table::Table;
use super::time::{ago, ahead};

/// The list of browsers.
pub(crate) fn device_list(page: &Page, devices: &[DeviceLine]) -> String {
    let mut table = Table::new(&["#", "person", "browser", "since", "decided", "until"]);
    for device in devices {
        table.row(vec![
            device.number.to_string().into(),
            device.person.clone().into(),
            device.label.clone().into(),
            ago(page.now, device.added_at).into(),
            device
                .decided_at
                .map_or_else(|| "never".to_owned(), |at| ago(page.now, at))
                .into(),
            ahead(page.now, device.expires_at).into(),
        ]);
    }
    table.render(page)
}
