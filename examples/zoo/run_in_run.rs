//! Meant to call an async function from one that is not.
//!
//! `cargo run --example zoo -- run_in_run`
async fn load(name: &str) -> String {
    curio::schedule().await;
    format!("the contents of {name}")
}

fn load_settings() -> String {
    curio::run(load("settings.toml"))
}

async fn main_task() {
    println!("{}", load_settings());
}

pub(crate) fn main() {
    curio::run(main_task());
}
