//! `knowledge`: what people and experience taught: list, search, add, edit, verify, forget, seed, export, import, move.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use watchkeeper_model::{Collection, Entry, EntryNumber, HostName, Span, Timestamp};
use watchkeeper_server::{EntryBody, EntryEditBody, ImportBody, MoveBody, SearchBody};
use watchkeeper_watch::{Exported, Found, Imported, MAX_IMPORT_LINES, Moved, Seeding, VectorPlace};

use super::knowledge_edit::in_editor;
use super::{Ended, answer, put};
use crate::failure::CommandError;
use crate::session::Session;
use crate::show;

/// Longest text that is read from a file for one entry.
const MAX_TEXT_BYTES: u64 = 64 * 1024;
/// Longest file that is imported.
const MAX_IMPORT_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of lines in one request of an import; a single line may be longer.
const IMPORT_AT_ONCE: usize = 100 * 1024;

/// What to do with what is known.
#[derive(Debug, Args)]
pub(crate) struct KnowledgeArgs {
    #[command(subcommand)]
    pub(crate) command: Option<KnowledgeCommand>,
}

/// Which entries.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Wanted {
    /// Only of this collection: issues, knowledge, configs, hosts, conversations
    #[arg(long)]
    collection: Option<Collection>,
    /// Only of this kind, e.g. command, troubleshooting, outcome
    #[arg(long)]
    kind: Option<String>,
    /// Only about this host
    #[arg(long)]
    host: Option<HostName>,
    /// Only with this label
    #[arg(long)]
    label: Option<String>,
    /// At most so many
    #[arg(long, short = 'n')]
    limit: Option<u32>,
}

/// Where vectors are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Place {
    /// In memory
    Embedded,
    /// On the Qdrant server of the configuration
    Qdrant,
}

/// One thing to do with what is known; `list` where nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum KnowledgeCommand {
    /// What is known, the newest first
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// What has expired, too
        #[arg(long, short)]
        all: bool,
    },
    /// One entry, with where it comes from and for whom it may speak
    Show {
        /// The entry
        #[arg(value_name = "N")]
        number: EntryNumber,
    },
    /// Find what is known, by words and, where an embedding model answers, by meaning
    Search {
        /// The question, in any words
        #[arg(required = true, value_name = "TEXT")]
        text: Vec<String>,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Write down what you know
    Add {
        /// Its topic, in a line
        topic: String,
        /// What it says; `-`: from standard input
        #[arg(required = true)]
        text: Vec<String>,
        /// A word for what it is
        #[arg(long, default_value = "note")]
        kind: String,
        /// The host it is about
        #[arg(long)]
        host: Option<HostName>,
        /// A word to filter by; may be said again
        #[arg(long)]
        label: Vec<String>,
        /// After this time it is not found any more, e.g. 30d
        #[arg(long)]
        expires: Option<Span>,
    },
    /// Change an entry; what is not said stays. With nothing said, in your editor
    Edit {
        /// The entry
        #[arg(value_name = "N")]
        number: EntryNumber,
        /// Its topic
        #[arg(long)]
        topic: Option<String>,
        /// What it says
        #[arg(long)]
        text: Option<String>,
        /// What it says, from a file; `-`: from standard input
        #[arg(long, conflicts_with = "text")]
        file: Option<PathBuf>,
        /// A word for what it is
        #[arg(long)]
        kind: Option<String>,
        /// The words to filter by, in place of those it has; may be said again
        #[arg(long)]
        label: Option<Vec<String>>,
        /// After this time it is not found any more, e.g. 30d
        #[arg(long)]
        expires: Option<Span>,
        /// It is found for ever
        #[arg(long, conflicts_with = "expires")]
        never_expires: bool,
    },
    /// Say that an entry is right: it may then speak for every host
    Verify {
        /// The entry
        #[arg(value_name = "N")]
        number: EntryNumber,
    },
    /// Forget an entry
    Forget {
        /// The entry
        #[arg(value_name = "N")]
        number: EntryNumber,
    },
    /// Bring what ships with Watchkeeper; what you edited or forgot stays so
    Seed {
        /// What was edited or forgotten comes back as it ships
        #[arg(long)]
        again: bool,
    },
    /// Write everything as lines of JSON, with where it comes from
    Export {
        /// The file; without it, standard output
        file: Option<PathBuf>,
    },
    /// Bring lines of JSON; again changes nothing
    ///
    /// What is imported is marked as such and speaks for no host but its own. Exit status 1 where a line was refused.
    Import {
        /// The file; `-`: standard input
        file: PathBuf,
        /// You say that what it says is right
        #[arg(long)]
        confirmed: bool,
    },
    /// Move the search by meaning to a Qdrant server, or back; counts and a sample are compared first
    Move {
        /// Where to
        #[arg(long, value_enum)]
        to: Place,
    },
}

