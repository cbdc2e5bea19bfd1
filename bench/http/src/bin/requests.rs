//! `requests get|get_json|session BASE COUNT`: makes so many requests one after the other and says what has been
//! allocated since the program began. For bench/instructions.py, which runs it with two counts and takes the difference.

use curio_http::ClientSession;
use std::alloc::{GlobalAlloc, Layout, System};
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The system's allocator, which counts what it is asked for.
struct Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.realloc(block, layout, size) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

async fn requests(workload: &str, url: &str, count: usize) -> Result<(), Box<dyn Error>> {
    let session = ClientSession::new();
    for _ in 0..count {
        match workload {
            "get" => assert_eq!(session.get(url).await?.binary().await?.len(), 200),
            "get_json" => assert_eq!(session.get(url).await?.json::<serde_json::Value>().await?["id"], 42),
            // The old session ends with its connection before the next begins.
            "session" => assert_eq!(ClientSession::new().get(url).await?.binary().await?.len(), 200),
            _ => return Err(format!("no such workload: {workload}").into()),
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, workload, base, count] = &arguments[..] else {
        return Err("usage: requests get|get_json|session BASE COUNT".into());
    };
    let (url, count) = (format!("{base}/small.json"), count.parse()?);
    curio::run(async { requests(workload, &url, count).await })?;
    println!("{} allocations", ALLOCATIONS.load(Relaxed));
    Ok(())
}
