//! What a shell knows at one place of a script: variables, functions, directories, standard input. States are cheap to
//! copy, and two of them join into one that allows what either allows.

use std::collections::BTreeMap;
use std::rc::Rc;

use watchkeeper_shell::Command;

use super::limits::{MOST_ALTERNATIVES, MOST_DIRECTORIES, MOST_VARIABLES};
use super::value::{Held, Value, Variable, any_of};
use crate::invocation::{Context, Input};
use crate::word::{Arg, Origin, Part};

/// What stands on standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stdin {
    /// Nothing.
    Nothing,
    /// This text.
    Value(Value),
    /// The content of a file.
    File(Arg),
}

/// `$0` and `$1`… .
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Positional {
    /// `$0`.
    pub(super) zero: Value,
    /// The lists that are possible; none at all where nothing is known.
    pub(super) lists: Vec<Vec<Value>>,
}

/// A function as it may be defined at some place: nothing where it may also not be.
type Bodies<'a> = Vec<Option<&'a Command>>;

/// What a shell knows.
#[derive(Clone, Debug)]
pub(super) struct State<'a> {
    pub(super) variables: Rc<BTreeMap<Rc<str>, Rc<Variable>>>,
    pub(super) functions: Rc<BTreeMap<Rc<str>, Bodies<'a>>>,
    pub(super) positional: Rc<Positional>,
    pub(super) context: Rc<Context>,
    /// The directories that `cd -` may go to.
    pub(super) previous: Rc<Vec<String>>,
    /// The directories that `popd` goes back to.
    pub(super) pushed: Rc<Vec<Vec<String>>>,
    pub(super) stdin: Rc<Vec<Stdin>>,
    /// What handlers of `trap` run.
    pub(super) traps: Rc<Vec<Value>>,
    /// Whether anything here has more than one value.
    pub(super) choosy: bool,
    /// Whether nothing comes here: behind `exit`, `return`, `break`.
    pub(super) dead: bool,
    /// Whether standard error may be where standard output is.
    pub(super) merged: bool,
    /// Whether what is assigned is exported.
    pub(super) export_all: bool,
}

