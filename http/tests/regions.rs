//! Requests as regions: what pictures and traces of a program show of them, and at which line.

use curio::Kernel;
use curio::debug::{Activation, Event, EventKind};
use curio_http::ClientSession;
use curio_support::{HostileServer, Script};
use std::cell::RefCell;
use std::rc::Rc;

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
