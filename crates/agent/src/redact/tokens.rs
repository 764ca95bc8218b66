//! Secrets that are known by their own form.

/// Beginnings of the tokens of well-known services, each with the least length of the whole.
const TOKENS: [(&str, usize); 20] = [
    ("ghp_", 24),
    ("gho_", 24),
    ("ghu_", 24),
    ("ghs_", 24),
    ("ghr_", 24),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("gldt-", 20),
    ("xoxb-", 20),
    ("xoxa-", 20),
    ("xoxp-", 20),
    ("xoxr-", 20),
    ("xoxs-", 20),
    ("sk-", 24),
    ("AIza", 35),
    ("hf_", 24),
    ("npm_", 30),
    ("dop_v1_", 40),
    ("SG.", 40),
    ("sk_live_", 20),
];
/// Beginnings of AWS access key ids.
const AWS: [&str; 2] = ["AKIA", "ASIA"];
/// Length of an AWS access key id.
const AWS_LENGTH: usize = 20;
/// Least length of a JSON web token.
const JWT_LENGTH: usize = 20;

/// Where the first token begins inside a run of word characters. All of the run behind it goes too: what stands
/// there may belong to it, and nothing is looked at twice.
pub(super) fn known_token(word: &str) -> Option<usize> {
    let named =
        |(beginning, least): &(&str, usize)| word.len() >= *least && word.starts_with(beginning);
    if TOKENS.iter().any(named) {
        return Some(0);
    }
    let web_token = word
        .find("eyJ")
        .filter(|at| word.len() - at >= JWT_LENGTH && word[*at..].contains('.'));
    let aws = AWS.iter().filter_map(|beginning| aws_key(word, beginning));
    aws.chain(web_token).min()
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

/// The length of a password hash as crypt(3) writes it: `$id$salt$hash`. `text` begins with `$`.
pub(super) fn password_hash(text: &str) -> Option<usize> {
    const MAX_BYTES: usize = 160;
    const LEAST_BYTES: usize = 20;
    const MAX_ID_BYTES: usize = 12;
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
    let length = run.unwrap_or_else(|| text.len().min(MAX_BYTES));
    let rest = text.get(id + 2..length)?;
    rest.split('$')
        .any(|hash| hash.len() >= LEAST_BYTES)
        .then_some(length)
}

/// Where the secret stands in a URL's credentials. `text` begins with `://`.
pub(super) fn url_secret(text: &str) -> Option<(usize, usize)> {
    const MAX_BYTES: usize = 1_024;
    const LEAST_TOKEN_BYTES: usize = 20;
    let start = "://".len();
    let ends = |byte: u8| byte.is_ascii_whitespace() || b"/?#\"'<>`".contains(&byte);
    let authority = text.as_bytes().get(start..)?;
    let length = authority
        .iter()
        .take(MAX_BYTES)
        .position(|byte| ends(*byte));
    let length = length.unwrap_or_else(|| authority.len().min(MAX_BYTES));
    let at = authority[..length].iter().rposition(|byte| *byte == b'@')?;
    match authority[..at].iter().position(|byte| *byte == b':') {
        Some(colon) if colon + 1 < at => Some((start + colon + 1, start + at)),
        Some(_) => None,
        None if at >= LEAST_TOKEN_BYTES => Some((start, start + at)),
        None => None,
    }
}
