//! What can be typed. These texts are the help; what is done with them is said in `commands`.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use watchkeeper_model::{ActionNumber, Autonomy, HostName, IssueNumber, Severity, Timestamp};

use crate::called::Called;
use crate::commands::{
    AskArgs, BackupArgs, ChatArgs, CompletionsArgs, ConfigsArgs, DevicesArgs, DiscussArgs, DoArgs,
    InitArgs, KnowledgeArgs, ManArgs, ModelsArgs, NotifyArgs, QueueArgs, RestoreArgs, WorkerArgs,
};
use crate::failure::Kind;

/// Watches over Linux hosts, proposes repairs, and runs what you approve.
///
/// With no configuration it looks after the machine it runs on.
#[derive(Debug, Parser)]
#[command(
    name = "watchkeeper",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Read this configuration after the system's and your own
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// Set one value of the configuration, e.g. `--set policy.autonomy=observe`
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// For people, or for machines
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Do not ask a running daemon; use the store directly (refused while a daemon has it)
    #[arg(long, global = true)]
    pub(crate) no_daemon: bool,
}

/// What is said instead of doing a command: help, the version, or what is wrong with what was typed.
#[derive(Debug)]
pub(crate) struct Said {
    error: clap::Error,
    called: Called,
}

impl Said {
    /// Prints it.
    pub(crate) fn print(&self) -> ExitCode {
        let wrong = self.error.use_stderr();
        // Where nobody reads it, there is nobody to tell.
        let _ = match self.called.tool() {
            None => self.error.print(),
            Some(_) if wrong => std::io::stderr().write_all(self.text().as_bytes()),
            Some(_) => std::io::stdout().write_all(self.text().as_bytes()),
        };
        ExitCode::from(if wrong { Kind::Usage.exit_status() } else { 0 })
    }

    /// The text without colour. Clap takes a link for the program and puts the tool after it.
    fn text(&self) -> String {
        let text = self.error.render().to_string();
        match self.called.tool() {
            Some(tool) => {
                let link = self.called.first_word();
                text.replace(&format!("{link} {tool}"), &link)
            }
            None => text,
        }
    }
}

/// Reads the command line; the first word is the program.
pub(crate) fn parse(called: &Called, words: Vec<OsString>) -> Result<Cli, Said> {
    Cli::try_parse_from(called.spelled_out(words)).map_err(|error| Said {
        error,
        called: called.clone(),
    })
}

/// Who reads the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A person.
    Text,
    /// A program: stable JSON on standard output.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at hosts now: what is well, what is not, what is proposed
    ///
    /// Exit status as Nagios has it: 0 all well, 1 warnings, 2 something critical or unreachable, 3 not known.
    Check(CheckArgs),
    /// Decide about proposed actions
    ///
    /// `approve 0` approves action 0; `approve list`, `approve show 0`, `approve discuss 0`, `approve reject 0 --reason …`.
    Approve(ApproveArgs),
    /// Ask a question about your hosts: one answer
    ///
    /// `ask why is nginx down on web1`, or from standard input. Hosts are looked at, and nothing is changed.
    /// Exit status: 0 answered, 1 no answer, 64 wrong usage, 77 not allowed, 130 stopped.
    Ask(AskArgs),
    /// Talk about your hosts: /help there says what can be typed
    ///
    /// Without a terminal the lines of standard input are answered one after the other.
    Chat(ChatArgs),
    /// Say in words what is to be done: it becomes a proposed action that waits
    ///
    /// `do restart nginx on web1`. Exit status: 0 there is an action, 65 the wish was not clear, 77 it is forbidden.
    Do(DoArgs),
    /// Troubles: list, show, create, acknowledge, note, resolve, close
    Issues(IssuesArgs),
    /// The hosts that are watched
    Systems,
    /// How the watch itself is doing
    Status,
    /// How dangerous a command is, and why
    Risk(RiskArgs),
    /// The standing orders: check them, ask them, try them on the past
    Orders(OrdersArgs),
    /// The queue to the models: what waits, who serves; take back, ask again, pause a lane
    Queue(QueueArgs),
    /// Say something to people; try the ways there, see what was sent and what was given up
    ///
    /// `notify TITLE TEXT --priority 5`, `notify test phone`, `notify list`, `notify retry 3`.
    /// Exit status: 0 sent, or waits for its time; 1 a channel did not take it; 64 wrong usage; 77 not allowed.
    Notify(NotifyArgs),
    /// What is known: list, search, add, edit, verify, forget, seed, export, import, move
    Knowledge(KnowledgeArgs),
    /// Configuration files of hosts and of a repository: index, search, read
    Configs(ConfigsArgs),
    /// Browsers that may decide: list, add, remove; a link to decide about an action on one
    Devices(DevicesArgs),
    /// What happened
    Logs(LogsArgs),
    /// The hash-chained log: verify it, export it
    Log(LogArgs),
    /// Accept a host's key
    Enrol(EnrolArgs),
    /// The configuration: check it, show where each value comes from
    Config(ConfigArgs),
    /// The models of the lanes: list them, have one fetched or loaded
    Models(ModelsArgs),
    /// Test everything the watch needs, and say how to mend what is wrong
    Doctor,
    /// Watch until told to stop
    Daemon,
    /// Answer jobs for the model until told to stop
    Worker(WorkerArgs),
    /// Make the short commands: hal-check, hal-approve, …
    Links(LinksArgs),
    /// From nothing to a configuration that works: asks on a terminal, or takes flags
    ///
    /// It writes a commented file, never over one that says something, tests it, and says what to do next.
    Init(InitArgs),
    /// Write everything the store holds, and the configuration without its secrets, into one file
    ///
    /// A daemon may work meanwhile: the backup shows one moment. It can be restored into SQLite and into Postgres.
    Backup(BackupArgs),
    /// Fill an empty store from a backup: all or nothing, compared row by row
    ///
    /// What was approved and not begun becomes void, since it may have been run after the backup was taken.
    Restore(RestoreArgs),
    /// What a shell needs to complete these commands, on standard output
    Completions(CompletionsArgs),
    /// The manual, as pages for man(1)
    Man(ManArgs),
}

