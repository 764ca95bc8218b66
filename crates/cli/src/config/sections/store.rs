//! `[store]`: where everything is kept. A password belongs into a file of its own; wherever it stands, it is put into
//! the address in memory only, and never shown.

use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use super::Faults;
use crate::config::key::Key;

/// Where everything is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreSection {
    /// `sqlite:/path`, or `postgres://user@host/database` for many controllers.
    pub(crate) url: StoreUrl,
    /// A file that holds the password for Postgres and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
}

/// The address of a store. Its password is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct StoreUrl(String);

/// Longest text that is read as a password.
const MAX_PASSWORD_BYTES: u64 = 4096;

impl Default for StoreUrl {
    fn default() -> Self {
        Self("sqlite:/var/lib/watchkeeper/watchkeeper.db".to_owned())
    }
}

impl StoreUrl {
    /// The store in a file.
    pub(crate) fn sqlite(path: &Path) -> Self {
        Self(format!("sqlite:{}", path.display()))
    }

    /// The file of a SQLite store.
    pub(crate) fn sqlite_path(&self) -> Option<&Path> {
        self.0.strip_prefix("sqlite:").map(Path::new)
    }

    /// Whether a password stands in it.
    pub(crate) fn holds_a_password(&self) -> bool {
        *self.to_string() != self.0
    }

    /// The whole address, for the store alone.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is a Postgres server's.
    fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres://") || self.0.starts_with("postgresql://")
    }

    /// The address with a password in it, as libpq reads one: among the parameters.
    fn with_password(&self, password: &str) -> Self {
        let mut url = self.0.clone();
        url.push_str(if url.contains('?') {
            "&password="
        } else {
            "?password="
        });
        for byte in password.bytes() {
            if byte.is_ascii_alphanumeric() {
                url.push(char::from(byte));
            } else {
                let _ = write!(url, "%{byte:02X}");
            }
        }
        Self(url)
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return f.write_str(&self.0);
        };
        let (place, query) = rest
            .split_once('?')
            .map_or((rest, None), |(place, query)| (place, Some(query)));
        // An `@` may stand unescaped in a password, so the last one before the path's end counts.
        let place = match place.rsplit_once('@') {
            Some((user, host)) => match user.split_once(':') {
                Some((user, _)) => format!("{user}:***@{host}"),
                None => place.to_owned(),
            },
            None => place.to_owned(),
        };
        write!(f, "{scheme}://{place}")?;
        for (index, pair) in query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .enumerate()
        {
            let before = if index == 0 { '?' } else { '&' };
            let shown = if pair.starts_with("password=") {
                "password=***"
            } else {
                pair
            };
            write!(f, "{before}{shown}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl StoreSection {
    /// The address with the password that the file holds.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn address(&self) -> std::io::Result<StoreUrl> {
        use std::io::Read as _;
        let Some(path) = self
            .password_file
            .as_ref()
            .filter(|_| self.url.is_postgres())
        else {
            return Ok(self.url.clone());
        };
        let mut text = String::new();
        std::fs::File::open(path)?
            .take(MAX_PASSWORD_BYTES)
            .read_to_string(&mut text)?;
        Ok(self.url.with_password(text.trim_end_matches(['\n', '\r'])))
    }

    /// Tells what makes no sense.
    pub(crate) fn check(&self, faults: &mut Faults) {
        let key = |name: &str| Key::from("store").name(name);
        match self.url.sqlite_path() {
            Some(path) if !path.is_absolute() => {
                faults.add(
                    key("url"),
                    "store.url names a file that is not an absolute path; write sqlite:/path",
                );
            }
            Some(_) => {}
            None if !self.url.is_postgres() => {
                faults.add(
                    key("url"),
                    "store.url must begin with sqlite:/ or postgres://",
                );
            }
            None => {}
        }
        if let Some(path) = self
            .password_file
            .as_ref()
            .filter(|path| !path.is_absolute())
        {
            faults.add(
                key("password_file"),
                format!("{} is not an absolute path", path.display()),
            );
        }
        if self.password_file.is_some() && self.url.holds_a_password() {
            faults.add(key("url"), "a password stands in store.url, and store.password_file names another; keep the file");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://ops:s3cret@db/watch",
                "postgres://ops:***@db/watch",
            ),
            (
                "postgres://ops:s3@cret@db:5432/watch?sslmode=require",
                "postgres://ops:***@db:5432/watch?sslmode=require",
            ),
            (
                "postgres://ops@db/watch?a=b&password=s3cret",
                "postgres://ops@db/watch?a=b&password=***",
            ),
            ("postgres://ops@db/watch", "postgres://ops@db/watch"),
            ("sqlite:/var/lib/w.db", "sqlite:/var/lib/w.db"),
        ] {
            let url = StoreUrl(url.to_owned());
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(serde_json::to_value(&url).expect("a string"), shown);
            assert_eq!(url.holds_a_password(), shown.contains("***"), "{shown}");
        }
    }

    #[test]
    fn the_password_of_the_file_reaches_the_address_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("password");
        std::fs::write(&path, "p@ss word&1\n").expect("written");
        let section = StoreSection {
            url: StoreUrl("postgres://ops@db/watch".to_owned()),
            password_file: Some(path),
        };
        let address = section.address().expect("read");
        assert_eq!(
            address.reveal(),
            "postgres://ops@db/watch?password=p%40ss%20word%261"
        );
        assert_eq!(address.to_string(), "postgres://ops@db/watch?password=***");
    }

    #[test]
    fn an_address_of_no_kind_is_told() {
        for url in ["mysql://x", "sqlite:relative.db", "/var/lib/w.db"] {
            let mut faults = Faults::default();
            StoreSection {
                url: StoreUrl(url.to_owned()),
                password_file: None,
            }
            .check(&mut faults);
            assert_eq!(faults.0.len(), 1, "{url}");
        }
    }
}
