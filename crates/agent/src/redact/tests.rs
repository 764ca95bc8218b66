use proptest::prelude::*;

use super::*;

fn check(text: &str, expect: &str) {
    assert_eq!(redact(text), expect, "{text:?}");
    assert_eq!(redact(expect), expect, "once is enough: {text:?}");
}

#[test]
fn assignments_lose_their_values_and_keep_their_names() {
    check("password=hunter2", "password=[redacted]");
    check(
        "DB_PASSWORD=hunter2 DB_HOST=db1",
        "DB_PASSWORD=[redacted] DB_HOST=db1",
    );
    check("password: hunter2", "password: [redacted]");
    check(
        "password = \"two words\" user=ann",
        "password = \"[redacted]\" user=ann",
    );
    check(
        "{\"password\":\"a\\\"b\",\"user\":\"ann\"}",
        "{\"password\":\"[redacted]\",\"user\":\"ann\"}",
    );
    check("'api_key' => 'abc123',", "'api_key' => '[redacted]',");
    check(
        "spring.datasource.password=x",
        "spring.datasource.password=[redacted]",
    );
    check("client_secret=a,b;c", "client_secret=[redacted]");
    check(
        "host=db1,password=x,db=app",
        "host=db1,password=[redacted],db=app",
    );
    check("?user=ann&token=abc&x=1", "?user=ann&token=[redacted]&x=1");
    check(
        "mysqldump --password hunter2 app",
        "mysqldump --password [redacted] app",
    );
    check("PrivateKey = YWJjZGVm=", "PrivateKey = [redacted]");
    check(
        "MYSQL_PWD=x PGPASSWORD=y",
        "MYSQL_PWD=[redacted] PGPASSWORD=[redacted]",
    );
    check(
        "ssl passphrase: correct horse battery",
        "ssl passphrase: [redacted]",
    );
    check(
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+x",
        "AWS_SECRET_ACCESS_KEY=[redacted]",
    );
    check("X-Api-Key: 12345", "X-Api-Key: [redacted]");
    check("password=pässwörd next", "password=[redacted] next");
}

#[test]
fn headers_and_bearer_tokens_go() {
    check(
        "Authorization: Bearer abc.def-1",
        "Authorization: [redacted]",
    );
    check(
        "curl -H 'Authorization: Basic dTpw' https://x",
        "curl -H 'Authorization: [redacted]' https://x",
    );
    check("sent bearer 0123456789abcdef", "sent bearer [redacted]");
    check(
        "Cookie: session=abc; theme=dark\nnext",
        "Cookie: [redacted]\nnext",
    );
    check("token: Bearer abc", "token: [redacted]");
}

#[test]
fn tokens_of_known_forms_go() {
    check("key AKIAIOSFODNN7EXAMPLE used", "key [redacted] used");
    check(
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_x",
        "got [redacted]",
    );
    check(
        "clone with ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "clone with [redacted]",
    );
    check(
        "postgres://app:s3cret@db1:5432/app",
        "postgres://app:[redacted]@db1:5432/app",
    );
    check("https://u:p@ss@host/x", "https://u:[redacted]@host/x");
    check(
        "https://0123456789abcdef0123456789@host/x.git",
        "https://[redacted]@host/x.git",
    );
    check(
        "root:$6$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789./:19000:0",
        "root:[redacted]:19000:0",
    );
    check(
        "ann:$y$j9T$abc$0123456789012345678901234567890123456789012:1",
        "ann:[redacted]:1",
    );
}

#[test]
fn private_keys_go_whole_or_cut() {
    let key = "before\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\nAAAA==\n-----END OPENSSH PRIVATE KEY-----\nafter";
    check(key, "before\n[redacted]\n\nafter");
    check(
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc=\nthe service stopped, it says",
        "[redacted]\nthe service stopped, it says",
    );
    check(
        "a -----BEGIN EC PRIVATE KEY-----\\nMHcC\\n-----END EC PRIVATE KEY----- b",
        "a [redacted] b",
    );
    check(
        "Nov 21 h app[1]: -----BEGIN PRIVATE KEY-----\nNov 21 h app[1]: MIIEvQIBADANBgkqhkiG\nNov 21 h app[1]: -----END PRIVATE KEY-----\nNov 21 done",
        "Nov 21 h app[1]: [redacted]\n\nNov 21 done",
    );
    check(
        "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----",
    );
}

