//! Tools of which it is enough to know which of their verbs look: backup tools, and the command lines of clouds, which
//! have thousands of verbs that are named alike.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::notes::{Notes, listed, program_name, words};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// The words and options that begin a look, by tool; parted by commas.
const LOOKS: &[(&str, &str)] = &[
    ("duplicity", "collection-status,list-current-files"),
    ("duply", "* status,* list"),
    (
        "rdiff-backup",
        "-l,--list-increments,--list-increment-sizes,--list-at-time,--list-changed-since,--verify,list,info,verify,--version",
    ),
    (
        "kopia",
        "snapshot list,snapshot ls,snapshot verify,policy list,policy show,repository status,maintenance info,content stats,blob stats,ls,list,--version",
    ),
    ("tarsnap", "--list-archives,--print-stats,-t,-tf,-tvf"),
    ("burp", "-a l,-a S,-a s,-a list,-a stats"),
    (
        "proxmox-backup-client",
        "list,status,snapshot list,snapshot files,snapshots,files,version,task list,task log",
    ),
    (
        "proxmox-backup-manager",
        "datastore list,datastore show,task list,task log,versions,disk list,network list,cert info,garbage-collection status,verify-job list,sync-job list,prune-job list,user list,remote list",
    ),
    (
        "zrepl",
        "status --mode raw,status --mode legacy,status --raw,configcheck,version,test filesystems,test placeholder",
    ),
    ("btrbk", "list,stats,dryrun,origin,ls,config,-n run,usage"),
    (
        "sanoid",
        "--monitor-snapshots,--monitor-health,--monitor-capacity,--readonly",
    ),
    ("amcheck", "*"),
    ("amreport", "*"),
    ("amstatus", "*"),
    ("s3cmd", "ls,la,info,du,--version"),
];
/// Words that take what a host could be restored from, or put it over what is there.
const TAKES: &str = "delete del remove rm purge forget expire prune destroy drop restore recover rollback clean archive --force --delete --nuke -d --remove-older-than remove-older-than remove-all-but-n-full remove-all-inc-of-but-n-full cleanup --delete-removed mb rb setpolicy setacl --prune-snapshots garbage-collect";
/// Options that write a file of their own.
const WRITES: &str = "-o --output --log-file -m";

/// Judges tools by the words that a look begins with.
pub(crate) fn words_that_look(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let program = program_name(invocation);
    let words = words(invocation);
    let texts: Option<Vec<&str>> = words.iter().map(Arg::as_text).collect();
    let texts = texts.unwrap_or_default();
    let looks = LOOKS
        .iter()
        .find(|(name, _)| *name == program)
        .map_or("", |(_, looks)| looks);
    let named = |option: &str| option.split('=').next().unwrap_or(option).to_owned();
    let takes = texts.iter().any(|word| listed(TAKES, &named(word)));
    let writes = texts.iter().any(|word| listed(WRITES, &named(word)));
    let begins = looks
        .split(',')
        .any(|beginning| begins_with(&texts, beginning));
    if begins && !takes && !writes && !words.iter().any(|word| word.as_text().is_none()) {
        return notes.finish();
    }
    if program == "zrepl" && texts.first() == Some(&"status") {
        notes.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person",
        );
    } else if takes || texts.is_empty() {
        notes.says(
            EffectKind::Deletes,
            RiskLevel::High,
            "verb",
            "deletes backups, or puts one over what is there",
        );
    } else {
        notes.says(
            EffectKind::Writes,
            RiskLevel::Medium,
            "verb",
            "makes or changes backups",
        );
    }
    notes.finish()
}

fn begins_with(texts: &[&str], beginning: &str) -> bool {
    let wanted: Vec<&str> = beginning.split_whitespace().collect();
    wanted == ["*"]
        || (texts.len() >= wanted.len()
            && !wanted.is_empty()
            && wanted
                .iter()
                .zip(texts)
                .all(|(wanted, own)| *wanted == "*" || wanted == own))
}

