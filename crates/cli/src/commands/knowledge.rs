//! `knowledge`: what people and experience taught: list, search, add, edit, verify, forget, seed, export, import, move.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use watchkeeper_model::{Collection, Entry, EntryNumber, HostName, Span, Timestamp};
use watchkeeper_server::{EntryBody, EntryEditBody, ImportBody, MoveBody, SearchBody};
use watchkeeper_watch::{
    Exported, Found, Imported, MAX_IMPORT_LINES, Moved, RefusedLine, Seeding, VectorPlace,
};

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
/// Longest line that is sent, in bytes of what is sent: a request takes little more.
const MAX_LINE_BYTES: usize = 200 * 1024;
/// Lines that were not taken and are shown, each with why.
const REFUSED_SHOWN: usize = 20;

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
                    read_text(Path::new("-"))?
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
                Some(file) => Some(read_text(file)?),
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
    let Some(path) = file else {
        return exported(session, put).await.map(drop);
    };
    let cannot = || format!("could not write {}", path.display());
    let part = Part::beside(path).with_context(cannot)?;
    let mut out = &part.file;
    let write = |line: &str| Ok(out.write_all(line.as_bytes()).with_context(cannot)?);
    let count = exported(session, write).await?;
    part.takes_its_place().with_context(cannot)?;
    let said = serde_json::json!({ "file": path, "entries": count });
    answer(session.output, &said, |_| {
        format!("{} in {}\n", show::entries_counted(count), path.display())
    })
}

/// Writes every entry as a line; how many there are.
async fn exported(
    session: &Session,
    mut write: impl FnMut(&str) -> Result<(), CommandError>,
) -> Result<usize, CommandError> {
    let (mut before, mut count) = (None, 0);
    loop {
        let place = before.map_or_else(String::new, |before: EntryNumber| {
            format!("?before={before}")
        });
        let path = format!("/v1/knowledge/export{place}");
        let page: Exported = session.client.get(&path).await?;
        for line in &page.lines {
            write(&(serde_json::to_string(line)? + "\n"))?;
        }
        count += page.lines.len();
        before = page.next;
        if before.is_none() {
            return Ok(count);
        }
    }
}

/// A file beside the one that is written, its owner's only: an export is there whole, or what was there before stays. A
/// pipe or a device is written to as it is.
struct Part {
    file: std::fs::File,
    /// Where it is, and where it belongs.
    places: Option<(PathBuf, PathBuf)>,
}

impl Part {
    fn beside(path: &Path) -> std::io::Result<Self> {
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut options = std::fs::OpenOptions::new();
        options.write(true);
        if std::fs::metadata(&target).is_ok_and(|there| !there.is_file()) {
            let file = options.open(&target)?;
            return Ok(Self { file, places: None });
        }
        let mut name = target.as_os_str().to_owned();
        name.push(format!(".new-{:08x}", rand::random::<u32>()));
        let place = PathBuf::from(name);
        let file = options.create_new(true).mode(0o600).open(&place)?;
        Ok(Self {
            file,
            places: Some((place, target)),
        })
    }

    fn takes_its_place(mut self) -> std::io::Result<()> {
        let Some((place, target)) = &self.places else {
            return Ok(());
        };
        self.file.sync_all()?;
        std::fs::rename(place, target)?;
        self.places = None;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some((place, _)) = &self.places {
            let _ = std::fs::remove_file(place);
        }
    }
}

async fn import(session: &Session, file: &Path, found_right: bool) -> Ended {
    let bytes = read(file, MAX_IMPORT_BYTES)?;
    // What is not a text is refused line by line, with a reason.
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let mut whole = Imported::default();
    let mut from = 0;
    while from < lines.len() {
        if sent_bytes(lines[from]) > MAX_LINE_BYTES {
            whole.refused.push(RefusedLine {
                line: from + 1,
                why: format!("the line is longer than {} KiB", MAX_LINE_BYTES / 1024),
            });
            from += 1;
            continue;
        }
        let until = from + taken_together(&lines[from..]);
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
        format!(
            "{}\n{}",
            show::counted(whole.taken),
            refusals(&whole.refused)
        )
    })?;
    Ok(u8::from(!whole.refused.is_empty()))
}

/// How long a line is as it is sent: within JSON, its quotes take more.
fn sent_bytes(line: &str) -> usize {
    serde_json::to_string(line).map_or(usize::MAX, |sent| sent.len())
}

/// How many of these lines go into one request: one at least.
fn taken_together(lines: &[&str]) -> usize {
    let (mut count, mut bytes) = (0, 0);
    for line in lines.iter().take(MAX_IMPORT_LINES) {
        bytes += sent_bytes(line);
        if count > 0 && bytes > IMPORT_AT_ONCE {
            break;
        }
        count += 1;
    }
    count
}

/// The lines that were not taken; of a file that is none, only the first.
fn refusals(refused: &[RefusedLine]) -> String {
    let mut text = String::new();
    for refused in refused.iter().take(REFUSED_SHOWN) {
        let why = watchkeeper_model::visible(&refused.why);
        text.push_str(&format!("line {} was refused: {why}\n", refused.line));
    }
    match refused.len().saturating_sub(REFUSED_SHOWN) {
        0 => {}
        1 => text.push_str("and 1 more line\n"),
        more => text.push_str(&format!("and {more} more lines\n")),
    }
    text
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

/// A file, or standard input, as a text.
fn read_text(file: &Path) -> Result<String, CommandError> {
    let text = String::from_utf8(read(file, MAX_TEXT_BYTES)?).ok();
    let text = text.filter(|text| !text.contains('\0'));
    text.ok_or_else(|| CommandError::usage(anyhow!("{} is no text (UTF-8)", name(file))))
}

/// What is read, as a person would say.
fn name(file: &Path) -> std::borrow::Cow<'_, str> {
    if file == Path::new("-") {
        "standard input".into()
    } else {
        file.to_string_lossy()
    }
}

/// A file, or standard input, whole.
fn read(file: &Path, most: u64) -> Result<Vec<u8>, CommandError> {
    let source: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let opened = std::fs::File::open(file);
        Box::new(opened.with_context(|| format!("could not read {}", name(file)))?)
    };
    let mut bytes = Vec::new();
    let read = source.take(most + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("could not read {}", name(file)))?;
    if bytes.len() as u64 > most {
        let limit = if most < 1024 * 1024 {
            format!("{} KiB", most / 1024)
        } else {
            format!("{} MiB", most / (1024 * 1024))
        };
        return Err(CommandError::usage(anyhow!(
            "{} is longer than {limit}",
            name(file)
        )));
    }
    Ok(bytes)
}
