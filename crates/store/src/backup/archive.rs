//! The file itself: parts written one after the other, and read one after the other with a limit on each. What is
//! counted and digested while writing is counted and digested again while reading.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, BufWriter, Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use watchkeeper_model::{Digest, Timestamp, visible};

use super::{BackupError, BackupFile, FORMAT, FileLine, Heading, Manifest, TableLine};
use crate::migrations;

const HEADING: &str = "backup.json";
const MANIFEST: &str = "manifest.json";
/// A part is written when it has so many bytes.
const PART_BYTES: usize = 1024 * 1024;
/// Largest part that is read: one row may be larger than a part should be.
const MAX_PART_BYTES: u64 = 128 * 1024 * 1024;
/// Largest file that is kept with a backup.
pub(super) const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;
/// Largest heading and manifest.
const MAX_TOLD_BYTES: u64 = 4 * 1024 * 1024;

/// Writes a backup.
pub(super) struct Writer<W: Write> {
    tar: tar::Builder<GzEncoder<BufWriter<W>>>,
    at: Timestamp,
    rows: Vec<TableLine>,
    files: Vec<FileLine>,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(output: W, heading: &Heading) -> Result<Self, BackupError> {
        let gzip = GzEncoder::new(BufWriter::new(output), Compression::default());
        let mut writer = Self {
            tar: tar::Builder::new(gzip),
            at: heading.taken_at,
            rows: Vec::new(),
            files: Vec::new(),
        };
        writer.add(HEADING, &json(heading)?)?;
        Ok(writer)
    }

    pub(super) const fn table(&mut self, name: String) -> TableWriter<'_, W> {
        TableWriter {
            writer: self,
            name,
            part: String::new(),
            parts: 0,
            count: 0,
            tally: None,
        }
    }

    pub(super) fn file(&mut self, file: &BackupFile) -> Result<(), BackupError> {
        self.add(&format!("files/{}", file.name), &file.bytes)?;
        self.files.push(FileLine {
            name: file.name.clone(),
            bytes: file.bytes.len() as u64,
            sha256: Digest::of_bytes(&file.bytes),
        });
        Ok(())
    }

    /// Ends it; `told` has everything but what was counted here.
    pub(super) fn end(mut self, told: Manifest) -> Result<(Manifest, W), BackupError> {
        let manifest = Manifest {
            rows: std::mem::take(&mut self.rows),
            files: std::mem::take(&mut self.files),
            ..told
        };
        self.add(MANIFEST, &json(&manifest)?)?;
        let gzip = self.tar.into_inner().map_err(BackupError::Write)?;
        let buffered = gzip.finish().map_err(BackupError::Write)?;
        let output = buffered.into_inner();
        Ok((
            manifest,
            output.map_err(|error| BackupError::Write(error.into_error()))?,
        ))
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.at.as_millis() / 1000).unwrap_or(0));
        self.tar
            .append_data(&mut header, name, bytes)
            .map_err(BackupError::Write)
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, BackupError> {
    serde_json::to_vec_pretty(value).map_err(|error| BackupError::Write(error.into()))
}

/// Writes the rows of one table.
pub(super) struct TableWriter<'w, W: Write> {
    writer: &'w mut Writer<W>,
    name: String,
    part: String,
    parts: u32,
    count: u64,
    tally: Option<Sha256>,
}

impl<W: Write> TableWriter<'_, W> {
    pub(super) fn line(&mut self, line: &str) -> Result<(), BackupError> {
        self.part.push_str(line);
        self.part.push('\n');
        self.count += 1;
        if self.part.len() >= PART_BYTES {
            self.put()?;
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), BackupError> {
        if !self.part.is_empty() {
            self.put()?;
        }
        self.writer.rows.push(TableLine {
            table: self.name,
            rows: self.count,
            sha256: finished(self.tally.unwrap_or_default()),
        });
        Ok(())
    }

    fn put(&mut self) -> Result<(), BackupError> {
        self.parts += 1;
        let name = part_name(&self.name, self.parts);
        self.tally.get_or_insert_default().update(&self.part);
        self.writer.add(&name, self.part.as_bytes())?;
        self.part.clear();
        Ok(())
    }
}

