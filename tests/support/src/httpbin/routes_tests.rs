//! Routes are pure: a request goes in, a plan comes out.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;

const CONTEXT: Context = Context { https: false, peer: IpAddr::V4(Ipv4Addr::LOCALHOST), number: 0 };

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        headers: [("host", "h:1")].iter().chain(headers).map(own).collect(),
        body: body.to_vec(),
        minor_version: 1,
    }
}

fn get(target: &str) -> Reply {
    reply(&request("GET", target, &[], b""), &CONTEXT)
}

fn get_with(target: &str, name: &str, value: &str) -> Reply {
    reply(&request("GET", target, &[(name, value)], b""), &CONTEXT)
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn bytes(reply: Reply) -> Vec<u8> {
    match reply.body {
        Body::Whole(bytes) => bytes,
        Body::Pieces { pieces, .. } => pieces.flat_map(|piece| piece.bytes).collect(),
    }
}

fn json_of(reply: Reply) -> Value {
    assert_eq!(header(&reply, "Content-Type"), Some("application/json"));
    serde_json::from_slice(&bytes(reply)).unwrap()
}

#[test]
fn get_tells_the_request_back() {
    let request = request("GET", "/get?a=1&a=2&b=x%20y", &[("x-one", "1"), ("X-ONE", "2")], b"");
    let told = json_of(reply(&request, &CONTEXT));
    let expected = json!({
        "args": { "a": ["1", "2"], "b": "x y" },
        "headers": { "Host": "h:1", "X-One": "1,2" },
        "origin": "127.0.0.1",
        "url": "http://h:1/get?a=1&a=2&b=x%20y",
    });
    assert_eq!(told, expected);
}

#[test]
fn a_body_is_told_back_as_what_it_is() {
    let told = |content_type, body: &[u8]| {
        json_of(reply(&request("POST", "/post", &[("content-type", content_type)], body), &CONTEXT))
    };
    assert_eq!(told("application/json", br#"{"a":[1]}"#)["json"], json!({ "a": [1] }));
    assert_eq!(told("text/plain", b"a=1")["data"], "a=1");
    assert_eq!(told("text/plain", b"a=1")["json"], Value::Null);
    assert_eq!(
        told("application/x-www-form-urlencoded; charset=x", b"a=1&a=2&b")["form"],
        json!({"a": ["1", "2"], "b": ""})
    );
    assert_eq!(told("", b"\xff\x00")["data"], "data:application/octet-stream;base64,/wA=");
    let form = b"--b\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\nhi\r\n--b--\r\n";
    assert_eq!(told("multipart/form-data; boundary=b", form)["files"], json!({ "f": "hi" }));
}

#[test]
fn anything_takes_every_method_and_path() {
    for target in ["/anything", "/anything/", "/anything/a/b?c=d"] {
        let told = json_of(reply(&request("BREW", target, &[], b""), &CONTEXT));
        assert_eq!(told["method"], "BREW");
        assert_eq!(told["url"], format!("http://h:1{target}"));
    }
}

#[test]
fn unknown_paths_and_methods_are_refused() {
    assert_eq!(get("/nowhere").status, 404);
    assert_eq!(get("/get/more").status, 404);
    let refused = reply(&request("POST", "/get", &[], b""), &CONTEXT);
    assert_eq!((refused.status, header(&refused, "Allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(reply(&request("HEAD", "/get", &[], b""), &CONTEXT).status, 200);
    assert_eq!(reply(&request("OPTIONS", "/post", &[], b""), &CONTEXT).status, 200);
}

#[test]
fn the_index_names_every_route() {
    let page = String::from_utf8(bytes(get("/"))).unwrap();
    assert!(ROUTES.iter().all(|route| page.contains(route.path)));
}

#[test]
fn a_delay_is_a_plan_and_not_a_sleep() {
    assert_eq!(get("/delay/1.5").wait, Duration::from_millis(1500));
    for bad in ["/delay/x", "/delay/-1", "/delay/NaN", "/delay/inf", "/delay/1e9"] {
        assert_eq!(get(bad).status, 400, "{bad}");
    }
}

#[test]
fn several_statuses_take_turns() {
    let status =
        |number| reply(&request("GET", "/status/200,503", &[], b""), &Context { number, ..CONTEXT }).status;
    assert_eq!([status(0), status(1), status(2)], [200, 503, 200]);
    assert_eq!(header(&get("/status/301"), "Location"), Some("/redirect/1"));
    for bad in ["/status/abc", "/status/", "/status/99", "/status/100", "/status/1000", "/status/200,x"] {
        assert_eq!(get(bad).status, 400, "{bad}");
    }
}

#[test]
fn redirects_lead_to_get() {
    let location = |target| header(&get(target), "Location").map(str::to_owned);
    assert_eq!(location("/redirect/2").as_deref(), Some("/relative-redirect/1"));
    assert_eq!(location("/relative-redirect/1").as_deref(), Some("/get"));
    assert_eq!(location("/absolute-redirect/3").as_deref(), Some("http://h:1/absolute-redirect/2"));
    assert_eq!(location("/redirect/1?absolute=true").as_deref(), Some("http://h:1/get"));
    let to = get("/redirect-to?url=http%3A%2F%2Fx%2F%3Fy&status_code=307");
    assert_eq!((to.status, header(&to, "Location")), (307, Some("http://x/?y")));
    assert_eq!(get("/redirect/0").status, 404);
    assert_eq!(get("/redirect-to").status, 400);
    assert_eq!(get("/redirect-to?url=x&status_code=200").status, 400);
}

#[test]
fn bytes_are_the_same_for_the_same_seed() {
    let some = bytes(get("/bytes/40000?seed=7"));
    assert_eq!(some.len(), 40_000);
    assert!(some == bytes(get("/stream-bytes/40000?seed=7&chunk_size=33")));
    assert!(some != bytes(get("/bytes/40000?seed=8")));
    assert_eq!(bytes(get("/bytes/0")), b"");
    assert_eq!(get("/bytes/1073741825").status, 400);
}

#[test]
fn a_stream_is_a_line_of_json_each() {
    let lines = String::from_utf8(bytes(get("/stream/3"))).unwrap();
    let ids: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].take()).collect();
    assert_eq!(ids, [0, 1, 2]);
}

#[test]
fn a_drip_takes_its_time() {
    let reply = get("/drip?duration=2&numbytes=4&code=202&delay=1");
    assert_eq!((reply.status, reply.wait), (202, Duration::from_secs(1)));
    let Body::Pieces { length, pieces } = reply.body else { panic!("a drip is made of pieces") };
    assert_eq!(length, Some(4));
    let waits: Vec<Duration> = pieces.map(|piece| piece.wait).collect();
    assert_eq!(waits, [0, 500, 500, 500].map(Duration::from_millis));
    assert_eq!(bytes(get("/drip?numbytes=100000&duration=1")).len(), 100_000);
    assert_eq!(bytes(get("/drip?numbytes=0")), b"");
}

#[test]
fn a_range_is_a_part() {
    let part = get_with("/range/30", "Range", "bytes=24-27");
    assert_eq!((part.status, header(&part, "Content-Range")), (206, Some("bytes 24-27/30")));
    assert_eq!(bytes(part), b"yzab");
    assert_eq!(get("/range/30").status, 200);
    assert_eq!(get_with("/range/30", "Range", "bytes=30-").status, 416);
    assert_eq!(get("/range/0").status, 404);
}

#[test]
fn compressed_answers_say_so_and_are() {
    use std::io::Read;
    let gzip = get("/gzip");
    assert_eq!(header(&gzip, "Content-Encoding"), Some("gzip"));
    let mut plain = String::new();
    flate2::read::GzDecoder::new(&bytes(gzip)[..]).read_to_string(&mut plain).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&plain).unwrap()["gzipped"], true);
    let mut plain = String::new();
    flate2::read::ZlibDecoder::new(&bytes(get("/deflate"))[..]).read_to_string(&mut plain).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&plain).unwrap()["deflated"], true);
}

