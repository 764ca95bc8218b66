//! Which files of the configuration are kept with a backup: what a person wrote and no secret stands in. Files that
//! hold a secret are named, so that nobody believes them to be kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use watchkeeper_agent::redact;
use watchkeeper_model::visible;
use watchkeeper_store::{BackupFile, LeftOut};

use crate::config::{Config, Loaded, Setting, is_system};
use crate::orders;
use crate::surroundings::Surroundings;

/// Largest file that is kept.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// Most files that are kept.
const MAX_FILES: usize = 5_000;
/// Longest name of a file, as file systems have it.
const MAX_NAME_BYTES: usize = 255;
/// What the files of a directory of the configuration end with.
const TOML: &str = ".toml";

/// The directory of the configuration that an account writes.
pub(super) fn config_dir(around: &Surroundings) -> PathBuf {
    if is_system(around) {
        around.system_config.clone()
    } else {
        around.config_home.join("watchkeeper")
    }
}

/// Where a file of a backup belongs here; none for a name that no version of this program gives.
pub(super) fn place(name: &str, config: &Config, around: &Surroundings) -> Option<PathBuf> {
    let dir = config_dir(around);
    let plain = |rest: &&str| is_plain(rest);
    match name {
        "config/config.toml" => Some(dir.join("config.toml")),
        "config/orders.toml" => {
            let configured = config.orders.file.clone();
            Some(configured.unwrap_or_else(|| dir.join("orders.toml")))
        }
        "state/known_hosts" => Some(config.ssh.known_hosts.clone()),
        _ => {
            if let Some(file) = name.strip_prefix("config/conf.d/").filter(plain) {
                return Some(dir.join("conf.d").join(file));
            }
            let file = name.strip_prefix("config/runbooks/").filter(plain)?;
            Some(config.runbooks.dir.join(file))
        }
    }
}

/// Whether this names a file of TOML in its directory and nothing else: no path, no other directory, nothing that hides.
fn is_plain(name: &str) -> bool {
    let unfit = |c: char| c == '/' || c == '\\' || c.is_control();
    let named = name.strip_suffix(TOML).is_some_and(|name| !name.is_empty());
    named && !name.starts_with('.') && !name.contains(unfit) && name.len() <= MAX_NAME_BYTES
}

/// What is kept, and what is not.
pub(super) fn kept(loaded: &Loaded, around: &Surroundings) -> (Vec<BackupFile>, Vec<LeftOut>) {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for (name, path) in candidates(&loaded.config, around) {
        let found = match place(&name, &loaded.config, around) {
            Some(_) => read(&name, &path),
            None => Err("its name is none that a restore puts back".to_owned()),
        };
        match found {
            Ok(Some(bytes)) => files.push(BackupFile { name, bytes }),
            Ok(None) => {}
            Err(why) => left_out.push(LeftOut { name, why }),
        }
    }
    if files.len() > MAX_FILES {
        let rest = files.split_off(MAX_FILES);
        left_out.extend(rest.into_iter().map(|file| LeftOut {
            name: file.name,
            why: format!("only {MAX_FILES} files are kept"),
        }));
    }
    left_out.extend(secrets(loaded));
    (files, left_out)
}

fn candidates(config: &Config, around: &Surroundings) -> BTreeMap<String, PathBuf> {
    let dir = config_dir(around);
    let mut found = BTreeMap::new();
    found.insert("config/config.toml".to_owned(), dir.join("config.toml"));
    if let Some(orders) = orders::file_in_force(config, around) {
        found.insert("config/orders.toml".to_owned(), orders);
    }
    found.insert(
        "state/known_hosts".to_owned(),
        config.ssh.known_hosts.clone(),
    );
    for (below, dir) in [
        ("conf.d", dir.join("conf.d")),
        ("runbooks", config.runbooks.dir.clone()),
    ] {
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = visible(&name.to_string_lossy()).into_owned();
            if name.ends_with(TOML) {
                found.insert(format!("config/{below}/{name}"), entry.path());
            }
        }
    }
    found
}

/// The bytes of a file; none where it is not there; why not, where it may not or cannot be kept.
fn read(name: &str, path: &Path) -> Result<Option<Vec<u8>>, String> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    if !found.is_file() || found.len() > MAX_FILE_BYTES {
        return Err(format!("{} is no file of a fitting size", path.display()));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    // Known host keys are public, and look as if chance had written them.
    let public = name == "state/known_hosts";
    match std::str::from_utf8(&bytes) {
        Ok(text) if public || lines_are_no_secrets(text) => Ok(Some(bytes)),
        Ok(_) => Err("something in it looks like a secret".to_owned()),
        Err(_) => Err("it is not text".to_owned()),
    }
}

/// Whether no line holds what looks like a secret. A name of a file that holds one is none.
fn lines_are_no_secrets(text: &str) -> bool {
    let names_a_file = |line: &str| {
        let key = line
            .trim_start_matches(['#', ' '])
            .split('=')
            .next()
            .unwrap_or("")
            .trim();
        is_of_a_secret(key)
    };
    let rest: Vec<&str> = text.lines().filter(|line| !names_a_file(line)).collect();
    let rest = rest.join("\n");
    redact(&rest) == rest
}

/// Whether a key names files that hold secrets.
fn is_of_a_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    last.ends_with("_file") && last != "ca_file" || last.ends_with("identity_files")
}

