//! What a signal did before this crate had a handler for it.
//!
//! A process inherits from its parent which signals are ignored: `nohup` ignores SIGHUP, and a shell ignores SIGINT
//! for what a script starts with `&`. Rust's own start-up code ignores SIGPIPE. And other code of the program may
//! have handlers of its own. Asking the operating system (sigaction(2)) takes `unsafe`; but Linux also writes it into
//! a file, for every thread of every process (proc_pid_status(5), SigIgn and SigCgt).
//!
//! On other systems it cannot be learned. SIGPIPE counts as ignored there, and all others as having their default
//! action.

use signal_hook::consts::SIGPIPE;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Disposition {
    Default,
    Ignored,
    /// Other code of this program has a handler.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Handled,
}

impl Disposition {
    pub(super) fn of(signal: i32) -> Disposition {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(status) = std::fs::read_to_string("/proc/thread-self/status") {
            return Disposition::in_status(&status, signal);
        }
        if signal == SIGPIPE { Disposition::Ignored } else { Disposition::Default }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn in_status(status: &str, signal: i32) -> Disposition {
        let contains = |name: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let mask = mask.and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or(0);
            u32::try_from(signal - 1).is_ok_and(|bit| mask.checked_shr(bit).unwrap_or(0) & 1 == 1)
        };
        if contains("SigIgn:") {
            Disposition::Ignored
        } else if contains("SigCgt:") {
            Disposition::Handled
        } else {
            Disposition::Default
        }
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn the_masks_of_a_status_file_are_told_apart() {
        let status = "SigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001003\nSigCgt:\t8000000000000440\n";
        let dispositions =
            [1, 2, 3, 7, 11, 13, 64, 65, 0, -1].map(|signal| Disposition::in_status(status, signal));
        use Disposition::{Default, Handled, Ignored};
        assert_eq!(
            dispositions,
            [Ignored, Ignored, Default, Handled, Handled, Ignored, Handled, Default, Default, Default]
        );
        assert_eq!(Disposition::in_status("", SIGPIPE), Default);
    }
}
