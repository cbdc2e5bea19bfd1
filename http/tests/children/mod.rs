//! Requests with an environment of their own: each is made by a child process, because a process has only one
//! environment, and tests that change it would disturb each other.
//!
//! The child is the test's own program, told to run the one test named `child`, which has to call [`child`].

#![allow(dead_code, reason = "each test file uses a part of it")]

use curio_http::{ClientSession, ClientSessionBuilder};
use std::process::{Command, Output};

/// Gets `url` in a process with these variables and no other that concerns proxies; returns the answer's text, or the
/// error's kind and text. `settings` are `trust_env(false)`, `no_proxy`, `netrc`, `netrc and a token`, a proxy's address, or
/// `rule`, a pattern and a proxy's address.
pub(crate) fn get_in_environment(variables: &[(&str, String)], settings: &str, url: &str) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "child", "--nocapture"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.env("CURIO_TEST_URL", url).env("CURIO_TEST_SETTINGS", settings);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let Output { status, stdout, stderr } = command.output().expect("a child");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let printed = String::from_utf8_lossy(&stdout).into_owned();
    printed.lines().find_map(|line| line.strip_prefix("RESULT ")).expect("a result").to_owned()
}

/// The child's part. In the parent, where it is a test like any other, it does nothing.
pub(crate) fn child() {
    let Ok(url) = std::env::var("CURIO_TEST_URL") else { return };
    let settings = std::env::var("CURIO_TEST_SETTINGS").unwrap_or_default();
    let session = with(ClientSession::builder(), &settings).build();
    let answer = session.and_then(|session| curio::run(async { session.get(url).await?.text().await }));
    // On a line of its own, whatever the test harness has begun.
    match answer {
        Ok(text) => println!("\nRESULT {text}"),
        Err(error) => println!("\nRESULT {:?} {error}", error.kind()),
    }
}

fn with(builder: ClientSessionBuilder, settings: &str) -> ClientSessionBuilder {
    match settings {
        "" => builder,
        "trust_env(false)" => builder.trust_env(false),
        "no_proxy" => builder.no_proxy(),
        "netrc" => builder.netrc(true),
        "netrc and a token" => builder.netrc(true).header("Authorization", "Bearer token"),
        rule if let Some(rule) = rule.strip_prefix("rule ") => {
            let (pattern, proxy) = rule.split_once(' ').expect("a pattern and a proxy");
            builder.proxy_for(pattern, proxy)
        }
        proxy => builder.proxy(proxy),
    }
}