/// The files that hold secrets, as the configuration names them.
fn secrets(loaded: &Loaded) -> Vec<LeftOut> {
    let left_out = |setting: Setting| {
        let key = setting.key.to_string();
        let value = setting.value?;
        let said = is_of_a_secret(&key) && !matches!(value.as_str(), "[]" | "\"\"");
        said.then(|| LeftOut {
            name: value.trim_matches('"').to_owned(),
            why: format!("a secret, named by {key}"),
        })
    };
    loaded.settings().into_iter().filter_map(left_out).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Common, Output};

    fn world(config: &str) -> (tempfile::TempDir, Surroundings, Common) {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let below = config_dir(&around);
        std::fs::create_dir_all(below.join("runbooks")).expect("made");
        std::fs::create_dir_all(below.join("conf.d")).expect("made");
        std::fs::write(below.join("config.toml"), config).expect("written");
        let common = Common {
            config: vec![],
            set: vec![],
            output: Output::Text,
            no_daemon: true,
        };
        (dir, around, common)
    }

    fn names(files: &[BackupFile]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn what_a_person_wrote_is_kept_and_files_of_secrets_are_named() {
        let config = "[[lanes]]\nname = \"a\"\nmodel = \"m\"\napi_key_file = \"/run/key\"\n[hosts.web1]\nidentity_files = [\"~/.ssh/id\"]\n";
        let (_dir, around, common) = world(config);
        let below = config_dir(&around);
        std::fs::write(below.join("orders.toml"), "# none\n").expect("written");
        std::fs::write(below.join("runbooks/own.toml"), "# none\n").expect("written");
        std::fs::write(below.join("conf.d/ignored.txt"), "x").expect("written");
        let loaded = Config::load(&common, &around).expect("it can be used");
        std::fs::create_dir_all(loaded.config.ssh.known_hosts.parent().expect("a parent"))
            .expect("made");
        std::fs::write(&loaded.config.ssh.known_hosts, "web1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBnUyQ0K8cN5k2oQ1c7Jm7lW3N1kq2x0mYy8p0aZ9dLr\n").expect("written");
        let (files, left_out) = kept(&loaded, &around);
        assert_eq!(
            names(&files),
            [
                "config/config.toml",
                "config/orders.toml",
                "config/runbooks/own.toml",
                "state/known_hosts"
            ]
        );
        for file in &files {
            let place = place(&file.name, &loaded.config, &around).expect("it has a place");
            assert_eq!(std::fs::read(place).expect("it is there"), file.bytes);
        }
        let said: Vec<_> = left_out.iter().map(|file| file.why.as_str()).collect();
        assert_eq!(
            said,
            [
                "a secret, named by hosts.web1.identity_files",
                "a secret, named by lanes[0].api_key_file"
            ],
            "{left_out:?}"
        );
    }

    #[test]
    fn a_file_that_a_secret_stands_in_is_left_out() {
        let (_dir, around, common) =
            world("[store]\nurl = \"postgres://ops:s3cretpassw0rd@db/watch\"\n");
        let loaded = Config::look(&common, &around);
        let (files, left_out) = kept(&loaded, &around);
        assert_eq!(names(&files), Vec::<&str>::new());
        assert_eq!(left_out[0].name, "config/config.toml");
    }

    #[test]
    fn a_name_that_leads_elsewhere_has_no_place() {
        let (_dir, around, common) = world("");
        let loaded = Config::look(&common, &around);
        let long = format!("config/conf.d/{}.toml", "x".repeat(300));
        for name in [
            "config/conf.d/a/b.toml",
            "config/../x.toml",
            "etc/passwd",
            "/etc/watchkeeper/config.toml",
            "config/runbooks/a/../../x.toml",
            "config/conf.d/.",
            "config/conf.d/..",
            "config/runbooks/..",
            "config/conf.d/",
            "config/conf.d/.toml",
            "config/conf.d/.hidden.toml",
            "config/conf.d//etc/x.toml",
            "config/conf.d/a\nb.toml",
            "config/conf.d/a\0b.toml",
            "config/conf.d/a\u{1b}[2Jb.toml",
            "config/conf.d/a\\b.toml",
            "config/runbooks/run.sh",
            long.as_str(),
        ] {
            assert_eq!(place(name, &loaded.config, &around), None, "{name:?}");
        }
        let fits = place("config/conf.d/50 ü.toml", &loaded.config, &around);
        assert!(fits.is_some());
    }

    #[test]
    fn a_file_that_could_not_be_put_back_is_named_instead_of_kept() {
        let (_dir, around, _) = world("");
        let below = config_dir(&around).join("conf.d");
        std::fs::write(below.join("a\nb.toml"), "# x\n").expect("written");
        nix::unistd::mkfifo(&below.join("pipe.toml"), nix::sys::stat::Mode::S_IRWXU).expect("made");
        std::os::unix::fs::symlink("/nowhere", below.join("gone.toml")).expect("made");
        let loaded = Config::look_at(&config_dir(&around).join("config.toml"), &around);
        let (files, left_out) = kept(&loaded, &around);
        assert_eq!(names(&files), ["config/config.toml"]);
        let said: Vec<_> = left_out
            .iter()
            .map(|file| (file.name.as_str(), file.why.as_str()))
            .collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].0.starts_with("config/conf.d/a") && said[0].1.contains("its name"));
        assert!(said[1].0.ends_with("pipe.toml") && said[1].1.contains("no file"));
    }
}
