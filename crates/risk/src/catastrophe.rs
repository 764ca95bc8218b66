//! Plainly catastrophic commands inside a script that is high anyway. This only ever adds to the risk: what is not
//! recognised here stays high, so it may read shell text roughly, and it need not see through disguises.

use watchkeeper_model::EffectKind;

use crate::critical::critical_word;

/// How deep `sh -c '…'` is followed.
const MAX_DEPTH: usize = 4;
/// Most commands of a script that are looked at.
const MAX_COMMANDS: usize = 2_000;

/// Something that is never done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Catastrophe {
    /// What it does.
    pub(crate) kind: EffectKind,
    /// To what.
    pub(crate) target: String,
    /// The rule that says so.
    pub(crate) rule: &'static str,
    /// The command.
    pub(crate) words: Vec<String>,
    /// One plain line for a person.
    pub(crate) sentence: String,
}

/// Trees whose deletion ends the host.
const SYSTEM_TREES: &[&str] = &[
    "",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/nix",
    "/nix/store",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/sbin",
    "/var",
    "/var/lib",
    "/var/log",
];

/// Programs that run the command that follows them.
const WRAPPERS: &[&str] = &[
    "sudo", "doas", "env", "nohup", "nice", "ionice", "setsid", "time", "command", "exec",
    "builtin", "chroot", "stdbuf", "then", "do", "else", "if", "while", "!", "{",
];

/// Programs that run text.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"];

/// The first catastrophe in a script. Scripts with here-documents are left alone: what is text and what is run
/// cannot be told without a grammar.
pub(crate) fn find_catastrophe(script: &str) -> Option<Catastrophe> {
    (!script.contains("<<"))
        .then(|| find_in(script, 0))
        .flatten()
}

fn find_in(script: &str, depth: usize) -> Option<Catastrophe> {
    let squeezed: String = script.chars().filter(|c| !c.is_whitespace()).collect();
    if squeezed.contains(":(){:|:&};:") {
        return Some(Catastrophe {
            kind: EffectKind::Unknown,
            target: "processes".to_owned(),
            rule: "shell.fork_bomb",
            words: vec![":(){ :|:& };:".to_owned()],
            sentence: "starts processes without end".to_owned(),
        });
    }
    commands(script)
        .into_iter()
        .take(MAX_COMMANDS)
        .find_map(|words| judge(&words, depth))
}

fn judge(words: &[String], depth: usize) -> Option<Catastrophe> {
    if let Some(found) = overwritten_device(words) {
        return Some(found);
    }
    let start = words.iter().position(|word| !is_prefix(word))?;
    let words = &words[start..];
    let program = words[0].rsplit('/').next().unwrap_or("");
    let args = &words[1..];
    match program {
        "rm" => removed_tree(words, args),
        "dd" => args
            .iter()
            .filter_map(|arg| arg.strip_prefix("of="))
            .find(|target| is_block_device(target))
            .map(|target| overwrites(words, target)),
        "wipefs" if !has(args, "-n", "--no-act") && names_device(args) => {
            destroys_device(words, args)
        }
        "blkdiscard" | "shred" if names_device(args) => destroys_device(words, args),
        "mkswap" | "mke2fs" if names_device(args) => destroys_device(words, args),
        _ if program == "mkfs" || program.starts_with("mkfs.") => destroys_device(words, args),
        "chmod" | "chown" if has_letter(args, 'R') || has(args, "--recursive", "--recursive") => {
            args.iter()
                .find(|arg| is_system_tree(arg))
                .map(|tree| changes_tree(words, tree))
        }
        "systemctl" => ends_critical_unit(words, args),
        "service" => match args {
            [unit, verb, ..] if verb == "stop" => critical(words, unit),
            _ => None,
        },
        _ if SHELLS.contains(&program) && depth < MAX_DEPTH => args
            .iter()
            .skip_while(|arg| !(arg.starts_with('-') && arg.ends_with('c')))
            .nth(1)
            .and_then(|script| find_in(script, depth + 1)),
        "eval" if depth < MAX_DEPTH => find_in(&args.join(" "), depth + 1),
        _ => None,
    }
}

