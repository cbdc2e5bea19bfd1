//! Mounts the chapters of the tour, so that `cargo test` compiles and runs the Rust blocks in them. The tests beside it check
//! what a chapter shows of its program and quotes of the sources.
#![forbid(unsafe_code)]
// A chapter is Markdown for readers of the repository, and rustdoc need not find its links.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::invalid_html_tags)]

#[doc = include_str!("../01-what-is-a-future.md")]
mod chapter_01 {}
#[doc = include_str!("../02-who-calls-poll-again.md")]
mod chapter_02 {}
#[doc = include_str!("../03-the-ready-queue-and-the-cycle.md")]
mod chapter_03 {}
#[doc = include_str!("../04-what-becomes-of-a-task.md")]
mod chapter_04 {}
#[doc = include_str!("../05-where-does-time-come-from.md")]
mod chapter_05 {}
#[doc = include_str!("../06-when-is-a-socket-ready.md")]
mod chapter_06 {}
#[doc = include_str!("../07-who-is-next-in-line.md")]
mod chapter_07 {}
#[doc = include_str!("../08-how-does-cancellation-end-a-task.md")]
mod chapter_08 {}
#[doc = include_str!("../09-who-waits-for-the-children.md")]
mod chapter_09 {}
#[doc = include_str!("../10-how-do-threads-and-signals-wake-a-task.md")]
mod chapter_10 {}
#[doc = include_str!("../11-what-is-http-without-io.md")]
mod chapter_11 {}
#[doc = include_str!("../12-how-does-a-client-use-connections.md")]
mod chapter_12 {}

#[doc = include_str!("../13-how-do-i-see-it-run.md")]
mod chapter_13 {}

#[doc = include_str!("../14-what-was-rejected.md")]
mod chapter_14 {}

#[doc = include_str!("../15-what-does-it-cost.md")]
mod chapter_15 {}

#[doc = include_str!("../../three-tasks.md")]
mod three_tasks {}
