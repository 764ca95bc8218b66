//! Secrets that are known by their own form: tokens of services, keys of tools, hashes of passwords.

use super::{Span, head, tail, word_length};

/// Beginnings of tokens, each with the least length of what follows.
const TOKENS: [(&str, usize); 84] = [
    // Code and packages.
    ("ghp_", 10),
    ("gho_", 10),
    ("ghu_", 10),
    ("ghs_", 10),
    ("ghr_", 10),
    ("github_pat_", 10),
    ("glpat-", 10),
    ("gldt-", 10),
    ("glrt-", 10),
    ("glptt-", 10),
    ("glsoat-", 10),
    ("glcbt-", 10),
    ("glimt-", 10),
    ("glft-", 10),
    ("glagent-", 10),
    ("gloas-", 10),
    ("GR1348941", 10),
    ("npm_", 20),
    ("pypi-AgE", 10),
    ("rubygems_", 20),
    ("dckr_pat_", 10),
    ("dckr_oat_", 10),
    ("ATATT3", 20),
    ("ATBB", 24),
    ("ATCTT3", 20),
    ("lin_api_", 16),
    ("CFPAT-", 20),
    ("figd_", 20),
    ("PMAK-", 20),
    ("sntrys_", 16),
    ("sntryu_", 16),
    ("nfp_", 20),
    ("vercel_", 20),
    ("dapi", 32),
    ("cio", 32),
    // Chat and messages.
    ("xoxb-", 10),
    ("xoxa-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xoxe-", 10),
    ("xoxe.", 10),
    ("xapp-", 10),
    ("mfa.", 40),
    ("syt_", 16),
    ("tk_", 24),
    ("SG.", 20),
    ("xkeysib-", 16),
    ("key-", 32),
    ("re_", 24),
    ("sq0csp-", 16),
    ("sq0atp-", 16),
    ("EAAA", 40),
    // Money.
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("rk_test_", 10),
    ("whsec_", 16),
    ("shpat_", 16),
    ("shpss_", 16),
    ("shpca_", 16),
    // Clouds, models and infrastructure.
    ("AIza", 30),
    ("ya29.", 16),
    ("GOCSPX-", 16),
    ("dop_v1_", 20),
    ("doo_v1_", 20),
    ("sk-", 18),
    ("sess-", 24),
    ("hf_", 20),
    ("r8_", 24),
    ("pplx-", 24),
    ("gsk_", 24),
    ("xai-", 24),
    ("hvs.", 16),
    ("hvb.", 16),
    ("hvr.", 16),
    ("glsa_", 16),
    ("glc_", 20),
    ("tskey-", 12),
    ("SWMTKN-", 20),
    ("pul-", 30),
    ("AGE-SECRET-KEY-1", 8),
    ("LTAI", 16),
    ("PVEAPIToken", 4),
];
/// Beginnings of what is a private key, or a file of credentials, in base64.
const ENCODED: [&str; 8] = [
    "b3BlbnNzaC1rZXktdjE",
    "LS0tLS1CRUdJTiBSU0EgUFJJ",
    "LS0tLS1CRUdJTiBQUklWQVRF",
    "LS0tLS1CRUdJTiBFQyBQUklW",
    "LS0tLS1CRUdJTiBPUEVOU1NI",
    "LS0tLS1CRUdJTiBFTkNSWVBU",
    "LS0tLS1CRUdJTiBEU0EgUFJJ",
    "eyJhdXRocyI6",
];
/// Beginnings of AWS access key ids.
const AWS: [&str; 4] = ["AKIA", "ASIA", "ABIA", "ACCA"];
/// Length of an AWS access key id.
const AWS_LENGTH: usize = 20;
/// Least length of a JSON web token.
const JWT_LENGTH: usize = 20;
/// Most bytes of a key in base64.
const MAX_ENCODED_BYTES: usize = 64 * 1024;

