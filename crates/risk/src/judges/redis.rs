//! `redis-cli`, `valkey-cli`: the command that it sends, by a table of commands, and what the client does by itself.

use watchkeeper_model::{EffectKind, RiskLevel};

use crate::invocation::{Input, Invocation, Outcome};
use crate::spec::Matched;
use crate::word::Arg;

use super::ledger::Ledger;
use super::options::{Grammar, Parted, listed, part};

/// The options of redis-cli, Redis 7.
const GRAMMAR: Grammar = Grammar {
    flags: "-2 -3 -c -e -x -4 -6 --raw --no-raw --quoted-input --csv --json --quoted-json --no-auth-warning --tls --insecure \
        --verbose --bigkeys --memkeys --hotkeys --scan --stat --latency --latency-history --latency-dist --replica --slave \
        --pipe --askpass --help --version --ldb --ldb-sync-mode --lru-test --keystats",
    values: "-h -p -t -s -a -u --user --pass -r -i -n -X -d -D --show-pushes --sni --cacert --cacertdir --cert --key \
        --tls-ciphers --tls-ciphersuites --rdb --functions-rdb --pipe-timeout --memkeys-samples --keystats-samples --cursor \
        --top --pattern --count --quoted-pattern --intrinsic-latency --eval --cluster",
    optional: "",
    digits: "",
    ends: "",
    ends_bare: "",
    first_operand_ends: true,
    one_dash: false,
};

/// Commands that only look.
const READS: &str = "get mget strlen getrange substr exists type ttl pttl expiretime pexpiretime keys scan sscan hscan zscan \
    hget hmget hgetall hkeys hvals hlen hexists hstrlen hrandfield httl hpttl llen lrange lindex lpos scard sismember \
    smismember smembers srandmember sinter sunion sdiff sintercard zcard zcount zrange zrangebyscore zrangebylex zrevrange \
    zrevrangebyscore zrevrangebylex zrank zrevrank zscore zmscore zlexcount zrandmember zinter zunion zdiff zintercard xlen \
    xrange xrevrange xpending xinfo bitcount bitpos getbit bitfield_ro pfcount geopos geodist geohash geosearch \
    georadius_ro georadiusbymember_ro sort_ro lcs dbsize info ping echo time lastsave role command randomkey object dump \
    lolwut select auth hello quit asking readonly readwrite wait waitaof";

/// Commands with a word of their own that only look.
const READS_BY_WORD: [(&str, &str); 13] = [
    ("client", "list info id getname getredir trackinginfo help"),
    ("config", "get help"),
    ("slowlog", "get len help"),
    ("latency", "latest history doctor graph histogram help"),
    ("memory", "usage stats doctor malloc-stats help"),
    (
        "cluster",
        "info nodes slots shards myid myshardid keyslot countkeysinslot getkeysinslot links count-failure-reports replicas \
         slaves slot-stats help",
    ),
    (
        "pubsub",
        "channels numsub numpat shardchannels shardnumsub help",
    ),
    ("module", "list help"),
    ("acl", "users whoami cat log help dryrun"),
    ("script", "exists help"),
    ("function", "list stats dump help"),
    (
        "sentinel",
        "masters master slaves replicas sentinels get-master-addr-by-name ckquorum myid info-cache is-master-down-by-addr",
    ),
    ("xinfo", "stream groups consumers help"),
];

/// Commands that do lasting harm, or run code.
const HIGH: &str = "flushall flushdb shutdown debug eval evalsha eval_ro evalsha_ro fcall fcall_ro script module acl replicaof \
    slaveof cluster failover swapdb migrate sentinel function reset psync sync replconf restore-asking pfdebug";

/// The judge.
pub(super) fn judge(invocation: &Invocation, _matched: &Matched) -> Outcome {
    let mut ledger = Ledger::of(invocation);
    let parted = part(invocation.argv.get(1..).unwrap_or_default(), &GRAMMAR);
    if parted.has("--help --version") {
        return ledger.finish();
    }
    if parted.unlisted || parted.uncertain {
        ledger.unknown("option", "asks with an option that is not known");
    }
    for machine in parted.values("-h -u") {
        ledger.asks(machine.clone(), "-h");
    }
    if let Some(machine) = parted.operands.first().filter(|_| parted.has("--cluster")) {
        ledger.asks(machine.clone(), "--cluster");
    }
    let by_itself = client(&mut ledger, &parted);
    if by_itself {
        return ledger.finish();
    }
    if let Some(command) = parted.operands.first() {
        send(&mut ledger, command, &parted.operands[1..]);
    } else {
        from_stdin(&mut ledger, invocation);
    }
    ledger.finish()
}

