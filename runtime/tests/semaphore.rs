//! Semaphores: so many at a time, first come first served, and no permit is ever lost or made.

mod common;

use common::{Calls, Log, Random, ms, must_end, panic_of, poll_once, run_reporting, run_virtual, secs};
use curio::sync::SemaphoreAcquire;
use curio::{
    BoundedSemaphore, Kernel, OverReleased, Semaphore, SemaphorePermit, clock, schedule, sleep, spawn,
    timeout_after,
};
use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

#[test]
fn the_articles_semaphore_lets_two_run_at_a_time() {
    static SEMA: BoundedSemaphore = BoundedSemaphore::new(2);
    run_virtual(async {
        let start = clock();
        let (now, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let tasks: Vec<_> = (1..=4)
            .map(|n| {
                let (now, most) = (Rc::clone(&now), Rc::clone(&most));
                spawn(async move {
                    let _permit = SEMA.acquire().await;
                    now.set(now.get() + 1);
                    most.set(most.get().max(now.get()));
                    sleep(secs(n)).await;
                    now.set(now.get() - 1);
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(most.get(), 2);
        assert_eq!(clock() - start, secs(6), "1 and 2, then 3 after the 1, then 4 after the 2");
    });
}

#[test]
fn permits_go_to_whoever_has_waited_longest() {
    run_virtual(async {
        let (sema, log) = (Rc::new(Semaphore::new(1)), Log::new());
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let (sema, log) = (Rc::clone(&sema), log.clone());
                spawn(async move {
                    let _permit = sema.acquire().await;
                    log.note(n);
                    sleep(ms(10)).await;
                })
            })
            .collect();
        for task in tasks {
            task.join().await.unwrap();
        }
        assert_eq!(log.take(), ["0 0", "10 1", "20 2", "30 3"]);
    });
}

#[test]
fn a_permit_that_somebody_waits_for_is_never_free_for_bystanders() {
    run_virtual(async {
        let sema = Semaphore::new(1);
        let permit = sema.acquire().await;
        let mut waiter = Box::pin(sema.acquire());
        assert!(poll_once(waiter.as_mut()).await.is_pending());
        drop(permit);
        assert_eq!((sema.value(), sema.locked()), (0, true));
        assert!(sema.try_acquire().is_none());
        assert!(poll_once(waiter.as_mut()).await.is_ready());
    });
}

#[test]
fn several_permits_are_taken_at_once_or_not_at_all() {
    run_virtual(async {
        let sema = Semaphore::new(3);
        let three = sema.acquire_many(3).await;
        assert_eq!(sema.value(), 0);
        drop(three);
        let one = sema.acquire().await;
        let mut three = Box::pin(sema.acquire_many(3));
        assert!(poll_once(three.as_mut()).await.is_pending());
        assert_eq!(sema.value(), 2, "it does not take what is there while it waits");
        let mut two = Box::pin(sema.acquire_many(2));
        assert!(poll_once(two.as_mut()).await.is_pending(), "and nobody passes it");
        drop(one);
        let Poll::Ready(three) = poll_once(three.as_mut()).await else { panic!("it is its turn") };
        assert!(poll_once(two.as_mut()).await.is_pending());
        drop(three);
        assert!(poll_once(two.as_mut()).await.is_ready());
    });
}

#[test]
fn giving_up_a_large_wait_lets_the_small_ones_behind_it_go_on() {
    run_virtual(async {
        let sema = Semaphore::new(2);
        let one = sema.acquire().await;
        let mut large = Box::pin(sema.acquire_many(2));
        let mut small = Box::pin(sema.acquire());
        assert!(poll_once(large.as_mut()).await.is_pending());
        assert!(poll_once(small.as_mut()).await.is_pending());
        drop(large);
        let Poll::Ready(permit) = poll_once(small.as_mut()).await else { panic!("there is one for it") };
        drop((permit, one));
        assert_eq!(sema.value(), 2);
    });
}

#[test]
fn a_permit_comes_back_however_its_holder_ends() {
    run_reporting(async {
        let sema = Rc::new(Semaphore::new(1));
        for end in ["return", "panic", "cancel", "limit"] {
            let own = Rc::clone(&sema);
            let task = spawn(async move {
                let _permit = own.acquire().await;
                match end {
                    "return" => {}
                    "panic" => panic!("with a permit"),
                    "cancel" => std::future::pending().await,
                    _ => drop(timeout_after(ms(1), own.acquire()).await.map(drop)),
                }
            });
            sleep(ms(5)).await;
            task.cancel().await;
            assert_eq!(sema.value(), 1, "{end}");
        }
    });
}

#[test]
fn release_adds_a_permit_and_may_exceed_the_first_number() {
    run_virtual(async {
        let sema = Semaphore::new(0);
        assert!(sema.locked() && sema.try_acquire().is_none());
        sema.release();
        sema.release();
        assert_eq!(sema.value(), 2);
        sema.acquire_many(2).await.forget();
        assert_eq!(sema.value(), 0);
        let mut waiter = Box::pin(sema.acquire());
        assert!(poll_once(waiter.as_mut()).await.is_pending());
        sema.release();
        assert!(poll_once(waiter.as_mut()).await.is_ready());
    });
}

#[test]
fn a_forgotten_permit_stays_away_until_it_is_released() {
    let sema = BoundedSemaphore::new(2);
    sema.try_acquire().unwrap().forget();
    assert_eq!(sema.value(), 1);
    assert_eq!(sema.release(), Ok(()));
    assert_eq!(sema.value(), 2);
}

#[test]
fn a_bounded_one_refuses_to_be_released_too_often() {
    let sema = BoundedSemaphore::new(2);
    assert_eq!(sema.bound(), 2);
    let error: OverReleased = sema.release().unwrap_err();
    assert!(error.to_string().contains("all 2 permits"), "{error}");
    assert_eq!(sema.value(), 2, "nothing changed");
    let permit = sema.try_acquire().unwrap();
    assert_eq!(sema.release(), Ok(()));
    assert!(sema.release().is_err());
    drop(permit);
    assert_eq!(sema.value(), 2, "a permit that was given back twice does not count twice");
}

#[test]
fn a_permit_that_cannot_be_given_back_is_reported() {
    let (_, reports) = run_reporting(async {
        let sema = BoundedSemaphore::new(1);
        let permit = sema.acquire().await;
        sema.release().unwrap();
        drop(permit);
        assert_eq!(sema.value(), 1);
    });
    assert_eq!(reports.len(), 1, "{reports:#?}");
}

#[test]
fn asking_a_bounded_one_for_more_than_there_will_ever_be_panics() {
    let sema = BoundedSemaphore::new(2);
    assert!(panic_of(|| drop(sema.acquire_many(3))).contains("would never be free"));
}

#[test]
fn semaphores_of_both_kinds_are_static_and_serve_threads_and_kernels() {
    static SEMA: BoundedSemaphore = BoundedSemaphore::new(2);
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    fn work() {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::yield_now();
        NOW.fetch_sub(1, Ordering::SeqCst);
    }
    must_end(|| {
        let threads: Vec<_> = (0..6)
            .map(|n| {
                std::thread::spawn(move || {
                    for _ in 0..100 {
                        if n % 2 == 0 {
                            let _permit = SEMA.acquire_blocking();
                            work();
                        } else {
                            curio::run(async {
                                let permits = [SEMA.acquire().await];
                                work();
                                schedule().await;
                                drop(permits);
                            });
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(SEMA.value(), 2);
        assert!((1..=2).contains(&MOST.load(Ordering::SeqCst)));
    });
}

#[test]
fn blocking_inside_a_kernel_is_refused() {
    run_virtual(async {
        assert!(panic_of(|| drop(Semaphore::new(0).acquire_blocking())).contains("run_in_thread"));
        assert!(panic_of(|| drop(BoundedSemaphore::new(1).acquire_blocking())).contains("run_in_thread"));
    });
}

#[test]
fn they_show_what_is_free() {
    let sema = Semaphore::new(3);
    let permit = sema.try_acquire().unwrap();
    assert!(format!("{sema:?}").contains('2') && format!("{permit:?}").contains('1'));
}

#[test]
fn a_hundred_thousand_waits_that_are_given_up_leave_nothing_behind() {
    run_virtual(async {
        let sema = Semaphore::new(1);
        let permit = sema.acquire().await;
        for _ in 0..10_000 {
            let mut waiting: [_; 10] = std::array::from_fn(|_| Box::pin(sema.acquire()));
            for wait in &mut waiting {
                assert!(poll_once(wait.as_mut()).await.is_pending());
            }
        }
        drop(permit);
        assert_eq!(sema.value(), 1);
    });
}

// ---- against a model

struct Waiter<'a> {
    future: Pin<Box<SemaphoreAcquire<'a>>>,
    calls: Arc<Calls>,
    waker: Waker,
    number: u32,
    wanted: usize,
}

impl<'a> Waiter<'a> {
    fn poll(&mut self) -> Poll<SemaphorePermit<'a>> {
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

/// Free permits, who is in line for how many, and who was given some without having looked.
struct Model {
    free: usize,
    line: VecDeque<(u32, usize)>,
    granted: BTreeSet<u32>,
}

impl Model {
    fn release(&mut self, count: usize) {
        self.free += count;
        while let Some(&(number, wanted)) = self.line.front().filter(|(_, wanted)| *wanted <= self.free) {
            self.free -= wanted;
            self.line.pop_front();
            self.granted.insert(number);
        }
    }

    fn try_take(&mut self, wanted: usize) -> bool {
        let may = self.line.is_empty() && wanted <= self.free;
        self.free -= if may { wanted } else { 0 };
        may
    }
}

#[test]
fn random_use_agrees_with_a_simple_model() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let permits = random.below(5);
        let sema = Semaphore::new(permits);
        let mut model = Model { free: permits, line: VecDeque::new(), granted: BTreeSet::new() };
        let mut waiting: Vec<Waiter<'_>> = Vec::new();
        let mut held: Vec<(SemaphorePermit<'_>, usize)> = Vec::new();
        for number in 0..1000 {
            match random.below(8) {
                0 | 1 => {
                    let wanted = 1 + random.below(3);
                    let (calls, waker) = Calls::new();
                    let future = Box::pin(sema.acquire_many(wanted));
                    let mut waiter = Waiter { future, calls, waker, number, wanted };
                    let expected = model.try_take(wanted);
                    match waiter.poll() {
                        Poll::Ready(permit) => held.push((permit, wanted)),
                        Poll::Pending => {
                            model.line.push_back((number, wanted));
                            waiting.push(waiter);
                        }
                    }
                    assert_eq!(
                        waiting.last().is_none_or(|waiter| waiter.number != number),
                        expected,
                        "seed {seed}"
                    );
                }
                2 if !waiting.is_empty() => {
                    let index = random.below(waiting.len());
                    let expected = model.granted.remove(&waiting[index].number);
                    let polled = waiting[index].poll();
                    assert_eq!(polled.is_ready(), expected, "seed {seed}");
                    if let Poll::Ready(permit) = polled {
                        held.push((permit, waiting.swap_remove(index).wanted));
                    }
                }
                3 if !waiting.is_empty() => {
                    let Waiter { number: dropped, wanted, future, .. } =
                        waiting.swap_remove(random.below(waiting.len()));
                    drop(future);
                    model.line.retain(|(number, _)| *number != dropped);
                    let given_back = if model.granted.remove(&dropped) { wanted } else { 0 };
                    // Also if nothing comes back: it may have stood in the way.
                    model.release(given_back);
                }
                4 | 5 if !held.is_empty() => {
                    let (permit, count) = held.swap_remove(random.below(held.len()));
                    if random.chance(4) {
                        permit.forget();
                        (0..count).for_each(|_| sema.release());
                        (0..count).for_each(|_| model.release(1));
                    } else {
                        drop(permit);
                        model.release(count);
                    }
                }
                6 => {
                    let taken = sema.try_acquire();
                    assert_eq!(taken.is_some(), model.try_take(1), "seed {seed}");
                    held.extend(taken.map(|permit| (permit, 1)));
                }
                _ => {}
            }
            assert_eq!(sema.value(), model.free, "seed {seed}");
            for waiter in &waiting {
                let expected = usize::from(model.granted.contains(&waiter.number));
                assert_eq!(waiter.calls.count(), expected, "woken once if it is its turn (seed {seed})");
            }
        }
        drop((waiting, held));
        assert_eq!(sema.value(), permits, "every permit is back (seed {seed})");
    }
}

#[test]
fn no_permit_is_lost_or_made_under_any_schedule_with_random_cancellation() {
    for seed in 0..200 {
        Kernel::builder().virtual_clock(true).seed(seed).run(async move {
            let mut random = Random::new(seed);
            let bound = 1 + random.below(4);
            let (sema, out) = (Rc::new(BoundedSemaphore::new(bound)), Rc::new(Cell::new(0)));
            let tasks: Vec<_> = (0..10)
                .map(|n| {
                    let (sema, out) = (Rc::clone(&sema), Rc::clone(&out));
                    let mut random = Random::new(seed * 100 + n);
                    spawn(async move {
                        for _ in 0..6 {
                            let (wanted, patience) = (1 + random.below(bound), ms(random.below(8) as u64));
                            if let Ok(permit) = timeout_after(patience, sema.acquire_many(wanted)).await {
                                let _out = Out::new(&out, wanted, bound);
                                sleep(ms(random.below(4) as u64)).await;
                                drop(permit);
                            }
                            schedule().await;
                        }
                    })
                })
                .collect();
            for _ in 0..4 {
                sleep(ms(random.below(6) as u64)).await;
                tasks[random.below(tasks.len())].request_cancel();
            }
            for task in tasks {
                task.wait().await;
                task.detach();
            }
            assert_eq!((sema.value(), out.get()), (bound, 0), "seed {seed}");
        });
    }
}

/// Counts permits that are out, also when its task is cancelled.
struct Out<'a>(&'a Cell<usize>, usize);

impl<'a> Out<'a> {
    fn new(out: &'a Cell<usize>, count: usize, bound: usize) -> Out<'a> {
        out.set(out.get() + count);
        assert!(out.get() <= bound, "{} permits of {bound} are out", out.get());
        Out(out, count)
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - self.1);
    }
}

#[test]
fn a_semaphore_holds_up_to_usize_max_permits_and_says_so_beyond() {
    let semaphore = Semaphore::new(usize::MAX - 1);
    semaphore.release();
    assert_eq!(semaphore.value(), usize::MAX);
    assert_eq!(panic_of(|| semaphore.release()), "a semaphore cannot hold more than usize::MAX permits");
    assert_eq!(semaphore.value(), usize::MAX, "nothing has changed");
}

#[test]
fn all_permits_of_the_largest_semaphore_can_be_taken_and_come_back_whatever_was_released_meanwhile() {
    let ((), reports) = run_reporting(async {
        let semaphore = Semaphore::new(usize::MAX);
        let all = semaphore.acquire_many(usize::MAX).await;
        assert!(semaphore.try_acquire().is_none());
        let mut waiting = Box::pin(semaphore.acquire_many(usize::MAX));
        assert!(poll_once(waiting.as_mut()).await.is_pending());
        drop(all);
        drop(waiting);
        assert_eq!(semaphore.value(), usize::MAX, "what was granted and not claimed");
        let all = semaphore.acquire_many(usize::MAX).await;
        semaphore.release();
        drop(all);
        assert_eq!(semaphore.value(), 1, "they cannot come back beside the one that was made out of nothing");
    });
    assert!(reports.iter().any(|line| line.contains("could not be given back")), "{reports:?}");
}
