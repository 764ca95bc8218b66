//! Whose a new file is. Root works beside a service that runs as another account, and must not shut it out of what lies
//! in its own directories.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use nix::unistd::Group;

/// The group of the account that a package makes for the service.
const SERVICE_GROUP: &str = "watchkeeper";

/// Lets the service, where there is one, read a file of the system's configuration; others than it and root do not.
pub(crate) fn readable_by_the_service(path: &Path) -> std::io::Result<()> {
    let group = Group::from_name(SERVICE_GROUP).ok().flatten();
    let Some(group) = group else { return Ok(()) };
    if chown(path, None, Some(group.gid.as_raw())).is_ok() {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640))?;
    }
    Ok(())
}

/// Gives a file that root has made in another account's directory to that account.
pub(crate) fn as_the_directory(path: &Path) -> std::io::Result<()> {
    let Some(dir) = path.parent() else {
        return Ok(());
    };
    let (dir, file) = (std::fs::metadata(dir)?, std::fs::metadata(path)?);
    if file.uid() != 0 {
        return Ok(());
    }
    let uid = (dir.uid() != 0).then_some(dir.uid());
    let gid = (dir.gid() != 0).then_some(dir.gid());
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    chown(path, uid, gid)
}
