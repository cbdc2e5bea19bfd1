//! Threads that await, and threads that take turns.

use curio::{
    Kernel, TaskError, ThreadContext, block_in_thread, clock, current_task, finally, join, schedule, sleep,
    spawn, spawn_thread,
};
use std::future::pending;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn run<F: IntoFuture>(main: F) -> F::Output {
    Kernel::builder().virtual_clock(true).on_report(no_wake_is_lost).run(main)
}

/// Other reports are expected here.
fn no_wake_is_lost(line: &str) {
    assert!(!line.contains("lost its wake-up"), "{line}");
}

curio::task_local! { static NUMBER: u32 = 0; }

#[test]
fn a_thread_awaits_what_need_not_be_send() {
    run(async {
        let task = spawn_thread(|thread: ThreadContext| {
            let five = thread.await_(|| async { *Rc::new(5) }).unwrap();
            five + thread.await_(|| std::future::ready(1)).unwrap()
        });
        assert_eq!(task.join().await.unwrap(), 6);
    });
}

#[test]
fn a_thread_sleeps_on_the_kernels_clock() {
    run(async {
        let start = clock();
        let task = spawn_thread(move |thread| {
            for _ in 0..3 {
                thread.await_(|| sleep(SECOND)).unwrap();
            }
            thread.await_(async || clock()).unwrap() - start
        });
        assert_eq!(task.join().await.unwrap(), 3 * SECOND);
        assert_eq!(clock() - start, 3 * SECOND);
    });
}

#[test]
fn a_virtual_clock_stands_still_while_the_thread_works() {
    run(async {
        let start = clock();
        let task = spawn_thread(|_| std::thread::sleep(Duration::from_millis(30)));
        let sleeper = spawn(sleep(SECOND));
        task.join().await.unwrap();
        assert_eq!(clock() - start, Duration::ZERO);
        sleeper.join().await.unwrap();
    });
}

#[test]
fn what_a_thread_awaits_runs_in_its_task() {
    run(async {
        NUMBER.set(4);
        let task =
            spawn_thread(|thread| thread.await_(|| async { (current_task().id(), NUMBER.get()) }).unwrap());
        let id = task.id();
        assert_eq!(task.join().await.unwrap(), (id, 4));
    });
}

#[test]
fn a_thread_shows_what_it_waits_for() {
    run(async {
        let (go, wait) = mpsc::channel::<()>();
        let line = line!() + 1;
        let task = spawn_thread(move |thread| {
            wait.recv().unwrap();
            thread.await_(|| sleep(SECOND))
        });
        schedule().await;
        let info = task.info();
        assert_eq!(info.state().to_string(), "THREAD_WAIT");
        assert_eq!(info.waiting_at().unwrap().line(), line);
        assert!(info.name().contains("a_thread_shows_what_it_waits_for"), "{}", info.name());
        go.send(()).unwrap();
        task.join().await.unwrap().unwrap();
    });
}

#[test]
fn a_panic_of_the_thread_is_a_panic_of_its_task() {
    run(async {
        let task = spawn_thread(|_| -> u32 { panic!("boom") });
        assert_eq!(task.join().await.unwrap_err().to_string(), "the task panicked: boom");
    });
}

#[test]
fn a_panic_of_the_future_or_of_its_maker_is_told_to_the_thread() {
    run(async {
        let task = spawn_thread(|thread| {
            let of_future = thread.await_(|| async { panic!("future") }).unwrap_err();
            let of_maker = thread.await_(|| -> std::future::Ready<()> { panic!("maker") }).unwrap_err();
            assert!(of_future.is_panic() && of_maker.is_panic());
            thread.await_(|| async { "goes on" }).unwrap()
        });
        assert_eq!(task.join().await.unwrap(), "goes on");
    });
}

#[test]
fn cancelling_the_task_cleans_up_what_the_thread_awaits_and_tells_it() {
    run(async {
        let (tell, told) = mpsc::channel();
        let task = spawn_thread(move |thread| {
            let slow = || finally(pending::<()>(), async |_| sleep(2 * SECOND).await);
            let error = thread.await_(slow).unwrap_err();
            let again = thread.await_(|| async {}).unwrap_err();
            tell.send(matches!((error, again), (TaskError::Cancelled, TaskError::Cancelled))).unwrap();
        });
        sleep(SECOND).await;
        let start = clock();
        assert!(task.cancel().await);
        assert_eq!(clock() - start, 2 * SECOND);
        assert!(told.recv().unwrap());
    });
}

#[test]
fn a_task_that_is_cancelled_while_its_thread_works_ends_at_once() {
    run(async {
        let (go, wait) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let task = spawn_thread(move |thread| {
            wait.recv().unwrap();
            tell.send(thread.await_(|| async {}).unwrap_err().is_cancelled()).unwrap();
        });
        schedule().await;
        assert!(task.cancel().await);
        go.send(()).unwrap();
        assert!(told.recv().unwrap());
    });
}

#[test]
fn a_thread_that_never_ends_does_not_delay_the_exit() {
    let (_keep, never) = mpsc::channel::<()>();
    let start = Instant::now();
    Kernel::builder().on_report(|_| ()).run(async move {
        spawn_thread(move |_| never.recv().is_ok()).detach();
        sleep(Duration::from_millis(5)).await;
    });
    assert!(start.elapsed() < 3 * SECOND);
}

