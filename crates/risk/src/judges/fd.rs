//! `fd`: what it does with what it finds. Without `-x` and `-X` it prints names.

use watchkeeper_model::EffectKind;

use crate::invocation::{Invocation, Outcome, Output};
use crate::spec::Matched;
use crate::word::{Arg, Origin};

use super::ledger::Ledger;
use super::options::{Grammar, Parted, part};
use super::words::{replaced, unknown};

/// The options of fd(1), version 10.
const GRAMMAR: Grammar = Grammar {
    flags: "-H --hidden --no-hidden -I --no-ignore --ignore -u --unrestricted --no-ignore-vcs --ignore-vcs \
        --no-ignore-parent --no-require-git --require-git --no-global-ignore-file -s --case-sensitive -i --ignore-case \
        -g --glob --regex -F --fixed-strings -a --absolute-path --relative-path -l --list-details -L --follow \
        --no-follow -p --full-path -0 --print0 -1 -q --quiet --has-results --show-errors --prune --one-file-system \
        --mount --xdev -h --help -V --version",
    values: "-d --max-depth --min-depth --exact-depth -E --exclude -t --type -e --extension -S --size --changed-within \
        --change-newer-than --newer --changed-after --changed-before --change-older-than --older -o --owner --format \
        -c --color -j --threads --max-buffer-time --batch-size --max-results -C --base-directory --path-separator \
        --search-path --ignore-file --and",
    optional: "--strip-cwd-prefix --hyperlink --gen-completions --ignore-contain",
    digits: "",
    ends: "",
    ends_bare: "-x --exec -X --exec-batch",
    first_operand_ends: false,
    one_dash: false,
};

/// The places in a command that fd fills in.
const MARKS: [&str; 5] = ["{//}", "{/.}", "{/}", "{.}", "{}"];

/// The judge.
pub(super) fn judge(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let words = invocation.argv.get(1..).unwrap_or_default();
    let exec = words.iter().position(is_exec);
    let end = exec.and_then(|start| {
        words[start..]
            .iter()
            .position(|word| word.as_text() == Some(";"))
            .map(|length| start + length)
    });
    let mut own: Vec<Arg> = words[..exec.map_or(words.len(), |start| start + 1)].to_vec();
    if let Some(end) = end {
        // What follows the semicolon goes before the option that takes all the words after it.
        let rest = words.get(end + 1..).unwrap_or_default();
        if rest.iter().any(is_exec) {
            ledger.code("exec", "runs more than one command on what it finds");
        }
        let last = own.len().saturating_sub(1);
        own.splice(last..last, rest.iter().cloned());
    }
    let parted = part(&own, &GRAMMAR);
    if parted.unlisted || parted.uncertain {
        ledger.code(
            "option",
            "searches with an option that is not known and may run a command",
        );
    }
    let roots = roots(&parted);
    if let Some(start) = exec {
        let command = &words[start + 1..end.unwrap_or(words.len())];
        run(&mut ledger, command, &roots);
    } else if let Origin::PathsBelow(roots) = roots {
        ledger.prints(Output::PathsBelow(roots));
    }
    ledger.finish()
}

/// Whether a word is an option after which a command stands, perhaps at the end of a bundle.
fn is_exec(word: &Arg) -> bool {
    let Some(text) = word.as_text() else {
        return false;
    };
    let bundle = text.starts_with('-')
        && !text.starts_with("--")
        && text.ends_with(['x', 'X'])
        && !text.contains(['d', 'E', 't', 'e', 'S', 'o', 'c', 'j', 'C']);
    bundle || matches!(text, "--exec" | "--exec-batch")
}

/// Where it searches.
fn roots(parted: &Parted) -> Origin {
    let operands = parted.operands.get(1..).unwrap_or_default().iter();
    let roots: Option<Vec<String>> = operands
        .chain(parted.values("--search-path --base-directory -C"))
        .map(|root| root.as_text().map(str::to_owned))
        .collect();
    match roots {
        None => Origin::Input,
        Some(roots) if roots.is_empty() => Origin::PathsBelow(vec![".".to_owned()]),
        Some(roots) => Origin::PathsBelow(roots),
    }
}

/// A command that is run on what it finds.
fn run(ledger: &mut Ledger, command: &[Arg], roots: &Origin) {
    if command.is_empty() {
        ledger.says(
            EffectKind::Unknown,
            watchkeeper_model::RiskLevel::Medium,
            "exec",
            "runs a command that is missing",
        );
        return;
    }
    let marked = command
        .iter()
        .any(|word| MARKS.iter().any(|mark| word.shown().contains(mark)));
    let mut argv: Vec<Arg> = command
        .iter()
        .map(|word| {
            MARKS.iter().fold(word.clone(), |word, mark| {
                replaced(&word, mark, &unknown(roots))
            })
        })
        .collect();
    if !marked {
        argv.push(Arg::unknown(roots.clone(), false));
    }
    ledger.runs(argv, None, None);
}
