//! Talks with people: a question (`ask`), a talk that goes on (`chat`), a wish in words (`do`), a talk about an action
//! that waits (`discuss`).
//!
//! A talk is a stored conversation. What a person says is kept, and a job of the highest priority is queued in the same
//! transaction (`say.rs`); whoever has a lane answers it (`answer.rs`), and what the answer says, what it proposes and
//! the end of its job are one transaction again. So nothing that was asked is lost, and nothing is answered twice.
//!
//! The model is told the question with what was said, looked at and known before (`question.rs`, `known.rs`); what grows
//! too long for it is summed up once and kept. A talk ends after a time in which nothing was said (`keep.rs`).
//!
//! What comes of an answer takes the one way through `actions`: a proposal is assessed and judged like any other, other
//! steps for an action are an edit in the name of the person who asked for them. Nothing that is said here decides about
//! an action: deciding is `approve` and `reject` with what was seen, and a talk is only told of it (`told.rs`).

mod answer;
mod begin;
mod keep;
mod known;
mod question;
mod read;
mod refused;
mod say;
mod standing;
mod told;

pub use begin::NewTalk;
pub use read::TalkQuery;
pub use refused::TalkRefused;
pub use say::Words;
pub use standing::Roles;

use watchkeeper_model::{Conversation, ConversationNumber, Person};

/// Whether a conversation is somebody's to go on with: their own, or anybody's for root.
fn is_theirs(conversation: &Conversation, person: &Person) -> bool {
    conversation.person == *person || person.uid == 0
}

/// What the looks of a conversation are kept under.
fn owner(number: ConversationNumber) -> String {
    format!("conversation {number}")
}
