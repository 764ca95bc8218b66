//! Interpreters: `python`, `perl`, `ruby`, `node`, `php`, `lua`, `tclsh`. A program that surely only computes and
//! prints is a look; any other is code that may do anything, and what stands in it as text - a command, a file that is
//! deleted or written - is handed back besides. A script in a file is code that is not seen.

mod calls;
mod plain;
mod python;
#[cfg(test)]
mod tests;
mod tokens;

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::ledger::Ledger;
use super::options::{Grammar, Parted, listed, part};
use super::shells::script_file;
use super::words::{is_stdin, program_text};
use tokens::Language;

/// `python3`, of python(1).
const PYTHON: Grammar = Grammar {
    flags: "-b -B -d -E -h -i -I -O -P -q -s -S -u -v -V -x -3 -? --help --version --help-all",
    values: "-W -X --check-hash-based-pycs",
    optional: "",
    digits: "",
    ends: "-c -m",
    ends_bare: "",
    first_operand_ends: true,
    one_dash: false,
};

/// `perl`, of perlrun(1).
const PERL: Grammar = Grammar {
    flags: "-a -c -n -p -s -S -t -T -u -U -v -w -W -X -f -h --help --version",
    values: "-e -E",
    optional: "-C -d -D -F -i -I -m -M -V -x",
    digits: "-0 -l",
    ends: "",
    ends_bare: "",
    first_operand_ends: true,
    one_dash: false,
};

/// `ruby`, of ruby(1).
const RUBY: Grammar = Grammar {
    flags: "-a -c -l -n -p -s -S -v -w -y -h -U --version --help --verbose --disable-gems --copyright",
    values: "-e -C -E -I -r",
    optional: "-F -i -K -T -x -W",
    digits: "-0",
    ends: "",
    ends_bare: "",
    first_operand_ends: true,
    one_dash: false,
};

/// `node`, of node(1).
const NODE: Grammar = Grammar {
    flags: "-c --check -v --version -h --help -i --interactive --no-warnings --no-deprecation --trace-warnings --v8-options",
    values: "-e --eval -p --print -pe -r --require --import --loader",
    optional: "--max-old-space-size --stack-size --input-type",
    digits: "",
    ends: "",
    ends_bare: "",
    first_operand_ends: true,
    one_dash: false,
};

/// `php`, of php(1).
const PHP: Grammar = Grammar {
    flags: "-a -n -q -v -i -m -h -w --version --info --modules --help --ini",
    values: "-r -f -l -B -R -E -F -S -t -d -c -z -s --run --file --syntax-check --define --php-ini --server --docroot --rf --rc --re \
        --ri",
    optional: "",
    digits: "",
    ends: "",
    ends_bare: "",
    first_operand_ends: true,
    one_dash: false,
};

/// `lua`, of lua(1).
const LUA: Grammar = Grammar {
    flags: "-i -v -E -W",
    values: "-e -l",
    optional: "",
    digits: "",
    ends: "",
    ends_bare: "",
    first_operand_ends: true,
    one_dash: false,
};

/// Modules of Perl that only give functions.
const PERL_MODULES: &str = "strict warnings List::Util POSIX Data::Dumper JSON::PP Time::HiRes Time::Local MIME::Base64 utf8 feature \
    bigint bignum integer open=:utf8 Time::Piece Digest::MD5 Digest::SHA Scalar::Util";

/// `python`, `python2`, `python3`.
pub(super) fn python(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = begin(&mut ledger, invocation, &PYTHON);
    if parted.has("-h -? --help --version --help-all") || parted.has("-V") {
        return ledger.finish();
    }
    if parted.has("-i") {
        interactive(&mut ledger);
    }
    if let Some(code) = parted.values("-c").next() {
        judge_arg(&mut ledger, code, Language::Python);
    } else if let Some(name) = parted.values("-m").next() {
        module(&mut ledger, name, &parted.operands);
    } else {
        file_or_stdin(&mut ledger, invocation, &parted, Language::Python);
    }
    ledger.finish()
}

