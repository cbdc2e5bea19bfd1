//! The settings of a session, with their defaults.
//!
//! ```text
//! timeouts.rs          how long each phase may take
//! redirect_policy.rs   Policy: which redirects are followed
//! hooks.rs             functions that are called with each request and response
//! ```
//!
//! Each default is safe in production: every wait has a limit, everything that a server can send has a bound, and what
//! was sent encrypted is not repeated unencrypted. `session/builder/` changes them one by one.

pub(crate) mod hooks;
pub(crate) mod redirect_policy;
pub(crate) mod timeouts;

use crate::connections::pool::PoolLimits;
use crate::connections::route::TransportSettings;
use crate::cookies::CookieJar;
use crate::error::Error;
use crate::request::netrc::Netrc;
use crate::request::retry_policy::Retry;
use crate::trace::Tracer;
use crate::trace::redaction::ShownHeaders;
use crate::url::{IntoUrl, Url};
use hooks::Hooks;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};
use redirect_policy::Policy;
use std::any::Any;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use timeouts::Timeouts;

/// The `User-Agent` of a session that sets none.
const DEFAULT_AGENT: &str = concat!("curio-http/", env!("CARGO_PKG_VERSION"));

pub(crate) struct Settings {
    pub(crate) timeouts: Timeouts,
    pub(crate) policy: Policy,
    pub(crate) headers: HeaderMap,
    pub(crate) auth: Option<SessionAuth>,
    pub(crate) url_defaults: Option<Box<UrlDefaults>>,
    /// Whether cookies are kept and sent.
    pub(crate) cookies: bool,
    /// Made when the first cookie comes: most sessions never see one.
    pub(crate) jar: OnceCell<CookieJar>,
    pub(crate) pool_limits: PoolLimits,
    pub(crate) transport: TransportSettings,
    pub(crate) netrc: Option<Netrc>,
    pub(crate) max_body: Option<u64>,
    /// Bodies are read as they were sent, with their content codings.
    pub(crate) no_decompression: bool,
    /// The character set of texts whose Content-Type names none.
    pub(crate) default_encoding: Option<Rc<str>>,
    pub(crate) https_only: bool,
    pub(crate) retry: Option<Box<Retry>>,
    /// `retry` has a status below 400.
    pub(crate) retries_below_400: bool,
    pub(crate) tracer: Tracer,
    pub(crate) hooks: Hooks,
    #[cfg(feature = "http2")]
    pub(crate) http2: Http2Settings,
}

/// The credentials of requests that have none of their own.
pub(crate) enum SessionAuth {
    /// The value of the `Authorization` field.
    Field(HeaderValue),
    /// A `Flow` of `exchange/auth_flow.rs`.
    Flow(Rc<dyn Any>),
}

/// Where HTTP/2 is spoken.
#[cfg(feature = "http2")]
#[derive(Clone, Copy)]
pub(crate) struct Http2Settings {
    /// To `https` servers that choose it.
    pub(crate) is_offered: bool,
    /// To all `http` servers.
    pub(crate) prior_knowledge: bool,
}

/// What a session adds to the URLs of its requests.
#[derive(Default)]
pub(crate) struct UrlDefaults {
    pub(crate) base: Option<Url>,
    /// Form-encoded.
    pub(crate) params: String,
}

impl UrlDefaults {
    /// The URL of a request.
    pub(crate) fn complete(&self, url: impl IntoUrl) -> Result<Url, Error> {
        let mut url = url.into_url(self.base.as_ref())?;
        url.append_query(&self.params);
        Ok(url)
    }
}

/// Without the parameters, which may be secret.
impl fmt::Debug for UrlDefaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlDefaults").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Settings {
    /// The `User-Agent` of the session's requests.
    pub(crate) fn agent(&self) -> HeaderValue {
        let own = self.headers.get(USER_AGENT);
        own.cloned().unwrap_or(const { HeaderValue::from_static(DEFAULT_AGENT) })
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeouts: Timeouts::default(),
            policy: Policy::default(),
            headers: HeaderMap::new(),
            auth: None,
            url_defaults: None,
            cookies: true,
            jar: OnceCell::new(),
            pool_limits: PoolLimits {
                connections: None,
                connections_per_host: None,
                idle_per_host: usize::MAX,
                idle_timeout: Some(Duration::from_secs(15)),
            },
            transport: TransportSettings::default(),
            netrc: None,
            max_body: None,
            no_decompression: false,
            default_encoding: None,
            https_only: false,
            retry: None,
            retries_below_400: false,
            tracer: Tracer::default(),
            hooks: Hooks::default(),
            #[cfg(feature = "http2")]
            http2: Http2Settings { is_offered: true, prior_knowledge: false },
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("timeouts", &self.timeouts)
            .field("redirects", &self.policy)
            .field("headers", &ShownHeaders(&self.headers))
            .field("url_defaults", &self.url_defaults)
            .field("cookies", &self.cookies)
            .field("pool", &self.pool_limits)
            .finish_non_exhaustive()
    }
}