/// Where a token stands, counted from the beginning of the word. All of the word behind it goes too: what stands
/// there may belong to it, and nothing is looked at twice.
pub(super) fn known(before: &str, word: &str, behind: &str) -> Option<Span> {
    if ENCODED.iter().any(|begin| word.starts_with(begin)) || is_der_key(word) {
        return Some((0, encoded_length(word, behind)));
    }
    if let Some(length) = of_google(word, behind) {
        return Some((0, word.len() + length));
    }
    if word.contains(".atlasv1.") {
        return Some((0, word.len()));
    }
    if let Some(length) = of_bot(word, behind) {
        return Some((0, word.len() + length));
    }
    if is_postgres_hash(word) || is_des_hash(before, word, behind) || is_of_discord(word) {
        return Some((0, word.len()));
    }
    if word.starts_with("SCRAM-SHA-256") && behind.starts_with('$') {
        let end = head(behind, 256).find(|c: char| c.is_whitespace() || "\"',".contains(c));
        return Some((
            0,
            word.len() + end.unwrap_or_else(|| head(behind, 256).len()),
        ));
    }
    let from = begins(word)?;
    // What else a token may hold: an equals sign or a tilde of its base64.
    let more = behind
        .bytes()
        .take(2)
        .take_while(|byte| b"=~".contains(byte));
    let more = if behind.starts_with("==") {
        more.count()
    } else {
        0
    };
    Some((from, word.len() + more))
}

/// A refresh token of Google, which begins with `1//`.
fn of_google(word: &str, behind: &str) -> Option<usize> {
    const LEAST_BYTES: usize = 30;
    let rest = behind.strip_prefix("//").filter(|_| word == "1")?;
    let length = word_length(rest);
    (rest.starts_with('0') && length >= LEAST_BYTES).then_some("//".len() + length)
}

/// Whether a token of a known beginning begins here.
pub(super) fn begins_here(word: &str) -> bool {
    begins(word) == Some(0)
}

/// Where the first token begins inside a word.
fn begins(word: &str) -> Option<usize> {
    let named = |(beginning, least): &(&str, usize)| {
        word.strip_prefix(beginning).is_some_and(|rest| {
            rest.len() >= *least && rest.bytes().any(|byte| byte.is_ascii_digit())
        })
    };
    if TOKENS.iter().any(named) && !is_name(word) {
        return Some(0);
    }
    let inside = TOKENS[..11].iter().filter_map(|(beginning, least)| {
        let at = word.find(beginning)?;
        (word.len() - at >= beginning.len() + least).then_some(at)
    });
    let web_token = word
        .find("eyJ")
        .filter(|at| word.len() - at >= JWT_LENGTH && word[*at..].contains('.'));
    let aws = AWS.iter().filter_map(|beginning| aws_key(word, beginning));
    aws.chain(web_token).chain(inside).min()
}

/// Whether a word with the beginning of a token is only a name: words of small letters with dashes and few digits.
fn is_name(word: &str) -> bool {
    word.split(['-', '_', '.'])
        .all(|part| part.len() < 12 && !part.bytes().any(|byte| byte.is_ascii_uppercase()))
}

