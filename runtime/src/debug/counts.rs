//! What a kernel has counted by its end.

/// Numbers that are no events, because each would cost more to tell than to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelCounts {
    /// Timers that were set, by sleeps and time limits.
    pub timers_set: u64,
    /// Those whose time came. The others were cancelled, or were still set at the end.
    pub timers_fired: u64,
    /// How often the kernel asked the operating system for events.
    pub polls_for_events: u64,
    /// System calls that moved bytes, accepted or connected.
    pub socket_calls: u64,
}
