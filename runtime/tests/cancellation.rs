//! Cancelling tasks: when it takes effect, what it waits for, and that it cannot be swallowed.

mod common;

use common::{Log, ms, poll_once, run_real, run_virtual, secs, virtual_kernel};
use curio::{
    Event, Lock, Outcome, Queue, Semaphore, Task, cancellation_pending, clock, finally, join, schedule,
    sleep, spawn, timeout_after,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;

type Own<T> = Rc<RefCell<Option<Task<T>>>>;

/// A task that can reach its own handle.
fn spawn_with_handle<F: Future<Output = ()> + 'static>(make: impl FnOnce(Own<()>) -> F) -> Own<()> {
    let own = Own::default();
    *own.borrow_mut() = Some(spawn(make(Rc::clone(&own))));
    own
}

#[test]
fn a_parked_task_is_dropped_where_it_waits_even_if_its_wait_ends_before_its_turn_comes() {
    run_virtual(async {
        let (event, ran_on) = (Rc::new(Event::new()), Rc::new(Cell::new(false)));
        let task = spawn({
            let (event, ran_on) = (Rc::clone(&event), Rc::clone(&ran_on));
            async move {
                event.wait().await;
                ran_on.set(true);
            }
        });
        schedule().await;
        task.request_cancel();
        event.set();
        assert!(task.cancel().await && !ran_on.get());
    });
}

