//! Asks three times whether a page exists, over one connection.
use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, Error, Method};
use std::time::Duration;

async fn exists(session: &ClientSession, url: &str) -> Result<bool, Error> {
    let mut response = session.get(url).await?;
    response.binary().await?;
    Ok(response.ok())
}

async fn main_task(server: Mock) -> Result<(), Error> {
    let session = ClientSession::builder().connector(server.clone()).build()?;
    for _ in 0..3 {
        println!("{}", exists(&session, "http://example.test/page").await?);
    }
    println!("connections: {}", server.connections());
    Ok(())
}

pub(crate) fn main() {
    let page = |_: &_| Answer::pieces(["one half, ", "the other half"], Duration::from_secs(1));
    let server = Mock::new().on(Method::GET, "/page", page);
    curio::testing::run(main_task(server)).expect("the server answers");
}
