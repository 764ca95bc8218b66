//! What the program was called: `watchkeeper check`, or `hal-check` through a link that `links` made. Hints are
//! written the way the person types.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;

use crate::args::TOOLS;

/// The name in hints that come from elsewhere: the daemon and the hosts' remedies.
const CANONICAL: &str = "watchkeeper";

/// How the person types our commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    name: String,
    tool: Option<&'static str>,
}

impl Called {
    /// From the first word of the command line, which may be a path.
    pub(crate) fn by(first: Option<&OsString>) -> Self {
        let base = first
            .and_then(|word| Path::new(word).file_name())
            .and_then(|base| base.to_str());
        let base = base.filter(|base| !base.is_empty()).unwrap_or(CANONICAL);
        let linked = base.rsplit_once('-').and_then(|(name, tool)| {
            let tool = TOOLS.into_iter().find(|known| *known == tool)?;
            (!name.is_empty()).then(|| Self {
                name: name.to_owned(),
                tool: Some(tool),
            })
        });
        linked.unwrap_or_else(|| Self {
            name: base.to_owned(),
            tool: None,
        })
    }

    /// The tool that the link stands for.
    pub(crate) const fn tool(&self) -> Option<&'static str> {
        self.tool
    }

    /// The words as they would have been typed without a link.
    pub(crate) fn spelled_out(&self, words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let mut words: Vec<OsString> = words.into_iter().collect();
        match self.tool {
            Some(tool) if words.is_empty() => words.extend([CANONICAL.into(), tool.into()]),
            Some(tool) => words.insert(1, tool.into()),
            None if words.is_empty() => words.push(CANONICAL.into()),
            None => {}
        }
        words
    }

    /// What stands before the colon of an error: the first word that was typed.
    pub(crate) fn first_word(&self) -> String {
        self.tool
            .map_or_else(|| self.name.clone(), |tool| format!("{}-{tool}", self.name))
    }

    /// A command as the person types it: `approve show 0` is `watchkeeper approve show 0` or `hal-approve show 0`.
    pub(crate) fn command(&self, rest: &str) -> String {
        let between = if self.tool.is_some() { '-' } else { ' ' };
        format!("{}{between}{rest}", self.name)
    }

    /// A hint of ours with its commands as the person types them.
    pub(crate) fn respell<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.tool.is_none() && self.name == CANONICAL || !hint.contains(CANONICAL) {
            return Cow::Borrowed(hint);
        }
        let mut said = hint.to_owned();
        for tool in TOOLS {
            said = said.replace(&format!("{CANONICAL} {tool}"), &self.command(tool));
        }
        Cow::Owned(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(first: &str) -> Called {
        Called::by(Some(&OsString::from(first)))
    }

    fn words(first: &str, rest: &[&str]) -> Vec<String> {
        let all = std::iter::once(first)
            .chain(rest.iter().copied())
            .map(OsString::from);
        called(first)
            .spelled_out(all)
            .into_iter()
            .filter_map(|word| word.into_string().ok())
            .collect()
    }

    #[test]
    fn a_link_named_after_a_tool_is_that_tool() {
        assert_eq!(
            words("/usr/local/bin/hal-approve", &["show", "0"]),
            ["/usr/local/bin/hal-approve", "approve", "show", "0"]
        );
        assert_eq!(words("my-hal-check", &[]), ["my-hal-check", "check"]);
        assert_eq!(
            words("./watchkeeper", &["check"]),
            ["./watchkeeper", "check"]
        );
    }

    #[test]
    fn another_name_with_a_dash_is_no_tool() {
        for first in ["watch-keeper", "-check", "hal-checks", "hal", "hal-Check"] {
            assert_eq!(called(first).tool(), None, "{first}");
        }
        assert_eq!(Called::by(None).command("doctor"), "watchkeeper doctor");
    }

    #[test]
    fn hints_are_written_as_the_person_types() {
        assert_eq!(
            called("watchkeeper").command("approve show 0"),
            "watchkeeper approve show 0"
        );
        assert_eq!(
            called("/bin/hal-check").command("approve show 0"),
            "hal-approve show 0"
        );
        assert_eq!(called("/bin/hal-check").first_word(), "hal-check");
        let hint = "watchkeeper enrol web1, then watchkeeper check web1; see /var/lib/watchkeeper";
        assert_eq!(
            called("hal-check").respell(hint),
            "hal-enrol web1, then hal-check web1; see /var/lib/watchkeeper"
        );
        assert_eq!(called("watchkeeper").respell(hint), hint);
    }
}
