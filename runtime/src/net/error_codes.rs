//! Error codes of the operating systems for which the standard library has no stable names.
//!
//! They are those of `errno.h`, and on Windows those of Winsock.
//!
//! * `CONNECTION`: EPROTO, ENOPROTOOPT, EOPNOTSUPP, EHOSTDOWN and, on Linux, ENONET
//! * `RESOURCES`: ENFILE, EMFILE, ENOBUFS
//! * `IN_PROGRESS`: EINPROGRESS

pub(super) use system::{CONNECTION, IN_PROGRESS, RESOURCES};

#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(any(
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "sparc64"
    ))
))]
mod system {
    pub(in crate::net) const CONNECTION: [i32; 5] = [71, 92, 95, 112, 64];
    pub(in crate::net) const RESOURCES: [i32; 3] = [23, 24, 105];
    pub(in crate::net) const IN_PROGRESS: i32 = 115;
}

/// Solaris and its heirs have the numbers of System V, and so has Linux on MIPS.
#[cfg(any(
    target_os = "solaris",
    target_os = "illumos",
    all(
        target_os = "linux",
        any(
            target_arch = "mips",
            target_arch = "mips32r6",
            target_arch = "mips64",
            target_arch = "mips64r6"
        )
    )
))]
mod system {
    pub(in crate::net) const CONNECTION: [i32; 5] = [71, 99, 122, 147, 64];
    pub(in crate::net) const RESOURCES: [i32; 3] = [23, 24, 132];
    pub(in crate::net) const IN_PROGRESS: i32 = 150;
}

#[cfg(all(target_os = "linux", any(target_arch = "sparc", target_arch = "sparc64")))]
mod system {
    pub(in crate::net) const CONNECTION: [i32; 5] = [86, 42, 45, 64, 80];
    pub(in crate::net) const RESOURCES: [i32; 3] = [23, 24, 55];
    pub(in crate::net) const IN_PROGRESS: i32 = 36;
}

/// macOS has two codes for "not supported", 45 and 102.
#[cfg(target_vendor = "apple")]
mod system {
    pub(in crate::net) const CONNECTION: [i32; 5] = [100, 42, 45, 102, 64];
    pub(in crate::net) const RESOURCES: [i32; 3] = [23, 24, 55];
    pub(in crate::net) const IN_PROGRESS: i32 = 36;
}

/// The BSDs agree except on EPROTO.
#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "solaris",
        target_os = "illumos",
        target_vendor = "apple"
    ))
))]
mod system {
    const EPROTO: i32 = if cfg!(target_os = "openbsd") {
        95
    } else if cfg!(target_os = "netbsd") {
        96
    } else {
        92
    };
    pub(in crate::net) const CONNECTION: [i32; 4] = [EPROTO, 42, 45, 64];
    pub(in crate::net) const RESOURCES: [i32; 3] = [23, 24, 55];
    pub(in crate::net) const IN_PROGRESS: i32 = 36;
}

/// WSAENOPROTOOPT, WSAEOPNOTSUPP, WSAEHOSTDOWN; WSAEMFILE, WSAENOBUFS.
#[cfg(windows)]
mod system {
    pub(in crate::net) const CONNECTION: [i32; 3] = [10042, 10045, 10064];
    pub(in crate::net) const RESOURCES: [i32; 2] = [10024, 10055];
    pub(in crate::net) const IN_PROGRESS: i32 = 10036;
}