/// Whether a word only stands before the command: a wrapper, its option, an assignment.
fn is_prefix(word: &str) -> bool {
    WRAPPERS.contains(&word.rsplit('/').next().unwrap_or(""))
        || word.starts_with('-')
        || word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

fn removed_tree(words: &[String], args: &[String]) -> Option<Catastrophe> {
    let recursive = has_letter(args, 'r')
        || has_letter(args, 'R')
        || has(args, "--recursive", "--no-preserve-root");
    let tree = args.iter().find(|arg| is_system_tree(arg))?;
    recursive.then(|| Catastrophe {
        kind: EffectKind::Deletes,
        target: tree.clone(),
        rule: "shell.deletes_system",
        words: words.to_vec(),
        sentence: format!("deletes everything under {tree}"),
    })
}

fn overwritten_device(words: &[String]) -> Option<Catastrophe> {
    let redirections = words.windows(2).filter(|pair| pair[0] == ">");
    let target = redirections
        .map(|pair| &pair[1])
        .find(|target| is_block_device(target))?;
    Some(overwrites(words, target))
}

fn overwrites(words: &[String], target: &str) -> Catastrophe {
    Catastrophe {
        kind: EffectKind::Deletes,
        target: target.to_owned(),
        rule: "shell.overwrites_device",
        words: words.to_vec(),
        sentence: format!("overwrites the disk {target}"),
    }
}

fn destroys_device(words: &[String], args: &[String]) -> Option<Catastrophe> {
    let target = args.iter().rev().find(|arg| !arg.starts_with('-'))?;
    Some(Catastrophe {
        kind: EffectKind::Deletes,
        target: target.clone(),
        rule: "shell.destroys_file_system",
        words: words.to_vec(),
        sentence: format!("destroys what is on {target}"),
    })
}

fn changes_tree(words: &[String], tree: &str) -> Catastrophe {
    Catastrophe {
        kind: EffectKind::Writes,
        target: tree.to_owned(),
        rule: "shell.changes_system_modes",
        words: words.to_vec(),
        sentence: format!("changes owner or mode of everything under {tree}"),
    }
}

fn ends_critical_unit(words: &[String], args: &[String]) -> Option<Catastrophe> {
    let mut operands = args.iter().filter(|arg| !arg.starts_with('-'));
    let verb = operands.next()?;
    matches!(verb.as_str(), "stop" | "disable" | "mask" | "kill")
        .then(|| operands.find_map(|unit| critical(words, unit)))
        .flatten()
}

fn critical(words: &[String], unit: &str) -> Option<Catastrophe> {
    let part = critical_word(unit)?;
    Some(Catastrophe {
        kind: EffectKind::Stops,
        target: unit.to_owned(),
        rule: "shell.ends_critical_unit",
        words: words.to_vec(),
        sentence: format!("takes away {unit}, which is {}", part.as_str()),
    })
}

fn is_system_tree(arg: &str) -> bool {
    let tree = arg.strip_suffix('*').unwrap_or(arg).trim_end_matches('/');
    arg.starts_with('/') && SYSTEM_TREES.contains(&tree)
}

fn is_block_device(path: &str) -> bool {
    const BEGINNINGS: [&str; 9] = [
        "/dev/sd",
        "/dev/nvme",
        "/dev/vd",
        "/dev/xvd",
        "/dev/hd",
        "/dev/mmcblk",
        "/dev/md",
        "/dev/dm-",
        "/dev/disk/",
    ];
    BEGINNINGS
        .iter()
        .any(|beginning| path.starts_with(beginning))
        || path.starts_with("/dev/mapper/")
}

fn names_device(args: &[String]) -> bool {
    args.iter().any(|arg| is_block_device(arg))
}

fn has(args: &[String], one: &str, other: &str) -> bool {
    args.iter().any(|arg| arg == one || arg == other)
}

fn has_letter(args: &[String], letter: char) -> bool {
    args.iter()
        .any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains(letter))
}

