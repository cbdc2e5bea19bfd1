//! What looks like a program that can never go on, while another thread may still wake it. What is said of one that
//! really cannot is in `deadlock_alone.rs`.

use curio::Kernel;
use std::cell::RefCell;
use std::rc::Rc;
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
