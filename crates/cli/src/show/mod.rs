//! How answers look on a terminal: the answer first, the evidence under it, the next command last. Each
//! function turns a view into text; nothing here prints, asks or decides.

mod action;
mod check;
mod devices;
mod diagnosis;
mod doctor;
mod flow;
mod issue;
mod knowledge;
mod models;
mod notify;
mod page;
mod qr;
mod queue;
mod risk;
mod status;
mod table;
mod talk;
mod time;

pub(crate) use action::{action_list, action_sheet, run_event};
pub(crate) use check::{check_report, count};
pub(crate) use devices::device_list;
pub(crate) use doctor::doctor_report;
pub(crate) use flow::Flow;
pub(crate) use issue::{issue_list, issue_sheet, log_entry};
pub(crate) use knowledge::{
    configs_indexed, counted, entries_counted, entry_list, entry_sheet, found_list, seeding,
};
pub(crate) use models::{ModelRow, model_table, percent, progress_bar, progress_line};
pub(crate) use notify::{notices_report, sent_report};
pub(crate) use page::{Page, Tone, clip};
pub(crate) use qr::qr;
pub(crate) use queue::{job_sheet, queue_report};
pub(crate) use risk::{assessment, decision_tone, risk_tone, verdict};
pub(crate) use status::{status_report, systems};
pub(crate) use table::Table;
pub(crate) use talk::{answer_foot, flowed, revision_diff, said_again, talk_list, waiting};
pub(crate) use time::{ahead, span};