/// What the client does by itself; whether it then sends no command of its own.
fn client(ledger: &mut Ledger, parted: &Parted) -> bool {
    if parted.has("--stat --latency --latency-history --latency-dist --replica --slave") {
        ledger.says(
            EffectKind::Unbounded,
            RiskLevel::Low,
            "watch",
            "watches the server until it is stopped",
        );
    }
    if parted.has("--lru-test --pipe") {
        ledger.says(
            EffectKind::DatabaseWrites,
            RiskLevel::High,
            "pipe",
            "writes many keys at once",
        );
    }
    for file in parted.values("--rdb --functions-rdb") {
        if file.as_text() != Some("-") {
            ledger.path(EffectKind::Overwrites, file.clone(), "--rdb");
        }
    }
    if parted.has("--eval --ldb --ldb-sync-mode") {
        ledger.code("--eval", "runs a script in the database that is not seen");
    }
    if parted.has("--askpass") {
        ledger.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "--askpass",
            "waits for a person to type a password",
        );
    }
    for command in parted.values("--cluster") {
        if !matches!(command.as_text(), Some("check" | "info" | "help")) {
            ledger.says(
                EffectKind::DatabaseAdmin,
                RiskLevel::High,
                "--cluster",
                "changes a cluster of databases",
            );
        }
    }
    parted.has(
        "--stat --latency --latency-history --latency-dist --replica --slave --lru-test --pipe --rdb --functions-rdb --eval \
         --ldb --bigkeys --memkeys --hotkeys --keystats --scan --intrinsic-latency --cluster",
    )
}

/// Commands that stand on the standard input, one on each line.
fn from_stdin(ledger: &mut Ledger, invocation: &Invocation) {
    match &invocation.stdin {
        Input::Nothing => ledger.says(
            EffectKind::Interactive,
            RiskLevel::High,
            "terminal",
            "waits for a person to type commands",
        ),
        Input::Text(text) => {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                let words: Vec<Arg> = line
                    .split_whitespace()
                    .map(|word| Arg::text(word.trim_matches(['"', '\''])))
                    .collect();
                if let Some((command, rest)) = words.split_first() {
                    send(ledger, command, rest);
                }
            }
        }
        Input::File(_) | Input::Unknown(_) => ledger.says(
            EffectKind::DatabaseAdmin,
            RiskLevel::High,
            "stdin",
            "sends commands to the database that are not seen",
        ),
    }
}

/// One command of the server's.
fn send(ledger: &mut Ledger, command: &Arg, words: &[Arg]) {
    let Some(command) = command.as_text().map(str::to_lowercase) else {
        ledger.says(
            EffectKind::DatabaseAdmin,
            RiskLevel::High,
            "command",
            "sends a command to the database that only the host knows",
        );
        return;
    };
    let word = words
        .first()
        .and_then(Arg::as_text)
        .map(str::to_lowercase)
        .unwrap_or_default();
    if shows_secrets(&command, &word, words) {
        ledger.says(
            EffectKind::Secrets,
            RiskLevel::High,
            &command,
            "shows passwords, or all that clients send",
        );
    }
    let stores = words.iter().any(|word| {
        word.as_text()
            .is_none_or(|text| matches!(text.to_lowercase().as_str(), "store" | "storedist"))
    });
    let reads = listed(READS, &command)
        || (matches!(command.as_str(), "sort" | "georadius" | "georadiusbymember") && !stores)
        || (command == "xread" && !words.iter().any(|word| word.as_text().is_none_or(is_block)))
        || READS_BY_WORD
            .iter()
            .any(|(own, by_word)| *own == command && listed(by_word, &word));
    if reads || (command == "acl" && matches!(word.as_str(), "list" | "getuser")) {
        return;
    }
    let (kind, level, sentence) = meaning(&command, &word);
    ledger.says(kind, level, "command", sentence);
}

fn is_block(text: &str) -> bool {
    text.eq_ignore_ascii_case("block")
}

/// Whether a command shows what ought not to be shown.
fn shows_secrets(command: &str, word: &str, words: &[Arg]) -> bool {
    let asked = |name: &Arg| {
        name.as_text().is_none_or(|text| {
            let text = text.to_lowercase();
            text.contains(['*', '?', '[']) || text.contains("pass") || text.contains("auth")
        })
    };
    match (command, word) {
        ("monitor", _) | ("acl", "list" | "getuser") => true,
        ("config", "get") => words.iter().skip(1).any(asked),
        _ => false,
    }
}

/// What a command that does not only look does.
fn meaning(command: &str, word: &str) -> (EffectKind, RiskLevel, &'static str) {
    match (command, word) {
        ("monitor" | "subscribe" | "psubscribe" | "ssubscribe" | "xread", _) => (
            EffectKind::Unbounded,
            RiskLevel::Low,
            "waits for what others send until it is stopped",
        ),
        ("bgsave" | "save" | "bgrewriteaof", _) => (
            EffectKind::Snapshots,
            RiskLevel::Low,
            "has the database write its data to disk",
        ),
        ("slowlog" | "latency" | "config", "reset" | "resetstat")
        | ("memory", "purge")
        | ("touch", _) => (
            EffectKind::DatabaseWrites,
            RiskLevel::Low,
            "resets counters of the database",
        ),
        ("config", _) => (
            EffectKind::DatabaseAdmin,
            RiskLevel::High,
            "changes a setting of the database server",
        ),
        ("client", "kill" | "pause" | "unpause" | "no-evict" | "unblock") => (
            EffectKind::DatabaseAdmin,
            RiskLevel::Medium,
            "ends or holds up sessions of the database",
        ),
        _ if listed(HIGH, command) => (
            EffectKind::DatabaseAdmin,
            RiskLevel::High,
            "empties, ends or changes the database server, or runs code in it",
        ),
        _ => (
            EffectKind::DatabaseWrites,
            RiskLevel::Medium,
            "changes keys of a database",
        ),
    }
}
