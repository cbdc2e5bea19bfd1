//! Uploads that are watched, and limits that belong to one request.

use curio::{Kernel, clock};
use curio_http::{Body, ClientSession, Error};
use curio_support::{HostileServer, Httpbin, Script, TestAuthority};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

type Reports = Rc<RefCell<Vec<(u64, Option<u64>)>>>;

fn watched() -> (Reports, impl FnMut(u64, Option<u64>) + 'static) {
    let reports = Reports::default();
    let noted = reports.clone();
    (reports, move |sent, total| noted.borrow_mut().push((sent, total)))
}

#[test]
fn an_upload_reports_what_has_left_and_how_much_there_is() {
    curio::run(async {
        let httpbin = Httpbin::start().await.expect("a server");
        let session = ClientSession::new();
        let (reports, report) = watched();
        session.post(httpbin.url("/post")).data(vec![b'x'; 1 << 20]).on_progress(report).await?;
        assert!(reports.borrow().len() > 2, "{:?}", reports.borrow());
        assert!(reports.borrow().is_sorted(), "{:?}", reports.borrow());
        assert_eq!(reports.borrow().last(), Some(&(1 << 20, Some(1 << 20))));

        let (reports, report) = watched();
        session.post(httpbin.url("/post")).data("small").on_progress(report).await?;
        assert_eq!(*reports.borrow(), [(5, Some(5))]);

        let (reports, report) = watched();
        session.post(httpbin.url("/post")).body(Body::from_reader(&b"read"[..])).on_progress(report).await?;
        assert_eq!(reports.borrow().last(), Some(&(4, None)));

        let (reports, report) = watched();
        session.get(httpbin.url("/get")).on_progress(report).await?;
        assert_eq!(*reports.borrow(), []);
        Ok::<_, Error>(())
    })
    .expect("answers");
}

#[test]
fn a_large_upload_over_tls_arrives_whole() {
    curio::run(async {
        let authority = TestAuthority::new().expect("an authority");
        let identity = authority.localhost().expect("a certificate");
        let script = Script::new().read_request().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        let server = HostileServer::start_tls(&identity, [script]).await.expect("a server");
        let session = ClientSession::builder().only_root_certificates(authority.ca_pem()).build()?;
        let (reports, report) = watched();
        let upload = session.post(server.url("/")).data(vec![b'x'; 4 << 20]).on_progress(report);
        assert_eq!(upload.await?.text().await?, "ok");
        assert_eq!(reports.borrow().last(), Some(&(4 << 20, Some(4 << 20))));
        Ok::<_, Error>(())
    })
    .expect("an answer");
}

#[test]
fn a_request_may_have_limits_of_its_own() {
    Kernel::builder().virtual_clock(true).run(async {
        let server = HostileServer::start([Script::new().read_request().stall()]).await.expect("a server");
        let session = ClientSession::new();
        for (limit, seconds) in [(Some(Duration::from_secs(3)), 3), (Some(Duration::from_secs(70)), 70)] {
            let start = clock();
            let error = session.get(server.url("/")).read_timeout(limit).await.expect_err("silence");
            assert!(error.is_timeout(), "{error}");
            let took = (clock() - start).as_secs();
            assert!((seconds..=seconds + 1).contains(&took), "{took}");
        }
        let session =
            ClientSession::builder().connect_timeout(Duration::from_secs(100)).build().expect("a session");
        let error =
            session.get(server.url("/")).connect_timeout(Duration::ZERO).await.expect_err("no time at all");
        assert!(error.is_timeout() && error.to_string().contains("connecting"), "{error}");
    });
}
