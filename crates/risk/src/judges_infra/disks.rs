//! Tools that speak to disks and their controllers: `hdparm`, `parted`, the makers' own tools for arrays.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed, program_name, words};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Letters of `hdparm` that only look.
const HDPARM_LOOKS: &str = "CghHiIqtTvV";
/// Letters of `hdparm` that look, unless a number follows.
const HDPARM_LOOKS_BARE: &str = "aAbBcdJkKmMnNQrRuW";
/// Long options of `hdparm` that only look.
const HDPARM_LONG_LOOKS: &str = "--direct --verbose --dco-identify --Istdin --Istdout --prefer-ata12 --security-help --fibmap --offset --help";
/// Parts of long options of `hdparm` that take data.
const HDPARM_DESTROYS: [&str; 8] = [
    "erase",
    "write-sector",
    "bad-sector",
    "repair-sector",
    "trim-sector",
    "dco-restore",
    "fwdownload",
    "set-pass",
];

/// Judges `hdparm`: most of its letters look alone and change with a number behind them.
pub(crate) fn hdparm(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let words = words(invocation);
    for (index, word) in words.iter().enumerate() {
        let Some(text) = word.as_text() else {
            if word.may_be_option() {
                notes.unknown(
                    RiskLevel::High,
                    "option",
                    "may be given options that are not known",
                );
            }
            continue;
        };
        let followed = words
            .get(index + 1)
            .is_some_and(|next| begins_with_digit(next) || next.has_unknown());
        if text.starts_with("--") {
            hdparm_long(&mut notes, text);
        } else if let Some(letters) = text.strip_prefix('-') {
            hdparm_letters(&mut notes, letters, followed);
        }
    }
    notes.finish()
}

fn hdparm_long(notes: &mut Notes, option: &str) {
    if listed(HDPARM_LONG_LOOKS, option) {
        return;
    }
    let destroys = HDPARM_DESTROYS.iter().any(|part| option.contains(part));
    let (level, sentence) = if destroys {
        (RiskLevel::Forbidden, "destroys what a disk holds")
    } else {
        (RiskLevel::High, "changes a disk below its file system")
    };
    notes.says(EffectKind::Storage, level, option, sentence);
}

fn hdparm_letters(notes: &mut Notes, letters: &str, followed: bool) {
    let mut rest = letters.chars().peekable();
    while let Some(letter) = rest.next() {
        let digits = rest.peek().is_some_and(char::is_ascii_digit);
        let last = rest.peek().is_none();
        let sets = digits || (last && followed);
        if HDPARM_LOOKS.contains(letter)
            || letter.is_ascii_digit()
            || (HDPARM_LOOKS_BARE.contains(letter) && !sets)
        {
            continue;
        }
        let (level, sentence) = match letter {
            'f' | 'F' => (RiskLevel::Low, "writes the cache of a disk"),
            'N' | 'D' | 's' | 'w' | 'x' | 'r' => {
                (RiskLevel::High, "changes a disk below its file system")
            }
            'y' | 'Y' => (RiskLevel::Medium, "puts a disk to sleep"),
            _ => (RiskLevel::Medium, "changes a setting of a disk"),
        };
        notes.says(EffectKind::Storage, level, &format!("-{letter}"), sentence);
    }
}

fn begins_with_digit(word: &Arg) -> bool {
    word.beginning()
        .starts_with(|letter: char| letter.is_ascii_digit())
}

/// Commands of `parted` that only look, with the most words that may follow each.
const PARTED_LOOKS: [(&str, usize); 12] = [
    ("print", 1),
    ("p", 1),
    ("unit", 1),
    ("u", 1),
    ("align-check", 2),
    ("help", 1),
    ("h", 1),
    ("?", 1),
    ("version", 0),
    ("quit", 0),
    ("q", 0),
    ("select", 1),
];
/// What may follow `print`.
const PARTED_PRINTS: &str = "devices free list all json";
/// Units of `parted`.
const PARTED_UNITS: &str =
    "s B kB MB MiB GB GiB TB TiB KiB % cyl chs compact b kb mb mib gb gib tb tib kib";

/// Judges `parted`: its commands stand behind the device.
pub(crate) fn parted(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    if ["-l", "-h", "-v"]
        .iter()
        .any(|name| matched.has_surely(name))
        || ["--list", "--help", "--version"]
            .iter()
            .any(|name| matched.has_surely(name))
    {
        return notes.finish();
    }
    let Some((device, commands)) = matched.operands.split_first() else {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person",
        );
        return notes.finish();
    };
    if commands.is_empty() {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person",
        );
    }
    if !parted_only_looks(commands) {
        notes.add(
            EffectKind::Overwrites,
            Target::Path(device.clone()),
            Some(RiskLevel::High),
            "command",
            "changes the table of partitions",
        );
    }
    notes.finish()
}

