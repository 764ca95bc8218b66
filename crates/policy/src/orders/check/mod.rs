//! Reading a file of orders, and everything that must hold of it: a file that is wrong anywhere is refused whole, and
//! says all that is wrong with it at once.

use std::collections::BTreeSet;

use watchkeeper_model::{Assessment, Digest, Effect, RiskLevel, Step};

use super::file::{Condition, Example, Never, Order, OrderDecision, OrdersFile};
use super::{Orders, Steps};

/// The form of file that is understood.
const SCHEMA: u32 = 1;
/// Most problems that are told at once.
const MAX_PROBLEMS: usize = 50;
/// Longest name of an order.
const MAX_NAME_CHARS: usize = 80;
/// The largest count of a budget.
const MAX_COUNT: u32 = 100_000;
/// Most different people that one action may need.
const MAX_APPROVERS: u32 = 5;
/// Kinds of steps that there are.
const STEP_KINDS: [&str; 8] = [
    "unit_restart",
    "unit_start",
    "unit_stop",
    "unit_reload",
    "unit_reset_failed",
    "journal_vacuum",
    "package_cache_clean",
    "shell",
];

/// An example as a real action would stand before the orders.
#[derive(Clone, Debug)]
pub struct AssessedExample {
    /// The step as it would be planned: a script is its canonical text, where it has one.
    pub step: Step,
    /// What it does.
    pub assessment: Assessment,
}

/// Why a file of orders is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the standing orders cannot be used: {}", listed(.problems))]
pub struct InvalidOrders {
    /// Everything that is wrong; never empty.
    pub problems: Vec<OrdersProblem>,
}

