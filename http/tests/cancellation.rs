//! A request may be dropped at any of its awaits: nothing of it is left behind, and other requests are not affected.

use curio::{Kernel, schedule};
use curio_http::{Body, ClientSession, Error};
use curio_support::{Httpbin, TestAuthority};
use std::future::{Future, poll_fn};
use std::io::{self, Cursor, Read};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

/// Polls `future` at most `polls` times, letting the kernel run in between, and drops it then.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let step = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = step {
            return Some(output);
        }
        schedule().await;
    }
    None
}

/// Drops `request` after every number of polls, until it gets through; then all that is left must be as it was before.
async fn dropped_at_every_poll<F>(httpbin: &Httpbin, session: &ClientSession, request: impl Fn() -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    let mut through = 0;
    for polls in 0..2000 {
        if let Some(result) = polled(request(), polls).await {
            result.expect("it got through");
            through += 1;
        }
        if through > 3 {
            break;
        }
    }
    assert!(through > 3, "a request needs fewer than 2000 polls");
    // The one connection that the session may have in use is free again, a hundred times over.
    for _ in 0..100 {
        let answer = curio::timeout_after(Duration::from_secs(5), session.get(httpbin.url("/get"))).await;
        assert!(answer.expect("no slot is lost").expect("an answer").ok());
    }
    session.close().await;
    for _ in 0..1000 {
        if httpbin.counters().open() == 0 {
            return;
        }
        curio::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} connections are still open", httpbin.counters().open());
}

fn one_connection() -> curio_http::ClientSessionBuilder {
    ClientSession::builder().max_connections_per_host(1)
}

#[test]
fn case_134_a_get_may_be_dropped_at_every_poll() {
    curio::run(async {
        let httpbin = Httpbin::start().await.expect("a server");
        let session = one_connection().build().expect("good settings");
        dropped_at_every_poll(&httpbin, &session, async || {
            session.get(httpbin.url("/stream/20")).await?.binary().await.map(drop)
        })
        .await;
    });
}

#[test]
fn case_134_a_tls_request_may_be_dropped_at_every_poll() {
    curio::run(async {
        let authority = TestAuthority::new().expect("an authority");
        let httpbin =
            Httpbin::start_tls(&authority.localhost().expect("a certificate")).await.expect("a server");
        let session =
            one_connection().add_root_certificate(authority.ca_pem()).build().expect("good settings");
        dropped_at_every_poll(&httpbin, &session, async || {
            // A fresh connection each time, so that the handshake is cut at every poll too.
            session.close().await;
            session.get(httpbin.url("/bytes/50000")).await?.binary().await.map(drop)
        })
        .await;
    });
}

#[test]
fn case_134_an_upload_may_be_dropped_at_every_poll() {
    curio::run(async {
        let httpbin = Httpbin::start().await.expect("a server");
        let session = one_connection().build().expect("good settings");
        let body = vec![b'x'; 200_000];
        dropped_at_every_poll(&httpbin, &session, async || {
            let reader = Body::from_reader(Pieces { cursor: Cursor::new(body.clone()), yielded: false });
            session.post(httpbin.url("/post")).body(reader).await?.binary().await.map(drop)
        })
        .await;
    });
}

#[test]
fn case_134_a_redirected_request_may_be_dropped_at_every_poll() {
    curio::run(async {
        let httpbin = Httpbin::start().await.expect("a server");
        let session = one_connection().build().expect("good settings");
        dropped_at_every_poll(&httpbin, &session, async || {
            session.get(httpbin.url("/redirect/3")).await?.binary().await.map(drop)
        })
        .await;
    });
}

#[test]
fn cancelling_a_task_at_every_moment_of_its_request_frees_everything() {
    Kernel::builder().virtual_clock(true).run(async {
        let httpbin = Httpbin::start().await.expect("a server");
        let session = one_connection().build().expect("good settings");
        for millis in 0..60 {
            let (session, url) = (session.clone(), httpbin.url("/drip?duration=1&numbytes=20&delay=0"));
            let task = curio::spawn(async move { session.get(url).await?.binary().await });
            curio::sleep(Duration::from_millis(millis * 20)).await;
            task.cancel().await;
        }
        assert!(session.get(httpbin.url("/get")).await.expect("an answer").ok());
    });
}

/// Gives a piece, is pending once, gives a piece…
struct Pieces {
    cursor: Cursor<Vec<u8>>,
    yielded: bool,
}

impl futures_io::AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.yielded = !self.yielded;
        if self.yielded {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.cursor.read(space))
    }
}
