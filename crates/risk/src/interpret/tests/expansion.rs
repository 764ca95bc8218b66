//! Words: how each kind of expansion comes out.

use super::check;

#[test]
fn quotes_and_escapes_do_not_matter() {
    check(&[
        ("rm -rf /x", &["rm -rf /x"]),
        ("'rm' -rf /x", &["rm -rf /x"]),
        ("\"rm\" \"-rf\" '/x'", &["rm -rf /x"]),
        ("r''m -r\"\"f /x", &["rm -rf /x"]),
        ("r\\m -r\\f /\\x", &["rm -rf /x"]),
        ("$'rm' -rf $'/x'", &["rm -rf /x"]),
        ("$'\\x72\\x6d' -rf /x", &["rm -rf /x"]),
        ("$'\\162\\155' -rf /x", &["rm -rf /x"]),
        ("rm \\\n-rf \\\n/x", &["rm -rf /x"]),
        ("rm -- '-rf' \"\" ''", &["rm -- -rf  "]),
    ]);
}

#[test]
fn variables_are_followed() {
    check(&[
        ("a=rm; $a -rf /x", &["rm -rf /x"]),
        ("a=r b=m; $a$b -rf /x", &["rm -rf /x"]),
        ("a=r; a+=m; $a /x", &["rm /x"]),
        ("a='rm -rf'; $a /x", &["rm -rf /x"]),
        ("a='rm -rf /x'; $a", &["rm -rf /x"]),
        ("a='rm -rf'; ls \"$a\"", &["ls rm -rf"]),
        ("a=; rm ${a}-rf $a /x", &["rm -rf /x"]),
        ("a=rm b=a; ${!b} /x", &["rm /x"]),
        ("x=1 y=$x; ls $y", &["ls 1"]),
        ("a=old; a=new ls $a", &["ls old"]),
        ("a=old; a=new ls; ls $a", &["ls", "ls old"]),
        ("rm -rf \"$UNSET/x\"", &["rm -rf $UNSET/x"]),
        ("unset a; ls $a", &["ls $a"]),
        ("a=rm; unset a; ls $a", &["ls $a"]),
        ("export a=rm; bash -c '$a /x'", &["rm /x"]),
        ("a=rm bash -c '$a /x'", &["rm /x"]),
        ("env a=rm bash -c '$a /x'", &["rm /x"]),
        ("set -a; a=rm; bash -c '$a /x'", &["rm /x"]),
        ("readonly a=rm; $a /x", &["rm /x"]),
        ("declare -l a=RM; $a /x", &["rm /x"]),
        ("declare -i n=2+3; ls $n", &["ls 5"]),
        ("typeset a=rm; $a /x", &["rm /x"]),
        ("printf -v a %s rm; $a /x", &["rm /x"]),
        ("printf -v a '\\x72%c' mx; $a /x", &["rm /x"]),
    ]);
}

#[test]
fn operations_on_known_values_are_done() {
    check(&[
        ("${x:-rm} /x", &["rm /x"]),
        ("${x-rm} /x", &["rm /x"]),
        ("${x:=rm} /x; ls $x", &["rm /x", "ls rm"]),
        ("x=1; ${x:+rm} /x", &["rm /x"]),
        ("${x:+rm} ls", &["ls"]),
        ("x=; ls ${x:-a} ${x-b}", &["ls a"]),
        (
            "ls ${x:-a b} \"${x:-c d}\" ${x:-\"e f\"}",
            &["ls a b c d e f"],
        ),
        ("x=xxrm; ${x#xx} /x", &["rm /x"]),
        ("x=a/b/rm; ${x##*/} /x", &["rm /x"]),
        ("x=rm.gz; ${x%.gz} /x", &["rm /x"]),
        ("x=rm.tar.gz; ${x%%.*} /x", &["rm /x"]),
        ("x=xrmx; ${x:1:2} /x", &["rm /x"]),
        ("x=xxrm; ${x: -2} /x", &["rm /x"]),
        ("x=xxrm; ${x:2} /x", &["rm /x"]),
        ("x=rXm; ${x/X/} /x", &["rm /x"]),
        ("x=XrXmX; ${x//X} /x", &["rm /x"]),
        ("x=ls; ${x/ls/rm} /x", &["rm /x"]),
        ("x=lsx; ls ${x/#ls/rm} ${x/%x/y}", &["ls rmx lsy"]),
        ("x=RM; ${x,,} /x", &["rm /x"]),
        ("x=rm; ls ${x^^} ${x^}", &["ls RM Rm"]),
        ("x=abc; ls ${#x}", &["ls 3"]),
        ("x=RM; ${x@L} /x", &["rm /x"]),
        ("rm -rf ${HOME:0:1}etc", &["rm -rf /etc"]),
        ("rm -rf ${PATH:0:1}etc", &["rm -rf /etc"]),
        ("x='a*b'; ls ${x#a} \"${x%b}\"", &["ls *b a*"]),
        ("x=abc; ls ${x#[ab]}", &["ls bc"]),
    ]);
}

