//! Many requests at once: a task for each, joined in order. Delays of ten seconds in total take four.
use std::time::{Duration, Instant};

use build_step8::{ClientSession, Error, Response, TcpListener, delay_server, run, spawn};

async fn fetch_one(url: String) -> Result<(Response, String), Error> {
    let session = ClientSession::new();
    let mut response = session.get(url).await?;
    let content = response.text().await?;
    Ok((response, content))
}

async fn main_task(urls: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let mut tasks = Vec::new();
    for url in urls {
        tasks.push(spawn(fetch_one(url)));
    }
    for task in tasks {
        let (response, content) = task.join().await??;
        println!("GET {}", response.url());
        println!("{content}\n");
    }
    Ok(())
}

/// Starts a server in this process that takes its time, and passes its URLs on.
async fn with_urls(paths: [&str; 4]) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    let address = listener.local_addr()?;
    spawn(delay_server(listener, Duration::from_secs(1)));
    main_task(paths.iter().map(|path| format!("http://{address}{path}")).collect()).await
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    run(with_urls(["/delay/1", "/delay/2", "/delay/3", "/delay/4"]))?;
    println!("Elapsed: {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