/// Beginnings of verbs that look.
const CLOUD_LOOKS: [&str; 12] = [
    "describe",
    "list",
    "get-",
    "show",
    "lookup-",
    "search",
    "head-",
    "batch-get-",
    "query",
    "scan",
    "check",
    "validate",
];
/// Whole verbs that look.
const CLOUD_LOOKS_WHOLE: &str = "ls get show list describe info read version help status whoami tail logs wait filter-log-events";
/// Parts of verbs, and verbs, whose answer is a secret.
const CLOUD_SECRETS: [&str; 28] = [
    "get-token",
    "get-api-key",
    "get-function",
    "describe-task-definition",
    "appsettings",
    "kubeconfig",
    "get-secret",
    "batch-get-secret",
    "get-parameter",
    "decrypt",
    "get-session-token",
    "get-federation-token",
    "assume-role",
    "get-login",
    "get-authorization-token",
    "create-access-key",
    "create-login-profile",
    "get-password-data",
    "generate-data-key",
    "get-credential",
    "print-access-token",
    "print-identity-token",
    "get-access-token",
    "list-keys",
    "connection-string",
    "export-credentials",
    "generate-db-auth-token",
    "get-role-credentials",
];
/// Groups in which a plain look shows a secret.
const SECRET_GROUPS: &str = "secrets secret keyvault kms auth sts credentials credential keys key-pair password connection-string listkeys service-principal";
/// Groups in which a look into an object is a look into data.
const DATA_VERBS: &str = "get-object get-item get-records receive-message query scan select-object-content download cat cp sync mv copy upload rsync put-object";
/// Parts of verbs that take something for good.
const CLOUD_DESTROYS: [&str; 9] = [
    "delete",
    "terminate",
    "destroy",
    "remove",
    "purge",
    "rm",
    "rb",
    "deregister",
    "detach",
];
/// Parts of verbs that interrupt something and are undone by their opposite.
const CLOUD_MEDIUM: &str = "start stop reboot reboot-instances start-instances stop-instances restart deallocate power-on power-off powercycle poweron poweroff shutdown suspend resume create-snapshot create-tags tag snapshot add-tags-to-resource run";
/// Beginnings of verbs that change something: behind one of them, a word that looks like a look is a name.
const CLOUD_CHANGES: [&str; 50] = [
    "create",
    "add",
    "update",
    "set",
    "put",
    "modify",
    "attach",
    "associate",
    "enable",
    "disable",
    "import",
    "export",
    "reset",
    "change",
    "apply",
    "deploy",
    "invoke",
    "ssh",
    "scp",
    "send",
    "register",
    "authorize",
    "revoke",
    "allocate",
    "release",
    "resize",
    "rebuild",
    "migrate",
    "move",
    "restore",
    "patch",
    "replace",
    "publish",
    "upload",
    "execute",
    "login",
    "init",
    "edit",
    "assign",
    "bind",
    "install",
    "submit",
    "promote",
    "failover",
    "cancel",
    "accept",
    "issue",
    "rotate",
    "connect",
    "rescue",
];
/// Global options with a value that may stand before the verb.
const CLOUD_GLOBALS: &str = "--region --profile --output --query --endpoint-url --project --account --format --zone --subscription -o --context -t --access-token --config --os-cloud --os-region-name --max-items --page-size --cli-read-timeout --cli-connect-timeout --color --ca-bundle --verbosity --configuration --location -g --resource-group --config-file --auth --compartment-id --no-header";

/// Judges the command lines of clouds: the verbs are the words before the first option.
pub(crate) fn cloud(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let words = words(invocation);
    for word in words {
        let text = word.beginning();
        if let Some(at) = text.find("file://").or_else(|| text.find("fileb://")) {
            let path = text[at..]
                .trim_start_matches("fileb://")
                .trim_start_matches("file://");
            notes.path(EffectKind::Reads, Arg::text(path), "file");
        }
    }
    let has = |name: &str| {
        words.iter().any(|word| {
            word.beginning() == name || word.beginning().starts_with(&format!("{name}="))
        })
    };
    if has("--endpoint-url") {
        notes.says(
            EffectKind::Sends,
            RiskLevel::High,
            "--endpoint-url",
            "speaks to an address that is named here",
        );
    }
    let path = verb_path(words);
    let shown = path.join(" ");
    if path.is_empty() {
        let only_help = words
            .iter()
            .all(|word| matches!(word.as_text(), Some("--version" | "--help" | "-h" | "-v")));
        if !only_help || words.is_empty() {
            unknown_cloud(&mut notes, "is given nothing that is known to do");
        }
        return notes.finish();
    }
    // Behind the verb of aws there are only names.
    let depth = if program_name(invocation) == "aws" {
        2
    } else {
        6
    };
    let path = &path[..path.len().min(depth)];
    let asks_settings = path
        .first()
        .is_some_and(|group| group == "configure" || group == "config")
        && !path
            .get(1)
            .is_some_and(|verb| listed("list list-profiles get-contexts configurations", verb));
    if asks_settings {
        unknown_cloud(&mut notes, "shows or changes how a cloud is reached");
        return notes.finish();
    }
    judge_path(&mut notes, path, &shown, &has);
    notes.finish()
}

