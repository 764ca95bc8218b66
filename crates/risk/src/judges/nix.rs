//! Expressions of nix as far as they are only evaluated: `nix eval`, `nix-instantiate --eval`. Evaluating computes and
//! may read files; what is fetched, imported from a build or taken from a foreign flake is code that is not seen.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::ledger::Ledger;
use super::options::listed;
use super::words::program_text;

/// Options with two values.
const TWO_VALUES: &str =
    "--arg --argstr --option --override-input --override-flake --arg-from-file";

/// Options with one value.
const ONE_VALUE: &str = "-A --attr -I --include -f --file --apply --expr -E --eval-store --store --log-format --max-jobs -j \
    --cores --inputs-from --reference-lock-file --output-lock-file --write-to --add-root --system --update-input \
    --arg-from-stdin --profile --debugger-on-trace";

/// Options without a value.
const FLAGS: &str = "--json --raw --strict --xml --impure --pure --read-only --readonly-mode --no-write-lock-file --no-update-lock-file \
    --no-registries --offline --show-trace --quiet --verbose -v -L --print-build-logs --debug --refresh --xml-no-location --no-location \
    --help --version --no-eval-cache --no-warn-dirty";

/// Builtins that reach beyond computing.
const REACHES: [&str; 12] = [
    "exec",
    "importNative",
    "fetchurl",
    "fetchTarball",
    "fetchGit",
    "fetchMercurial",
    "fetchTree",
    "fetchClosure",
    "getFlake",
    "derivation",
    "toFile",
    "import",
];

/// The judge.
pub(super) fn judge(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let words = invocation.argv.get(1..).unwrap_or_default();
    let is_verb = words
        .first()
        .is_some_and(|word| word.as_text() == Some("eval"));
    let call = read_call(&mut ledger, &words[usize::from(is_verb)..]);
    if !is_verb && !call.evaluates {
        ledger.says(
            EffectKind::Writes,
            RiskLevel::Low,
            "instantiate",
            "adds derivations to the store",
        );
    }
    for text in &call.expressions {
        expression(&mut ledger, text);
    }
    let attributes = is_verb && call.operands_are_attributes;
    for operand in call.operands.iter().filter(|_| !attributes) {
        let as_expression = call.operands_are_expressions;
        if as_expression {
            expression(&mut ledger, operand);
        } else {
            installable(&mut ledger, invocation, operand, is_verb);
        }
    }
    ledger.finish()
}

/// The words of a call.
#[derive(Default)]
struct Call {
    evaluates: bool,
    operands_are_expressions: bool,
    expressions: Vec<Arg>,
    operands: Vec<Arg>,
    /// Whether operands name attributes of an expression or a file.
    operands_are_attributes: bool,
}

fn read_call(ledger: &mut Ledger, words: &[Arg]) -> Call {
    let mut call = Call::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let text = word.as_text().unwrap_or_default();
        if !text.starts_with('-') || text == "-" {
            call.operands.push(word.clone());
            continue;
        }
        match text {
            "--eval" | "--parse" | "--find-file" => call.evaluates = true,
            "-E" => call.operands_are_expressions = true,
            "--expr" => {
                call.operands_are_expressions = true;
                call.operands_are_attributes = true;
                call.expressions.extend(words.get(at).cloned());
                at += 1;
            }
            "--apply" => {
                call.expressions.extend(words.get(at).cloned());
                at += 1;
            }
            "-f" | "--file" | "-I" | "--include" => {
                call.operands_are_attributes |= text.ends_with('f') || text.ends_with("file");
                if let Some(place) = words.get(at) {
                    source(ledger, place);
                }
                at += 1;
            }
            "--arg" => {
                call.expressions.extend(words.get(at + 1).cloned());
                at += 2;
            }
            "--write-to" | "--output-lock-file" | "--add-root" => {
                if let Some(path) = words.get(at) {
                    ledger.path(EffectKind::Overwrites, path.clone(), text);
                }
                at += 1;
            }
            "--option" => {
                option(ledger, words.get(at));
                at += 2;
            }
            "--override-input" | "--override-flake" => {
                if let Some(flake) = words.get(at + 1) {
                    source(ledger, flake);
                }
                at += 2;
            }
            _ if text.contains("unsafe-native-code") || text == "--builders" => {
                ledger.code("option", "lets an expression run code on the host");
            }
            _ if listed(TWO_VALUES, text) => at += 2,
            _ if listed(ONE_VALUE, text) => at += 1,
            _ if listed(FLAGS, text) => {}
            _ => ledger.unknown("option", "evaluates with an option that is not known"),
        }
    }
    call
}