#[test]
fn await_inside_of_a_kernel_is_refused() {
    run(async {
        let (hand_over, context) = mpsc::channel();
        let (_keep, wait) = mpsc::channel::<()>();
        let task = spawn_thread(move |thread| {
            hand_over.send(thread).unwrap();
            wait.recv().is_ok()
        });
        schedule().await;
        let context = context.recv().unwrap();
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| context.await_(|| async {})));
        let message = *panics.unwrap_err().downcast::<&str>().unwrap();
        assert!(message.contains("would block the kernel"), "{message}");
        task.cancel().await;
    });
}

#[test]
fn more_threads_than_workers_may_await_work_of_workers() {
    Kernel::builder().max_worker_threads(1).run(async {
        let tasks: Vec<_> = (0..4)
            .map(|n| spawn_thread(move |thread| thread.await_(move || curio::run_in_thread(move || n))))
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.join().await.unwrap().unwrap().unwrap(), n);
        }
    });
}

/// Counts how many run at once.
fn busy(now: &AtomicU32, most: &AtomicU32) {
    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(5));
    now.fetch_sub(1, Ordering::SeqCst);
}

#[test]
fn calls_with_one_key_take_turns_and_others_do_not_wait() {
    run(async {
        let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let calls: Vec<_> = (0..5)
            .map(|n| {
                let (now, most, order) = (now.clone(), most.clone(), order.clone());
                spawn(block_in_thread("key", move || {
                    busy(&now, &most);
                    order.lock().unwrap().push(n);
                }))
            })
            .collect();
        for call in calls {
            call.join().await.unwrap().unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
        let (tell, told) = mpsc::channel::<()>();
        let waits = block_in_thread(1_u8, move || told.recv().is_ok());
        let frees = block_in_thread(1_u16, move || tell.send(()).is_ok());
        let (waited, freed) = join!(waits, frees);
        assert!(waited.unwrap() && freed.unwrap());
    });
}

#[test]
fn the_next_call_waits_for_the_thread_of_a_cancelled_one() {
    Kernel::builder().run(async {
        let (go, wait) = mpsc::channel::<()>();
        let (begin, begun) = curio::oneshot();
        let finished = Arc::new(AtomicU32::new(0));
        let there = finished.clone();
        let first = spawn(block_in_thread("slow", move || {
            begin.send(()).unwrap();
            let told = wait.recv();
            there.fetch_add(1, Ordering::SeqCst);
            told.is_ok()
        }));
        begun.recv().await.unwrap();
        assert!(first.cancel().await);
        let seen = finished.clone();
        let second = spawn(block_in_thread("slow", move || seen.load(Ordering::SeqCst)));
        schedule().await;
        assert!(!second.is_terminated());
        assert_eq!(second.info().state().to_string(), "THREAD_WAIT");
        assert_eq!(second.info().waiting_at().unwrap().file(), file!());
        go.send(()).unwrap();
        assert_eq!(second.join().await.unwrap().unwrap(), 1);
    });
}

#[test]
fn a_call_that_is_dropped_in_line_never_starts_and_holds_up_nobody() {
    run(async {
        let (go, wait) = mpsc::channel::<()>();
        let ran = Arc::new(AtomicU32::new(0));
        let first = spawn(block_in_thread("line", move || wait.recv().is_ok()));
        schedule().await;
        let there = ran.clone();
        let second = spawn(block_in_thread("line", move || there.fetch_add(1, Ordering::SeqCst)));
        let third = spawn(block_in_thread("line", || "third"));
        schedule().await;
        assert!(second.cancel().await);
        go.send(()).unwrap();
        assert!(first.join().await.unwrap().unwrap());
        assert_eq!(third.join().await.unwrap().unwrap(), "third");
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_panic_in_a_turn_ends_the_turn() {
    run(async {
        let error = block_in_thread("p", || panic!("boom")).await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(block_in_thread("p", || 1).await.unwrap(), 1);
    });
}

#[test]
fn keys_that_nobody_uses_are_forgotten() {
    #[derive(PartialEq, Eq, Hash)]
    struct Key(u32, Rc<u32>);
    run(async {
        let shared = Rc::new(0);
        for n in 0..500 {
            assert_eq!(block_in_thread(Key(n, shared.clone()), move || n).await.unwrap(), n);
        }
        assert!(Rc::strong_count(&shared) < 140, "{}", Rc::strong_count(&shared));
    });
}

/// A key whose hashing and comparing use keys, too.
struct Nosy(u32);

fn use_another_key() {
    let mut call = std::pin::pin!(block_in_thread("another", || ()));
    // The thread may be so quick that it is ready.
    let _: std::task::Poll<_> =
        call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
}

impl std::hash::Hash for Nosy {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        use_another_key();
        0.hash(state);
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Nosy) -> bool {
        use_another_key();
        self.0 == other.0
    }
}

impl Eq for Nosy {}

#[test]
fn hashing_and_comparing_a_key_may_run_any_code() {
    Kernel::builder().virtual_clock(true).run(async {
        let calls =
            (block_in_thread(Nosy(1), || 1), block_in_thread(Nosy(1), || 2), block_in_thread(Nosy(2), || 3));
        let (one, same, other) = curio::join!(calls.0, calls.1, calls.2);
        assert_eq!((one.unwrap(), same.unwrap(), other.unwrap()), (1, 2, 3));
    });
}
