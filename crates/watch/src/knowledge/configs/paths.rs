//! Paths of configuration files, and the keys under which their parts are kept.

use watchkeeper_model::{HostName, bounded, visible};

use crate::WatchError;

/// Longest path.
pub(super) const MAX_PATH_CHARS: usize = 300;

/// Whose file it is.
#[derive(Clone, Copy)]
pub(super) enum Owner<'a> {
    /// A host's.
    Host(&'a HostName),
    /// The operator's own.
    Repository,
}

impl Owner<'_> {
    /// What the keys of all its files begin with.
    pub(super) fn keys(self) -> String {
        match self {
            Self::Host(host) => format!("config {host} "),
            Self::Repository => "repository ".to_owned(),
        }
    }

    /// What the keys of the parts of one file begin with.
    pub(super) fn keys_of(self, path: &str) -> String {
        format!("{}{path} #", self.keys())
    }
}

/// The path that a key is of.
pub(super) fn path_in<'k>(key: &'k str, owner: Owner<'_>) -> &'k str {
    let rest = &key[owner.keys().len().min(key.len())..];
    rest.rsplit_once(" #").map_or(rest, |(path, _)| path)
}

/// Whether a path is one of these, or below one.
pub(super) fn is_below(path: &str, paths: &[String]) -> bool {
    paths.iter().any(|above| {
        let above = above.trim_end_matches('/');
        path.strip_prefix(above)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// A path that a command line can hold as it is: absolute, no way up, and only characters that no shell reads.
pub(super) fn check_path(path: &str) -> Result<(), WatchError> {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '/' | '.' | '_' | '-' | '@' | ':' | '+' | ',' | '=')
    };
    let goes_up = path.split('/').any(|step| step == "..");
    if path.starts_with('/')
        && path.chars().all(is_plain)
        && !goes_up
        && path.len() <= MAX_PATH_CHARS
    {
        return Ok(());
    }
    let shown = bounded(&visible(path), MAX_PATH_CHARS).into_owned();
    Err(WatchError::invalid(format!(
        "{shown:?} is not read: a path is absolute, without `..`, of letters, digits and / . _ - @ : + , ="
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_absolute_paths_reach_a_command_line() {
        for fit in [
            "/etc/nginx/nginx.conf",
            "/etc/systemd/system/getty@tty1.service",
            "/",
        ] {
            assert!(check_path(fit).is_ok(), "{fit}");
        }
        for unfit in [
            "",
            "etc",
            "/etc/../root",
            "/etc/a b",
            "/etc/$(id)",
            "/etc/;id",
            "-delete",
            "/etc/ä",
            "/etc/*",
            "/etc/a\nb",
        ] {
            assert!(check_path(unfit).is_err(), "{unfit}");
        }
    }

    #[test]
    fn below_is_by_whole_steps() {
        let paths = ["/etc/nginx/".to_owned(), "/etc/fstab".to_owned()];
        assert!(is_below("/etc/nginx/a/b", &paths) && is_below("/etc/fstab", &paths));
        assert!(!is_below("/etc/nginx2/a", &paths) && !is_below("/etc/fstab2", &paths));
    }

    #[test]
    fn a_key_says_its_path() {
        let host = HostName::new("web1").expect("a name");
        let owner = Owner::Host(&host);
        let key = format!("{}0003", owner.keys_of("/etc/a #b"));
        assert_eq!(path_in(&key, owner), "/etc/a #b");
    }
}
