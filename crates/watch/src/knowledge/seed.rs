//! What ships with Watchkeeper.
/// What became of the shipped entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seeded {
    /// New ones.
    pub new: usize,
}
