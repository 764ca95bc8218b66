//! Looking: the calls of an answer are read, refused with a line, answered from what was seen before, or handed out; what
//! comes back gets its label and goes into the lines.

use watchkeeper_model::HostName;

use super::reading::{Read, call_in_object, in_words, shown_call};
use super::{
    Answer, CallId, Effect, Investigation, Line, Look, LookedAt, Phase, Seen, Slot, Use, open_uses,
};
use crate::prompt::{block, line};
use crate::reduce::{TextKind, reduce};
use crate::tools::{Conclude, Propose, Tool, ToolEffect};

/// Same calls one after another that end the looking.
const MAX_REPEATS: u32 = 3;
/// Answers without a call, one after another, that end the looking: some models cannot call.
const MAX_WORDY: u32 = 2;
/// Longest text kept of an answer that calls tools, in characters.
const MAX_TEXT_CHARS: usize = 4_000;
/// Longest reason why nothing was seen, in characters.
const MAX_REASON_CHARS: usize = 300;

/// What became of one call.
pub(super) enum Handled {
    /// It gets this line.
    Told(String),
    /// It is refused with this line, and counted.
    Refused(String),
    /// It was made before, under this label.
    Repeated(String),
    /// It is to be done.
    Use(Use),
    /// It ends the investigation.
    Concludes(Conclude),
    /// It ends a talk.
    Proposes(Propose),
}

impl Investigation {
    /// Takes an answer of the main model while it looks.
    pub(super) fn take_looking(&mut self, answer: Answer) -> Vec<Effect> {
        let mut calls = answer.calls;
        if calls.is_empty() {
            match self.own_object(&answer.text).and_then(call_in_object) {
                Some(call) => calls.push(call),
                None => return self.take_text(&answer.text),
            }
        }
        let heeded = usize::try_from(self.limits.calls_per_answer.max(1)).unwrap_or(usize::MAX);
        let beyond = calls.len().saturating_sub(heeded);
        calls.truncate(heeded);
        self.counts.wordy = 0;
        let read: Vec<_> = calls.iter().map(|call| self.read(call)).collect();
        let ends = read.iter().any(|read| self.ends(read));
        let (mut slots, mut kept, mut end) = (Vec::new(), Vec::new(), None);
        for (call, read) in calls.into_iter().zip(read) {
            let id = self.next_call();
            let call = shown_call(&id, call);
            let name = call.name.clone();
            kept.push(call);
            match read {
                // What is asked for beside the end would be seen by nobody.
                Ok((_, tool)) if ends && tool.effect() < ToolEffect::Concludes => {}
                read => match self.handle(&id, read) {
                    last @ (Handled::Concludes(_) | Handled::Proposes(_)) => end = Some(last),
                    handled => slots.push(self.slot(id, name, handled)),
                },
            }
        }
        self.lines.push(Line::Assistant {
            text: self.shown_text(&answer.text),
            calls: kept,
        });
        match end {
            Some(Handled::Concludes(conclude)) => return self.conclude(conclude),
            Some(Handled::Proposes(propose)) => {
                return self.conclude_talk(&answer.text, Some(propose));
            }
            _ => {}
        }
        if beyond > 0 {
            self.counts.refusals += 1;
            self.note_beyond(&mut slots, beyond);
        }
        self.after_calls(slots)
    }

    /// Whether a call that was read ends the investigation.
    fn ends(&self, read: &Read) -> bool {
        match read {
            Ok((_, Tool::Conclude(conclude))) => {
                self.counts.handed_back || self.unfounded(conclude).is_none()
            }
            Ok((_, Tool::Propose(propose))) => {
                self.case.finding().is_none() && self.host_of_proposal(propose).is_some()
            }
            _ => false,
        }
    }

    fn note_beyond(&self, slots: &mut [Slot], beyond: usize) {
        let note = format!(
            "({beyond} further calls were not heeded; at most {} in one answer.)",
            self.limits.calls_per_answer
        );
        let filled = slots.iter_mut().rev().find_map(|slot| match slot {
            Slot::Filled(Line::Tool { text, .. }) => Some(text),
            _ => None,
        });
        if let Some(text) = filled {
            *text = format!("{text}\n{note}");
        }
    }

