//! The texts that run on a host, put together from the files beside this one. POSIX sh and no more.

macro_rules! request {
    ($file:literal) => {
        concat!(
            include_str!("texts/process.sh"),
            include_str!("texts/request.sh"),
            include_str!($file)
        )
    };
}

/// Starts a step. The runner is inside, as a quoted here-document.
pub(super) const START: &str = concat!(
    include_str!("texts/process.sh"),
    include_str!("texts/request.sh"),
    "runner() { cat <<'END_OF_RUNNER'\n",
    include_str!("texts/process.sh"),
    include_str!("texts/runner.sh"),
    "END_OF_RUNNER\n}\n",
    include_str!("texts/start.sh")
);
/// Says how a step stands.
pub(super) const ATTACH: &str = request!("texts/attach.sh");
/// Prevents a start.
pub(super) const CANCEL: &str = request!("texts/cancel.sh");
/// Removes what a run left.
pub(super) const WIPE: &str = request!("texts/wipe.sh");
/// Says which boot this is.
pub(super) const BOOT: &str = request!("texts/boot.sh");
