//! Which redirects a session follows: [`Policy`], and what a custom one is asked about.

use crate::url::Url;
use http::StatusCode;
use std::fmt;
use std::rc::Rc;

/// The most redirects in a row that a custom policy can allow.
const LONGEST_CHAIN: usize = 100;

/// Which redirects a session follows. The default is [`Policy::limited`]`(10)`.
///
/// ```
/// use curio_http::{ClientSession, Policy};
///
/// let none = ClientSession::builder().redirect(Policy::none()).build()?;
/// let few = ClientSession::builder().redirect(Policy::limited(3).allow_https_to_http(true)).build()?;
///
/// // Moved for good, and within the host.
/// let same_host = Policy::custom(|attempt| {
///     let begin = &attempt.previous()[0];
///     matches!(attempt.status().as_u16(), 301 | 308) && attempt.url().host_str() == begin.host_str()
/// });
/// let session = ClientSession::builder().redirect(same_host).build()?;
/// # Ok::<(), curio_http::Error>(())
/// ```
#[derive(Clone)]
pub struct Policy {
    rule: Rule,
    https_to_http: bool,
}

#[derive(Clone)]
enum Rule {
    None,
    Limited(usize),
    Custom(Rc<dyn Fn(&Attempt<'_>) -> bool>),
}

impl Policy {
    /// Follows no redirect: the redirect is the response.
    pub fn none() -> Policy {
        Policy { rule: Rule::None, https_to_http: false }
    }

    /// Follows at most `n` in a row; one more is an error of kind [`Redirect`](crate::ErrorKind::Redirect).
    pub fn limited(n: usize) -> Policy {
        Policy { rule: Rule::Limited(n), https_to_http: false }
    }

    /// Calls `follow` for each redirect. If it returns `false`, the redirect is the response. After 100 in a row the
    /// request fails in any case.
    pub fn custom(follow: impl Fn(&Attempt<'_>) -> bool + 'static) -> Policy {
        Policy { rule: Rule::Custom(Rc::new(follow)), https_to_http: false }
    }

    /// Whether a redirect from `https` to `http` is followed. By default it is an error, because the request would be sent
    /// unencrypted.
    pub fn allow_https_to_http(mut self, allow: bool) -> Policy {
        self.https_to_http = allow;
        self
    }

    /// Whether no redirect is followed at all.
    pub(crate) fn follows_none(&self) -> bool {
        matches!(self.rule, Rule::None)
    }

    /// How many redirects in a row are followed before the request fails.
    pub(crate) fn limit(&self) -> usize {
        match self.rule {
            Rule::None => 0,
            Rule::Limited(n) => n,
            Rule::Custom(_) => LONGEST_CHAIN,
        }
    }

    /// What a custom policy says about this redirect; `true` for all others.
    pub(crate) fn allows(&self, attempt: &Attempt<'_>) -> bool {
        match &self.rule {
            Rule::Custom(follow) => follow(attempt),
            Rule::None | Rule::Limited(_) => true,
        }
    }

    pub(crate) fn allows_https_to_http(&self) -> bool {
        self.https_to_http
    }

    pub(crate) fn with_limit(self, n: usize) -> Policy {
        Policy { rule: Rule::Limited(n), ..self }
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::limited(10)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule: &dyn fmt::Debug = match &self.rule {
            Rule::None => &"none",
            Rule::Limited(n) => n,
            Rule::Custom(_) => &"custom",
        };
        f.debug_struct("Policy").field("follow", rule).field("https_to_http", &self.https_to_http).finish()
    }
}

/// A redirect, for a [custom policy](Policy::custom) to decide on: the example of [`Policy`] does.
#[derive(Debug)]
pub struct Attempt<'a> {
    status: StatusCode,
    url: &'a Url,
    previous: &'a [Url],
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(status: StatusCode, url: &'a Url, previous: &'a [Url]) -> Attempt<'a> {
        Attempt { status, url, previous }
    }

    /// The status of the response that redirects.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The URL that it leads to, without user name and password.
    pub fn url(&self) -> &Url {
        self.url
    }

    /// The URLs requested so far, in their order, without user names and passwords. Never empty.
    pub fn previous(&self) -> &[Url] {
        self.previous
    }
}
