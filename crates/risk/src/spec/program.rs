//! Which program a word names: one of the system's, by name or by its place there, or another one.

/// Directories of the system's own programs.
const SYSTEM: [&str; 17] = [
    "/bin",
    "/usr/bin",
    "/sbin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/run/current-system/sw/bin",
    "/run/current-system/sw/sbin",
    "/run/wrappers/bin",
    // The program loader, which runs other programs.
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
];
/// Directories in which anybody may put a program.
const SCRATCH: [&str; 6] = [
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/run/shm",
    "/run/user",
    "/run/lock",
];
/// Where the scripts of services lie.
const SERVICES: &str = "/etc/init.d";

/// What a program's word says about where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramPlace {
    /// A bare name, or a program of the system's.
    Known,
    /// Somewhere else: a program of which nothing is known.
    Elsewhere,
    /// Where anybody may have put it.
    Scratch,
}

/// Where a program lies.
pub(crate) fn program_place(word: &str) -> ProgramPlace {
    if !word.contains('/') {
        return ProgramPlace::Known;
    }
    if !word.starts_with('/') {
        return ProgramPlace::Elsewhere;
    }
    let path = normal(word);
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    if SCRATCH
        .iter()
        .any(|scratch| directory == *scratch || directory.starts_with(&format!("{scratch}/")))
    {
        return ProgramPlace::Scratch;
    }
    let climbs = word.split('/').any(|part| part == "..");
    // A climb over a symbolic link leads elsewhere than the text says.
    if climbs || !(is_system(directory) || directory == SERVICES) {
        return ProgramPlace::Elsewhere;
    }
    ProgramPlace::Known
}

/// The name of a program of the system's, and whether it is the script of a service.
pub(super) fn resolve(word: &str) -> Option<Program<'_>> {
    if program_place(word) != ProgramPlace::Known {
        return None;
    }
    let name = word.rsplit('/').next().filter(|name| !name.is_empty())?;
    let path = normal(word);
    Some(
        if path
            .rsplit_once('/')
            .is_some_and(|(directory, _)| directory == SERVICES)
        {
            Program::Service(name)
        } else {
            Program::Named(name)
        },
    )
}

/// A program of the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program<'w> {
    /// By its name.
    Named(&'w str),
    /// The script of a service, which takes what `service NAME` takes.
    Service(&'w str),
}

fn is_system(directory: &str) -> bool {
    if SYSTEM.contains(&directory) {
        return true;
    }
    let mut parts = directory
        .strip_prefix("/nix/store/")
        .unwrap_or_default()
        .split('/');
    let package = parts.next().is_some_and(|package| !package.is_empty());
    package && matches!(parts.next(), Some("bin" | "sbin")) && parts.next().is_none()
}

/// An absolute path without empty parts, `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if path.starts_with('/') {
        format!("/{}", parts.join("/"))
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expect: ProgramPlace) {
        assert_eq!(program_place(word), expect, "{word}");
    }

    #[test]
    fn only_the_systems_own_directories_are_known() {
        use ProgramPlace::{Elsewhere, Known, Scratch};
        check("ls", Known);
        check("/usr/bin/ls", Known);
        check("//usr//bin/./ls", Known);
        check("/run/current-system/sw/bin/ls", Known);
        check("/run/wrappers/bin/sudo", Known);
        check("/nix/store/abc-coreutils-9.5/bin/ls", Known);
        check("/nix/store/bin/ls", Elsewhere);
        check("/nix/store/abc/lib/bin/ls", Elsewhere);
        check("/opt/x/bin/ls", Elsewhere);
        check("./ls", Elsewhere);
        check("bin/ls", Elsewhere);
        check("~/ls", Elsewhere);
        check("/usr/bin/../lib/ls", Elsewhere);
        check("/opt/../usr/bin/ls", Elsewhere);
        check("/usr/bin/../../tmp/ls", Scratch);
        check("/tmp/ls", Scratch);
        check("/dev/shm/a/b/ls", Scratch);
        check("/etc/init.d/nginx", Known);
    }

    #[test]
    fn a_program_is_told_by_its_name_alone() {
        assert_eq!(resolve("/usr/bin/ls"), Some(Program::Named("ls")));
        assert_eq!(
            resolve("/etc/init.d/nginx"),
            Some(Program::Service("nginx"))
        );
        assert_eq!(resolve("/tmp/ls"), None);
        assert_eq!(resolve(""), None);
        assert_eq!(resolve("/usr/bin/"), None);
    }
}