/// `perl`.
pub(super) fn perl(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = begin(&mut ledger, invocation, &PERL);
    if parted.has("-v -V -h --help --version") {
        return ledger.finish();
    }
    for module in parted.values("-M -m") {
        let name = module.as_text().unwrap_or_default();
        let name = name
            .split('=')
            .next()
            .unwrap_or(name)
            .trim_start_matches('-');
        if !listed(PERL_MODULES, name) {
            ledger.code("-M", "loads a module that is not known");
        }
    }
    if parted.has("-d -D -x -I -u -s -S") {
        ledger.code("option", "runs code in a way that cannot be seen past");
    }
    let runs = parted.values("-e -E").count() > 0;
    let files = if runs {
        parted.operands.as_slice()
    } else {
        parted.operands.get(1..).unwrap_or_default()
    };
    let code: Vec<Arg> = parted.values("-e -E").cloned().collect();
    if runs {
        judge_args(&mut ledger, &code, Language::Perl);
        let loops = parted.has("-n -p -i");
        operands(&mut ledger, files, loops, parted.has("-i"));
    } else if parted.has("-c") {
        checked(&mut ledger, &parted);
    } else {
        file_or_stdin(&mut ledger, invocation, &parted, Language::Perl);
    }
    ledger.finish()
}

/// Files that a line-by-line program of Perl or Ruby reads. Perl takes `cmd |` and `> file` for what a shell would.
fn operands(ledger: &mut Ledger, files: &[Arg], loops: bool, in_place: bool) {
    for file in files {
        let plain = file.as_text().is_some_and(|text| {
            !text.trim().starts_with(['>', '|', '<', '+']) && !text.trim().ends_with('|')
        });
        if !plain {
            ledger.code("operand", "reads a file whose name may be a command");
        }
        if loops {
            ledger.reads(file.clone(), "file");
        }
        if in_place {
            ledger.path(EffectKind::Writes, file.clone(), "-i");
        }
    }
}

/// `ruby`.
pub(super) fn ruby(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = begin(&mut ledger, invocation, &RUBY);
    let code: Vec<Arg> = parted.values("-e").cloned().collect();
    if parted.has("--version --help -h --copyright")
        || (parted.has("-v") && code.is_empty() && parted.operands.is_empty())
    {
        return ledger.finish();
    }
    if parted.has("-r -I -x -s -S -C") {
        ledger.code("option", "loads code that is not seen");
    }
    if !code.is_empty() {
        judge_args(&mut ledger, &code, Language::Ruby);
        operands(
            &mut ledger,
            &parted.operands,
            parted.has("-n -p -i"),
            parted.has("-i"),
        );
    } else if parted.has("-c") {
        checked(&mut ledger, &parted);
    } else {
        file_or_stdin(&mut ledger, invocation, &parted, Language::Ruby);
    }
    ledger.finish()
}

/// `node`.
pub(super) fn node(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = begin(&mut ledger, invocation, &NODE);
    if parted.has("-v --version -h --help --v8-options") {
        return ledger.finish();
    }
    if parted.has("-r --require --import --loader") {
        ledger.code("option", "loads code that is not seen");
    }
    if parted.has("-i --interactive") {
        interactive(&mut ledger);
    }
    let code: Vec<Arg> = parted.values("-e --eval -p --print -pe").cloned().collect();
    if !code.is_empty() {
        judge_args(&mut ledger, &code, Language::Node);
    } else if parted.has("-c --check") {
        checked(&mut ledger, &parted);
    } else {
        file_or_stdin(&mut ledger, invocation, &parted, Language::Node);
    }
    ledger.finish()
}

