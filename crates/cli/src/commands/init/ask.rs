//! What is wished: from flags, from a person at a terminal, or as it is by default.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use anyhow::anyhow;
use unicode_width::UnicodeWidthStr as _;
use watchkeeper_fleet::JumpHost;
use watchkeeper_llm::Endpoint;
use watchkeeper_model::{Autonomy, HostName, visible};

use super::found::Found;
use super::here::{self, Here};
use super::{Gotify, InitArgs, Model, Wished, Wishes};
use crate::config::is_system;
use crate::failure::{CommandError, Kind};
use crate::surroundings::Surroundings;

/// How often a question is asked until that is an error.
const TRIES: usize = 5;
/// What stands for every host that was found.
const ALL: &str = "all";
/// So many lines of a list are read one below the other; longer ones stand in columns.
const LINES: usize = 12;
/// Most names that are told to be left out.
const MAX_REFUSED: usize = 10;

/// Puts flags, answers and defaults together.
pub(super) async fn wishes(
    args: &InitArgs,
    around: &Surroundings,
    found: &Found,
    asks: bool,
) -> Result<Wishes, CommandError> {
    let default = HostName::new(around.hostname.as_str())
        .unwrap_or_else(|_| HostName::new("watch").expect("it is a name"));
    let name = match &args.name {
        Some(name) => name.clone(),
        None if asks => ask("What is the watch called?", default.as_str(), |text| {
            HostName::new(text).map_err(|error| error.to_string())
        })?,
        None => default,
    };
    let (mut hosts, mut notes) = hosts(args, around, found, asks).await?;
    let here = this_machine(args, around, asks).await?;
    let this_machine = match here.map(|here| here.wished(around)) {
        None => None,
        Some(wished) if hosts.iter().any(|known| known.name == wished.name) => {
            notes.push(format!(
                "{} is taken already, so it is not this machine",
                wished.name
            ));
            None
        }
        Some(wished) => {
            let name = wished.name.clone();
            hosts.push(wished);
            Some(name)
        }
    };
    let remote = !hosts.is_empty();
    let become_root = args.become_root
        || (asks
            && remote
            && ask(
                "Look and repair as root there, by sudo without a password?",
                "yes",
                yes_or_no,
            )?);
    let autonomy = match args.autonomy {
        Some(autonomy) => autonomy,
        None if asks => {
            say(
                "How much may it do by itself: observe (nothing), suggest (every change waits for you),\nauto-safe (low risk runs), auto-full (medium risk runs, too)?",
            )?;
            ask("Level", "suggest", |text| {
                text.parse::<Autonomy>().map_err(|error| error.to_string())
            })?
        }
        None => Autonomy::Suggest,
    };
    Ok(Wishes {
        name,
        hosts,
        this_machine,
        become_root,
        autonomy,
        model: model(args, around, found, asks)?,
        gotify: gotify(args, asks)?,
        notes,
    })
}

/// The account by which the service looks at its own machine. Who is no service sees it without.
async fn this_machine(
    args: &InitArgs,
    around: &Surroundings,
    asks: bool,
) -> Result<Option<Here>, CommandError> {
    if args.this_machine.is_some() || !asks || !is_system(around) || !super::next::has_service() {
        return Ok(args.this_machine.clone());
    }
    if !here::has_sshd().await {
        return Ok(None);
    }
    say(
        "This machine, too? The service is locked away from most of it, and looks at it by SSH as at any other.",
    )?;
    ask(
        "The account to log in as here, or nothing for no",
        "",
        |text| {
            let here = (!text.is_empty()).then(|| text.parse::<Here>());
            here.transpose()
        },
    )
}

/// The hosts that are wished, and what could not be taken over of them.
async fn hosts(
    args: &InitArgs,
    around: &Surroundings,
    found: &Found,
    asks: bool,
) -> Result<(Vec<Wished>, Vec<String>), CommandError> {
    let mut words = args.hosts.clone();
    let mut notes = Vec::new();
    if args.all_hosts {
        words.extend(found.hosts.iter().map(ToString::to_string));
        notes.extend(refused(found));
    } else if words.is_empty() && asks {
        words = ask_hosts(found, around.width)?;
    }
    let mut hosts: Vec<Wished> = Vec::new();
    for word in words {
        let host = match word.split_once('=') {
            Some((name, place)) => written(name, place)?,
            None => {
                let name = HostName::new(word.as_str()).map_err(CommandError::usage)?;
                if !found.hosts.contains(&name) {
                    let error = anyhow!("{name} does not stand in the SSH configuration");
                    return Err(CommandError::usage(error)
                        .hint(format!("--host {name}=ops@ADDRESS, or --ssh-config FILE")));
                }
                let (host, note) = found.host(&name).await;
                notes.extend(note);
                host
            }
        };
        if !hosts.iter().any(|known| known.name == host.name) {
            hosts.push(host);
        }
    }
    Ok((hosts, notes))
}

