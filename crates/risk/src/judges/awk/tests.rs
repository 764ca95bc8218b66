//! Programs of awk as people write them, and as somebody would hide a command in them.

use super::program::{Act, Value, read};

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Variable(name) => format!("<{name}>"),
        Value::Joined(values) => values.iter().map(shown).collect(),
        Value::Other => "…".to_owned(),
    }
}

/// What a program does, in short.
fn acts(program: &str) -> String {
    let Ok(program) = read(program, true) else {
        return "not understood".to_owned();
    };
    let acts: Vec<String> = program
        .acts
        .iter()
        .map(|act| match act {
            Act::Runs(command) => format!("runs {}", shown(command)),
            Act::Feeds(command, None) => format!("feeds {}", shown(command)),
            Act::Feeds(command, Some(text)) => {
                format!("feeds {} with {}", shown(command), shown(text))
            }
            Act::Overwrites(file) => format!("overwrites {}", shown(file)),
            Act::Appends(file) => format!("appends {}", shown(file)),
            Act::Reads(file) => format!("reads {}", shown(file)),
            Act::Code => "code".to_owned(),
        })
        .collect();
    acts.join("; ")
}

#[test]
fn programs_that_only_compute_and_print_do_nothing_else() {
    let programs = [
        "{print $1}",
        "{print $1, $NF}",
        "{print $1; print $2}",
        "NR==1 || $5 > 90",
        "$5+0 > 90 {print $6 \" is \" $5}",
        "/error/ {n++} END {print n+0}",
        "!seen[$0]++",
        "/start/,/end/",
        "BEGIN {FS=\":\"; OFS=\"\\t\"} $3 >= 1000 {print $1, $3}",
        "{a[$1]+=$2} END {for (k in a) printf \"%s %d\\n\", k, a[k]}",
        "{if ($1 > 5) print \"big\"; else print \"small\"}",
        "{ if (x) { print } else if (y) { print 2 } else { next } }",
        "{print (a > b) ? \"x\" : \"y\"}",
        "{print a/b/c}",
        "{print a / b \" system(\" c / d}",
        "$0 ~ /a|b/ && $2 !~ /[\"\\/]/",
        "{gsub(/[^0-9]/, \"\"); print}",
        "{sub(/\\/$/, \"\", $1); print $1}",
        "{printf(\"%-20s %s\\n\", $1, $2)}",
        "{print length, length($0), length $1}",
        "END{print NR}",
        "{ s = s \" \" $1 } END { print substr(s, 2) }",
        "BEGIN{while(i<10){i++;if(i==5)continue;print i}}",
        "BEGIN{do{i++}while(i<3);print i}",
        "{for(i=1;i<=NF;i++)if($i~/x/)print i}",
        "function f(a,  b){return a*2} {print f($1)}",
        "($1,$2) in seen {next}",
        "{print \"system(\\\"rm\\\")\"}",
        "# system(\"rm -rf /\")\n{print}",
        "{print $(NF-1)}",
        "{x = y = 3; $2 = \"\"; x += 2; x /= 3; print x ^ 2}",
        "{ split($0, parts, /[ ,]+/); delete parts[1]; print parts[2] }",
        "BEGIN{getline; print; getline line; print line}",
        "{ printf \"%.1f%%\\n\", 100 * $1 / ($1 + $2) }",
        "$1==\"MemAvailable:\"{print int($2/1024) \" MB\"; exit}",
        "{switch($1){case \"a\": print 1; break; case /b/: print 2; default: print 3}}",
        "NR>1{print $1}NR==1{print}",
        "{print -$1, +$2, !$3, 2**3}",
        "{print $1\n\nprint $2}\n\nEND {\n print \"x\" \\\n \"y\"\n}",
        "$3 ~ /[/]dev/ {print}",
        "{print index($0,\"|\") \"a|b\"}",
        "x ? y : z",
    ];
    for program in programs {
        assert_eq!(acts(program), "", "{program}");
    }
}

