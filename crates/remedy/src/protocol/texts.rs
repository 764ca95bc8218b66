//! The texts that run on a host, put together from the files beside this one. POSIX sh and no more.

macro_rules! request {
    ($file:literal) => {
        concat!(
            include_str!("sh/process.sh"),
            include_str!("sh/request.sh"),
            include_str!($file)
        )
    };
}

/// Starts a step. The runner is inside, as a quoted here-document.
pub const START: &str = concat!(
    include_str!("sh/process.sh"),
    include_str!("sh/request.sh"),
    "runner() { cat <<'END_OF_RUNNER'\n",
    include_str!("sh/process.sh"),
    include_str!("sh/runner.sh"),
    "END_OF_RUNNER\n}\n",
    include_str!("sh/start.sh")
);
/// Runs a step; stands in [`START`].
pub const RUNNER: &str = concat!(include_str!("sh/process.sh"), include_str!("sh/runner.sh"));
/// Says how a step stands.
pub const ATTACH: &str = request!("sh/attach.sh");
/// Prevents a start.
pub const CANCEL: &str = request!("sh/cancel.sh");
/// Removes what a run left.
pub const WIPE: &str = request!("sh/wipe.sh");
/// Says which boot this is.
pub const BOOT: &str = request!("sh/boot.sh");
