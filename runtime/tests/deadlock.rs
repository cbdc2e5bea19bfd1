//! What looks like a program that can never go on, while another thread may still wake it. What is said of one that
//! really cannot is in `deadlock_alone.rs`.

use curio::Kernel;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

#[test]
fn a_kernel_that_waits_for_a_thread_is_no_deadlock() {
    let value = Kernel::builder().virtual_clock(true).run(async {
        curio::run_in_thread(|| {
            std::thread::sleep(Duration::from_millis(20));
            7
        })
        .await
        .unwrap()
    });
    assert_eq!(value, 7);
}

#[test]
fn an_event_that_another_thread_sets_is_no_deadlock() {
    static SET: curio::Event = curio::Event::new();
    let thread = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(50));
        SET.set();
    });
    Kernel::builder().virtual_clock(true).run(SET.wait());
    thread.join().unwrap();
}

#[test]
fn on_the_real_clock_with_other_threads_about_it_is_one_line_and_run_goes_on() {
    static SET: curio::Event = curio::Event::new();
    let lines = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&lines);
    let thread = std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(1500));
        SET.set();
    });
    Kernel::builder().on_report(move |line| kept.borrow_mut().push(line.to_string())).run(SET.wait());
    thread.join().unwrap();
    let lines = lines.borrow();
    let deadlocks = lines.iter().filter(|line| line.starts_with("deadlock")).count();
    assert_eq!(deadlocks, 1, "{lines:?}");
}

#[test]
fn a_region_that_is_polled_again_later_still_cleans_up() {
    Kernel::builder().virtual_clock(true).run(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let noted = Rc::clone(&log);
        let task = curio::spawn(async move {
            let mut region = std::pin::pin!(curio::finally(std::future::pending::<()>(), async |_| {
                noted.borrow_mut().push("cleanup")
            }));
            let first = std::future::poll_fn(|cx| std::task::Poll::Ready(region.as_mut().poll(cx))).await;
            assert!(first.is_pending());
            curio::sleep(Duration::from_secs(60)).await;
            noted.borrow_mut().push("back");
            region.await;
        });
        curio::schedule().await;
        assert!(task.cancel().await);
        assert_eq!(*log.borrow(), ["back", "cleanup"]);
    });
}

/// A value that a thread sends, awaited by a future that is none of the runtime's own. When it has been polled for the
/// second time, nothing having woken it, the thread is asked for the value.
#[derive(Default)]
struct Foreign {
    value: Option<u32>,
    waker: Option<Waker>,
    polls: u32,
}

fn ask_thread() -> (Arc<Mutex<Foreign>>, Sender<()>, JoinHandle<()>) {
    let foreign = Arc::new(Mutex::new(Foreign::default()));
    let (ask, asked) = channel();
    let there = Arc::clone(&foreign);
    let thread = std::thread::spawn(move || {
        if asked.recv().is_err() {
            return;
        }
        // Time for a kernel that takes this for a deadlock to say so.
        std::thread::sleep(Duration::from_millis(300));
        let waker = {
            let mut foreign = there.lock().unwrap();
            foreign.value = Some(7);
            foreign.waker.take()
        };
        waker.expect("the future left its waker").wake();
    });
    (foreign, ask, thread)
}

async fn receive(foreign: &Mutex<Foreign>, ask: &Sender<()>) -> u32 {
    poll_fn(|cx| {
        let mut foreign = foreign.lock().unwrap();
        foreign.polls += 1;
        if foreign.polls == 2 {
            ask.send(()).unwrap();
        }
        foreign.waker = Some(cx.waker().clone());
        foreign.value.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

#[test]
fn a_foreign_future_that_is_awaited_beside_one_of_ours_is_no_deadlock() {
    let (foreign, ask, thread) = ask_thread();
    let mut polls_at_the_end = 0;
    Kernel::builder().virtual_clock(true).run(async {
        let event = curio::Event::new();
        let received = async {
            let received = receive(&foreign, &ask).await;
            polls_at_the_end = foreign.lock().unwrap().polls;
            event.set();
            received
        };
        // The last of the two waits is the one that the task shows.
        let (received, ()) = curio::join!(received, event.wait());
        assert_eq!(received, 7);
    });
    drop(ask);
    thread.join().unwrap();
    assert_eq!(polls_at_the_end, 3, "polled at first, once to see, and when it was woken");
}

#[test]
fn waits_of_our_own_beside_each_other_are_a_deadlock_however_many_wakers_they_keep() {
    let report = std::panic::catch_unwind(|| {
        Kernel::builder().virtual_clock(true).run(async {
            let (event, lock, queue) =
                (curio::Event::new(), curio::Lock::new(()), curio::Queue::<u8>::new(1));
            let _guard = lock.acquire().await;
            let (_sender, receiver) = curio::channel::<u8>(1);
            let never = curio::spawn_named("never", std::future::pending::<()>());
            curio::scope(async |scope| {
                let child = scope.spawn(async { event.wait().await });
                curio::join!(
                    event.wait(),
                    async { drop(lock.acquire().await) },
                    async {
                        let _ = queue.get().await;
                    },
                    async {
                        let _ = receiver.recv().await;
                    },
                    async {
                        let _ = curio::timeout_after(None, event.wait()).await;
                    },
                    never.wait(),
                    curio::finally(event.wait(), async |_| ()),
                    async { drop(child.join().await) },
                );
            })
            .await;
        });
    });
    let report = report.expect_err("nothing can ever happen");
    let report = report.downcast_ref::<String>().expect("a report is a string");
    assert!(report.starts_with("deadlock: "), "{report}");
}

/// A kernel in which a task waits for the event, after a turn that found nothing to do and probed for a deadlock.
fn probed_kernel(event: &std::rc::Rc<curio::Event>) -> curio::Kernel {
    let mut kernel = Kernel::builder().virtual_clock(true).build().unwrap();
    let event = std::rc::Rc::clone(event);
    kernel.run(async {
        let cleanup = async |_| curio::sleep(Duration::from_secs(1)).await;
        curio::spawn(async move { curio::finally(event.wait(), cleanup).await }).detach();
        curio::schedule().await;
    });
    assert_eq!(kernel.turn(None).ran, 1, "the probe");
    kernel
}

#[test]
fn a_run_after_a_turn_that_probed_is_no_deadlock() {
    let event = std::rc::Rc::default();
    let mut kernel = probed_kernel(&event);
    kernel.run(async { event.set() });
}

#[test]
fn a_kernel_that_is_dropped_after_a_turn_that_probed_runs_its_cleanups() {
    let event = std::rc::Rc::default();
    let kernel = probed_kernel(&event);
    let begun = std::time::Instant::now();
    drop(kernel);
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "the virtual clock goes on, and no grace period has to end"
    );
}

#[test]
fn a_cancellation_after_a_turn_that_probed_is_carried_out_by_the_next() {
    let mut kernel = Kernel::builder().virtual_clock(true).build().unwrap();
    let task = kernel.run(async {
        let task = curio::spawn(std::future::pending::<()>());
        curio::schedule().await;
        task
    });
    assert_eq!(kernel.turn(None).ran, 1, "the probe");
    task.request_cancel();
    kernel.turn(None);
    assert!(task.is_cancelled());
}
