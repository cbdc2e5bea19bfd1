//! Task groups.

use crate::common::{ms, secs};
use crate::{Row, check, row};
use curio::{TaskGroup, finally, sleep, tasks};

/// A group of three that end one after another, with a cleanup each.
fn group<T: Clone + 'static>(value: T) -> TaskGroup<T> {
    let group = TaskGroup::new();
    for n in 1..4 {
        let value = value.clone();
        group.spawn(async move {
            finally(sleep(ms(n)), async |_| sleep(ms(1)).await).await;
            value
        });
    }
    group
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("group/join.rs: join", async |m| {
            let finished = m.of(async || assert_eq!(group(1).join().await.unwrap(), [1; 3]), async {}).await;
            sleep(secs(1)).await;
            assert_eq!(tasks().len(), 1, "members do not outlive their group");
            finished
        }),
        row("group/join.rs: join_object", async |m| {
            m.of(async || assert_eq!(group(Some(1)).join_object().await.unwrap(), Some(1)), async {}).await
        }),
        row("group/join.rs: try_join", async |m| {
            let all = async || assert_eq!(group(Ok::<_, String>(1)).try_join().await.unwrap(), [1; 3]);
            m.of(all, async {}).await
        }),
        row("group/join.rs: join_ok", async |m| {
            m.of(async || assert_eq!(group(Ok::<_, String>(1)).join_ok().await.unwrap(), 1), async {}).await
        }),
        row("group/mod.rs: next_done", async |m| {
            let group = group(1);
            let finished =
                m.of(async || assert_eq!(group.next_done().await.unwrap().1.unwrap(), 1), async {}).await;
            assert_eq!(group.join().await.unwrap().len(), 2, "a dropped one has taken nothing");
            finished
        }),
        row("group/mod.rs: next_result", async |m| {
            let group = group(1);
            let finished =
                m.of(async || assert_eq!(group.next_result().await.unwrap().unwrap(), 1), async {}).await;
            assert_eq!(group.join().await.unwrap().len(), 2, "a dropped one has taken nothing");
            finished
        }),
        row("group/mod.rs: cancel_remaining", async |m| {
            let group = group(1);
            let finished = m.of(async || group.cancel_remaining().await, async {}).await;
            assert_eq!(tasks().len(), 1);
            finished
        }),
    ]
}

#[test]
fn waits_for_groups_can_be_dropped_at_any_poll() {
    check(&rows());
}