/// Does one thing with what is known.
pub(super) async fn run(session: &Session, args: &KnowledgeArgs) -> Ended {
    let client = &session.client;
    let everything = KnowledgeCommand::List {
        wanted: Wanted::default(),
        all: false,
    };
    match args.command.as_ref().unwrap_or(&everything) {
        KnowledgeCommand::List { wanted, all } => {
            let entries: Vec<Entry> = client.get(&list_path(wanted, *all)).await?;
            answer(session.output, &entries, |entries| {
                show::entry_list(&session.page, entries, &session.called)
            })?;
        }
        KnowledgeCommand::Show { number } => {
            let entry: Entry = client.get(&format!("/v1/knowledge/{number}")).await?;
            answer(session.output, &entry, |entry| {
                show::entry_sheet(&session.page, entry, &session.called)
            })?;
        }
        KnowledgeCommand::Search { text, wanted } => {
            let body = SearchBody {
                text: text.join(" "),
                collections: wanted.collection.into_iter().collect(),
                kinds: wanted.kind.iter().cloned().collect(),
                labels: wanted
                    .label
                    .iter()
                    .map(|label| label.to_lowercase())
                    .collect(),
                host: wanted.host.clone(),
                limit: wanted.limit.map(|limit| limit as usize),
            };
            let found: Vec<Found> = client.post("/v1/knowledge/search", &body).await?;
            answer(session.output, &found, |found| {
                show::found_list(&session.page, found, &session.called)
            })?;
        }
        KnowledgeCommand::Add { .. } | KnowledgeCommand::Edit { .. } => {
            teach(session, args.command.as_ref().expect("it was said")).await?;
        }
        KnowledgeCommand::Verify { number } => {
            decide(session, *number, "verify", "is found to be right").await?;
        }
        KnowledgeCommand::Forget { number } => {
            decide(session, *number, "forget", "is forgotten").await?;
        }
        KnowledgeCommand::Seed { again } => {
            let path = format!("/v1/knowledge/seed?again={again}");
            let seeding: Seeding = client.post(&path, &()).await?;
            answer(session.output, &seeding, |seeding| {
                show::seeding(seeding, &session.called)
            })?;
        }
        KnowledgeCommand::Export { file } => export(session, file.as_deref()).await?,
        KnowledgeCommand::Import { file, confirmed } => {
            return import(session, file, *confirmed).await;
        }
        KnowledgeCommand::Move { to } => relocate(session, *to).await?,
    }
    Ok(0)
}

fn list_path(wanted: &Wanted, all: bool) -> String {
    let mut path = format!("/v1/knowledge?all={all}");
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", encoded(&value)));
        }
    };
    add(
        "collection",
        wanted
            .collection
            .map(|collection| collection.as_str().to_owned()),
    );
    add("kind", wanted.kind.clone());
    add("host", wanted.host.as_ref().map(ToString::to_string));
    add("label", wanted.label.clone());
    add("limit", wanted.limit.map(|limit| limit.to_string()));
    path
}

