//! Commands of words, quotes, patterns, lists and redirections, and the one text for each.

/// Each text with its canonical text.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (r"uptime", r"uptime"),
    (r"  ls    -la     /tmp   ", r"ls -la /tmp"),
    (
        r"systemctl status nginx.service --no-pager",
        r"systemctl status nginx.service --no-pager",
    ),
    (
        r"journalctl -u ssh --since '1 hour ago' | tail -n 50",
        r"journalctl -u ssh --since '1 hour ago' | tail -n 50",
    ),
    (
        r"ps aux | sort -rnk 4 | head -n 5",
        r"ps aux | sort -rnk 4 | head -n 5",
    ),
    (
        r"du -sh /var/* 2>/dev/null | sort -h",
        r"du -sh /var/* 2>/dev/null | sort -h",
    ),
    (
        r"find /var/log -type f -size +100M -exec ls -lh {} +",
        r"find /var/log -type f -size +100M -exec ls -lh {} +",
    ),
    (
        r#"grep -rn "error\|warn" /var/log/syslog | wc -l"#,
        r"grep -rn 'error\|warn' /var/log/syslog | wc -l",
    ),
    (
        r"sed -n '/start/,/end/p' file",
        r"sed -n /start/,/end/p file",
    ),
    (r"ss -tlnp 'sport = :443'", r"ss -tlnp 'sport = :443'"),
    (
        r#"curl -s "http://localhost:9090/api/v1/query?query=up" | jq -r '.data.result[] | "\(.metric.instance) \(.value[1])"'"#,
        r#"curl -s 'http://localhost:9090/api/v1/query?query=up' | jq -r '.data.result[] | "\(.metric.instance) \(.value[1])"'"#,
    ),
    (
        r"cat /etc/os-release 2>/dev/null || lsb_release -a",
        r"cat /etc/os-release 2>/dev/null || lsb_release -a",
    ),
    (r"! pgrep -x foo >/dev/null", r"! pgrep -x foo >/dev/null"),
    (r"set -o pipefail; a | b", r"set -o pipefail; a | b"),
    (r"a 2>&1 | b", r"a 2>&1 | b"),
    (r"a |& b |& c", r"a 2>&1 | b 2>&1 | c"),
    (r"a &>/dev/null", r"a &>/dev/null"),
    (
        r"a >/dev/null 2>&1 </dev/null",
        r"a >/dev/null 2>&1 </dev/null",
    ),
    (r"a >|f; b 3>&1 4<&0 5>&-", r"a >|f; b 3>&1 4<&0 5>&-"),
    (r"a<f>g", r"a <f >g"),
    (r"a 2> err", r"a 2>err"),
    (r">f", r">f"),
    (r"x=1", r"x=1"),
    (r"x= y=2 cmd", r"x= y=2 cmd"),
    (r"x+=a; a[1]+=b; a+=(c)", r"x+=a; a[1]+=b; a+=(c)"),
    (r"l\s -\l\a /", r"ls -la /"),
    (r#""ls" '-la' $'/'"#, r"ls -la /"),
    (r"$'\x6c\x73' x", r"ls x"),
    (r"$'\154s' x", r"ls x"),
    (r"$'\u6cs' x", r"ls x"),
    (r"l$'s' x", r"ls x"),
    (r#"""ls x"#, r"ls x"),
    (r#"l""s x"#, r"ls x"),
    (r#"ls"""#, r"ls"),
    (r"echo ''", r"echo ''"),
    (r#"echo "" '' $''"#, r"echo '' '' ''"),
    (r"echo a''", r"echo a"),
    (r#"echo "a"b'c'\d$'e'"#, r"echo abcde"),
    (r#"echo 'a'"'"'b'"#, r#"echo "a'b""#),
    (
        r#"echo "a\"b" 'c"d' "e'f\"g""#,
        r#"echo 'a"b' 'c"d' $'e\'f"g'"#,
    ),
    (
        r#"echo "a\\b" "a\b" "a\
b""#,
        r"echo 'a\b' 'a\b' ab",
    ),
    (r"echo a\ b\	c", r"echo $'a b\tc'"),
    (r#"echo "!" '!' \!"#, r"echo '!' '!' '!'"),
    (r"echo a!b", r"echo a!b"),
    (
        r#"echo ~ ~/a "~" \~ a~b ~root"#,
        r"echo ~ ~/a '~' '~' a~b ~root",
    ),
    (
        r#"echo *.txt "*.txt" a?b [abc] \* 'a'*"#,
        r"echo *.txt '*.txt' a?b [abc] '*' a*",
    ),
    (r"echo {} {a} {a, } {,a}", r"echo {} {a} {a, '}' {,a}"),
    (r"echo a{b,c{d,e}f}g", r"echo a{b,c{d,e}f}g"),
    (r"echo {a,b}{c,d}", r"echo {a,b}{c,d}"),
    (
        r"[ -f a -a -d b ]; [ ! -e c ]; test a = b",
        r"[ -f a -a -d b ]; [ ! -e c ]; test a = b",
    ),
    (r"a & b & wait", r"a & b & wait"),
    (
        r"a; b
c

d",
        r"a; b; c; d",
    ),
    (
        r"a &&
b ||
c",
        r"a && b || c",
    ),
    (
        r"a |
b", r"a | b",
    ),
    (
        r"a; # x
# y
b",
        r"a; b",
    ),
    (
        r"a \
b", r"a b",
    ),
    (r"time a; time -p b; time ! c", r"time a; time b; time ! c"),
    (r"! a | b", r"! a | b"),
    (
        r#"'if' a; "for"; \while; i'f' x"#,
        r"'if' a; 'for'; 'while'; 'if' x",
    ),
    (r#"'a=b'; a\=b; "a"=b"#, r"'a=b'; 'a=b'; 'a=b'"),
    (r"exec >log 2>&1", r"exec >log 2>&1"),
    (
        r#"sudo -u postgres psql -c "select 1""#,
        r"sudo -u postgres psql -c 'select 1'",
    ),
    (r"ssh host 'uptime; df -h'", r"ssh host 'uptime; df -h'"),
    (
        r"xargs -0 -I{} echo {} </dev/null",
        r"xargs -0 -I{} echo {} </dev/null",
    ),
    (r#"echo é "ü" 日本"#, r"echo é 'ü' 日本"),
    (
        r#"echo "tab	x" 'new
line'"#,
        r"echo $'tab\tx' $'new\nline'",
    ),
    (r"trap 'a; b' EXIT INT", r"trap 'a; b' EXIT INT"),
    (r"alias x='y z'", r"alias 'x=y z'"),
    (
        r"echo a=b --c=d e:f @g %h +i ,j",
        r"echo a=b --c=d e:f @g %h +i ,j",
    ),
    (r"echo a^b c]d e}f", r"echo a^b c]d e}f"),
    (
        r"find . \( -name a -o -name b \) -print",
        r"find . '(' -name a -o -name b ')' -print",
    ),
    (
        r#"tar c . | ssh h "tar x -C /d""#,
        r"tar c . | ssh h 'tar x -C /d'",
    ),
    (
        r#"kubectl get po -A -o json | jq '.items[] | select(.status.phase != "Running") | .metadata.name'"#,
        r#"kubectl get po -A -o json | jq '.items[] | select(.status.phase != "Running") | .metadata.name'"#,
    ),
    (
        r#"psql -Atc "select count(*) from t where a = 'b'""#,
        r#"psql -Atc "select count(*) from t where a = 'b'""#,
    ),
    (
        r"docker inspect -f '{{range .Mounts}}{{.Source}} {{end}}' c",
        r"docker inspect -f '{{range .Mounts}}{{.Source}} {{end}}' c",
    ),
    (r#"python3 -c 'print("a")'"#, r#"python3 -c 'print("a")'"#),
    (
        r"echo $'it\'s' $'\e[1m' $'a\\b'",
        r#"echo "it's" $'\x1b[1m' 'a\b'"#,
    ),
    (r#"echo -e "a\tb\n""#, r"echo -e 'a\tb\n'"),
    (
        r"./script.sh; ../x; /usr/bin/y; ~/z",
        r"./script.sh; ../x; /usr/bin/y; ~/z",
    ),
    (r#"r''m -r\f "a"'b c'"#, r"rm -rf 'ab c'"),
    (
        r#"a=1 b[2]=x c=(1 "2 3" [k]=v) cmd"#,
        r"a=1 b[2]=x c=(1 '2 3' [k]=v) cmd",
    ),
    (r"time ! ls | cat", r"time ! ls | cat"),
    (r"a |& b", r"a 2>&1 | b"),
    (
        r"echo {a,b{c,d}} x{1..5..2}y {a} {a,'b,c'} {}",
        r"echo {a,b{c,d}} x{1..5..2}y {a} {a,'b,c'} {}",
    ),
    (
        r"echo ~ ~/x ~bob/y a=~/z PATH=~/a:~/b '~'",
        r"echo ~ ~/x ~bob/y a=~/z PATH=~/a:~/b '~'",
    ),
    (r"x=~/a:~b cmd", r"x=~/a:~b cmd"),
    (
        r#"cat 2>&1 >&2 <&- >&- 1>|f 3<>g &>h &>>i <<<"a b""#,
        r"cat 2>&1 >&2 <&- >&- 1>|f 3<>g &>h &>>i <<<'a b'",
    ),
    (
        r"echo a # comment
ls \
  -la",
        r"echo a; ls -la",
    ),
    (r"! grep -q x y", r"! grep -q x y"),
    (
        r"kubectl get pods -o jsonpath='{.items[*].metadata.name}'; ps -eo pid,comm --sort=-%cpu | head",
        r"kubectl get pods -o 'jsonpath={.items[*].metadata.name}'; ps -eo pid,comm --sort=-%cpu | head",
    ),
    (
        r"docker ps --format '{{.Names}}\t{{.Status}}'",
        r"docker ps --format '{{.Names}}\t{{.Status}}'",
    ),
    (
        r#"echo a\
b "c\
d""#,
        r"echo ab cd",
    ),
    (
        r"find . -name '*.log' -exec ls {} \; -o \( -size +1M \)",
        r"find . -name '*.log' -exec ls {} ';' -o '(' -size +1M ')'",
    ),
    (
        r#"echo [a'-'z] "*".txt \*.c"#,
        r"echo [a'-'z] '*.txt' '*.c'",
    ),
    (r"a && b || c; d & e", r"a && b || c; d & e"),
    (r"echo $", r"echo '$'"),
    (
        r#"date -d '@1741910400'\''x'"#,
        r#"date -d "@1741910400'x""#,
    ),
    (r#"export x="a=(b)""#, r#"export 'x=a=(b)'"#),
    (
        r#"x=(a # it's )
b)"#,
        r#"x=(a b)"#,
    ),
    (
        r#"x=( # "
a)"#,
        r#"x=(a)"#,
    ),
];
