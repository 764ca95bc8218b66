//! `orders`: whether a file of standing orders can be used, what the orders say about a command, and what the actions
//! of the last days would have got under others.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Serialize;
use watchkeeper_model::{
    Assessment, Autonomy, HostName, Privilege, Proposer, RunbookName, Step, Timestamp, Verdict,
    visible,
};
use watchkeeper_policy::{Facts, Recent, Rules, judge};
use watchkeeper_risk::{TextAssessment, assess_text};
use watchkeeper_server::ReplayBody;
use watchkeeper_watch::view::ReplayReport;
use watchkeeper_watch::{OrdersError, StandingOrders};

use super::risk::script_of;
use super::{Ended, Here, answer};
use crate::args::{OrdersArgs, OrdersCommand, ProposedBy};
use crate::compose;
use crate::config::Config;
use crate::failure::{CommandError, Kind};
use crate::orders::{self, OrdersFileError};
use crate::session::{Session, page};
use crate::show::{self, Tone};

/// What `orders check` found.
#[derive(Debug, Serialize)]
struct Checked {
    ok: bool,
    file: Option<PathBuf>,
    problems: Vec<String>,
    preset: &'static str,
    orders: usize,
    neverallow: usize,
    examples: usize,
}

/// What the orders say about one command.
#[derive(Debug, Serialize)]
struct Explained {
    host: HostName,
    autonomy: Autonomy,
    canonical: Option<String>,
    assessment: Assessment,
    verdict: Verdict,
}

/// Does one thing with standing orders.
pub(super) fn run(here: &Here<'_>, args: &OrdersArgs) -> Ended {
    match &args.command {
        OrdersCommand::Check { file } => check(here, file.as_deref()),
        OrdersCommand::Explain {
            host,
            level,
            file,
            by,
            at,
            command,
        } => {
            let asked = Asked {
                host,
                level: *level,
                file: file.as_deref(),
                by: *by,
                at: *at,
                script: script_of(command),
            };
            explain(here, asked)
        }
        OrdersCommand::Replay { file, days } => {
            let orders = orders::text_of(file, None)?;
            // What is wrong with it is told here, whether a daemon answers or not.
            StandingOrders::parse(&orders).map_err(CommandError::usage)?;
            let body = ReplayBody {
                orders,
                days: *days,
            };
            here.in_session(async |session| replay(session, &body).await)
        }
    }
}

fn check(here: &Here<'_>, file: Option<&Path>) -> Ended {
    let (path, read) = match file {
        Some(path) => (Some(path.to_owned()), orders::read(path, here.around)),
        None => {
            let config = Config::load(here.common, here.around)?.config;
            (
                orders::file_in_force(&config, here.around),
                orders::in_force(&config, here.around),
            )
        }
    };
    let checked = match read {
        Ok(found) => {
            let found = &found.orders;
            let examples = found
                .orders
                .iter()
                .map(|order| order.matches.len() + order.not_match.len());
            let never = found
                .never
                .iter()
                .map(|never| never.matches.len() + never.not_match.len());
            Checked {
                ok: true,
                file: path,
                problems: Vec::new(),
                preset: found.preset.as_str(),
                orders: found.orders.len(),
                neverallow: found.never.len(),
                examples: examples.chain(never).sum(),
            }
        }
        Err(error) => Checked {
            ok: false,
            file: path,
            problems: problems(&error),
            preset: "",
            orders: 0,
            neverallow: 0,
            examples: 0,
        },
    };
    answer(here.common.output, &checked, checked_text)?;
    Ok(if checked.ok {
        0
    } else {
        Kind::Usage.exit_status()
    })
}

/// Everything that is wrong, one line each.
fn problems(error: &OrdersFileError) -> Vec<String> {
    match error {
        OrdersFileError::Orders {
            source: OrdersError::Invalid(invalid),
            ..
        } => invalid.problems.iter().map(ToString::to_string).collect(),
        other => {
            let mut line = other.to_string();
            let mut cause = std::error::Error::source(other);
            while let Some(error) = cause {
                let _ = write!(line, ": {error}");
                cause = error.source();
            }
            vec![line]
        }
    }
}

fn checked_text(checked: &Checked) -> String {
    let mut text = String::new();
    let file = checked.file.as_ref().map_or_else(
        || "no file: the table of autonomy and risk alone".to_owned(),
        |file| file.display().to_string(),
    );
    if checked.ok {
        let _ = writeln!(
            text,
            "✓ the standing orders can be used: {}",
            visible(&file)
        );
        let _ = writeln!(
            text,
            "  preset {}, {}, {}; {} as they say",
            checked.preset,
            show::count(checked.orders, "order"),
            show::count(checked.neverallow, "neverallow line"),
            show::count(checked.examples, "example"),
        );
        return text;
    }
    for problem in &checked.problems {
        let mut lines = problem.lines();
        let _ = writeln!(text, "✗ {}", visible(lines.next().unwrap_or("")));
        for line in lines {
            let _ = writeln!(text, "  {}", visible(line));
        }
    }
    let _ = writeln!(
        text,
        "\n{} to mend in {}; the orders in force stay as they are",
        show::count(checked.problems.len(), "problem"),
        visible(&file)
    );
    text
}

