//! What a kernel has counted by its end.

/// Numbers that are no events, because each would cost more to tell than to count. They come with the last event.
///
/// ```
/// use curio::debug::{Activation, Event, EventKind};
///
/// struct Timers;
///
/// impl Activation for Timers {
///     fn event(&mut self, event: &Event) {
///         if let EventKind::ShutDown { counts, .. } = &event.kind {
///             println!("{} timers were set, {} fired", counts.timers_set, counts.timers_fired);
///             # assert_eq!((counts.timers_set, counts.timers_fired), (2, 1));
///         }
///     }
/// }
///
/// let kernel = curio::Kernel::builder().virtual_clock(true).activation(Timers);
/// kernel.run(async {
///     let limit = std::time::Duration::from_secs(5);
///     curio::timeout_after(limit, curio::sleep(limit / 5)).await // 2 timers were set, 1 fired
/// })
/// .expect("it ends in time");
/// ```
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