    /// One call's place among the results.
    fn slot(&mut self, id: CallId, name: String, handled: Handled) -> Slot {
        let text = match handled {
            Handled::Use(using) => {
                self.counts.repeats = 0;
                return Slot::Open { name, using };
            }
            Handled::Repeated(label) => {
                self.counts.repeats += 1;
                format!("This was looked at before: it is {label}. It is not looked at again.")
            }
            Handled::Refused(why) => {
                self.counts.refusals += 1;
                format!("Refused: {why}.")
            }
            Handled::Told(text) => text,
            Handled::Concludes(_) | Handled::Proposes(_) => String::new(),
        };
        Slot::Filled(Line::Tool {
            call: id,
            name,
            label: None,
            text: self.boundary.without(&text),
        })
    }

    /// Hands out what is open, or goes on.
    fn after_calls(&mut self, slots: Vec<Slot>) -> Vec<Effect> {
        if self.counts.repeats >= MAX_REPEATS {
            self.stop = Some("the same was asked for again and again".to_owned());
        } else if self.counts.wordy >= MAX_WORDY {
            self.stop = Some("no tool was called".to_owned());
        } else if self.counts.refusals > self.limits.refusals {
            self.stop = Some("too many calls could not be used".to_owned());
        }
        let open = open_uses(&slots);
        if open.is_empty() {
            self.lines.extend(filled(slots));
            return self.go_on();
        }
        self.phase = Phase::Using(slots);
        open
    }

    /// One line back to the model about an answer without calls that cannot be used.
    pub(super) fn refuse_text(&mut self, text: &str, why: &str) -> Vec<Effect> {
        self.counts.refusals += 1;
        self.counts.wordy += 1;
        let shown = self.shown_text(text);
        if !shown.is_empty() {
            self.lines.push(Line::Assistant {
                text: shown,
                calls: Vec::new(),
            });
        }
        let told = self.boundary.without(why);
        self.lines.push(Line::User { text: told });
        self.after_calls(Vec::new())
    }

    /// What a model wrote, as it is said to it again.
    fn shown_text(&self, text: &str) -> String {
        let shown = block(text.trim());
        self.boundary
            .without(&watchkeeper_model::bounded(&shown, MAX_TEXT_CHARS))
    }

    fn next_call(&mut self) -> CallId {
        self.counts.calls += 1;
        CallId(format!("call_{}", self.counts.calls))
    }

    fn handle(&mut self, id: &CallId, read: Read) -> Handled {
        match read {
            Err(why) => Handled::Refused(why),
            Ok((_, Tool::Conclude(conclude))) => match self.unfounded(&conclude) {
                Some(why) if !std::mem::replace(&mut self.counts.handed_back, true) => {
                    Handled::Refused(why)
                }
                _ => Handled::Concludes(conclude),
            },
            Ok((_, Tool::Propose(propose))) => self.take_proposal(propose),
            Ok((host, tool)) => self.hand_out(id, host, tool),
        }
    }

    fn hand_out(&mut self, id: &CallId, host: Option<HostName>, tool: Tool) -> Handled {
        let key = canonical(host.as_ref(), &tool);
        if let Some(label) = self.made.get(&key) {
            return Handled::Repeated(label.clone());
        }
        if self.spent.uses >= self.limits.calls {
            return Handled::Refused(format!("all {} looks are used", self.limits.calls));
        }
        let asked: Vec<HostName> = match &tool {
            Tool::Compare { hosts, .. } => hosts.clone(),
            _ if tool.effect() == ToolEffect::ReadsHost => host.iter().cloned().collect(),
            _ => Vec::new(),
        };
        let most = self.limits.calls_per_host;
        let full = |host: &&HostName| self.counts.per_host.get(*host).is_some_and(|n| *n >= most);
        if let Some(host) = asked.iter().find(full) {
            return Handled::Refused(format!(
                "{host} was looked at {most} times, which is enough"
            ));
        }
        for host in asked {
            *self.counts.per_host.entry(host).or_default() += 1;
        }
        self.spent.uses += 1;
        let label = format!("E{}", self.counts.labels);
        self.counts.labels = self.counts.labels.saturating_add(1);
        self.made.insert(key, label.clone());
        Handled::Use(Use {
            call: id.clone(),
            host,
            tool,
            label,
        })
    }

