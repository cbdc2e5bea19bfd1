//! The same exchange in the client, with a server that sends one part of the body each second.
use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, Method};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn hello(session: &ClientSession) -> Result<(), curio_http::Error> {
    let mut response = session.get("http://example.com/hello").await?;
    println!("head: {}", response.status());
    println!("text: {}", response.text().await?);
    Ok(())
}

fn main() {
    let mock = Mock::new().on(Method::GET, "/hello", |_| Answer::pieces(["Hello,", " world!"], SECOND));
    curio::Kernel::builder().virtual_clock(true).run(async {
        hello(&mock.session()).await.expect("the mock answers");
    });
}
