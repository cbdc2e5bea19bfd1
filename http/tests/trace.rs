//! What a session tells those who listen to it.

use curio::Kernel;
use curio_http::{ClientSession, Trace};
use curio_support::{HostileServer, Script};
use std::cell::RefCell;
use std::rc::Rc;

const OK: &str = "HTTP/1.1 200 Fine\r\nX-Case: KEPT\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn heads_are_told_byte_for_byte_and_connections_as_they_come_and_are_reused() {
    Kernel::builder().virtual_clock(true).run(async {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let script = Script::new().read_request().send(format!("{hints}{OK}")).read_request().send(OK);
        let server = HostileServer::start([script]).await.expect("a server");
        let told: Rc<RefCell<Vec<String>>> = Rc::default();
        let listener = told.clone();
        let session = ClientSession::builder()
            .on_trace(move |trace| {
                let raw = match trace {
                    Trace::Connected { peer, .. } => format!("connected {}", peer.is_some()),
                    Trace::Reused { peer, .. } => format!("reused {}", peer.is_some()),
                    Trace::RequestHead(head) => format!("> {}", String::from_utf8_lossy(head)),
                    Trace::ResponseHead(head) => format!("< {}", String::from_utf8_lossy(head)),
                    other => other.to_string(),
                };
                listener.borrow_mut().push(raw);
            })
            .build()
            .expect("a session");
        for _ in 0..2 {
            session.get(server.url("/path")).basic_auth("user", Some("secret")).await.expect("a response");
        }
        let told = told.borrow();
        assert_eq!(told[0], "connected true");
        assert!(told[1].starts_with("> GET /path HTTP/1.1\r\nhost: 127.0.0.1:"), "{}", told[1]);
        assert!(told[1].contains("authorization: Basic ") && told[1].ends_with("\r\n\r\n"), "{}", told[1]);
        assert_eq!(told[2], format!("< {hints}"));
        assert_eq!(told[3], "< HTTP/1.1 200 Fine\r\nX-Case: KEPT\r\nContent-Length: 2\r\n\r\n");
        assert_eq!(told[4], "reused true");
        assert_eq!(told.len(), 7);
    });
}

#[test]
fn what_is_printed_holds_no_credentials() {
    Kernel::builder().virtual_clock(true).run(async {
        let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: sid=secret\r\nContent-Length: 0\r\n\r\n";
        let server =
            HostileServer::start([Script::new().read_request().send(answer)]).await.expect("a server");
        let told: Rc<RefCell<String>> = Rc::default();
        let listener = told.clone();
        let session = ClientSession::builder()
            .verbose(true)
            .on_trace(move |trace| *listener.borrow_mut() += &trace.to_string())
            .build()
            .expect("a session");
        let url = server.url("/").replace("http://", "http://user:secret@");
        session.get(url).header("Cookie", "a=secret").await.expect("a response");
        let told = told.borrow();
        assert!(!told.contains("secret") && !told.contains("dXNlcjpzZWNyZXQ"), "{told}");
        for line in [
            "* Connected to 127.0.0.1:",
            "> GET / HTTP/1.1\n",
            "> authorization: [redacted]\n",
            "< HTTP/1.1 200 OK\n",
        ] {
            assert!(told.contains(line), "{line} in {told}");
        }
    });
}

#[test]
fn credentials_that_a_redirect_leaves_behind_are_named() {
    Kernel::builder().virtual_clock(true).run(async {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let second = HostileServer::start([Script::new().read_request().send(ok)]).await.expect("a server");
        let moved =
            format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", second.url("/"));
        let first = HostileServer::start([Script::new().read_request().send(moved)]).await.expect("a server");
        let told: Rc<RefCell<String>> = Rc::default();
        let listener = told.clone();
        let session = ClientSession::builder()
            .on_trace(move |trace| {
                if let Trace::Note(note) = trace {
                    *listener.borrow_mut() += note;
                }
            })
            .build()
            .expect("a session");
        session.get(first.url("/")).bearer_auth("secret").await.expect("a response");
        let [from, to] = [first.url(""), second.url("")];
        assert_eq!(
            *told.borrow(),
            format!("The redirect leads from {from} to {to}: authorization is not sent there")
        );
    });
}

#[test]
fn a_response_that_is_dropped_unread_says_that_its_connection_is_closed_for_that() {
    Kernel::builder().virtual_clock(true).run(async {
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";
        let scripts = [half, OK].map(|answer| Script::new().read_request().send(answer));
        let server = HostileServer::start(scripts).await.expect("a server");
        let told: Rc<RefCell<Vec<String>>> = Rc::default();
        let listener = told.clone();
        let session = ClientSession::builder()
            .on_trace(move |trace| {
                if let Trace::Note(note) = trace {
                    listener.borrow_mut().push((*note).to_owned());
                }
            })
            .build()
            .expect("a session");
        drop(session.get(server.url("/half")).await.expect("a head"));
        let note = "Closing the connection: the response is dropped before its body was read to the end";
        assert_eq!(*told.borrow(), [note]);
        session.get(server.url("/whole")).await.expect("a response").text().await.expect("its text");
        assert_eq!(told.borrow().len(), 1, "a response that was read says nothing");
    });
}
