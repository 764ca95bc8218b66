//! `mongosh`, `mongo`: calls that only look, of the shell's `db`, `rs` and `sh`. Anything else is code.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::ledger::Ledger;
use super::options::{Grammar, listed, part};
use super::words::program_text;

/// The options of mongosh.
const GRAMMAR: Grammar = Grammar {
    flags: "-h --help --version --quiet --norc --nodb --tls --ssl --ipv6 --retryWrites --verbose --no-retryWrites \
        --tlsAllowInvalidCertificates --tlsAllowInvalidHostnames --redactInfo --json",
    values: "--eval --host --port -u --username -p --password --authenticationDatabase --authenticationMechanism --tlsCAFile \
        --tlsCertificateKeyFile -f --file --apiVersion --shell",
    optional: "",
    digits: "",
    ends: "",
    ends_bare: "",
    first_operand_ends: false,
    one_dash: false,
};

/// Functions that show what they are given.
const SHOWS: &str = "print printjson tojson";

/// Calls on a database.
const OF_DATABASE: &str = "stats serverStatus hostInfo version getName getCollectionNames getCollectionInfos currentOp \
    serverBuildInfo getReplicationInfo printReplicationInfo printSecondaryReplicationInfo printSlaveReplicationInfo \
    printCollectionStats isMaster hello listCommands getProfilingStatus getRoles getMongo serverCmdLineOpts getLogComponents \
    printShardingStatus getProfilingLevel";

/// Calls on a collection.
const OF_COLLECTION: &str = "find findOne count countDocuments estimatedDocumentCount distinct stats dataSize storageSize totalSize \
    totalIndexSize getIndexes getIndexKeys getShardDistribution isCapped latencyStats explain aggregate getFullName";

/// Calls on what a query yields.
const OF_RESULT: &str = "limit skip sort toArray pretty count size explain hint maxTimeMS batchSize projection itcount next hasNext \
    length toString valueOf slice join setReadPref getDBNames getDBs keys readPref secondaryOk setSecondaryOk";

/// Calls on `rs` and `sh`.
const OF_SET: &str = "status conf config printReplicationInfo printSecondaryReplicationInfo printSlaveReplicationInfo hello isMaster \
    getBalancerState isBalancerRunning balancerCollectionStatus";

/// Commands that `adminCommand` and `runCommand` may be given.
const COMMANDS: &str = "serverStatus ping replSetGetStatus listDatabases getParameter getCmdLineOpts top connPoolStats buildInfo \
    hostInfo currentOp getLog isMaster hello dbStats collStats connectionStatus replSetGetConfig listCollections listIndexes \
    whatsmyuri features listCommands balancerStatus";

/// Values that are made of a text or a number.
const VALUES: &str = "ISODate ObjectId NumberLong NumberInt Date UUID";

/// Words of a query that hold code, or write.
const REFUSED_KEYS: [&str; 6] = [
    "$where",
    "$function",
    "$accumulator",
    "$out",
    "$merge",
    "mapReduce",
];

/// The judge.
pub(super) fn judge(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = part(invocation.argv.get(1..).unwrap_or_default(), &GRAMMAR);
    if parted.has("-h --help --version") {
        return ledger.finish();
    }
    if parted.unlisted {
        ledger.unknown("option", "asks with an option that is not known");
    }
    for machine in parted.values("--host") {
        ledger.asks(machine.clone(), "--host");
    }
    for operand in &parted.operands {
        // `host:port/database`; a database alone has none of these signs.
        if operand.beginning().contains(['.', ':', '/']) {
            ledger.asks(operand.clone(), "address");
        }
        if operand
            .as_text()
            .is_none_or(|text| text.ends_with(".js") || text.ends_with(".mongodb"))
        {
            ledger.code("script", "runs a script in the database that is not seen");
        }
    }
    if parted.has("-f --file --shell") {
        ledger.code("script", "runs a script in the database that is not seen");
    }
    let scripts: Vec<&Arg> = parted.values("--eval").collect();
    for script in &scripts {
        match program_text(script) {
            Some(text) => judge_text(&mut ledger, &text),
            None => ledger.code(
                "--eval",
                "runs code in the database that only the host knows",
            ),
        }
    }
    if scripts.is_empty() && !parted.has("-f --file") {
        match &invocation.stdin {
            Input::Text(text) => judge_text(&mut ledger, text),
            Input::Nothing => ledger.says(
                EffectKind::Interactive,
                RiskLevel::High,
                "terminal",
                "waits for a person to type commands",
            ),
            _ => ledger.code("stdin", "runs code in the database that is not seen"),
        }
    }
    ledger.finish()
}

fn judge_text(ledger: &mut Ledger, text: &str) {
    if !looks(text) {
        ledger.code("--eval", "runs code in the database that may change it");
    }
}

