//! Whether a program in Python surely only computes and prints. Every module, every member of it, every builtin and
//! every name must be known; whatever begins with an underscore, and whatever is not listed, is not.

use std::collections::BTreeSet;

use super::super::options::listed;
use super::tokens::{Language, Token, Words, read};

/// Deepest nesting of strings that compute.
const MOST_DEPTH: usize = 3;

/// Keywords that are understood.
const KEYWORDS: &str = "import from as for in if elif else not and or is None True False lambda print with def return pass try \
    except finally break continue raise assert";

/// Builtins that compute or print.
const BUILTINS: &str = "print len range sum min max sorted reversed enumerate zip map filter int float str repr list dict set \
    tuple bool abs round divmod pow hex oct bin ord chr any all isinstance bytes bytearray format iter next complex frozenset \
    slice hash id callable ascii Exception ValueError KeyError IndexError TypeError OSError IOError StopIteration \
    FileNotFoundError ImportError ZeroDivisionError exit quit type";

/// Members that no value may be asked for, wherever they stand.
const REFUSED_MEMBERS: &str = "modules system popen open spawn exec eval fork kill remove unlink rmdir rename replace_with \
    write_text write_bytes mkdir makedirs chmod chown touch symlink_to hardlink_to unlink rmtree tofile loader f_globals \
    f_builtins f_locals f_code gi_code func_globals func_code im_func im_class cr_frame ag_frame mro gi_frame tb_frame f_back settrace setprofile";

/// Builtins that no program may have for itself either: before it does, they are the language's.
const REFUSED_NAMES: &str = "exec eval compile getattr setattr delattr globals locals vars input breakpoint memoryview open help \
    object super staticmethod classmethod property dir execfile file reload raw_input apply intern buffer";

/// Modules with the members that compute or show.
const MODULES: &[(&str, &str)] = &[
    (
        "sys",
        "version version_info argv stdin stdout stderr platform maxsize executable byteorder getsizeof exit hexversion \
         implementation getrecursionlimit flags prefix base_prefix path float_info int_info getdefaultencoding \
         getfilesystemencoding stdlib_module_names builtin_module_names",
    ),
    ("json", "loads load dumps JSONDecodeError"),
    ("math", "*"),
    ("cmath", "*"),
    (
        "time",
        "time ctime strftime gmtime localtime asctime monotonic perf_counter mktime strptime tzname timezone time_ns",
    ),
    ("datetime", "datetime date time timedelta timezone UTC"),
    (
        "calendar",
        "month calendar monthrange isleap timegm month_name day_name",
    ),
    (
        "platform",
        "platform python_version uname node release version machine processor system architecture python_implementation \
         freedesktop_os_release libc_ver python_build python_compiler linux_distribution",
    ),
    (
        "os",
        "cpu_count getcwd getloadavg uname getpid getppid getuid geteuid getgid getlogin environ getenv listdir stat lstat statvfs \
         walk scandir sep linesep name path times sysconf sched_getaffinity readlink access R_OK W_OK X_OK F_OK nproc get_terminal_size \
         pathconf sysconf_names curdir",
    ),
    (
        "os.path",
        "exists isfile isdir islink getsize getmtime getctime join basename dirname abspath realpath splitext expanduser normpath \
         ismount",
    ),
    (
        "re",
        "findall search match fullmatch split sub subn compile finditer escape I M S X IGNORECASE MULTILINE DOTALL",
    ),
    (
        "statistics",
        "mean median stdev pstdev variance mode quantiles fmean",
    ),
    (
        "collections",
        "Counter defaultdict OrderedDict deque namedtuple",
    ),
    (
        "itertools",
        "chain count cycle groupby islice product permutations combinations accumulate zip_longest takewhile dropwhile",
    ),
    ("functools", "reduce partial"),
    ("operator", "itemgetter add mul sub"),
    (
        "string",
        "ascii_letters ascii_lowercase ascii_uppercase digits punctuation printable hexdigits",
    ),
    ("decimal", "Decimal getcontext"),
    ("fractions", "Fraction"),
    (
        "ipaddress",
        "ip_address ip_network ip_interface IPv4Address IPv4Network IPv6Address IPv6Network",
    ),
    (
        "base64",
        "b64encode b64decode urlsafe_b64encode urlsafe_b64decode b32encode b32decode b16encode",
    ),
    ("binascii", "hexlify unhexlify crc32 b2a_hex a2b_hex"),
    (
        "hashlib",
        "md5 sha1 sha224 sha256 sha384 sha512 new algorithms_available algorithms_guaranteed blake2b",
    ),
    ("zlib", "crc32 adler32 decompress"),
    ("uuid", "uuid4 uuid1 getnode UUID"),
    (
        "random",
        "random randint choice shuffle sample uniform randrange seed",
    ),
    ("struct", "pack unpack calcsize"),
    ("csv", "reader DictReader"),
    ("pprint", "pprint pformat"),
    ("textwrap", "dedent fill wrap"),
    (
        "socket",
        "gethostname has_ipv6 AF_INET AF_INET6 SOCK_STREAM",
    ),
    (
        "ssl",
        "OPENSSL_VERSION OPENSSL_VERSION_INFO OPENSSL_VERSION_NUMBER get_default_verify_paths HAS_TLSv1_3 cert_time_to_seconds",
    ),
    (
        "sysconfig",
        "get_paths get_path get_config_var get_config_vars get_platform get_python_version",
    ),
    ("site", "getsitepackages getusersitepackages USER_SITE"),
    (
        "urllib.parse",
        "quote unquote urlparse urlencode parse_qs quote_plus unquote_plus urljoin urlsplit parse_qsl",
    ),
    ("html", "escape unescape"),
    ("sqlite3", "sqlite_version version"),
    ("locale", "getlocale getpreferredencoding"),
    ("shutil", "disk_usage which get_terminal_size"),
    ("resource", "getrusage RUSAGE_SELF getrlimit RLIMIT_NOFILE"),
    ("pwd", "getpwall getpwnam getpwuid"),
    ("grp", "getgrall getgrnam getgrgid"),
    ("importlib.metadata", "version distributions metadata"),
    ("difflib", "unified_diff get_close_matches"),
    ("unicodedata", "name category normalize"),
];

