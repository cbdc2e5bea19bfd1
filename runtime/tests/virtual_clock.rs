//! The virtual clock: when it jumps, where to, and what holds it.

mod common;

use common::{Log, Signal, ms, must_end, run_virtual, secs, virtual_kernel};
use curio::{
    Kernel, TcpListener, TcpStream, clock, join, run_in_thread, schedule, sleep, spawn, timeout_after,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_year_of_sleeping_takes_no_time() {
    let begun = Instant::now();
    run_virtual(async {
        let start = clock();
        for _ in 0..365 {
            sleep(secs(86_400)).await;
        }
        assert_eq!(clock() - start, secs(365 * 86_400));
    });
    assert!(begun.elapsed() < secs(5));
}

#[test]
fn it_stops_at_every_deadline_on_its_way() {
    run_virtual(async {
        let log = Log::new();
        let tasks: Vec<_> = [30, 10, 20, 10]
            .map(|n| {
                let log = log.clone();
                spawn(async move {
                    sleep(ms(n)).await;
                    log.note("wakes");
                    for _ in 0..100 {
                        schedule().await;
                    }
                    log.note("still the same instant");
                })
            })
            .into();
        for task in tasks {
            task.join().await.unwrap();
        }
        let both = |t: u32, n: usize| {
            let lines = ["wakes", "still the same instant"].map(|what| vec![format!("{t} {what}"); n]);
            lines.concat()
        };
        assert_eq!(log.take(), [both(10, 2), both(20, 1), both(30, 1)].concat());
    });
}

#[test]
fn it_goes_on_from_where_the_last_run_left_it() {
    let mut kernel = virtual_kernel();
    let first = kernel.run(async {
        sleep(secs(60)).await;
        clock()
    });
    assert_eq!(kernel.run(async { clock() }), first);
}

#[test]
fn a_real_kernel_beside_it_is_not_affected() {
    let mut real = Kernel::new().unwrap();
    run_virtual(sleep(secs(1_000_000)));
    let now = real.run(async { clock() });
    assert!(now <= Instant::now());
}

#[test]
fn a_thread_at_work_holds_the_clock() {
    run_virtual(async {
        let start = clock();
        let work = async {
            run_in_thread(|| std::thread::sleep(ms(30))).await.unwrap();
            clock()
        };
        let (worked, ()) = join!(work, sleep(secs(3600)));
        assert_eq!(worked, start, "no virtual time passed while the thread worked");
        assert_eq!(clock() - start, secs(3600));
    });
}

#[test]
fn limits_do_not_pass_while_a_thread_works() {
    run_virtual(async {
        let work = run_in_thread(|| {
            std::thread::sleep(ms(20));
            5
        });
        assert_eq!(timeout_after(Duration::from_nanos(1), work).await.unwrap().unwrap(), 5);
    });
}

#[test]
fn an_abandoned_thread_lets_the_clock_go() {
    must_end(|| {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        run_virtual(async move {
            let call = spawn(run_in_thread(move || blocked.recv().is_err()));
            schedule().await;
            assert!(call.cancel().await);
            sleep(secs(3600)).await;
        });
        drop(release);
    });
}

#[test]
fn a_parked_socket_does_not_hold_the_clock() {
    run_virtual(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let start = clock();
        assert!(timeout_after(secs(3600), listener.accept()).await.is_err());
        assert_eq!(clock() - start, secs(3600));
    });
}

#[test]
fn what_is_on_its_way_through_a_socket_arrives_before_the_clock_jumps() {
    run_virtual(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let start = clock();
        let server = spawn(async move {
            let (stream, _) = listener.accept().await?;
            loop {
                let mut byte = [0];
                if stream.recv(&mut byte).await? == 0 {
                    return std::io::Result::Ok(());
                }
                sleep(secs(60)).await;
                stream.sendall(&byte).await?;
            }
        });
        let client = TcpStream::connect(address).await.unwrap();
        for n in 0..10 {
            client.sendall(&[n]).await.unwrap();
            let answer = timeout_after(secs(61), client.read_exactly(1)).await;
            assert_eq!(answer.expect("a minute is enough").unwrap(), [n]);
        }
        assert_eq!(clock() - start, secs(600));
        drop(client);
        server.join().await.unwrap().unwrap();
    });
}

#[test]
fn a_parked_socket_is_given_real_time_before_every_jump() {
    let begun = Instant::now();
    run_virtual(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let parked = spawn(async move { listener.accept().await.map(drop) });
        for _ in 0..20 {
            sleep(secs(60)).await;
        }
        parked.cancel().await;
    });
    // A real millisecond each, which a peer in another process would need.
    assert!(begun.elapsed() >= ms(10), "only {:?} for twenty jumps", begun.elapsed());
}

#[test]
fn a_wake_from_a_thread_of_ones_own_is_heard_while_the_kernel_has_nothing_else_to_do() {
    let signal = Arc::new(Signal::default());
    let sets = Arc::clone(&signal);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(ms(20));
        sets.set();
    });
    run_virtual(async { signal.wait().await });
    thread.join().unwrap();
}

#[test]
fn a_cleanup_at_shutdown_has_virtual_time() {
    let begun = Instant::now();
    let cleaned = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cleaned);
    run_virtual(async move {
        let body = curio::finally(std::future::pending::<()>(), async move |_| {
            sleep(Duration::from_millis(4999)).await;
            flag.store(true, Ordering::SeqCst);
        });
        spawn(body).detach();
        schedule().await;
    });
    assert!(cleaned.load(Ordering::SeqCst));
    assert!(begun.elapsed() < secs(4), "of real time");
}