#[test]
fn a_parked_task_is_dropped_where_it_waits() {
    run_virtual(async {
        let log = Log::new();
        let own = log.clone();
        let task = spawn(async move {
            let _guard = own.on_drop("dropped");
            sleep(secs(60)).await;
            own.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
        log.note("cancelled");
        assert!(task.is_terminated() && task.is_cancelled());
        assert!(task.join().await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["1000 dropped", "1000 cancelled"]);
    });
}

#[test]
fn every_kind_of_wait_can_be_cancelled() {
    run_virtual(async {
        static HELD: Lock = Lock::new(());
        static NONE: Semaphore = Semaphore::new(0);
        static EVENT: Event = Event::new();
        static FULL: Queue<u8> = Queue::new(1);
        static EMPTY: Queue<u8> = Queue::new(1);
        FULL.put(1).await;
        let held = HELD.acquire().await;
        let endless = Rc::new(spawn(pending::<()>()));
        let other = Rc::clone(&endless);
        type Wait = Pin<Box<dyn Future<Output = ()>>>;
        let waits: [Wait; 12] = [
            Box::pin(sleep(secs(60))),
            Box::pin(async { drop(HELD.acquire().await) }),
            Box::pin(async { drop(NONE.acquire_many(3).await) }),
            Box::pin(EVENT.wait()),
            Box::pin(FULL.put(2)),
            Box::pin(async { assert_eq!(EMPTY.get().await, 1) }),
            Box::pin(FULL.join()),
            Box::pin(async move { other.wait().await }),
            Box::pin(async { timeout_after(secs(60), pending()).await.unwrap() }),
            Box::pin(async { join!(pending::<()>(), sleep(secs(60))).1 }),
            Box::pin(async { curio::race((pending::<()>(), sleep(secs(60)))).await }),
            Box::pin(pending()),
        ];
        for wait in waits {
            let task = spawn(wait);
            schedule().await;
            assert!(task.cancel().await);
        }
        drop(held);
        assert!(endless.cancel().await);
        assert!(HELD.try_acquire().is_some() && NONE.value() == 0 && FULL.size() == 1 && EMPTY.is_empty());
    });
}

#[test]
fn a_ready_task_runs_to_its_next_await_first() {
    run_virtual(async {
        let log = Log::new();
        let event = Rc::new(Event::new());
        let (own, waiting) = (log.clone(), Rc::clone(&event));
        let task = spawn(async move {
            waiting.wait().await;
            own.note("woken before it was cancelled");
            schedule().await;
            own.note("never reached");
        });
        schedule().await;
        event.set();
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["0 woken before it was cancelled"]);
    });
}

#[test]
fn a_task_that_never_ran_starts_before_it_is_cancelled() {
    run_virtual(async {
        let started = Rc::new(Cell::new(false));
        let flag = Rc::clone(&started);
        let task = spawn(async move {
            flag.set(true);
            pending::<()>().await;
        });
        assert!(task.cancel().await);
        assert!(started.get());
    });
}

#[test]
fn a_task_that_returns_without_another_await_was_not_cancelled() {
    run_virtual(async {
        let task = spawn(async { "done all the same" });
        assert!(!task.cancel().await, "this cancel did not end it");
        assert!(!task.is_cancelled());
        assert_eq!(task.join().await.unwrap(), "done all the same");
    });
}

#[test]
fn what_is_ready_when_the_cancel_arrives_wins() {
    run_virtual(async {
        let queue = Rc::new(Queue::new(1));
        let own = Rc::clone(&queue);
        let task = spawn(async move { own.get().await });
        schedule().await;
        queue.put(7).await;
        assert!(!task.cancel().await, "the item was its own already, and it had nothing more to wait for");
        assert_eq!(task.join().await.unwrap(), 7);
    });
}

#[test]
fn cancelling_a_task_that_has_ended_returns_false_at_once_and_leaves_its_result() {
    run_virtual(async {
        let task = spawn(async { 5 });
        task.wait().await;
        let mut cancelling = Box::pin(task.cancel());
        assert_eq!(poll_once(cancelling.as_mut()).await, std::task::Poll::Ready(false));
        drop(cancelling);
        assert_eq!(task.join().await.unwrap(), 5);
    });
}

#[test]
fn cancel_waits_for_the_cleanup_and_request_cancel_does_not() {
    run_virtual(async {
        for wait in [true, false] {
            let log = Log::new();
            let inside = log.clone();
            let task = spawn(finally(pending::<()>(), async move |outcome| {
                sleep(secs(1)).await;
                inside.note(format!("{outcome:?}"));
            }));
            schedule().await;
            if wait {
                assert!(task.cancel().await);
                assert_eq!(log.take(), ["1000 Cancelled"]);
            } else {
                task.request_cancel();
                assert!(!task.is_terminated() && log.take().is_empty());
                task.wait().await;
                assert_eq!(log.take(), ["1000 Cancelled"]);
            }
        }
    });
}

#[test]
fn a_second_cancel_changes_nothing_and_waits_too() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let task = Rc::new(spawn(finally(pending::<()>(), async move |_| {
            inside.note("begins");
            sleep(secs(2)).await;
            inside.note("ends");
        })));
        schedule().await;
        let (first, second, own) = (Rc::clone(&task), Rc::clone(&task), log.clone());
        let first = spawn(async move { first.cancel().await });
        sleep(secs(1)).await;
        second.request_cancel();
        second.cancel().await;
        own.note("second returns");
        assert!(first.join().await.unwrap());
        assert_eq!(log.take(), ["0 begins", "2000 ends", "2000 second returns"]);
    });
}

#[test]
fn a_canceller_that_gives_up_has_asked_all_the_same() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let task = spawn(finally(pending::<()>(), async move |_| {
            sleep(secs(5)).await;
            inside.note("cleaned up");
        }));
        schedule().await;
        assert!(timeout_after(secs(1), task.cancel()).await.is_err());
        task.wait().await;
        assert!(task.is_cancelled());
        assert_eq!(log.take(), ["5000 cleaned up"]);
    });
}

#[test]
fn a_cancel_that_is_never_polled_asks_for_nothing() {
    run_virtual(async {
        let task = spawn(sleep(secs(1)));
        drop(task.cancel());
        task.join().await.unwrap();
    });
}

#[test]
fn two_tasks_that_cancel_each_other_both_end() {
    run_virtual(async {
        let handles: Rc<RefCell<Vec<Task<()>>>> = Rc::default();
        let tasks: Vec<_> = [1, 0]
            .map(|other: usize| {
                let handles = Rc::clone(&handles);
                spawn(async move {
                    schedule().await;
                    handles.borrow()[other].request_cancel();
                    pending::<()>().await;
                })
            })
            .into();
        *handles.borrow_mut() = tasks;
        sleep(secs(1)).await;
        assert!(handles.borrow().iter().all(Task::is_cancelled));
        handles.take();
    });
}

