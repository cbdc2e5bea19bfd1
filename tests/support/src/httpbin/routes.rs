//! The table of paths, and the way from a request to its reply.
//!
//! `GET /` shows this table. The files that the table names implement the paths, without sockets and clocks.

use std::net::IpAddr;

use super::reader::Refusal;
use super::reply::{Body, Reply};
use super::request::Request;
use super::{access, bodies, caching, cookies, echo, redirects};

/// What a reply may depend on beside its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// The request came over TLS.
    pub(crate) https: bool,
    /// The client's address.
    pub(crate) peer: IpAddr,
    /// The number of this request, counted by the server from 0.
    pub(crate) number: u64,
}

/// A request on its way through a route.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) context: &'a Context,
    /// What stands in the path where the route has `{}`, decoded.
    pub(crate) params: Vec<String>,
}

impl Call<'_> {
    /// The `index`th placeholder's text; empty when the path ends before it.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// The same as a number; a path that needs one and has none does not exist.
    pub(crate) fn number(&self, index: usize) -> Result<u64, Refusal> {
        let text = self.param(index);
        text.parse().map_err(|_| Refusal::new(404, format!("{text:?} is not a number")))
    }

    /// The URL of a path on this server, as this client names it.
    pub(crate) fn url_of(&self, path: &str) -> String {
        let scheme = if self.context.https { "https" } else { "http" };
        let host = self.request.header("host").unwrap_or("localhost");
        format!("{scheme}://{host}{path}")
    }
}

/// The reply to a request. Every request has one.
pub(crate) fn reply(request: &Request, context: &Context) -> Reply {
    answer(request, context).unwrap_or_else(Reply::from)
}

fn answer(request: &Request, context: &Context) -> Result<Reply, Refusal> {
    let segments = request.segments();
    let Some((route, params)) = ROUTES.iter().find_map(|route| Some((route, route.params(&segments)?)))
    else {
        return Err(Refusal::new(
            404,
            format!("there is no {} here; GET / shows what there is", request.path),
        ));
    };
    let method = request.method.as_str();
    if method == "OPTIONS" && route.methods != ANY {
        return Ok(Reply::empty(200).with("Allow", route.allow()));
    }
    if route.methods != ANY && !route.allows(method) {
        let refused = Reply::from(Refusal::new(405, format!("{method} is not allowed here")));
        return Ok(refused.with("Allow", route.allow()));
    }
    (route.answer)(&Call { request, context, params })
}

struct Route {
    methods: &'static [&'static str],
    /// `{}` stands for one segment of the path, `{*}` at the end for any number of them.
    path: &'static str,
    about: &'static str,
    answer: fn(&Call<'_>) -> Result<Reply, Refusal>,
}

impl Route {
    /// What the placeholders stand for, if this is a path of this route.
    fn params(&self, segments: &[String]) -> Option<Vec<String>> {
        let mut params = Vec::new();
        let mut rest = segments.iter();
        for expected in self.path.trim_start_matches('/').split('/') {
            match (expected, rest.next()) {
                ("{*}", first) => {
                    params.extend(first.into_iter().chain(rest).cloned());
                    return Some(params);
                }
                ("{}", Some(segment)) => params.push(segment.clone()),
                (_, Some(segment)) if expected == segment => {}
                _ => return None,
            }
        }
        rest.next().is_none().then_some(params)
    }

    fn allows(&self, method: &str) -> bool {
        self.methods.contains(&method) || (method == "HEAD" && self.methods == GET)
    }