/// `php`.
pub(super) fn php(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = begin(&mut ledger, invocation, &PHP);
    if parted.has("-v -i -m -h --version --info --modules --help --ini --rf --rc --re --ri") {
        return ledger.finish();
    }
    for setting in parted.values("-d --define") {
        let text = setting.as_text().unwrap_or("auto_");
        if !text.starts_with("memory_limit")
            && !text.starts_with("display_errors")
            && !text.starts_with("error_reporting")
        {
            ledger.code("-d", "runs with a setting that may load code");
        }
    }
    if parted.has("-S --server -a") {
        ledger.says(
            EffectKind::Unbounded,
            RiskLevel::High,
            "-S",
            "serves until it is stopped",
        );
    }
    if parted.has("-z -c --php-ini -B -R -E -F") {
        ledger.code("option", "runs code in a way that is not seen");
    }
    let code: Vec<Arg> = parted.values("-r --run").cloned().collect();
    let files: Vec<Arg> = parted.values("-f --file").cloned().collect();
    if !code.is_empty() {
        judge_args(&mut ledger, &code, Language::Php);
    } else if parted.has("-l --syntax-check -w -s") {
        checked(&mut ledger, &parted);
        for file in parted.values("-l --syntax-check -s") {
            ledger.reads(file.clone(), "-l");
        }
    } else if let Some(file) = files.first() {
        ledger.reads(file.clone(), "script");
        script_file(&mut ledger, invocation, file);
    } else if !parted.has("-S --server -a") {
        file_or_stdin(&mut ledger, invocation, &parted, Language::Php);
    }
    ledger.finish()
}

/// `lua`.
pub(super) fn lua(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = begin(&mut ledger, invocation, &LUA);
    let code: Vec<Arg> = parted.values("-e").cloned().collect();
    if parted.has("-l") {
        ledger.code("-l", "loads a library that is not seen");
    }
    if parted.has("-i") {
        interactive(&mut ledger);
    }
    if !code.is_empty() {
        judge_args(&mut ledger, &code, Language::Lua);
    }
    let only_tells = parted.has("-v") || !code.is_empty();
    if !parted.operands.is_empty() || !only_tells {
        file_or_stdin(&mut ledger, invocation, &parted, Language::Lua);
    }
    ledger.finish()
}

/// `tclsh`.
pub(super) fn tcl(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = Parted {
        operands: invocation.argv.get(1..).unwrap_or_default().to_vec(),
        ..Parted::default()
    };
    file_or_stdin(&mut ledger, invocation, &parted, Language::Tcl);
    ledger.finish()
}

/// Parts the words, and says where they cannot be told apart.
fn begin(ledger: &mut Ledger, invocation: &Invocation, grammar: &Grammar) -> Parted {
    let parted = part(invocation.argv.get(1..).unwrap_or_default(), grammar);
    if parted.unlisted {
        ledger.code(
            "option",
            "starts an interpreter with an option that is not known",
        );
    }
    parted
}

fn interactive(ledger: &mut Ledger) {
    ledger.says(
        EffectKind::Interactive,
        RiskLevel::High,
        "terminal",
        "starts an interpreter that waits for a person",
    );
}

/// Files whose form is checked, and that do not run.
fn checked(ledger: &mut Ledger, parted: &Parted) {
    for file in &parted.operands {
        ledger.reads(file.clone(), "check");
    }
}

/// A script, or what stands on the standard input.
fn file_or_stdin(
    ledger: &mut Ledger,
    invocation: &Invocation,
    parted: &Parted,
    language: Language,
) {
    match parted.operands.first() {
        Some(script) if !script.as_text().is_some_and(is_stdin) => {
            ledger.reads(script.clone(), "script");
            script_file(ledger, invocation, script);
        }
        _ => match &invocation.stdin {
            Input::Nothing => interactive(ledger),
            Input::Text(text) => judge_text(ledger, text, language),
            Input::File(file) => {
                ledger.reads(file.clone(), "script");
                script_file(ledger, invocation, file);
            }
            Input::Unknown(_) => ledger.code("stdin", "runs code that is not seen"),
        },
    }
}

