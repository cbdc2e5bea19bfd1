//! A client for one service, as a program of yours might have it.
//!
//! The session knows what all requests have in common: the URL of the service, the credentials, the timeout, the number of
//! retries. The struct `Notes` around it knows the service: each method is one request, with types for its parameters and
//! its result. The rest of the program knows neither.
//!
//! The service here is an httpbin, which returns what it received, and fails when it is asked to.
//!
//! Run it: `cargo run --example api_client` (with a server in this process) or
//! `cargo run --example api_client -- http://HTTPBIN/`.
//!
//! Then try: which of the methods may be retried when the connection breaks in the middle of a request, and why not `add`?
//! What would the service have to offer for that?
use std::time::Duration;

use curio_http::{ClientSession, Error};
use curio_support::{Failure, with_urls};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug)]
struct Note {
    title: String,
    stars: u32,
}

#[derive(Deserialize)]
struct WhoAmI {
    authenticated: bool,
    token: String,
}

/// The response of an httpbin: the request as it arrived.
#[derive(Deserialize)]
struct Told<T> {
    json: T,
}

#[derive(Deserialize)]
struct Search<T> {
    args: T,
}

#[derive(Serialize, Deserialize, Debug)]
struct Query {
    title: String,
}

struct Notes {
    session: ClientSession,
}

impl Notes {
    fn new(base_url: &str, token: &str) -> Result<Notes, Error> {
        let session = ClientSession::builder()
            .base_url(base_url)
            .user_agent("notes/1.0")
            .header("Authorization", format!("Bearer {token}"))
            .timeout(Duration::from_secs(20))
            .retries(3)
            .on_request(|request| println!("{} {}", request.method(), request.url().path()))
            .build()?;
        Ok(Notes { session })
    }

    async fn who_am_i(&self) -> Result<WhoAmI, Error> {
        let mut response = self.session.get("bearer").await?;
        response.raise_for_status()?;
        response.json().await
    }

    async fn add(&self, note: &Note) -> Result<Note, Error> {
        let mut response = self.session.post("post").json(note).await?;
        response.raise_for_status()?;
        Ok(response.json::<Told<Note>>().await?.json)
    }

    async fn search(&self, title: &str) -> Result<Query, Error> {
        let query = Query { title: title.into() };
        let mut response = self.session.get("get").params(&query).await?;
        response.raise_for_status()?;
        Ok(response.json::<Search<Query>>().await?.args)
    }

    /// A request that succeeds only every third time.
    async fn tidy_up(&self) -> Result<(), Error> {
        self.session.delete("status/503,503,200").await?.raise_for_status()
    }

    async fn missing(&self) -> Result<(), Error> {
        self.session.get("status/404").await?.raise_for_status()
    }
}

async fn main_task(urls: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    for url in urls {
        let notes = Notes::new(&url, "a token of trust")?;
        let WhoAmI { authenticated, token } = notes.who_am_i().await?;
        println!("Known by {token:?}: {authenticated}");
        println!("Added {:?}", notes.add(&Note { title: "Boats".into(), stars: 4 }).await?);
        println!("Looked for {:?}", notes.search("Boats & ships").await?);
        notes.tidy_up().await?;
        println!("It is tidy now");
        match notes.missing().await {
            Err(error) if error.status().is_some_and(|status| status == 404) => {
                println!("Not found: {error}")
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_urls(&["/"], main_task))
}