    fn allow(&self) -> String {
        let mut methods = self.methods.to_vec();
        if self.methods == GET {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }
}

/// `GET /`: what there is.
fn index(_: &Call<'_>) -> Result<Reply, Refusal> {
    let mut page = String::from("An httpbin on Curio sockets. It answers:\n\n");
    for route in ROUTES {
        let methods = if route.methods == ANY { "any".to_owned() } else { route.methods.join(", ") };
        page += &format!("{methods:7} {:36} {}\n", route.path, route.about);
    }
    Ok(Reply { body: Body::Whole(page.into_bytes()), ..Reply::empty(200) }
        .with("Content-Type", "text/plain; charset=utf-8"))
}

const GET: &[&str] = &["GET"];
const ANY: &[&str] = &[];

const fn get(
    path: &'static str,
    about: &'static str,
    answer: fn(&Call<'_>) -> Result<Reply, Refusal>,
) -> Route {
    Route { methods: GET, path, about, answer }
}

const fn any(
    path: &'static str,
    about: &'static str,
    answer: fn(&Call<'_>) -> Result<Reply, Refusal>,
) -> Route {
    Route { methods: ANY, path, about, answer }
}

const fn only(methods: &'static [&'static str], path: &'static str) -> Route {
    Route { methods, path, about: "the request, told back, with its body", answer: echo::with_body }
}

const ROUTES: &[Route] = &[
    get("/", "this page", index),
    get("/get", "the request, told back", echo::get),
    only(&["POST"], "/post"),
    only(&["PUT"], "/put"),
    only(&["PATCH"], "/patch"),
    only(&["DELETE"], "/delete"),
    any("/anything/{*}", "any request, told back, with its method and body", echo::anything),
    get("/headers", "the request's headers", echo::headers),
    get("/ip", "the client's address", echo::ip),
    get("/user-agent", "the User-Agent header", echo::user_agent),
    any("/delay/{}", "the request, told back after so many seconds (fractions too)", echo::delay),
    any("/status/{}", "a status; of several (N,N,…) one after the other", echo::status),
    any("/redirect/{}", "so many redirects, then /get; ?absolute=true", redirects::redirect),
    any("/relative-redirect/{}", "the same with a path in Location", redirects::relative),
    any("/absolute-redirect/{}", "the same with a URL in Location", redirects::absolute),
    any("/redirect-to", "?url=…&status_code=302", redirects::to),
    get("/bytes/{}", "so many pseudo-random bytes; ?seed=", bodies::bytes),
    get("/stream-bytes/{}", "the same in chunks; ?seed=&chunk_size=", bodies::stream_bytes),
    get("/stream/{}", "so many lines of JSON, in chunks", bodies::stream),
    get("/drip", "bytes spread over time; ?duration=2&numbytes=10&code=200&delay=0", bodies::drip),
    get("/range/{}", "so many letters; understands Range; ?duration=&chunk_size=", bodies::range),
    get("/gzip", "JSON, compressed with gzip", bodies::gzip),
    get("/deflate", "JSON, compressed with deflate", bodies::deflate),
    get("/html", "an HTML page", bodies::html),
    get("/robots.txt", "what robots are asked to leave alone: /deny", bodies::robots),
    get("/deny", "what they are to leave alone", bodies::deny),
    get("/sse", "events; ?count=10&pause=0; goes on after Last-Event-ID", bodies::events),
    get("/json", "a JSON document", bodies::json),
    get("/xml", "an XML document", bodies::xml),
    get("/encoding/utf8", "text from many scripts, in UTF-8", bodies::utf8),
    get("/base64/{}", "what this base64 stands for", bodies::base64),
    get("/links/{}/{}", "a page with so many links, but for the second number", bodies::links),
    get("/cookies", "the cookies that were sent", cookies::show),
    get("/cookies/set", "sets the query's names and values as cookies", cookies::set),
    get("/cookies/set/{}/{}", "sets one cookie", cookies::set_one),
    get("/cookies/delete", "deletes the cookies that the query names", cookies::delete),
    get("/basic-auth/{}/{}", "asks for this user and password (401)", access::basic),
    get("/hidden-basic-auth/{}/{}", "the same, but denies that it exists (404)", access::hidden_basic),
    get("/bearer", "asks for any bearer token", access::bearer),
    get("/response-headers", "sends the query's names and values as headers", caching::response_headers),
    get("/cache", "304 if the request has If-Modified-Since or If-None-Match", caching::cache),
    get("/cache/{}", "Cache-Control with so many seconds", caching::cache_for),
    get("/etag/{}", "has this ETag; understands If-None-Match and If-Match", caching::etag),
];

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
