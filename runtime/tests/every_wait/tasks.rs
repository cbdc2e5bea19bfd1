//! Tasks, children, threads.

use crate::common::{ms, secs};
use crate::{Row, check, row};
use curio::debug::{phase, region, region_at};
use curio::{block_in_thread, finally, run_in_thread, scope, sleep, spawn};
use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("task/mod.rs: join", async |m| {
            let ended = Rc::new(Cell::new(false));
            let own = Rc::clone(&ended);
            let mut task = Some(spawn(async move {
                sleep(ms(1)).await;
                own.set(true);
            }));
            // The join takes the handle along; the task runs on without one.
            let join = async || match task.take() {
                Some(task) => task.join().await.unwrap(),
                None => sleep(ms(2)).await,
            };
            let finished = m.of(join, async {}).await;
            assert!(ended.get());
            finished
        }),
        row("task/mod.rs: wait", async |m| {
            let task = spawn(sleep(ms(1)));
            let finished = m.of(async || task.wait().await, async {}).await;
            task.join().await.unwrap();
            finished
        }),
        row("task/mod.rs: cancel", async |m| {
            let task = spawn(finally(sleep(secs(1)), async |_| sleep(ms(10)).await));
            let finished = m.of(async || task.cancel().await, async {}).await;
            assert!(task.is_terminated());
            finished
        }),
        row("task/region.rs: region", async |m| {
            m.of(async || region("nap", sleep(ms(5))).await, async {}).await
        }),
        row("task/region.rs: region_at", async |m| {
            m.of(async || region_at(Location::caller(), "nap", sleep(ms(5))).await, async {}).await
        }),
        row("task/region.rs: phase", async |m| {
            m.of(async || phase("nap", sleep(ms(5))).await, async {}).await
        }),
        row("scope/mod.rs: scope", async |m| {
            let total = Cell::new(0);
            let program = async || {
                total.set(0);
                scope(async |s| {
                    for n in 1..4 {
                        let total = &total;
                        s.spawn(async move {
                            sleep(ms(n)).await;
                            total.set(total.get() + n);
                        });
                    }
                })
                .await;
            };
            let finished = m.of(program, async {}).await;
            assert_eq!(total.get(), 6);
            finished
        }),
        row("scope/child.rs: join", async |m| {
            let ended = &Cell::new(false);
            let finished = scope(async move |s| {
                let mut child = Some(s.spawn(async move {
                    sleep(ms(1)).await;
                    ended.set(true);
                }));
                let join = async || match child.take() {
                    Some(child) => child.join().await.unwrap(),
                    None => sleep(ms(2)).await,
                };
                m.of(join, async {}).await
            })
            .await;
            assert!(ended.get());
            finished
        }),
        row("scope/child.rs: cancel", async |m| {
            scope(async move |s| {
                let child = s.spawn(finally(sleep(secs(1)), async |_| sleep(ms(10)).await));
                m.of(async || child.cancel().await, async {}).await
            })
            .await
        }),
        row("threads/run_in_thread.rs: run_in_thread", async |m| {
            m.of(async || assert_eq!(run_in_thread(|| 5).await.unwrap(), 5), async {}).await
        }),
        row("threads/keyed.rs: block_in_thread", async |m| {
            m.of(async || assert_eq!(block_in_thread("key", || 5).await.unwrap(), 5), async {}).await
        }),
    ]
}

#[test]
fn waits_for_tasks_and_threads_can_be_dropped_at_any_poll() {
    check(&rows());
}