/// What the SSH configuration names and cannot be watched by that name.
fn refused(found: &Found) -> Vec<String> {
    let mut told: Vec<String> = found
        .refused
        .iter()
        .take(MAX_REFUSED)
        .map(|host| format!("left out: {}, {}", visible(&host.name), visible(&host.why)))
        .collect();
    if found.refused.len() > MAX_REFUSED {
        told.push(format!(
            "left out: {} more",
            found.refused.len() - MAX_REFUSED
        ));
    }
    told
}

/// `NAME=[LOGIN@]ADDRESS[:PORT]`.
fn written(name: &str, place: &str) -> Result<Wished, CommandError> {
    let name = HostName::new(name).map_err(CommandError::usage)?;
    let place: JumpHost = place.parse().map_err(|error| {
        CommandError::usage(anyhow!("{}: {error}", visible(place)))
            .hint("--host NAME=[LOGIN@]ADDRESS[:PORT]")
    })?;
    Ok(Wished {
        address: Some(place.host),
        port: place.port,
        login: place.login,
        ..Wished::named(name)
    })
}

fn ask_hosts(found: &Found, width: usize) -> Result<Vec<String>, CommandError> {
    if found.hosts.is_empty() {
        say("No SSH configuration names a host; with none, this machine is watched.")?;
        return ask(
            "Hosts as NAME=[LOGIN@]ADDRESS[:PORT], with blanks between",
            "",
            |text| {
                let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                match words.iter().find(|word| !word.contains('=')) {
                    Some(word) => Err(format!("{word} names no address")),
                    None => Ok(words),
                }
            },
        );
    }
    say("The SSH configuration names these hosts:")?;
    say(&listed(&found.hosts, width))?;
    for line in refused(found) {
        say(&format!("  {line}"))?;
    }
    ask(
        "Which are to be watched: numbers (1 3-5), names, `all`, or nothing for this machine alone",
        "",
        |text| chosen(text, &found.hosts),
    )
}

/// A list with numbers to choose by: in columns that are read downwards where it is long.
fn listed(names: &[impl AsRef<str>], width: usize) -> String {
    let cells: Vec<String> = (1..)
        .zip(names)
        .map(|(place, name)| format!("  {place:>3}  {}", visible(name.as_ref())))
        .collect();
    let widest = cells.iter().map(|cell| cell.width()).max().unwrap_or(1);
    let columns = match cells.len() {
        0..=LINES => 1,
        _ => (width / widest).max(1),
    };
    let rows = cells.len().div_ceil(columns);
    let row = |row: usize| {
        let cells = cells.iter().skip(row).step_by(rows.max(1));
        let padded = cells.map(|cell| format!("{cell}{}", " ".repeat(widest - cell.width())));
        padded.collect::<String>().trim_end().to_owned()
    };
    (0..rows).map(row).collect::<Vec<_>>().join("\n")
}

/// What of a list is meant by `1 3-5 web1` or `all`.
fn chosen(text: &str, among: &[HostName]) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        if word == ALL {
            names.extend(among.iter().map(ToString::to_string));
        } else if among.iter().any(|name| name.as_str() == word) || word.contains('=') {
            names.push(word.to_owned());
        } else {
            let (from, to) = word.split_once('-').unwrap_or((word, word));
            let place = |text: &str| {
                text.parse::<usize>()
                    .ok()
                    .filter(|n| (1..=among.len()).contains(n))
            };
            let (Some(from), Some(to)) = (place(from), place(to)) else {
                return Err(format!(
                    "{} is neither a number nor a name of the list",
                    visible(word)
                ));
            };
            names.extend(
                among[from - 1..to.max(from)]
                    .iter()
                    .map(ToString::to_string),
            );
        }
    }
    Ok(names)
}

fn model(
    args: &InitArgs,
    around: &Surroundings,
    found: &Found,
    asks: bool,
) -> Result<Option<Model>, CommandError> {
    let url: Endpoint = args.ollama.parse().map_err(CommandError::usage)?;
    let of = |name: String| Model {
        url: url.to_string(),
        name,
    };
    if let Some(name) = &args.model {
        return Ok(Some(of(name.clone())));
    }
    if !asks {
        return Ok(None);
    }
    let Some(models) = &found.models else {
        say(&format!(
            "No Ollama answers at {url}; without a model, runbooks diagnose alone."
        ))?;
        return Ok(None);
    };
    if models.is_empty() {
        say(&format!(
            "The Ollama at {url} has no model yet; `ollama pull` brings one."
        ))?;
        return Ok(None);
    }
    say(&format!("The Ollama at {url} has these models:"))?;
    say(&listed(models, around.width))?;
    let name = ask(
        "Which is to be asked: a number, a name, or nothing for none",
        "",
        |text| {
            if text.is_empty() {
                return Ok(None);
            }
            let by_number = text
                .parse::<usize>()
                .ok()
                .and_then(|n| models.get(n.checked_sub(1)?));
            let by_name = models.iter().find(|name| *name == text);
            match by_name.or(by_number) {
                Some(name) => Ok(Some(name.clone())),
                None => Err(format!(
                    "{} is neither a number nor a name of the list",
                    visible(text)
                )),
            }
        },
    )?;
    Ok(name.map(of))
}

