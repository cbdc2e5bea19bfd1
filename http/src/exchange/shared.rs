//! What the requests of a session share.

use crate::connections::dialer::Dialer;
use crate::connections::pool::Pool;
#[cfg(feature = "digest")]
use crate::request::digest::DigestStore;
use crate::settings::Settings;

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) pool: Pool,
    pub(crate) dialer: Dialer,
    #[cfg(feature = "digest")]
    pub(crate) digests: DigestStore,
}

impl Shared {
    pub(crate) fn new(settings: Settings, dialer: Dialer) -> Shared {
        Shared {
            pool: Pool::new(settings.pool_limits),
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
