//! What bash runs: many scripts per process, each in a subshell, in an empty directory of its own, with nothing on
//! the path but the marker.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How long one batch may take, in seconds.
const BATCH_SECONDS: &str = "120";

/// Runs every script that lies there. All children hold the standard output that the caller reads to its end.
const DRIVER: &str = r#"
exec 9>&1
FUNCNEST=30
__number=0
while [ -e "$ROOT/$__number.sh" ]; do
    cd "$ROOT/$__number" || exit 1
    export LOG="$ROOT/$__number.log"
    __script=$(<"$ROOT/$__number.sh")
    ( mark() { __seen=${1%%_*}; builtin echo "${__seen//[!0-9]/}" >>"$LOG"; }; unset __number; ulimit -t 2; ulimit -f 64; eval "$__script"; wait ) </dev/null >/dev/null 2>&1
    __number=$((__number + 1))
done
"#;

/// A directory that is gone at the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of a temporary directory harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether bash can read a script at all.
pub(crate) fn reads(script: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "bash is the oracle of this test")]
    let status = Command::new("/usr/bin/bash")
        .args(["--noprofile", "--norc", "-n", "-c", script])
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("bash is installed");
    status.success()
}

/// The markers that each script ran, sorted, each once; nothing where the batch did not end.
pub(crate) fn executed(scripts: &[String], label: &str) -> Option<Vec<Vec<String>>> {
    let root = Scratch(
        std::env::temp_dir().join(format!("watchkeeper-oracle-{}-{label}", std::process::id())),
    );
    prepare(&root.0, scripts).expect("a temporary directory can be filled");
    #[expect(clippy::disallowed_methods, reason = "bash is the oracle of this test")]
    let output = Command::new("/usr/bin/timeout")
        .args([
            "-s",
            "KILL",
            BATCH_SECONDS,
            "/usr/bin/bash",
            "--noprofile",
            "--norc",
            "-c",
            DRIVER,
        ])
        .env_clear()
        .env("PATH", root.0.join("bin"))
        .env("HOME", root.0.join("home"))
        .env("ROOT", &root.0)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(&root.0)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("bash is installed");
    if !output.status.success() {
        return None;
    }
    Some(
        (0..scripts.len())
            .map(|number| log(&root.0, number))
            .collect(),
    )
}

fn prepare(root: &Path, scripts: &[String]) -> std::io::Result<()> {
    fs::create_dir_all(root.join("bin"))?;
    fs::create_dir_all(root.join("home"))?;
    let marker = root.join("bin/mark");
    fs::write(
        &marker,
        "#!/usr/bin/bash\nseen=${1%%_*}; echo \"${seen//[!0-9]/}\" >>\"$LOG\"\n",
    )?;
    fs::set_permissions(&marker, fs::Permissions::from_mode(0o755))?;
    for (number, script) in scripts.iter().enumerate() {
        fs::create_dir(root.join(number.to_string()))?;
        fs::write(root.join(format!("{number}.sh")), script)?;
    }
    Ok(())
}

fn log(root: &Path, number: usize) -> Vec<String> {
    let bytes = fs::read(root.join(format!("{number}.log"))).unwrap_or_default();
    let mut marks: Vec<String> = String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::to_owned)
        .collect();
    marks.sort();
    marks.dedup();
    marks
}
