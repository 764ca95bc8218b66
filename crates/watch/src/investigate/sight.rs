//! The tools against real hosts and the store: what the agent's machine asks to be looked at is looked at here, for one
//! task on one lane. A tool's text is ours (`texts`), a model's own command is judged (`command`), and what a host says
//! goes to no lane that its rules keep it from: that is asked before the host is.

use std::fmt::Write as _;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use tokio::time::Instant;
use watchkeeper_agent::{Compared, Look, Seen, Tool, ToolName, Use, redact};
use watchkeeper_llm::Lane;
use watchkeeper_model::{About, HostName, UnitName, bounded, visible, visible_block};
use watchkeeper_remedy::{HostTraits, Init};
use watchkeeper_store::KeptLook;

use super::command::{Eyes, LONGEST_TIME, NotSeen, Printed, ReadOnlyCommand, Wording};
use super::known::set_apart;
use super::targets::may_reach;
use super::texts;
use crate::WatchError;
use crate::traits::traits_of;
use crate::watch::{Watch, with};

/// Hosts that one comparison looks at side by side.
const COMPARED_AT_ONCE: usize = 5;
/// Most bytes that are told of one host in a comparison.
const COMPARED_BYTES: usize = 16 * 1024;
/// Longest command that the log tells of.
const MAX_COMMAND_CHARS: usize = 300;

/// What a task may look at, and who is told what is seen.
#[derive(Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) watch: &'a Watch,
    /// Whose looks these are: `job 12`, `conversation 3`.
    pub(crate) owner: &'a str,
    /// To which lane the text goes.
    pub(crate) lane: &'a Lane,
    /// What the log is told that it is about.
    pub(crate) about: About,
    /// Hosts that may be looked at beside the one a tool names.
    pub(crate) peers: Vec<HostName>,
}

/// Whether what a tool showed may be of other hosts than the one it was asked about.
pub(crate) fn tells_of_several(tool: &str) -> bool {
    [
        ToolName::Compare,
        ToolName::Knowledge,
        ToolName::SimilarIssues,
        ToolName::Output,
    ]
    .iter()
    .any(|name| name.as_str() == tool)
}

/// What was seen, before the machine is told.
struct Text {
    text: String,
    bytes: u64,
    hint: Option<String>,
}

impl Text {
    fn stored(text: String) -> Self {
        Self {
            bytes: text.len() as u64,
            text,
            hint: None,
        }
    }

    fn printed(printed: &Printed) -> Self {
        Self {
            text: printed.text(),
            bytes: printed.bytes,
            hint: printed.cut.then(|| "cut".to_owned()),
        }
    }
}

