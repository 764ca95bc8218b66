//! Loops, conditions, cases, groups, functions and tests, and the one text for each.

/// Each text with its canonical text.
pub(super) const TEXTS: &[(&str, &str)] = &[
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
        r"[[ $(id -u) -eq 0 ]] && echo root",
        r"[[ $(id -u) -eq 0 ]] && echo root",
    ),
    (r"time (sleep 1; true)", r"time (sleep 1; true)"),
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
    (r"{ a; } |& b", r"{ a; } 2>&1 | b"),
    (
        r"echo $((1 + 2)) $((a*b)) $((x<<2)) $((16#ff)) $((a ? b : c)) $((a++)) $((-1))",
        r"echo $((1+2)) $((a*b)) $((x<<2)) $((16#ff)) $((a?b:c)) $((a++)) $((-1))",
    ),
    (
        r"((x++)); ((x = 1, y = 2)); (( x > 0 )) && a",
        r"((x++)); ((x=1,y=2)); ((x>0)) && a",
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
    (r"( a; b )", r"(a; b)"),
    (r"( ( a ) )", r"( (a))"),
    (r"((a); b)", r"( (a); b)"),
    (r"{ a; }; { a; b; } | c", r"{ a; }; { a; b; } | c"),
    (r"{ ( a ); }", r"{ (a); }"),
    (
        r"f() ( a ); g () { b; } >x; function h { c; }; function i() { d; }",
        r"f() (a); g() { b; } >x; h() { c; }; i() { d; }",
    ),
    (
        r"coproc { a; }; coproc NAME { b; }",
        r"coproc { a; }; coproc NAME { b; }",
    ),
    (
        r"echo if then fi done { } esac",
        r"echo if then fi done '{' '}' esac",
    ),
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
    (r"echo $( (a) ) $( (a); (b) )", r"echo $( (a)) $( (a); (b))"),
    (
        r#"for f in /var/log/*.log; do echo "$f"; tail -n 5 "$f"; done"#,
        r#"for f in /var/log/*.log; do echo "$f"; tail -n 5 "$f"; done"#,
    ),
    (
        r#"while read -r l; do echo "$l"; done < <(ps aux)"#,
        r#"while read -r l; do echo "$l"; done < <(ps aux)"#,
    ),
    (r"( ( echo hi ) )", r"( (echo hi))"),
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
    (r"{ a; b & } >x 2>&1", r"{ a; b & } >x 2>&1"),
    (
        r"f() { echo hi; }; function g { ls; }; function h() ( ls )",
        r"f() { echo hi; }; g() { ls; }; h() (ls)",
    ),
    (r"coproc foo { a; }", r"coproc foo { a; }"),
    (r"coproc a b", r"coproc a b"),
    (
        r"echo $((1+2)) $(( x << 2 )) $(( a[$(id)] + $y )) $[ 1 + 1 ]",
        r"echo $((1+2)) $((x<<2)) $((a[$(id)]+ $y)) $((1+1))",
    ),
    (
        r"echo $( (a); b) $(case x in (a) b;; esac)",
        r"echo $( (a); b) $(case x in (a) b ;; esac)",
    ),
    (
        r"for x; do a; done; until a; do b; done",
        r"for x; do a; done; until a; do b; done",
    ),
    (r"(a; b) | (c) & { d; }", r"(a; b) | (c) & { d; }"),
    (
        r#"[ "$a" = "b" ] && [[ $a = b ]]"#,
        r#"[ "$a" = b ] && [[ $a == b ]]"#,
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
    (r#"(( "$(a)" > 1 ))"#, r#"(($(a) >1))"#),
];
