//! HTTP/2 with servers of other authors: nginx, and hypercorn with httpbin.
#![cfg(feature = "http2")]

use curio_http::{ClientSession, ClientSessionBuilder};
use curio_support::peers::{Hypercorn, Nginx};
use serde_json::Value;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

fn trusting(pem: &str) -> ClientSessionBuilder {
    ClientSession::builder().only_root_certificates(pem).trust_env(false)
}

#[test]
fn nginx_serves_many_requests_on_one_connection() -> Outcome {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = trusting(nginx.ca_pem()).build()?;
        // More than nginx allows at a time (128), and fewer than it allows on one connection (1000).
        let tasks: Vec<_> = (0..300)
            .map(|_| {
                let request = session.get(nginx.http2_url("/small.json"));
                curio::spawn(async move {
                    let mut response = request.await?;
                    let json: Value = response.json().await?;
                    Ok::<_, curio_http::Error>((response.version(), response.remote_addr(), json))
                })
            })
            .collect();
        for task in tasks {
            let (version, _, json) = task.join().await??;
            assert_eq!((version, json["server"].as_str()), (http::Version::HTTP_2, Some("nginx")));
        }
        session.close().await;
        Ok(())
    })
}

#[test]
fn nginx_ends_its_connection_after_a_thousand_requests_and_none_is_lost() -> Outcome {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = trusting(nginx.ca_pem()).build()?;
        let group = curio::TaskGroup::new();
        for _ in 0..4 {
            let (session, url) = (session.clone(), nginx.http2_url("/small.json"));
            group.spawn(async move {
                for _ in 0..600 {
                    let mut response = session.get(&*url).await?;
                    response.binary().await?;
                }
                Ok::<_, curio_http::Error>(())
            });
        }
        group.try_join().await?;
        Ok(())
    })
}

#[test]
fn nginx_sends_and_takes_large_bodies() -> Outcome {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = trusting(nginx.ca_pem()).build()?;
        let mut big = session.get(nginx.http2_url("/big.bin")).await?;
        let bytes = big.binary().await?;
        assert_eq!(bytes.len(), Nginx::BIG);
        assert!(bytes.iter().enumerate().all(|(i, byte)| *byte == (i % 251) as u8));
        let mut text = session.get(nginx.http2_url("/text.txt")).await?;
        assert_eq!(text.text().await?, "ten bytes.".repeat(10_000));
        let mut length = session.post(nginx.http2_url("/length")).body(vec![1; 900_000]).await?;
        assert_eq!(length.text().await?, "900000");
        // It refuses this one by its length, without reading it.
        let refused = session.post(nginx.http2_url("/length")).body(vec![1; 3_000_000]).await?;
        assert_eq!(refused.status_code(), 413);
        let head = session.head(nginx.http2_url("/big.bin")).await?;
        assert_eq!(head.content_length(), Some(Nginx::BIG as u64));
        let moved = session.get(nginx.http2_url("/moved")).await?;
        assert_eq!((moved.status_code(), moved.history().len()), (200, 1));
        Ok(())
    })
}

#[test]
fn hypercorn_speaks_it_by_alpn() -> Outcome {
    let Some(hypercorn) = Hypercorn::start()? else { return Ok(()) };
    curio::run(async {
        let session = trusting(hypercorn.ca_pem()).build()?;
        exchanges(&session, &|path| hypercorn.https_url(path)).await?;
        let http1 = trusting(hypercorn.ca_pem()).http2(false).build()?;
        assert_eq!(http1.get(hypercorn.https_url("/get")).await?.http_version(), "1.1");
        Ok(())
    })
}

#[test]
fn hypercorn_speaks_it_by_prior_knowledge() -> Outcome {
    let Some(hypercorn) = Hypercorn::start()? else { return Ok(()) };
    curio::run(async {
        let session = ClientSession::builder().http2_prior_knowledge().trust_env(false).build()?;
        exchanges(&session, &|path| hypercorn.http_url(path)).await
    })
}

/// What the features of a client come to on a server that reports what it has received.
async fn exchanges(session: &ClientSession, url: &dyn Fn(&str) -> String) -> Outcome {
    let mut get = session.get(url("/get?a=1")).header("X-Mine", "yes").await?;
    assert_eq!(get.http_version(), "2");
    let seen: Value = get.json().await?;
    assert_eq!((seen["args"]["a"].as_str(), seen["headers"]["X-Mine"].as_str()), (Some("1"), Some("yes")));
    let mut post = session.post(url("/post")).json(&[1, 2, 3]).await?;
    assert_eq!(post.json::<Value>().await?["json"], serde_json::json!([1, 2, 3]));
    let reader = curio_http::Body::from_reader(futures_util::io::Cursor::new(vec![b'x'; 200_000]));
    // A WSGI application reads nothing of a body without a length.
    let streamed = session.put(url("/put")).header("Content-Length", "200000").body(reader);
    let mut streamed = streamed.await?;
    assert_eq!(streamed.json::<Value>().await?["data"].as_str().map(str::len), Some(200_000));
    let mut cookies = session.get(url("/cookies/set?flavour=plain")).await?;
    assert_eq!(cookies.json::<Value>().await?["cookies"]["flavour"], "plain");
    let mut gzip = session.get(url("/gzip")).await?;
    assert_eq!(gzip.json::<Value>().await?["gzipped"], true);
    let basic = session.get(url("/basic-auth/ann/secret")).basic_auth("ann", Some("secret")).await?;
    assert_eq!(basic.status_code(), 200);
    let mut stream = session.get(url("/stream-bytes/100000?chunk_size=1000")).await?;
    assert_eq!(stream.binary().await?.len(), 100_000);
    assert_eq!(session.get(url("/status/418")).await?.status_code(), 418);
    Ok(())
}