/// Which hosts, and how much is shown.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Hosts by name; none means all
    pub(crate) hosts: Vec<HostName>,
    /// Show what passed, too
    #[arg(long, short)]
    pub(crate) all: bool,
}

/// A decision.
#[derive(Debug, Args)]
#[command(subcommand_precedence_over_arg = true, arg_required_else_help = true)]
pub(crate) struct ApproveArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ApproveCommand>,
    /// The action to approve
    #[arg(value_name = "N")]
    pub(crate) number: Option<ActionNumber>,
    /// Approve only this revision
    #[arg(long)]
    pub(crate) revision: Option<i64>,
    /// Approve only exactly this digest, whole or its beginning of at least 8 digits
    #[arg(long)]
    pub(crate) digest: Option<String>,
    /// What you say about it; kept in the log
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Do not wait for the outcome
    #[arg(long)]
    pub(crate) no_wait: bool,
}

impl ApproveArgs {
    /// Whether an action is named, or something is said of how it is approved.
    pub(crate) fn says_what_to_approve(&self) -> bool {
        let said = [
            self.digest.is_some(),
            self.reason.is_some(),
            self.revision.is_some(),
            self.no_wait,
        ];
        self.number.is_some() || said.contains(&true)
    }
}

/// What to do with the queue.
#[derive(Debug, Subcommand)]
pub(crate) enum ApproveCommand {
    /// What waits for a decision
    List {
        /// Those that are over, too
        #[arg(long, short)]
        all: bool,
        /// Only of this host
        #[arg(long)]
        host: Option<HostName>,
    },
    /// Exactly what would run, where, as whom, its risk, and how it is verified and undone
    Show {
        /// The action
        #[arg(value_name = "N")]
        number: ActionNumber,
    },
    /// See exactly what would run, ask about it, have it changed, and decide by typing `approve N` or `reject N REASON`
    Discuss(DiscussArgs),
    /// Say no, with a reason; the same repair is not proposed again until the evidence changes
    Reject {
        /// The action
        #[arg(value_name = "N")]
        number: ActionNumber,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Change the steps; the new revision is judged again and an approval is void
    Edit {
        /// The action
        #[arg(value_name = "N")]
        number: ActionNumber,
        /// The new steps as a JSON file, `-` for standard input; without it, an editor opens on a terminal
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// What to do with issues.
#[derive(Debug, Args)]
pub(crate) struct IssuesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<IssuesCommand>,
}

/// One thing to do with issues; `list` where nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum IssuesCommand {
    /// What is wrong
    List {
        /// Those that are over, too
        #[arg(long, short)]
        all: bool,
        /// Only of this host
        #[arg(long)]
        host: Option<HostName>,
    },
    /// One issue with its evidence and its timeline
    Show {
        /// The issue
        #[arg(value_name = "N")]
        number: IssueNumber,
    },
    /// Write down a trouble that no check found
    Create {
        /// One line about it
        title: String,
        /// Where
        #[arg(long)]
        host: Option<HostName>,
        /// info, warning or critical
        #[arg(long, default_value = "warning")]
        severity: Severity,
        /// More about it
        #[arg(long)]
        note: Option<String>,
    },
    /// Say that you know of it
    Ack {
        /// The issue
        #[arg(value_name = "N")]
        number: IssueNumber,
        /// What you say about it
        #[arg(long)]
        note: Option<String>,
    },
    /// Add a note
    Note {
        /// The issue
        #[arg(value_name = "N")]
        number: IssueNumber,
        /// The note
        text: String,
    },
    /// Say that it is well again
    Resolve {
        /// The issue
        #[arg(value_name = "N")]
        number: IssueNumber,
        /// How
        #[arg(long)]
        note: Option<String>,
    },
    /// Be done with it; a recurrence is a new issue
    Close {
        /// The issue
        #[arg(value_name = "N")]
        number: IssueNumber,
        /// Why
        #[arg(long)]
        note: Option<String>,
    },
}

/// Which entries of the log.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Only of this host
    #[arg(long)]
    pub(crate) host: Option<HostName>,
    /// Only of this issue
    #[arg(long)]
    pub(crate) issue: Option<IssueNumber>,
    /// Only of this action
    #[arg(long)]
    pub(crate) action: Option<ActionNumber>,
    /// Only events that begin so, e.g. `action.`
    #[arg(long)]
    pub(crate) event: Option<String>,
    /// Not before: a time (2026-11-21T14:00:00Z) or a span back from now (2h, 3d)
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// At most so many, the newest
    #[arg(long, short = 'n', default_value_t = 50)]
    pub(crate) limit: i64,
    /// Go on as the log grows
    #[arg(long, short)]
    pub(crate) follow: bool,
}

