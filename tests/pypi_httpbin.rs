//! The client, and our httpbin, against the original: PyPI's httpbin under gunicorn.
#![forbid(unsafe_code)]

use std::process::Command;

use curio_http::ClientSession;
use curio_support::peers::PypiHttpbin;
use curio_support::{Failure, Httpbin, example};
use serde_json::Value;

#[test]
fn the_fetch_program_reads_its_json() -> Result<(), Failure> {
    let Some(original) = PypiHttpbin::start()? else { return Ok(()) };
    let output = Command::new(example("fetch")?).arg(original.url("/get?from=curio")).output()?;
    let printed = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with("Status code: 200\nContent: {"), "{printed}");
    assert!(printed.contains("\"from\": \"curio\""), "{printed}");
    Ok(())
}

#[test]
fn it_answers_everything_that_the_client_can_ask() -> Result<(), Failure> {
    let Some(original) = PypiHttpbin::start()? else { return Ok(()) };
    curio::run(async {
        let session = ClientSession::new();
        let mut response = session.get(original.url("/get")).params(&[("a", "1"), ("a", "x y")]).await?;
        assert_eq!(response.json::<Value>().await?["args"]["a"], serde_json::json!(["1", "x y"]));

        let mut response = session.post(original.url("/post")).json(&[1, 2]).await?;
        assert_eq!(response.json::<Value>().await?["json"], serde_json::json!([1, 2]));

        let mut response = session.put(original.url("/put")).form(&[("k", "v&w")]).await?;
        assert_eq!(response.json::<Value>().await?["form"]["k"], "v&w");

        let mut response = session.patch(original.url("/patch")).data("text").await?;
        assert_eq!(response.json::<Value>().await?["data"], "text");

        let mut response = session.get(original.url("/redirect/3")).await?;
        assert_eq!((response.status_code(), response.history().len()), (200, 3));
        assert!(response.json::<Value>().await?["url"].as_str().is_some_and(|url| url.ends_with("/get")));

        for path in ["/gzip", "/deflate"] {
            let mut response = session.get(original.url(path)).await?;
            assert_eq!(response.json::<Value>().await?["method"], "GET", "{path}");
        }

        let mut response = session.get(original.url("/stream/20")).await?;
        let mut lines = response.iter_lines();
        let mut n = 0;
        while let Some(line) = lines.next().await {
            assert_eq!(serde_json::from_str::<Value>(&line?)?["id"], n);
            n += 1;
        }
        assert_eq!(n, 20);

        let response =
            session.get(original.url("/basic-auth/user/pass%20word")).basic_auth("user", Some("pass word"));
        assert_eq!(response.await?.status_code(), 200);
        assert_eq!(session.get(original.url("/status/503")).await?.status_code(), 503);
        assert_eq!(session.head(original.url("/get")).await?.text().await?, "");
        assert_eq!(session.get(original.url("/bytes/5000?seed=1")).await?.binary().await?.len(), 5000);
        Ok(())
    })
}

/// Tests and examples rest on our httpbin: where it answers, it has to answer like the original.
#[test]
fn our_httpbin_answers_in_the_same_shape() -> Result<(), Failure> {
    let Some(original) = PypiHttpbin::start()? else { return Ok(()) };
    curio::run(async {
        let ours = Httpbin::start().await?;
        let session = ClientSession::new();
        for path in [
            "/get?a=1&a=2&b=",
            "/headers",
            "/ip",
            "/user-agent",
            "/anything/x/y?z",
            "/delay/0",
            "/gzip",
            "/deflate",
            "/json",
            "/cookies",
            "/redirect/2",
            "/cookies/set?a=b",
            "/range/26",
            "/base64/aGVsbG8=",
            "/response-headers?X=1",
            "/drip?duration=0&numbytes=3&delay=0",
            "/cache/10",
            "/status/204",
            "/status/404",
            "/basic-auth/u/p",
            "/hidden-basic-auth/u/p",
            "/bearer",
            "/nowhere",
            "/bytes/10?seed=1",
            "/stream/2",
            "/links/4/1",
        ] {
            let (expected, actual) =
                (answer(&session, original.url(path)).await?, answer(&session, ours.url(path)).await?);
            assert_eq!(actual, expected, "{path}");
        }
        ours.close().await;
        Ok(())
    })
}

/// What has to be alike in two answers: the status, the media type of a success, and of a JSON document its shape.
async fn answer(
    session: &ClientSession,
    url: String,
) -> Result<(u16, Option<String>, String), curio_http::Error> {
    let mut response = session.get(url).await?;
    let media_type =
        response.header("content-type").and_then(|value| value.split(';').next()).map(str::to_owned);
    let text = response.text().await?;
    let shape = serde_json::from_str(&text).map_or(String::new(), |value: Value| shape(&value));
    Ok((response.status_code(), media_type.filter(|_| response.ok() && !text.is_empty()), shape))
}

/// A JSON value without its contents: `{"a": [1, 2]}` is `{a:[]}`.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            // Which headers there are depends on the server in front.
            let members = object.iter().filter(|(name, _)| *name != "Content-Length");
            let members: Vec<String> =
                members.map(|(name, value)| format!("{name}:{}", shape(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(_) => "[]".into(),
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
    }
}
