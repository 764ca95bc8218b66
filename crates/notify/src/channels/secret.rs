//! Secrets of channels: read from their files when they are needed, kept nowhere, crossed out of what servers say.

use std::fmt;
use std::path::Path;

use tokio::io::AsyncReadExt as _;
use watchkeeper_model::Digest;

use super::SendError;
use crate::settings::ChannelSettings;

/// Longest secret, in bytes.
pub const MAX_SECRET_BYTES: u64 = 4 * 1024;
/// A shorter secret is not crossed out of what a server says: it might stand in any word.
const LEAST_TELLING_BYTES: usize = 6;

/// A secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    /// Reads one: one line of what can be seen, white space around it is no part of it.
    pub(super) async fn read(file: &Path) -> Result<Self, SendError> {
        let unusable = |why: String| SendError::Secret {
            file: file.to_owned(),
            why,
        };
        let read = async {
            let mut text = String::new();
            // Opening a pipe that nobody writes to would never end.
            if !tokio::fs::metadata(file).await?.is_file() {
                return Err(std::io::Error::other("it is no file"));
            }
            let file = tokio::fs::File::open(file).await?;
            file.take(MAX_SECRET_BYTES + 1)
                .read_to_string(&mut text)
                .await?;
            Ok::<_, std::io::Error>(text)
        };
        let text = read.await.map_err(|error| unusable(error.to_string()))?;
        let secret = text.trim();
        if secret.is_empty() {
            return Err(unusable("it is empty".to_owned()));
        }
        if text.len() as u64 > MAX_SECRET_BYTES || secret.chars().any(char::is_control) {
            let why = format!("it is more than one line of {MAX_SECRET_BYTES} bytes");
            return Err(unusable(why));
        }
        Ok(Self(secret.to_owned()))
    }

    /// Reads one that goes into a header.
    pub(super) async fn for_header(file: &Path) -> Result<Self, SendError> {
        let secret = Self::read(file).await?;
        if secret.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(secret);
        }
        Err(SendError::Secret {
            file: file.to_owned(),
            why: "it holds more than letters, digits and signs".to_owned(),
        })
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without it.
    pub(super) fn crossed_out_of(&self, text: &str) -> String {
        if self.0.len() < LEAST_TELLING_BYTES {
            return text.to_owned();
        }
        text.replace(&self.0, "***")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What changes with the settings and with the file of the secret; nothing of the secret is in it.
pub(super) async fn stamp(settings: &ChannelSettings) -> String {
    let said = serde_json::to_string(settings).expect("settings are data");
    let settings_part = Digest::of_bytes(said.as_bytes()).to_string();
    let file_part = match &settings.token_file {
        None => "none".to_owned(),
        Some(file) => match tokio::fs::metadata(file).await {
            Err(_) => "absent".to_owned(),
            Ok(found) => {
                use std::os::unix::fs::MetadataExt as _;
                let (at, ns) = (found.mtime(), found.mtime_nsec());
                format!("{at}.{ns}/{}/{}", found.len(), found.ino())
            }
        },
    };
    format!("{} {file_part}", &settings_part[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> Result<Secret, SendError> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("token");
        std::fs::write(&file, bytes).expect("written");
        Secret::for_header(&file).await
    }

    #[tokio::test]
    async fn a_secret_is_one_trimmed_line_and_never_shown() {
        let secret = read(b" open-the-doors\n").await.expect("a secret");
        assert_eq!(secret.reveal(), "open-the-doors");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.crossed_out_of("no open-the-doors"), "no ***");
        for bytes in [
            &b""[..],
            b"  \n",
            b"a\nb",
            b"a b",
            "ключ".as_bytes(),
            &[0xff, 0xfe],
            &[b'x'; 5_000],
        ] {
            let refused = read(bytes).await.expect_err("it is no secret");
            assert!(matches!(refused, SendError::Secret { .. }));
        }
        let dir = tempfile::tempdir().expect("a directory");
        for no_file in [
            Path::new("/nowhere/token"),
            Path::new("/dev/zero"),
            dir.path(),
        ] {
            let refused = Secret::read(no_file).await;
            assert!(
                matches!(refused, Err(SendError::Secret { .. })),
                "{refused:?}"
            );
        }
    }
}