/// A value as it may stand in an address.
pub(super) fn encoded(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

async fn teach(session: &Session, command: &KnowledgeCommand) -> Result<(), CommandError> {
    let (client, after) = (&session.client, |span: &Span| {
        session.page.now.after(span.0)
    });
    let entry: Entry = match command {
        KnowledgeCommand::Add {
            topic,
            text,
            kind,
            host,
            label,
            expires,
        } => {
            let text = text.join(" ");
            let body = EntryBody {
                title: topic.clone(),
                text: if text == "-" {
                    read(Path::new("-"), MAX_TEXT_BYTES)?
                } else {
                    text
                },
                kind: kind.clone(),
                host: host.clone(),
                labels: label.clone(),
                expires_at: expires.as_ref().map(after),
            };
            client.post("/v1/knowledge", &body).await?
        }
        KnowledgeCommand::Edit {
            number,
            topic,
            text,
            file,
            kind,
            label,
            expires,
            never_expires,
        } => {
            let expires_at: Option<Timestamp> = expires.as_ref().map(after);
            let text = match file {
                Some(file) => Some(read(file, MAX_TEXT_BYTES)?),
                None => text.clone(),
            };
            let body = EntryEditBody {
                title: topic.clone(),
                text,
                kind: kind.clone(),
                labels: label.clone(),
                expires_at,
                never_expires: *never_expires,
            };
            let says_nothing = body.title.is_none() && body.text.is_none() && body.kind.is_none();
            if says_nothing && body.labels.is_none() && expires_at.is_none() && !never_expires {
                if session.terminal {
                    return edited(session, *number).await;
                }
                return Err(CommandError::usage(anyhow!(
                    "say what is to change: --topic, --text, --file, --kind, --label, --expires or --never-expires"
                )));
            }
            client
                .put(&format!("/v1/knowledge/{number}"), &body)
                .await?
        }
        _ => return Ok(()),
    };
    answer(session.output, &entry, |entry| {
        format!(
            "entry {}: {}\n",
            entry.number,
            watchkeeper_model::visible(&entry.title)
        )
    })
}

/// Has an entry changed in the person's editor.
async fn edited(session: &Session, number: EntryNumber) -> Result<(), CommandError> {
    match in_editor(session, number).await? {
        Some(entry) => answer(session.output, &entry, |entry| {
            let title = watchkeeper_model::visible(&entry.title);
            format!("entry {number}: {title}\n")
        }),
        None => {
            let same: Entry = session
                .client
                .get(&format!("/v1/knowledge/{number}"))
                .await?;
            answer(session.output, &same, |_| {
                format!("entry {number}: nothing was changed\n")
            })
        }
    }
}

async fn decide(
    session: &Session,
    number: EntryNumber,
    what: &str,
    said: &str,
) -> Result<(), CommandError> {
    let entry: Entry = session
        .client
        .post(&format!("/v1/knowledge/{number}/{what}"), &())
        .await?;
    answer(session.output, &entry, |_| {
        format!("entry {number} {said}\n")
    })
}

async fn export(session: &Session, file: Option<&Path>) -> Result<(), CommandError> {
    let mut out: Option<std::fs::File> = match file {
        Some(path) => {
            let made = std::fs::File::create(path);
            Some(made.with_context(|| format!("could not write {}", path.display()))?)
        }
        None => None,
    };
    let (mut before, mut count) = (None, 0);
    loop {
        let place = before.map_or_else(String::new, |before: EntryNumber| {
            format!("?before={before}")
        });
        let page: Exported = session
            .client
            .get(&format!("/v1/knowledge/export{place}"))
            .await?;
        for line in &page.lines {
            let line = serde_json::to_string(line)? + "\n";
            match &mut out {
                Some(file) => file
                    .write_all(line.as_bytes())
                    .context("could not write the export")?,
                None => put(&line)?,
            }
        }
        count += page.lines.len();
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    if let Some(path) = file {
        let said = serde_json::json!({ "file": path, "entries": count });
        answer(session.output, &said, |_| {
            format!("{} in {}\n", show::entries_counted(count), path.display())
        })?;
    }
    Ok(())
}

async fn import(session: &Session, file: &Path, found_right: bool) -> Ended {
    let text = read(file, MAX_IMPORT_BYTES)?;
    let lines: Vec<&str> = text.lines().collect();
    let mut whole = Imported::default();
    let mut from = 0;
    while from < lines.len() {
        let (mut until, mut bytes) = (from, 0);
        while until < lines.len() && until - from < MAX_IMPORT_LINES {
            bytes += lines[until].len();
            if until > from && bytes > IMPORT_AT_ONCE {
                break;
            }
            until += 1;
        }
        let body = ImportBody {
            lines: lines[from..until]
                .iter()
                .map(|line| (*line).to_owned())
                .collect(),
            found_right,
        };
        let part: Imported = session.client.post("/v1/knowledge/import", &body).await?;
        whole.taken.new += part.taken.new;
        whole.taken.changed += part.taken.changed;
        whole.taken.same += part.taken.same;
        for mut refused in part.refused {
            refused.line += from;
            whole.refused.push(refused);
        }
        from = until;
    }
    answer(session.output, &whole, |whole| {
        let mut text = format!("{}\n", show::counted(whole.taken));
        for refused in &whole.refused {
            let why = watchkeeper_model::visible(&refused.why);
            text.push_str(&format!("line {} was refused: {why}\n", refused.line));
        }
        text
    })?;
    Ok(u8::from(!whole.refused.is_empty()))
}

async fn relocate(session: &Session, to: Place) -> Result<(), CommandError> {
    let to = match to {
        Place::Embedded => VectorPlace::Embedded,
        Place::Qdrant => VectorPlace::Qdrant,
    };
    let moved: Moved = session
        .client
        .post("/v1/knowledge/move", &MoveBody { to })
        .await?;
    answer(session.output, &moved, |moved| {
        let place = match moved.to {
            VectorPlace::Embedded => "in memory",
            VectorPlace::Qdrant => "on the Qdrant server",
        };
        let Moved {
            vectors, compared, ..
        } = moved;
        format!("vectors are searched {place}: {vectors} there, {compared} compared\n")
    })
}

/// A file, or standard input, as text.
fn read(file: &Path, most: u64) -> Result<String, CommandError> {
    let source: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let opened = std::fs::File::open(file);
        Box::new(opened.with_context(|| format!("could not read {}", file.display()))?)
    };
    let mut bytes = Vec::new();
    let read = source.take(most + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("could not read {}", file.display()))?;
    if bytes.len() as u64 > most {
        return Err(CommandError::usage(anyhow!(
            "{} is longer than {most} bytes",
            file.display()
        )));
    }
    // What is not a text is refused line by line, with a reason, where lines are read.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
