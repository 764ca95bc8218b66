//! `kubectl`: which resources a verb is about decides how bad it is. Secrets are secret in every form; what holds a
//! whole cluster together is not deleted.

use watchkeeper_model::{Effect, EffectKind, RiskLevel};

use super::notes::{Notes, listed, words};
use crate::invocation::{Invocation, Outcome, Target};
use crate::spec::Matched;
use crate::word::Arg;

/// Verbs that only look.
const LOOKS: &str = "get describe logs top explain api-resources api-versions version cluster-info auth diff config events wait kustomize completion plugin status whoami projects exec port-forward proxy cp attach adm rsh options";
/// Secrets by every name.
const SECRETS: &str = "secret secrets";
/// What a whole cluster stands on.
const FOUNDATIONS: &str = "node nodes no namespace namespaces ns persistentvolume persistentvolumes pv customresourcedefinition customresourcedefinitions crd crds apiservice apiservices storageclass storageclasses sc project projects";
/// What comes again by itself, or is done once.
const RENEWED: &str =
    "pod pods po job jobs event events ev endpointslice replicaset replicasets rs";
/// What holds data.
const DATA: &str = "persistentvolumeclaim persistentvolumeclaims pvc secret secrets all";
/// What `kubectl create` makes that lets somebody in.
const ACCESS: &str = "clusterrole clusterrolebinding role rolebinding serviceaccount sa";
/// Directories in which anybody may put a configuration.
const SCRATCH: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];
/// Most resources of one command that are looked at.
const MOST_RESOURCES: usize = 500;

/// What the operands of a verb are about.
#[derive(Default)]
struct Resources {
    kinds: Vec<String>,
    names: usize,
    unknown: bool,
}

/// Whether these words look up what a whole cluster stands on: a deletion of what was looked up may be meant for it, as in
/// `kubectl get nodes -o name | xargs kubectl delete`.
pub(crate) fn lists_foundations(words: &str) -> bool {
    let mut words = words.split_whitespace();
    let is_kubectl = words.next().is_some_and(|program| {
        listed("kubectl oc", program.rsplit('/').next().unwrap_or_default())
    });
    let mut words = words.skip_while(|word| *word != "get").skip(1);
    is_kubectl
        && words.any(|word| {
            let mut kinds = word.split(',');
            kinds.any(|kind| listed(FOUNDATIONS, &kind.to_ascii_lowercase()))
        })
}

/// Whether an effect is the deletion of what only the cluster knows.
pub(crate) fn deletes_unknown(effect: &Effect) -> bool {
    effect.kind == EffectKind::Containers
        && effect.rule.ends_with(".kubectl.delete")
        && effect.words.contains(['…', '$'])
}

/// Judges `kubectl`.
pub(crate) fn judge(invocation: &Invocation, matched: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let verb = matched.verbs.first().map_or("", String::as_str);
    configuration(&mut notes, matched);
    let dry = matched
        .options
        .iter()
        .filter(|option| option.is("--dry-run"))
        .all(|option| {
            let value = option.value.as_ref().and_then(Arg::as_text);
            option.sure && matches!(value, Some("client" | "server"))
        })
        && matched.has_surely("--dry-run");
    let looks = dry || listed(LOOKS, verb);
    files(&mut notes, matched, looks);
    let resources = resources(&matched.operands);
    match verb {
        "get" => {
            raw(&mut notes, matched);
            secrets(&mut notes, &resources);
        }
        "describe" | "edit" => secrets(&mut notes, &resources),
        "create" if !dry => create(&mut notes, &matched.operands),
        "delete" if !dry => delete(&mut notes, matched, &resources),
        "label" | "annotate" if !dry => {
            let foundation = resources.kinds.iter().any(|kind| listed(FOUNDATIONS, kind));
            if foundation || matched.has("--all") {
                let sentence = "changes marks by which a cluster chooses";
                changes(&mut notes, RiskLevel::Medium, "mark", sentence);
            }
        }
        _ => {}
    }
    if !looks {
        reach(&mut notes, matched);
    }
    notes.finish()
}

