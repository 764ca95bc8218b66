//! What goes around every command on its host, as constant texts for `sh -c`, and how its last words are read.
//!
//! Three texts, each of which runs the next as `sh -c "$@"`, so that nothing is quoted twice:
//!
//! - [`BECOME_ROOT`], only where it is asked for, hands over to `sudo -n`.
//! - [`OUTER`] fixes the environment and starts the inner text in a process group of its own: by `setsid`, which
//!   every Linux has, or else by the shell's job control. The standard input is handed over explicitly, since a
//!   shell gives `&` none. It says `@MARK killed STATUS` if the inner text is killed, and `@MARK refused 0` where it can
//!   make no group (dash and busybox have no job control without a terminal). TERM or HUP, sent to it by an
//!   engine that has given up, kills that group at once (sshd hands no signal on to sessions of root, nor to forced commands).
//! - [`INNER`] starts a watchdog in that group, runs the program, and says `@MARK exit STATUS`.
//!
//! The watchdog sends TERM to the group when the limit has passed, and KILL five seconds later. It never names a
//! process: `kill 0` cannot hit a number that was given out again. `timeout` is not used, because busybox's kills one
//! process and not the group, and holds the output open for a second; and because a program's own 124 is not told
//! apart. The limit is kept on the host though the connection is lost. A process that leaves the group (a daemon)
//! is not followed. What a program leaves running when it ends is left alone, as in a login.
//!
//! The mark is random for each command, so that a program's output is not taken for the last words. `exec` in a
//! subshell makes sure that the program is a program and not a word of the shell. Shells report the death of
//! a child on their own standard error, which therefore goes nowhere. INT and QUIT are ignored in the program, as in
//! everything that `&` starts.

use std::ops::Range;

use crate::Exit;

/// Becomes root. Arguments: those of `sh -c`.
pub(crate) const BECOME_ROOT: &str = concat!(
    "LC_ALL=C PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/run/current-system/sw/bin:/run/wrappers/bin; ",
    "export LC_ALL PATH; exec sudo -n -- sh -c \"$@\"",
);

/// Arguments: those of `sh -c` for [`INNER`], whose third is the mark.
pub(crate) const OUTER: &str = concat!(
    "LC_ALL=C PATH=${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin:/run/current-system/sw/bin; export LC_ALL PATH; cd /; ",
    "trap \"kill -KILL -\\$! || kill -KILL \\$!; exit 143\" TERM HUP; ",
    "exec 3<&0; if command -v setsid >/dev/null; then own=setsid; else own=; set -m 2>/dev/null; ",
    "case $- in *m*) ;; *) echo \"@$3 refused 0\" >&2; exit ;; esac; fi; ",
    "$own sh -c \"$@\" <&3 3<&- & exec 3<&- </dev/null 4>&2 2>/dev/null; ",
    "wait $! || echo \"@$3 killed $?\" >&4",
);

/// Arguments: mark, limit in seconds, program, its arguments.
pub(crate) const INNER: &str = concat!(
    "m=$1 t=$2; shift 2; trap l=1 TERM; exec 4>&2 2>/dev/null; ",
    "(trap \"kill \\$!; exit\" TERM; sleep \"$t\" & wait $!; trap \"\" TERM; kill -TERM 0; sleep 5; kill -KILL 0) ",
    "</dev/null >/dev/null 4>&- & w=$!; ",
    "(exec 2>&4 4>&-; exec \"$@\"); c=$?; ",
    "[ -z \"$l\" ] || kill -KILL 0; kill $w; echo \"@$m exit $c\" >&4",
);

/// Seconds between TERM and KILL; stands in [`INNER`].
pub(crate) const KILL_AFTER_SECONDS: u64 = 5;

/// Most bytes that the last words take.
pub(crate) const MAX_LAST_WORDS: u64 = 64;

/// How the wrapper says that the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastWords {
    /// The program ended, with this status as a shell gives it.
    Ended(i32),
    /// The wrapper was killed together with it: by its watchdog, or by somebody else.
    Killed(i32),
    /// There is no way to give it a process group there, so it was not started.
    Refused,
}

/// Whether the last words stand in this part of the standard error.
pub(crate) fn has_last_words(part: &[u8], mark: &str) -> bool {
    find_last_words(part, mark).is_some()
}

/// Takes the last words out of the standard error.
pub(crate) fn take_last_words(stderr: &mut Vec<u8>, mark: &str) -> Option<LastWords> {
    let (words, place) = find_last_words(stderr, mark)?;
    stderr.drain(place);
    Some(words)
}

fn find_last_words(stderr: &[u8], mark: &str) -> Option<(LastWords, Range<usize>)> {
    let intro = format!("@{mark} ").into_bytes();
    let at = stderr
        .windows(intro.len())
        .rposition(|window| window == intro)?;
    let rest = &stderr[at + intro.len()..];
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (word, status) = std::str::from_utf8(&rest[..end]).ok()?.split_once(' ')?;
    let status = status.parse().ok()?;
    let words = match word {
        "exit" => LastWords::Ended(status),
        "killed" => LastWords::Killed(status),
        "refused" => LastWords::Refused,
        _ => return None,
    };
    Some((words, at..at + intro.len() + end + 1))
}

/// A status as a shell gives it: above 128 it is a signal, if there is one of that number. A program that ends with
/// such a status by itself is not told apart; no shell does.
pub(crate) fn exit_of_status(status: i32) -> Exit {
    match nix::sys::signal::Signal::try_from(status.saturating_sub(128)) {
        Ok(signal) if status > 128 => {
            Exit::Signal(signal.as_str().trim_start_matches("SIG").to_owned())
        }
        _ => Exit::Code(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stderr: &str, expect: Option<LastWords>, left: &str) {
        let mut bytes = stderr.as_bytes().to_vec();
        assert_eq!(take_last_words(&mut bytes, "M"), expect, "{stderr:?}");
        assert_eq!(String::from_utf8_lossy(&bytes), left);
    }

    #[test]
    fn last_words_are_taken_out_and_the_rest_is_kept() {
        check("@M exit 0\n", Some(LastWords::Ended(0)), "");
        check(
            "no newline@M exit 3\nlate",
            Some(LastWords::Ended(3)),
            "no newlinelate",
        );
        check("@M killed 137\n", Some(LastWords::Killed(137)), "");
    }

    #[test]
    fn words_that_are_cut_or_of_another_mark_are_the_programs_own() {
        for text in ["@N exit 0\n", "@M exit 0", "@M exit\n", "@M exit x\n", ""] {
            check(text, None, text);
        }
    }

    #[test]
    fn a_status_above_128_is_a_signal_where_there_is_one() {
        assert_eq!(exit_of_status(137), Exit::Signal("KILL".to_owned()));
        assert_eq!(exit_of_status(143), Exit::Signal("TERM".to_owned()));
        assert_eq!(exit_of_status(255), Exit::Code(255));
        assert_eq!(exit_of_status(128), Exit::Code(128));
        assert_eq!(exit_of_status(9), Exit::Code(9));
    }

    #[test]
    fn the_texts_hold_nothing_that_would_end_their_quotes() {
        for text in [BECOME_ROOT, OUTER, INNER] {
            assert!(!text.contains(['\'', '\n']), "{text}");
        }
        assert!(INNER.contains(&format!("sleep {KILL_AFTER_SECONDS};")));
    }
}
