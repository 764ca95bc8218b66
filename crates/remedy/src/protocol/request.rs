//! What is asked of a host: the id of a step, the ticket that starts it, and the header lines.

use std::fmt;

use watchkeeper_model::{BootId, Digest, Phase, PlannedStep, Privilege, RunId};

/// One step of one run, as its directories on the host are named: the run, a dot, the phase and the place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StepId(String);

impl StepId {
    /// The id of a step.
    #[must_use]
    pub fn new(run: &RunId, phase: Phase, index: u32) -> Self {
        let phase = match phase {
            Phase::Apply => 'a',
            Phase::Undo => 'u',
        };
        Self(format!("{run}.{phase}{index}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A stored boot that no host could have given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{boot:?} is not a boot of a host")]
pub struct InvalidBoot {
    /// The text.
    pub boot: String,
}

/// Longest boot id.
const MAX_BOOT: usize = 64;

/// Reads a boot id.
///
/// # Errors
/// When it is none.
pub(super) fn checked_boot(text: &str) -> Result<BootId, InvalidBoot> {
    let allowed =
        |c: char| c.is_ascii_hexdigit() && !c.is_ascii_uppercase() || matches!(c, '-' | '.');
    if text.is_empty() || text.len() > MAX_BOOT || !text.chars().all(allowed) {
        return Err(InvalidBoot {
            boot: text.chars().take(MAX_BOOT).collect(),
        });
    }
    Ok(BootId(text.to_owned()))
}

/// Everything needed to start one step, and to know it again: made from a claimed run, the same each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTicket {
    pub(super) id: StepId,
    pub(super) script: String,
    pub(super) digest: Digest,
    pub(super) boot: BootId,
    pub(super) limit_s: u32,
    pub(super) max_output_bytes: u32,
    pub(super) privilege: Privilege,
}

/// Longest time limit of a step: 30 days.
pub const MAX_LIMIT_S: u32 = 30 * 86_400;
/// Most that is kept of what a step prints, each of stdout and stderr.
pub const MAX_KEPT_BYTES: u32 = 64 * 1024 * 1024;

impl StepTicket {
    /// The ticket for one step of a run that was claimed for `boot`.
    ///
    /// # Errors
    /// When the boot is not one.
    pub fn new(
        id: StepId,
        step: &PlannedStep,
        boot: &BootId,
        privilege: Privilege,
    ) -> Result<Self, InvalidBoot> {
        Ok(Self {
            id,
            digest: Digest::of_bytes(step.script.as_bytes()),
            script: step.script.clone(),
            boot: checked_boot(&boot.0)?,
            limit_s: step.limit_s.clamp(1, MAX_LIMIT_S),
            max_output_bytes: step.max_output_bytes.min(MAX_KEPT_BYTES),
            privilege,
        })
    }

    /// Which step it starts.
    #[must_use]
    pub fn id(&self) -> &StepId {
        &self.id
    }

    /// The digest of the text that runs.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn start_input(&self, nonce: Nonce) -> Vec<u8> {
        let Self {
            id,
            digest,
            boot,
            limit_s,
            max_output_bytes,
            ..
        } = self;
        let header = format!(
            "wk1 {id} {digest} {} {limit_s} {max_output_bytes} {nonce}\n",
            boot.0
        );
        [header.as_bytes(), self.script.as_bytes()].concat()
    }

    pub(super) fn attach_input(&self, from: Offsets, wait_tenths: u32, nonce: Nonce) -> Vec<u8> {
        let Self { id, boot, .. } = self;
        let Offsets { stdout, stderr } = from;
        format!(
            "wk1 {id} {} {stdout} {stderr} {ATTACH_BYTES} {wait_tenths} {nonce}\n",
            boot.0
        )
        .into_bytes()
    }

    pub(super) fn cancel_input(&self, nonce: Nonce) -> Vec<u8> {
        format!("wk1 {} {} {nonce}\n", self.id, self.boot.0).into_bytes()
    }
}

/// Most bytes of each of stdout and stderr that one attach brings.
pub const ATTACH_BYTES: u32 = 256 * 1024;

/// How much of a step's output the controller has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// Of stdout.
    pub stdout: u32,
    /// Of stderr.
    pub stderr: u32,
}

/// What a reply is known by: random, and told to nobody but the text that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// One of these bytes; for tests of the parsers.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::Timestamp;

    use super::*;

    #[test]
    fn an_id_names_run_phase_and_place() {
        let run = RunId::from_parts(Timestamp::from_millis(1), [7; 10]);
        assert_eq!(
            StepId::new(&run, Phase::Apply, 0).as_str(),
            format!("{run}.a0")
        );
        assert_eq!(
            StepId::new(&run, Phase::Undo, 12).as_str(),
            format!("{run}.u12")
        );
    }

    #[test]
    fn a_boot_cannot_carry_anything_into_a_header() {
        assert!(checked_boot("0f3c-11.42").is_ok());
        for text in ["", "a b", "a\n", "X", "$(id)", &"a".repeat(65)] {
            assert!(checked_boot(text).is_err(), "{text:?}");
        }
    }
}