/// A configuration may name a program that hands out keys.
fn configuration(notes: &mut Notes, matched: &Matched) {
    for file in matched.values("--kubeconfig") {
        let known = file
            .as_text()
            .is_some_and(|text| !SCRATCH.iter().any(|scratch| text.starts_with(scratch)));
        if !known {
            notes.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "--kubeconfig",
                "uses a configuration that anybody may have put there and that may run code",
            );
        }
    }
}

/// Files and pages that say what is to be done.
fn files(notes: &mut Notes, matched: &Matched, looks: bool) {
    for file in ["-f", "--filename", "-k", "--kustomize"]
        .iter()
        .flat_map(|name| matched.values(name))
    {
        if matched.verbs.first().is_some_and(|verb| verb == "logs") {
            continue;
        }
        let text = file.beginning();
        if !text.starts_with("http://") && !text.starts_with("https://") {
            if file.as_text() != Some("-") {
                notes.path(EffectKind::Reads, file.clone(), "-f");
            }
        } else if looks {
            notes.add(
                EffectKind::Probes,
                Target::Url(file.clone()),
                None,
                "-f",
                "",
            );
        } else {
            notes.says(
                EffectKind::RunsCode,
                RiskLevel::High,
                "-f",
                "does in a cluster what a page of the network says",
            );
        }
    }
}

fn raw(notes: &mut Notes, matched: &Matched) {
    for path in matched.values("--raw") {
        let harmless = path.as_text().is_some_and(|text| {
            let hidden = ["secret", "/proxy", "/exec", "/attach", "/portforward", "%"];
            !hidden.iter().any(|part| text.contains(part))
        });
        if !harmless {
            notes.says(
                EffectKind::Secrets,
                RiskLevel::High,
                "--raw",
                "asks a cluster for something that may be secret",
            );
        }
    }
}

/// The kinds and the number of names in `pods web-1`, `pods,svc`, `pod/web-1 svc/web`.
fn resources(operands: &[Arg]) -> Resources {
    let mut found = Resources::default();
    let Some(first) = operands.first() else {
        return found;
    };
    let bare_kind = |kind: &str| {
        let kind = kind.split('.').next().unwrap_or(kind);
        kind.to_ascii_lowercase()
    };
    if operands.iter().any(|word| word.beginning().contains('/')) {
        for word in operands.iter().take(MOST_RESOURCES) {
            let Some((kind, _)) = word.beginning().split_once('/') else {
                found.unknown = true;
                continue;
            };
            found.names += if word.splits { MOST_RESOURCES } else { 1 };
            found.kinds.extend(kind.split(',').map(bare_kind));
        }
        return found;
    }
    match first.as_text() {
        Some(text) => found
            .kinds
            .extend(text.split(',').take(MOST_RESOURCES).map(bare_kind)),
        None => found.unknown = true,
    }
    found.names = operands[1..]
        .iter()
        .map(|word| if word.splits { MOST_RESOURCES } else { 1 })
        .sum();
    found
}

fn secrets(notes: &mut Notes, resources: &Resources) {
    if resources.unknown || resources.kinds.iter().any(|kind| listed(SECRETS, kind)) {
        notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "secret",
            "shows secrets of a cluster",
        );
    }
}

fn create(notes: &mut Notes, operands: &[Arg]) {
    let kind = operands.first().and_then(Arg::as_text).unwrap_or_default();
    if kind == "token" {
        let sentence = "hands out a key to a cluster";
        notes.says(EffectKind::Secrets, RiskLevel::High, "token", sentence);
    } else if listed(ACCESS, kind) {
        let sentence = "changes who may do what in a cluster";
        notes.says(EffectKind::Access, RiskLevel::High, "access", sentence);
    }
}