/// The commands of a script as lists of words: quotes and backslashes removed, parted at what parts commands.
/// Substitutions count as commands of their own; an output redirection is the word `>`.
fn commands(script: &str) -> Vec<Vec<String>> {
    let mut split = Split::default();
    let mut quote: Option<char> = None;
    let mut chars = script.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'', Some('\'')) | ('"', Some('"')) => quote = None,
            (c, Some('\'')) => split.push(c),
            ('\\', _) => match chars.next() {
                Some('\n') | None => {}
                Some(escaped) => split.push(escaped),
            },
            ('`', _) => {
                quote = None;
                split.end_command();
            }
            ('(', _) if quote.is_none() || split.word.ends_with('$') => {
                quote = None;
                split.end_command();
            }
            (c, Some(_)) => split.push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                split.started = true;
            }
            (';' | '|' | '&' | '\n' | ')' | '}', None) => split.end_command(),
            ('>', None) => split.redirection(),
            (c, None) if c.is_whitespace() => split.end_word(),
            (c, None) => split.push(c),
        }
    }
    split.end_command();
    split.commands
}

/// What is gathered while a script is split.
#[derive(Default)]
struct Split {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: String,
    /// Whether a word has begun, though it may be empty, as in `''`.
    started: bool,
}

impl Split {
    fn push(&mut self, c: char) {
        self.started = true;
        self.word.push(c);
    }

    fn redirection(&mut self) {
        self.end_word();
        if self.words.last().is_none_or(|last| last != ">") {
            self.words.push(">".to_owned());
        }
    }

    fn end_word(&mut self) {
        if std::mem::take(&mut self.started) {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expect: Option<&str>) {
        assert_eq!(
            find_catastrophe(script).map(|found| found.rule),
            expect,
            "{script}"
        );
    }

    #[test]
    fn what_ends_a_host_is_recognised_in_its_plain_forms() {
        check("rm -rf /", Some("shell.deletes_system"));
        check(
            "sudo rm -r -f --no-preserve-root /*",
            Some("shell.deletes_system"),
        );
        check("cd /tmp && rm  -fr '/usr/'", Some("shell.deletes_system"));
        check("r\\m -rf /etc", Some("shell.deletes_system"));
        check("bash -c \"rm -rf /var/lib\"", Some("shell.deletes_system"));
        check("echo $(rm -rf /boot)", Some("shell.deletes_system"));
        check("echo \"$(rm -rf /boot)\"", Some("shell.deletes_system"));
        check("mkfs.ext4 -F /dev/sda1", Some("shell.destroys_file_system"));
        check("wipefs -a /dev/vda", Some("shell.destroys_file_system"));
        check(
            "dd if=/dev/zero of=/dev/nvme0n1 bs=1M",
            Some("shell.overwrites_device"),
        );
        check("cat image >/dev/sdb", Some("shell.overwrites_device"));
        check("chmod -R 777 /", Some("shell.changes_system_modes"));
        check(":(){ :|:& };:", Some("shell.fork_bomb"));
        check(
            "systemctl disable --now ssh",
            Some("shell.ends_critical_unit"),
        );
        check(
            "sudo systemctl stop nginx systemd-networkd.service",
            Some("shell.ends_critical_unit"),
        );
        check("service ssh stop", Some("shell.ends_critical_unit"));
    }

    #[test]
    fn what_only_resembles_it_is_left_high() {
        check("rm -rf /var/lib/app/cache", None);
        check("rm /etc/nginx/sites-enabled/default", None);
        check("echo 'rm -rf /'", None);
        check("grep -r 'x; rm -rf /' notes", None);
        check("dd if=/dev/sda of=/backup/sda.img", None);
        check("dd if=/dev/zero of=/dev/null", None);
        check("systemctl restart ssh", None);
        check("systemctl stop nginx", None);
        check("wipefs -n /dev/sda", None);
        check("cat <<'EOF'\ndd of=/dev/sda\nEOF", None);
        check("", None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_searched(text in proptest::prelude::any::<String>()) {
            let _ = find_catastrophe(&text);
        }
    }
}
