//! Words into paths: absolute, normalised, and with what is not known kept as such. One word may stand for several
//! paths: it may be relative to one of several directories, and an unknown in it may be empty.

use crate::invocation::Context;
use crate::word::{Arg, Origin, Part};

use super::glob::Glob;

/// Most parts of a path that are looked at; what follows may be anything.
const MAX_SEGMENTS: usize = 64;
/// Most unknown depths in one path; from the last one on it may be anything.
const MAX_DEEP: usize = 2;
/// Most paths that one word may stand for; the rest is as if the directory were not known.
const MAX_PATHS: usize = 16;

/// Directories that are links to others on every common system.
const LINKS: &[(&str, &str)] = &[
    ("/bin", "/usr/bin"),
    ("/sbin", "/usr/sbin"),
    ("/lib", "/usr/lib"),
    ("/lib32", "/usr/lib32"),
    ("/lib64", "/usr/lib64"),
    ("/var/run", "/run"),
    ("/var/lock", "/run/lock"),
    ("/run/shm", "/dev/shm"),
    ("/usr/tmp", "/var/tmp"),
    ("/etc/mtab", "/proc/self/mounts"),
    ("/etc/init.d/rc.d", "/etc/rc.d"),
];

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// One name.
    Name(Glob),
    /// Any number of names, or none.
    Deep,
}

/// A path, perhaps with parts that are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Its parts below `/`.
    pub(crate) segments: Vec<Segment>,
    /// How it came to be.
    pub(crate) via: Via,
}

/// How sure a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Via {
    /// It is what was written.
    Written,
    /// It is what was written, and a part of one of its names is only known to the host.
    Partly,
    /// It is what was written where an unknown is empty.
    Empty,
    /// It is below what was written, in a way that only the host knows.
    Below,
    /// It is relative to a directory that is not known.
    UnknownDirectory,
    /// Nothing of where it begins is known.
    Unknown,
}

/// How a path stands to an entry of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    /// It may be the entry.
    pub(crate) equal: bool,
    /// It may lie below the entry.
    pub(crate) below: bool,
    /// The entry may lie below it.
    pub(crate) above: bool,
}

impl Path {
    /// A path or pattern of our own lists.
    pub(crate) fn listed(pattern: &str) -> Vec<Segment> {
        pattern
            .split('/')
            .filter(|name| !name.is_empty())
            .map(|name| match name {
                "**" => Segment::Deep,
                name => Segment::Name(Glob::listed(name)),
            })
            .collect()
    }

    /// How it stands to an entry.
    pub(crate) fn relation(&self, entry: &[Segment]) -> Relation {
        relate(&self.segments, entry)
    }

    /// Whether it is surely the entry or below it.
    pub(crate) fn is_surely_within(&self, entry: &[Segment]) -> bool {
        self.segments.len() >= entry.len()
            && entry
                .iter()
                .zip(&self.segments)
                .all(|(listed, own)| match (own, listed) {
                    (Segment::Name(own), Segment::Name(listed)) => own.is_within(listed),
                    _ => false,
                })
    }

    /// Whether nothing in it is a pattern or unknown.
    pub(crate) fn is_certain(&self) -> bool {
        self.segments
            .iter()
            .all(|segment| matches!(segment, Segment::Name(name) if name.is_text()))
    }

    /// Whether some of it may be any number of names.
    pub(crate) fn is_deep(&self) -> bool {
        self.segments.contains(&Segment::Deep)
    }

    /// The directory above, where it ends in a pattern such as `.*`: to many shells `..` is one of what that stands for.
    pub(crate) fn climbed(&self) -> Option<Self> {
        let (Segment::Name(last), rest) = self.segments.split_last()? else {
            return None;
        };
        let dots = !last.is_text() && last.begins_with_dot() && last.meets(&Glob::text(".."));
        let (_, above) = rest.split_last()?;
        dots.then(|| Self {
            segments: above.to_vec(),
            via: self.via,
        })
    }

    /// Some of what lies below it.
    pub(crate) fn some_below(mut self) -> Self {
        if self.segments.last() != Some(&Segment::Deep) {
            self.segments.push(Segment::Deep);
        }
        self
    }

    /// The directory of which it is everything, where it ends in `/*`.
    pub(crate) fn all_of(&self) -> Option<Self> {
        match self.segments.split_last() {
            Some((Segment::Name(last), rest)) if last.is_anything() && self.via <= Via::Written => {
                Some(Self {
                    segments: rest.to_vec(),
                    via: self.via,
                })
            }
            _ => None,
        }
    }