/// Programs that stand in the words, one after another.
fn judge_args(ledger: &mut Ledger, code: &[Arg], language: Language) {
    let texts: Option<Vec<String>> = code.iter().map(program_text).collect();
    match texts {
        Some(texts) => judge_text(ledger, &texts.join("\n"), language),
        None => ledger.code("code", "runs code that only the host knows"),
    }
}

fn judge_arg(ledger: &mut Ledger, code: &Arg, language: Language) {
    judge_args(ledger, std::slice::from_ref(code), language);
}

/// Judges a program.
fn judge_text(ledger: &mut Ledger, text: &str, language: Language) {
    let words = tokens::read(text, language);
    if language == Language::Python
        && let Some(plain) = python::only_computes(&words)
    {
        for file in plain.files {
            ledger.reads(Arg::text(file), "open");
        }
        return;
    }
    if plain::only_computes(&words, language) {
        return;
    }
    ledger.code("code", "runs code that is more than a computation");
    calls::note(ledger, &words.tokens, language, None, 0);
}

/// `python -m NAME`.
fn module(ledger: &mut Ledger, name: &Arg, words: &[Arg]) {
    let first = words.first().and_then(Arg::as_text).unwrap_or_default();
    match name.as_text() {
        Some("json.tool") => json_tool(ledger, words),
        Some("platform" | "site" | "sysconfig" | "this" | "calendar" | "inspect") => {}
        Some("base64" | "tokenize" | "ast" | "dis" | "quopri" | "gzip") => {
            for word in words.iter().filter(|word| !word.may_be_option()) {
                ledger.reads(word.clone(), "-m");
            }
        }
        Some("zipfile" | "tarfile") if matches!(first, "-l" | "--list" | "-t" | "--test") => {
            for word in &words[1..] {
                ledger.reads(word.clone(), "-m");
            }
        }
        Some("pip")
            if matches!(
                first,
                "list" | "show" | "freeze" | "check" | "--version" | "debug" | "index"
            ) => {}
        Some("pip" | "ensurepip") => ledger.says(
            EffectKind::PackageInstalls,
            RiskLevel::Medium,
            "pip",
            "installs or removes packages of Python",
        ),
        Some("venv" | "compileall" | "py_compile" | "virtualenv") => ledger.says(
            EffectKind::Writes,
            RiskLevel::Medium,
            "-m",
            "writes files for Python",
        ),
        Some("http.server" | "SimpleHTTPServer" | "smtpd") => ledger.says(
            EffectKind::Sends,
            RiskLevel::High,
            "http.server",
            "offers the files of a directory to the network",
        ),
        Some(
            "timeit" | "cProfile" | "profile" | "pdb" | "trace" | "runpy" | "code" | "idlelib",
        )
        | None => {
            ledger.code("-m", "runs code that is not looked at");
        }
        Some(_) => ledger.says(
            EffectKind::RunsCode,
            RiskLevel::Medium,
            "-m",
            "runs a module that is not known",
        ),
    }
}

/// `json.tool`: it writes its second operand.
fn json_tool(ledger: &mut Ledger, words: &[Arg]) {
    let mut operands = Vec::new();
    let mut skip = false;
    for word in words {
        let text = word.as_text().unwrap_or_default();
        if skip {
            skip = false;
        } else if text == "--indent" {
            skip = true;
        } else if text == "-" || !text.starts_with('-') {
            operands.push(word);
        }
    }
    if let Some(file) = operands
        .first()
        .filter(|file| !file.as_text().is_some_and(is_stdin))
    {
        ledger.reads((*file).clone(), "json.tool");
    }
    if let Some(file) = operands.get(1) {
        ledger.path(EffectKind::Overwrites, (*file).clone(), "json.tool");
    }
}
