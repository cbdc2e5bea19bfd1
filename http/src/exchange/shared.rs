//! What the requests of a session share.

use crate::connections::dialer::Dialer;
use crate::connections::pool::Pool;
use crate::exchange::defaults;
#[cfg(feature = "digest")]
use crate::request::digest::DigestStore;
use crate::settings::Settings;

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// No request is looked at together with the session's fields: see `defaults.rs`.
    pub(crate) has_common_fields: bool,
    pub(crate) pool: Pool,
    pub(crate) dialer: Dialer,
    #[cfg(feature = "digest")]
    pub(crate) digests: DigestStore,
}

impl Shared {
    pub(crate) fn new(settings: Settings, dialer: Dialer) -> Shared {
        Shared {
            pool: Pool::new(settings.pool_limits),
            has_common_fields: defaults::are_common(&settings),
            settings,
            dialer,
            #[cfg(feature = "digest")]
            digests: DigestStore::default(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.pool.close();
    }
}
