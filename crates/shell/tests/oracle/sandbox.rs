//! Where bash runs what nobody has read: in namespaces of its own (mounts, processes, network), in a root directory
//! that holds the system's programs read-only and `/work` in memory, as a user without rights, with limits on
//! processes, files, memory and time. Nothing of the host can be written, seen or signalled from there. Root makes it
//! by `unshare` and drops to a user that owns nothing; an ordinary user makes it in a user namespace. Where it cannot
//! be made, the test fails and says so: a script is never run without it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// How long one batch may take, in seconds.
const BATCH_SECONDS: &str = "120";
/// What the setup says before anything of a script is run.
const READY: &str = "ready\n";

/// Builds the root directory and goes in for good. `$1` holds the scripts, `$2` the driver, `$3` is the user.
const SETUP: &str = r#"
set -e
umask 022
here=$1 driver=$2 user=$3
bash=$(readlink -f "$(command -v bash)")
setpriv=$(readlink -f "$(command -v setpriv)")
jail=$here/jail
mount -t tmpfs -o mode=755,size=16m,nosuid,nodev tmpfs "$jail"
cd "$jail"
for part in usr bin lib lib64 nix; do
    if [ -L "/$part" ]; then
        ln -s "$(readlink "/$part")" "$part"
    elif [ -d "/$part" ]; then
        mkdir "$part"
        mount --rbind "/$part" "$part"
        options=$(findmnt -n -o VFS-OPTIONS -M "$jail/$part")
        mount -o "remount,bind,ro,${options#r?,}" "$part"
    fi
done
mkdir proc dev marker work
mount -t proc -o nosuid,nodev,noexec proc proc
: >dev/null
mount --bind /dev/null dev/null
ln -s /proc/self/fd dev/fd
printf '#!%s\nseen=${1%%%%_*}; echo "${seen//[!0-9]/}" >>"$LOG"\n' "$bash" >marker/mark
chmod 755 marker/mark
cp -r "$here/scripts" scripts
mount -t tmpfs -o mode=777,size=64m,nr_inodes=40000,nosuid,nodev tmpfs work
mkdir -m 777 work/home
(cd scripts && for script in *.sh; do mkdir -m 777 "../work/${script%.sh}"; done)
mount -o remount,bind,ro "$jail"
drop=(--no-new-privs --inh-caps=-all --bounding-set=-all)
if [ "$user" != own ]; then
    drop+=(--reuid="$user" --regid="$user" --clear-groups)
fi
chroot=$(command -v chroot)
exec env -i PATH=/marker HOME=/work/home LC_ALL=C.UTF-8 "$chroot" "$jail" "$setpriv" "${drop[@]}" "$bash" --noprofile --norc -c "
    echo > /usr/watchkeeper-oracle && exit 1
    echo > /scripts/written && exit 1
    cd /work || exit 1
    ulimit -c 0 && ulimit -n 128 && ulimit -u 1000 && ulimit -v 2000000 && ulimit -f 1024 || exit 1
    echo ready
    $driver" 2>/dev/null
"#;

/// The user that root becomes: no account has this number, so nothing is owned by it and nothing else runs as it.
const NOBODY: &str = "61977";

/// A directory that is gone at the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of a temporary directory harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a driver says of scripts that lie as `0.sh`, `1.sh` and so on in `/scripts`; nothing where it did not end.
pub(crate) fn run(driver: &str, scripts: &[String], label: &str) -> Option<String> {
    let scratch = Scratch(
        std::env::temp_dir().join(format!("watchkeeper-oracle-{}-{label}", std::process::id())),
    );
    prepare(&scratch.0, scripts).expect("a temporary directory can be filled");
    // Who owns a file of `/proc/self` is who runs.
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let output = enter(&scratch.0, driver, is_root);
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(said) = said.strip_prefix(READY) else {
        let why = String::from_utf8_lossy(&output.stderr);
        panic!(
            "the sandbox for generated scripts cannot be made; it needs util-linux (unshare, mount, findmnt, setpriv), \
             and to be root with CAP_SYS_ADMIN or a kernel that lets users make namespaces: {}",
            why.lines().last().unwrap_or("no reason was given")
        );
    };
    output.status.success().then(|| said.to_owned())
}

fn enter(scratch: &Path, driver: &str, is_root: bool) -> Output {
    #[expect(clippy::disallowed_methods, reason = "bash is the oracle of this test")]
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", BATCH_SECONDS, "unshare"]);
    if !is_root {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args(["--mount", "--pid", "--net", "--ipc", "--uts"])
        .args(["--fork", "--kill-child", "--propagation", "private"])
        .args(["bash", "--noprofile", "--norc", "-c", SETUP, "setup"])
        .arg(scratch)
        .args([driver, if is_root { NOBODY } else { "own" }])
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .expect("timeout, unshare and bash are installed")
}

fn prepare(scratch: &Path, scripts: &[String]) -> std::io::Result<()> {
    fs::create_dir_all(scratch.join("jail"))?;
    fs::create_dir_all(scratch.join("scripts"))?;
    for (number, script) in scripts.iter().enumerate() {
        fs::write(scratch.join(format!("scripts/{number}.sh")), script)?;
    }
    Ok(())
}