fn aws_key(word: &str, beginning: &str) -> Option<usize> {
    word.match_indices(beginning).map(|(at, _)| at).find(|at| {
        let key = word.as_bytes().get(*at..at + AWS_LENGTH);
        key.is_some_and(|key| {
            key.iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
    })
}

/// Whether a private key in DER begins here, in base64: a sequence whose first number is zero. A certificate and a
/// public key begin with another sequence.
fn is_der_key(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 16 && bytes.starts_with(b"MII") && bytes[6..].starts_with(b"IBA")
        || word.starts_with("MHcCAQEE")
        || word.starts_with("MC4CAQAwBQYDK2V")
}

/// The length of base64 that begins with a word, with lines behind one another.
fn encoded_length(word: &str, behind: &str) -> usize {
    let in_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
    let more = head(behind, MAX_ENCODED_BYTES);
    word.len()
        + more
            .bytes()
            .position(|byte| !in_base64(byte))
            .unwrap_or(more.len())
}

/// A token of Telegram: a number, a colon, and 35 characters; the length of what stands behind the number.
fn of_bot(word: &str, behind: &str) -> Option<usize> {
    const LEAST_BYTES: usize = 30;
    let number = word.strip_prefix("bot").unwrap_or(word);
    let digits =
        (8..=10).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let token = behind.strip_prefix(':').filter(|_| digits)?;
    let length = word_length(token);
    (length >= LEAST_BYTES).then_some(1 + length)
}

/// A token of Discord: three parts, of which the first is a number in base64.
fn is_of_discord(word: &str) -> bool {
    let parts: Vec<&str> = word.splitn(4, '.').collect();
    let [id, time, rest] = parts[..] else {
        return false;
    };
    (23..=28).contains(&id.len())
        && id.starts_with(['M', 'N', 'O'])
        && (5..=8).contains(&time.len())
        && rest.len() >= 27
}

/// `md5` and 32 digits: what Postgres keeps of a password.
fn is_postgres_hash(word: &str) -> bool {
    word.strip_prefix("md5")
        .is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Thirteen characters of the oldest crypt(3), alone behind a name and a colon.
fn is_des_hash(before: &str, word: &str, behind: &str) -> bool {
    let ends = behind.is_empty() || behind.starts_with(['\n', '\r']);
    let in_shadow = behind
        .strip_prefix(':')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let has = |class: fn(&u8) -> bool| word.as_bytes().iter().any(class);
    let line = tail(before, 40);
    let name = line.rsplit('\n').next().unwrap_or(line);
    word.len() == 13
        && (ends || in_shadow)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && !word.contains(['-', '_'])
        && name.strip_suffix(':').is_some_and(|name| {
            !name.is_empty() && name.len() < 33 && word_length(name) == name.len()
        })
}

/// The length of what MySQL keeps of a password: a star and 40 digits. `text` begins with the star.
pub(super) fn mysql_hash(text: &str) -> Option<usize> {
    const LENGTH: usize = 41;
    let hash = text.as_bytes().get(1..LENGTH)?;
    let ends = !text
        .as_bytes()
        .get(LENGTH)
        .is_some_and(u8::is_ascii_alphanumeric);
    let digits = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    (ends && hash.iter().all(digits)).then_some(LENGTH)
}

/// The length of a password's hash as directories write it: `{SSHA}…`. `text` begins with the brace.
pub(super) fn hash_of_directory(text: &str) -> Option<usize> {
    const MAX_BYTES: usize = 256;
    const LEAST_BYTES: usize = 8;
    const SCHEMES: [&str; 12] = [
        "SHA",
        "SSHA",
        "MD5",
        "SMD5",
        "CRYPT",
        "PBKDF2",
        "ARGON2",
        "PLAIN",
        "CLEARTEXT",
        "BLF-CRYPT",
        "CRAM-MD5",
        "SCRAM",
    ];
    let end = head(text, 24).find('}')?;
    let scheme = text[1..end].to_ascii_uppercase();
    let known = SCHEMES.iter().any(|known| {
        scheme == *known
            || scheme
                .strip_prefix(known)
                .is_some_and(|rest| rest.starts_with(['-', '2', '5']))
    });
    let in_hash = |byte: u8| byte.is_ascii_alphanumeric() || b"./$=,+-_{}".contains(&byte);
    let hash = head(&text[end + 1..], MAX_BYTES);
    let length = hash
        .bytes()
        .position(|byte| !in_hash(byte))
        .unwrap_or(hash.len());
    (known && length >= LEAST_BYTES).then_some(end + 1 + length)
}

/// The length of a password hash as crypt(3) writes it: `$id$salt$hash`. `text` begins with `$`.
pub(super) fn password_hash(text: &str) -> Option<usize> {
    const MAX_BYTES: usize = 256;
    const LEAST_BYTES: usize = 20;
    const MAX_ID_BYTES: usize = 14;
    let in_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let in_hash = |byte: u8| byte.is_ascii_alphanumeric() || b"./$=,+-_".contains(&byte);
    let id = text
        .bytes()
        .skip(1)
        .take(MAX_ID_BYTES + 1)
        .position(|byte| !in_id(byte))?;
    if id == 0 || text.as_bytes().get(id + 1) != Some(&b'$') {
        return None;
    }
    let run = text.bytes().take(MAX_BYTES).position(|byte| !in_hash(byte));
    let length = run.unwrap_or_else(|| head(text, MAX_BYTES).len());
    let rest = text.get(id + 2..length)?;
    rest.split('$')
        .any(|hash| hash.len() >= LEAST_BYTES)
        .then_some(length)
}
