//! The canonical text of a tree: single blanks, one line unless here-documents need more, the fewest quotes that
//! always mean the same, no comments. It fills in the places of the commands.

mod compound;
mod parameter;
mod quoting;
mod word;

use crate::reader::is_name;
use crate::refusal::Refusal;
use crate::tree::{
    AssignedValue, Assignment, Command, Compound, Connector, Descriptor, Item, Piece, Pipeline,
    Place, Redirect, RedirectKind, Script, Simple, Word,
};

/// Words that mean something else where a command is expected.
const RESERVED: [&str; 23] = [
    "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for",
    "function", "if", "in", "select", "then", "time", "until", "while", "{", "}", "-p",
];

/// How many delimiters are tried for a here-document.
const MAX_DELIMITERS: usize = 100;

/// The canonical text of a script. Its places are those of that text.
pub(crate) fn render(script: &mut Script) -> Result<String, Refusal> {
    let mut printer = Printer::default();
    printer.script(script)?;
    printer.here_documents()?;
    Ok(printer.out)
}

/// A here-document whose body is still to be written.
struct Pending<'a> {
    body: &'a mut Word,
    delimiter: String,
    literal: bool,
}

/// What has been written.
#[derive(Default)]
struct Printer<'a> {
    out: String,
    pending: Vec<Pending<'a>>,
}

