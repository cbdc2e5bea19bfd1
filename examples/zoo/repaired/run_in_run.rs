//! Calls an async function from one that is async, too.
async fn load(name: &str) -> String {
    curio::schedule().await;
    format!("the contents of {name}")
}

async fn load_settings() -> String {
    load("settings.toml").await
}

async fn main_task() {
    println!("{}", load_settings().await);
}

pub(crate) fn main() {
    curio::run(main_task());
}
