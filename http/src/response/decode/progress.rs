//! The outcome of one call of a decompressor.

pub(super) struct Progress {
    pub(super) read: usize,
    pub(super) made: usize,
    /// The stream is complete, and all of its output has been returned.
    pub(super) ended: bool,
}