/// The words before the first option, without global options and their values.
fn verb_path(words: &[Arg]) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.as_text().unwrap_or("?");
        if !text.starts_with('-') {
            path.push(text.to_owned());
        } else if listed(CLOUD_GLOBALS, text) {
            rest.next();
        } else if !text.contains('=') && !path.is_empty() {
            break;
        }
    }
    path
}

fn judge_path(notes: &mut Notes, path: &[String], shown: &str, has: &dyn Fn(&str) -> bool) {
    let verbs: Vec<&str> = path.iter().map(String::as_str).take(6).collect();
    let any_part = |parts: &[&str]| {
        verbs
            .iter()
            .any(|verb| parts.iter().any(|part| verb.contains(part)))
    };
    let decrypts = !(verbs.contains(&"get-parameter")
        || verbs.contains(&"get-parameters")
        || verbs.contains(&"get-parameters-by-path"))
        || has("--with-decryption");
    let value = has("--show-password") || has("--show-secrets") || has("--query-password");
    if (any_part(&CLOUD_SECRETS) && decrypts) || secret_group(&verbs) || value {
        notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "verb",
            "shows a secret, or makes a key to an account",
        );
        return;
    }
    if let ["s3" | "storage" | "os" | "object" | "blob", ..] = verbs.as_slice()
        && verbs
            .iter()
            .any(|verb| listed("cp sync mv rsync upload upload-batch put", verb))
    {
        notes.says(
            EffectKind::Sends,
            RiskLevel::High,
            "verb",
            "copies data to or from a cloud",
        );
        return;
    }
    let changes = |verb: &&str| CLOUD_CHANGES.iter().any(|part| verb_is(verb, part));
    if verbs.iter().any(changes) && !verbs.iter().any(|verb| listed(CLOUD_MEDIUM, verb)) {
        unknown_cloud(notes, "changes something in a cloud");
        return;
    }
    let verb = verbs
        .iter()
        .copied()
        .find(|verb| {
            listed(CLOUD_LOOKS_WHOLE, verb)
                || listed(CLOUD_MEDIUM, verb)
                || CLOUD_DESTROYS.iter().any(|part| verb_is(verb, part))
                || CLOUD_LOOKS.iter().any(|begin| verb.starts_with(begin))
        })
        .unwrap_or_default();
    if verbs.iter().any(|verb| listed(DATA_VERBS, verb)) {
        notes.says(
            EffectKind::Reads,
            RiskLevel::Medium,
            "verb",
            "fetches or changes data that a cloud keeps",
        );
    } else if CLOUD_DESTROYS
        .iter()
        .any(|part| verbs.iter().any(|verb| verb_is(verb, part)))
    {
        notes.add(
            EffectKind::Containers,
            Target::Named(Arg::text(shown)),
            Some(RiskLevel::High),
            "verb",
            "deletes something in a cloud",
        );
    } else if listed(CLOUD_MEDIUM, verb) {
        notes.add(
            EffectKind::Containers,
            Target::Named(Arg::text(shown)),
            Some(RiskLevel::Medium),
            "verb",
            "starts, stops or marks something in a cloud",
        );
    } else if listed(CLOUD_LOOKS_WHOLE, verb)
        || CLOUD_LOOKS.iter().any(|begin| verb.starts_with(begin))
    {
        if has("--follow") || has("-f") && verbs.contains(&"tail") {
            notes.says(
                EffectKind::Unbounded,
                RiskLevel::Low,
                "--follow",
                "never ends by itself",
            );
        }
    } else {
        unknown_cloud(notes, "changes something in a cloud");
    }
}

/// Whether a verb is this one, or has it as its first word: `delete`, `delete-volume`.
fn verb_is(verb: &str, part: &str) -> bool {
    verb == part
        || verb
            .strip_prefix(part)
            .is_some_and(|rest| rest.starts_with('-'))
}