/// `--option NAME VALUE`: some let an expression run something.
fn option(ledger: &mut Ledger, name: Option<&Arg>) {
    let harmless = name.and_then(Arg::as_text).is_some_and(|name| {
        matches!(
            name,
            "eval-cache"
                | "warn-dirty"
                | "show-trace"
                | "max-jobs"
                | "cores"
                | "pure-eval"
                | "restrict-eval"
                | "tarball-ttl"
        )
    });
    if !harmless {
        ledger.code(
            "option",
            "evaluates with a setting that may let it run code",
        );
    }
}

/// An expression's text: words of it that reach beyond computing count wherever they stand outside strings.
fn expression(ledger: &mut Ledger, text: &Arg) {
    let Some(text) = program_text(text) else {
        ledger.code(
            "expression",
            "evaluates an expression that only the host knows",
        );
        return;
    };
    for name in names(&text) {
        if !REACHES.contains(&name.as_str()) {
            continue;
        }
        match name.as_str() {
            "exec" | "importNative" => {
                ledger.code("exec", "evaluates an expression that runs code on the host");
            }
            "import" | "toFile" | "derivation" => {
                if name != "import" || !imports_packages(&text) {
                    ledger.says(
                        EffectKind::Unknown,
                        RiskLevel::Medium,
                        "import",
                        "evaluates an expression that imports or builds what is not seen",
                    );
                }
            }
            _ => ledger.code("fetch", "evaluates code that it fetches"),
        }
    }
    if makes_names(&text) {
        ledger.says(
            EffectKind::Unknown,
            RiskLevel::Medium,
            "names",
            "evaluates an expression that makes names or paths while it runs",
        );
    }
    for path in paths(&text) {
        ledger.reads(Arg::text(path), "path");
    }
}

/// Whether builtins are reached by a name that is made, or files by a path that is.
fn makes_names(text: &str) -> bool {
    let reaches = text.split("builtins").skip(1).any(|after| {
        let next = after.trim_start();
        let member = next.strip_prefix('.').map(str::trim_start);
        !(next.starts_with(';')
            || member
                .is_some_and(|name| name.starts_with(|letter: char| letter.is_ascii_alphabetic())))
    });
    let reads = [
        "readFile",
        "readDir",
        "filterSource",
        "fromJSON",
        "fromTOML",
    ]
    .iter()
    .any(|name| text.contains(name));
    reaches
        || text.contains("getAttr")
        || text.contains(".${")
        || (reads && (text.contains("${") || text.contains('+')))
}

/// Whether every import is of `<nixpkgs>` or a channel.
fn imports_packages(text: &str) -> bool {
    let after: Vec<&str> = text.split("import").skip(1).collect();
    after.iter().all(|rest| {
        rest.trim_start().starts_with("<nixpkgs") || rest.trim_start().starts_with("<nixos")
    })
}

/// Names of an expression, outside strings and comments; of an interpolation in a string too.
fn names(text: &str) -> Vec<String> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Absolute paths that an expression may read.
fn paths(text: &str) -> Vec<String> {
    text.split(|letter: char| letter.is_whitespace() || "()[]{}\"';,=".contains(letter))
        .filter(|word| word.starts_with('/') && word.len() > 1 && !word.starts_with("//"))
        .map(str::to_owned)
        .collect()
}

/// What is evaluated: a flake with an attribute, or a file.
fn installable(ledger: &mut Ledger, invocation: &Invocation, operand: &Arg, is_flake: bool) {
    match operand.as_text() {
        Some("-") => match &invocation.stdin {
            Input::Text(text) => expression(ledger, &Arg::text(text)),
            Input::Nothing => {}
            _ => ledger.code("stdin", "evaluates an expression that is not seen"),
        },
        Some(_) if !is_flake => source(ledger, operand),
        _ => {
            let mut place = operand.clone();
            if let Some(text) = operand.as_text() {
                place = Arg::text(text.split('#').next().unwrap_or(text));
            }
            source(ledger, &place);
        }
    }
}

/// Where code comes from: here, from the registry of nixpkgs, or from elsewhere.
fn source(ledger: &mut Ledger, place: &Arg) {
    let Some(text) = place.as_text() else {
        ledger.code(
            "flake",
            "evaluates code from a place that only the host knows",
        );
        return;
    };
    let local = text.is_empty()
        || text.starts_with(['.', '/', '~', '<'])
        || text.starts_with("path:/etc/nixos")
        || matches!(text, "nixpkgs" | "flake:nixpkgs" | "self");
    let scratch = ["/tmp", "/var/tmp", "/dev/shm"]
        .iter()
        .any(|directory| text.starts_with(directory));
    let named_path = text
        .split_once('=')
        .is_some_and(|(_, path)| path.starts_with(['/', '.']));
    let relative = !text.contains(':') && text.contains('.') && text.ends_with(".nix");
    if scratch
        || !(local || named_path || relative || !text.contains([':', '/']) && text.contains('.'))
    {
        ledger.code("flake", "evaluates code from elsewhere");
    }
}
