//! What begins with `/` in a chat: said to this program, not to the model.

use std::path::PathBuf;

use watchkeeper_model::HostName;

/// One such line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    /// What else can be typed.
    Help,
    /// The hosts it is about; with names, set them; `all` is all of them.
    Hosts(Option<Vec<HostName>>),
    /// An empty screen and a new talk.
    Clear,
    /// What was said.
    History,
    /// Who answers; with a name, that lane from now on; `any` is any.
    Model(Option<String>),
    /// Writes the talk to a file.
    Save(PathBuf),
    /// The action that is discussed, exactly as it would run.
    Sheet,
    /// Leaves.
    Exit,
}

/// What can be typed, and what it does.
pub(super) const HELP: &str =
    "  /hosts [HOST… | all]  the hosts this talk is about, or others from now on
  /model [LANE | any]   who answers, or another lane from now on
  /history              what was said so far
  /clear                an empty screen and a new talk
  /save FILE            write the talk to a new file
  /exit                 leave; so does Ctrl-D. The talk is kept
  Ctrl-C                stop the answer, and nothing else
";

/// The same while an action is discussed.
pub(super) const DISCUSS_HELP: &str = "  approve N             approve what was shown last: these words, this number, on a line of their own
  reject N REASON       reject it
  /sheet                show again exactly what would run
  /history              what was said so far
  /save FILE            write the talk to a new file
  /exit                 leave; so does Ctrl-D. The action waits on
  Ctrl-C                stop the answer, and nothing else
  Anything else is talk: ask about it, or say what should be different.
";

/// Where the second column of these texts begins.
pub(super) const HELP_COLUMN: usize = 24;

/// Reads a line that begins with `/`.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn slash(line: &str) -> Result<Slash, String> {
    let mut words = line.split_whitespace();
    let word = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let bare = |slash: Slash| {
        if rest.is_empty() {
            Ok(slash)
        } else {
            Err(format!("{word} takes nothing behind it"))
        }
    };
    match word {
        "/help" | "/?" => bare(Slash::Help),
        "/clear" | "/new" => bare(Slash::Clear),
        "/history" => bare(Slash::History),
        "/sheet" => bare(Slash::Sheet),
        "/exit" | "/quit" => bare(Slash::Exit),
        "/hosts" => hosts(&rest),
        "/model" => match rest.as_slice() {
            [] => Ok(Slash::Model(None)),
            ["any"] => Ok(Slash::Model(Some(String::new()))),
            [lane] => Ok(Slash::Model(Some((*lane).to_owned()))),
            _ => Err("/model takes the name of one lane".to_owned()),
        },
        "/save" => {
            let file = line.trim().strip_prefix("/save").unwrap_or_default().trim();
            if file.is_empty() {
                return Err("/save takes the name of a file".to_owned());
            }
            Ok(Slash::Save(PathBuf::from(file)))
        }
        _ => Err(format!("there is no {word}; /help says what there is")),
    }
}

fn hosts(names: &[&str]) -> Result<Slash, String> {
    match names {
        [] => Ok(Slash::Hosts(None)),
        ["all"] => Ok(Slash::Hosts(Some(Vec::new()))),
        names => {
            let read = |name: &str| {
                name.parse::<HostName>()
                    .map_err(|error| format!("{name:?} is no host: {error}"))
            };
            let names = names.iter().flat_map(|names| names.split(','));
            let names = names.filter(|name| !name.is_empty());
            let hosts: Vec<HostName> = names.map(read).collect::<Result<_, _>>()?;
            if hosts.is_empty() {
                return Err("/hosts takes names of hosts, or all".to_owned());
            }
            Ok(Slash::Hosts(Some(hosts)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_to_the_program_are_read() {
        assert_eq!(slash("/help"), Ok(Slash::Help));
        assert_eq!(slash("/hosts all"), Ok(Slash::Hosts(Some(Vec::new()))));
        assert_eq!(slash("/model any"), Ok(Slash::Model(Some(String::new()))));
        assert_eq!(
            slash("/save my talk.md "),
            Ok(Slash::Save("my talk.md".into()))
        );
        for line in ["/hosts web1, web2", "/hosts web1,web2", "/hosts web1 web2"] {
            let Ok(Slash::Hosts(Some(hosts))) = slash(line) else {
                panic!("two hosts: {line}");
            };
            let hosts: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            assert_eq!(hosts, ["web1", "web2"], "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for line in [
            "/hlep",
            "/exit now",
            "/save",
            "/hosts /etc",
            "/hosts ,",
            "/model a b",
            "/",
        ] {
            assert!(slash(line).is_err(), "{line}");
        }
    }
}