#[test]
fn cookies_are_shown_set_and_deleted() {
    assert_eq!(
        json_of(get_with("/cookies", "Cookie", "a=1; b=x=y")),
        json!({"cookies": {"a": "1", "b": "x=y"}})
    );
    let set = get("/cookies/set?a=1&b=2");
    assert_eq!((set.status, header(&set, "Location")), (302, Some("/cookies")));
    let cookies: Vec<&str> = set
        .headers
        .iter()
        .filter(|(name, _)| name == "Set-Cookie")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2; Path=/"]);
    assert_eq!(header(&get("/cookies/set/a/1"), "Set-Cookie"), Some("a=1; Path=/"));
    let https = Context { https: true, ..CONTEXT };
    let secure = reply(&request("GET", "/cookies/set/a/1", &[], b""), &https);
    assert_eq!(header(&secure, "Set-Cookie"), Some("a=1; Path=/; Secure"));
    assert!(
        header(&get("/cookies/delete?a"), "Set-Cookie").unwrap().starts_with("a=; Expires=Thu, 01 Jan 1970")
    );
}

#[test]
fn only_the_right_password_opens() {
    let right = format!("bAsIc {}", super::super::base64::encode(b"u:p:q"));
    assert_eq!(
        json_of(get_with("/basic-auth/u/p%3Aq", "Authorization", &right)),
        json!({"authenticated": true, "user": "u"})
    );
    for wrong in ["", "Basic", "Basic dTp4", "Basic %", "Bearer dTpwOnE="] {
        assert_eq!(get_with("/basic-auth/u/p:q", "Authorization", wrong).status, 401, "{wrong:?}");
        assert_eq!(get_with("/hidden-basic-auth/u/p:q", "Authorization", wrong).status, 404, "{wrong:?}");
    }
    assert!(header(&get("/basic-auth/u/p"), "WWW-Authenticate").is_some());
    assert_eq!(json_of(get_with("/bearer", "Authorization", "Bearer t"))["token"], "t");
    assert_eq!(get("/bearer").status, 401);
}

