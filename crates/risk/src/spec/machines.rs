//! Other machines that the words of a command name, beside the options that the tables list for it (`machines`): addresses
//! of pages and services, and names that a filter looks up. Whoever serves such a name is told it, whatever the command
//! is for; so it is an effect of its own, even where the command only looks.

use watchkeeper_model::EffectKind;

use super::evaluate::Evaluation;
use crate::invocation::{Found, Target};
use crate::word::Arg;

/// The families of the tables whose programs go where an address says. Those of text take addresses for text.
const GO_OUT: [&str; 16] = [
    "backup",
    "cloud",
    "containers",
    "crypto",
    "databases",
    "git",
    "hardware",
    "kubernetes",
    "mail_web",
    "more",
    "network",
    "nix",
    "packages",
    "services",
    "storage",
    "systemd",
];
/// What an address begins with, where it has no `://`.
const SHORT: [&str; 9] = [
    "tcp:",
    "tls:",
    "ssl:",
    "inet:",
    "socketmap:",
    "proxy:",
    "github:",
    "gitlab:",
    "sourcehut:",
];
/// Addresses of what is on the host itself.
const OWN: [&str; 3] = ["file://", "unix://", "local://"];

impl Evaluation<'_, '_> {
    /// Finds the machines that operands and values name.
    pub(super) fn machines(&mut self) {
        let leaf = self.reading.leaf();
        let resolves = self.reading.chain.iter().any(|spec| spec.resolves);
        if leaf.runs.is_some() || !(resolves || GO_OUT.contains(&self.family)) {
            return;
        }
        let values = self.reading.hits.iter();
        let values = values.filter_map(|hit| hit.value.as_ref());
        let of_values = values.filter(|value| {
            let text = value.beginning();
            is_address(text) || resolves && is_at(text)
        });
        let of_operands = self.reading.operands.iter().filter(|operand| {
            let text = operand.beginning();
            is_address(text) || resolves && (is_at(text) || is_name(text))
        });
        let named: Vec<Arg> = of_values.chain(of_operands).cloned().collect();
        let rule = self.rule("address");
        for word in named {
            if !self.is_told(&word) {
                self.found(Found::to(
                    EffectKind::Probes,
                    Target::Named(word),
                    rule.as_str(),
                ));
            }
        }
    }

    /// Whether what is done with a machine was found already.
    fn is_told(&self, word: &Arg) -> bool {
        self.outcome.found.iter().any(|found| {
            matches!(found.kind, EffectKind::Probes | EffectKind::Sends)
                && matches!(&found.target, Target::Host(told) | Target::Url(told) | Target::Named(told)
                    if told.shown() == word.shown())
        })
    }
}

/// Whether a word is an address of something in the network.
fn is_address(text: &str) -> bool {
    let short = SHORT.iter().any(|scheme| text.starts_with(scheme));
    let long = text.contains("://") && !OWN.iter().any(|scheme| text.starts_with(scheme));
    short || long
}

/// Whether a word names something at a machine: `ups@host`.
fn is_at(text: &str) -> bool {
    !text.contains('/') && text.contains('@')
}

/// Whether a word may be the name of a machine, perhaps with a port; a number is none.
fn is_name(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or(name);
    name.contains('.')
        && last.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_from_numbers_and_files() {
        for (text, expect) in [
            ("https://a.example/x", true),
            ("x,http://a.example/x", true),
            ("tcp:a.example:9", true),
            ("github:a/b", true),
            ("file:///etc/hosts", false),
            ("10.0.0.5", false),
        ] {
            assert_eq!(is_address(text), expect, "{text}");
        }
        for (text, expect) in [
            ("a.evil.example", true),
            ("a.evil.example:3551", true),
            ("10.0.0.5", false),
            ("10.0.0.5:80", false),
            ("established", false),
            ("/etc/x.conf", false),
        ] {
            assert_eq!(is_name(text), expect, "{text}");
        }
        assert!(is_at("TCP@a.example") && !is_at("/x/a@b"));
    }
}
