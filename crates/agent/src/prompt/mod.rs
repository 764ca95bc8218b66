//! Prompts: what a model is shown. Templates are files of the directory `prompts`, in the binary; a directory of the
//! operator may replace them by name.
//!
//! Everything that came from a host is redacted, made visible, bounded, and stands inside a fence whose mark nobody
//! who wrote the text could know. The fence is a courtesy to the model, not a wall: what keeps a host's words from
//! becoming actions is that a reply is parsed, assessed and judged like anybody's proposal.

mod context;

pub(crate) use context::STEP_KINDS;
pub use context::{Attempt, Boundary, DiagnoseFinding, Piece, StepKind, SystemContext};

use handlebars::{Handlebars, no_escape};
use serde::Serialize;

/// The templates that come with Watchkeeper.
const SHIPPED: [(&str, &str); 2] = [
    (SYSTEM, include_str!("../../../../prompts/system.hbs")),
    (
        DIAGNOSE_FINDING,
        include_str!("../../../../prompts/diagnose_finding.hbs"),
    ),
];
const SYSTEM: &str = "system";
const DIAGNOSE_FINDING: &str = "diagnose_finding";

/// A prompt, ready to be measured and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The standing instructions.
    pub system: String,
    /// What is asked.
    pub user: String,
}

impl Prompt {
    /// Most bytes of a prompt, both parts together. What is longer is refused, never cut.
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

/// The templates.
#[derive(Clone, Debug)]
pub struct Prompts(Handlebars<'static>);

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
        Self(registry)
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
            self.0
                .register_template_string(name, text.as_ref())
                .map_err(|source| PromptError::Unreadable {
                    name: name.to_owned(),
                    source: Box::new(source),
                })?;
        }
        self.diagnose_finding(&SystemContext::sample(), &DiagnoseFinding::sample())?;
        Ok(self)
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
            user: self.render(DIAGNOSE_FINDING, asked)?,
        };
        let bytes = prompt.system.len() + prompt.user.len();
        if bytes > Prompt::MAX_BYTES {
            return Err(PromptError::TooLarge {
                name: DIAGNOSE_FINDING,
                bytes,
                limit: Prompt::MAX_BYTES,
            });
        }
        Ok(prompt)
    }

    fn render(&self, name: &'static str, context: &impl Serialize) -> Result<String, PromptError> {
        self.0
            .render(name, context)
            .map_err(|source| PromptError::Unrenderable {
                name,
                source: Box::new(source),
            })
    }
}

#[cfg(test)]
mod tests;