/// What to do with the log as a whole.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

/// One thing to do with the log.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Whether every entry follows from the one before it; says where it does not
    Verify,
    /// The whole log as JSON Lines on standard output
    Export,
}

/// Whose key.
#[derive(Debug, Args)]
pub(crate) struct EnrolArgs {
    /// The host
    pub(crate) host: HostName,
    /// Accept exactly this key, without asking
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) fingerprint: Option<String>,
    /// Let it take the place of a key that is known
    #[arg(long)]
    pub(crate) replace: bool,
}

/// What to do with the configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// One thing to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Whether it can be used; names file, line and key of what cannot
    Check {
        /// Check this file instead of what is in force
        file: Option<PathBuf>,
    },
    /// Every value and where it comes from
    Show,
}

/// What is assessed.
#[derive(Debug, Args)]
pub(crate) struct RiskArgs {
    #[command(subcommand)]
    pub(crate) command: RiskCommand,
}

/// One way to have something assessed.
#[derive(Debug, Subcommand)]
pub(crate) enum RiskCommand {
    /// One command: what it would do, how bad that is, and which of its words cause it
    ///
    /// One word is a script; several are a command and its words. Nothing is run, and no host is asked.
    /// Exit status: 0 read_only, 10 low, 20 medium, 30 high, 40 forbidden, 64 wrong usage.
    Explain {
        /// Read a script from standard input
        #[arg(long, conflicts_with = "command")]
        stdin: bool,
        /// Judge it as on this host of the inventory
        #[arg(long)]
        host: Option<HostName>,
        /// Judge it as started in this directory
        #[arg(long, value_name = "DIR")]
        directory: Option<String>,
        /// The command
        #[arg(value_name = "CMD", last = true, required_unless_present = "stdin")]
        command: Vec<String>,
    },
    /// Many: JSON Lines {"cmd": "…"} on standard input, one line of JSON for each on standard output, in order
    ///
    /// Exit status: 0 when every line was judged, 65 when a line was not understood (its answer says so), 64 wrong usage.
    Batch {
        /// Judge them as on this host of the inventory
        #[arg(long)]
        host: Option<HostName>,
    },
}

/// What to do with standing orders.
#[derive(Debug, Args)]
pub(crate) struct OrdersArgs {
    #[command(subcommand)]
    pub(crate) command: OrdersCommand,
}

