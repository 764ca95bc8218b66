//! Prompts: what a model is shown. Templates are files of the directory `prompts`, in the binary; a directory of the
//! operator may replace them by name.
//!
//! Everything that came from a host is redacted, made visible, bounded, and stands inside a fence whose mark nobody
//! who wrote the text could know. The fence is a courtesy to the model, not a wall: what keeps a host's words from
//! becoming actions is that a reply is parsed, assessed and judged like anybody's proposal.

mod context;
mod converse;
mod defuse;
mod fence;

pub use context::{Attempt, DiagnoseFinding, Piece, StepKind, SystemContext};
pub(crate) use context::{STEP_KINDS, left_out, note_text, pieces, told};
pub(crate) use converse::{Talk, question};
pub use fence::Boundary;
pub(crate) use fence::{block, line};

use handlebars::{Handlebars, no_escape};
use serde::Serialize;
use watchkeeper_model::ConversationKind;

/// The templates that come with Watchkeeper.
const SHIPPED: [(&str, &str); 9] = [
    (SYSTEM, include_str!("../../../../prompts/system.hbs")),
    (DIAGNOSE, include_str!("../../../../prompts/diagnose.hbs")),
    (TRIAGE, include_str!("../../../../prompts/triage.hbs")),
    (CRITIC, include_str!("../../../../prompts/critic.hbs")),
    ("ask", include_str!("../../../../prompts/ask.hbs")),
    ("chat", include_str!("../../../../prompts/chat.hbs")),
    ("do", include_str!("../../../../prompts/do.hbs")),
    ("discuss", include_str!("../../../../prompts/discuss.hbs")),
    (SUMMARISE, include_str!("../../../../prompts/summarise.hbs")),
];
const SYSTEM: &str = "system";
const DIAGNOSE: &str = "diagnose";
const TRIAGE: &str = "triage";
const CRITIC: &str = "critic";
const SUMMARISE: &str = "summarise";
/// Most words that a summary is asked for.
const SUMMARY_WORDS: u32 = 250;
/// What the watch is called where nobody gave it a name.
const NAMELESS: &str = "watchkeeper";

/// A prompt, ready to be measured and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The standing instructions.
    pub system: String,
    /// What is asked.
    pub user: String,
}

impl Prompt {
    /// Most bytes of one text of a prompt as it is rendered. What is longer is refused, never cut.
    pub const MAX_BYTES: usize = 64 * 1024;
}

/// Why there is no prompt.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// A template that cannot be read.
    #[error("the prompt template {name} cannot be read")]
    Unreadable {
        /// Which.
        name: String,
        /// What is wrong with it.
        #[source]
        source: Box<handlebars::TemplateError>,
    },
    /// A template of a name that is not asked for.
    #[error("there is no prompt {name}; there are {}", known.join(", "))]
    UnknownName {
        /// The name.
        name: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// A template that asks for something that is not given.
    #[error("the prompt {name} cannot be rendered")]
    Unrenderable {
        /// Which.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: Box<handlebars::RenderError>,
    },
    /// A prompt beyond the limit.
    #[error("the prompt {name} has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Which.
        name: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// The templates, and what the watch is called in them.
#[derive(Clone, Debug)]
pub struct Prompts {
    templates: Handlebars<'static>,
    name: String,
}

/// For `triage.hbs`, `critic.hbs` and `summarise.hbs`.
#[derive(Serialize)]
struct Marked<'a> {
    boundary: &'a Boundary,
    words: u32,
}

impl Prompts {
    /// The templates that come with Watchkeeper.
    ///
    /// # Panics
    /// Never: a test renders them.
    #[must_use]
    pub fn shipped() -> Self {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(no_escape);
        for (name, text) in SHIPPED {
            registry
                .register_template_string(name, text)
                .expect("the shipped templates can be read");
        }
        Self {
            templates: registry,
            name: NAMELESS.to_owned(),
        }
    }

