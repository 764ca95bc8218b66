//! Programs of interpreters, as they are typed to look, and as somebody would hide a command in them.

use super::super::tests::{check, check_high, check_input, check_looks, judged_words};

#[test]
fn programs_that_compute_and_print_only_look() {
    check_looks(&[
        "python3 --version",
        "python3 -V",
        "python3 -c 'print(2**10)'",
        "python3 -c 'import sys; print(sys.version)'",
        "python3 -c 'import sys, json; print(json.load(sys.stdin)[\"a\"][\"b\"])'",
        "python3 -c 'import os; print(os.cpu_count(), os.path.getsize(\"/var/log/syslog\"))'",
        "python3 -c 'import os.path; print(os.path.exists(\"/x\"))'",
        "python -c 'import platform as p; print(p.platform())'",
        "python3 -c 'from datetime import datetime, timedelta; print(datetime.now() - timedelta(days=1))'",
        "python3 -c 'import json; d = json.load(open(\"/tmp/a.json\")); print(len(d))'",
        "python3 -c 'with open(\"/proc/loadavg\") as f: print(f.read().split()[0])'",
        "python3 -c 'import sys; print(sum(int(line) for line in sys.stdin))'",
        "python3 -c 'print(f\"{2 * 3:>5} {len(str(4))}\")'",
        "python3 -c 'a, b = 1, 2; print(a + b)'",
        "python3 -c 'import ssl; print(ssl.OPENSSL_VERSION)'",
        "python3 -c 'import socket; print(socket.gethostname())'",
        "python3 -c 'import re; print([m.group(1) for m in re.finditer(r\"a(b)\", \"ab\")])'",
        "python3 -c 'import time; print(time.strftime(\"%F\"))'",
        "python3 -c 'print(sorted([3, 1], key=lambda x: -x))'",
        "python3 -m json.tool /tmp/a.json",
        "python3 -m pip list",
        "python3 -m platform",
        "perl -v",
        "perl -e 'print 1 + 1, \"\\n\"'",
        "perl -ne 'print if /error/i' /var/log/syslog",
        "perl -lane 'print $F[0]' f",
        "perl -F: -lane 'print \"$F[0] $F[2]\" if $F[2] >= 1000' /etc/passwd",
        "perl -pe 's/\\d+/N/g; tr/a-z/A-Z/' f",
        "perl -ne '$n++ if m{x}; END { print $n }' f",
        "perl -MList::Util=sum -e 'print sum(1, 2)'",
        "perl -ne '$h{$1}++ if /(\\w+)/; END { for (sort keys %h) { print \"$_ $h{$_}\\n\" } }' f",
        "perl -lne 'print $1 if /status=(\\d+)/' f",
        "perl -c /opt/x.pl",
        "ruby -v",
        "ruby -e 'puts RUBY_VERSION'",
        "ruby -e 'puts Time.now.strftime(\"%F\"), [3, 1].sort.first'",
        "ruby -c /opt/x.rb",
        "node --version",
        "node -p process.version",
        "node -e 'console.log(process.versions.openssl, process.memoryUsage().heapUsed / 1024)'",
        "node -p 'require(\"os\").cpus().length'",
        "node -e 'console.log(JSON.stringify({}), Math.max(1, 2))'",
        "php -v",
        "php -m",
        "php -i",
        "php -l /var/www/index.php",
        "php -r 'echo PHP_VERSION, PHP_EOL;'",
        "php -r 'var_dump(ini_get(\"memory_limit\")); print_r(opcache_get_status());'",
        "lua -v",
        "lua -e 'print(_VERSION, math.floor(3.5), os.date())'",
    ]);
}