impl<'a> Printer<'a> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn script(&mut self, script: &'a mut Script) -> Result<(), Refusal> {
        let mut first = true;
        let mut background = false;
        for item in &mut script.items {
            if !first {
                self.end(background)?;
            }
            first = false;
            background = item.background;
            self.item(item)?;
        }
        Ok(())
    }

    /// A script behind which a reserved word can stand.
    fn terminated(&mut self, script: &'a mut Script) -> Result<(), Refusal> {
        let background = script.items.last().is_some_and(|item| item.background);
        if script.items.is_empty() {
            return Err(Refusal::NotRenderable);
        }
        self.script(script)?;
        self.end(background)
    }

    /// A script in parentheses that have been opened.
    fn closed(&mut self, script: &'a mut Script) -> Result<(), Refusal> {
        if begins_with_parenthesis(script) {
            self.push(" ");
        }
        self.script(script)?;
        self.here_documents()?;
        self.push(")");
        Ok(())
    }

    /// A script in a substitution: here-documents outside of it are no business of its own.
    fn substituted(&mut self, script: &'a mut Script) -> Result<(), Refusal> {
        let outer = std::mem::take(&mut self.pending);
        if begins_with_parenthesis(script) {
            self.push(" ");
        }
        self.script(script)?;
        if !outer.is_empty() && !self.pending.is_empty() {
            return Err(Refusal::NotRenderable);
        }
        self.here_documents()?;
        self.push(")");
        self.pending = outer;
        Ok(())
    }

    fn end(&mut self, background: bool) -> Result<(), Refusal> {
        if self.pending.is_empty() {
            self.push(if background { " " } else { "; " });
            return Ok(());
        }
        self.here_documents()
    }

    /// The bodies of the here-documents on the line that ends here.
    fn here_documents(&mut self) -> Result<(), Refusal> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.push("\n");
        for pending in std::mem::take(&mut self.pending) {
            let from = self.out.len();
            if pending.literal {
                for piece in &pending.body.pieces {
                    if let Piece::Quoted(text) = piece {
                        self.out.push_str(text);
                    }
                }
            } else {
                self.here_document(pending.body)?;
            }
            let body = &self.out[from..];
            let fits = body.is_empty() || body.ends_with('\n');
            if !fits || body.lines().any(|line| line == pending.delimiter) {
                return Err(Refusal::NotRenderable);
            }
            self.push(&pending.delimiter);
            self.push("\n");
        }
        Ok(())
    }

    fn item(&mut self, item: &'a mut Item) -> Result<(), Refusal> {
        self.pipeline(&mut item.first)?;
        for (connector, pipeline) in &mut item.rest {
            self.push(match connector {
                Connector::And => " && ",
                Connector::Or => " || ",
            });
            self.pipeline(pipeline)?;
        }
        if item.background {
            self.push(" &");
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'a mut Pipeline) -> Result<(), Refusal> {
        let mut words = Vec::new();
        if pipeline.timed {
            words.push("time");
        }
        if pipeline.negated {
            words.push("!");
        }
        // Bash takes these words alone only before a new line or `;`, which do not stand behind everything.
        if pipeline.commands.is_empty() {
            return Err(Refusal::unsupported("`!` or `time` alone"));
        }
        self.push(&words.join(" "));
        let mut before = if words.is_empty() { "" } else { " " };
        for command in &mut pipeline.commands {
            self.push(before);
            self.command(command)?;
            before = " | ";
        }
        Ok(())
    }

    fn command(&mut self, command: &'a mut Command) -> Result<(), Refusal> {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound { body, redirects } => {
                self.compound(body)?;
                self.redirects(redirects, false)
            }
            Command::Function { name, body } => {
                if !is_function_name(name) || !matches!(**body, Command::Compound { .. }) {
                    return Err(Refusal::unsupported("a function of that name or form"));
                }
                self.push(name);
                self.push("() ");
                self.command(body)
            }
            Command::Coprocess { name, body } => {
                self.push("coproc ");
                if let Some(name) = name {
                    if !is_name(name) {
                        return Err(Refusal::unsupported("a coprocess of that name"));
                    }
                    self.push(name);
                    self.push(" ");
                }
                self.command(body)
            }
        }
    }

    fn simple(&mut self, simple: &'a mut Simple) -> Result<(), Refusal> {
        let Simple {
            assignments,
            words,
            redirects,
            place,
        } = simple;
        let from = self.out.len();
        let mut first = true;
        for assignment in assignments {
            self.blank(&mut first);
            self.assignment(assignment)?;
        }
        let mut is_name = true;
        for word in words {
            self.blank(&mut first);
            if is_name {
                self.name(word)?;
            } else {
                self.word(word)?;
            }
            is_name = false;
        }
        self.redirects(redirects, first)?;
        if self.out.len() == from {
            return Err(Refusal::NotRenderable);
        }
        *place = place_of(from, self.out.len())?;
        Ok(())
    }

    fn blank(&mut self, first: &mut bool) {
        if !*first {
            self.push(" ");
        }
        *first = false;
    }

    /// The word that names a command, which must not read as a reserved word or an assignment.
    fn name(&mut self, word: &'a mut Word) -> Result<(), Refusal> {
        for piece in &word.pieces {
            if let Piece::Plain(text) | Piece::Quoted(text) = piece
                && !text.is_ascii()
            {
                return Err(Refusal::ForeignName);
            }
        }
        if let [Piece::Plain(text)] = word.pieces.as_slice()
            && RESERVED.contains(&text.as_str())
        {
            let quoted = format!("'{text}'");
            self.push(&quoted);
            return Ok(());
        }
        if let Some(Piece::Plain(text)) = word.pieces.first()
            && let Some(at) = text.find('=')
            && is_name(
                text[..at]
                    .trim_end_matches('+')
                    .split('[')
                    .next()
                    .unwrap_or_default(),
            )
        {
            if word.pieces.len() > 1 || !text.chars().all(crate::atoms::is_plain) {
                // What follows is quoted as a whole or not at all; a live character cannot be.
                return self.word_in_quotes(word);
            }
            let quoted = format!("'{text}'");
            self.push(&quoted);
            return Ok(());
        }
        self.word(word)
    }

    fn assignment(&mut self, assignment: &'a mut Assignment) -> Result<(), Refusal> {
        self.push(&assignment.name);
        if let Some(index) = &mut assignment.index {
            self.subscript(index)?;
        }
        self.push(if assignment.append { "+=" } else { "=" });
        match &mut assignment.value {
            AssignedValue::Scalar(word) => {
                if !word.pieces.is_empty() {
                    self.word(word)?;
                }
                Ok(())
            }
            AssignedValue::Array(elements) => {
                self.push("(");
                let mut first = true;
                for (index, word) in elements {
                    self.blank(&mut first);
                    if let Some(index) = index {
                        self.subscript(index)?;
                        self.push("=");
                    }
                    self.word(word)?;
                }
                self.push(")");
                Ok(())
            }
        }
    }

    fn redirects(&mut self, redirects: &'a mut [Redirect], mut first: bool) -> Result<(), Refusal> {
        for redirect in redirects {
            self.blank(&mut first);
            self.redirect(redirect)?;
        }
        Ok(())
    }

    fn redirect(&mut self, redirect: &'a mut Redirect) -> Result<(), Refusal> {
        match &redirect.descriptor {
            Some(Descriptor::Number(number)) => self.push(&number.to_string()),
            Some(Descriptor::Variable(name)) => {
                self.push("{");
                self.push(name);
                self.push("}");
            }
            None => {}
        }
        let (operator, word) = match &mut redirect.kind {
            RedirectKind::Read(word) => ("<", word),
            RedirectKind::Write(word) => (">", word),
            RedirectKind::Clobber(word) => (">|", word),
            RedirectKind::Append(word) => (">>", word),
            RedirectKind::ReadWrite(word) => ("<>", word),
            RedirectKind::DuplicateInput(word) => ("<&", word),
            RedirectKind::DuplicateOutput(word) => (">&", word),
            RedirectKind::WriteBoth(word) => ("&>", word),
            RedirectKind::AppendBoth(word) => ("&>>", word),
            RedirectKind::HereString(word) => ("<<<", word),
            RedirectKind::HereDocument(body) => return self.here(body),
        };
        self.push(operator);
        if matches!(word.pieces.first(), Some(Piece::Process { .. })) {
            self.push(" ");
        }
        self.word(word)
    }

    fn here(&mut self, body: &'a mut Word) -> Result<(), Refusal> {
        let literal = body
            .pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Quoted(_)));
        let taken = |delimiter: &str| {
            body.pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Quoted(text) if text.contains(delimiter)))
        };
        let delimiter = (0..MAX_DELIMITERS)
            .map(|number| {
                if number == 0 {
                    String::from("EOF")
                } else {
                    format!("EOF{number}")
                }
            })
            .find(|delimiter| !taken(delimiter))
            .ok_or(Refusal::NotRenderable)?;
        self.push(&if literal {
            format!("<<'{delimiter}'")
        } else {
            format!("<<{delimiter}")
        });
        self.pending.push(Pending {
            body,
            delimiter,
            literal,
        });
        Ok(())
    }
}

fn place_of(from: usize, to: usize) -> Result<Place, Refusal> {
    let byte = |at: usize| u32::try_from(at).map_err(|_| Refusal::NotRenderable);
    Ok(Place {
        from: byte(from)?,
        to: byte(to)?,
    })
}

/// Whether the text of a script begins with a parenthesis, which must not touch another one.
fn begins_with_parenthesis(script: &Script) -> bool {
    script.items.first().is_some_and(|item| {
        let first = &item.first;
        !first.timed
            && !first.negated
            && matches!(
                first.commands.first(),
                Some(Command::Compound {
                    body: Compound::Subshell(_) | Compound::Arithmetic(_),
                    ..
                })
            )
    })
}

/// Whether a name can be that of a function and is the same however it is written.
fn is_function_name(name: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'+' | b'@')
    };
    !name.is_empty()
        && !RESERVED.contains(&name)
        && name.bytes().all(plain)
        && !name.bytes().all(|byte| byte.is_ascii_digit())
}