    /// Its names as text, where all are certain.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Name(name) => name.as_text().map(str::to_owned),
                Segment::Deep => None,
            })
            .collect()
    }

    /// The name with this number, from 0.
    pub(crate) fn name(&self, at: usize) -> Option<&Glob> {
        match self.segments.get(at) {
            Some(Segment::Name(name)) => Some(name),
            _ => None,
        }
    }
}

fn relate(path: &[Segment], entry: &[Segment]) -> Relation {
    let (Some((own, own_rest)), Some((listed, listed_rest))) =
        (path.split_first(), entry.split_first())
    else {
        let ended = |rest: &[Segment]| rest.iter().all(|segment| *segment == Segment::Deep);
        return Relation {
            equal: ended(path) && ended(entry),
            below: entry.is_empty() && !path.is_empty(),
            above: path.is_empty() && !entry.is_empty(),
        };
    };
    match (own, listed) {
        (Segment::Deep, _) => {
            let mut here = relate(own_rest, entry);
            let mut on = relate(path, listed_rest);
            if listed_rest.is_empty() {
                on.below = false;
            }
            here.join(on);
            here
        }
        (_, Segment::Deep) => {
            let mut here = relate(path, listed_rest);
            here.above = false;
            here.join(relate(own_rest, entry));
            here
        }
        (Segment::Name(own), Segment::Name(listed)) => {
            if own.hits(listed) {
                relate(own_rest, listed_rest)
            } else {
                Relation::default()
            }
        }
    }
}

impl Relation {
    fn join(&mut self, other: Self) {
        self.equal |= other.equal;
        self.below |= other.below;
        self.above |= other.above;
    }
}

/// Where one of our own paths leads by the known links, and back: other ways to write it.
pub(crate) fn other_ways(pattern: &str) -> Vec<String> {
    LINKS
        .iter()
        .filter_map(|(link, target)| {
            let rest = pattern.strip_prefix(target)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{link}{rest}"))
        })
        .collect()
}

/// The paths that a word may stand for; none for the empty word. `lossy` is whether something is lost at these
/// paths: then an unknown variable is also taken as empty.
pub(crate) fn resolve(arg: &Arg, context: &Context, lossy: bool) -> Vec<Path> {
    let mut paths = Vec::new();
    if !arg.has_unknown() {
        push_all(
            &mut paths,
            &read(arg, Unknowns::Within),
            context,
            Via::Written,
        );
    } else {
        if lossy && arg.parts.iter().any(may_be_empty) {
            let read = read(arg, Unknowns::Empty);
            if !read.items.is_empty() || read.absolute {
                push_all(&mut paths, &read, context, Via::Empty);
            }
        }
        push_unknown(&mut paths, arg, context);
    }
    if !context.root.is_empty() {
        let root = read(&Arg::text(context.root.clone()), Unknowns::Within);
        for path in paths.clone() {
            let mut walk = Walk::default();
            walk.all(&root.items);
            walk.stack.extend(path.segments);
            paths.push(Path {
                segments: walk.stack,
                via: path.via,
            });
        }
    }
    paths.dedup();
    paths
}

/// What is done with unknown parts while a word is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknowns {
    /// They are empty.
    Empty,
    /// They are part of one name.
    Within,
    /// They hold any number of names.
    Deep,
}

fn may_be_empty(part: &Part) -> bool {
    matches!(part, Part::Unknown(unknown) if !matches!(unknown.from, Origin::PathsBelow(_)))
}

fn push_unknown(paths: &mut Vec<Path>, arg: &Arg, context: &Context) {
    let all_plain = arg
        .parts
        .iter()
        .all(|part| !matches!(part, Part::Unknown(unknown) if !unknown.plain));
    if all_plain {
        push_all(paths, &read(arg, Unknowns::Within), context, Via::Partly);
        return;
    }
    if let Some(Part::Unknown(first)) = arg.parts.first() {
        match &first.from {
            Origin::PathsBelow(directories) if !directories.is_empty() => {
                for directory in directories {
                    let mut below = arg.clone();
                    below.parts[0] = Part::Text(directory.clone());
                    let mut read = read(&below, Unknowns::Deep);
                    read.items.push(Item::Segment(Segment::Deep));
                    push_all(paths, &read, context, Via::Below);
                }
            }
            _ if first.plain => push_all(paths, &read(arg, Unknowns::Deep), context, Via::Below),
            _ => {
                let mut read = read(arg, Unknowns::Deep);
                read.absolute = true;
                push_all(paths, &read, context, Via::Unknown);
            }
        }
        return;
    }
    push_all(paths, &read(arg, Unknowns::Within), context, Via::Below);
    push_all(paths, &read(arg, Unknowns::Deep), context, Via::Below);
}