#[test]
fn arrays_and_positional_parameters_are_followed() {
    check(&[
        ("a=(rm -rf /x); ${a[@]}", &["rm -rf /x"]),
        ("a=(rm -rf '/x y'); \"${a[@]}\"", &["rm -rf /x y"]),
        ("a=(x rm); ${a[1]} /x", &["rm /x"]),
        ("a=(x rm); ${a[-1]} /x", &["rm /x"]),
        ("a[3]=rm; ${a[3]} /x", &["rm /x"]),
        ("a=(x); a+=(rm); ls ${#a[@]} ${a[*]}", &["ls 2 x rm"]),
        ("declare -A m; m[k]=rm; ${m[k]} /x", &["rm /x"]),
        ("a=(p q r); ls ${a[@]:1:1} ${!a[@]}", &["ls q 0 1 2"]),
        ("set -- rm -rf /x; $1 $2 $3", &["rm -rf /x"]),
        ("set -- rm -rf /x; \"$@\"", &["rm -rf /x"]),
        ("set -- rm -rf /x; $*", &["rm -rf /x"]),
        ("set -- x rm /x; shift; $@", &["rm /x"]),
        ("set -- a b; ls $#", &["ls 2"]),
        ("set rm /x; \"$1\" \"$2\"", &["rm /x"]),
        ("bash -c '$0 $1' rm /x", &["rm /x"]),
        ("bash -c '\"$@\"' _ rm /x", &["rm /x"]),
        ("ls \"$@\" end", &["ls end"]),
        ("set -- b c; ls a\"$@\"d", &["ls ab cd"]),
        ("set -- rm /x; for w; do ls $w; done", &["ls rm", "ls /x"]),
    ]);
}

#[test]
fn words_split_as_the_shell_splits_them() {
    check(&[
        ("rm${IFS}-rf${IFS}/x", &["rm -rf /x"]),
        ("rm$IFS-rf$IFS/x", &["rm -rf /x"]),
        ("IFS=,; a=rm,-rf,/x; $a", &["rm -rf /x"]),
        ("IFS=,; a=rm,,x; $a", &["rm  x"]),
        ("IFS=:; a='ls:a b'; $a", &["ls a b"]),
        ("a=' rm  -rf\t/x '; $a", &["rm -rf /x"]),
        ("a='b c'; ls x${a}y", &["ls xb cy"]),
        ("a='ls *'; $a", &["ls *"]),
    ]);
}

#[test]
fn braces_expand_exactly() {
    check(&[
        ("{rm,-rf,/x}", &["rm -rf /x"]),
        ("rm {a,b}{1,2}", &["rm a1 a2 b1 b2"]),
        (
            "ls {1..4} {04..2} {a..c} {1..7..3}",
            &["ls 1 2 3 4 04 03 02 a b c 1 4 7"],
        ),
        ("r{m,}", &["rm r"]),
        ("ls {a,{b,c}d}", &["ls a bd cd"]),
        ("ls '{a,b}' \"{1..2}\"", &["ls {a,b} {1..2}"]),
    ]);
}

