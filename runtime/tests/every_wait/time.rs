//! Sleeps, limits, shields and what holds futures together.

use crate::common::{ms, secs};
use crate::{Row, check, row};
use curio::{
    check_cancellation, clock, disable_cancellation, finally, ignore_after, ignore_at, interval, join, race,
    schedule, sleep, sleep_until, timeout_after, timeout_at,
};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("time/sleep.rs: sleep", async |m| m.of(async || sleep(ms(5)).await, async {}).await),
        row("time/sleep.rs: sleep_until", async |m| {
            m.of(async || sleep_until(clock() + ms(5)).await, async {}).await
        }),
        row("time/sleep.rs: schedule", async |m| m.of(async || schedule().await, async {}).await),
        row("time/interval.rs: tick", async |m| {
            let mut ticks = interval(ms(5));
            let first = ticks.tick().await;
            m.of(async || assert_eq!((ticks.tick().await - first), ms(5)), async {}).await
        }),
        row("cancel/timeout.rs: timeout_after", async |m| {
            let both = async || {
                timeout_after(secs(60), sleep(ms(5))).await.unwrap();
                timeout_after(ms(5), sleep(secs(60))).await.unwrap_err();
            };
            m.of(both, async {}).await
        }),
        row("cancel/timeout.rs: timeout_at", async |m| {
            m.of(async || timeout_at(clock() + ms(5), sleep(secs(60))).await.unwrap_err(), async {}).await
        }),
        row("cancel/timeout.rs: ignore_after", async |m| {
            m.of(async || assert!(ignore_after(None, sleep(ms(5))).await.is_some()), async {}).await
        }),
        row("cancel/timeout.rs: ignore_at", async |m| {
            m.of(async || assert!(ignore_at(clock() + ms(5), sleep(secs(60))).await.is_none()), async {})
                .await
        }),
        row("cancel/shield.rs: disable_cancellation", async |m| {
            m.of(async || disable_cancellation(sleep(ms(5))).await, async {}).await
        }),
        row("cancel/finally.rs: finally", async |m| {
            m.of(async || finally(sleep(ms(5)), async |_| sleep(ms(5)).await).await, async {}).await
        }),
        row("cancel/mod.rs: check_cancellation", async |m| {
            m.of(async || check_cancellation().await, async {}).await
        }),
        row("cancel/join.rs: join_tuple", async |m| {
            m.of(async || join!(sleep(ms(5)), sleep(ms(2)), schedule()), async {}).await
        }),
        row("cancel/race.rs: race", async |m| {
            m.of(
                async || race((sleep(ms(5)), finally(sleep(secs(9)), async |_| sleep(ms(1)).await))).await,
                async {},
            )
            .await
        }),
    ]
}

#[test]
fn waits_for_time_can_be_dropped_at_any_poll() {
    check(&rows());
}
