//! `completions SHELL` and `man [DIR]`: made from the same description of the command line as the help, so that they
//! cannot tell anything else. With `--name hal` for the short commands, too: hal-check, hal-approve, …

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use serde::Serialize;
use watchkeeper_model::HostName;

use super::{Ended, answer, put_bytes};
use crate::args::{Cli, Common, TOOLS};
use crate::failure::CommandError;

/// What the program is called where no link is meant.
const PROGRAM: &str = "watchkeeper";
/// What stands at the foot of every page.
const SOURCE: &str = concat!("Watchkeeper ", env!("CARGO_PKG_VERSION"));
/// What the first page ends with, and what the others do.
const FILES: &str = "\
.SH FILES
.TP
.I /etc/watchkeeper/config.toml
what is configured; then each file of
.IR /etc/watchkeeper/conf.d ,
then
.I ~/.config/watchkeeper/config.toml
.TP
.I /etc/watchkeeper/orders.toml
the standing orders
.TP
.I /var/lib/watchkeeper
the store of the service, the host keys that were accepted, and its SSH keys
.TP
.I ~/.local/state/watchkeeper
the same for an account of your own
.SH SEE ALSO
.IR /usr/share/doc/watchkeeper ,
.BR ssh_config (5)
";
const SEE_ALSO: &str = ".SH SEE ALSO\n.BR watchkeeper (1)\n";

/// For which shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: ShellName,
    /// For the short commands of this name instead: hal-check, hal-approve, …
    #[arg(long)]
    name: Option<HostName>,
}

/// A shell that can be told how to complete.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShellName {
    /// `eval "$(watchkeeper completions bash)"`, or a file in /etc/bash_completion.d
    Bash,
    /// A file `_watchkeeper` in a directory of `$fpath`; with --name, `source <(…)` behind `compinit`
    Zsh,
    /// A file in ~/.config/fish/conf.d
    Fish,
}

impl ShellName {
    const fn shell(self) -> Shell {
        match self {
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
        }
    }
}

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory that the pages are written to; without it, the first page goes to standard output
    dir: Option<PathBuf>,
    /// Pages for the short commands of this name, too: hal-check, hal-approve, …
    #[arg(long)]
    name: Option<HostName>,
}

/// The pages that were written.
#[derive(Debug, Serialize)]
struct Pages {
    pages: Vec<PathBuf>,
}

/// Writes what a shell needs to complete our commands.
pub(super) fn completions(args: &CompletionsArgs) -> Ended {
    let mut written = Vec::new();
    let shell = args.shell.shell();
    match &args.name {
        None => clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut written),
        Some(name) => {
            for tool in TOOLS {
                let link = format!("{name}-{tool}");
                clap_complete::generate(shell, &mut linked(tool, &link), link, &mut written);
            }
        }
    }
    put_bytes(&written)?;
    Ok(0)
}

/// Writes the pages.
pub(super) fn man(common: &Common, args: &ManArgs) -> Ended {
    let Some(dir) = &args.dir else {
        put_bytes(page(&Cli::command())?.1.as_bytes())?;
        return Ok(0);
    };
    let pages = write(dir, args.name.as_ref())
        .with_context(|| format!("could not write pages to {}", dir.display()))
        .map_err(|error| CommandError::failed(error).hint("a directory that you may write"))?;
    answer(common.output, &Pages { pages }, |written| {
        format!("{} pages in {}\n", written.pages.len(), dir.display())
    })?;
    Ok(0)
}

fn write(dir: &Path, name: Option<&HostName>) -> std::io::Result<Vec<PathBuf>> {
    fs::create_dir_all(dir)?;
    let mut whole = Cli::command().disable_help_subcommand(true);
    whole.build();
    write_pages(&whole, dir)?;
    if let Some(name) = name {
        for tool in TOOLS {
            let page = dir.join(format!("{name}-{tool}.1"));
            fs::write(page, format!(".so man1/{PROGRAM}-{tool}.1\n"))?;
        }
    }
    let mut pages: Vec<PathBuf> = fs::read_dir(dir)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "1"))
        .collect();
    pages.sort();
    Ok(pages)
}

/// A page for a command, and for everything below it.
fn write_pages(command: &Command, dir: &Path) -> std::io::Result<()> {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        write_pages(below, dir)?;
    }
    let (name, text) = page(command)?;
    fs::write(dir.join(name), text)
}

/// The name of a command's page, and what stands on it.
fn page(command: &Command) -> std::io::Result<(String, String)> {
    let page = Man::new(command.clone());
    let name = page.get_filename();
    let mut rendered = Vec::new();
    page.render(&mut rendered)?;
    let mut text = String::with_capacity(rendered.len() + FILES.len());
    for line in String::from_utf8_lossy(&rendered).lines() {
        // The heading that is made leaves its date out, and what follows then stands in its place.
        match line
            .strip_prefix(".TH ")
            .and_then(|rest| rest.split(' ').next())
        {
            Some(title) => text.push_str(&format!(".TH {title} 1 \"\" \"{SOURCE}\" Watchkeeper")),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    let end = if command.get_name() == PROGRAM {
        FILES
    } else {
        SEE_ALSO
    };
    text.push_str(end);
    Ok((name, text))
}

/// The command that a link stands for, with the flags that every command takes.
fn linked(tool: &str, link: &str) -> Command {
    let root = Cli::command();
    let all = root.get_arguments().filter(|arg| arg.is_global_set());
    let all: Vec<_> = all.cloned().collect();
    let command = root.find_subcommand(tool).cloned();
    let command = command.expect("every tool is a command");
    command
        .name(link.to_owned())
        .bin_name(link.to_owned())
        .args(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(shell: Shell, name: Option<&str>) -> String {
        let mut written = Vec::new();
        match name {
            None => clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut written),
            Some(link) => {
                clap_complete::generate(shell, &mut linked("approve", link), link, &mut written);
            }
        }
        String::from_utf8(written).expect("it is text")
    }

    #[test]
    fn every_command_is_completed_in_every_shell() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = script(shell, None);
            for tool in TOOLS {
                assert!(text.contains(tool), "{shell} does not know {tool}");
            }
        }
    }

    #[test]
    fn a_short_command_is_completed_with_its_own_words_and_everybodys_flags() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = script(shell, Some("hal-approve"));
            for word in ["hal-approve", "discuss", "reject", "no-daemon", "output"] {
                assert!(text.contains(word), "{shell} does not know {word}");
            }
            assert!(!text.contains(PROGRAM), "{shell}: {text}");
        }
    }

    #[test]
    fn every_command_has_a_page_and_so_has_every_short_command() {
        let dir = tempfile::tempdir().expect("a directory");
        let name = HostName::new("hal").expect("a name");
        let pages = write(dir.path(), Some(&name)).expect("they can be written");
        let there = |page: String| pages.contains(&dir.path().join(page));
        assert!(there("watchkeeper.1".to_owned()));
        assert!(there("watchkeeper-approve-discuss.1".to_owned()));
        for tool in TOOLS {
            assert!(there(format!("watchkeeper-{tool}.1")), "{tool}");
            assert!(there(format!("hal-{tool}.1")), "{tool}");
        }
        let page = fs::read_to_string(dir.path().join("watchkeeper-check.1")).expect("a page");
        assert!(page.contains("Exit status as Nagios has it"), "{page}");
        assert!(page.contains(SOURCE) && page.ends_with(SEE_ALSO), "{page}");
    }
}
