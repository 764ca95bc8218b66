//! A request for a page: whether it only looks, tells another machine something, or asks for a secret.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::address::{Address, Reach};
use super::notes::{Notes, OPEN, unmarked};
use crate::invocation::{Found, Target};

/// Paths that answer with secrets, wherever they stand.
const SECRET_PATHS: [&str; 12] = [
    "/actuator/env",
    "/actuator/heapdump",
    "/actuator/configprops",
    "/heapdump",
    "/v1/secret",
    "/v1/auth/token",
    "/v1/kv",
    "/v2/keys",
    "/.env",
    "/.git/",
    "/api/v1/secrets",
    "/secrets/",
];
/// Last steps of paths after which something is rarely as it was.
const ACTING: [&str; 24] = [
    "shutdown",
    "_shutdown",
    "quit",
    "quitquitquit",
    "abortabortabort",
    "restart",
    "reboot",
    "poweroff",
    "halt",
    "stop",
    "kill",
    "reset",
    "reset_counters",
    "delete",
    "remove",
    "drop",
    "purge",
    "flush",
    "wipe",
    "destroy",
    "reload",
    "disable",
    "drain_listeners",
    "healthcheck/fail",
];
/// Words in paths behind which data goes when they are not only asked for.
const LOSING: [&str; 14] = [
    "delete", "drop", "purge", "wipe", "destroy", "truncate", "shutdown", "poweroff", "reboot",
    "_close", "reroute", "quit", "kill", "erase",
];
/// Last steps of paths that are questions although they are posted.
const QUESTIONS: [&str; 16] = [
    "_search",
    "_count",
    "_msearch",
    "_validate",
    "_analyze",
    "_explain",
    "explain",
    "_mget",
    "_field_caps",
    "_sql",
    "query",
    "query_range",
    "series",
    "labels",
    "query_exemplars",
    "format_query",
];

/// What is sent along with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing.
    None,
    /// What stands in the command.
    Known,
    /// What is not known, or lies in a file.
    Foreign,
}

/// A request.
pub(super) struct Request<'r> {
    /// For what.
    pub(super) address: &'r Address,
    /// How: `GET`; empty where that is not known.
    pub(super) method: &'r str,
    /// With what.
    pub(super) body: Body,
    /// Whether it goes somewhere else than the address says.
    pub(super) diverted: bool,
}

impl Request<'_> {
    /// Writes down what it does.
    pub(super) fn judge(&self, url: &str, notes: &mut Notes) {
        self.address_alone(notes);
        let place = self.address.place();
        if SECRET_PATHS.iter().any(|secret| place.contains(secret)) {
            notes.says(
                EffectKind::Secrets,
                RiskLevel::High,
                "page",
                "asks for a page that shows secrets",
            );
        }
        if let Some((level, sentence)) = self.sends(&place) {
            let rule = notes.rule("request");
            notes.add(
                Found::to(EffectKind::Sends, Target::Named(unmarked(url)), rule)
                    .at_least(level)
                    .saying(sentence),
            );
        } else {
            let rule = notes.rule("page");
            let page = Target::Named(unmarked(url));
            notes.add(
                Found::to(EffectKind::Probes, page, rule.as_str()).at_least(RiskLevel::ReadOnly),
            );
            if self.diverted {
                let sentence = "asks another machine than the address says";
                notes.says(
                    EffectKind::Probes,
                    RiskLevel::ReadOnly,
                    "diverted",
                    sentence,
                );
            }
        }
    }

    fn near(&self) -> bool {
        !self.diverted && matches!(self.address.reach, Reach::Own | Reach::Inside)
    }

    fn address_alone(&self, notes: &mut Notes) {
        if self.address.reach == Reach::Metadata {
            notes.says(
                EffectKind::Secrets,
                RiskLevel::High,
                "metadata",
                "asks the cloud for the host's own secrets",
            );
        }
        if self.address.login {
            notes.says(
                EffectKind::Secrets,
                RiskLevel::Medium,
                "login",
                "uses a password that stands in the address",
            );
        }
    }

    /// What it tells another machine, where it does.
    fn sends(&self, place: &str) -> Option<(RiskLevel, &'static str)> {
        let address = self.address;
        if address.reach == Reach::Unknown {
            return Some((RiskLevel::High, "asks a machine that is not known"));
        }
        if address.open && (address.reach != Reach::Own || self.diverted) {
            return Some((
                RiskLevel::High,
                "sends what is not known in an address of a page",
            ));
        }
        if self.body == Body::Foreign {
            return Some((
                RiskLevel::High,
                "sends a file, or what is not known, to another machine",
            ));
        }
        let steps: Vec<&str> = place.split('/').filter(|step| !step.is_empty()).collect();
        let last = steps.last().copied().unwrap_or_default();
        let looks = matches!(self.method, "GET" | "HEAD" | "OPTIONS");
        if looks && self.body == Body::None {
            return ACTING
                .contains(&last)
                .then_some((RiskLevel::Medium, "asks for a page that may do something"));
        }
        let question = looks || (self.method == "POST" && QUESTIONS.contains(&last));
        if question && self.near() && !ACTING.contains(&last) {
            return None;
        }
        if self.method.is_empty() || !self.near() || address.open {
            return Some((RiskLevel::High, "sends something to another machine"));
        }
        let loses = |step: &&str| LOSING.iter().any(|word| step.contains(word));
        if self.method == "DELETE" || steps.iter().any(loses) {
            return Some((RiskLevel::High, "has a service delete or end something"));
        }
        Some((RiskLevel::Medium, "tells a service to do something"))
    }
}

/// Whether a text with marks says how to ask; in capitals.
pub(super) fn method(text: &str) -> String {
    if text.contains(OPEN) || text.contains(super::notes::PLAIN) {
        return String::new();
    }
    text.to_ascii_uppercase()
}