/// What is asked of the orders.
struct Asked<'a> {
    host: &'a HostName,
    level: Option<Autonomy>,
    file: Option<&'a Path>,
    by: ProposedBy,
    at: Option<Timestamp>,
    script: String,
}

fn explain(here: &Here<'_>, asked: Asked<'_>) -> Ended {
    let config = Config::load(here.common, here.around)?.config;
    let prepared = compose::prepare(&config, here.around).map_err(CommandError::usage)?;
    let entry = prepared.inventory.get(asked.host).ok_or_else(|| {
        CommandError::usage(anyhow!("there is no host {} in the inventory", asked.host))
            .hint("watchkeeper systems, which lists them")
    })?;
    let orders = match asked.file {
        Some(file) => orders::read(file, here.around).map_err(CommandError::usage)?,
        None => prepared.orders().clone(),
    };
    let facts = watchkeeper_risk::HostFacts {
        login: entry.login.clone(),
        ..compose::host_facts(&config)
    };
    let TextAssessment {
        assessment,
        canonical,
    } = assess_text(&asked.script, &facts);
    let step = Step::Shell {
        script: canonical.clone().unwrap_or(asked.script),
    };
    let proposer = proposer(asked.by, &here.around.user);
    let view = page(here.around);
    let question = Facts {
        host: asked.host,
        groups: &entry.groups,
        tier: entry.tier,
        autonomy: asked.level.or(entry.autonomy),
        steps: std::slice::from_ref(&step),
        undo: &[],
        privilege: if entry.become_root || entry.login.as_deref() == Some("root") {
            Privilege::Root
        } else {
            Privilege::Login
        },
        proposer: &proposer,
        worded_by_model: matches!(proposer, Proposer::Model { .. }),
        moment: orders.moment(asked.at.unwrap_or(view.now)),
        recent: Recent::default(),
    };
    let rules = Rules {
        settings: &config.policy,
        orders: &orders.orders,
    };
    let explained = Explained {
        host: asked.host.clone(),
        autonomy: question.autonomy.unwrap_or(config.policy.autonomy),
        verdict: judge(&rules, &assessment, &question),
        canonical,
        assessment,
    };
    answer(here.common.output, &explained, |explained| {
        let mut text = show::verdict(&view, &explained.verdict);
        let _ = writeln!(
            text,
            "\non {} at autonomy {}, with nothing done lately\n",
            explained.host, explained.autonomy
        );
        let canonical = explained.canonical.as_deref();
        text += &show::assessment(&view, canonical, &explained.assessment);
        text
    })?;
    Ok(0)
}

fn proposer(by: ProposedBy, user: &str) -> Proposer {
    match by {
        ProposedBy::Model => Proposer::Model {
            name: "any".to_owned(),
        },
        ProposedBy::Runbook => Proposer::Runbook {
            name: RunbookName::new("any").expect("it is a name"),
        },
        ProposedBy::Person => Proposer::Person {
            name: user.to_owned(),
        },
    }
}

async fn replay(session: &Session, body: &ReplayBody) -> Ended {
    let report: ReplayReport = session.client.post("/v1/orders/replay", body).await?;
    answer(session.output, &report, |report| {
        replay_text(&session.page, report)
    })?;
    Ok(0)
}

fn replay_text(page: &show::Page, report: &ReplayReport) -> String {
    let mut text = String::new();
    let asked = show::count(report.actions, "action");
    let days = show::count(report.days as usize, "day");
    if report.changes.is_empty() {
        let _ = writeln!(text, "{asked} of the last {days}: nothing would change");
    } else {
        let mut table = show::Table::new(&["no", "host", "what", "risk", "was", "would be", "why"]);
        for change in &report.changes {
            table.row(vec![
                change.number.to_string().into(),
                change.host.as_str().into(),
                change.what.as_str().into(),
                (show::risk_tone(change.risk), change.risk.as_str()).into(),
                change.was.as_str().into(),
                (show::decision_tone(change.would), change.would.as_str()).into(),
                change.because.join("; ").into(),
            ]);
        }
        text += &table.render(page);
        let changed = show::count(report.changes.len(), "decision");
        let _ = writeln!(
            text,
            "\n{changed} of {asked} of the last {days} would change"
        );
    }
    if report.left_out {
        let _ = writeln!(text, "older actions were left out: there are too many");
    }
    for host in &report.gone {
        let line = format!("{host} is not in the inventory any more: nothing is said about it");
        let _ = writeln!(text, "{}", page.paint(Tone::Dim, &line));
    }
    text
}