/// One thing to do with standing orders.
#[derive(Debug, Subcommand)]
pub(crate) enum OrdersCommand {
    /// Whether a file of orders can be used; says all that is wrong with it, and runs its examples
    Check {
        /// The file; without it, the one in force
        file: Option<PathBuf>,
    },
    /// What the orders say about a command on a host, which of them says so, and what would change it
    Explain {
        /// The host
        #[arg(long)]
        host: HostName,
        /// At this autonomy; without it, the host's
        #[arg(long)]
        level: Option<Autonomy>,
        /// Under the orders of this file; without it, those in force
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Proposed by `model`, `runbook` or `person`
        #[arg(long, value_enum, default_value_t = ProposedBy::Model)]
        by: ProposedBy,
        /// As at this time (2026-12-24T23:00:00Z); without it, now
        #[arg(long)]
        at: Option<Timestamp>,
        /// The command; one word is a script, several are a command and its words
        #[arg(value_name = "CMD", last = true, required = true)]
        command: Vec<String>,
    },
    /// What the actions of the last days would have got under the orders of a file
    Replay {
        /// The file
        file: PathBuf,
        /// How many days back
        #[arg(long, default_value_t = 30)]
        days: u32,
    },
}

/// Who proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProposedBy {
    /// A model.
    Model,
    /// A runbook.
    Runbook,
    /// You.
    Person,
}

/// Which links, and where.
#[derive(Debug, Args)]
pub(crate) struct LinksArgs {
    /// What the watch is called; defaults to the configured name
    #[arg(long)]
    pub(crate) name: Option<HostName>,
    /// Where the links are made
    #[arg(long, value_name = "DIR", default_value = "/usr/local/bin")]
    pub(crate) dir: PathBuf,
    /// Replace files of these names that are not ours
    #[arg(long)]
    pub(crate) force: bool,
}

/// The tools that get a short command of their own.
pub(crate) const TOOLS: [&str; 29] = [
    "check",
    "approve",
    "ask",
    "chat",
    "do",
    "issues",
    "systems",
    "status",
    "risk",
    "orders",
    "queue",
    "notify",
    "knowledge",
    "configs",
    "devices",
    "logs",
    "log",
    "enrol",
    "config",
    "models",
    "doctor",
    "daemon",
    "worker",
    "links",
    "init",
    "backup",
    "restore",
    "completions",
    "man",
];

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_a_tool_and_the_other_way_round() {
        let command = Cli::command();
        let mut names: Vec<_> = command
            .get_subcommands()
            .map(|sub| sub.get_name().to_owned())
            .collect();
        let mut tools: Vec<_> = TOOLS.iter().map(ToString::to_string).collect();
        names.sort();
        tools.sort();
        assert_eq!(names, tools);
    }

    fn typed(words: &[&str]) -> Result<Cli, Said> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&Called::by(words.first()), words)
    }

    #[test]
    fn a_link_is_the_tool_it_is_named_after() {
        assert!(
            matches!(typed(&["hal-check", "web1"]).expect("a command").command, Command::Check(args) if args.hosts.len() == 1)
        );
        assert!(matches!(
            typed(&["hal-approve", "show", "0"])
                .expect("a command")
                .command,
            Command::Approve(_)
        ));
        let help = typed(&["/usr/bin/hal-check", "--help"])
            .expect_err("help")
            .text();
        assert!(
            help.contains("Usage: hal-check [OPTIONS] [HOSTS]..."),
            "{help}"
        );
        let wrong = typed(&["hal-approve", "reject", "0"])
            .expect_err("a reason is missing")
            .text();
        assert!(wrong.contains("Usage: hal-approve reject"), "{wrong}");
    }

    #[test]
    fn flags_of_every_command_may_stand_before_a_word_of_it_too() {
        for words in [
            ["approve", "--output", "json", "list"],
            ["issues", "--set", "name=x", "list"],
        ] {
            let words = ["watchkeeper"]
                .iter()
                .chain(&words)
                .copied()
                .collect::<Vec<_>>();
            assert!(typed(&words).is_ok(), "{words:?}");
        }
    }

    #[test]
    fn approve_takes_a_number_or_a_word() {
        let approve =
            |words: &[&str]| Cli::try_parse_from(["watchkeeper", "approve"].iter().chain(words));
        assert!(approve(&["0", "--reason", "yes"]).is_ok());
        assert!(approve(&["list"]).is_ok());
        assert!(
            approve(&["reject", "0"]).is_err(),
            "a rejection needs a reason"
        );
        assert!(approve(&["-1"]).is_err());
        assert!(approve(&[]).is_err());
    }
}