fn delete(notes: &mut Notes, matched: &Matched, resources: &Resources) {
    let every = matched.has("--all");
    let everywhere = matched.has("-A") || matched.has("--all-namespaces");
    let kinds = &resources.kinds;
    let any = |list: &str| kinds.iter().any(|kind| listed(list, kind));
    let chosen = [
        "-l",
        "--selector",
        "--field-selector",
        "-f",
        "--filename",
        "-k",
        "--raw",
    ]
    .iter()
    .any(|name| matched.has(name));
    let (level, sentence) = if any(FOUNDATIONS) {
        (
            RiskLevel::Forbidden,
            "deletes what a whole cluster stands on",
        )
    } else if every && (everywhere || any(DATA)) {
        (RiskLevel::Forbidden, "deletes everything of its kind")
    } else if every || everywhere || chosen || resources.unknown || resources.names != 1 {
        (RiskLevel::High, "deletes many things in a cluster at once")
    } else if matched.has("--force") || matched.has("--grace-period") || matched.has("--now") {
        (RiskLevel::High, "deletes something in a cluster by force")
    } else if !kinds.is_empty() && kinds.iter().all(|kind| listed(RENEWED, kind)) {
        (
            RiskLevel::Medium,
            "deletes something that a cluster makes anew",
        )
    } else {
        (RiskLevel::High, "deletes something in a cluster")
    };
    changes(notes, level, "delete", sentence);
}

/// What makes every change worse: the cluster's own parts, and all of something.
fn reach(notes: &mut Notes, matched: &Matched) {
    let own_parts = ["-n", "--namespace"]
        .iter()
        .flat_map(|name| matched.values(name))
        .any(|name| name.as_text().is_none_or(|text| text.starts_with("kube-")));
    if own_parts {
        let sentence = "changes a part of the cluster itself";
        changes(notes, RiskLevel::High, "namespace", sentence);
    }
    let marks = matched
        .verbs
        .first()
        .is_some_and(|verb| verb == "label" || verb == "annotate");
    let every = matched.has("--all") && !marks;
    if every || matched.has("-A") || matched.has("--all-namespaces") {
        let sentence = "changes everything of its kind";
        changes(notes, RiskLevel::High, "all", sentence);
    }
}

fn changes(notes: &mut Notes, level: RiskLevel, what: &str, sentence: &str) {
    notes.says(EffectKind::Containers, level, what, sentence);
}

/// Words of the small clusters' own programs that only look.
const SMALL_LOOKS: &str =
    "check-config version --version -v help --help -h status sysinfo completion inspect";

/// Judges `k3s` and its like: a program that holds others.
pub(crate) fn small(invocation: &Invocation, _: &Matched) -> Outcome {
    let mut notes = Notes::of(invocation);
    let words = words(invocation);
    let texts: Vec<&str> = words.iter().map_while(Arg::as_text).collect();
    match texts.as_slice() {
        [
            "kubectl" | "crictl" | "ctr" | "helm" | "helm3" | "istioctl" | "linkerd" | "cilium",
            ..,
        ] => {
            notes.runs(words.to_vec(), None);
        }
        [word, ..] if listed(SMALL_LOOKS, word) => {}
        ["etcd-snapshot", "ls" | "list", ..]
        | ["secrets-encrypt", "status", ..]
        | ["certificate", "check", ..]
        | ["etcd", "member-list", ..] => {}
        ["token" | "kubeconfig" | "config", ..] => notes.says(
            EffectKind::Secrets,
            RiskLevel::High,
            "token",
            "shows or changes keys to a cluster",
        ),
        ["reset" | "uninstall", ..] => {
            let sentence = "takes a host out of its cluster and deletes what it held";
            changes(&mut notes, RiskLevel::Forbidden, "reset", sentence);
        }
        _ => {
            let sentence = "changes the cluster on this host";
            changes(&mut notes, RiskLevel::High, "command", sentence);
        }
    }
    notes.finish()
}
