//! What people write, and the one text for it.

/// Each text with its canonical text.
pub(crate) const CANONICAL: &[(&str, &str)] = &[
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
        r"awk -F: '$3 >= 1000 { print $1 }' /etc/passwd",
        r"awk -F: '$3 >= 1000 { print $1 }' /etc/passwd",
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
        r#"echo "load: $(cut -d' ' -f1 /proc/loadavg)""#,
        r#"echo "load: $(cut '-d ' -f1 /proc/loadavg)""#,
    ),
    (
        r"for pid in $(pgrep nginx); do cat /proc/$pid/status; done",
        r"for pid in $(pgrep nginx); do cat /proc/$pid/status; done",
    ),
    (
        r"for i in {1..5}; do date; sleep 1; done",
        r"for i in {1..5}; do date; sleep 1; done",
    ),
    (
        r"if systemctl is-active -q nginx; then echo up; else echo down; fi",
        r"if systemctl is-active -q nginx; then echo up; else echo down; fi",
    ),
    (
        r#"while IFS=: read -r user _ uid _; do [ "$uid" -ge 1000 ] && echo "$user"; done </etc/passwd"#,
        r#"while IFS=: read -r user _ uid _; do [ "$uid" -ge 1000 ] && echo "$user"; done </etc/passwd"#,
    ),
    (
        r"cat /etc/os-release 2>/dev/null || lsb_release -a",
        r"cat /etc/os-release 2>/dev/null || lsb_release -a",
    ),
    (
        r"[[ $(id -u) -eq 0 ]] && echo root",
        r"[[ $(id -u) -eq 0 ]] && echo root",
    ),
    (r"n=$(nproc); echo $((n * 2))", r"n=$(nproc); echo $((n*2))"),
    (
        r#"printf '%s\n' "${PATH//:/$'\n'}""#,
        r#"printf '%s\n' "${PATH//:/$'\n'}""#,
    ),
    (
        r"comm -12 <(sort a) <(sort b)",
        r"comm -12 <(sort a) <(sort b)",
    ),
    (r"time (sleep 1; true)", r"time (sleep 1; true)"),
    (r"! pgrep -x foo >/dev/null", r"! pgrep -x foo >/dev/null"),
    (r"set -o pipefail; a | b", r"set -o pipefail; a | b"),
    (
        r#"a=(one two); echo "${a[0]}" "${#a[@]}" "${a[@]:1:2}""#,
        r#"a=(one two); echo "${a[0]}" "${#a[@]}" "${a[@]:1:2}""#,
    ),
    (
        r#"declare -A m; m[x]=1; echo "${m[x]}""#,
        r#"declare -A m; m[x]=1; echo "${m[x]}""#,
    ),
    (
        r#"f() { local x=$1; echo "$x"; }; f a"#,
        r#"f() { local x=$1; echo "$x"; }; f a"#,
    ),
    (
        r#"case "$1" in start|stop) echo "$1";; *) echo other;; esac"#,
        r#"case "$1" in (start | stop) echo "$1" ;; (*) echo other ;; esac"#,
    ),
    (
        r#"case $x in [yY]*) a;; "a b") b;; esac"#,
        r"case $x in ([yY]*) a ;; ('a b') b ;; esac",
    ),
    (
        r"until ping -c1 h; do sleep 1; done",
        r"until ping -c1 h; do sleep 1; done",
    ),
    (
        r#"for ((i = 0; i < 10; i++)); do echo "$i"; done"#,
        r#"for ((i=0; i<10; i++)); do echo "$i"; done"#,
    ),
    (
        r"cat <<'X'
$HOME `id` \
X",
        r"cat <<'EOF'
$HOME `id` \
EOF
",
    ),
    (
        r"cat <<X
$HOME \$HOME
X",
        r"cat <<EOF
$HOME \$HOME
EOF
",
    ),
    (
        r"cat <<-X
	a
		b
	X",
        r"cat <<'EOF'
a
b
EOF
",
    ),
    (
        r"cat <<A - <<B
a
A
b
B",
        r"cat - <<'EOF' <<'EOF'
a
EOF
b
EOF
",
    ),
    (
        r"cat <<A && echo b
a
A",
        r"cat <<'EOF' && echo b
a
EOF
",
    ),
    (
        r"cat <<X
a EOF b
X",
        r"cat <<'EOF1'
a EOF b
EOF1
",
    ),
    (
        r"cat <<X


X",
        r"cat <<'EOF'


EOF
",
    ),
    (
        r"while read l; do echo $l; done <<X
a
X",
        r"while read l; do echo $l; done <<'EOF'
a
EOF
",
    ),
    (
        r"{ cat <<X
a
X
}",
        r"{ cat <<'EOF'
