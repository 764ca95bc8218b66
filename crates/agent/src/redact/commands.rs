//! Options of commands that take a password: `mysql -psecret`, `curl -u user:secret`. A command's name is remembered
//! until its line ends, and each of its words is looked at once.

use super::values::quoted_value;
use super::{Span, head};

/// Longest word of a command that is looked at.
const MAX_WORD_BYTES: usize = 256;

/// What in a word is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// All of it.
    All,
    /// What stands behind one of these characters.
    Behind(&'static [char]),
}

/// What is secret on the line of a command.
struct Rule {
    names: &'static [&'static str],
    /// A word that must have stood before options count: `docker login -p`, and not `docker run -p`.
    after: Option<&'static str>,
    /// Options whose value follows: as the next word, or at once where `attached`.
    options: &'static [(&'static str, Takes)],
    /// Whether the value may stand at once behind a short option.
    attached: bool,
    /// Whether it may stand as the next word.
    next: bool,
    /// Which word that is no option is secret, counted from one.
    word: Option<(usize, Takes)>,
}

const NONE: Rule = Rule {
    names: &[],
    after: None,
    options: &[],
    attached: true,
    next: true,
    word: None,
};
const PAIR: Takes = Takes::Behind(&[':']);

const RULES: [Rule; 36] = [
    Rule {
        names: &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
            "mysqlimport",
            "mysqlcheck",
            "mysqlshow",
            "mysqlpump",
            "mysqlbinlog",
            "xtrabackup",
            "mariabackup",
            "7z",
            "7za",
            "7zz",
        ],
        options: &[("-p", Takes::All)],
        next: false,
        ..NONE
    },
    Rule {
        names: &["curl"],
        options: &[
            ("-u", PAIR),
            ("-U", PAIR),
            ("--user", PAIR),
            ("--proxy-user", PAIR),
            ("-E", PAIR),
            ("--cookie", Takes::Behind(&['='])),
            ("-b", Takes::Behind(&['='])),
        ],
        ..NONE
    },
    Rule {
        names: &["http", "https", "xh"],
        options: &[("-a", PAIR), ("--auth", PAIR)],
        ..NONE
    },
    Rule {
        names: &["sshpass"],
        options: &[("-p", Takes::All)],
        ..NONE
    },
    Rule {
        names: &["redis-cli", "valkey-cli"],
        options: &[("-a", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &[
            "mongo",
            "mongosh",
            "mongodump",
            "mongorestore",
            "mongoexport",
            "mongoimport",
            "mongostat",
            "cqlsh",
            "mydumper",
            "ncftpput",
            "ncftpget",
            "evil-winrm",
            "winexe",
            "nats",
        ],
        options: &[("-p", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &[
            "docker", "podman", "buildah", "skopeo", "helm", "nerdctl", "oras", "crane", "az",
            "oc", "cf",
        ],
        after: Some("login"),
        options: &[("-p", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &[
            "ldapsearch",
            "ldapadd",
            "ldapmodify",
            "ldapdelete",
            "ldapwhoami",
            "ldapcompare",
            "ldapmodrdn",
        ],
        options: &[("-w", Takes::All)],
        ..NONE
    },
    Rule {
        names: &["ldappasswd"],
        options: &[("-w", Takes::All), ("-s", Takes::All), ("-a", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &[
            "smbclient",
            "rpcclient",
            "net",
            "smbget",
            "smbmap",
            "nmblookup",
        ],
        options: &[
            ("-U", Takes::Behind(&['%'])),
            ("--user", Takes::Behind(&['%'])),
        ],
        ..NONE
    },
    Rule {
        names: &["zip", "unzip", "zipcloak"],
        options: &[("-P", Takes::All)],
        ..NONE
    },
    Rule {
        names: &["rar", "unrar"],
        options: &[("-hp", Takes::All), ("-p", Takes::All)],
        next: false,
        ..NONE
    },
    Rule {
        names: &[
            "snmpwalk",
            "snmpget",
            "snmpbulkwalk",
            "snmpbulkget",
            "snmpset",
            "snmptable",
            "snmpgetnext",
            "snmptrap",
        ],
        options: &[("-c", Takes::All), ("-A", Takes::All), ("-X", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["ipmitool", "ipmipower", "ipmi-sensors"],
        options: &[("-P", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["sqlplus", "rman", "expdp", "impdp", "sqlldr", "exp", "imp"],
        word: Some((1, Takes::Behind(&['/']))),
        ..NONE
    },
    Rule {
        names: &["sqlcmd", "bcp", "tsql", "osql"],
        options: &[("-P", Takes::All)],
        ..NONE
    },
    Rule {
        names: &["lftp"],
        options: &[
            ("-u", Takes::Behind(&[','])),
            ("--user", Takes::Behind(&[','])),
        ],
        ..NONE
    },
    Rule {
        names: &["xfreerdp", "xfreerdp3", "wlfreerdp"],
        options: &[("/p:", Takes::All)],
        next: false,
        ..NONE
    },
    Rule {
        names: &["mosquitto_pub", "mosquitto_sub", "mosquitto_rr"],
        options: &[("-P", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["mosquitto_passwd"],
        word: Some((3, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["rabbitmqctl"],
        after: Some("add_user"),
        word: Some((2, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["rabbitmqctl"],
        after: Some("change_password"),
        word: Some((2, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["rabbitmqctl"],
        after: Some("authenticate_user"),
        word: Some((2, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["wpa_passphrase"],
        word: Some((2, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["openssl"],
        options: &[("-k", Takes::All), ("-K", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["useradd", "usermod"],
        options: &[("-p", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["vault"],
        after: Some("login"),
        word: Some((1, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["vault"],
        after: Some("unseal"),
        word: Some((1, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["ssh-keygen"],
        options: &[("-N", Takes::All), ("-P", Takes::All)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["ttyd"],
        options: &[("-c", PAIR), ("--credential", PAIR)],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["consul"],
        after: Some("put"),
        word: Some((2, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["etcdctl"],
        after: Some("put"),
        word: Some((2, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["oathtool"],
        word: Some((1, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["rclone"],
        after: Some("obscure"),
        word: Some((1, Takes::All)),
        ..NONE
    },
    Rule {
        names: &["nmcli"],
        options: &[
            ("password", Takes::All),
            ("wifi-sec.psk", Takes::All),
            ("802-11-wireless-security.psk", Takes::All),
            ("vpn.secrets", Takes::Behind(&['='])),
        ],
        attached: false,
        ..NONE
    },
    Rule {
        names: &["aws"],
        options: &[
            ("aws_secret_access_key", Takes::All),
            ("aws_session_token", Takes::All),
        ],
        attached: false,
        ..NONE
    },
];

/// A command whose words are being looked at.
pub(super) struct CommandLine {
    name: String,
    /// The words of rules that were seen.
    seen: Vec<&'static str>,
    /// The last word was an option whose value is the next one.
    expects: Option<Takes>,
    /// Words that are no options, since the word that a rule asks for.
    words: usize,
    /// Letters of short options so far: `htpasswd -nb`.
    letters: String,
    /// Up to where words were looked at.
    looked: usize,
}

impl CommandLine {
    /// A command that is known, where a blank or the end of a text in quotes follows it.
    pub(super) fn of(word: &str, behind: &str) -> Option<Self> {
        let known = word == "htpasswd" || RULES.iter().any(|rule| rule.names.contains(&word));
        let followed = behind.starts_with([' ', '\t', '"', '\'']);
        (known && followed).then(|| Self {
            name: word.to_owned(),
            seen: Vec::new(),
            expects: None,
            words: 0,
            letters: String::new(),
            looked: 0,
        })
    }

    /// Whether it is this command.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// What is secret in the word that begins here, if one does; counted from here.
    pub(super) fn secret_of(&mut self, before: &str, rest: &str) -> Option<Span> {
        if before.len() < self.looked {
            return None;
        }
        let (open, length) = word(before, rest)?;
        self.looked = before.len() + open + length;
        let word = &rest[open..open + length];
        if let Some(takes) = self.expects.take() {
            return secret_in(word, takes).map(|from| (open + from, open + length));
        }
        self.of_option(word)
            .or_else(|| self.of_place(word))
            .map(|from| (open + from, open + length))
    }

    fn rules(&self) -> impl Iterator<Item = &'static Rule> + use<> {
        let (name, seen) = (self.name.clone(), self.seen.clone());
        RULES.iter().filter(move |rule| {
            rule.names.contains(&name.as_str())
                && rule.after.is_none_or(|after| seen.contains(&after))
        })
    }

    /// The value of an option: in this word, or to be expected in the next.
    fn of_option(&mut self, word: &str) -> Option<usize> {
        for rule in self.rules() {
            for (option, takes) in rule.options {
                if word == *option && rule.next {
                    self.expects = Some(*takes);
                    return None;
                }
                let Some(value) = word.strip_prefix(option) else {
                    continue;
                };
                let long = option.starts_with("--");
                let attached = rule.attached && !long && !value.is_empty();
                if attached || long && value.starts_with('=') {
                    let quotes = value.len() - value.trim_start_matches(['=', '"', '\'']).len();
                    let from = word.len() - value.len() + quotes;
                    let inner = word[from..].trim_end_matches(['"', '\'']);
                    return secret_in(inner, *takes).map(|at| from + at);
                }
            }
        }
        None
    }

    /// A word that is secret by its place among those that are no options.
    fn of_place(&mut self, word: &str) -> Option<usize> {
        if let Some(letters) = word.strip_prefix('-') {
            self.letters.push_str(letters);
            return None;
        }
        self.words += 1;
        let htpasswd = self.name == "htpasswd" && self.letters.contains('b');
        let last = if self.letters.contains('n') { 2 } else { 3 };
        if htpasswd && self.words == last {
            return Some(0);
        }
        let found = self
            .rules()
            .filter_map(|rule| rule.word)
            .find(|(place, _)| *place == self.words)
            .and_then(|(_, takes)| secret_in(word, takes));
        let asked = RULES
            .iter()
            .filter(|rule| rule.names.contains(&self.name.as_str()))
            .filter_map(|rule| rule.after)
            .find(|after| *after == word);
        if let Some(after) = asked {
            self.seen.push(after);
            self.words = 0;
        }
        found
    }
}

/// Where the secret begins in a word.
fn secret_in(word: &str, takes: Takes) -> Option<usize> {
    match takes {
        Takes::All => (!word.is_empty()).then_some(0),
        Takes::Behind(marks) => {
            let at = word.find(marks)?;
            (at + 1 < word.len()).then_some(at + 1)
        }
    }
}

/// The word of a command that begins here, without quotes around it: where, and its length.
fn word(before: &str, rest: &str) -> Option<Span> {
    let previous = before.bytes().next_back()?;
    let first = rest.bytes().next()?;
    let window = head(rest, MAX_WORD_BYTES);
    let begins = matches!(previous, b' ' | b'\t' | b'=' | b',' | b'[');
    if begins && matches!(first, b'"' | b'\'') {
        return Some((1, quoted_value(&window[1..], first)));
    }
    if !matches!(previous, b' ' | b'\t') || first.is_ascii_whitespace() || first == b'\\' {
        return None;
    }
    let mut quote = None;
    for (at, byte) in window.bytes().enumerate() {
        match (quote, byte) {
            (_, b'\n') => return Some((0, at)),
            (None, b' ' | b'\t' | b'|' | b';') => return Some((0, at)),
            // `a1="-p…"`, as audit writes arguments: the quotes are looked at by themselves.
            (None, b'"' | b'\'') if first != b'-' && window[..at].ends_with('=') => {
                return Some((0, at));
            }
            (None, b'"' | b'\'') if at > 0 => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    Some((0, window.len()))
}
