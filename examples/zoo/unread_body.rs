//! Meant to print the titles of three pages, with one connection at a time.
//!
//! `cargo run --example zoo -- unread_body`
use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, Error};
use std::time::Duration;

async fn main_task(server: Mock) -> Result<(), Error> {
    let session = ClientSession::builder().connector(server).max_connections_per_host(1).build()?;
    let mut pages = Vec::new();
    for page in ["start", "news", "contact"] {
        println!("loading {page}");
        pages.push(session.get(format!("http://example.test/{page}")).await?);
    }
    for page in &mut pages {
        println!("{}", page.text().await?);
    }
    Ok(())
}

pub(crate) fn main() {
    let page = |_: &_| Answer::pieces(["a ", "title"], Duration::from_secs(1));
    let server = Mock::new().otherwise(page);
    if let Err(error) = curio::testing::run(main_task(server)) {
        println!("error: {error}");
    }
}
