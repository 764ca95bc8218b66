//! `links --name hal`: makes `hal-check`, `hal-approve`, … as links to this program.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use super::{Ended, answer};
use crate::args::{Common, LinksArgs, TOOLS};
use crate::config::Config;
use crate::failure::CommandError;
use crate::surroundings::Surroundings;

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    links: Vec<String>,
}

/// Makes the links.
pub(super) fn run(common: &Common, around: &Surroundings, args: &LinksArgs) -> Ended {
    let name = match &args.name {
        Some(name) => name.to_string(),
        None => Config::load(common, around)?.config.name.to_string(),
    };
    std::fs::create_dir_all(&args.dir)
        .with_context(|| format!("could not make {}", args.dir.display()))
        .map_err(|error| CommandError::failed(error).hint("--dir ~/.local/bin, or as root"))?;
    let program = std::env::current_exe().context("could not tell where this program is")?;
    let mut links = Vec::new();
    for tool in TOOLS {
        let link = args.dir.join(format!("{name}-{tool}"));
        make(&program, &link, args.force)?;
        links.push(link.display().to_string());
    }
    answer(common.output, &Made { links }, |made| {
        format!(
            "{} links in {}: {name}-check, {name}-approve, …\n",
            made.links.len(),
            args.dir.display()
        )
    })?;
    Ok(0)
}

fn make(program: &Path, link: &Path, force: bool) -> Result<(), CommandError> {
    match std::fs::symlink_metadata(link) {
        Ok(found) if found.file_type().is_symlink() || force => std::fs::remove_file(link)
            .with_context(|| format!("could not replace {}", link.display()))?,
        Ok(_) => {
            let error = anyhow!(
                "{} stands there and is not a link; it was left alone",
                link.display()
            );
            return Err(CommandError::failed(error).hint("--force replaces it"));
        }
        Err(_) => {}
    }
    std::os::unix::fs::symlink(program, link)
        .with_context(|| format!("could not make {}", link.display()))
        .map_err(|error| CommandError::failed(error).hint("--dir ~/.local/bin, or as root"))
}