impl<'a> State<'a> {
    pub(super) fn new(context: Context) -> Self {
        Self {
            variables: Rc::default(),
            functions: Rc::default(),
            positional: Rc::new(Positional {
                zero: Value::text("bash"),
                lists: vec![Vec::new()],
            }),
            previous: Rc::new(Vec::new()),
            context: Rc::new(context),
            pushed: Rc::default(),
            stdin: Rc::new(vec![Stdin::Nothing]),
            traps: Rc::default(),
            choosy: false,
            dead: false,
            merged: false,
            export_all: false,
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Rc<Variable>> {
        self.variables.get(name)
    }

    /// Puts a variable in its place. False where there are too many: then it is not known.
    pub(super) fn put(&mut self, name: &str, variable: Variable) -> bool {
        self.choosy |= variable.held.len() > 1;
        let variables = Rc::make_mut(&mut self.variables);
        if let Some(place) = variables.get_mut(name) {
            *place = Rc::new(variable);
            return true;
        }
        if variables.len() >= MOST_VARIABLES {
            return false;
        }
        variables.insert(Rc::from(name), Rc::new(variable));
        true
    }

    /// Puts a variable back as it was.
    pub(super) fn restore(&mut self, name: &str, variable: Option<Rc<Variable>>) {
        let variables = Rc::make_mut(&mut self.variables);
        match variable {
            Some(variable) => {
                self.choosy |= variable.held.len() > 1;
                variables.insert(Rc::from(name), variable);
            }
            None => {
                variables.remove(name);
            }
        }
    }

    pub(super) fn set_directories(&mut self, mut directories: Vec<String>) {
        directories.sort();
        directories.dedup();
        if directories.len() > MOST_DIRECTORIES {
            directories.clear();
        }
        Rc::make_mut(&mut self.context).directories = directories;
    }

    pub(super) fn set_stdin(&mut self, stdin: Stdin) {
        self.stdin = Rc::new(vec![stdin]);
    }

    /// Lets the other state be possible as well.
    pub(super) fn join(&mut self, other: Self) {
        if other.dead && !self.dead {
            return;
        }
        if self.dead && !other.dead {
            *self = other;
            return;
        }
        self.join_variables(&other);
        self.join_functions(&other);
        if self.positional != other.positional {
            let mine = Rc::make_mut(&mut self.positional);
            join_positional(mine, &other.positional);
            self.choosy |= mine.lists.len() > 1;
        }
        self.join_directories(&other);
        if self.stdin != other.stdin {
            join_stdin(Rc::make_mut(&mut self.stdin), &other.stdin);
            self.choosy = true;
        }
        if self.traps != other.traps {
            let traps = Rc::make_mut(&mut self.traps);
            for text in other.traps.iter() {
                if !traps.contains(text) {
                    traps.push(text.clone());
                }
            }
        }
        self.choosy |= other.choosy;
        self.merged |= other.merged;
        self.export_all |= other.export_all;
    }

    fn join_variables(&mut self, other: &Self) {
        if Rc::ptr_eq(&self.variables, &other.variables) {
            return;
        }
        let unset = Rc::new(Variable::unset());
        let mut changed: Vec<(Rc<str>, Rc<Variable>)> = Vec::new();
        for (name, mine) in self.variables.iter() {
            let theirs = other.variables.get(name).unwrap_or(&unset);
            if !Rc::ptr_eq(mine, theirs) && mine != theirs {
                let joined = Variable::joined(name, mine, theirs);
                changed.push((Rc::clone(name), Rc::new(joined)));
            }
        }
        for (name, theirs) in other.variables.iter() {
            if !self.variables.contains_key(name) {
                let joined = Variable::joined(name, &unset, theirs);
                changed.push((Rc::clone(name), Rc::new(joined)));
            }
        }
        if changed.is_empty() {
            return;
        }
        let variables = Rc::make_mut(&mut self.variables);
        for (name, variable) in changed {
            self.choosy |= variable.held.len() > 1;
            variables.insert(name, variable);
        }
    }

    fn join_functions(&mut self, other: &Self) {
        if Rc::ptr_eq(&self.functions, &other.functions) {
            return;
        }
        let functions = Rc::make_mut(&mut self.functions);
        for (name, bodies) in functions.iter_mut() {
            match other.functions.get(name) {
                None => add_body(bodies, None),
                Some(theirs) => theirs.iter().for_each(|body| add_body(bodies, *body)),
            }
        }
        for (name, theirs) in other.functions.iter() {
            if !functions.contains_key(name) {
                let mut bodies = vec![None];
                theirs.iter().for_each(|body| add_body(&mut bodies, *body));
                functions.insert(Rc::clone(name), bodies);
            }
        }
    }

    fn join_directories(&mut self, other: &Self) {
        if self.context != other.context {
            let mine = &self.context.directories;
            let theirs = &other.context.directories;
            let both = if mine.is_empty() || theirs.is_empty() {
                Vec::new()
            } else {
                mine.iter().chain(theirs).cloned().collect()
            };
            self.set_directories(both);
        }
        if self.pushed != other.pushed {
            self.pushed = Rc::default();
        }
        if self.previous != other.previous {
            let previous = Rc::make_mut(&mut self.previous);
            previous.extend(other.previous.iter().cloned());
            previous.sort();
            previous.dedup();
            if previous.len() > MOST_DIRECTORIES {
                previous.clear();
            }
        }
    }

    /// Whether the other state allows nothing that this one does not.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.dead == other.dead
            && (Rc::ptr_eq(&self.variables, &other.variables) || self.variables == other.variables)
            && same_functions(&self.functions, &other.functions)
            && self.positional == other.positional
            && self.context == other.context
            && self.previous == other.previous
            && self.pushed == other.pushed
            && self.stdin == other.stdin
            && self.traps == other.traps
    }

    /// Forgets what differs from the other state, as it does after many rounds of a loop.
    pub(super) fn widen(&mut self, earlier: &Self) {
        let mut changed = Vec::new();
        for (name, mine) in self.variables.iter() {
            if earlier.variables.get(name) != Some(mine) {
                let value = any_of(name, &mine.held);
                let mut wide = Variable::clone(mine);
                wide.held = vec![Held::Scalar(value)];
                changed.push((Rc::clone(name), Rc::new(wide)));
            }
        }
        if !changed.is_empty() {
            Rc::make_mut(&mut self.variables).extend(changed);
        }
        if self.positional != earlier.positional {
            Rc::make_mut(&mut self.positional).lists.clear();
        }
        if self.context != earlier.context {
            self.set_directories(Vec::new());
        }
        if self.pushed != earlier.pushed {
            self.pushed = Rc::default();
        }
        if self.previous != earlier.previous {
            self.previous = Rc::new(Vec::new());
        }
        if self.stdin != earlier.stdin {
            self.set_stdin(Stdin::Value(Value::unknown(Origin::Input)));
        }
    }

    /// The state of a shell that this one starts: it gets what is exported. Where it runs as somebody else or
    /// elsewhere, that may also be lost.
    pub(super) fn child(&self, context: Option<Context>) -> Self {
        let lost = context.is_some();
        let mut child = Self::new(Context::clone(&self.context));
        if let Some(context) = context {
            child.context = Rc::new(context);
        }
        let mut variables = BTreeMap::new();
        for (name, variable) in self.variables.iter().filter(|(_, held)| held.exported) {
            let mut variable = Variable::clone(variable);
            if lost && !variable.held.contains(&Held::Unset) {
                variable.held.push(Held::Unset);
            }
            child.choosy |= variable.held.len() > 1;
            variables.insert(Rc::clone(name), Rc::new(variable));
        }
        child.variables = Rc::new(variables);
        child.stdin = Rc::clone(&self.stdin);
        child.choosy |= child.stdin.len() > 1;
        child
    }
}

fn add_body<'a>(bodies: &mut Bodies<'a>, body: Option<&'a Command>) {
    let known = bodies.iter().any(|held| match (held, body) {
        (None, None) => true,
        (Some(one), Some(other)) => std::ptr::eq(*one, other),
        _ => false,
    });
    if !known {
        bodies.push(body);
    }
}