fn part_name(table: &str, part: u32) -> String {
    format!("tables/{table}/{part:06}.jsonl")
}

pub(super) fn finished(tally: Sha256) -> Digest {
    let hex = hex::encode(tally.finalize());
    hex.parse().expect("a SHA-256 is a digest")
}

/// What comes out of a backup, in its order.
pub(super) enum Piece<'p> {
    /// What it is.
    Heading(&'p Heading),
    /// Some rows of a table.
    Lines {
        /// The table.
        table: &'p str,
        /// Its rows, one a line.
        lines: &'p str,
    },
    /// A file.
    File(BackupFile),
}

/// Reads a backup to its end, hands over what is in it, and compares that with what it says of itself.
pub(super) async fn read(
    input: impl Read,
    mut each: impl AsyncFnMut(Piece<'_>) -> Result<(), BackupError>,
) -> Result<Manifest, BackupError> {
    let mut input = BufReader::new(input);
    let mut reading = Reading::default();
    let mut archive = tar::Archive::new(GzDecoder::new(&mut input));
    for entry in archive.entries().map_err(|error| unread(&error))? {
        let mut entry = entry.map_err(|error| reading.unread(&error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !entry.header().entry_type().is_file() {
            return Err(reading.out_of_place(&name));
        }
        let size = entry.size();
        let bytes = reading.whole(&mut entry, &name, size)?;
        reading.take(&name, bytes, &mut each).await?;
    }
    // The rest of the tar is zeros, and behind them stands the checksum of what was compressed.
    let mut rest = archive.into_inner();
    std::io::copy(&mut rest, &mut std::io::sink()).map_err(|error| reading.unread(&error))?;
    let behind = input
        .read(&mut [0])
        .map_err(|error| reading.unread(&error))?;
    reading.end(behind > 0)
}

fn unread(error: &std::io::Error) -> BackupError {
    BackupError::NotABackup {
        why: error.to_string(),
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    heading: Option<Heading>,
    manifest: Option<Manifest>,
    table: usize,
    parts: u32,
    rows: BTreeMap<String, (u64, Sha256)>,
    files: Vec<FileLine>,
    file_names: BTreeSet<String>,
}

impl Reading {
    /// Something that no backup has, or not there.
    fn out_of_place(&self, name: &str) -> BackupError {
        let name = visible(name);
        match &self.heading {
            None => BackupError::NotABackup {
                why: format!("it begins with {name}"),
            },
            Some(_) => BackupError::damaged(format!("{name} is out of place")),
        }
    }

    fn unread(&self, error: &std::io::Error) -> BackupError {
        match &self.heading {
            None => unread(error),
            Some(_) => BackupError::damaged(error.to_string()),
        }
    }

    fn whole(&self, from: &mut impl Read, name: &str, size: u64) -> Result<Vec<u8>, BackupError> {
        let limit = match name {
            HEADING | MANIFEST => MAX_TOLD_BYTES,
            _ if name.starts_with("files/") => MAX_FILE_BYTES,
            _ => MAX_PART_BYTES,
        };
        if self.heading.is_none() && name != HEADING {
            return Err(BackupError::NotABackup {
                why: format!("it does not begin with {HEADING}"),
            });
        }
        if size > limit {
            return Err(BackupError::damaged(format!(
                "{} is too large",
                visible(name)
            )));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0));
        let read = from.take(limit).read_to_end(&mut bytes);
        read.map_err(|error| self.unread(&error))?;
        Ok(bytes)
    }

    async fn take(
        &mut self,
        name: &str,
        bytes: Vec<u8>,
        each: &mut impl AsyncFnMut(Piece<'_>) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        if self.manifest.is_some() {
            return Err(self.out_of_place(name));
        }
        if name == HEADING {
            if self.heading.is_some() {
                return Err(self.out_of_place(name));
            }
            let heading = known(heading(&bytes)?)?;
            each(Piece::Heading(&heading)).await?;
            self.heading = Some(heading);
        } else if name == MANIFEST {
            self.manifest = Some(told(&bytes, name)?);
        } else if let Some(file) = name.strip_prefix("files/").filter(|file| is_plain(file)) {
            if !self.file_names.insert(file.to_owned()) {
                return Err(self.out_of_place(name));
            }
            let name = file.to_owned();
            self.files.push(FileLine {
                name: name.clone(),
                bytes: bytes.len() as u64,
                sha256: Digest::of_bytes(&bytes),
            });
            each(Piece::File(BackupFile { name, bytes })).await?;
        } else {
            let Some(table) = self.part(name) else {
                return Err(self.out_of_place(name));
            };
            let not_text = |_| BackupError::damaged(format!("{} is not text", visible(name)));
            let lines = String::from_utf8(bytes).map_err(not_text)?;
            let (count, tally) = self.rows.entry(table.clone()).or_default();
            *count += lines.lines().count() as u64;
            tally.update(&lines);
            let (table, lines) = (table.as_str(), lines.as_str());
            each(Piece::Lines { table, lines }).await?;
        }
        Ok(())
    }

    /// The table that a part belongs to: the next part of the table that is read, or the first of a later one.
    fn part(&mut self, name: &str) -> Option<String> {
        let tables = &self.heading.as_ref()?.tables;
        if self.parts > 0
            && tables
                .get(self.table)
                .is_some_and(|table| part_name(table, self.parts + 1) == name)
        {
            self.parts += 1;
            return tables.get(self.table).cloned();
        }
        let from = if self.parts == 0 { 0 } else { self.table + 1 };
        let place = (from..tables.len()).find(|place| part_name(&tables[*place], 1) == name)?;
        (self.table, self.parts) = (place, 1);
        tables.get(place).cloned()
    }

    /// Whether everything was there, and nothing else.
    fn end(self, more: bool) -> Result<Manifest, BackupError> {
        let (Some(heading), Some(manifest)) = (self.heading, self.manifest) else {
            return Err(BackupError::damaged("its end is missing"));
        };
        if more {
            return Err(BackupError::damaged("something stands behind its end"));
        }
        if manifest.heading != heading {
            return Err(BackupError::damaged("its end is another backup's"));
        }
        let mut rows = self.rows;
        for table in &heading.tables {
            let (count, tally) = rows.remove(table).unwrap_or_default();
            let found = TableLine {
                table: table.clone(),
                rows: count,
                sha256: finished(tally),
            };
            if !manifest.rows.contains(&found) {
                return Err(BackupError::damaged(format!(
                    "the rows of {table} are not those that were written"
                )));
            }
        }
        if manifest.rows.len() != heading.tables.len() || manifest.files != self.files {
            return Err(BackupError::damaged(
                "its files are not those that were written",
            ));
        }
        Ok(manifest)
    }
}

/// A name of a file that leads nowhere else.
fn is_plain(name: &str) -> bool {
    let fits = |part: &str| !matches!(part, "" | "." | "..");
    name.split('/').all(fits) && !name.contains(|c: char| c == '\\' || c.is_control())
}

fn told<T: DeserializeOwned>(bytes: &[u8], name: &str) -> Result<T, BackupError> {
    serde_json::from_slice(bytes).map_err(|error| BackupError::damaged(format!("{name}: {error}")))
}

/// Reads the format before anything else: a newer one may say the rest in other words.
fn heading(bytes: &[u8]) -> Result<Heading, BackupError> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
        #[serde(default)]
        program: String,
    }
    let Format { format, program } =
        serde_json::from_slice(bytes).map_err(|error| BackupError::NotABackup {
            why: format!("{HEADING}: {error}"),
        })?;
    if format > FORMAT {
        return Err(BackupError::Newer {
            program: visible(&program).into_owned(),
            what: "format",
            theirs: i64::from(format),
            ours: i64::from(FORMAT),
        });
    }
    told(bytes, HEADING)
}

/// The heading, where its tables are known here.
fn known(heading: Heading) -> Result<Heading, BackupError> {
    let schema = heading.schema;
    if schema > migrations::newest() {
        return Err(BackupError::Newer {
            program: visible(&heading.program).into_owned(),
            what: "migration",
            theirs: schema,
            ours: migrations::newest(),
        });
    }
    if heading.tables_digest != migrations::digest_up_to(schema) {
        return Err(BackupError::OtherTables { schema });
    }
    Ok(heading)
}
