//! Variables, commands within words and arithmetic, and the one text for each.

/// Each text with its canonical text.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        r"awk -F: '$3 >= 1000 { print $1 }' /etc/passwd",
        r"awk -F: '$3 >= 1000 { print $1 }' /etc/passwd",
    ),
    (
        r#"echo "load: $(cut -d' ' -f1 /proc/loadavg)""#,
        r#"echo "load: $(cut '-d ' -f1 /proc/loadavg)""#,
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
    (
        r#"a=(one two); echo "${a[0]}" "${#a[@]}" "${a[@]:1:2}""#,
        r#"a=(one two); echo "${a[0]}" "${#a[@]}" "${a[@]:1:2}""#,
    ),
    (
        r#"declare -A m; m[x]=1; echo "${m[x]}""#,
        r#"declare -A m; m[x]=1; echo "${m[x]}""#,
    ),
    (r#"x="a b" y='c' z=$q cmd"#, r"x='a b' y=c z=$q cmd"),
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
        r#"echo {a,b} "{a,b}" \{a,b} {a\,b,c} {1..3} {a..c} {1..10..2} {1..$n} {a b}"#,
        r"echo {a,b} '{a,b}' '{'a,b} {'a,b',c} {1..3} {a..c} {1..10..2} {1..$n} {a b}",
    ),
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
    (r#"echo "$(( $(a) + ${b} ))""#, r#"echo "$(($(a) + $b))""#),
    (r"echo $((a[1] + a[$i]))", r"echo $((a[1]+a[$i]))"),
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
        r#"eval "$x"; source ./x; . y"#,
        r#"eval "$x"; source ./x; . y"#,
    ),
    (r#"bash -c 'echo "$1"' _ a"#, r#"bash -c 'echo "$1"' _ a"#),
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
    (r#"echo $"locale $x""#, r#"echo "locale $x""#),
    (r#"a=$'x\ny'; echo "$a""#, r#"a=$'x\ny'; echo "$a""#),
    (
        r#""$cmd" a; $cmd b; ${x}y c"#,
        r#""$cmd" a; $cmd b; ${x}y c"#,
    ),
    (
        r#"kill -0 $$; echo "$$" $$x"#,
        r#"kill -0 $$; echo "$$" ${$}x"#,
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
    (
        r#"ls -la /etc | grep -v '^d' && echo "done $x" || true"#,
        r#"ls -la /etc | grep -v '^d' && echo "done $x" || true"#,
    ),
    (
        r"df -h | awk '$5+0 > 80 {print $1, $5}'",
        r"df -h | awk '$5+0 > 80 {print $1, $5}'",
    ),
    (
        r#"echo ${x:-$(ls)} "${y:=a b}" ${#z} ${!q} ${a[@]} ${a[1]} ${x/a/b} ${x//\//_} ${x%%.*} ${x: -3:2} ${x^^} ${x@Q} ${!p*} ${!a[@]}"#,
        r#"echo ${x:-$(ls)} "${y:=a b}" ${#z} ${!q} ${a[@]} ${a[1]} ${x/a/b} ${x//\//_} ${x%%.*} ${x: -3:2} ${x^^} ${x@Q} ${!p*} ${!a[@]}"#,
    ),
    (
        r#"echo $'a\nb\t\x41' "a'b" 'it'\''s' "\$x \` \\ \q""#,
        r#"echo $'a\nb\tA' "a'b" "it's" '$x ` \ \q'"#,
    ),
    (
        r#"echo "$(echo "$(echo ")")")" `echo \`date\``"#,
        r#"echo "$(echo "$(echo ')')")" $(echo $(date))"#,
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
        r"diff <(sort a) <(sort b) > >(tee x)",
        r"diff <(sort a) <(sort b) > >(tee x)",
    ),
    (
        r#"echo "${x:-'$(cmd)'}" "${x#'a'}""#,
        r#"echo "${x:-'$(cmd)'}" "${x#a}""#,
    ),
    (r#"export A="$x" B=~/y"#, r#"export "A=$x" B=~/y"#),
    (
        r#"echo `a "b\"c"` "`a \"b\"`""#,
        r#"echo $(a 'b"c') "$(a b)""#,
    ),
    (r"x=$(<file) y=`ls`", r"x=$(<file) y=$(ls)"),
    (r#"trap 'rm -f "$t"' EXIT"#, r#"trap 'rm -f "$t"' EXIT"#),
    (
        r#"echo "$@" $* $# $? $- $$ $! "$x"'' ''$x """#,
        r#"echo "$@" $* $# $? $- $$ $! "$x" ''$x ''"#,
    ),
    (r#"echo $(( "$x" + "${y}" ))"#, r#"echo $(($x + $y))"#),
];