#[test]
fn conditions_are_checked() {
    assert_eq!(get("/etag/e").status, 200);
    assert_eq!(header(&get("/etag/e"), "ETag"), Some("\"e\""));
    assert_eq!(get_with("/etag/e", "If-None-Match", "\"x\", W/\"e\"").status, 304);
    assert_eq!(get_with("/etag/e", "If-Match", "\"x\"").status, 412);
    assert_eq!(get("/cache").status, 200);
    assert_eq!(get_with("/cache", "If-Modified-Since", "now").status, 304);
    assert_eq!(header(&get("/cache/60"), "Cache-Control"), Some("public, max-age=60"));
}

#[test]
fn response_headers_are_sent_and_told() {
    let reply = get("/response-headers?X=1&X=2&Y=z");
    assert_eq!(reply.headers.iter().filter(|(name, _)| name == "X").count(), 2);
    assert_eq!(json_of(reply), json!({"Content-Type": "application/json", "X": ["1", "2"], "Y": "z"}));
    assert_eq!(get("/response-headers?content-LENGTH=1").status, 400);
}

#[test]
fn the_other_bodies() {
    assert_eq!(bytes(get("/base64/aGVsbG8=")), b"hello");
    assert_eq!(get("/base64/!").status, 400);
    assert!(json_of(get("/json"))["slideshow"]["slides"].is_array());
    assert!(bytes(get("/html")).starts_with(b"<!DOCTYPE html>"));
    assert!(bytes(get("/xml")).starts_with(b"<?xml"));
    assert!(String::from_utf8(bytes(get("/encoding/utf8"))).unwrap().contains("🚀"));
    let links = String::from_utf8(bytes(get("/links/3/1"))).unwrap();
    assert_eq!(links.matches("<a href").count(), 2);
}

#[test]
fn events_are_numbered_on_from_the_last_one_that_was_seen() {
    let reply = get_with("/sse?count=2", "last-event-id", "5");
    assert_eq!(header(&reply, "Content-Type"), Some("text/event-stream"));
    let text = String::from_utf8(bytes(reply)).unwrap();
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids, ["6", "7"]);
}

#[test]
fn robots_are_told_what_to_leave_alone() {
    let rules = String::from_utf8(bytes(get("/robots.txt"))).unwrap();
    assert_eq!(rules, "User-agent: *\nDisallow: /deny\n");
    assert_eq!(get("/deny").status, 200);
}