/// A word read as a path.
struct Read {
    absolute: bool,
    items: Vec<Item>,
}

/// A part of a path before it is normalised.
#[derive(Clone)]
enum Item {
    Segment(Segment),
    Up,
}

fn read(arg: &Arg, unknowns: Unknowns) -> Read {
    let mut reader = Reader::default();
    for part in &arg.parts {
        match part {
            Part::Text(text) => reader.text(text, false),
            Part::Pattern(text) => reader.text(text, true),
            Part::Unknown(unknown) => match unknowns {
                Unknowns::Empty if may_be_empty(part) => {}
                Unknowns::Deep if !unknown.plain => reader.deep(),
                _ => reader.unknown(),
            },
        }
    }
    reader.end_name();
    Read {
        absolute: reader.absolute,
        items: reader.items,
    }
}

#[derive(Default)]
struct Reader {
    absolute: bool,
    begun: bool,
    items: Vec<Item>,
    name: Option<Glob>,
}

impl Reader {
    fn text(&mut self, text: &str, live: bool) {
        for (at, name) in text.split('/').enumerate() {
            if at > 0 {
                self.absolute |= !self.begun;
                self.begun = true;
                self.end_name();
            }
            if name.is_empty() {
                continue;
            }
            self.begun = true;
            if live && name == "**" && self.name.is_none() {
                self.items.push(Item::Segment(Segment::Deep));
                continue;
            }
            let glob = self.name.get_or_insert_with(Glob::empty);
            if live {
                glob.push_pattern(name);
            } else {
                glob.push_text(name);
            }
        }
    }

    fn unknown(&mut self) {
        self.begun = true;
        self.name.get_or_insert_with(Glob::empty).push_unknown();
    }

    fn deep(&mut self) {
        if self.name.is_some() {
            self.unknown();
        }
        self.begun = true;
        self.end_name();
        self.items.push(Item::Segment(Segment::Deep));
        self.unknown();
    }

    fn end_name(&mut self) {
        let Some(name) = self.name.take() else {
            return;
        };
        match name.as_text() {
            Some("" | ".") => {}
            Some("..") => self.items.push(Item::Up),
            _ => self.items.push(Item::Segment(Segment::Name(name))),
        }
    }
}

