//! What one call of a decompressor did.

pub(super) struct Progress {
    pub(super) read: usize,
    pub(super) made: usize,
    /// The stream is complete, and all of it has been handed out.
    pub(super) ended: bool,
}