/// Whether a group of verbs is about secrets, and the verb does more than list their names.
fn secret_group(verbs: &[&str]) -> bool {
    let group = verbs.iter().position(|verb| listed(SECRET_GROUPS, verb));
    let Some(at) = group else { return false };
    // A list of keys is the keys themselves.
    if listed(
        "keys credentials credential password listkeys connection-string",
        verbs[at],
    ) {
        return true;
    }
    let harmless = [
        "list",
        "ls",
        "describe-key",
        "list-aliases",
        "describe",
        "list-secrets",
        "describe-secret",
        "get-caller-identity",
        "get-key-rotation-status",
        "status",
    ];
    let last = verbs[at + 1..].iter().any(|verb| harmless.contains(verb));
    let shows = verbs[at + 1..]
        .iter()
        .any(|verb| matches!(*verb, "show" | "access" | "download"));
    !last || shows
}

fn unknown_cloud(notes: &mut Notes, sentence: &str) {
    notes.says(EffectKind::Containers, RiskLevel::High, "verb", sentence);
}

/// Verbs of platforms that look.
const PLATFORM_LOOKS: &str = "status ps logs releases info apps list ls checks history version services regions platform pg:info pg:ps pg:diagnose redis:info addons domains certs:info buildpacks drains dyno:type ps:type maintenance features pipelines";
/// Verbs of platforms that show secrets.
const PLATFORM_SECRETS: &str =
    "config config:get secrets auth tokens auth:token pg:credentials pg:credentials:url ssh-keys";
/// Verbs of platforms that interrupt something.
const PLATFORM_MEDIUM: &str = "restart ps:restart ps:stop ps:scale scale maintenance:on maintenance:off releases:rollback start stop deploy suspend resume";

/// Judges the command lines of platforms.
pub(crate) fn platform(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let words = words(invocation);
    let texts: Vec<&str> = words.iter().filter_map(Arg::as_text).collect();
    let verbs: Vec<&str> = texts
        .iter()
        .copied()
        .take_while(|word| !word.starts_with('-'))
        .collect();
    let follows = texts.iter().any(|word| matches!(*word, "--tail" | "-t"));
    let (first, second) = (
        verbs.first().copied().unwrap_or_default(),
        verbs.get(1).copied(),
    );
    if listed(PLATFORM_SECRETS, first) && second != Some("list") {
        notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "verb",
            "shows settings with the passwords in them",
        );
    } else if listed(PLATFORM_MEDIUM, first)
        || second.is_some_and(|verb| listed("restart start stop scale", verb))
    {
        notes.says(
            EffectKind::Containers,
            RiskLevel::Medium,
            "verb",
            "restarts or changes an application",
        );
    } else if listed(PLATFORM_LOOKS, first)
        && second.is_none_or(|verb| listed("list status show info", verb))
    {
        if follows
            || (first == "logs"
                && program_name(invocation) != "heroku"
                && !texts.contains(&"--no-tail")
                && !texts.contains(&"-n"))
        {
            notes.says(
                EffectKind::Unbounded,
                RiskLevel::Low,
                "--tail",
                "never ends by itself",
            );
        }
    } else if texts.is_empty()
        || !texts
            .iter()
            .all(|word| matches!(*word, "--version" | "--help" | "-h"))
    {
        unknown_cloud(&mut notes, "changes an application in a cloud");
    }
    notes.finish()
}

/// Judges `pmset`: what it shows, what it follows, and what it has the host do at once.
pub(crate) fn pmset(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let has = |list: &str| {
        matched
            .operands
            .iter()
            .any(|word| word.as_text().is_none_or(|text| listed(list, text)))
    };
    if has("sleepnow displaysleepnow schedule repeat relative touch restoredefaults")
        && !matched.has_surely("-g")
    {
        notes.says(
            EffectKind::Power,
            RiskLevel::High,
            "verb",
            "has the host sleep, wake or stop",
        );
    }
    if has("pslog assertionslog thermlog batteryload rawlog powerstate") && matched.has("-g") {
        notes.says(
            EffectKind::Unbounded,
            RiskLevel::Low,
            "-g",
            "never ends by itself",
        );
    }
    notes.finish()
}