/// Whether every statement of a text only looks.
fn looks(text: &str) -> bool {
    let Some(tokens) = tokens(text) else {
        return false;
    };
    tokens
        .split(|token| *token == Token::Sign(';'))
        .all(|statement| match statement {
            [] => true,
            [Token::Name(word), Token::Name(what)] if word == "show" => listed(
                "dbs databases collections tables profile roles logs log",
                what,
            ),
            [Token::Name(word), Token::Name(_)] if word == "use" => true,
            statement => {
                let mut reader = Reader {
                    tokens: statement,
                    at: 0,
                    depth: 0,
                };
                reader.value().is_some() && reader.at == statement.len()
            }
        })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Number,
    Sign(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let letters: Vec<char> = text.chars().collect();
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let start = at;
        at += 1;
        if letter == '\n' {
            all.push(Token::Sign(';'));
        } else if letter.is_whitespace() {
        } else if letter == '"' || letter == '\'' {
            while *letters.get(at)? != letter {
                if letters[at] == '\\' || letters[at] == '\n' {
                    return None;
                }
                at += 1;
            }
            at += 1;
            all.push(Token::Text(letters[start + 1..at - 1].iter().collect()));
        } else if letter.is_ascii_digit() {
            while letters
                .get(at)
                .is_some_and(|next| next.is_ascii_alphanumeric() || *next == '.')
            {
                at += 1;
            }
            all.push(Token::Number);
        } else if letter.is_alphabetic() || letter == '_' || letter == '$' {
            while letters
                .get(at)
                .is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '$'))
            {
                at += 1;
            }
            all.push(Token::Name(letters[start..at].iter().collect()));
        } else if "(){}[].,:;-".contains(letter) {
            all.push(Token::Sign(letter));
        } else {
            return None;
        }
    }
    Some(all)
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Database,
    Collection,
    Set,
    Result,
}

/// Deepest nesting of values.
const MOST_DEPTH: usize = 40;

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn accept(&mut self, sign: char) -> bool {
        let stands = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(stands);
        stands
    }

    /// A value, or a chain of calls that only look.
    fn value(&mut self) -> Option<()> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return None;
        }
        self.accept('-');
        match self.peek()?.clone() {
            Token::Text(text) => {
                self.at += 1;
                (!REFUSED_KEYS.contains(&text.as_str())).then_some(())?;
            }
            Token::Number => self.at += 1,
            Token::Sign('{') => self.object()?,
            Token::Sign('[') => {
                self.at += 1;
                self.list(']')?;
            }
            Token::Name(name) => {
                self.at += 1;
                self.named(&name)?;
            }
            Token::Sign(_) => return None,
        }
        self.depth -= 1;
        Some(())
    }

    fn list(&mut self, close: char) -> Option<()> {
        while !self.accept(close) {
            self.value()?;
            if !self.accept(',') {
                return self.accept(close).then_some(());
            }
        }
        Some(())
    }

    fn object(&mut self) -> Option<()> {
        self.at += 1;
        while !self.accept('}') {
            let (Token::Name(key) | Token::Text(key)) = self.peek()?.clone() else {
                return None;
            };
            self.at += 1;
            if REFUSED_KEYS.contains(&key.as_str()) || !self.accept(':') {
                return None;
            }
            self.value()?;
            if !self.accept(',') {
                return self.accept('}').then_some(());
            }
        }
        Some(())
    }

    fn named(&mut self, name: &str) -> Option<()> {
        match name {
            "true" | "false" | "null" | "undefined" => Some(()),
            "new" => {
                let Token::Name(name) = self.peek()?.clone() else {
                    return None;
                };
                self.at += 1;
                (listed(VALUES, &name) && self.accept('(')).then_some(())?;
                self.list(')')
            }
            "JSON" | "EJSON" => {
                let stringify =
                    self.accept('.') && self.peek() == Some(&Token::Name("stringify".to_owned()));
                self.at += 1;
                (stringify && self.accept('(')).then_some(())?;
                self.list(')')
            }
            _ if listed(VALUES, name) || listed(SHOWS, name) => {
                self.accept('(').then_some(())?;
                self.list(')')
            }
            "db" => self.chain(Kind::Database),
            "rs" | "sh" => self.chain(Kind::Set),
            _ => None,
        }
    }

    /// Members and calls, one after another.
    fn chain(&mut self, mut kind: Kind) -> Option<()> {
        loop {
            if kind == Kind::Result && self.accept('[') {
                let index = matches!(self.peek()?, Token::Number | Token::Text(_));
                self.at += 1;
                (index && self.accept(']')).then_some(())?;
                continue;
            }
            if !self.accept('.') {
                return Some(());
            }
            let Token::Name(name) = self.peek()?.clone() else {
                return None;
            };
            self.at += 1;
            kind = if self.accept('(') {
                self.call(kind, &name)?
            } else {
                match kind {
                    Kind::Database | Kind::Collection => Kind::Collection,
                    Kind::Set => return None,
                    Kind::Result if name.starts_with("__") || name == "constructor" => return None,
                    Kind::Result => Kind::Result,
                }
            };
        }
    }

    fn call(&mut self, kind: Kind, name: &str) -> Option<Kind> {
        match (kind, name) {
            (Kind::Database, "getSiblingDB") => self.list(')').map(|()| Kind::Database),
            (Kind::Database, "getCollection") => self.list(')').map(|()| Kind::Collection),
            (Kind::Database, "adminCommand" | "runCommand") => {
                let command = match self.tokens.get(self.at..self.at + 2)? {
                    [
                        Token::Sign('{'),
                        Token::Name(command) | Token::Text(command),
                    ] => command.clone(),
                    [Token::Text(command), Token::Sign(')')] => command.clone(),
                    _ => return None,
                };
                listed(COMMANDS, &command).then_some(())?;
                self.list(')').map(|()| Kind::Result)
            }
            (Kind::Result, "forEach") => {
                let shows = matches!(self.peek()?, Token::Name(name) if listed(SHOWS, name));
                self.at += 1;
                (shows && self.accept(')')).then_some(Kind::Result)
            }
            _ => {
                let list = match kind {
                    Kind::Database => OF_DATABASE,
                    Kind::Collection => OF_COLLECTION,
                    Kind::Set => OF_SET,
                    Kind::Result => OF_RESULT,
                };
                listed(list, name).then_some(())?;
                self.list(')').map(|()| Kind::Result)
            }
        }
    }
}