/// A program that only computes, with the files that it reads.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) files: Vec<String>,
}

/// Whether a program only computes and prints.
pub(super) fn only_computes(words: &Words) -> Option<Plain> {
    if !words.sure || words.tokens.is_empty() {
        return None;
    }
    let tokens = expanded(&words.tokens, 0)?;
    let mut reader = Reader {
        tokens: &tokens,
        modules: Vec::new(),
        names: assigned(&tokens),
        plain: Plain::default(),
    };
    reader.all().then_some(reader.plain)
}

/// The words with the expressions of strings that compute beside them.
fn expanded(tokens: &[Token], depth: usize) -> Option<Vec<Token>> {
    let mut all = Vec::new();
    for token in tokens {
        let Token::Text { text, live: true } = token else {
            all.push(token.clone());
            continue;
        };
        if depth >= MOST_DEPTH {
            return None;
        }
        all.push(Token::Text {
            text: String::new(),
            live: false,
        });
        for inside in interpolations(text)? {
            let words = read(&inside, Language::Python);
            if !words.sure {
                return None;
            }
            // A sign before and behind keeps neighbours apart.
            all.push(Token::Sign('%'));
            all.push(Token::Sign('('));
            all.extend(expanded(&words.tokens, depth + 1)?);
            all.push(Token::Sign(')'));
        }
    }
    Some(all)
}

/// The expressions in the braces of a string.
fn interpolations(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let plain = text.replace("{{", "").replace("}}", "");
    let mut rest = plain.as_str();
    while let Some((_, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}')?;
        if inside.contains(['{', '\\']) {
            return None;
        }
        // How it is shown stands behind an exclamation mark or a colon.
        let end = format_start(inside);
        found.push(inside[..end].trim_end_matches('=').to_owned());
        rest = after;
    }
    Some(found)
}

/// Where the format of an interpolation begins, outside brackets and quotes.
fn format_start(inside: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, letter) in inside.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            (None, ':' | '!') if depth == 0 && !inside[at..].starts_with("!=") => return at,
            _ => {}
        }
    }
    inside.len()
}

/// Names that the program gives itself: assigned, of a loop, a parameter, a function.
fn assigned(tokens: &[Token]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        if listed(KEYWORDS, name)
            || listed(BUILTINS, name)
            || name.starts_with("__")
            || listed(REFUSED_NAMES, name)
        {
            continue;
        }
        let before = at.checked_sub(1).map(|at| &tokens[at]);
        let is_member = before == Some(&Token::Sign('.'));
        let next = tokens.get(at + 1);
        let assigns =
            next == Some(&Token::Sign('=')) && tokens.get(at + 2) != Some(&Token::Sign('='));
        let bound = matches!(before, Some(Token::Name(word)) if matches!(word.as_str(), "for" | "as" | "lambda" | "def"))
            || in_targets(tokens, at);
        if !is_member && (assigns || bound) {
            names.insert(name.clone());
        }
    }
    names
}

