//! Requests through a proxy that the program names, or that the environment names.
//!
//! A session made by `ClientSession::new()` follows curl's rules: it reads `http_proxy`, `https_proxy`, `all_proxy` and
//! `no_proxy`. `proxy(url)` sets one for all requests, `no_proxy()` uses none. The user and password of a proxy's URL are
//! sent to the proxy only, and appear in no error.
//!
//! Run it: `cargo run --example proxy_user` (server and proxies in this process),
//! `http_proxy=http://PROXY:PORT cargo run --example proxy_user -- URL` (the environment's) or
//! `cargo run --example proxy_user -- socks5h://PROXY:1080 URL` (that one).
//!
//! Then try: an `https` URL. How much of the request can the proxy see? (Set `verbose(true)` on the session's builder.)
use std::env::{args, current_exe};
use std::process::Command;

use curio::run_in_thread;
use curio_http::{ClientSession, Error};
use curio_support::{Failure, Httpbin, TestProxy};

async fn show(way: &str, session: &ClientSession, url: &str) {
    match session.get(url).await {
        Ok(response) => println!("{way}: {}", response.status()),
        Err(error) => println!("{way}: {error}"),
    }
}

fn through(proxy: &str) -> Result<ClientSession, Error> {
    ClientSession::builder().proxy(proxy).build()
}

/// Runs this program again with another environment: a program cannot safely change its own.
async fn with_environment(proxy: String, no_proxy: &'static str, url: String) -> Result<(), Failure> {
    let mut command = Command::new(current_exe()?);
    command.arg(url).env("http_proxy", proxy).env("no_proxy", no_proxy);
    let output = run_in_thread(move || command.output()).await??;
    print!("{}{}", String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(())
}

async fn at_home() -> Result<(), Failure> {
    let httpbin = Httpbin::start().await?;
    let (http, socks) = (TestProxy::http(Some("ada:secret")).await?, TestProxy::socks(None).await?);
    let url = httpbin.url("/ip");
    let http_proxy = format!("http://ada:secret@{}", http.address());

    show("Without a proxy", &ClientSession::builder().no_proxy().build()?, &url).await;
    show("Through the HTTP proxy", &through(&http_proxy)?, &url).await;
    show("With a wrong password", &through(&format!("http://ada:guess@{}", http.address()))?, &url).await;
    show("Through the SOCKS proxy", &through(&socks.url("socks5h"))?, &url).await;
    println!(
        "{} questions so far: HTTP {}, SOCKS {}",
        httpbin.counters().served(),
        http.asked().len(),
        socks.asked().len()
    );

    with_environment(http_proxy.clone(), "", url.clone()).await?;
    println!("The HTTP proxy was asked {} times", http.asked().len());
    with_environment(http_proxy, "example.com, 127.0.0.0/8", url).await?;
    println!("The HTTP proxy was asked {} times", http.asked().len());
    Ok(())
}

async fn main_task(arguments: Vec<String>) -> Result<(), Failure> {
    match &arguments[..] {
        [] => at_home().await?,
        [url] => show("By the environment", &ClientSession::new(), url).await,
        [proxy, url, ..] => show("Through that proxy", &through(proxy)?, url).await,
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(main_task(args().skip(1).collect()))
}