fn gotify(args: &InitArgs, asks: bool) -> Result<Option<Gotify>, CommandError> {
    if let (Some(url), Some(token_file)) = (&args.gotify, &args.gotify_token_file) {
        return Ok(Some(Gotify {
            url: url.clone(),
            token_file: token_file.clone(),
        }));
    }
    if !asks {
        return Ok(None);
    }
    let url = ask(
        "Where does Gotify listen, if messages are to go there (https://…)",
        "",
        |text| {
            let fits =
                text.is_empty() || text.starts_with("https://") || text.starts_with("http://");
            fits.then(|| text.to_owned())
                .ok_or_else(|| "that is no address of a server".to_owned())
        },
    )?;
    if url.is_empty() {
        return Ok(None);
    }
    let token_file = ask(
        "The file that holds the token of its application",
        "",
        |text| {
            let path = PathBuf::from(text);
            path.is_absolute()
                .then_some(path)
                .ok_or_else(|| "an absolute path is needed".to_owned())
        },
    )?;
    Ok(Some(Gotify { url, token_file }))
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

fn say(text: &str) -> Result<(), CommandError> {
    Ok(writeln!(std::io::stderr(), "{text}")?)
}

/// Asks until the answer can be read; nothing typed means the default.
fn ask<T>(
    question: &str,
    default: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, CommandError> {
    for _ in 0..TRIES {
        let mut err = std::io::stderr();
        match default {
            "" => write!(err, "{question}: ")?,
            default => write!(err, "{question} [{default}]: ")?,
        }
        err.flush()?;
        let mut typed = String::new();
        if std::io::stdin().lock().read_line(&mut typed)? == 0 {
            writeln!(err)?;
            let error = anyhow!("stopped; nothing was written");
            return Err(CommandError::failed(error).kind(Kind::Interrupted));
        }
        let typed = typed.trim();
        match read(if typed.is_empty() { default } else { typed }) {
            Ok(answer) => return Ok(answer),
            Err(why) => say(&format!("  {}", visible(&why)))?,
        }
    }
    Err(
        CommandError::usage(anyhow!("no usable answer; nothing was written"))
            .hint("flags: watchkeeper init --help"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<HostName> {
        names
            .iter()
            .map(|name| HostName::new(*name).expect("a name"))
            .collect()
    }

    #[test]
    fn hosts_are_chosen_by_number_range_name_or_all() {
        let among = names(&["web1", "web2", "db1", "db2"]);
        for (text, expected) in [
            ("", vec![]),
            ("1", vec!["web1"]),
            ("2-4", vec!["web2", "db1", "db2"]),
            ("db2, 1", vec!["db2", "web1"]),
            ("all", vec!["web1", "web2", "db1", "db2"]),
            ("1 mail=ops@192.0.2.9", vec!["web1", "mail=ops@192.0.2.9"]),
        ] {
            assert_eq!(
                chosen(text, &among),
                Ok(expected.iter().map(ToString::to_string).collect()),
                "{text}"
            );
        }
        for text in ["0", "5", "web3", "1-9", "x-2"] {
            assert!(chosen(text, &among).is_err(), "{text}");
        }
    }

    #[test]
    fn a_long_list_stands_in_columns() {
        let few = listed(&["web1", "db\u{1b}1"], 80);
        assert_eq!(few, "    1  web1\n    2  db\\u{1b}1");
        let many: Vec<String> = (1..=200).map(|n| format!("farm{n:03}")).collect();
        let text = listed(&many, 80);
        assert_eq!(text.lines().count(), 40, "{text}");
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("    1  farm001   41  farm041"), "{first}");
        let narrow = listed(&many, 10);
        assert_eq!(narrow.lines().count(), 200);
        assert_eq!(listed(&[] as &[&str], 80), "");
    }

    #[test]
    fn a_host_may_be_said_in_one_word() {
        let host = written("web1", "ops@192.0.2.7:2222").expect("it is a place");
        assert_eq!(
            (host.address.as_deref(), host.port, host.login.as_deref()),
            (Some("192.0.2.7"), Some(2222), Some("ops"))
        );
        assert!(written("web 1", "192.0.2.7").is_err());
        assert!(written("web1", "").is_err());
    }
}
