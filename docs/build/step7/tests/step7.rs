//! Step 7: ending a wait.

use build_step7::{
    Semaphore, TaskError, TaskTimeout, TcpListener, clock, oneshot, run, schedule, sleep, spawn, testing,
    timeout_after,
};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Notes that it was dropped.
struct SetOnDrop(Rc<Cell<bool>>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn cancel_returns_when_the_future_of_the_task_is_gone() {
    testing::run(async {
        let dropped = Rc::new(Cell::new(false));
        let guard = SetOnDrop(Rc::clone(&dropped));
        let task = spawn(async move {
            let _guard = guard;
            sleep(1000 * SECOND).await;
        });
        schedule().await;
        let start = clock();
        assert!(task.cancel().await);
        assert!(dropped.get() && clock() == start);
        assert!(matches!(task.join().await, Err(TaskError::Cancelled)));
    });
}

#[test]
fn a_task_that_has_ended_is_not_cancelled() {
    testing::run(async {
        let task = spawn(async { 1 });
        schedule().await;
        assert!(!task.cancel().await);
        assert_eq!(task.join().await.unwrap(), 1);
    });
}

#[test]
fn a_task_that_is_ready_already_wins_over_a_request_to_stop() {
    testing::run(async {
        let (sender, receiver) = oneshot();
        let task = spawn(receiver);
        schedule().await;
        sender.send("in time").unwrap();
        assert!(!task.cancel().await);
        assert_eq!(task.join().await.unwrap(), Ok("in time"));
    });
}

#[test]
fn a_task_that_waits_is_dropped_where_it_waits_and_not_polled_again() {
    testing::run(async {
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let task = spawn(poll_fn(move |_| {
            counted.set(counted.get() + 1);
            std::task::Poll::<()>::Pending
        }));
        schedule().await;
        assert!(task.cancel().await);
        assert_eq!(polls.get(), 1);
    });
}

#[test]
fn a_task_that_asks_itself_to_stop_ends_at_its_next_wait() {
    testing::run(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let (sender, receiver) = oneshot();
        let told = Rc::clone(&log);
        let task = Rc::new(spawn(async move {
            let this: Rc<build_step7::Task<()>> = receiver.await.unwrap();
            this.request_cancel();
            told.borrow_mut().push("still here");
            schedule().await;
            told.borrow_mut().push("never");
        }));
        assert!(sender.send(Rc::clone(&task)).is_ok());
        sleep(SECOND).await;
        assert!(!task.cancel().await, "it has ended already");
        assert_eq!(*log.borrow(), ["still here"]);
    });
}

#[test]
fn cancelling_a_task_that_was_granted_a_permit_passes_the_permit_on() {
    testing::run(async {
        let semaphore = Rc::new(Semaphore::new(0));
        let acquire = || {
            let semaphore = Rc::clone(&semaphore);
            spawn(async move {
                let permit = semaphore.acquire().await;
                schedule().await;
                drop(permit);
            })
        };
        let (first, second) = (acquire(), acquire());
        schedule().await;
        semaphore.release();
        assert!(first.cancel().await, "it had its permit, and waited for something else");
        second.join().await.unwrap();
        assert_eq!(semaphore.value(), 1);
    });
}

#[test]
fn a_future_that_is_too_slow_is_dropped_at_its_limit() {
    testing::run(async {
        let dropped = Rc::new(Cell::new(false));
        let guard = SetOnDrop(Rc::clone(&dropped));
        let start = clock();
        let slow = async move {
            let _guard = guard;
            sleep(60 * SECOND).await;
        };
        assert_eq!(timeout_after(SECOND, slow).await, Err(TaskTimeout));
        assert_eq!(clock() - start, SECOND);
        assert!(dropped.get());
    });
}

#[test]
fn a_future_that_is_ready_when_its_limit_passes_wins() {
    testing::run(async {
        assert_eq!(timeout_after(SECOND, sleep(SECOND)).await, Ok(()));
        assert_eq!(timeout_after(Duration::ZERO, async { 1 }).await, Ok(1));
        assert_eq!(timeout_after(Duration::ZERO, pending::<()>()).await, Err(TaskTimeout));
    });
}

#[test]
fn limits_nest() {
    testing::run(async {
        let start = clock();
        let inner = timeout_after(5 * SECOND, sleep(60 * SECOND));
        assert_eq!(timeout_after(SECOND, inner).await, Err(TaskTimeout), "the outer one passed first");
        let inner = timeout_after(SECOND, sleep(60 * SECOND));
        assert_eq!(timeout_after(5 * SECOND, inner).await, Ok(Err(TaskTimeout)), "the inner one did");
        assert_eq!(clock() - start, 2 * SECOND);
    });
}

#[test]
fn a_limit_that_was_not_reached_leaves_no_timer_behind() {
    testing::run(async {
        let start = clock();
        timeout_after(1000 * SECOND, schedule()).await.unwrap();
        // With the timer still there the clock would jump to it while the kernel waits for the thread.
        let work = || std::thread::sleep(Duration::from_millis(20));
        build_step7::run_in_thread(work).await.unwrap();
        assert_eq!(clock(), start);
    });
}

#[test]
fn a_wait_for_a_socket_can_have_a_limit_and_be_tried_again() {
    run(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(timeout_after(Duration::from_millis(5), listener.accept()).await.is_err());
        let client = spawn(build_step7::run_in_thread(move || std::net::TcpStream::connect(address)));
        assert!(listener.accept().await.is_ok());
        assert!(client.join().await.unwrap().unwrap().is_ok());
    });
}