fn parted_only_looks(commands: &[Arg]) -> bool {
    let Some(texts) = commands
        .iter()
        .map(Arg::as_text)
        .collect::<Option<Vec<_>>>()
    else {
        return false;
    };
    let mut at = 0;
    while let Some(command) = texts.get(at) {
        let Some((name, most)) = PARTED_LOOKS.iter().find(|(own, _)| own == command) else {
            return false;
        };
        at += 1;
        let next = texts.get(at).copied();
        at += match *name {
            "print" | "p" => usize::from(next.is_some_and(|word| {
                listed(PARTED_PRINTS, word) || word.bytes().all(|byte| byte.is_ascii_digit())
            })),
            "unit" | "u" if !next.is_some_and(|word| listed(PARTED_UNITS, word)) => return false,
            _ => *most,
        };
    }
    true
}

/// Options of MegaCLI that only look, without their dash, in lower case.
const MEGACLI_LOOKS: &str = "adpallinfo adpcount adpbbucmd adpgetprop adpgettime adpgetpciinfo adpautorbld getbbustatus getbbucapacityinfo getbbudesigninfo getbbuproperties getbbumodes pdlist pdinfo pdgetnum pdgetmissing ldinfo ldpdinfo ldgetnum ldgetprop cfgdsply cfgfreespaceinfo encinfo encstatus phyerrorcounters showsummary physdrv dsply showprog nolog v h helpall l lall aall cache name dskcache pdrbld ldcc ldinit ldrecon batterywarnabled fwtermlog aeclog";
/// Options of MegaCLI that only look where `-ShowProg` stands.
const MEGACLI_WITH_PROGRESS: &str = "pdrbld ldcc ldinit ldrecon";
/// Words that destroy an array or what it holds.
const RAID_DESTROYS: &str = "del delete erase init initialize format clear clrconfig cfgclr cfglddel cfgallfreedrv cfgldadd create secureerase remove pdclear deletecreate";

/// Judges the makers' tools for arrays: there is no grammar that they share, so only lines that are known to look do.
pub(crate) fn raid_controller(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let texts: Option<Vec<String>> = words(invocation)
        .iter()
        .map(|word| word.as_text().map(str::to_ascii_lowercase))
        .collect();
    let texts = texts.unwrap_or_default();
    let program = program_name(invocation).to_ascii_lowercase();
    let first = |looks: &str| texts.first().is_some_and(|word| listed(looks, word));
    let looks = if program.starts_with("storcli") || program.starts_with("perccli") {
        let verb = texts.iter().find(|word| !word.starts_with('/'));
        let files = |word: &String| word.starts_with("file=") || word.starts_with("logfile");
        verb.is_some_and(|word| listed("show help -v version", word)) && !texts.iter().any(files)
    } else if program.starts_with("megacli") {
        megacli_looks(&texts)
    } else if program.starts_with("sas") {
        first("list help")
            || texts
                .get(1)
                .is_some_and(|word| listed("display status list", word))
    } else if program == "arcconf" {
        first("getconfig getstatus getlogs getversion getsmartstats getperform list version help")
    } else {
        let shows = texts.iter().any(|word| listed("show info help", word));
        let changes = "add create delete modify remove set diag rescan start stop erase clear";
        shows
            && !texts
                .iter()
                .any(|word| listed(changes, word) || word.starts_with("file="))
    };
    if looks {
        return notes.finish();
    }
    let destroys = texts
        .iter()
        .any(|word| listed(RAID_DESTROYS, word.trim_start_matches('-')));
    if destroys {
        notes.says(
            EffectKind::Storage,
            RiskLevel::Forbidden,
            "destroys",
            "destroys an array of disks",
        );
    } else {
        notes.says(
            EffectKind::Storage,
            RiskLevel::High,
            "command",
            "changes an array of disks",
        );
    }
    notes.finish()
}

fn megacli_looks(texts: &[String]) -> bool {
    let progress = texts.iter().any(|word| word == "-showprog");
    !texts.is_empty()
        && texts.iter().all(|word| {
            let Some(name) = word.strip_prefix('-') else {
                // The encloser and slot of a disk in brackets, a name of a property.
                return word.starts_with('[')
                    || word.bytes().all(|byte| byte.is_ascii_alphanumeric());
            };
            let number = name.trim_start_matches(['a', 'l']);
            let selects = !name.is_empty()
                && number
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b',');
            let needs_progress = listed(MEGACLI_WITH_PROGRESS, name);
            selects || (listed(MEGACLI_LOOKS, name) && (!needs_progress || progress))
        })
}