fn push_all(paths: &mut Vec<Path>, read: &Read, context: &Context, via: Via) {
    let mut push = |base: &[Item], via: Via| {
        for links in [true, false] {
            let mut walk = Walk {
                links,
                ..Walk::default()
            };
            walk.all(base);
            walk.all(&read.items);
            let path = Path {
                segments: walk.stack,
                via: if walk.lost {
                    via.max(Via::UnknownDirectory)
                } else {
                    via
                },
            };
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    };
    let unknown_directory = [Item::Segment(Segment::Deep)];
    if read.absolute {
        let base: &[Item] = if via == Via::Unknown {
            &unknown_directory
        } else {
            &[]
        };
        push(base, via);
    } else if context.directories.is_empty() || context.directories.len() > MAX_PATHS {
        push(&unknown_directory, via.max(Via::UnknownDirectory));
    } else {
        for directory in &context.directories {
            let base = self::read(&Arg::text(directory.clone()), Unknowns::Within);
            push(&base.items, via);
        }
    }
}

/// Walks down a path as the kernel does.
#[derive(Default)]
struct Walk {
    /// Whether known links are followed; a shell's `cd` does not.
    links: bool,
    /// Whether the way led to a directory that is not known.
    lost: bool,
    /// Whether nothing more is looked at.
    ended: bool,
    stack: Vec<Segment>,
}

impl Walk {
    fn all(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Up => {
                    if self.stack.last() != Some(&Segment::Deep) {
                        self.stack.pop();
                    }
                }
                Item::Segment(segment) => self.down(segment.clone()),
            }
        }
    }

    fn down(&mut self, segment: Segment) {
        if self.ended || (segment == Segment::Deep && self.stack.last() == Some(&Segment::Deep)) {
            return;
        }
        let deep = |stack: &[Segment]| stack.iter().filter(|own| **own == Segment::Deep).count();
        if self.stack.len() >= MAX_SEGMENTS
            || (segment == Segment::Deep && deep(&self.stack) + 1 >= MAX_DEEP)
        {
            self.ended = true;
            if self.stack.last() != Some(&Segment::Deep) {
                self.stack.push(Segment::Deep);
            }
            return;
        }
        self.stack.push(segment);
        self.follow_process();
        if self.links {
            self.follow_link();
        }
    }

    fn follow_link(&mut self) {
        if self.stack.len() > 3 {
            return;
        }
        let path: Option<String> = self
            .stack
            .iter()
            .map(|segment| match segment {
                Segment::Name(name) => name.as_text().map(|name| format!("/{name}")),
                Segment::Deep => None,
            })
            .collect();
        let Some(path) = path else {
            return;
        };
        if let Some((_, target)) = LINKS.iter().find(|(link, _)| *link == path) {
            self.stack = Path::listed(target);
        }
    }

    /// `/proc/N/root` is `/`, `/proc/N/cwd` some directory.
    fn follow_process(&mut self) {
        let name = |at: usize| match self.stack.get(at) {
            Some(Segment::Name(name)) => name.as_text(),
            _ => None,
        };
        let len = self.stack.len();
        let below_process = len == 3 || (len == 5 && name(2) == Some("task"));
        let system = matches!(
            name(1),
            Some("sys" | "net" | "bus" | "driver" | "fs" | "irq" | "tty" | "acpi" | "scsi")
        );
        if !below_process || system || name(0) != Some("proc") {
            return;
        }
        match name(len - 1) {
            Some("root") => self.stack.clear(),
            Some("cwd") => {
                self.stack = vec![Segment::Deep];
                self.lost = true;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::Unknown;

    fn context(directories: &[&str]) -> Context {
        Context {
            directories: directories.iter().map(ToString::to_string).collect(),
            ..Context::default()
        }
    }

    fn shown(path: &Path) -> String {
        path.names().map_or_else(
            || format!("{:?} {}", path.via, path.segments.len()),
            |names| format!("/{}", names.join("/")),
        )
    }

    fn resolved(text: &str, directories: &[&str]) -> Vec<String> {
        let paths = resolve(&Arg::text(text), &context(directories), true);
        paths.iter().map(shown).collect()
    }

    #[test]
    fn paths_are_normalised() {
        for (text, expect) in [
            ("/etc//passwd", "/etc/passwd"),
            ("/etc/./passwd/", "/etc/passwd"),
            ("/etc/nginx/../passwd", "/etc/passwd"),
            ("/../../etc", "/etc"),
            ("/proc/1/root/etc/passwd", "/etc/passwd"),
            ("/proc/self/task/7/root/etc", "/etc"),
            ("/bin/sh", "/usr/bin/sh"),
            ("/var/run/x.pid", "/run/x.pid"),
            ("passwd", "/etc/passwd"),
            ("../etc/passwd", "/etc/passwd"),
            ("/", "/"),
            (".", "/etc"),
        ] {
            assert_eq!(resolved(text, &["/etc"])[0], expect, "{text}");
        }
    }

    #[test]
    fn a_way_through_a_link_is_walked_both_ways() {
        assert_eq!(resolved("/bin/../etc", &[]), ["/usr/etc", "/etc"]);
    }

    #[test]
    fn a_word_may_stand_for_several_paths() {
        assert_eq!(resolved("x", &["/a", "/b"]), ["/a/x", "/b/x"]);
        assert_eq!(resolved("x", &[]), ["UnknownDirectory 2"]);
        let arg = Arg {
            parts: vec![
                Part::Unknown(Unknown {
                    from: Origin::Variable("DIR".to_owned()),
                    plain: false,
                }),
                Part::Text("/tmp".to_owned()),
            ],
            splits: false,
        };
        let paths = resolve(&arg, &context(&["/srv"]), true);
        assert_eq!(shown(&paths[0]), "/tmp");
        assert_eq!(paths[0].via, Via::Empty);
        assert!(paths.iter().any(|path| path.via == Via::Unknown));
    }

    #[test]
    fn a_changed_root_is_below_where_it_is() {
        let inside = Context {
            root: "/mnt".to_owned(),
            ..Context::default()
        };
        let paths = resolve(&Arg::text("/etc/passwd"), &inside, false);
        assert_eq!(
            paths.iter().map(shown).collect::<Vec<_>>(),
            ["/etc/passwd", "/mnt/etc/passwd"]
        );
    }

    #[test]
    fn patterns_stand_to_entries_as_their_names_do() {
        let arg = Arg {
            parts: vec![
                Part::Text("/".to_owned()),
                Part::Pattern("???/sh?d?w".to_owned()),
            ],
            splits: true,
        };
        let paths = resolve(&arg, &Context::default(), false);
        assert!(paths[0].relation(&Path::listed("/etc/shadow")).equal);
        assert!(!paths[0].relation(&Path::listed("/etc/passwd")).equal);
        let path = &resolve(&Arg::text("/etc"), &Context::default(), false)[0];
        assert!(path.relation(&Path::listed("/etc/shadow")).above);
        assert!(path.relation(&Path::listed("/")).below);
    }
}