#[test]
fn ordinary_log_lines_are_left_alone() {
    for line in [
        "Nov 21 10:03:04 web1 sshd[812]: Failed password for root from 203.0.113.9 port 4022 ssh2",
        "Nov 21 10:03:04 web1 sudo: ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/usr/bin/systemctl restart nginx",
        "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9",
        "Accepted publickey for ann from 10.0.0.9 port 50514 ssh2: ED25519 SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDLkIYsQ4sYcz",
        "kernel: Out of memory: Killed process 812 (mysqld) total-vm:1234kB, anon-rss:999kB",
        "systemd[1]: nginx.service: Main process exited, code=exited, status=1/FAILURE",
        "GET https://example.org:8443/a@b?x=1 HTTP/1.1 200",
        "fetching ssh://git@example.org/repo.git",
        "/dev/sda1  20G  19G  1G  95% /",
        "price $5 and $10, $HOME, $1$2$3",
        "the bearer authentication failed",
        "max tokens 4096, bypass: yes, compass: north",
        "",
        "äöü ✓ 日本",
    ] {
        assert!(
            matches!(redact(line), Cow::Borrowed(_)),
            "{line:?} became {:?}",
            redact(line)
        );
    }
}

#[test]
fn much_hostile_text_is_read_in_one_pass() {
    for unit in [
        "$",
        "$1$",
        "://",
        "password=",
        "-----BEGIN PRIVATE KEY-----",
        "token:\"",
        "eyJ",
        "AKIA",
        "a.",
        "a:@",
        "--token ",
        "mysql -p'",
        "password=''\n",
        "<token>",
        "name: token value: ",
        "echo a | chpasswd ",
        "aB3dEf9hJ/kLm4",
        "password is: ",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        let _ = redact(&text);
    }
}

/// Characters of which a planted secret is made; with digits, without what ends a word.
const SECRET: &str = "[A-Za-z0-9+/_.!%^*-]{12,40}";

/// Text around it: lines as a host writes them.
const AROUND: &str = "[a-z :,;\n=]{0,30}";

proptest! {
    #[test]
    fn any_text_is_redacted_and_once_is_enough(text in any::<String>()) {
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
    }

    #[test]
    fn texts_made_of_what_the_rules_look_for_are_redacted_once(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "password", "token", "=", ":", " ", "\"", "'", "\\", ",", ";", "&", "\n", "$6$", "$", "://", "@", "/",
                "-----BEGIN ", "RSA PRIVATE KEY-----", "-----END ", "eyJhbGciOiJIUzI1NiJ9", ".", "AKIAIOSFODNN7EXAMPLE",
                "Bearer", "authorization", "abcdefghijklmnopqrstuvwxyz0123456789", "[redacted]", "--", "ä", "]", "x1",
                "passphrase", "ghp_", "_", "PWD",
            ]),
            0..24,
        ),
    ) {
        let once = redact(&pieces.concat()).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
    }

    #[test]
    fn a_planted_secret_does_not_stay(
        form in 0..9_usize,
        secret in SECRET,
        before in AROUND,
        after in AROUND,
    ) {
        let planted = match form {
            0 => format!("{before}\npassword={secret}\n{after}"),
            1 => format!("{before}\n\"api_key\": \"{secret}\"\n{after}"),
            2 => format!("{before}\nAuthorization: Bearer {secret}\n{after}"),
            3 => format!("{before}\n-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----\n{after}"),
            4 => format!("{before}\nGITHUB_TOKEN='{secret}'\n{after}"),
            5 => format!("{before}\n--client-secret {secret}\n{after}"),
            6 => format!("{before}\nredis://app:{}@cache/0\n{after}", secret.replace('/', "_")),
            7 => format!("{before}\nann:$6$abcd${}:1\n{after}", format!("{secret}0123456789").replace(['!', '%', '^', '*', '_'], "x")),
            _ => format!("{before}\nsecret: {secret}\n{after}"),
        };
        let wanted = match form {
            6 => secret.replace('/', "_"),
            7 => secret.replace(['!', '%', '^', '*', '_'], "x"),
            _ => secret,
        };
        let redacted = redact(&planted);
        prop_assert!(!redacted.contains(&wanted), "{:?} stays in {:?}", wanted, redacted);
    }
}
