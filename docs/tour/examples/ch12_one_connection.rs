//! Three requests to a host that may have one connection. The second is given up while it waits for it.
use curio_http::mock::{Answer, Mock};
use curio_http::{ClientSession, Error, Method};
use std::time::Duration;

async fn fetch(session: ClientSession, name: &str) -> Result<(), Error> {
    let answer = session.get(format!("http://mock.test/{name}")).await?;
    println!("{name}: {}", answer.status_code());
    Ok(())
}

async fn main_task() -> Result<(), Box<dyn std::error::Error>> {
    let second = Duration::from_secs(1);
    let mock = Mock::new().on(Method::GET, "/*", move |_| Answer::text("hello").delay(second));
    let session = ClientSession::builder().connector(mock.clone()).max_connections_per_host(1).build()?;
    let first = curio::spawn_named("first", fetch(session.clone(), "first"));
    let second = curio::spawn_named("second", fetch(session.clone(), "second"));
    let third = curio::spawn_named("third", fetch(session, "third"));
    curio::sleep(Duration::from_millis(500)).await;
    second.cancel().await;
    first.join().await??;
    third.join().await??;
    println!("{} requests on {} connection", mock.requests().len(), mock.connections());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    curio::Kernel::builder().virtual_clock(true).run(main_task())
}