    /// Takes a proposal, or says what is wrong with it. In a talk it ends it; about a finding a conclusion follows.
    pub(super) fn take_proposal(&mut self, mut propose: Propose) -> Handled {
        let Some(host) = self.host_of_proposal(&propose) else {
            let names = in_words(&self.case.may_change);
            return Handled::Refused(format!("the host of a proposal must be one of {names}"));
        };
        propose.host = Some(host);
        if self.case.finding().is_none() {
            return Handled::Proposes(propose);
        }
        if !self.rests_on_looks(&propose.evidence) {
            return Handled::Refused(format!(
                "evidence of a proposal must be labels of what was seen: {}",
                self.labels()
            ));
        }
        self.draft = Some(propose);
        Handled::Told(
            "Noted. It is assessed and decided later. Now call conclude with the cause.".to_owned(),
        )
    }

    /// Whether all labels exist, and at least one is of something that was seen and is more than a note.
    fn rests_on_looks(&self, labels: &[String]) -> bool {
        let ground = self.case.ground(&self.seen);
        let seen = |label: &String| {
            let found = ground.evidence.iter().find(|one| one.label == label);
            found.is_some_and(|one| !one.is_note && !one.text.is_empty())
        };
        labels.iter().all(|label| self.is_kept(label).is_ok()) && labels.iter().any(seen)
    }

    /// Takes what a tool has shown.
    pub(super) fn on_seen(&mut self, seen: Seen) -> Vec<Effect> {
        let Phase::Using(slots) = &mut self.phase else {
            return Vec::new();
        };
        let mut slots = std::mem::take(slots);
        let place = slots
            .iter()
            .position(|slot| matches!(slot, Slot::Open { using, .. } if using.call == seen.call));
        if let Some(place) = place
            && let Slot::Open { name, using } = slots[place].clone()
        {
            slots[place] = Slot::Filled(self.look_line(name, &using, seen.outcome));
        }
        if !open_uses(&slots).is_empty() {
            self.phase = Phase::Using(slots);
            return Vec::new();
        }
        self.lines.extend(filled(slots));
        self.go_on()
    }

    /// Whether a tool shows what somebody noted, and not how things are.
    fn is_note(&self, tool: &Tool) -> bool {
        match tool {
            Tool::Knowledge { .. } | Tool::SimilarIssues { .. } => true,
            Tool::Output { label, .. } => {
                let ground = self.case.ground(&self.seen);
                let more_of = ground.evidence.iter().find(|one| one.label == label);
                more_of.is_some_and(|one| one.is_note)
            }
            _ => false,
        }
    }

    /// Keeps what was seen under its label, and the line that shows it.
    fn look_line(&mut self, name: String, using: &Use, outcome: Result<Look, String>) -> Line {
        let mut title = using.tool.provenance(using.host.as_ref());
        let (look, failed) = match outcome {
            Ok(look) => (look, None),
            Err(why) => (Look::default(), Some(line(&why, MAX_REASON_CHARS))),
        };
        if let Some(hint) = &look.label_hint {
            title = format!("{title} ({hint})");
        }
        let (kind, room) = (kind_of(&using.tool), self.shown_bytes());
        let text = block(look.text.trim_end());
        let reduced = reduce(&text, kind, room);
        self.seen.push(LookedAt {
            label: using.label.clone(),
            host: using.host.clone(),
            tool: using.tool.name().to_string(),
            input: line(&title, 400),
            shown: self.boundary.without(&reduced.text),
            failed,
            is_note: self.is_note(&using.tool),
            bytes: look.bytes.max(look.text.len() as u64),
            took_ms: look.took_ms,
        });
        let mut text = self.shown_look(&using.label, room);
        if let Some(left_out) = reduced.left_out {
            text = format!("{text}\n{}", left_out.note(&using.label));
        }
        Line::Tool {
            call: using.call.clone(),
            name,
            label: Some(using.label.clone()),
            text,
        }
    }
}

/// The lines of calls that are all done.
fn filled(slots: Vec<Slot>) -> impl Iterator<Item = Line> {
    slots.into_iter().filter_map(|slot| match slot {
        Slot::Filled(line) => Some(line),
        Slot::Open { .. } => None,
    })
}

/// What is the same for two calls that ask for the same.
fn canonical(host: Option<&HostName>, tool: &Tool) -> String {
    let host = host.map_or("", HostName::as_str);
    let tool = serde_json::to_string(tool).unwrap_or_default();
    format!("{host} {tool}")
}

const fn kind_of(tool: &Tool) -> TextKind {
    match tool {
        Tool::Logs { .. } => TextKind::Log,
        Tool::Processes { .. } => TextKind::Table,
        Tool::ReadFile { .. } | Tool::Knowledge { .. } | Tool::SimilarIssues { .. } => {
            TextKind::Plain
        }
        _ => TextKind::Unknown,
    }
}
