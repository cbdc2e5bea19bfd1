//! Requests as regions: what pictures and traces of a program show of them, and at which line.

use curio::debug::{Activation, Event, EventKind, why};
use curio::{Kernel, timeout_after};
use curio_http::ClientSession;
use curio_support::{HostileServer, Script};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const RESPONSE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";

/// What `main` entered (`+`) and left (`-`), and each wait with its region.
#[derive(Clone, Default)]
struct Recorder {
    steps: Rc<RefCell<Vec<String>>>,
    waits: Rc<RefCell<Vec<String>>>,
}

impl Activation for Recorder {
    fn event(&mut self, event: &Event) {
        let Some(task) = event.task.as_ref().filter(|task| task.name() == "main") else { return };
        match &event.kind {
            EventKind::RegionEntered { region, .. } => {
                self.steps.borrow_mut().push(format!("+{}", region.label()));
            }
            EventKind::RegionLeft { region, .. } => {
                self.steps.borrow_mut().push(format!("-{}", region.label()));
            }
            EventKind::Suspended { .. } => self.waits.borrow_mut().push(task.to_string()),
            _ => {}
        }
    }
}

#[test]
fn a_request_and_its_phases_are_regions_at_the_line_that_awaits_it() {
    let recorder = Recorder::default();
    let (url, lines) = Kernel::builder().activation(recorder.clone()).run(async {
        // The body comes after the head, so that it is waited for.
        let script = Script::new().read_head().send(RESPONSE).pause().send("ok");
        let server = HostileServer::start([script]).await.unwrap();
        let url = server.url("/").replace("http://", "http://user:secret@");
        let session = ClientSession::new();
        let (sent, mut response) = (line!(), session.get(&url).await.unwrap());
        server.go_on();
        let (read, text) = (line!(), response.text().await.unwrap());
        assert_eq!(text, "ok");
        (server.url("/"), [sent, read])
    });
    let request = format!("GET {url}");
    let steps = recorder.steps.take();
    assert_eq!(
        steps,
        [
            &format!("+{request}"),
            "+DNS",
            "-DNS",
            "+connecting",
            "-connecting",
            "+waiting for the response",
            "-waiting for the response",
            &format!("-{request}"),
            &format!("+body of {request}"),
            &format!("-body of {request}"),
        ]
    );
    let waits = recorder.waits.take().join("\n");
    let [sent, read] = lines.map(|line| format!("at {}:{line}:", file!()));
    let waiting = format!(", in waiting for the response, in {request} {sent}");
    let reading = format!(", in body of {request} {read}");
    assert!(waits.contains("READ_WAIT") && waits.contains(&waiting) && waits.contains(&reading), "{waits}");
    assert!(!waits.contains("secret"), "{waits}");
}

#[test]
fn a_request_that_waits_says_for_which_socket_and_since_which_line() {
    async fn news(url: String) {
        let _ = curio_http::get(&url).await;
    }
    const AWAITS: u32 = line!() - 2;
    curio::run(async {
        let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let request =
            curio::spawn(timeout_after(Duration::from_secs(60), news(format!("http://{address}/news"))));
        let (connection, _) = listener.accept().await.unwrap();
        connection.recv(&mut [0; 1024]).await.unwrap();
        let waits = timeout_after(Duration::from_secs(30), async {
            loop {
                let text = why(request.id()).unwrap().to_string();
                if text.contains("READ_WAIT") {
                    break text;
                }
                curio::schedule().await;
            }
        });
        let text = waits.await.unwrap();
        let line = text.lines().find(|line| line.contains("READ_WAIT")).unwrap();
        assert!(
            line.contains(&format!(", socket {address} (from ")) && line.contains("), read, in "),
            "{text}"
        );
        assert!(line.contains(&format!("/tests/regions.rs:{AWAITS}:")), "{text}");
        assert!(line.contains(", time limit in "), "{text}");
        let here = std::backtrace::Backtrace::force_capture().to_string();
        let stack = request.info().stack().unwrap();
        let known = stack.waits().iter().flat_map(|wait| wait.frames()).any(|frame| {
            frame.function().ends_with("::news") && frame.line().contains(&format!("regions.rs:{AWAITS}:"))
        });
        assert_eq!(known, here.contains("regions.rs:"), "{stack}");
        request.cancel().await;
    });
}