a
EOF
}",
    ),
    (
        r"if cat <<X
a
X
then b; fi",
        r"if cat <<'EOF'
a
EOF
then b; fi",
    ),
    (r"a 2>&1 | b", r"a 2>&1 | b"),
    (r"a |& b |& c", r"a 2>&1 | b 2>&1 | c"),
    (r"{ a; } |& b", r"{ a; } 2>&1 | b"),
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
    (r#"x="a b" y='c' z=$q cmd"#, r"x='a b' y=c z=$q cmd"),
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
        r#"echo "a$b" "$b"c "x${b}y" "${b}""#,
        r#"echo "a$b" "${b}c" "x${b}y" "$b""#,
    ),
    (
        r#"echo "$a$b" "$a"$b $a"$b""#,
        r#"echo "$a$b" "$a"$b $a"$b""#,
    ),
    (r#"echo "\$a" '$a' \$a"#, r"echo '$a' '$a' '$a'"),
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
    (
        r#"echo {a,b} "{a,b}" \{a,b} {a\,b,c} {1..3} {a..c} {1..10..2} {1..$n} {a b}"#,
        r"echo {a,b} '{a,b}' '{'a,b} {'a,b',c} {1..3} {a..c} {1..10..2} {1..$n} {a b}",
    ),
    (r"echo {} {a} {a, } {,a}", r"echo {} {a} {a, '}' {,a}"),
    (r"echo a{b,c{d,e}f}g", r"echo a{b,c{d,e}f}g"),
    (r"echo {a,b}{c,d}", r"echo {a,b}{c,d}"),
    (r#"echo {~,x} {$a,"$b"}"#, r#"echo {~,x} {$a,"$b"}"#),
    (
        r#"echo $(a) `b` "$(c)" "`d`""#,
        r#"echo $(a) $(b) "$(c)" "$(d)""#,
    ),
    (r"echo `a \`b\``", r"echo $(a $(b))"),
    (r"echo `a \\\`b\\\``", r"echo $(a '`b`')"),
    (r#"echo "`a "b c"`""#, r#"echo "$(a 'b c')""#),
    (r"echo $(a $(b $(c)))", r"echo $(a $(b $(c)))"),
    (
        r#"echo "$(a "$(b "c d")" e)""#,
        r#"echo "$(a "$(b 'c d')" e)""#,
    ),
    (r"echo $(a | b; c && d)", r"echo $(a | b; c && d)"),
    (
        r"echo $(
a
b
)",
        r"echo $(a; b)",
    ),
    (
        r"echo $(a # )
)",
        r"echo $(a)",
    ),
    (r#"echo $(echo ')' "(" \) )"#, r"echo $(echo ')' '(' ')')"),
    (
        r"echo $((1 + 2)) $((a*b)) $((x<<2)) $((16#ff)) $((a ? b : c)) $((a++)) $((-1))",
        r"echo $((1+2)) $((a*b)) $((x<<2)) $((16#ff)) $((a?b:c)) $((a++)) $((-1))",
    ),
    (r#"echo "$(( $(a) + ${b} ))""#, r#"echo "$(($(a) + $b))""#),
    (r"echo $((a[1] + a[$i]))", r"echo $((a[1]+a[$i]))"),
    (
        r"((x++)); ((x = 1, y = 2)); (( x > 0 )) && a",
        r"((x++)); ((x=1,y=2)); ((x>0)) && a",
    ),
    (
        r"echo ${x} ${x:-} ${x:-a} ${x-a} ${x:=a} ${x:?a b} ${x:+a}",
        r"echo $x ${x:-} ${x:-a} ${x-a} ${x:=a} ${x:?a b} ${x:+a}",
    ),
    (
        r#"echo "${x:-a b}" "${x:-$y}" "${x:-$(z)}" "${x:-"q"}""#,
        r#"echo "${x:-a b}" "${x:-$y}" "${x:-$(z)}" "${x:-q}""#,
    ),
    (
        r"echo ${x#a} ${x##*/} ${x%.*} ${x%%:*} ${x/a/b} ${x//a/b} ${x/#a/b} ${x/%a/b} ${x//a}",
        r"echo ${x#a} ${x##*/} ${x%.*} ${x%%:*} ${x/a/b} ${x//a/b} ${x/#a/b} ${x/%a/b} ${x//a/}",
    ),
    (
        r"echo ${x:1} ${x:1:2} ${x: -1} ${x:$i:$((i+1))}",
        r"echo ${x:1} ${x:1:2} ${x: -1} ${x:$i:$((i+1))}",
    ),
    (
        r"echo ${x^} ${x^^} ${x,} ${x,,} ${x@Q} ${x^^[a-c]}",
        r"echo ${x^} ${x^^} ${x,} ${x,,} ${x@Q} ${x^^[a-c]}",
    ),
    (
        r"echo ${#x} ${#a[@]} ${#} ${!x} ${!a[@]} ${!p@} ${a[*]}",
        r"echo ${#x} ${#a[@]} $# ${!x} ${!a[@]} ${!p*} ${a[*]}",
    ),
    (
        r#"echo "${x#"$y"}" "${x#$y}" "${x//\//-}" "${x//'a b'/c}""#,
        r#"echo "${x#"$y"}" "${x#$y}" "${x//\//-}" "${x//a\ b/c}""#,
    ),
    (
        r#"[[ -f a ]]; [[ ! -d b ]]; [[ -n $x && -z "$y" ]]"#,
        r#"[[ -f a ]]; [[ ! -d b ]]; [[ -n $x && -z "$y" ]]"#,
    ),
    (
        r#"[[ a == b* ]]; [[ a = "b*" ]]; [[ a != c ]]; [[ $a =~ ^[0-9]+$ ]]; [[ $a =~ "x.y" ]]"#,
        r"[[ a == b* ]]; [[ a == 'b*' ]]; [[ a != c ]]; [[ $a =~ ^[0-9]+$ ]]; [[ $a =~ x'.'y ]]",
    ),
    (
        r"[[ a < b || c > d ]]; [[ a -nt b ]]; [[ ( a == b ) && c == d ]]; [[ a == b || c == d && e == f ]]",
        r"[[ a < b || c > d ]]; [[ a -nt b ]]; [[ a == b && c == d ]]; [[ a == b || c == d && e == f ]]",
    ),
    (
        r"[ -f a -a -d b ]; [ ! -e c ]; test a = b",
        r"[ -f a -a -d b ]; [ ! -e c ]; test a = b",
    ),
    (r"( a; b )", r"(a; b)"),
    (r"( ( a ) )", r"( (a))"),
    (r"((a); b)", r"( (a); b)"),
    (r"{ a; }; { a; b; } | c", r"{ a; }; { a; b; } | c"),
    (r"{ ( a ); }", r"{ (a); }"),
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
    (
        r"f() ( a ); g () { b; } >x; function h { c; }; function i() { d; }",
        r"f() (a); g() { b; } >x; h() { c; }; i() { d; }",
    ),
    (
        r"coproc { a; }; coproc NAME { b; }",
        r"coproc { a; }; coproc NAME { b; }",
    ),
    (r"time a; time -p b; time ! c", r"time a; time b; time ! c"),
    (r"! a | b", r"! a | b"),
    (
        r#"'if' a; "for"; \while; i'f' x"#,
        r"'if' a; 'for'; 'while'; 'if' x",
    ),
    (r#"'a=b'; a\=b; "a"=b"#, r"'a=b'; 'a=b'; 'a=b'"),
    (
        r"echo if then fi done { } esac",
        r"echo if then fi done '{' '}' esac",
    ),
    (r"exec >log 2>&1", r"exec >log 2>&1"),
    (
        r#"eval "$x"; source ./x; . y"#,
        r#"eval "$x"; source ./x; . y"#,
    ),
    (
        r#"sudo -u postgres psql -c "select 1""#,
        r"sudo -u postgres psql -c 'select 1'",
    ),
    (r"ssh host 'uptime; df -h'", r"ssh host 'uptime; df -h'"),
    (r#"bash -c 'echo "$1"' _ a"#, r#"bash -c 'echo "$1"' _ a"#),
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
    (
        r#"echo $1 ${1} ${12} $12 $@ "$@" "$*" $# $? $! $- $0"#,
        r#"echo $1 $1 ${12} ${1}2 $@ "$@" "$*" $# $? $! $- $0"#,
    ),
    (
        r#"echo ${x[0]} ${x["k"]} ${x[$k]} "${x[a b]}""#,
        r#"echo ${x[0]} ${x[k]} ${x[$k]} "${x[a b]}""#,
    ),
    (r#"echo "a" > "f g" 2>> $x"#, r"echo a >'f g' 2>>$x"),
    (r#"cat < "$f" <<< "$x" <<<a"#, r#"cat <"$f" <<<"$x" <<<a"#),
    (r#"diff <(a) >(b) "<(c)""#, r"diff <(a) >(b) '<(c)'"),
    (r"x=$(a) y=`b` z=$((1)) cmd", r"x=$(a) y=$(b) z=$((1)) cmd"),
    (
        r#"export PATH=$PATH:~/bin X="$Y""#,
        r#"export PATH=$PATH:~/bin "X=$Y""#,
    ),
    (r"PATH=~/bin:~/x:$PATH cmd", r"PATH=~/bin:~/x:$PATH cmd"),
    (
        r#"for f in "$@"; do a; done; for f; do b; done"#,
        r"for f; do a; done; for f; do b; done",
    ),
    (
        r#"for f in a "b c" $d *.e; do g; done"#,
        r"for f in a 'b c' $d *.e; do g; done",
    ),
    (
        r"for f in a
do b
done",
        r"for f in a; do b; done",
    ),
    (r"while :; do break; done", r"while :; do break; done"),
    (
        r"if a; then b; elif c; then d; elif e; then f; else g; fi",
        r"if a; then b; elif c; then d; elif e; then f; else g; fi",
    ),
    (
        r"if a; then b; else if c; then d; fi; fi",
        r"if a; then b; else if c; then d; fi; fi",
    ),
    (
        r"case x in (a) b;; c|d) ;; *) e; f;; esac",
        r"case x in (a) b ;; (c | d) ;; (*) e; f ;; esac",
    ),
    (
        r"case x in a) b ;& c) d ;;& *) e; esac",
        r"case x in (a) b ;& (c) d ;;& (*) e ;; esac",
    ),
    (r"trap 'a; b' EXIT INT", r"trap 'a; b' EXIT INT"),
    (r#"echo $"locale $x""#, r#"echo "locale $x""#),
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
    (r#"a=$'x\ny'; echo "$a""#, r#"a=$'x\ny'; echo "$a""#),
    (
        r#""$cmd" a; $cmd b; ${x}y c"#,
        r#""$cmd" a; $cmd b; ${x}y c"#,
    ),
    (
        r"./script.sh; ../x; /usr/bin/y; ~/z",
        r"./script.sh; ../x; /usr/bin/y; ~/z",
    ),
    (
        r#"kill -0 $$; echo "$$" $$x"#,
        r#"kill -0 $$; echo "$$" ${$}x"#,
    ),
    (
        r"echo $(cat <<X
a $b
X
)",
        r"echo $(cat <<EOF
a $b
EOF
)",
    ),
    (
        r#"echo "${x:-'a'}" "${x:-\}}" ${x:-'a b'} ${x:-"a $b"}"#,
        r#"echo "${x:-'a'}" "${x:-\}}" ${x:-'a b'} ${x:-"a $b"}"#,
    ),
    (
        r#"echo "a"$'\n'"b" "$x
y""#,
        r#"echo $'a\nb' "$x"$'\n'"y""#,
    ),
    (r"echo $( (a) ) $( (a); (b) )", r"echo $( (a)) $( (a); (b))"),
    (
        r#"ls -la /etc | grep -v '^d' && echo "done $x" || true"#,
        r#"ls -la /etc | grep -v '^d' && echo "done $x" || true"#,
    ),
    (r#"r''m -r\f "a"'b c'"#, r"rm -rf 'ab c'"),
    (
        r#"for f in /var/log/*.log; do echo "$f"; tail -n 5 "$f"; done"#,
        r#"for f in /var/log/*.log; do echo "$f"; tail -n 5 "$f"; done"#,
    ),
    (
        r"df -h | awk '$5+0 > 80 {print $1, $5}'",
        r"df -h | awk '$5+0 > 80 {print $1, $5}'",
    ),
    (
        r#"while read -r l; do echo "$l"; done < <(ps aux)"#,
        r#"while read -r l; do echo "$l"; done < <(ps aux)"#,
    ),
    (r"( ( echo hi ) )", r"( (echo hi))"),
    (
        r"cat <<EOF
a $x $(cmd) `b`
EOF",
        r"cat <<EOF
a $x $(cmd) $(b)
EOF
",
    ),
    (
        r"cat <<'A' <<-B | wc
x $y
A
	z
	B",
        r"cat <<'EOF' <<'EOF' | wc
x $y
EOF
z
EOF
",
    ),
    (
        r#"a=1 b[2]=x c=(1 "2 3" [k]=v) cmd"#,
        r"a=1 b[2]=x c=(1 '2 3' [k]=v) cmd",
    ),
    (
        r#"echo ${x:-$(ls)} "${y:=a b}" ${#z} ${!q} ${a[@]} ${a[1]} ${x/a/b} ${x//\//_} ${x%%.*} ${x: -3:2} ${x^^} ${x@Q} ${!p*} ${!a[@]}"#,
        r#"echo ${x:-$(ls)} "${y:=a b}" ${#z} ${!q} ${a[@]} ${a[1]} ${x/a/b} ${x//\//_} ${x%%.*} ${x: -3:2} ${x^^} ${x@Q} ${!p*} ${!a[@]}"#,
    ),
    (
        r"if [ -f /x ]; then a; elif b; then c; else if d; then e; fi; fi",
        r"if [ -f /x ]; then a; elif b; then c; else if d; then e; fi; fi",
    ),
    (
        r"case $x in a|b) c;; *) d ;& e) f ;;& esac",
        r"case $x in (a | b) c ;; (*) d ;& (e) f ;;& esac",
    ),
    (
        r"[[ -f a && ! ( b == c* || $x =~ ^(a|b)$ ) && -n q && w ]] 2>/dev/null",
        r"[[ -f a && ! ( b == c* || $x =~ ^(a|b)$ ) && -n q && -n w ]] 2>/dev/null",
    ),
    (
        r"((x + 1 > 2)) && for ((i=0; i<3; i++)); do echo $i; done",
        r"((x+1>2)) && for ((i=0; i<3; i++)); do echo $i; done",
    ),
    (r"time ! ls | cat", r"time ! ls | cat"),
    (r"a |& b", r"a 2>&1 | b"),
    (r"{ a; b & } >x 2>&1", r"{ a; b & } >x 2>&1"),
    (
        r"f() { echo hi; }; function g { ls; }; function h() ( ls )",
        r"f() { echo hi; }; g() { ls; }; h() (ls)",
    ),
    (r"coproc foo { a; }", r"coproc foo { a; }"),
    (r"coproc a b", r"coproc a b"),
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
        r#"echo $'a\nb\t\x41' "a'b" 'it'\''s' "\$x \` \\ \q""#,
        r#"echo $'a\nb\tA' "a'b" "it's" '$x ` \ \q'"#,
    ),
    (
        r#"echo "$(echo "$(echo ")")")" `echo \`date\``"#,
        r#"echo "$(echo "$(echo ')')")" $(echo $(date))"#,
    ),
    (
        r"echo $((1+2)) $(( x << 2 )) $(( a[$(id)] + $y )) $[ 1 + 1 ]",
        r"echo $((1+2)) $((x<<2)) $((a[$(id)]+ $y)) $((1+1))",
    ),
    (
        r"echo $( (a); b) $(case x in (a) b;; esac)",
        r"echo $( (a); b) $(case x in (a) b ;; esac)",
    ),
    (
        r#"echo "$(cat <<E
foo
E
)""#,
        r#"echo "$(cat <<'EOF'
foo
EOF
)""#,
    ),
    (
        r#"'if' x; 'a=b' y; "a=$x" z"#,
        r#"'if' x; 'a=b' y; "a=$x" z"#,
    ),
    (
        r#"${x}abc "$x"abc "${x}abc$y" $1 ${10} ${1}0"#,
        r#"${x}abc "${x}abc" "${x}abc$y" $1 ${10} ${1}0"#,
    ),
    (
        r#"cat 2>&1 >&2 <&- >&- 1>|f 3<>g &>h &>>i <<<"a b""#,
        r"cat 2>&1 >&2 <&- >&- 1>|f 3<>g &>h &>>i <<<'a b'",
    ),
    (
        r"diff <(sort a) <(sort b) > >(tee x)",
        r"diff <(sort a) <(sort b) > >(tee x)",
    ),
    (
        r"echo a # comment
ls \
  -la",
        r"echo a; ls -la",
    ),
    (r"! grep -q x y", r"! grep -q x y"),
    (
        r"for x; do a; done; until a; do b; done",
        r"for x; do a; done; until a; do b; done",
    ),
    (
        r"kubectl get pods -o jsonpath='{.items[*].metadata.name}'; ps -eo pid,comm --sort=-%cpu | head",
        r"kubectl get pods -o 'jsonpath={.items[*].metadata.name}'; ps -eo pid,comm --sort=-%cpu | head",
    ),
    (
        r"docker ps --format '{{.Names}}\t{{.Status}}'",
        r"docker ps --format '{{.Names}}\t{{.Status}}'",
    ),
    (
        r#"echo "${x:-'$(cmd)'}" "${x#'a'}""#,
        r#"echo "${x:-'$(cmd)'}" "${x#a}""#,
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
    (r#"export A="$x" B=~/y"#, r#"export "A=$x" B=~/y"#),
    (
        r#"echo `a "b\"c"` "`a \"b\"`""#,
        r#"echo $(a 'b"c') "$(a b)""#,
    ),
    (r"x=$(<file) y=`ls`", r"x=$(<file) y=$(ls)"),
    (r"a && b || c; d & e", r"a && b || c; d & e"),
    (r#"trap 'rm -f "$t"' EXIT"#, r#"trap 'rm -f "$t"' EXIT"#),
    (r"echo $", r"echo '$'"),
    (
        r#"echo "$@" $* $# $? $- $$ $! "$x"'' ''$x """#,
        r#"echo "$@" $* $# $? $- $$ $! "$x" ''$x ''"#,
    ),
    (r"(a; b) | (c) & { d; }", r"(a; b) | (c) & { d; }"),
    (
        r#"[ "$a" = "b" ] && [[ $a = b ]]"#,
        r#"[ "$a" = b ] && [[ $a == b ]]"#,
    ),
    (
        r#"cat <<E
it's "a" ${x:-y z} \$k \\ \` $((1+1))
E"#,
        r#"cat <<EOF
it's "a" ${x:-y z} \$k \\ \` $((1+1))
EOF
"#,
    ),
    (r"! (a)", r"! (a)"),
    (r"if a; then b; fi >x", r"if a; then b; fi >x"),
    (
        r#"for x in 1; do { a; b; }; done"#,
        r#"for x in 1; do a; b; done"#,
    ),
    (
        r#"for x in 1; do { a; } >f; done"#,
        r#"for x in 1; do { a; } >f; done"#,
    ),
    (
        r#"for x in 1; do { a; } & done"#,
        r#"for x in 1; do { a; } & done"#,
    ),
    (
        r#"for x in 1; do { { a; }; }; done"#,
        r#"for x in 1; do a; done"#,
    ),
    (
        r#"echo $(case $x in a) b;; *) c;; esac)"#,
        r#"echo $(case $x in (a) b ;; (*) c ;; esac)"#,
    ),
    (
        r#"x=$(case "$1" in a|b) c;; (d) e;& *.f) g;; esac)"#,
        r#"x=$(case "$1" in (a | b) c ;; (d) e ;& (*.f) g ;; esac)"#,
    ),
    (
        r#"echo "$(for u in $(ls); do case $u in *.m) a;; *) b;; esac; done)""#,
        r#"echo "$(for u in $(ls); do case $u in (*.m) a ;; (*) b ;; esac; done)""#,
    ),
    (
        r#"echo $(case x in a) case y in b) c;; d) e;; esac;; f) g;; esac)"#,
        r#"echo $(case x in (a) case y in (b) c ;; (d) e ;; esac ;; (f) g ;; esac)"#,
    ),
    (
        r#"echo $(case x in a) b;; # ;; c
d) e;; esac)"#,
        r#"echo $(case x in (a) b ;; (d) e ;; esac)"#,
    ),
    (
        r#"date -d '@1741910400'\''x'"#,
        r#"date -d "@1741910400'x""#,
    ),
    (
        r#"declare -a x=(1 "b c" $y)"#,
        r#"{ declare -a x && x=(1 'b c' $y); }"#,
    ),
    (
        r#"f() { local x=(a b); c; }"#,
        r#"f() { { local x && x=(a b); }; c; }"#,
    ),
    (
        r#"declare -A m=([a]=1 ["b c"]="$z")"#,
        r#"{ declare -A m && m=([a]=1 ['b c']="$z"); }"#,
    ),
    (
        r#"a || export P=(x) && b"#,
        r#"a || { export P && P=(x); } && b"#,
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
    (r#"echo $(( "$x" + "${y}" ))"#, r#"echo $(($x + $y))"#),
    (r#"(( "$(a)" > 1 ))"#, r#"(($(a) >1))"#),
];