/// Whether a name stands in a list of targets: `for a, b in`, `lambda a, b:`, `def f(a, b)`, `a, b = …`.
fn in_targets(tokens: &[Token], at: usize) -> bool {
    let list = |token: &Token| matches!(token, Token::Name(_) | Token::Sign(',' | '(' | ')' | '*'));
    let mut start = at;
    while start > 0 && list(&tokens[start - 1]) && !is_head(&tokens[start - 1]) {
        start -= 1;
    }
    let after_head = start > 0 && is_head(&tokens[start - 1]);
    let mut end = at + 1;
    while tokens
        .get(end)
        .is_some_and(|token| list(token) && !is_word(token, "in"))
    {
        end += 1;
    }
    let before_end = match tokens.get(end) {
        Some(Token::Sign('=')) => {
            tokens.get(end + 1) != Some(&Token::Sign('='))
                && tokens[start..end]
                    .iter()
                    .all(|token| !matches!(token, Token::Sign('(' | ')')))
        }
        Some(Token::Sign(':')) => after_head,
        Some(token) => after_head && is_word(token, "in"),
        None => false,
    };
    (after_head && before_end)
        || (before_end
            && matches!(tokens.get(end), Some(Token::Sign('=')))
            && at_statement(tokens, start))
}

fn is_head(token: &Token) -> bool {
    ["for", "lambda", "def"]
        .iter()
        .any(|word| is_word(token, word))
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Name(name) if name == word)
}

fn at_statement(tokens: &[Token], at: usize) -> bool {
    at == 0 || matches!(tokens[at - 1], Token::Line | Token::Sign(';' | ':'))
}

/// The state of one reading.
struct Reader<'a> {
    tokens: &'a [Token],
    /// Imported modules: the name in the program, and the module.
    modules: Vec<(String, String)>,
    names: BTreeSet<String>,
    plain: Plain,
}

