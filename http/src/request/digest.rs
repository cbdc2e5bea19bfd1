//! Digest authentication (RFC 7616), which proves knowledge of a password without sending it.
//!
//! The server's first response is a 401 with a *challenge*: the realm, a nonce, and the name of a hash algorithm. The
//! request is sent again with a hash of the password, all of these, the method, the request target, and a nonce of the
//! client. The hash is valid for this one request. A nonce may be used for many requests if they are counted, so the
//! session keeps the last challenge of each origin, and only the first request to an origin is sent twice.
//!
//! Supported are MD5 and SHA-256, each also in its `-sess` form, with `qop=auth` or without `qop` as in RFC 2069. Of several
//! challenges the one with the better hash is answered. `auth-int`, which hashes the body, too, is rare and not supported.

use crate::encoding::hex;
use crate::encoding::quoted_string::{self, Quoted};
use crate::error::{Error, ErrorKind};
use crate::random::random_u64;
use crate::url::Url;
use http::header::{GetAll, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method};
use md5::{Digest, Md5};
use sha2::Sha256;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;

/// How many origins' challenges are kept.
const MOST_ORIGINS: usize = 64;

/// A user name, and a password that is never sent itself.
#[derive(Clone)]
pub(crate) struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    pub(crate) fn new(user: &str, password: &str) -> Result<Credentials, Error> {
        // The name goes into a header field, in quotes.
        if user.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorKind::Request,
                "a user name with a control character cannot be sent",
            ));
        }
        Ok(Credentials { user: user.into(), password: password.into() })
    }
}

/// The last challenge of each origin or proxy, and how often it has been answered.
#[derive(Default)]
pub(crate) struct DigestStore {
    known: RefCell<HashMap<Box<str>, (Challenge, u32)>>,
}

impl DigestStore {
    /// The `Authorization` field for a request to `url`, if its origin has sent a challenge before.
    pub(crate) fn authorization(
        &self,
        credentials: &Credentials,
        method: &Method,
        url: &Url,
    ) -> Option<HeaderValue> {
        self.answer(&url.origin(), credentials, method, url.target())
    }

    /// The answer to the last challenge of `whom`, an origin or a proxy, if there was one; `target` is what is requested.
    pub(crate) fn answer(
        &self,
        whom: &str,
        credentials: &Credentials,
        method: &Method,
        target: &str,
    ) -> Option<HeaderValue> {
        let mut known = self.known.borrow_mut();
        let (challenge, uses) = known.get_mut(whom)?;
        *uses = uses.saturating_add(1);
        let fresh = format!("{:016x}", random_u64());
        // The key of a session is bound to its first cnonce (RFC 7616 §3.4.2), so all of its requests use that one.
        let ours = if challenge.session { challenge.cnonce.get_or_insert(fresh).clone() } else { fresh };
        let answer = challenge.answer(credentials, method.as_str(), target, *uses, &ours);
        let mut answer = HeaderValue::try_from(answer).ok()?;
        answer.set_sensitive(true);
        Some(answer)
    }

    /// Stores the challenge of a 401 response to a request to `url`. `challenges` counts the challenges of that request.
    /// `false`: there is no supported challenge, or the request has answered one already, so the user name or the password
    /// is wrong.
    pub(crate) fn take_challenge(&self, url: &Url, headers: &HeaderMap, challenges: &mut u16) -> bool {
        self.take(&url.origin(), headers.get_all(WWW_AUTHENTICATE), challenges)
    }

    /// The same for a challenge of a proxy, in a 407 response.
    pub(crate) fn take_proxy_challenge(
        &self,
        proxy: &str,
        headers: &HeaderMap,
        challenges: &mut u16,
    ) -> bool {
        self.take(proxy, headers.get_all(PROXY_AUTHENTICATE), challenges)
    }

