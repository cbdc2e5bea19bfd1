//! The functions that a session calls with each request and each response.

use crate::request::Request;
use crate::response::Response;

type RequestHook = Box<dyn Fn(&mut Request)>;
type ResponseHook = Box<dyn Fn(&Response)>;

#[derive(Default)]
pub(crate) struct Hooks {
    on_request: Vec<RequestHook>,
    on_response: Vec<ResponseHook>,
}

impl Hooks {
    pub(crate) fn add_for_requests(&mut self, hook: impl Fn(&mut Request) + 'static) {
        self.on_request.push(Box::new(hook));
    }

    pub(crate) fn add_for_responses(&mut self, hook: impl Fn(&Response) + 'static) {
        self.on_response.push(Box::new(hook));
    }

    /// Whether any is called with requests.
    pub(crate) fn see_requests(&self) -> bool {
        !self.on_request.is_empty()
    }

    /// Right before `request` is sent. The hooks may change its header fields and URL, for this time only
    /// ([`undo_hooks`](Request::undo_hooks)).
    pub(crate) fn before_request(&self, request: &mut Request) {
        if self.on_request.is_empty() {
            return;
        }
        let before = request.before_changes();
        request.options_mut().before_hooks = Some(before);
        self.on_request.iter().for_each(|hook| hook(request));
    }

    /// When the head of a response has arrived.
    pub(crate) fn after_response(&self, response: &Response) {
        self.on_response.iter().for_each(|hook| hook(response));
    }
}