/// One thing that is wrong with a file of orders.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrdersProblem {
    /// Too large to be orders.
    #[error("the file has {bytes} bytes; {limit} are allowed")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// There is nothing in it.
    #[error("the file is empty: a file of orders begins with `schema = 1`")]
    Empty,
    /// Not a file of this form.
    #[error("{message}")]
    Form {
        /// What the reader of the form says, with line and column.
        message: String,
    },
    /// Another form.
    #[error("`schema = {found}`: this version understands {SCHEMA}")]
    OtherSchema {
        /// What it says.
        found: u32,
    },
    /// Orders are missing.
    #[error(
        "`expects = {expected}`, but {found} orders follow: the file was cut off, or the count is old"
    )]
    OrdersMissing {
        /// How many it says.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Too many of something.
    #[error("there are {found} entries of `{what}`; {limit} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Two of one name, or a name that cannot be read.
    #[error("{what} `{name}`: {why}")]
    Name {
        /// What has it.
        what: &'static str,
        /// The name, bounded and visible.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A window that is not there.
    #[error("`{by}` names the window `{window}`, and there is no [window.{window}]")]
    NoSuchWindow {
        /// What names it.
        by: String,
        /// The window.
        window: String,
    },
    /// A word that means nothing.
    #[error("`{by}` names the step `{word}`; there are {known}")]
    NoSuchStep {
        /// What names it.
        by: String,
        /// The word.
        word: String,
        /// Those that there are.
        known: String,
    },
    /// A count out of range.
    #[error("{key} is {found}, and must lie between {least} and {most}")]
    OutOfRange {
        /// Which.
        key: String,
        /// What it is.
        found: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// An order that asks nothing would be for everything.
    #[error("`{name}` asks nothing, so it would be for everything: say `when = {{ … }}`")]
    AsksNothing {
        /// Which.
        name: String,
    },
    /// An order that permits what no order may.
    #[error("`{name}` would allow {what}, and no order may: {why}")]
    MayNotAllow {
        /// Which.
        name: String,
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
    /// An order without examples.
    #[error("`{name}` has no example {which}: add `{which} = [\"…\"]`")]
    NoExample {
        /// Which.
        name: String,
        /// Which list.
        which: &'static str,
    },
    /// An example is not as it says.
    #[error(transparent)]
    Example(#[from] ExampleFailed),
    /// An order that another makes void.
    #[error("`{name}` can never take effect: `{by}` has the same condition and is stricter")]
    Void {
        /// Which.
        name: String,
        /// By which.
        by: String,
    },
    /// Days in the wrong order.
    #[error("`{name}` ends on {to}, before it begins on {from}")]
    EndsBeforeItBegins {
        /// Which.
        name: String,
        /// The first day.
        from: String,
        /// The last day.
        to: String,
    },
}

/// An example that is not as it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{order}` {} match `{example}`, and it {}", if *.should { "must" } else { "must not" }, if *.should { "does not" } else { "does" })]
pub struct ExampleFailed {
    /// Whose example.
    pub order: String,
    /// The example, bounded and visible.
    pub example: String,
    /// Whether it should match.
    pub should: bool,
}

fn listed(problems: &[OrdersProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

impl Orders {
    /// Reads and checks a file of orders. `assess` plans and assesses the step of an example, by the rules that hold
    /// for real ones.
    ///
    /// # Errors
    /// Says all that is wrong with it.
    pub fn parse(
        text: &str,
        assess: &dyn Fn(Step) -> AssessedExample,
    ) -> Result<Self, InvalidOrders> {
        let refused = |problem| InvalidOrders {
            problems: vec![problem],
        };
        if text.len() > Self::MAX_BYTES {
            return Err(refused(OrdersProblem::TooLarge {
                bytes: text.len(),
                limit: Self::MAX_BYTES,
            }));
        }
        if text.trim().is_empty() {
            return Err(refused(OrdersProblem::Empty));
        }
        let file: OrdersFile = toml::from_str(text).map_err(|error| {
            let message = watchkeeper_model::visible_block(&error.to_string()).into_owned();
            refused(OrdersProblem::Form {
                message: watchkeeper_model::bounded(message.trim(), 1_000).into_owned(),
            })
        })?;
        let mut problems = file.problems();
        problems.extend(file.examples_failed(assess));
        problems.truncate(MAX_PROBLEMS);
        if problems.is_empty() {
            return Ok(file.into_orders(Digest::of_bytes(text.as_bytes())));
        }
        Err(InvalidOrders { problems })
    }
}

impl OrdersFile {
    fn into_orders(self, digest: Digest) -> Orders {
        Orders {
            preset: self.preset,
            timezone: self.timezone,
            windows: self.window,
            never: self.neverallow,
            orders: self.order,
            budget: self.budget,
            spread: self.spread,
            freezes: self.freeze,
            maintenance: self.maintenance,
            approvals: self.approval,
            own_requests: self.own_requests,
            digest,
        }
    }

    fn problems(&self) -> Vec<OrdersProblem> {
        let mut problems = Vec::new();
        if self.schema != SCHEMA {
            problems.push(OrdersProblem::OtherSchema { found: self.schema });
        }
        if let Some(expected) = self.expects
            && expected != self.order.len()
        {
            problems.push(OrdersProblem::OrdersMissing {
                expected,
                found: self.order.len(),
            });
        }
        self.check_counts(&mut problems);
        self.check_names(&mut problems);
        self.check_windows(&mut problems);
        for order in &self.order {
            check_order(order, &self.neverallow, &mut problems);
        }
        for never in &self.neverallow {
            check_condition(&never.name, &never.when, &mut problems);
        }
        self.check_void(&mut problems);
        problems
    }

    fn check_counts(&self, problems: &mut Vec<OrdersProblem>) {
        for (what, found) in [
            ("order", self.order.len()),
            ("neverallow", self.neverallow.len()),
            ("freeze", self.freeze.len()),
            ("maintenance", self.maintenance.len()),
            ("approval", self.approval.len()),
            ("window", self.window.len()),
        ] {
            if found > Orders::MAX_ENTRIES {
                problems.push(OrdersProblem::TooMany {
                    what,
                    found,
                    limit: Orders::MAX_ENTRIES,
                });
            }
        }
        let mut within = |key: &str, found: u32, least: u32, most: u32| {
            if !(least..=most).contains(&found) {
                problems.push(OrdersProblem::OutOfRange {
                    key: key.to_owned(),
                    found,
                    least,
                    most,
                });
            }
        };
        within(
            "budget.host_per_hour",
            self.budget.host_per_hour,
            0,
            MAX_COUNT,
        );
        within(
            "budget.group_per_hour",
            self.budget.group_per_hour,
            0,
            MAX_COUNT,
        );
        within(
            "budget.fleet_per_hour",
            self.budget.fleet_per_hour,
            0,
            MAX_COUNT,
        );
        within("spread.hosts", self.spread.hosts, 1, MAX_COUNT);
        within(
            "spread.percent_of_group",
            self.spread.percent_of_group,
            1,
            100,
        );
        let spread_minutes = self.spread.within.0.as_secs() / 60;
        within(
            "spread.within, in minutes,",
            u32::try_from(spread_minutes).unwrap_or(u32::MAX),
            1,
            7 * 24 * 60,
        );
        for rule in &self.approval {
            let key = format!("approvers of `{}`", shown(&rule.name));
            within(&key, rule.approvers, 1, MAX_APPROVERS);
        }
    }

    fn check_names(&self, problems: &mut Vec<OrdersProblem>) {
        let mut seen = BTreeSet::new();
        let named = (self.order.iter().map(|order| ("order", &order.name)))
            .chain(
                self.neverallow
                    .iter()
                    .map(|never| ("neverallow", &never.name)),
            )
            .chain(self.freeze.iter().map(|pause| ("freeze", &pause.name)))
            .chain(
                self.maintenance
                    .iter()
                    .map(|pause| ("maintenance", &pause.name)),
            )
            .chain(self.approval.iter().map(|rule| ("approval", &rule.name)));
        for (what, name) in named {
            let mut wrong = |why| {
                problems.push(OrdersProblem::Name {
                    what,
                    name: shown(name),
                    why,
                });
            };
            if name.trim().is_empty() {
                wrong("it needs a name");
            } else if name.chars().count() > MAX_NAME_CHARS {
                wrong("its name is too long");
            } else if watchkeeper_model::visible(name) != name.as_str() {
                wrong("its name holds a character that cannot be seen");
            } else if !seen.insert((what, name)) {
                wrong("there are two of this name");
            }
        }
    }

    fn check_windows(&self, problems: &mut Vec<OrdersProblem>) {
        let mut named = |by: &str, windows: &[String]| {
            for window in windows {
                if !self.window.contains_key(window) {
                    problems.push(OrdersProblem::NoSuchWindow {
                        by: shown(by),
                        window: shown(window),
                    });
                }
            }
        };
        let conditions = (self.order.iter().map(|order| (&order.name, &order.when)))
            .chain(
                self.neverallow
                    .iter()
                    .map(|never| (&never.name, &never.when)),
            )
            .chain(self.approval.iter().map(|rule| (&rule.name, &rule.when)));
        for (name, when) in conditions {
            named(name, &when.during);
            named(name, &when.outside);
        }
        for pause in self.freeze.iter().chain(&self.maintenance) {
            named(&pause.name, &pause.during);
        }
        for pause in self.freeze.iter().chain(&self.maintenance) {
            if let Some(dates) = pause.dates
                && dates.to < dates.from
            {
                problems.push(OrdersProblem::EndsBeforeItBegins {
                    name: shown(&pause.name),
                    from: dates.from.to_string(),
                    to: dates.to.to_string(),
                });
            }
        }
    }

    fn check_void(&self, problems: &mut Vec<OrdersProblem>) {
        for (at, order) in self.order.iter().enumerate() {
            let stricter = self.order.iter().enumerate().find(|(other_at, other)| {
                *other_at != at && other.when == order.when && other.decision > order.decision
            });
            if let Some((_, other)) = stricter {
                problems.push(OrdersProblem::Void {
                    name: shown(&order.name),
                    by: shown(&other.name),
                });
            }
        }
    }

    /// Every example that is not as it says, and every order that permits what a `neverallow` line is for.
    fn examples_failed(&self, assess: &dyn Fn(Step) -> AssessedExample) -> Vec<OrdersProblem> {
        let mut problems = Vec::new();
        for order in &self.order {
            let quantity = quantity_of(order.decision);
            check_examples(
                (&order.name, &order.when, quantity),
                (&order.matches, &order.not_match),
                assess,
                &mut problems,
            );
            if order.decision == OrderDecision::Allow {
                for example in &order.matches {
                    problems.extend(self.lowers_never(order, example, assess));
                }
            }
        }
        for never in &self.neverallow {
            check_examples(
                (&never.name, &never.when, Steps::Any),
                (&never.matches, &never.not_match),
                assess,
                &mut problems,
            );
        }
        problems
    }

    fn lowers_never(
        &self,
        order: &Order,
        example: &Example,
        assess: &dyn Fn(Step) -> AssessedExample,
    ) -> Option<OrdersProblem> {
        let assessed = assess(step_of(example));
        let hit = self
            .neverallow
            .iter()
            .find(|never| matches_example(&never.when, &assessed, Steps::Any));
        let why = match hit {
            Some(never) => format!("the neverallow line `{}` is for it", shown(&never.name)),
            None if assessed.assessment.level >= RiskLevel::High => {
                format!("its risk is {}", assessed.assessment.level)
            }
            None => return None,
        };
        Some(OrdersProblem::MayNotAllow {
            name: shown(&order.name),
            what: format!("`{}`", shown_example(example)),
            why,
        })
    }
}

/// Whether an order asks something of every step, or of any.
pub(crate) const fn quantity_of(decision: OrderDecision) -> Steps {
    match decision {
        OrderDecision::Allow => Steps::Every,
        OrderDecision::Hold | OrderDecision::Deny => Steps::Any,
    }
}

fn check_order(order: &Order, never: &[Never], problems: &mut Vec<OrdersProblem>) {
    check_condition(&order.name, &order.when, problems);
    if order.decision != OrderDecision::Allow {
        return;
    }
    let mut may_not = |what: String, why: &str| {
        problems.push(OrdersProblem::MayNotAllow {
            name: shown(&order.name),
            what,
            why: why.to_owned(),
        });
    };
    let too_high = [order.when.level_from, order.when.level_to]
        .into_iter()
        .flatten()
        .find(|level| *level >= RiskLevel::High);
    if let Some(level) = too_high {
        may_not(
            format!("risk {level}"),
            "high waits for a person at every level, and forbidden is forbidden",
        );
    }
    for never in never {
        let when = &never.when;
        let only_kinds = Condition {
            effects: when.effects.clone(),
            ..Condition::default()
        };
        let kind = order
            .when
            .effects
            .iter()
            .find(|kind| when.effects.contains(kind));
        if let Some(kind) = kind
            && *when == only_kinds
        {
            may_not(
                format!("the effect {kind}"),
                &format!("the neverallow line `{}` is for it", shown(&never.name)),
            );
        }
    }
    if order.when.asks_of_effects() || !order.when.commands.is_empty() {
        for (list, which) in [(&order.matches, "match"), (&order.not_match, "not_match")] {
            if list.is_empty() {
                problems.push(OrdersProblem::NoExample {
                    name: shown(&order.name),
                    which,
                });
            }
        }
    }
}

fn check_condition(name: &str, when: &Condition, problems: &mut Vec<OrdersProblem>) {
    if when.asks_nothing() {
        problems.push(OrdersProblem::AsksNothing { name: shown(name) });
    }
    for word in &when.steps {
        if !STEP_KINDS.contains(&word.as_str()) {
            problems.push(OrdersProblem::NoSuchStep {
                by: shown(name),
                word: shown(word),
                known: STEP_KINDS.join(", "),
            });
        }
    }
}

fn check_examples(
    (name, when, quantity): (&str, &Condition, Steps),
    (matches, not_match): (&[Example], &[Example]),
    assess: &dyn Fn(Step) -> AssessedExample,
    problems: &mut Vec<OrdersProblem>,
) {
    let examples = matches
        .iter()
        .map(|example| (example, true))
        .chain(not_match.iter().map(|example| (example, false)));
    for (example, should) in examples {
        if matches_example(when, &assess(step_of(example)), quantity) != should {
            problems.push(
                ExampleFailed {
                    order: shown(name),
                    example: shown_example(example),
                    should,
                }
                .into(),
            );
        }
    }
}

/// Whether a condition's part about steps and effects holds for an assessed example. Hosts, people and times of the
/// condition are not asked: an example has none.
fn matches_example(when: &Condition, assessed: &AssessedExample, quantity: Steps) -> bool {
    let AssessedExample { step, assessment } = assessed;
    if !when.holds_for_steps(&[step], quantity) {
        return false;
    }
    if !when.asks_of_effects() {
        return true;
    }
    let meant = |effect: &Effect| when.holds_for_effect(effect);
    match quantity {
        Steps::Any => assessment.effects.iter().any(meant),
        Steps::Every => {
            let mut changes = assessment
                .effects
                .iter()
                .filter(|effect| effect.level > RiskLevel::ReadOnly)
                .peekable();
            changes.peek().is_some() && changes.all(meant)
        }
    }
}

fn step_of(example: &Example) -> Step {
    match example {
        Example::Line(script) => Step::Shell {
            script: script.clone(),
        },
        Example::Step(step) => step.clone(),
    }
}

fn shown_example(example: &Example) -> String {
    match example {
        Example::Line(line) => shown(line),
        Example::Step(step) => step.summary(),
    }
}

fn shown(text: &str) -> String {
    watchkeeper_model::bounded(&watchkeeper_model::visible(text), 120).into_owned()
}

#[cfg(test)]
mod tests;