fn same_functions<'a>(
    one: &Rc<BTreeMap<Rc<str>, Bodies<'a>>>,
    other: &Rc<BTreeMap<Rc<str>, Bodies<'a>>>,
) -> bool {
    Rc::ptr_eq(one, other)
        || (one.len() == other.len()
            && one.iter().zip(other.iter()).all(|(mine, theirs)| {
                mine.0 == theirs.0
                    && mine.1.len() == theirs.1.len()
                    && mine.1.iter().zip(theirs.1).all(|pair| match pair {
                        (None, None) => true,
                        (Some(a), Some(b)) => std::ptr::eq(*a, *b),
                        _ => false,
                    })
            }))
}

fn join_positional(mine: &mut Positional, theirs: &Positional) {
    if mine.zero != theirs.zero {
        mine.zero = Value::unknown(Origin::Variable("0".to_owned()));
    }
    if mine.lists.is_empty() || theirs.lists.is_empty() {
        mine.lists.clear();
        return;
    }
    for list in &theirs.lists {
        if !mine.lists.contains(list) {
            mine.lists.push(list.clone());
        }
    }
    if mine.lists.len() > MOST_ALTERNATIVES {
        mine.lists.clear();
    }
}

fn join_stdin(mine: &mut Vec<Stdin>, theirs: &[Stdin]) {
    for one in theirs {
        if !mine.contains(one) {
            mine.push(one.clone());
        }
    }
    if mine.len() > MOST_ALTERNATIVES {
        *mine = vec![Stdin::Value(Value::unknown(Origin::Input))];
    }
}

impl Stdin {
    /// As a command is told of it.
    pub(super) fn input(&self) -> Input {
        match self {
            Self::Nothing => Input::Nothing,
            Self::File(arg) => Input::File(arg.clone()),
            Self::Value(value) => match value.as_text() {
                Some(text) => Input::Text(text.to_owned()),
                None => Input::Unknown(origin_of_lines(value)),
            },
        }
    }

    /// What is read from it.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Nothing => Value::default(),
            Self::Value(value) => value.clone(),
            Self::File(_) => Value::unknown(Origin::Input),
        }
    }
}

/// Names of files stay such where nothing but line ends stands between them.
fn origin_of_lines(value: &Value) -> Origin {
    let mixed = value
        .parts
        .iter()
        .any(|part| matches!(part, Part::Text(text) if text.chars().any(|c| c != '\n')));
    match value.origin_of_lines() {
        Origin::PathsBelow(_) if mixed => Origin::Output,
        origin => origin,
    }
}
