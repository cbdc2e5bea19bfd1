//! Digest authentication as an auth flow.
//!
//! The first request to an origin is sent without credentials, gets a challenge, and is sent again with the answer. The session
//! keeps the challenge, so that later requests carry an answer the first time.

use crate::exchange::auth_flow::{Auth, AuthFlow};
use crate::request::digest::Credentials;
use crate::response::Response;
use http::StatusCode;
use http::header::AUTHORIZATION;
use std::error::Error as StdError;

pub(crate) struct DigestAuth(pub(crate) Credentials);

impl Auth for DigestAuth {
    async fn flow(&self, flow: &mut AuthFlow<'_>) -> Result<Response, Box<dyn StdError + Send + Sync>> {
        let mut challenges = 0;
        let mut refused = None;
        loop {
            let request = flow.request();
            if let Some(answer) = flow.digests().authorization(&self.0, request.method(), request.url()) {
                flow.request_mut().headers_mut().insert(AUTHORIZATION, answer);
            }
            let response = match refused.take() {
                None => flow.send().await?,
                Some(refused) => flow.send_again(refused).await?,
            };
            let url = flow.request().url();
            // Not worth sending again if the answer that it carried was to this very nonce, and wrong.
            if response.status() != StatusCode::UNAUTHORIZED
                || !flow.can_be_sent()
                || !flow.digests().take_challenge(url, response.headers(), &mut challenges)
            {
                return Ok(response);
            }
            refused = Some(response);
        }
    }
}