// ---- itself

#[test]
fn a_task_that_cancels_itself_is_dropped_at_that_await() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let own = spawn_with_handle(|own: Own<()>| async move {
            let _guard = inside.on_drop("dropped");
            schedule().await;
            let task = own.borrow_mut().take().unwrap();
            task.cancel().await;
            inside.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(own.borrow().is_none());
        assert_eq!(log.take(), ["0 dropped"]);
    });
}

#[test]
fn a_task_that_asks_itself_to_stop_goes_on_to_its_next_await() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let own = spawn_with_handle(|own: Own<()>| async move {
            schedule().await;
            own.borrow().as_ref().unwrap().request_cancel();
            assert!(cancellation_pending());
            inside.note("still here");
            schedule().await;
            inside.note("never reached");
        });
        sleep(secs(1)).await;
        assert!(own.borrow().as_ref().unwrap().is_cancelled());
        assert_eq!(log.take(), ["0 still here"]);
        own.take();
    });
}

#[test]
fn a_task_that_asks_itself_to_stop_and_returns_was_not_cancelled() {
    run_virtual(async {
        let own = spawn_with_handle(|own: Own<()>| async move {
            schedule().await;
            own.borrow().as_ref().unwrap().request_cancel();
        });
        sleep(secs(1)).await;
        let task = own.take().unwrap();
        assert!(task.is_terminated() && !task.is_cancelled());
        task.join().await.unwrap();
    });
}

// ---- with limits

#[test]
fn the_limits_of_a_cancelled_task_do_not_disturb_its_cleanup() {
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let task = spawn(async move {
            let body = finally(pending::<()>(), async move |outcome| {
                assert_eq!(outcome, Outcome::Cancelled);
                sleep(secs(5)).await;
                inside.note("cleaned up");
            });
            // It passes while the cleanup runs.
            let _ = timeout_after(secs(1), body).await;
            unreachable!("cancellation is not swallowed by a limit");
        });
        sleep(ms(500)).await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["5500 cleaned up"]);
    });
}

#[test]
fn a_cancel_and_a_limit_at_the_same_instant_end_the_task() {
    run_virtual(async {
        let task = spawn(async {
            let _ = timeout_after(secs(1), pending::<()>()).await;
            schedule().await;
            unreachable!("it was cancelled in the instant in which the limit passed");
        });
        sleep(secs(1)).await;
        assert!(task.cancel().await);
    });
}

#[test]
fn cancelling_a_parent_does_not_cancel_its_children() {
    run_virtual(async {
        let child = Rc::new(RefCell::new(None));
        let place = Rc::clone(&child);
        let parent = spawn(async move {
            *place.borrow_mut() = Some(spawn(async {
                sleep(secs(2)).await;
                "lives on"
            }));
            pending::<()>().await;
        });
        schedule().await;
        assert!(parent.cancel().await);
        assert_eq!(child.take().unwrap().join().await.unwrap(), "lives on");
    });
}

// ---- from elsewhere

#[test]
fn a_task_that_was_cancelled_between_two_runs_ends_in_the_next() {
    let mut kernel = virtual_kernel();
    let cleaned = Rc::new(Cell::new(false));
    let flag = Rc::clone(&cleaned);
    let task = kernel.run(async {
        let task = spawn(finally(pending::<()>(), async move |_| {
            sleep(secs(1)).await;
            flag.set(true);
        }));
        schedule().await;
        task
    });
    task.request_cancel();
    assert!(!task.is_terminated());
    let start = kernel.run(async { clock() });
    kernel.run(task.wait());
    assert!(cleaned.get() && task.is_cancelled());
    assert_eq!(kernel.run(async { clock() }) - start, secs(1));
}