#[test]
fn commands_and_files_are_seen_wherever_they_stand() {
    let rows = [
        ("BEGIN{system(\"rm -rf /\")}", "runs rm -rf /"),
        ("BEGIN{system (\"rm\" \" -rf /\")}", "runs rm -rf /"),
        ("{system(\"kill \" $2)}", "runs kill …"),
        ("{print | \"sh\"}", "feeds sh"),
        ("{print \"id\" | \"sh\"}", "feeds sh with id"),
        ("{printf \"%s\\n\", $1 | \"sort -u\"}", "feeds sort -u"),
        ("BEGIN{\"date\" | getline d; print d}", "runs date"),
        (
            "BEGIN{while((\"ls /\" | getline x) > 0) print x}",
            "runs ls /",
        ),
        ("BEGIN{\"a\" \"b\" | getline}", "runs ab"),
        (
            "BEGIN{print \"x\" |& \"cat\"; \"cat\" |& getline y}",
            "feeds cat; runs cat",
        ),
        ("{print > \"/etc/passwd\"}", "overwrites /etc/passwd"),
        ("{print $1 >> \"/tmp/x\"}", "appends /tmp/x"),
        ("{print > $1}", "overwrites …"),
        ("{print > \"/tmp/\" $1}", "overwrites /tmp/…"),
        ("{print $1, $2 > f}", "overwrites <f>"),
        ("{print(1,2) > \"f\"}", "overwrites f"),
        ("{print (a > b) > \"f\"}", "overwrites f"),
        ("{print a > b ? c : d}", "not understood"),
        (
            "BEGIN{while((getline l < \"/etc/shadow\")>0)print l}",
            "reads /etc/shadow",
        ),
        ("BEGIN{getline < \"/etc/\" \"shadow\"}", "reads …"),
        ("BEGIN{ARGV[1]=\"/etc/shadow\";ARGC=2}", "reads /etc/shadow"),
        ("{if(1) /\"/ ; system(\"id\") }#\"", "runs id"),
        ("{x = a / \"1\" / 2; system(\"id\")}", "runs id"),
        ("{print /\"/ ; system(\"id\") }#\"", "runs id"),
        ("{print a++ / 2; system(\"id\") # /\n}", "runs id"),
        ("@load \"filefuncs\"\n{print}", "code"),
        ("BEGIN{f=\"system\";@f(\"id\")}", "code"),
        ("{SYMTAB[\"x\"]=1}", "code"),
        ("function g(){system(\"id\")} BEGIN{g()}", "runs id"),
        ("$1 == (\"id\" | getline)", "runs id"),
        ("{print x[\"id\" | getline]}", "runs id"),
        (
            "{print \"a\" > \"/dev/stdout\"; print \"b\" > \"g\"}",
            "overwrites /dev/stdout; overwrites g",
        ),
        ("END{for(;;){system(\"id\");break}}", "runs id"),
        ("BEGIN{printf \"x\" > \"f\"}", "overwrites f"),
        ("BEGIN{c=\"id\";system(c)}", "runs <c>"),
    ];
    for (program, expected) in rows {
        assert_eq!(acts(program), expected, "{program}");
    }
}

#[test]
fn what_is_no_program_is_not_understood() {
    let programs = [
        "{print",
        "}",
        "{print \"a}",
        "{unknown(1)}",
        "{x = }",
        "{print /a}",
        "{a | b}",
        "BEGIN",
        "{if print}",
        "{for(;;}",
        "function system(x){}",
        "{\u{e000}(1)}",
        "{print `id`}",
    ];
    for program in programs {
        assert_eq!(acts(program), "not understood", "{program}");
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let deep = format!("{{print {}1{}}}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(acts(&deep), "not understood");
    let signs = format!("{{print {}1}}", "!".repeat(100_000));
    assert_eq!(acts(&signs), "not understood");
    let blocks = "{".repeat(100_000);
    assert_eq!(acts(&blocks), "not understood");
}

proptest::proptest! {
    #[test]
    fn no_program_panics(program in "[-+/a-f0-9 \"\\\\\\[\\]{}()$;,!~|<>=?:\n#@.]{0,60}") {
        let _ = read(&program, true);
        let _ = read(&program, false);
    }

    #[test]
    fn a_rule_put_behind_a_good_program_is_seen(
        program in "(\\{print( \\$[1-9](, ?\"[a-z;#/]{0,3}\")?)?\\}|/[a-z;\"#]{1,3}/|NR ?[=<>]= ?[0-9]|\\$1 / 2 > 3)"
    ) {
        let acts = acts(&format!("{program}\nEND{{system(\"id\")}}"));
        proptest::prop_assert_eq!(acts, "runs id");
    }
}