#[test]
fn programs_that_do_more_are_high() {
    check_high(&[
        "python3 -c 'import os; os.remove(x)'",
        "python3 -c 'import subprocess'",
        "python3 -c 'import sys; sys.modules[\"os\"].system(\"id\")'",
        "python3 -c 'import platform; platform.os.system(\"id\")'",
        "python3 -c 'import json; print(json.codecs)'",
        "python3 -c '__import__(\"os\").system(\"id\")'",
        "python3 -c 'print(().__class__.__bases__)'",
        "python3 -c 'eval(\"1\")'",
        "python3 -c 'exec(\"1\"); exec = 1'",
        "python3 -c 'f = eval; f(\"1\")'",
        "python3 -c 'getattr(1, \"real\")'",
        "python3 -c 'from os import system'",
        "python3 -c 'from sys import modules'",
        "python3 -c 'from os import *'",
        "python3 -c 'import os; f = os; f.system(\"id\")'",
        "python3 -c 'import os; print([m for m in [os]][0].system(\"id\"))'",
        "python3 -c 'print(f\"{__import__(1)}\")'",
        "python3 -c 'print(f\"{eval(1)}\")'",
        "python3 -c 'print(open(\"/x\", \"w\").write(\"a\"))'",
        "python3 -c 'print(open(p).read())'",
        "python3 -c 'print(open(\"/x\", mode=\"w\"))'",
        "python3 -c 'print(open(\"/x\", encoding=\"a\", mode=\"w\"))'",
        "python3 -c 'while True: pass'",
        "python3 -c 'class A: pass'",
        "python3 -c 'import random; random._os.system(\"id\")'",
        "python3 -c 'print(type(\"X\", (), {}))'",
        "python3 -c 'print(\"unclosed)'",
        "python3 -c <?>",
        "python3 -m http.server",
        "python3 -m timeit x",
        "python3 -i -c 'print(1)'",
        "python3 -Z",
        "python3",
        "perl -e 'system(\"id\")'",
        "perl -e 'print `id`'",
        "perl -e 'print qx(id)'",
        "perl -e 'exec \"id\"'",
        "perl -e 'open F, \"id|\"'",
        "perl -e 'eval \"1\"'",
        "perl -e 'print \"@{[system(1)]}\"'",
        "perl -e 'print \"$x[system(1)]\"'",
        "perl -ne 's/x/system(1)/e' f",
        "perl -ne 's/x/1/ee' f",
        "perl -ne '/(?{system(1)})/' f",
        "perl -ne '/x@{[system(1)]}/' f",
        "perl -ne 'print' 'id|'",
        "perl -ne 'print' '>/etc/passwd'",
        "perl -ne 'print' <?>",
        "perl -e '@ARGV = (\"id|\"); print <>'",
        "perl -e '$^I = 1'",
        "perl -e 'kill 9, 1'",
        "perl -e 'print <*>'",
        "perl -e '&{\"x\"}'",
        "perl -e '$x->y'",
        "perl -MFoo -e 'print 1'",
        "perl -I/tmp -e 'print 1'",
        "perl -d -e 1",
        "perl -e 'use Socket; print 1'",
        "perl -e 'print 1 } / 2; system(1) #/'",
        "ruby -e 'puts `id`'",
        "ruby -e 'puts %x(id)'",
        "ruby -e 'puts \"#{system(1)}\"'",
        "ruby -e 'exec \"id\"'",
        "ruby -rsocket -e 'puts 1'",
        "ruby -e 'puts open(\"|id\").read'",
        "node -e 'require(\"fs\")'",
        "node -e 'process.mainModule'",
        "node -e 'console.log(\"\"[\"constructor\"])'",
        "node -e 'console.log([][\"x\"])'",
        "node -e 'console.log(`${process.exit()}`)'",
        "node -e 'new Function(\"1\")'",
        "node -r ./x -p 1",
        "php -r '$f = \"system\"; $f(\"id\");'",
        "php -r '(\"system\")(\"id\");'",
        "php -r 'echo `id`;'",
        "php -r 'include \"/tmp/x\";'",
        "php -S 0.0.0.0:80",
        "php -d auto_prepend_file=/tmp/x -r 'echo 1;'",
        "lua -e 'os.execute(\"id\")'",
        "lua -e 'io.popen(\"id\")'",
        "lua -e 'string[\"rep\"](1)'",
        "tclsh",
    ]);
}