impl Reader<'_> {
    fn all(&mut self) -> bool {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            let taken = match token {
                Token::Name(name) if name == "import" || name == "from" => self.import(at),
                Token::Name(name) => self.name(at, name),
                Token::Text { live, .. } => (!live).then_some(1),
                Token::Value | Token::Number(_) | Token::Line => Some(1),
                Token::Sign(sign) => "()[]{},;:.=+-*/%<>!|&^~@".contains(*sign).then_some(1),
                Token::Command(_) => None,
            };
            let Some(taken) = taken else { return false };
            at += taken;
        }
        true
    }

    fn at(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    /// A dotted name; yields it and how many words it takes.
    fn dotted(&self, at: usize) -> Option<(String, usize)> {
        let Token::Name(first) = self.at(at)? else {
            return None;
        };
        let mut whole = first.clone();
        let mut taken = 1;
        while let (Some(Token::Sign('.')), Some(Token::Name(next))) =
            (self.at(at + taken), self.at(at + taken + 1))
        {
            whole.push('.');
            whole.push_str(next);
            taken += 2;
        }
        Some((whole, taken))
    }

    /// `import a, b.c as d`, `from a import b as c`.
    fn import(&mut self, at: usize) -> Option<usize> {
        let mut taken = 1;
        if is_word(self.at(at)?, "from") {
            let (module, length) = self.dotted(at + taken)?;
            taken += length;
            if !is_word(self.at(at + taken)?, "import") {
                return None;
            }
            taken += 1;
            loop {
                let Token::Name(member) = self.at(at + taken)? else {
                    return None;
                };
                taken += 1;
                let mut own = member.clone();
                if self
                    .at(at + taken)
                    .is_some_and(|token| is_word(token, "as"))
                {
                    let Token::Name(alias) = self.at(at + taken + 1)? else {
                        return None;
                    };
                    own = alias.clone();
                    taken += 2;
                }
                let submodule = format!("{module}.{member}");
                if members(&submodule).is_some() {
                    self.names.remove(&own);
                    self.modules.push((own, submodule));
                } else if has_member(&module, member) && !listed("path environ", member) {
                    self.names.insert(own);
                } else {
                    return None;
                }
                if self.at(at + taken) != Some(&Token::Sign(',')) {
                    return Some(taken);
                }
                taken += 1;
            }
        }
        loop {
            let (module, length) = self.dotted(at + taken)?;
            taken += length;
            members(&module)?;
            let mut own = module.clone();
            if self
                .at(at + taken)
                .is_some_and(|token| is_word(token, "as"))
            {
                let Token::Name(alias) = self.at(at + taken + 1)? else {
                    return None;
                };
                own = alias.clone();
                taken += 2;
            }
            self.names.remove(&own);
            self.modules.push((own, module));
            if self.at(at + taken) != Some(&Token::Sign(',')) {
                return Some(taken);
            }
            taken += 1;
        }
    }

    /// A name in an expression; yields how many words it takes.
    fn name(&mut self, at: usize, name: &str) -> Option<usize> {
        if at > 0 && self.at(at - 1) == Some(&Token::Sign('.')) {
            let fits = !name.starts_with('_') && !listed(REFUSED_MEMBERS, name);
            return fits.then_some(1);
        }
        if let Some(taken) = self.module_member(at) {
            return taken;
        }
        if name == "open" {
            return self.open(at);
        }
        let is_keyword_argument = self.at(at + 1) == Some(&Token::Sign('='))
            && matches!(self.at(at.wrapping_sub(1)), Some(Token::Sign('(' | ',')));
        let known = listed(KEYWORDS, name)
            || listed(BUILTINS, name)
            || self.names.contains(name)
            || is_keyword_argument;
        let refused = name.starts_with("__") || (name == "type" && self.takes_three(at));
        (known && !refused).then_some(1)
    }

    /// Whether `type(` makes a class.
    fn takes_three(&self, at: usize) -> bool {
        self.tokens[at..]
            .iter()
            .take_while(|token| **token != Token::Sign(')'))
            .any(|token| *token == Token::Sign(','))
    }

    /// A member of a module that is imported: whether it is listed. A module by itself is refused, since it may be
    /// handed on. Nothing where the name is no module.
    fn module_member(&self, at: usize) -> Option<Option<usize>> {
        let (whole, _) = self.dotted(at)?;
        let (own, module) = self
            .modules
            .iter()
            .filter(|(own, _)| whole == *own || whole.starts_with(&format!("{own}.")))
            .max_by_key(|(own, _)| own.len())
            .or_else(|| {
                // `import os.path` makes `os` known too.
                let root = whole.split('.').next()?;
                self.modules
                    .iter()
                    .find(|(own, _)| own.starts_with(&format!("{root}.")))
                    .filter(|_| !self.names.contains(root))
            })?;
        let Some(rest) = whole.strip_prefix(&format!("{own}.")) else {
            return Some(None);
        };
        let mut path = module.clone();
        let mut taken = 1 + 2 * own.matches('.').count();
        let mut parts = rest.split('.');
        loop {
            let Some(member) = parts.next() else {
                return Some(None);
            };
            taken += 2;
            let deeper = format!("{path}.{member}");
            if has_member(&path, member) && members(&deeper).is_none() {
                return Some(Some(taken));
            }
            if members(&deeper).is_none() {
                return Some(None);
            }
            path = deeper;
        }
    }

    /// `open("path")` for reading.
    fn open(&mut self, at: usize) -> Option<usize> {
        let (Some(Token::Sign('(')), Some(Token::Text { text, live: false })) =
            (self.at(at + 1), self.at(at + 2))
        else {
            return None;
        };
        let reads = match self.at(at + 3)? {
            Token::Sign(')') => true,
            Token::Sign(',') => match (self.at(at + 4)?, self.at(at + 5)?) {
                (Token::Text { text, live: false }, Token::Sign(')' | ',')) => {
                    matches!(text.as_str(), "r" | "rb" | "rt")
                        && (self.at(at + 5) == Some(&Token::Sign(')'))
                            || self.names_encoding(at + 6))
                }
                _ => self.names_encoding(at + 4),
            },
            _ => false,
        };
        if !reads {
            return None;
        }
        self.plain.files.push(text.clone());
        Some(3)
    }

    /// `encoding="…"` or `errors="…"`, and nothing else.
    fn names_encoding(&self, at: usize) -> bool {
        let named = matches!(self.at(at), Some(Token::Name(name)) if name == "encoding" || name == "errors");
        named
            && self.at(at + 1) == Some(&Token::Sign('='))
            && matches!(self.at(at + 2), Some(Token::Text { .. }))
            && self.at(at + 3) == Some(&Token::Sign(')'))
    }
}

/// The members of a module that compute or show.
fn members(module: &str) -> Option<&'static str> {
    MODULES
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, members)| *members)
}

fn has_member(module: &str, member: &str) -> bool {
    !member.starts_with('_') && members(module).is_some_and(|all| all == "*" || listed(all, member))
}