    fn take(&self, whom: &str, fields: GetAll<'_, HeaderValue>, challenges: &mut u16) -> bool {
        let Some(challenge) = best_challenge(fields) else { return false };
        if *challenges > 1 || (*challenges == 1 && !challenge.stale) {
            return false;
        }
        *challenges += 1;
        let mut known = self.known.borrow_mut();
        if known.len() >= MOST_ORIGINS {
            known.clear();
        }
        known.insert(whom.into(), (challenge, 0));
        true
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Hash {
    Md5,
    Sha256,
}

impl Hash {
    /// In hexadecimal digits.
    fn of(self, text: &str) -> String {
        match self {
            Hash::Md5 => hex::encode(&Md5::digest(text)),
            Hash::Sha256 => hex::encode(&Sha256::digest(text)),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Challenge {
    hash: Hash,
    /// The name of the algorithm as the server sent it; `None` if it sent none, which means MD5.
    algorithm: Option<String>,
    /// The password's hash is bound to this nonce too (`-sess`), and to the cnonce of the first request.
    session: bool,
    cnonce: Option<String>,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// Whether the requests are counted (`qop=auth`).
    counted: bool,
    /// The last answer was correct, but its nonce too old.
    stale: bool,
}

impl Challenge {
    /// From the parameters of one challenge; `None` if it is not supported.
    fn new(parameters: Vec<(String, String)>) -> Option<Challenge> {
        let get = |wanted: &str| {
            parameters
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.clone())
        };
        let algorithm = get("algorithm");
        let (hash, session) = match algorithm.as_deref().unwrap_or("MD5").to_ascii_lowercase().as_str() {
            "md5" => (Hash::Md5, false),
            "md5-sess" => (Hash::Md5, true),
            "sha-256" => (Hash::Sha256, false),
            "sha-256-sess" => (Hash::Sha256, true),
            _ => return None,
        };
        let counted = match get("qop") {
            Some(qop) if qop.split(',').any(|option| option.trim().eq_ignore_ascii_case("auth")) => true,
            // An empty list is none at all.
            Some(qop) if !qop.trim().is_empty() => return None,
            Some(_) | None => false,
        };
        Some(Challenge {
            hash,
            algorithm,
            session,
            cnonce: None,
            realm: get("realm")?,
            nonce: get("nonce")?,
            opaque: get("opaque"),
            counted,
            stale: get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The value of the `Authorization` field (RFC 7616 §3.4).
    fn answer(&self, credentials: &Credentials, method: &str, target: &str, uses: u32, ours: &str) -> String {
        let (user, realm, nonce) = (&credentials.user, &self.realm, &self.nonce);
        let mut secret = self.hash.of(&format!("{user}:{realm}:{}", credentials.password));
        if self.session {
            secret = self.hash.of(&format!("{secret}:{nonce}:{ours}"));
        }
        let what = self.hash.of(&format!("{method}:{target}"));
        let response = if self.counted {
            self.hash.of(&format!("{secret}:{nonce}:{uses:08x}:{ours}:auth:{what}"))
        } else {
            self.hash.of(&format!("{secret}:{nonce}:{what}"))
        };
        let mut answer = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            Quoted(user),
            Quoted(realm),
            Quoted(nonce),
            Quoted(target)
        );
        // Writing to a string does not fail.
        if let Some(algorithm) = &self.algorithm {
            let _ = write!(answer, ", algorithm={algorithm}");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(answer, ", opaque={}", Quoted(opaque));
        }
        if self.counted {
            let _ = write!(answer, ", qop=auth, nc={uses:08x}");
        }
        if self.counted || self.session {
            let _ = write!(answer, ", cnonce=\"{ours}\"");
        }
        answer
    }
}

/// The supported challenge with the best hash.
fn best_challenge(fields: GetAll<'_, HeaderValue>) -> Option<Challenge> {
    let texts = fields.iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    let mut best: Option<Challenge> = None;
    for (scheme, parameters) in texts.flat_map(challenges) {
        if scheme.eq_ignore_ascii_case("digest")
            && let Some(challenge) = Challenge::new(parameters)
            && best.as_ref().is_none_or(|best| challenge.hash > best.hash)
        {
            best = Some(challenge);
        }
    }
    best
}

/// Parses a list of challenges (RFC 9110 §11.6.1). Commas separate parameters and challenges alike: a word that is
/// not followed by `=` begins a new challenge.
fn challenges(text: &str) -> Vec<(&str, Vec<(String, String)>)> {
    let mut found: Vec<(&str, Vec<(String, String)>)> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        if let Some(value) = behind.trim_start_matches([' ', '\t']).strip_prefix('=') {
            let value = value.trim_start_matches([' ', '\t']);
            let Some((value, behind)) = quoted_string::split(value, &[' ', '\t', ',']) else { return found };
            if let Some((_, parameters)) = found.last_mut() {
                parameters.push((word.into(), value));
            }
            rest = behind;
        } else if word.is_empty() {
            // The end, or something that no grammar allows.
            return found;
        } else {
            found.push((word, Vec::new()));
            rest = behind;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

    fn best(values: &[&'static str]) -> Option<Challenge> {
        let values = values.iter().map(|value| (WWW_AUTHENTICATE, HeaderValue::from_static(value)));
        best_challenge(HeaderMap::from_iter(values).get_all(WWW_AUTHENTICATE))
    }

    fn mufasa() -> Credentials {
        Credentials::new("Mufasa", "Circle of Life").expect("a plain name")
    }

    /// The example of RFC 7616 §3.9.1.
    #[test]
    fn the_answers_are_those_of_the_rfc() {
        let ours = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let challenge = best(&[CHALLENGE]).expect("a challenge");
        let answer = challenge.answer(&mufasa(), "GET", "/dir/index.html", 1, ours);
        let sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert!(answer.contains(&format!("response=\"{sha256}\"")), "{answer}");
        assert!(answer.contains("nc=00000001") && answer.contains("algorithm=SHA-256"), "{answer}");
        let challenge = Challenge { hash: Hash::Md5, algorithm: Some("MD5".into()), ..challenge };
        let answer = challenge.answer(&mufasa(), "GET", "/dir/index.html", 1, ours);
        assert!(answer.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""), "{answer}");
    }

    /// The example of RFC 2617 §3.5, without qop as RFC 2069 has it.
    #[test]
    fn a_challenge_without_qop_is_answered_the_old_way() {
        let challenge =
            best(&["Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""]);
        let credentials = Credentials::new("Mufasa", "Circle Of Life").expect("a plain name");
        let answer = challenge.expect("a challenge").answer(&credentials, "GET", "/dir/index.html", 1, "x");
        assert!(answer.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{answer}");
        assert!(
            !answer.contains("cnonce") && !answer.contains("qop") && !answer.contains("algorithm"),
            "{answer}"
        );
    }

    /// RFC 7616 §3.4.2: the key of a session is made of the cnonce of its first request.
    #[test]
    fn the_requests_of_a_session_share_one_cnonce_and_others_do_not() {
        let url = Url::parse("http://h/").expect("a URL");
        let cnonces = |algorithm: &str| {
            let store = DigestStore::default();
            let challenge = format!("Digest realm=\"r\", qop=\"auth\", nonce=\"n\", algorithm={algorithm}");
            let value = HeaderValue::try_from(challenge).expect("a challenge");
            assert!(store.take_challenge(&url, &HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]), &mut 0));
            [(); 2].map(|()| {
                let answer = store.authorization(&mufasa(), &Method::GET, &url).expect("an answer");
                let answer = answer.to_str().expect("text").to_owned();
                answer.split_once("cnonce=").expect("a cnonce").1.to_owned()
            })
        };
        for algorithm in ["MD5-sess", "SHA-256-sess"] {
            let [first, second] = cnonces(algorithm);
            assert_eq!(first, second);
        }
        let [first, second] = cnonces("SHA-256");
        assert_ne!(first, second);
    }

    #[test]
    fn an_empty_qop_is_none() {
        let challenge = best(&["Digest realm=\"r\", nonce=\"1\", qop=\"\""]).expect("a challenge");
        assert!(!challenge.counted);
    }

    #[test]
    fn of_several_challenges_the_better_hash_is_taken() {
        let md5 = "Basic realm=\"a, b\", Digest realm=\"r\", nonce=\"1\", algorithm=MD5, Negotiate";
        let sha = "Digest nonce=\"2\", realm=\"r\", algorithm=sha-256, Digest nonce=\"3\", realm=\"r\"";
        let unknown = "Digest realm=\"r\", nonce=\"4\", algorithm=SHA-512-256";
        assert_eq!(best(&[md5]).expect("one").nonce, "1");
        assert_eq!(best(&[md5, sha, unknown]).expect("one").nonce, "2");
        assert_eq!(best(&[unknown, "Basic realm=x"]), None);
    }

    #[test]
    fn quotes_in_values_are_taken_off_and_put_on() {
        let challenge =
            best(&[r#"Digest realm="a \"b\" \\c" , nonce = "n,=" , stale=TRUE"#]).expect("a challenge");
        assert_eq!((&*challenge.realm, &*challenge.nonce, challenge.stale), (r#"a "b" \c"#, "n,=", true));
        assert!(challenge.answer(&mufasa(), "GET", "/", 1, "x").contains(r#"realm="a \"b\" \\c""#));
    }

    #[test]
    fn damaged_challenges_end_quietly() {
        for text in [
            "Digest realm=\"r",
            "Digest =",
            "\"",
            "Digest nonce=\"x\"",
            ",,,",
            "=",
            "Digest qop=\"auth-int\", realm=a, nonce=b",
            "Digest realm=\"\\",
        ] {
            let value = HeaderValue::from_str(text).expect("a value");
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]);
            assert_eq!(best_challenge(headers.get_all(WWW_AUTHENTICATE)), None, "{text}");
        }
    }
}
