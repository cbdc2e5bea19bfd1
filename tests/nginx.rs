//! The client against nginx: plain and TLS, kept connections, large and compressed bodies.
#![forbid(unsafe_code)]

use curio_http::{ClientSession, Trace};
use curio_support::Failure;
use curio_support::peers::Nginx;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

fn session(nginx: &Nginx) -> Result<ClientSession, curio_http::Error> {
    ClientSession::builder().add_root_certificate(nginx.ca_pem()).build()
}

#[test]
fn small_documents_come_over_one_connection() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = session(&nginx)?;
        for url in [nginx.http_url("/small.json"), nginx.https_url("/small.json")] {
            for round in 0..5 {
                let mut response = session.get(&url).await?;
                assert_eq!(response.json::<Value>().await?["server"], "nginx");
                assert!(response.header("server").is_some_and(|server| server.starts_with("nginx")));
                // Only the first of them had to connect.
                assert_eq!(response.timings().connect.is_some(), round == 0, "{url}, round {round}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_large_file_arrives_whole() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = session(&nginx)?;
        for url in [nginx.http_url("/big.bin"), nginx.https_url("/big.bin")] {
            let mut response = session.get(&url).await?;
            assert_eq!(response.content_length(), Some(Nginx::BIG as u64));
            let mut length = 0;
            let mut chunks = response.iter_chunked(50_000);
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk?;
                assert!(
                    chunk.iter().zip(length..).all(|(&byte, i)| byte == (i % 251) as u8),
                    "{url} near {length}"
                );
                length += chunk.len();
            }
            assert_eq!(length, Nginx::BIG, "{url}");
        }
        Ok(())
    })
}

#[test]
fn compressed_text_is_decoded() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let mut response = session(&nginx)?.get(nginx.https_url("/text.txt")).await?;
        assert_eq!(response.text().await?, "ten bytes.".repeat(10_000));
        Ok(())
    })
}

#[test]
fn a_server_that_closes_is_asked_anew() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = session(&nginx)?;
        for _ in 0..3 {
            let mut response = session.get(nginx.http_url("/close.json")).await?;
            assert_eq!(response.json::<Value>().await?["server"], "nginx");
            assert!(response.timings().connect.is_some());
        }
        Ok(())
    })
}

#[test]
fn statuses_and_redirects_are_what_they_say() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = session(&nginx)?;
        let response = session.get(nginx.https_url("/moved")).await?;
        assert_eq!((response.status_code(), response.history().len()), (200, 1));
        let response = session.get(nginx.http_url("/unavailable")).await?;
        assert!(response.raise_for_status().is_err_and(|error| error.is_status()));
        assert_eq!(session.get(nginx.http_url("/not-there")).await?.status_code(), 404);
        Ok(())
    })
}

#[test]
fn many_requests_share_few_connections() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let session = ClientSession::builder()
            .add_root_certificate(nginx.ca_pem())
            .max_connections_per_host(4)
            .build()?;
        let ask = |url: String| {
            let session = session.clone();
            curio::spawn(async move { session.get(url).await?.json::<Value>().await })
        };
        let tasks: Vec<_> = (0..100).map(|_| ask(nginx.https_url("/small.json"))).collect();
        for task in tasks {
            assert_eq!(task.join().await??["server"], "nginx");
        }
        Ok(())
    })
}

/// Uploads this many bytes with `Expect: 100-continue`: the status, the text, whether nginx asked for the body, and
/// how much of it was sent.
async fn upload(nginx: &Nginx, length: usize) -> Result<(u16, String, bool, u64), Failure> {
    let heads: Rc<RefCell<Vec<String>>> = Rc::default();
    let listener = heads.clone();
    let session = ClientSession::builder()
        .expect_timeout(Duration::from_secs(60))
        .on_trace(move |trace| {
            if let Trace::ResponseHead(head) = trace {
                listener.borrow_mut().push(String::from_utf8_lossy(head).into_owned());
            }
        })
        .build()?;
    let sent = Rc::new(Cell::new(0));
    let so_far = sent.clone();
    let request = session.post(nginx.http_url("/length")).header("Expect", "100-continue");
    let request = request.data(vec![0; length]).on_progress(move |done, _| so_far.set(done));
    let mut response = request.await?;
    let text = response.text().await?;
    let asked = heads.borrow().iter().any(|head| head.starts_with("HTTP/1.1 100 "));
    Ok((response.status_code(), text, asked, sent.get()))
}

#[test]
fn an_upload_waits_until_it_is_asked_for() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        assert_eq!(upload(&nginx, 500_000).await?, (200, "500000".into(), true, 500_000));
        Ok(())
    })
}

#[test]
fn an_upload_that_is_refused_is_not_sent() -> Result<(), Failure> {
    let Some(nginx) = Nginx::start()? else { return Ok(()) };
    curio::run(async {
        let (status, _, asked, sent) = upload(&nginx, 2_000_000).await?;
        assert_eq!((status, asked, sent), (413, false, 0));
        Ok(())
    })
}
