//! Words of a text, as they are indexed and asked for. What an administrator would type is found whole and in parts:
//! `nginx.service` is itself, `nginx` and `service`; `/etc/nginx/nginx.conf` also `nginx.conf`; `NetworkManager` also
//! `network` and `manager`. Any text is legal: nothing in it is an operator.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Longest word that is kept, in characters; of longer ones only the parts are.
const MAX_WORD_CHARS: usize = 96;
/// Shortest stem that an ending is taken from.
const MIN_STEM: usize = 4;

/// Words that say nothing in a question. They are indexed, but not asked for where others are.
const EMPTY_WORDS: &str = "a about after again all also always am an and another any anymore anything are as at be because \
    been before being but by came can cannot cant come comes could did didnt do does doesnt dont during each even every \
    everything first for from get gets getting go goes going got had has have he help her here him how i if in into is isnt \
    it its just keep keeps last let longer lot made make makes many me more much my need needs new no not nothing now of off \
    old on one only or other our out please really right said same say says she should since so some somebody someone \
    something still suddenly than that the their them then there these they thing things this to told too two up us use used \
    uses using very want wants was way we were what when where which while who why will with wont would you your";

/// The same as they are indexed.
static EMPTY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = EMPTY_WORDS.split_whitespace();
    words
        .flat_map(|word| [word.to_owned(), stem(word)])
        .collect()
});

/// Calls `each` with every word of a text, in its indexed form, whole ones and parts.
pub(crate) fn words(text: &str, mut each: impl FnMut(&str)) {
    for piece in text.split(|c: char| !is_piece(c)) {
        let piece = piece.trim_matches(|c: char| !c.is_alphanumeric());
        if !piece.is_empty() {
            of_piece(piece, &mut each);
        }
    }
}

/// The words of a question, each once, without those that say nothing unless there are no others.
pub(crate) fn asked(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    words(text, |word| {
        if !all.iter().any(|known| known == word) {
            all.push(word.to_owned());
        }
    });
    let telling: Vec<String> = all
        .iter()
        .filter(|word| !EMPTY.contains(word.as_str()))
        .cloned()
        .collect();
    if telling.is_empty() { all } else { telling }
}

/// What stands inside a name, a path, an option, an address or a word.
fn is_piece(c: char) -> bool {
    c.is_alphanumeric()
        || is_mark(c)
        || matches!(
            c,
            '.' | '_' | '-' | '/' | '@' | ':' | '\'' | '\u{2019}' | '+' | '\\'
        )
}

/// Accents that follow their letter.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f)
}

fn of_piece(piece: &str, each: &mut impl FnMut(&str)) {
    let folded = fold(piece);
    let is_plain = piece.chars().all(char::is_alphanumeric);
    if !is_plain {
        // The name as it stands: no ending is taken from it.
        if folded.chars().count() <= MAX_WORD_CHARS {
            each(&folded);
        }
        if piece.contains('/') {
            for step in folded
                .split('/')
                .filter(|step| step.contains(['.', '-', '_', '@']))
            {
                each(step.trim_matches(|c: char| !c.is_alphanumeric()));
            }
        }
    }
    let without_apostrophes: String = piece
        .chars()
        .filter(|c| !matches!(c, '\'' | '\u{2019}'))
        .collect();
    for part in without_apostrophes.split(|c: char| !c.is_alphanumeric() && !is_mark(c)) {
        if !part.is_empty() {
            of_part(part, each);
        }
    }
}

/// A run of letters and digits.
fn of_part(part: &str, each: &mut impl FnMut(&str)) {
    if part.chars().any(is_unspaced) {
        return of_unspaced(part, each);
    }
    let word = stem(&fold(part));
    if word.chars().count() <= MAX_WORD_CHARS {
        each(&word);
    }
    for hump in humps(part) {
        each(&stem(&fold(hump)));
    }
}

/// Scripts that put no blanks between words: each pair of neighbours is a word.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x0e00..=0x0eff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

fn of_unspaced(part: &str, each: &mut impl FnMut(&str)) {
    let chars: Vec<char> = part.chars().collect();
    if chars.len() == 1 {
        each(part);
    }
    for pair in chars.windows(2) {
        each(&pair.iter().collect::<String>());
    }
}

