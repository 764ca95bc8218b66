//! Hostile scripts that do nothing but run `mark N`: every kind of quote, expansion, here-document and compound, in
//! each other, and at times with a few characters broken.

/// Numbers that look random and are always the same for a seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678_9ABC_DEF1)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// Whether one in so many.
    pub(crate) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// Whether a redirection could, once broken, name a file outside of the directory that the script runs in.
fn leaves_its_directory(script: &str) -> bool {
    script.split('>').skip(1).any(|rest| {
        rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/')
            .starts_with('/')
    })
}

/// Makes scripts.
pub(crate) struct Generator {
    dice: Dice,
    marks: usize,
    functions: usize,
}

impl Generator {
    /// A generator whose scripts are the same for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            marks: 0,
            functions: 0,
        }
    }

    /// The next script.
    pub(crate) fn script(&mut self) -> String {
        self.marks = 100;
        self.functions = 0;
        let size = 1 + self.dice.below(4);
        let mut script = self.list(size, 3);
        if self.dice.one_in(3) {
            script = self.broken(&script);
        }
        if leaves_its_directory(&script) {
            self.mark()
        } else {
            script
        }
    }

    /// A few characters of a text changed.
    fn broken(&mut self, script: &str) -> String {
        let mut characters: Vec<char> = script.chars().collect();
        for _ in 0..=self.dice.below(3) {
            let hostile = [
                '\'', '"', '\\', '(', ')', '{', '}', '$', '`', '#', ';', '\n', ' ', '&', '|', '<',
                '!', '[', ']', '=', '\t',
            ];
            let at = self.dice.below(characters.len());
            let hostile = hostile[self.dice.below(hostile.len())];
            match self.dice.below(4) {
                0 if !characters.is_empty() => {
                    characters.remove(at);
                }
                1 if !characters.is_empty() => characters[at] = hostile,
                2 => characters.splice(at..at, ['\\', '\n']).for_each(drop),
                _ => characters.insert(at, hostile),
            }
        }
        characters.into_iter().collect()
    }

    fn list(&mut self, size: usize, depth: usize) -> String {
        let mut out = String::new();
        for number in 0..size {
            if number > 0 {
                let separator = self.dice.pick(&[
                    "; ",
                    "\n",
                    " && ",
                    " || ",
                    " & ",
                    " # it's (\n",
                    ";",
                    "\n\n",
                    " |\n",
                    " | ",
                    " |& ",
                ]);
                if out.ends_with('\n') {
                    out.push_str(self.dice.pick(&["", "# ) ' \n", " "]));
                } else {
                    out.push_str(separator);
                }
            }
            let command = self.command(depth);
            out.push_str(&command);
        }
        out
    }

    /// A list behind which a reserved word can stand.
    fn closed_list(&mut self, depth: usize) -> String {
        let size = 1 + self.dice.below(2);
        let mut list = self.list(size, depth);
        if !list.ends_with('\n') {
            list.push_str(self.dice.pick(&["; ", "\n", ";\n", " & "]));
        }
        list
    }

    fn mark(&mut self) -> String {
        self.marks += 1;
        let number = format!("{}_", self.marks);
        let name = match self.dice.below(14) {
            0 => "m\\ark",
            1 => "'mark'",
            2 => "\"ma\"rk",
            3 => "$'m\\x61rk'",
            4 => "ma\\\nrk",
            5 => "m''ark",
            6 => "\"mark\"",
            _ => "mark",
        };
        let number = match self.dice.below(12) {
            0 => format!("'{number}'"),
            1 => format!("\"{number}\""),
            2 => format!("\\{number}"),
            3 => format!("$'{number}'"),
            _ => number,
        };
        format!("{name} {number}")
    }

    fn command(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.mark();
        }
        let deeper = depth - 1;
        match self.dice.below(30) {
            0 => {
                let list = self.closed_list(deeper);
                format!("{{ {list}}}{}", self.redirect(deeper))
            }
            1 => {
                let list = self.list(1, deeper);
                let blank = self.dice.pick(&["", " ", "\n"]);
                format!("({blank}{list}{blank})")
            }
            2 => {
                let list = self.list(1, deeper);
                format!("( ( {list} ) )")
            }
            3 => {
                let (condition, body, other) = (
                    self.closed_list(deeper),
                    self.closed_list(deeper),
                    self.closed_list(deeper),
                );
                let word = self.dice.pick(&["else", "elif mark 1_; then"]);
                format!("if {condition}then {body}{word} {other}fi")
            }
            4 => {
                let (condition, body) = (self.closed_list(deeper), self.closed_list(deeper));
                let word = self.dice.pick(&["while", "until ! "]);
                format!("{word} {condition}do {body}break; done")
            }
            5 => {
                let (word, body) = (self.word(deeper), self.closed_list(deeper));
                let head = self.dice.pick(&["; do", "\ndo", ";\ndo"]);
                match self.dice.below(4) {
                    0 => format!("for v in a {word}{head} {{ {body}}}; done"),
                    1 => format!("for v in a {word}{head} {{ {body}}} >f2; done"),
                    _ => format!("for v in a {word}{head} {body}done"),
                }
            }
            6 => {
                let (expression, body) = (self.arithmetic(deeper), self.closed_list(deeper));
                format!("for ((i=0; i<1+0*({expression}); i++)); do {body}done")
            }
            7 | 8 => self.case(deeper),
            9 => {
                self.functions += 1;
                let name = format!("f{}", self.functions);
                let body = self.closed_list(deeper);
                let head =
                    self.dice
                        .pick(&["NAME() ", "function NAME ", "function NAME() ", "NAME ()\n"]);
                format!("{}{{ {body}}}; {name}", head.replace("NAME", &name))
            }
            10 => {
                let (left, right) = (self.word(deeper), self.word(deeper));
                let test = self.dice.pick(&[
                    "L == R",
                    "L != R",
                    "-n L",
                    "! ( L < R && -z R )",
                    "L =~ a",
                    "L",
                ]);
                format!("[[ {} ]]", test.replace('L', &left).replace('R', &right))
            }
            11 => format!("(({}))", self.arithmetic(deeper)),
            12 => {
                let command = self.command(deeper);
                let word = self.dice.pick(&[
                    "! ", "time ", "time -p ", "! ! ", "time -- ", "! time ", "time ! ",
                ]);
                format!("{word}{command}")
            }
            13 | 14 => {
                let command = self.command(deeper);
                let other = self.command(deeper);
                let pipe = self.dice.pick(&[" | ", " |& ", "|", " |\n"]);
                format!("{command}{pipe}{other}")
            }
            15 | 16 => self.here_document(deeper),
            17 => {
                let word = self.word(deeper);
                format!("x={word} {}", self.mark())
            }
            18 => {
                let (word, other) = (self.word(deeper), self.word(deeper));
                let comment = self.dice.pick(&["", "", " #", " # it's )", " # \"(", "#"]);
                format!("a=({word} [2]={other}{comment}\n{word})")
            }
            19 => {
                let expression = self.arithmetic(deeper);
                format!("a[{expression}]={}", self.word(deeper))
            }
            20 => format!("{} <<< {}", self.mark(), self.word(deeper)),
            21 => {
                let mark = self.mark();
                format!("{{{},}}", mark.replace(' ', ","))
            }
            22 => {
                let (word, other) = (self.word(deeper), self.word(0));
                let form = self.dice.pick(&[
                    "declare -a b=(W X)",
                    "declare -A m=([k]=W [1]=X)",
                    "g() { local l=(W X); }; g",
                    "typeset b=(X)",
                    "export b=(1 X\n$x)",
                    "\\declare b=(W)",
                    "declare b=(X) X",
                    "declare -r b=(X)",
                ]);
                let form = form.replace('W', &word).replace('X', &other);
                format!("{form} && {}", self.mark())
            }
            _ => {
                let (mark, word) = (self.mark(), self.word(deeper));
                let comment = if self.dice.one_in(8) {
                    " # don't )\n"
                } else {
                    ""
                };
                format!("{mark} {word}{}{comment}", self.redirect(deeper))
            }
        }
    }

    fn case(&mut self, depth: usize) -> String {
        let (word, pattern) = (self.word(depth), self.word(depth));
        let (one, two) = (self.closed_list(depth), self.closed_list(depth));
        let (open, end, last) = (
            self.dice.pick(&["", "("]),
            self.dice.pick(&[";;", ";&", ";;&"]),
            self.dice.pick(&["", ";;"]),
        );
        let (one, two) = (
            one.trim_end_matches([' ', ';']),
            two.trim_end_matches([' ', ';']),
        );
        let joint = if last.is_empty() { "\n" } else { " " };
        format!("case {word} in {open}{pattern} | b) {one} {end} {open}*) {two}{joint}{last} esac")
    }

    fn redirect(&mut self, depth: usize) -> String {
        match self.dice.below(12) {
            0 => String::from(" >f1"),
            1 => String::from(" 2>&1"),
            2 => format!(" >>{}", self.dice.pick(&["f2", "'f 3'", "f\\4", "\"f$x\""])),
            3 => {
                let list = self.list(1, depth);
                format!(" < <({list})")
            }
            4 => {
                let list = self.list(1, depth);
                format!(" > >({list})")
            }
            5 => String::from(" 2>f6"),
            6 => String::from(" &>f5"),
            7 => String::from(" 9<f1"),
            _ => String::new(),
        }
    }

    fn here_document(&mut self, depth: usize) -> String {
        let (mark, after) = (self.mark(), self.command(depth));
        let delimiter = self.dice.pick(&["E", "'E'", "\\E", "\"E\"", "E''"]);
        let dash = self.dice.pick(&["", "-"]);
        let mut body = String::new();
        for _ in 0..self.dice.below(4) {
            let inner = self.inner(depth, false);
            let line = match self.dice.below(6) {
                0 => format!("it's {inner} \" x"),
                1 => format!("\t{inner}\\"),
                2 => format!("\\{inner}"),
                3 => format!("$ {inner} ) }} #"),
                _ => format!("a {inner} b"),
            };
            body.push_str(&line);
            body.push('\n');
        }
        let joint = self.dice.pick(&["; ", " | ", " && ", " & "]);
        let tail = if after.contains('\n') || self.dice.one_in(2) {
            String::new()
        } else {
            format!("{joint}{after}")
        };
        let tabs = if dash == "-" {
            self.dice.pick(&["", "\t", "\t\t"])
        } else {
            ""
        };
        format!("{mark} <<{dash}{delimiter}{tail}\n{body}{tabs}E\n")
    }

    fn word(&mut self, depth: usize) -> String {
        let mut out = String::new();
        for _ in 0..=self.dice.below(2) {
            let part = self.part(depth);
            out.push_str(&part);
        }
        out
    }

    fn part(&mut self, depth: usize) -> String {
        match self.dice.below(16) {
            0 | 1 => String::from(self.dice.pick(&[
                "a", "b.c", "-x", "a#b", "a=b", "x{", "}", "1", "*", "[a-c]", "?", "~", "a:~", "%",
                "esac", "fi",
            ])),
            2 => {
                let mark = self.mark();
                let text = self.dice.pick(&[
                    "it", "$(M)", "`M`", "\"M", "\\", "a b", ")", "\n", "# M", "${x:-M}", ";M;",
                ]);
                format!("'{}'", text.replace('M', &mark.replace('\'', "")))
            }
            3..=5 => {
                let mut text = String::new();
                for _ in 0..=self.dice.below(2) {
                    let inner = self.inner(depth, true);
                    text.push_str(&inner);
                    text.push_str(self.dice.pick(&[
                        "", " ", "'", "\\\"", "\\\\", "#", ")", "}", "\\$x", "\\`", "\n", "'$",
                        "(", ";",
                    ]));
                }
                format!("\"{text}\"")
            }
            6 => String::from(self.dice.pick(&[
                "\\a", "\\ ", "\\$", "\\\"", "\\'", "\\`", "\\\\", "\\(", "\\#", "\\\n",
            ])),
            7 => String::from(self.dice.pick(&[
                "$'a\\'b'",
                "$'\\n'",
                "$'\\x41'",
                "$'\\\\'",
                "$''",
                "$'\"'",
                "$'`'",
                "$\"a\"",
                "$'\\101\\u0042'",
            ])),
            8 => {
                let (one, two) = (
                    self.word(depth.saturating_sub(1)),
                    self.dice.pick(&["b", "", "'c,d'", "{e,f}", "1..3", "$x"]),
                );
                if depth == 0 {
                    String::from("{a,b}")
                } else {
                    format!("{{{one},{two}}}")
                }
            }
            9 => String::from(self.dice.pick(&[
                "{1..3}",
                "{a..c..2}",
                "{01..03}",
                "{1..}",
                "{..}",
                "{a}",
                "{}",
                "{,}",
                "{a,b",
                "{$x..3}",
                "{{a,b}",
                "{a,b}}",
            ])),
            10 if depth > 0 => {
                let list = self.list(1, depth - 1);
                format!("{}({list})", self.dice.pick(&["<", ">"]))
            }
            _ => self.inner(depth, false),
        }
    }

    /// What is expanded in double quotes and here-documents too.
    fn inner(&mut self, depth: usize, quoted: bool) -> String {
        if depth == 0 {
            return String::from(self.dice.pick(&[
                "$x", "${x}", "$1", "$@", "${#x}", "$?", "${x:-d}", "$((1+1))", "$", "a",
            ]));
        }
        let deeper = depth - 1;
        match self.dice.below(12) {
            0..=2 => {
                let list = self.list(1, deeper);
                let end = if list.ends_with('\n') || !self.dice.one_in(4) {
                    ""
                } else {
                    "\n"
                };
                let begin = self.dice.pick(&["", "", " ", "\n"]);
                let begin = if list.starts_with('(') { " " } else { begin };
                format!("$({begin}{list}{end})")
            }
            3 | 4 => {
                let list = self.list(1, deeper);
                let list = list
                    .replace('\\', "\\\\")
                    .replace('`', "\\`")
                    .replace('$', self.dice.pick(&["$", "$", "\\$"]));
                let list = if quoted && self.dice.one_in(2) {
                    list.replace('"', "\\\"")
                } else {
                    list
                };
                format!("`{list}`")
            }
            5 | 6 => {
                let word = self.value(deeper, quoted);
                let operator = self.dice.pick(&[":-", "-", ":=", ":+", "+"]);
                format!("${{x{operator}{word}}}")
            }
            7 => {
                let (word, other) = (self.word(deeper), self.value(deeper, quoted));
                let form = self.dice.pick(&[
                    "${y#W}",
                    "${y##W}",
                    "${y%W}",
                    "${y/W/V}",
                    "${y//W/V}",
                    "${y/#W}",
                    "${y^W}",
                    "${y,,W}",
                ]);
                form.replace('W', &word).replace('V', &other)
            }
            8 => format!("$(({}))", self.arithmetic(deeper)),
            9 => format!(
                "$(( {} + {} ))",
                self.arithmetic(deeper),
                self.arithmetic(deeper)
            ),
            10 => {
                let expression = self.arithmetic(deeper);
                let form = self.dice.pick(&[
                    "${a[N]}",
                    "${a[N]:-b}",
                    "${y:N}",
                    "${y:0:N}",
                    "${y: -1:N}",
                    "${#a[N]}",
                    "$[N]",
                ]);
                form.replace('N', &expression)
            }
            _ => String::from(self.dice.pick(&[
                "$x", "${x@Q}", "${!x}", "${a[@]}", "${!a[@]}", "$*", "${x:-}", "${!x*}",
            ])),
        }
    }

    fn value(&mut self, depth: usize, quoted: bool) -> String {
        match self.dice.below(6) {
            0 => format!("'{}'", self.inner(depth, quoted)),
            1 => format!("\"{}\"", self.inner(depth, true)),
            2 => format!("a {} b", self.inner(depth, quoted)),
            3 => String::from(
                self.dice
                    .pick(&["\\}", "a'b", "{", "a b", "(a)", "#a", "'}'"]),
            ),
            4 => self.word(depth),
            _ => self.inner(depth, quoted),
        }
    }

    fn arithmetic(&mut self, depth: usize) -> String {
        if depth == 0 {
            return String::from(
                self.dice
                    .pick(&["0", "1", "n", "n+1", "(1)", "1<2", "0x10", "2#1"]),
            );
        }
        let deeper = depth - 1;
        match self.dice.below(7) {
            0 | 1 => {
                let list = self.list(1, deeper);
                format!("$({list}){}", self.dice.pick(&["0", "+0", " + 0"]))
            }
            2 => format!("a[{}]", self.arithmetic(deeper)),
            3 if self.dice.one_in(2) => format!("\"{}\" + 0", self.inner(deeper, true)),
            3 => format!(
                "({}) * {}",
                self.arithmetic(deeper),
                self.arithmetic(deeper)
            ),
            4 => format!(
                "{} ? 1 : {}",
                self.arithmetic(deeper),
                self.arithmetic(deeper)
            ),
            5 => format!("0{}", self.inner(deeper, true)),
            _ => self
                .dice
                .pick(&["n=1", "n++", "- -1", "!n", "1 , 2", "n <<= 1", "1\n"])
                .to_owned(),
        }
    }
}