impl Sight<'_> {
    /// Uses one tool. Whatever goes wrong is told to the machine in a sentence; only what the watch itself cannot do is
    /// an error.
    pub(crate) async fn use_tool(&self, wanted: &Use) -> Result<Seen, WatchError> {
        let started = Instant::now();
        let limit = wanted.tool.limits().time + LONGEST_TIME;
        let seen = tokio::time::timeout(limit, self.look(wanted))
            .await
            .unwrap_or_else(|_| {
                Err(NotSeen::Senseless {
                    why: format!("it took longer than {} s", limit.as_secs()),
                })
            });
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match seen {
            Ok(text) => Ok(Look {
                text: redact(&text.text).into_owned(),
                bytes: text.bytes,
                took_ms,
                label_hint: text.hint,
            }),
            Err(NotSeen::Watch(error)) => return Err(error),
            Err(not_seen) => {
                if not_seen.was_forbidden() {
                    self.tell_of_refusal(wanted, &not_seen).await?;
                }
                Err(not_seen.to_string())
            }
        };
        Ok(Seen {
            call: wanted.call.clone(),
            outcome,
        })
    }

    async fn look(&self, wanted: &Use) -> Result<Text, NotSeen> {
        if let Some(host) = &wanted.host {
            self.watch.may_be_sent(host, self.lane)?;
        }
        let on = || {
            wanted.host.as_ref().ok_or_else(|| NotSeen::Senseless {
                why: "it must say on which host".to_owned(),
            })
        };
        match &wanted.tool {
            Tool::Output {
                label,
                from_line,
                lines,
                grep,
            } => {
                self.kept(label, (*from_line, *lines), grep.as_deref())
                    .await
            }
            Tool::Facts { sections } => {
                let told = self.watch.told_facts(on()?, sections).await?;
                Ok(Text::stored(told))
            }
            Tool::Metrics { metrics, window } => {
                let told = self.watch.told_metrics(on()?, metrics, window.0).await?;
                Ok(Text::stored(told))
            }
            Tool::Compare { what, name, hosts } => self.compare(on()?, *what, name, hosts).await,
            Tool::SimilarIssues { query } => {
                let known = self
                    .watch
                    .known_issues(query, wanted.host.as_ref(), self.lane)
                    .await?;
                Ok(Text::stored(known))
            }
            Tool::Knowledge { query } => {
                let known = self
                    .watch
                    .known_knowledge(query, wanted.host.as_ref(), self.lane)
                    .await?;
                Ok(Text::stored(known))
            }
            Tool::HostConfig { query, path } => {
                self.host_config(on()?, query.as_deref(), path.as_deref())
                    .await
            }
            tool => self.on_host(on()?, tool).await,
        }
    }

    /// A tool that asks the host.
    async fn on_host(&self, host: &HostName, tool: &Tool) -> Result<Text, NotSeen> {
        let traits = self.traits_there(host).await?;
        let ours = |script: String| ReadOnlyCommand::ours(host.clone(), script);
        let command = match tool {
            Tool::Command { command } => ReadOnlyCommand {
                wording: Wording::Models,
                ..ours(command.clone())
            },
            Tool::ReadFile {
                path,
                from_line,
                lines,
            } => ReadOnlyCommand {
                eyes: Eyes::Login,
                ..ours(texts::read_file(path, *from_line, *lines))
            },
            Tool::UnitStatus { unit } => ours(texts::unit_status(unit, traits.init)),
            Tool::Processes { sort_by, limit } => {
                ours(texts::processes(*sort_by, *limit, traits.init))
            }
            Tool::Network { check, target } => {
                may_reach(*check, target, &self.watch.fleet().inventory())?;
                ours(texts::network(*check, target))
            }
            Tool::Logs { .. } => return self.logs(host, tool, &traits).await,
            _ => {
                return Err(NotSeen::Senseless {
                    why: format!("{} is nothing that can be looked at", tool.name()),
                });
            }
        };
        let command = ReadOnlyCommand {
            time: tool
                .limits()
                .time
                .clamp(Duration::from_secs(1), LONGEST_TIME),
            ..command
        };
        Ok(Text::printed(&self.watch.look_by(&command).await?))
    }

    /// Lines of the journal. What is searched for is searched for here: a pattern on a command line could be more.
    async fn logs(
        &self,
        host: &HostName,
        tool: &Tool,
        traits: &HostTraits,
    ) -> Result<Text, NotSeen> {
        let Tool::Logs {
            unit,
            priority,
            since,
            lines,
            grep,
        } = tool
        else {
            return Ok(Text::stored(String::new()));
        };
        let fetched = if grep.is_some() {
            texts::LINES_SEARCHED
        } else {
            *lines
        };
        let script = texts::logs(
            unit.as_ref(),
            *priority,
            since.0.as_secs(),
            fetched,
            traits.init,
        );
        let printed = self
            .watch
            .look_by(&ReadOnlyCommand::ours(host.clone(), script))
            .await?;
        if printed.status.is_some_and(|status| status != 0) {
            return Ok(Text::printed(&printed));
        }
        let in_order = if traits.init == Init::Openrc {
            printed.stdout.lines().collect()
        } else {
            texts::oldest_first(&printed.stdout)
        };
        let most = usize::try_from(*lines).unwrap_or(usize::MAX);
        let mut text = texts::holding(in_order, grep.as_deref(), most);
        if text.is_empty() {
            "(no such lines)".clone_into(&mut text);
        }
        if printed.cut {
            text.insert_str(0, "(older lines were left out: there are too many)\n");
        }
        Ok(Text {
            text,
            ..Text::printed(&printed)
        })
    }

    /// More of what was looked at before.
    async fn kept(
        &self,
        label: &str,
        (from_line, lines): (u32, u32),
        grep: Option<&str>,
    ) -> Result<Text, NotSeen> {
        let mut read = self.watch.store().read().await.map_err(WatchError::from)?;
        let found = read.looked_at().get(self.owner, label).await;
        let found = self.watch.or_absent(found).map_err(WatchError::from)?;
        let Some(look) = found else {
            return Err(NotSeen::Senseless {
                why: format!("nothing is kept under {}", visible(label)),
            });
        };
        // It may have been kept for another lane: a conversation goes on where a lane is free.
        self.watch.look_may_be_sent(&look, self.lane)?;
        let wanted = grep.map(str::to_lowercase);
        let holds = |line: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| line.to_lowercase().contains(wanted))
        };
        let total = look.text.lines().count();
        let some: Vec<String> = (1..)
            .zip(look.text.lines())
            .filter(|(number, line)| *number >= from_line as usize && holds(line))
            .take(lines as usize)
            .map(|(number, line)| format!("{number}: {line}"))
            .collect();
        let mut text = format!("{label} has {total} lines\n");
        if some.is_empty() {
            text.push_str("(no such lines)");
        }
        text.push_str(&some.join("\n"));
        Ok(Text::stored(text))
    }

    /// The same thing on other hosts.
    async fn compare(
        &self,
        host: &HostName,
        what: Compared,
        name: &str,
        hosts: &[HostName],
    ) -> Result<Text, NotSeen> {
        let hosts = if hosts.is_empty() { &self.peers } else { hosts };
        let may = |other: &&HostName| self.watch.may_be_sent(other, self.lane).is_ok();
        let others: Vec<HostName> = hosts
            .iter()
            .filter(|other| *other != host)
            .filter(may)
            .take(Tool::MAX_COMPARED)
            .cloned()
            .collect();
        if others.is_empty() {
            return Err(NotSeen::Senseless {
                why: "there is no other host that may be looked at".to_owned(),
            });
        }
        let text = match what {
            Compared::Metric => {
                let wanted = [name.to_owned()];
                self.watch.compared(host, &others, &wanted).await?
            }
            Compared::Facts => self.watch.compared(host, &others, &[]).await?,
            Compared::Unit | Compared::File => self.beside(host, what, name, &others).await?,
        };
        Ok(Text::stored(text))
    }

    /// What a unit or file is on several hosts, side by side.
    async fn beside(
        &self,
        host: &HostName,
        what: Compared,
        name: &str,
        others: &[HostName],
    ) -> Result<String, NotSeen> {
        let tool = match what {
            Compared::Unit => Tool::UnitStatus {
                unit: UnitName::new(name).map_err(|error| NotSeen::Senseless {
                    why: error.to_string(),
                })?,
            },
            _ => Tool::ReadFile {
                path: name.to_owned(),
                from_line: 1,
                lines: Tool::MAX_LINES,
            },
        };
        let hosts: Vec<&HostName> = std::iter::once(host).chain(others).collect();
        let looks: Vec<BoxFuture<'_, Result<Text, NotSeen>>> = hosts
            .iter()
            .map(|host| self.on_host(host, &tool).boxed())
            .collect();
        let looked = stream::iter(looks)
            .buffered(COMPARED_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut here = None;
        let mut text = String::new();
        for (at, seen) in hosts.into_iter().zip(looked) {
            let told = match seen {
                Ok(seen) => visible_block(&redact(&seen.text)).into_owned(),
                Err(NotSeen::Watch(error)) => return Err(error.into()),
                Err(not_seen) => not_seen.to_string(),
            };
            if here.as_ref() == Some(&told) {
                let _ = writeln!(text, "== {at}: the same as on {host}");
                continue;
            }
            let shown = set_apart(&bounded(&told, COMPARED_BYTES));
            let _ = writeln!(text, "== {at}\n{shown}");
            here.get_or_insert(told);
        }
        Ok(text)
    }

    /// A configuration file: from what was indexed, else as it stands on the host.
    async fn host_config(
        &self,
        host: &HostName,
        query: Option<&str>,
        path: Option<&str>,
    ) -> Result<Text, NotSeen> {
        if let Some(known) = self.watch.known_config(host, query, path).await? {
            return Ok(Text::stored(known));
        }
        let Some(path) = path else {
            return Err(NotSeen::Senseless {
                why: format!("no configuration of {host} is indexed; name a path to read it"),
            });
        };
        let tool = Tool::ReadFile {
            path: path.to_owned(),
            from_line: 1,
            lines: Tool::MAX_LINES,
        };
        self.on_host(host, &tool).await
    }

    async fn traits_there(&self, host: &HostName) -> Result<HostTraits, NotSeen> {
        let mut read = self.watch.store().read().await.map_err(WatchError::from)?;
        let seen = read.observations().latest(host).await;
        let seen = self.watch.or_absent(seen).map_err(WatchError::from)?;
        Ok(traits_of(seen.as_ref()))
    }

    /// That something was asked for which a look may not do stands in the log, and so in the issue's story.
    async fn tell_of_refusal(&self, wanted: &Use, not_seen: &NotSeen) -> Result<(), WatchError> {
        let asked = match &wanted.tool {
            Tool::Command { command } => format!("`{command}`"),
            tool => tool.provenance(wanted.host.as_ref()),
        };
        let asked = redact(&asked).into_owned();
        let text = format!(
            "{}: {} asked for {}: {not_seen}",
            self.owner,
            self.lane.model,
            bounded(&visible(&asked), MAX_COMMAND_CHARS)
        );
        let about = About {
            host: wanted.host.clone(),
            ..self.about.clone()
        };
        let record = self.watch.record("look.refused", about, text);
        let record = with(record, "tool", wanted.tool.name().as_str().into());
        let mut tx = self.watch.store().begin().await?;
        tx.log().append(record)?;
        tx.commit().await?;
        Ok(())
    }
}

impl Watch {
    /// Whether what was looked at may go to a lane: what a comparison or a note shows may be any host's.
    pub(crate) fn look_may_be_sent(&self, look: &KeptLook, lane: &Lane) -> Result<(), NotSeen> {
        if let Some(host) = &look.host {
            self.may_be_sent(host, lane)?;
        }
        if tells_of_several(&look.tool) {
            // A text that is told again is not whole, so a host need not be named where its words stand.
            for other in self.fleet().hosts() {
                self.may_be_sent(&other, lane)?;
            }
        }
        Ok(())
    }

    /// Whether what a host says may go to a lane.
    pub(crate) fn may_be_sent(&self, host: &HostName, lane: &Lane) -> Result<(), NotSeen> {
        self.entry(host).map_err(|_| NotSeen::NoSuchHost {
            host: host.to_string(),
        })?;
        self.may_leave([host], lane)
            .map_err(|refused| NotSeen::MayNotBeSent {
                why: refused.to_string(),
            })
    }
}