#[test]
fn a_task_of_one_kernel_can_be_cancelled_from_inside_another() {
    let (mut first, mut second) = (virtual_kernel(), virtual_kernel());
    let log = Rc::new(RefCell::new(Vec::new()));
    let body = |name: &'static str| {
        let log = Rc::clone(&log);
        timeout_after(secs(60), finally(pending::<()>(), async move |_| log.borrow_mut().push(name)))
    };
    let task = first.run(async {
        let task = spawn(body("the first kernel's"));
        schedule().await;
        task
    });
    second.run(async {
        let bystander = spawn(body("the second kernel's"));
        schedule().await;
        task.request_cancel();
        sleep(secs(1)).await;
        assert!(!bystander.is_terminated() && log.borrow().is_empty(), "it was not meant");
        bystander.cancel().await;
    });
    assert_eq!(log.take(), ["the second kernel's"]);
    first.run(task.wait());
    assert_eq!(log.take(), ["the first kernel's"]);
}

#[test]
fn a_task_waiting_for_a_thread_or_a_socket_can_be_cancelled() {
    run_real(async {
        let listener = curio::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accepting = spawn(async move { listener.accept().await.map(drop) });
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let calling = spawn(curio::run_in_thread(move || blocked.recv().is_err()));
        sleep(ms(5)).await;
        assert!(accepting.cancel().await && calling.cancel().await);
        drop(release);
    });
}

#[test]
fn a_region_in_a_foreign_executor_hears_of_a_cancel() {
    /// Polls its future only if that was woken itself, as sub-executors do.
    struct OnlyWhenWoken<F> {
        future: Pin<Box<F>>,
        woken: std::sync::Arc<Flag>,
    }
    #[derive(Default)]
    struct Flag(std::sync::atomic::AtomicBool, std::sync::Mutex<Option<std::task::Waker>>);
    impl std::task::Wake for Flag {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            let waker = self.1.lock().unwrap().clone();
            waker.unwrap().wake();
        }
    }
    impl<F: Future> Future for OnlyWhenWoken<F> {
        type Output = F::Output;
        fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<F::Output> {
            *self.woken.1.lock().unwrap() = Some(cx.waker().clone());
            if !self.woken.0.swap(false, std::sync::atomic::Ordering::SeqCst) {
                return std::task::Poll::Pending;
            }
            let waker = std::task::Waker::from(self.woken.clone());
            self.future.as_mut().poll(&mut std::task::Context::from_waker(&waker))
        }
    }
    run_virtual(async {
        let log = Log::new();
        let inside = log.clone();
        let future = Box::pin(finally(pending::<()>(), async move |outcome| {
            sleep(ms(20)).await;
            inside.note(format!("{outcome:?}"));
        }));
        let woken = std::sync::Arc::new(Flag::default());
        woken.0.store(true, std::sync::atomic::Ordering::SeqCst);
        let task = spawn(OnlyWhenWoken { future, woken });
        sleep(ms(10)).await;
        assert!(task.cancel().await);
        assert_eq!(log.take(), ["30 Cancelled"]);
    });
}

struct Panicking;

impl std::task::Wake for Panicking {
    fn wake(self: std::sync::Arc<Self>) {
        panic!("a waker that panics, on purpose");
    }
}

#[test]
fn a_waker_that_panics_does_not_keep_a_request_from_those_behind_it() {
    run_virtual(async {
        let calls: [_; 2] = Default::default();
        let [before, behind] = calls.each_ref().map(|calls: &std::sync::Arc<common::Calls>| {
            std::task::Waker::from(std::sync::Arc::clone(calls))
        });
        let wakers = [before, std::task::Waker::from(std::sync::Arc::new(Panicking)), behind];
        let go_on = Rc::new(Event::new());
        let parked = Rc::clone(&go_on);
        let task = spawn(async move {
            let mut regions = wakers.each_ref().map(|_| Box::pin(finally(pending::<()>(), async |_| ())));
            for (region, waker) in regions.iter_mut().zip(&wakers) {
                let polled = region.as_mut().poll(&mut std::task::Context::from_waker(waker));
                assert!(polled.is_pending());
            }
            parked.wait().await;
            futures_util::future::join_all(regions).await;
        });
        schedule().await;
        assert!(common::panic_of(|| task.request_cancel()).contains("on purpose"), "it is for the caller");
        assert_eq!(calls.map(|calls| calls.count()), [1, 1]);
        go_on.set();
        assert!(task.join().await.is_err_and(|error| error.is_cancelled()));
    });
}