/// `NetworkManager` is two words, and so is `OOMKilled`; a word of one is none.
fn humps(part: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = part.char_indices().collect();
    let mut starts = vec![0];
    for at in 1..chars.len() {
        let (before, here) = (chars[at - 1].1, chars[at].1);
        let after_is_small = chars
            .get(at + 1)
            .is_some_and(|(_, next)| next.is_lowercase());
        if here.is_uppercase()
            && (before.is_lowercase() || (before.is_uppercase() && after_is_small))
        {
            starts.push(chars[at].0);
        }
    }
    if starts.len() == 1 {
        return Vec::new();
    }
    starts.push(part.len());
    starts
        .windows(2)
        .map(|ends| &part[ends[0]..ends[1]])
        .filter(|hump| hump.len() > 1)
        .collect()
}

/// Small letters without accents that stand by themselves.
fn fold(text: &str) -> String {
    text.chars()
        .filter(|c| !is_mark(*c))
        .map(|c| if c == '\u{2019}' { '\'' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Takes the common endings of English off, so that `failed`, `fails` and `failing` are one word. It need not be right,
/// only the same on both sides.
pub(crate) fn stem(word: &str) -> String {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = word;
    if stem.len() > MIN_STEM - 1
        && stem.ends_with('s')
        && !stem.ends_with("ss")
        && !stem.ends_with("us")
        && !stem.ends_with("is")
    {
        stem = &stem[..stem.len() - 1];
    }
    if let Some(cut) = stem.strip_suffix("ie").filter(|_| stem.len() > MIN_STEM) {
        return format!("{cut}y");
    }
    let cut = ["ing", "ed"]
        .into_iter()
        .find_map(|end| stem.strip_suffix(end));
    if let Some(cut) = cut.filter(|cut| cut.len() >= MIN_STEM - 1) {
        stem = cut;
        let bytes = stem.as_bytes();
        let last = bytes[bytes.len() - 1];
        // `running` is `run`, but `filling` is `fill`.
        if bytes[bytes.len() - 2] == last && !matches!(last, b'l' | b's' | b'z') {
            stem = &stem[..stem.len() - 1];
        }
    }
    if stem.len() > MIN_STEM {
        stem = stem.strip_suffix('e').unwrap_or(stem);
    }
    stem.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        words(text, |word| found.push(word.to_owned()));
        found
    }

    #[test]
    fn names_are_whole_and_in_parts() {
        assert_eq!(of("nginx.service"), ["nginx.service", "nginx", "servic"]);
        assert_eq!(of("EXT4-fs"), ["ext4-fs", "ext4", "fs"]);
        assert_eq!(
            of("/etc/nginx/nginx.conf:"),
            [
                "etc/nginx/nginx.conf",
                "nginx.conf",
                "etc",
                "nginx",
                "nginx",
                "conf"
            ]
        );
        assert_eq!(of("can't"), ["can't", "cant"]);
        assert_eq!(of("can\u{2019}t"), of("can't"));
        assert_eq!(of("--since"), ["sinc"]);
        assert_eq!(
            of("NetworkManager"),
            ["networkmanager", "network", "manager"]
        );
        assert_eq!(of("OOMKilled"), ["oomkill", "oom", "kill"]);
        assert_eq!(of("0x80070005"), ["0x80070005"]);
        assert_eq!(of("getty@tty1.service")[0], "getty@tty1.service");
    }

    #[test]
    fn words_of_one_stem_are_one() {
        for (one, other) in [
            ("failed", "fails"),
            ("running", "run"),
            ("expires", "expired"),
            ("services", "service"),
            ("mounting", "mount"),
            ("disks", "disk"),
            ("filling", "filled"),
            ("entries", "entry"),
        ] {
            assert_eq!(of(one), of(other), "{one} {other}");
        }
        assert_eq!(of("status nss dns"), ["status", "nss", "dns"]);
    }

    #[test]
    fn other_scripts_have_words_too() {
        assert_eq!(of("Überlauf groß"), ["überlauf", "groß"]);
        assert_eq!(of("磁盘已满"), ["磁盘", "盘已", "已满"]);
        assert_eq!(of("диск полон"), ["диск", "полон"]);
    }

    #[test]
    fn a_question_is_its_telling_words() {
        assert_eq!(
            asked("why is the disk full, and the disk of web1?"),
            ["disk", "full", "web1"]
        );
        assert_eq!(asked("what is it?"), ["what", "is", "it"]);
        for hostile in [
            "",
            "\"",
            "AND OR NOT",
            "a:* -b ~c ^2 (",
            "\0\u{202e}",
            "'''",
            "%_\\",
            "🔥",
        ] {
            let _ = asked(hostile);
        }
    }
}
