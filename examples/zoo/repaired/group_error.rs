//! Loads three pages, and says so if one of them cannot be loaded.
use curio::{TaskGroup, sleep};
use std::time::Duration;

async fn load(page: &str) -> Result<usize, String> {
    sleep(Duration::from_millis(10)).await;
    if page == "news" { Err(format!("there is no page {page}")) } else { Ok(page.len()) }
}

async fn main_task() {
    let group = TaskGroup::new();
    for page in ["start", "news", "contact"] {
        group.spawn(load(page));
    }
    match group.try_join().await {
        Ok(pages) => println!("{} pages are loaded", pages.len()),
        Err(error) => println!("a page is missing: {error}"),
    }
}

pub(crate) fn main() {
    curio::run(main_task());
}
