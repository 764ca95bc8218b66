//! The `watchkeeper` command: what is typed becomes a request to the use cases, and what they answer becomes text or
//! JSON. Everything that is wired together, is wired together here (`compose`); only here the environment is read
//! (`surroundings`), the clock is made (`clock`), and HTTP is spoken from the other side (`client`).

mod args;
mod called;
mod client;
mod clock;
mod commands;
mod compose;
mod config;
mod failure;
mod interrupts;
mod log;
mod orders;
mod ownership;
mod session;
mod show;
mod surroundings;

use std::process::ExitCode;

use called::Called;
use surroundings::Surroundings;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    let called = Called::by(words.first());
    let cli = match args::parse(&called, words) {
        Ok(cli) => cli,
        Err(said) => return said.print(),
    };
    let around = Surroundings::read();
    match commands::run(&cli, &around, &called) {
        Ok(status) => ExitCode::from(status),
        Err(error) => error.print(&called),
    }
}
