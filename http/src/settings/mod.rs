//! What a session is set to.
//!
//! Every setting has a default that is safe to ship: each wait ends, everything a server can send has a bound, and
//! nothing that was sent encrypted is repeated in the open. `builder/` changes them one by one; whoever needs one reads
//! it here.

pub(crate) mod redirect_policy;

use crate::connections::connection::ProtocolLimits;
use crate::connections::pool::PoolLimits;
use crate::connections::resolver::HostResolver;
use crate::connections::route::TransportSettings;
use crate::cookies::CookieJar;
use crate::request::Request;
use crate::request::netrc::Netrc;
use crate::response::Response;
use crate::trace::Tracer;
use crate::url::Url;
use http::{HeaderMap, HeaderValue};
use redirect_policy::Policy;
use std::cell::OnceCell;
use std::fmt;
use std::time::Duration;

pub(crate) struct Settings {
    pub(crate) timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) pool_timeout: Option<Duration>,
    pub(crate) policy: Policy,
    pub(crate) headers: HeaderMap,
    pub(crate) auth: Option<HeaderValue>,
    pub(crate) base_url: Option<Url>,
    /// Whether cookies are kept and sent.
    pub(crate) cookies: bool,
    /// Made when the first cookie comes: most sessions never see one.
    pub(crate) jar: OnceCell<CookieJar>,
    pub(crate) pool_limits: PoolLimits,
    pub(crate) resolver: HostResolver,
    pub(crate) transport: TransportSettings,
    pub(crate) netrc: Option<Netrc>,
    pub(crate) protocol_limits: ProtocolLimits,
    pub(crate) max_body: Option<u64>,
    pub(crate) https_only: bool,
    pub(crate) retries: u32,
    pub(crate) expect_timeout: Duration,
    pub(crate) tracer: Tracer,
    pub(crate) on_request: Vec<RequestHook>,
    pub(crate) on_response: Vec<ResponseHook>,
}

type RequestHook = Box<dyn Fn(&mut Request)>;
type ResponseHook = Box<dyn Fn(&Response)>;

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeout: None,
            connect_timeout: Some(Duration::from_secs(10)),
            read_timeout: Some(Duration::from_secs(30)),
            pool_timeout: Some(Duration::from_secs(30)),
            policy: Policy::default(),
            headers: HeaderMap::new(),
            auth: None,
            base_url: None,
            cookies: true,
            jar: OnceCell::new(),
            pool_limits: PoolLimits {
                connections: None,
                connections_per_host: None,
                idle_per_host: usize::MAX,
                idle_timeout: Some(Duration::from_secs(15)),
            },
            resolver: HostResolver::default(),
            transport: TransportSettings::default(),
            netrc: None,
            protocol_limits: ProtocolLimits::default(),
            max_body: None,
            https_only: false,
            retries: 0,
            expect_timeout: Duration::from_secs(1),
            tracer: Tracer::default(),
            on_request: Vec::new(),
            on_response: Vec::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("redirects", &self.policy)
            .field("headers", &self.headers)
            .field("base_url", &self.base_url)
            .field("cookies", &self.cookies)
            .field("pool", &self.pool_limits)
            .finish_non_exhaustive()
    }
}
