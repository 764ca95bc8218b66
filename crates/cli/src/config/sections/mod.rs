//! The sections, one file each: what a person may say, its default, and what makes no sense.
#![warn(clippy::missing_docs_in_private_items)]

mod egress;
mod groups;
mod hosts;
mod knowledge;
mod llm;
mod notify;
mod orders;
mod run;
mod runbooks;
mod server;
mod ssh;
mod store;
mod talk;
mod watch;
mod web;

pub(crate) use egress::EgressSection;
pub(crate) use groups::GroupSection;
pub(crate) use hosts::HostSection;
pub(crate) use knowledge::KnowledgeSection;
pub(crate) use llm::LlmSection;
pub(crate) use notify::NotifySection;
pub(crate) use orders::{OrdersSection, RiskSection};
pub(crate) use run::RunSection;
pub(crate) use runbooks::RunbooksSection;
pub(crate) use server::ServerSection;
pub(crate) use ssh::SshSection;
pub(crate) use store::{StoreSection, StoreUrl};
pub(crate) use talk::TalkSection;
pub(crate) use watch::{Timing, WatchSection};
pub(crate) use web::WebSection;

use watchkeeper_model::Span;

use super::key::Key;

/// What is wrong with the whole, each with the key it is about.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<(Key, String)>);

impl Faults {
    /// Tells of one.
    pub(crate) fn add(&mut self, key: Key, why: impl Into<String>) {
        self.0.push((key, why.into()));
    }

    /// Tells of a length of time that is too short or too long.
    fn span(&mut self, key: Key, found: Span, least: Span, most: Span) {
        if !(least..=most).contains(&found) {
            let why = format!("{key} is {found}, and must lie between {least} and {most}");
            self.add(key, why);
        }
    }

    /// Tells of a number that is too small or too large.
    fn count(&mut self, key: Key, found: u32, least: u32, most: u32) {
        if !(least..=most).contains(&found) {
            let why = format!("{key} is {found}, and must lie between {least} and {most}");
            self.add(key, why);
        }
    }
}