    /// The same with the name of the watch.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The shipped templates with some of them replaced, each given by its name without `.hbs`, and its text. They
    /// are rendered once with samples, so that a bad one is found now.
    ///
    /// # Errors
    /// Names the template that cannot be used.
    pub fn replaced_by(
        mut self,
        templates: &[(impl AsRef<str>, impl AsRef<str>)],
    ) -> Result<Self, PromptError> {
        for (name, text) in templates {
            let name = name.as_ref();
            if !SHIPPED.iter().any(|(known, _)| *known == name) {
                let known = SHIPPED.iter().map(|(known, _)| *known).collect();
                return Err(PromptError::UnknownName {
                    name: name.to_owned(),
                    known,
                });
            }
            self.templates
                .register_template_string(name, text.as_ref())
                .map_err(|source| PromptError::Unreadable {
                    name: name.to_owned(),
                    source: Box::new(source),
                })?;
        }
        self.try_all()?;
        Ok(self)
    }

    /// Renders every template with a sample.
    fn try_all(&self) -> Result<(), PromptError> {
        let sample = DiagnoseFinding::sample();
        self.diagnose_finding(&SystemContext::sample(), &sample)?;
        let boundary = Boundary::from_random([7; 16]);
        for name in [TRIAGE, CRITIC, SUMMARISE] {
            self.marked(name, &boundary)?;
        }
        let task = crate::machine::ConverseTask::sample();
        for kind in [
            ConversationKind::Ask,
            ConversationKind::Chat,
            ConversationKind::Do,
            ConversationKind::Discuss,
        ] {
            self.talk(kind, &Talk::new(&task, true, &boundary))?;
        }
        Ok(())
    }

    /// Asks for the cause of a finding and a repair.
    ///
    /// # Errors
    /// Says which template cannot be rendered, or is too large.
    pub fn diagnose_finding(
        &self,
        system: &SystemContext,
        asked: &DiagnoseFinding,
    ) -> Result<Prompt, PromptError> {
        let prompt = Prompt {
            system: self.render(SYSTEM, system)?,
            user: self.render(DIAGNOSE, asked)?,
        };
        Ok(prompt)
    }

    /// The standing instructions.
    pub(crate) fn system(&self) -> Result<String, PromptError> {
        let context = SystemContext {
            name: self.name.clone(),
        };
        self.render(SYSTEM, &context)
    }

    /// What is asked about a finding.
    pub(crate) fn diagnose(&self, asked: &DiagnoseFinding) -> Result<String, PromptError> {
        self.render(DIAGNOSE, asked)
    }

    /// What is asked in a talk.
    pub(crate) fn talk(&self, kind: ConversationKind, talk: &Talk) -> Result<String, PromptError> {
        self.render(kind.as_str(), talk)
    }

    /// What the small model is told that sorts.
    pub(crate) fn triage(&self, boundary: &Boundary) -> Result<String, PromptError> {
        self.marked(TRIAGE, boundary)
    }

    /// What the model is told that doubts.
    pub(crate) fn critic(&self, boundary: &Boundary) -> Result<String, PromptError> {
        self.marked(CRITIC, boundary)
    }

    /// How a part of a conversation is summarised.
    pub(crate) fn summarise(&self, boundary: &Boundary) -> Result<String, PromptError> {
        self.marked(SUMMARISE, boundary)
    }

    fn marked(&self, name: &'static str, boundary: &Boundary) -> Result<String, PromptError> {
        let words = SUMMARY_WORDS;
        self.render(name, &Marked { boundary, words })
    }

    fn render(&self, name: &'static str, context: &impl Serialize) -> Result<String, PromptError> {
        let text =
            self.templates
                .render(name, context)
                .map_err(|source| PromptError::Unrenderable {
                    name,
                    source: Box::new(source),
                })?;
        let bytes = text.len();
        if bytes > Prompt::MAX_BYTES {
            return Err(PromptError::TooLarge {
                name,
                bytes,
                limit: Prompt::MAX_BYTES,
            });
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
