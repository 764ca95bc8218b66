//! Small judges: what the words of one command mean where a table cannot say it - a place among the operands, a form
//! like `host:path` or `name=value`, a signal. They have the shape of those in `judges`, and like them they are total
//! and never recurse: what is run is handed back.

mod archives;
mod copies;
mod cuts;
mod modes;
mod notes;
mod outputs;
mod parallel;
mod remote;
mod services;
mod signals;
mod terminal;
#[cfg(test)]
mod tests;
mod tracing;
mod wrappers;

use crate::judges::Judge;

/// Every judge by the name that tables call it.
pub(crate) const JUDGES: [(&str, Judge); 40] = [
    ("archive", archives::archive),
    ("busctl", cuts::busctl),
    ("chmod", modes::chmod),
    ("copy", copies::judge),
    ("date", terminal::date),
    ("dirname", outputs::dirname),
    ("fio", cuts::fio),
    ("flock", wrappers::flock),
    ("fuser", cuts::fuser),
    ("init", cuts::init),
    ("interval", terminal::interval),
    ("interval_or_never", tracing::interval_or_never),
    ("jcmd", tracing::jcmd),
    ("journal", services::journal),
    ("jstat", tracing::jstat),
    ("kill", signals::judge),
    ("ldd", terminal::ldd),
    ("logrotate", modes::logrotate),
    ("mktemp", outputs::mktemp),
    ("module", cuts::module),
    ("pager", terminal::pager),
    ("parallel", parallel::judge),
    ("rsync", remote::rsync),
    ("runuser", wrappers::runuser),
    ("script", wrappers::script),
    ("service", services::service),
    ("setarch", wrappers::setarch),
    ("sleep", terminal::sleep),
    ("split", archives::split),
    ("ssh", remote::ssh),
    ("strace", wrappers::strace),
    ("sysctl", modes::sysctl),
    ("systemctl", services::systemctl),
    ("systemd_run", wrappers::systemd_run),
    ("tc", cuts::tc),
    ("tune", wrappers::tune),
    ("visudo", modes::visudo),
    ("ulimit", modes::ulimit),
    ("getent", modes::getent),
    ("zip", archives::zip),
];
