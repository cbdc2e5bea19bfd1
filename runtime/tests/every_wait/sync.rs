//! Everything to synchronise with.

use crate::common::ms;
use crate::{Row, check, row, soon};
use curio::{
    Barrier, BoundedSemaphore, Condition, Event, LifoQueue, Lock, PriorityQueue, Queue, RLock, ResultCell,
    RwLock, Semaphore, Task, broadcast, channel, oneshot, sleep, spawn, watch,
};
use std::cell::RefCell;
use std::rc::Rc;

/// Notifies, again and again.
fn notifier(condition: &Rc<Condition>) -> Task<()> {
    let condition = Rc::clone(condition);
    spawn(async move {
        loop {
            sleep(ms(1)).await;
            condition.notify(1);
        }
    })
}

/// The three kinds of queue have the same methods, and no trait.
macro_rules! queue_rows {
    ($($queue:ident),*) => {[
        $(row("sync/queue.rs: put", async |m| {
            let queue = $queue::new(1);
            queue.put(1).await;
            let finished = m.of(async || queue.put(2).await, soon(|| assert_eq!(queue.try_get(), Some(1)))).await;
            assert_eq!((queue.try_get(), queue.try_get()), (Some(2), None));
            finished
        }),
        row("sync/queue.rs: get", async |m| {
            let queue = $queue::new(1);
            m.of(async || assert_eq!(queue.get().await, 1), soon(|| queue.try_put(1).unwrap())).await
        }),
        row("sync/queue.rs: join", async |m| {
            let queue = $queue::new(1);
            queue.put(1).await;
            assert_eq!(queue.get().await, 1);
            m.of(async || queue.join().await, soon(|| queue.task_done())).await
        }),)*
    ]};
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("sync/event.rs: wait", async |m| {
            let event = Event::new();
            m.of(async || event.wait().await, soon(|| event.set())).await
        }),
        row("sync/lock.rs: acquire", async |m| {
            let lock = Lock::new(());
            let guard = lock.acquire().await;
            m.of(async || drop(lock.acquire().await), soon(|| drop(guard))).await
        }),
        row("sync/rlock.rs: acquire", async |m| {
            let lock = Rc::new(RLock::new());
            let own = Rc::clone(&lock);
            let holder = spawn(async move {
                let _guard = own.acquire().await;
                sleep(ms(1)).await;
            });
            curio::schedule().await;
            let finished = m.of(async || drop(lock.acquire().await), sleep(ms(2))).await;
            holder.join().await.unwrap();
            finished
        }),
        row("sync/semaphore.rs: acquire", async |m| {
            let sema = Semaphore::new(1);
            let permit = sema.acquire().await;
            let finished = m.of(async || drop(sema.acquire().await), soon(|| drop(permit))).await;
            assert_eq!(sema.value(), 1);
            finished
        }),
        row("sync/semaphore.rs: acquire", async |m| {
            let sema = BoundedSemaphore::new(1);
            let permit = sema.acquire().await;
            m.of(async || drop(sema.acquire().await), soon(|| drop(permit))).await
        }),
        row("sync/semaphore.rs: acquire_many", async |m| {
            let sema = BoundedSemaphore::new(3);
            let permits = sema.acquire_many(2).await;
            let finished = m.of(async || drop(sema.acquire_many(3).await), soon(|| drop(permits))).await;
            assert_eq!(sema.value(), 3);
            finished
        }),
        row("sync/condition.rs: wait", async |m| {
            let (lock, condition) = (Lock::new(()), Rc::new(Condition::new()));
            let notifier = notifier(&condition);
            let wait = async || drop(condition.wait(lock.acquire().await).await);
            let finished = m.of(wait, sleep(ms(2))).await;
            assert!(!lock.locked());
            notifier.cancel().await;
            finished
        }),
        row("sync/condition.rs: wait_for", async |m| {
            let (lock, condition) = (Lock::new(0), Rc::new(Condition::new()));
            let notifier = notifier(&condition);
            let wait = async || {
                let enough = |n: &mut u32| std::mem::replace(n, *n + 1) > 1;
                drop(condition.wait_for(lock.acquire().await, enough).await);
            };
            let finished = m.of(wait, sleep(ms(2))).await;
            notifier.cancel().await;
            finished
        }),
        row("sync/result_cell.rs: unwrap", async |m| {
            let cell = ResultCell::<u32, ()>::new();
            m.of(async || assert_eq!(cell.unwrap().await, Ok(5)), soon(|| cell.set_value(5))).await
        }),
        row("sync/barrier.rs: wait", async |m| {
            let (barrier, partners) = (Rc::new(Barrier::new(2)), RefCell::new(Vec::new()));
            let meet = async || {
                let own = Rc::clone(&barrier);
                partners.borrow_mut().push(spawn(async move {
                    sleep(ms(1)).await;
                    own.wait().await
                }));
                barrier.wait().await;
            };
            let finished = m.of(meet, sleep(ms(2))).await;
            for partner in partners.take() {
                partner.cancel().await;
            }
            finished
        }),
        row("sync/rw_lock.rs: read", async |m| {
            let lock = RwLock::new(());
            let guard = lock.write().await;
            let finished = m.of(async || drop(lock.read().await), soon(|| drop(guard))).await;
            assert!(lock.try_write().is_some());
            finished
        }),
        row("sync/rw_lock.rs: write", async |m| {
            let lock = RwLock::new(());
            let guard = lock.read().await;
            let finished = m.of(async || drop(lock.write().await), soon(|| drop(guard))).await;
            assert!(lock.try_write().is_some());
            finished
        }),
        row("sync/channel.rs: send", async |m| {
            let (sender, receiver) = channel(1);
            sender.send(1).await.unwrap();
            let room = soon(|| assert_eq!(receiver.try_recv(), Some(1)));
            let finished = m.of(async || sender.send(2).await.unwrap(), room).await;
            assert_eq!((receiver.try_recv(), receiver.try_recv()), (Some(2), None));
            finished
        }),
        row("sync/channel.rs: recv", async |m| {
            let (sender, receiver) = channel(1);
            m.of(async || assert_eq!(receiver.recv().await, Some(1)), soon(|| sender.try_send(1).unwrap()))
                .await
        }),
        row("sync/oneshot.rs: recv", async |m| {
            let (sender, receiver) = oneshot();
            let (mut receiver, gone) = (Some(receiver), RefCell::new(None));
            // The receive takes the receiver along, and the value comes back to who sends it.
            let recv = async || {
                if let Some(receiver) = receiver.take() {
                    assert_eq!(receiver.recv().await.unwrap(), 5);
                }
            };
            let finished = m.of(recv, soon(|| *gone.borrow_mut() = Some(sender.send(5)))).await;
            let returned = gone.take().expect("it was sent");
            assert_eq!(returned, if finished || m.late || m.polls == 0 { Ok(()) } else { Err(5) });
            finished
        }),
        row("sync/oneshot.rs: recv", async |m| {
            let (sender, mut receiver) = oneshot();
            m.of(async || assert_eq!((&mut receiver).await.unwrap(), 5), soon(|| sender.send(5).unwrap()))
                .await
        }),
        row("sync/watch.rs: changed", async |m| {
            let (sender, mut receiver) = watch(1);
            let finished = m.of(async || receiver.changed().await.unwrap(), soon(|| sender.send(2))).await;
            assert_eq!(receiver.get(), 2);
            finished
        }),
        row("sync/broadcast.rs: recv", async |m| {
            let (sender, mut receiver) = broadcast(2);
            m.of(
                async || assert_eq!(receiver.recv().await.unwrap(), 5),
                soon(|| assert_eq!(sender.send(5), 1)),
            )
            .await
        }),
    ];
    rows.extend(queue_rows!(Queue, PriorityQueue, LifoQueue));
    rows
}

#[test]
fn waits_in_line_can_be_dropped_at_any_poll() {
    check(&rows());
}