#[test]
fn tildes_become_homes() {
    check(&[
        (
            "ls ~ ~/x ~root/y ~deploy",
            &["ls /home/ops /home/ops/x /root/y /home/deploy"],
        ),
        ("ls '~' \"~/x\" a~", &["ls ~ ~/x a~"]),
        (
            "a=~/x; ls $a $HOME \"$HOME/y\"",
            &["ls /home/ops/x /home/ops /home/ops/y"],
        ),
        ("cd /srv; ls ~+ ~-", &["ls $PWD /home/ops"]),
        ("cd /srv && ls ~+ ~- $PWD", &["ls /srv /home/ops /srv"]),
    ]);
}

#[test]
fn arithmetic_on_known_numbers_is_done() {
    check(&[
        (
            "ls $((1+2*3)) $((2**10)) $((7/2)) $((7%4))",
            &["ls 7 1024 3 3"],
        ),
        ("x=5; ls $((x+1)) $((x++)) $x", &["ls 6 5 6"]),
        (
            "ls $((1 ? 2 : 3)) $((0x10)) $((010)) $((2#101))",
            &["ls 2 16 8 5"],
        ),
        (
            "ls $((1<2 && 3>=3)) $((!1)) $((~0)) $((-3))",
            &["ls 1 0 -1 -3"],
        ),
        ("((i=3)); ls $i", &["ls 3"]),
        ("let i=4 i++; ls $i", &["ls 5"]),
        ("x=rm; ls $((1/0))", &["ls …"]),
        ("a=$((6*7)); kill $a", &["kill 42"]),
    ]);
}

#[test]
fn what_commands_print_is_followed() {
    check(&[
        ("$(echo rm) /x", &["rm /x"]),
        ("`echo rm` /x", &["rm /x"]),
        ("$(printf 'r%s' m) /x", &["rm /x"]),
        ("$(printf '%s' r m) /x", &["rm /x"]),
        ("$(echo -e '\\x72\\x6d') /x", &["rm /x"]),
        ("$(echo -n r)$(echo m) /x", &["rm /x"]),
        ("$(cat <<< rm) /x", &["cat", "rm /x"]),
        ("$(cat <<E\nrm\nE\n) /x", &["cat", "rm /x"]),
        ("$(echo mr | rev) /x", &["rev", "rm /x"]),
        ("$(echo cm0= | base64 -d) /x", &["base64 -d", "rm /x"]),
        ("$(echo 726d | xxd -r -p) /x", &["xxd -r -p", "rm /x"]),
        ("$(echo sn | tr a-z b-za) /x", &["tr a-z b-za", "to /x"]),
        ("$(command -v rm) /x", &["rm /x"]),
        ("$(which rm) /x", &["which rm", "rm /x"]),
        ("a=$(echo rm; echo -rf); $a /x", &["rm -rf /x"]),
        ("ls $(hostname)", &["hostname", "ls …"]),
        ("ls \"$(curl http://x)\"", &["curl http://x", "ls …"]),
        ("echo \"${x:-$(rm /x)}\"", &["rm /x"]),
        ("echo $(( $(rm /x) + 1 ))", &["rm /x"]),
        ("[[ -n $(rm /x) ]]", &["rm /x"]),
        ("ls <(rm /x)", &["rm /x", "ls /dev/fd/63"]),
        ("ls > >(rm /x)", &["rm /x", "ls"]),
        ("echo ${y:=$(rm /x)}", &["rm /x"]),
        ("case $(rm /x) in a) ;; esac", &["rm /x"]),
        ("for i in $(rm /x); do :; done", &["rm /x"]),
        ("cat <<E\n$(rm /x)\nE", &["rm /x", "cat"]),
        ("cat <<'E'\n$(rm /x)\nE", &["cat"]),
        ("x=${a/b/$(rm /x)}", &["rm /x"]),
    ]);
}