#[test]
fn commands_and_files_in_programs_are_told() {
    check(&[
        (
            "python3 -c 'import os; os.system(\"rm -rf /x\")'",
            "runs_code high; shell rm -rf /x",
        ),
        (
            "python3 -c 'import os; os.system(\"rm -rf \" + \"/x\")'",
            "runs_code high; shell rm -rf /x",
        ),
        (
            "python3 -c 'import subprocess; subprocess.run([\"rm\", \"-rf\", \"/x\"])'",
            "runs_code high; runs rm -rf /x",
        ),
        (
            "python3 -c 'import shutil; shutil.rmtree(\"/x\")'",
            "runs_code high; deletes_tree /x and below",
        ),
        (
            "python3 -c 'import os; os.remove(\"/x\")'",
            "runs_code high; deletes /x",
        ),
        (
            "python3 -c 'open(\"/etc/passwd\", \"w\")'",
            "runs_code high; overwrites /etc/passwd",
        ),
        (
            "python3 -c 'print(open(\"/etc/shadow\").read())'",
            "reads /etc/shadow",
        ),
        (
            "python3 -c 'import os,base64; os.system(base64.b64decode(\"cm0gLXJmIC94\").decode())'",
            "runs_code high; base64 rm -rf /x",
        ),
        (
            "python3 -c 'import base64; exec(base64.b64decode(\"aW1wb3J0IG9zOyBvcy5zeXN0ZW0oImlkIik=\"))'",
            "runs_code high; base64 import os; os.system(\"id\"); base64 id",
        ),
        (
            "python3 -c 'exec(\"import os; os.system(1)\")'",
            "runs_code high; shell import os; os.system(1)",
        ),
        (
            "python3 -c 'import os\nwhile True: os.fork()'",
            "runs_code high; unbounded forbidden",
        ),
        (
            "perl -e 'fork while fork'",
            "runs_code high; unbounded forbidden",
        ),
        (
            "perl -e 'system \"rm\", \"-rf\", \"/x\"'",
            "runs_code high; runs rm -rf /x",
        ),
        (
            "perl -e 'system(\"rm \" . \"/x\")'",
            "runs_code high; shell rm /x",
        ),
        ("perl -e 'print `id`'", "runs_code high; shell id"),
        ("perl -e 'unlink \"/x\"'", "runs_code high; deletes /x"),
        ("perl -e 'kill 9, -1'", "runs_code high; signals -1"),
        ("perl -e 'kill KILL => -1'", "runs_code high; signals -1"),
        ("perl -e 'kill(-9, 1)'", "runs_code high; signals -1"),
        ("perl -e 'kill 9, 1'", "runs_code high; signals 1"),
        ("perl -e 'kill 1, 4711'", "runs_code high"),
        (
            "ruby -e 'Process.kill(:KILL, -1)'",
            "runs_code high; signals -1",
        ),
        (
            "python3 -c 'import os; os.kill(-1, 9)'",
            "runs_code high; signals -1",
        ),
        ("python3 -c 'import os; os.kill(4711, 1)'", "runs_code high"),
        ("node -e 'process.kill(-1)'", "runs_code high; signals -1"),
        ("php -r 'posix_kill(-1, 9);'", "runs_code high; signals -1"),
        (
            "perl -e 'open(F, \">/etc/passwd\")'",
            "runs_code high; overwrites /etc/passwd",
        ),
        ("perl -i -pe 's/a/b/' f", "reads f; writes f"),
        (
            "perl -pi.bak -e 's/a/b/' f g",
            "reads f; writes f; reads g; writes g",
        ),
        (
            "ruby -e 'require \"fileutils\"; FileUtils.rm_rf(\"/x\")'",
            "runs_code high; deletes_tree /x and below",
        ),
        (
            "ruby -e 'fork while fork'",
            "runs_code high; unbounded forbidden",
        ),
        (
            "node -e 'require(\"child_process\").execSync(\"rm -rf /x\")'",
            "runs_code high; shell rm -rf /x",
        ),
        (
            "node -e 'require(\"child_process\").spawn(\"rm\", [\"-rf\", \"/x\"])'",
            "runs_code high; runs rm -rf /x",
        ),
        (
            "node -e 'require(\"fs\").writeFileSync(\"/etc/passwd\", \"\")'",
            "runs_code high; overwrites /etc/passwd",
        ),
        ("php -r 'system(\"id\");'", "runs_code high; shell id"),
        ("php -r 'unlink(\"/x\");'", "runs_code high; deletes /x"),
        ("lua -e 'os.execute(\"id\")'", "runs_code high; shell id"),
        ("python3 /opt/x.py", "reads /opt/x.py; runs_code medium"),
        ("python3 /tmp/x.py", "reads /tmp/x.py; runs_code high"),
        ("python3 -m mymodule", "runs_code medium"),
        ("python3 -m json.tool a b", "reads a; overwrites b"),
        ("python3 -m pip install x", "package_installs medium"),
    ]);
    check_input(&[
        ("python3", "print(1)", ""),
        (
            "python3 -",
            "import os; os.system('id')",
            "runs_code high; shell id",
        ),
        ("perl", "print `id`", "runs_code high; shell id"),
        ("node", "console.log(1)", ""),
    ]);
}

proptest::proptest! {
    #[test]
    fn no_program_panics(text in "[-a-z0-9 '\"`$@%{}()\\[\\]<>/\\\\#.,;:=+?!&|~\n]{0,60}") {
        for words in [
            ["python3", "-c"], ["perl", "-e"], ["ruby", "-e"], ["node", "-e"], ["php", "-r"], ["lua", "-e"],
        ] {
            let _ = judged_words(&[words[0], words[1], &text]);
        }
    }

    #[test]
    fn code_put_behind_a_program_is_never_lost(
        program in "(print\\([0-9a-b]{0,2}\\)|x = 'a;#'|import sys|print\\(\"#\" + 'b'\\))(\n|; ?)",
        call in "(os.system\\('id'\\)|exec\\('1'\\)|__import__\\('os'\\)|open\\('/x', 'w'\\))"
    ) {
        let done = judged_words(&["python3", "-c", &format!("{program}{call}")]);
        proptest::prop_assert!(done.contains("runs_code high"), "{}", done);
    }

    #[test]
    fn a_call_put_behind_a_program_of_perl_is_never_lost(
        program in "(print [0-9a-z\"]{0,3}|\\$x = [0-9] ?/ ?[0-9]|s/[a-z#;]/[a-z#;]/g?|print if /[a-z;#']{1,3}/|\\$h\\{[a-z]\\} = 'a')",
        call in "(system\\('id'\\)|exec 'id'|`id`|unlink 'x'|kill 9, 1)"
    ) {
        let done = judged_words(&["perl", "-ne", &format!("{program}; {call}")]);
        proptest::prop_assert!(done.contains("runs_code high"), "{}", done);
    }
}
