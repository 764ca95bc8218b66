//! Here-documents, and the one text for each.

/// Each text with its canonical text.
pub(super) const TEXTS: &[(&str, &str)] = &[
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
        r#"cat <<E
it's "a" ${x:-y z} \$k \\ \` $((1+1))
E"#,
        r#"cat <<EOF
it's "a" ${x:-y z} \$k \\ \` $((1+1))
EOF
"#,
    ),
];
