//! Proxies from environment variables, by curl's rules.
//!
//! `HTTP_PROXY` in capitals is never read, because a web server that runs CGI programs passes the `Proxy:` field of a request
//! to them under just that name ("httpoxy", CVE-2016-5386). Where the names of variables are not case-sensitive, as on
//! Windows, a CGI program does not read `http_proxy` either. A malformed value is an error and not ignored: the traffic was
//! meant to go through a proxy, so it must not go elsewhere without notice.
//!
//! Looking up a variable compares its name with those of all others, which is a considerable part of the cost of a session
//! for a single request. So only the variables for the scheme of the request are read.

use super::address::Proxy;
use super::bypass::Bypass;
use crate::error::{Error, ErrorKind};
use std::ffi::OsString;
use std::rc::Rc;

/// For `http` URLs; the first that is set and not empty.
const FOR_HTTP: [&str; 3] = ["http_proxy", "all_proxy", "ALL_PROXY"];
/// For `https` URLs.
const FOR_HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Hosts that are connected to directly.
const BYPASS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The variables for one scheme.
#[derive(Default, Debug)]
pub(super) struct Environment {
    proxy: Option<Variable>,
    pub(super) bypass: Bypass,
}

#[derive(Clone, Debug)]
struct Variable {
    name: &'static str,
    /// Or why its value is malformed.
    proxy: Result<Rc<Proxy>, String>,
}

impl Environment {
    /// Reads the variables for `https` or else `http` with `get`. Without a proxy it does not matter who needs none.
    pub(super) fn read(get: impl Fn(&str) -> Option<OsString>, https: bool) -> Environment {
        let proxy = Variable::of_proxy(&get, https);
        let bypass = if proxy.is_some() { read_bypass(&get) } else { Bypass::default() };
        Environment { proxy, bypass }
    }

    /// The same, for a session that has proxies for some requests.
    pub(super) fn read_all(get: impl Fn(&str) -> Option<OsString>, https: bool) -> Environment {
        Environment { proxy: Variable::of_proxy(&get, https), bypass: read_bypass(&get) }
    }

    /// Only the hosts that need no proxy, for a session that has one.
    pub(super) fn only_bypass(get: impl Fn(&str) -> Option<OsString>) -> Environment {
        Environment { proxy: None, bypass: read_bypass(&get) }
    }

    /// Whether it says nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.proxy.is_none() && self.bypass.is_empty()
    }

    /// The proxy, for any host.
    ///
    /// # Errors
    /// Of kind [`Proxy`](ErrorKind::Proxy), naming the variable, if its value is not the URL of a proxy.
    pub(super) fn proxy(&self) -> Result<Option<Rc<Proxy>>, Error> {
        let Some(variable) = &self.proxy else { return Ok(None) };
        match &variable.proxy {
            Ok(proxy) => Ok(Some(Rc::clone(proxy))),
            Err(why) => {
                let what = format!("using the environment variable {}", variable.name);
                Err(Error::new(ErrorKind::Proxy, what).because(why.as_str()))
            }
        }
    }
}

impl Variable {
    /// The first that is set and not empty.
    fn of_proxy(get: &impl Fn(&str) -> Option<OsString>, https: bool) -> Option<Variable> {
        // CGI programs have this variable (RFC 3875 §4.1.12).
        let httpoxy = cfg!(windows) && get("REQUEST_METHOD").is_some();
        let names: &[&'static str] = if https { &FOR_HTTPS } else { &FOR_HTTP };
        let names = names.iter().filter(|name| !httpoxy || **name != "http_proxy");
        let (name, value) = names
            .map(|name| (*name, get(name)))
            .find_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))?;
        Some(Variable { name, proxy: parse(value) })
    }
}

fn read_bypass(get: &impl Fn(&str) -> Option<OsString>) -> Bypass {
    let list = BYPASS.iter().find_map(|name| get(name).filter(|value| !value.is_empty()));
    list.map(|list| Bypass::parse(&list.to_string_lossy())).unwrap_or_default()
}

fn parse(value: OsString) -> Result<Rc<Proxy>, String> {
    let text = value.into_string().map_err(|_| "it is not text".to_owned())?;
    Proxy::parse(text.trim()).map(Rc::new).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], https: bool) -> Environment {
        let get =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Environment::read(get, https)
    }

    fn shown(variables: &[(&str, &str)], https: bool) -> Option<String> {
        with(variables, https).proxy().expect("good values").map(|proxy| proxy.to_string())
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let variables: &[_] = &[("http_proxy", "http://a:1"), ("https_proxy", "http://b:2")];
        assert_eq!(shown(variables, false).as_deref(), Some("http://a:1"));
        assert_eq!(shown(variables, true).as_deref(), Some("http://b:2"));
    }

    #[test]
    fn case_128_http_proxy_in_capitals_is_not_read() {
        let variables: &[_] = &[("HTTP_PROXY", "http://evil:1")];
        assert_eq!((shown(variables, false), shown(variables, true)), (None, None));
    }

    #[test]
    fn https_proxy_and_all_proxy_are_read_in_both_cases_small_letters_first() {
        let variables: &[_] = &[("HTTPS_PROXY", "http://b:2")];
        assert_eq!(shown(variables, true).as_deref(), Some("http://b:2"));
        let variables: &[_] = &[("HTTPS_PROXY", "http://b:2"), ("https_proxy", "http://c:3")];
        assert_eq!(shown(variables, true).as_deref(), Some("http://c:3"));
        let variables: &[_] = &[("ALL_PROXY", "socks5://d:4")];
        assert_eq!(shown(variables, false).as_deref(), Some("socks5://d:4"));
        assert_eq!(shown(variables, true).as_deref(), Some("socks5://d:4"));
        let variables: &[_] = &[("ALL_PROXY", "socks5://d:4"), ("all_proxy", "socks5://e:5")];
        assert_eq!(shown(variables, false).as_deref(), Some("socks5://e:5"));
    }

    #[test]
    fn the_variable_of_the_scheme_comes_before_all_proxy_and_an_empty_one_is_none() {
        let variables: &[_] = &[("all_proxy", "http://d:4"), ("http_proxy", "http://a:1")];
        assert_eq!(shown(variables, false).as_deref(), Some("http://a:1"));
        let variables: &[_] = &[("all_proxy", "http://d:4"), ("http_proxy", "")];
        assert_eq!(shown(variables, false).as_deref(), Some("http://d:4"));
    }

    #[test]
    fn no_proxy_is_read_in_both_cases() {
        for name in ["no_proxy", "NO_PROXY"] {
            let environment = with(&[("http_proxy", "http://a:1"), (name, "x.test")], false);
            assert!(environment.bypass.covers("x.test", 80), "{name}");
        }
    }

    #[test]
    fn a_value_that_makes_no_sense_is_an_error_that_names_the_variable() {
        let environment = with(&[("http_proxy", "gopher://ann:secret@a:1")], false);
        let line = environment.proxy().expect_err("no proxy").to_string();
        assert!(line.contains("http_proxy") && !line.contains("secret"), "{line}");
    }
}
