//! Work on the side: done in time, and otherwise as if it were not there.

use curio::{Kernel, Upkeep, clock, sleep, upkeep};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Calls every second, and when they were.
fn every_second() -> (Upkeep, Rc<RefCell<Vec<Duration>>>) {
    let start = clock();
    let calls: Rc<RefCell<Vec<Duration>>> = Rc::default();
    let noted = calls.clone();
    let going_on = upkeep(seconds(1), move || {
        noted.borrow_mut().push(clock() - start);
        Some(seconds(1))
    });
    (going_on, calls)
}

#[test]
fn it_is_done_when_time_passes_for_other_reasons() {
    curio::testing::run(async {
        let (upkeep, calls) = every_second();
        for _ in 0..4 {
            sleep(Duration::from_millis(750)).await;
        }
        assert!(upkeep.is_going_on());
        assert_eq!(*calls.borrow(), [Duration::from_millis(1500), Duration::from_millis(3000)]);
    });
}

#[test]
fn a_virtual_clock_does_not_stop_for_it() {
    curio::testing::run(async {
        let (_upkeep, calls) = every_second();
        sleep(seconds(1_000_000)).await;
        assert_eq!(*calls.borrow(), [seconds(1_000_000)]);
    });
}

#[test]
fn it_neither_keeps_run_from_ending_nor_counts_as_left_behind() {
    let outliving = curio::testing::run(async { every_second().0 });
    assert!(!outliving.is_going_on(), "it ends with its kernel");
}

#[test]
#[should_panic(expected = "deadlock")]
fn it_hides_no_deadlock() {
    Kernel::builder().virtual_clock(true).run(async {
        let (_upkeep, _calls) = every_second();
        std::future::pending::<()>().await;
    });
}

#[test]
fn on_the_real_clock_an_idle_kernel_wakes_up_for_it() {
    curio::run(async {
        let called = Rc::new(Cell::new(false));
        let event = Rc::new(curio::Event::new());
        let (set, seen) = (event.clone(), called.clone());
        let _upkeep = upkeep(Duration::from_millis(20), move || {
            seen.set(true);
            set.set();
            None
        });
        // The limit is only there for the case that it is not called.
        assert!(curio::timeout_after(seconds(20), event.wait()).await.is_ok());
        assert!(called.get());
    });
}

#[test]
fn it_ends_when_it_says_so_when_dropped_and_when_it_panics() {
    curio::testing::run(async {
        let calls = Rc::new(Cell::new(0));
        let count = |calls: &Rc<Cell<u32>>| {
            let calls = calls.clone();
            move || calls.set(calls.get() + 1)
        };
        let (one, two, three) = (count(&calls), count(&calls), count(&calls));
        let once = upkeep(seconds(1), move || {
            one();
            None
        });
        let dropped = upkeep(seconds(1), move || {
            two();
            Some(seconds(1))
        });
        let panics = upkeep(seconds(1), move || {
            three();
            panic!("on purpose")
        });
        drop(dropped);
        for _ in 0..5 {
            sleep(seconds(1)).await;
        }
        assert_eq!(calls.get(), 2);
        assert!(!once.is_going_on() && !panics.is_going_on());
    });
}

#[test]
fn it_ends_when_it_is_dropped_by_its_own_work() {
    curio::testing::run(async {
        let (calls, own) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
        let (counter, slot) = (calls.clone(), Rc::clone(&own));
        let captured = Rc::new(());
        let kept = Rc::clone(&captured);
        *own.borrow_mut() = Some(upkeep(seconds(1), move || {
            let _ = &kept;
            counter.set(counter.get() + 1);
            drop(slot.borrow_mut().take());
            Some(seconds(1))
        }));
        for _ in 0..5 {
            sleep(seconds(1)).await;
        }
        assert_eq!(calls.get(), 1);
        assert_eq!(Rc::strong_count(&captured), 1, "its work is gone, with what it captured");
    });
}

#[test]
fn work_whose_destructor_panics_is_reported_and_the_kernel_goes_on() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom in a destructor");
        }
    }
    let reports = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&reports);
    let builder =
        Kernel::builder().virtual_clock(true).on_report(move |line| sink.borrow_mut().push(line.to_string()));
    builder.run(async {
        let bomb = Bomb;
        let _once = upkeep(seconds(1), move || {
            let _ = &bomb;
            None
        });
        sleep(seconds(2)).await;
    });
    let reports = reports.take();
    assert!(reports.len() == 1 && reports[0].contains("boom in a destructor"), "{reports:#?}");
}
