//! No wake of a shared connection is lost, in whatever order tasks run: tasks that stop polling, that are cancelled, and that
//! put their responses aside do not keep the others from going on. No timer of the client could help: its timeouts are off. The
//! only one is on the virtual clock around the whole program, which jumps to it when no task can go on: then a wake was lost.
#![cfg(feature = "http2")]

mod h2_server;

use curio_http::{ClientSession, ClientSessionBuilder, Target};
use h2::server::Builder;
use h2_server::memory::{Memory, pair};
use h2_server::{Adapted, Exchange, Seen, serve};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// In how many orders of tasks each program runs.
const ORDERS: u64 = 100;

/// Runs the program in many orders of its tasks.
fn explore(program: impl AsyncFn()) {
    curio::testing::explore(ORDERS, async || {
        curio::timeout_after(Duration::from_secs(3600), program()).await.expect("a wake was lost");
    });
}

/// A session whose connections end in tasks that handle requests; and these tasks.
struct World {
    session: ClientSession,
    servers: Rc<RefCell<Vec<curio::Task<()>>>>,
    seen: Rc<Seen>,
    /// How many times the client has written.
    writes: Rc<Cell<usize>>,
}

impl World {
    fn new(builder: Builder, handle: impl AsyncFn(Exchange) + 'static) -> World {
        World::with(builder, |session| session, handle)
    }

    fn with(
        builder: Builder,
        set: impl FnOnce(ClientSessionBuilder) -> ClientSessionBuilder,
        handle: impl AsyncFn(Exchange) + 'static,
    ) -> World {
        let (builder, handle) = (Rc::new(builder), Rc::new(handle));
        let servers: Rc<RefCell<Vec<_>>> = Rc::default();
        let seen: Rc<Seen> = Rc::default();
        let writes: Rc<Cell<usize>> = Rc::default();
        let (all, log, count) = (Rc::clone(&servers), Rc::clone(&seen), Rc::clone(&writes));
        let connect = move |_: Target| {
            let (mut client, server) = pair();
            client.writes = Rc::clone(&count);
            let (builder, handle, seen) = (Rc::clone(&builder), Rc::clone(&handle), Rc::clone(&log));
            let number = seen.connections.get();
            seen.connections.set(number + 1);
            all.borrow_mut().push(curio::spawn(async move {
                serve(Adapted(server), &builder, number, &seen, handle).await;
            }));
            async move { io::Result::<Memory>::Ok(client) }
        };
        let session = ClientSession::builder()
            .http2_prior_knowledge()
            .connector(connect)
            .connect_timeout(None)
            .read_timeout(None)
            .pool_timeout(None);
        World { session: set(session).build().expect("good settings"), servers, seen, writes }
    }

    /// Ends the connections, and waits for the tasks at their other ends.
    async fn end(self) {
        drop(self.session);
        let servers = self.servers.take();
        for server in servers {
            server.join().await.expect("no panic");
        }
    }
}

async fn echo_path(exchange: Exchange) {
    let path = exchange.path();
    curio::schedule().await;
    exchange.ok(path).await;
}

/// A body of many times what the pipe holds.
fn large() -> Vec<u8> {
    (0..100_000u32).map(|n| (n % 251) as u8).collect()
}

#[test]
fn requests_in_many_tasks_all_get_their_responses() {
    explore(async || {
        let world = World::new(Builder::new(), echo_path);
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let request = world.session.get(format!("http://h/{n}"));
                curio::spawn(async move { request.await?.text().await })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.join().await.expect("no panic").expect("a body"), format!("/{n}"));
        }
        assert_eq!(world.seen.connections.get(), 1);
        world.end().await;
    });
}

#[test]
fn a_task_that_is_cancelled_leaves_the_connection_to_the_others() {
    explore(async || {
        let world = World::new(Builder::new(), async |exchange: Exchange| {
            for _ in 0..3 {
                curio::schedule().await;
            }
            exchange.ok(large()).await;
        });
        let tasks: Vec<_> = (0..6)
            .map(|n| {
                let request = world.session.get(format!("http://h/{n}"));
                curio::spawn(async move { request.await?.binary().await })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            if n % 2 == 0 {
                for _ in 0..n {
                    curio::schedule().await;
                }
                task.cancel().await;
            } else {
                assert!(task.join().await.expect("no panic").expect("a body") == large());
            }
        }
        world.end().await;
    });
}

#[test]
fn a_task_that_puts_its_response_aside_keeps_no_other_from_reading() {
    explore(async || {
        let world = World::new(Builder::new(), async |exchange: Exchange| exchange.ok(large()).await);
        // It has polled for its response last, and reads nothing of it before all others are done.
        let done = Rc::new(curio::Event::new());
        let (waits, request) = (Rc::clone(&done), world.session.get("http://h/aside"));
        let aside = curio::spawn(async move {
            let mut response = request.await.expect("a response");
            waits.wait().await;
            response.binary().await
        });
        let tasks: Vec<_> = (0..3)
            .map(|n| {
                let request = world.session.get(format!("http://h/{n}"));
                curio::spawn(async move { request.await?.binary().await })
            })
            .collect();
        for task in tasks {
            assert!(task.join().await.expect("no panic").expect("a body") == large());
        }
        done.set();
        assert!(aside.join().await.expect("no panic").expect("a body") == large());
        world.end().await;
    });
}

#[test]
fn uploads_and_downloads_cross() {
    explore(async || {
        let world = World::new(Builder::new(), async |mut exchange: Exchange| {
            let body = exchange.body().await;
            exchange.ok(body).await;
        });
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let request = world.session.post(format!("http://h/{n}")).body(large());
                curio::spawn(async move { request.await?.binary().await })
            })
            .collect();
        for task in tasks {
            assert!(task.join().await.expect("no panic").expect("a body") == large());
        }
        world.end().await;
    });
}

#[test]
fn streams_are_given_out_in_the_order_of_arrival_and_none_is_lost() {
    explore(async || {
        let mut builder = Builder::new();
        builder.max_concurrent_streams(2);
        let world = World::new(builder, echo_path);
        // The server's settings are known after the first.
        world.session.get("http://h/first").await.expect("a response");
        // In one task, so that the order of arrival is known.
        let mut requests: Vec<_> =
            (0..8).map(|n| Box::pin(world.session.get(format!("http://h/{n}")).into_future())).collect();
        let mut order = Vec::new();
        std::future::poll_fn(|cx| {
            let mut n = 0;
            requests.retain_mut(|request| match request.as_mut().poll(cx) {
                std::task::Poll::Ready(response) => {
                    order.push(response.expect("a response").url().path().to_owned());
                    false
                }
                std::task::Poll::Pending => {
                    n += 1;
                    true
                }
            });
            if n == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        assert!(world.seen.most_in_progress.get() <= 2);
        let asked: Vec<String> = world.seen.requests.borrow().iter().skip(1).cloned().collect();
        assert_eq!(asked, (0..8).map(|n| format!("GET /{n}")).collect::<Vec<_>>());
        world.end().await;
    });
}

#[test]
fn a_request_that_waits_for_a_stream_may_be_cancelled() {
    explore(async || {
        let mut builder = Builder::new();
        builder.max_concurrent_streams(1);
        let world = World::new(builder, echo_path);
        world.session.get("http://h/first").await.expect("a response");
        let tasks: Vec<_> = (0..6)
            .map(|n| {
                let request = world.session.get(format!("http://h/{n}"));
                curio::spawn(async move { request.await.map(|response| response.status_code()) })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            if n % 2 == 0 {
                curio::schedule().await;
                task.cancel().await;
            } else {
                assert_eq!(task.join().await.expect("no panic").expect("a response"), 200);
            }
        }
        world.end().await;
    });
}

#[test]
fn a_request_that_makes_the_connection_may_be_cancelled() {
    explore(async || {
        let world = World::new(Builder::new(), echo_path);
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let request = world.session.get(format!("http://h/{n}"));
                curio::spawn(async move { request.await.map(|response| response.status_code()) })
            })
            .collect();
        let mut tasks = tasks.into_iter();
        tasks.next().expect("the first").cancel().await;
        for task in tasks {
            assert_eq!(task.join().await.expect("no panic").expect("a response"), 200);
        }
        world.end().await;
    });
}

#[test]
fn a_request_that_the_server_refuses_keeps_no_other_from_going_on() {
    explore(async || {
        let mut builder = Builder::new();
        builder.max_concurrent_streams(2);
        let world = World::new(builder, async |exchange: Exchange| {
            if exchange.connection == 0 && exchange.path() == "/2" {
                exchange.reset(h2::Reason::REFUSED_STREAM);
                return;
            }
            echo_path(exchange).await;
        });
        world.session.get("http://h/first").await.expect("a response");
        let tasks: Vec<_> = (0..5)
            .map(|n| {
                let request = world.session.get(format!("http://h/{n}"));
                curio::spawn(async move { request.await?.text().await })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let text = task.join().await.expect("no panic");
            if n == 2 {
                assert!(text.expect_err("it is refused each time").to_string().contains("REFUSED_STREAM"));
            } else {
                assert_eq!(text.expect("a body"), format!("/{n}"));
            }
        }
        world.end().await;
    });
}

#[test]
fn responses_that_nobody_reads_for_long_are_reset_when_they_hold_half_of_the_window() {
    curio::testing::run(async {
        let world = World::new(Builder::new(), async |exchange: Exchange| {
            exchange.ok(vec![7; 3_000_000]).await;
        });
        let mut unread = Vec::new();
        for n in 0..10 {
            unread.push(world.session.get(format!("http://h/{n}")).await.expect("a response"));
        }
        // While a sibling is read, all of them receive what their windows allow.
        let mut read = world.session.get("http://h/read").await.expect("a response");
        assert_eq!(read.binary().await.expect("a body").len(), 3_000_000);
        for _ in 0..60 {
            curio::sleep(Duration::from_secs(1)).await;
        }
        for mut response in unread {
            let error = response.binary().await.expect_err("it was reset");
            assert!(error.is_body() && error.to_string().contains("left unread"), "{error}");
        }
        let mut next = world.session.get("http://h/next").await.expect("a response");
        assert_eq!(next.binary().await.expect("a body").len(), 3_000_000);
        assert_eq!(world.seen.connections.get(), 1);
        world.end().await;
    });
}

/// Polls it once; it is not ready.
async fn begin<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[test]
fn a_request_that_is_alone_is_sent_in_the_poll_that_begins_it() {
    curio::testing::run(async {
        let world = World::new(Builder::new(), echo_path);
        world.session.get("http://h/first").await.expect("a response").text().await.expect("a body");
        let before = world.writes.get();
        let mut request = pin!(world.session.get("http://h/alone").into_future());
        begin(request.as_mut()).await;
        assert_eq!(world.writes.get() - before, 1);
        assert_eq!(request.await.expect("a response").text().await.expect("a body"), "/alone");
        world.end().await;
    });
}

#[test]
fn requests_that_begin_together_leave_together() {
    curio::testing::run(async {
        let world = World::new(Builder::new(), echo_path);
        world.session.get("http://h/first").await.expect("a response").text().await.expect("a body");
        let before = world.writes.get();
        let tasks: Vec<_> = (0..30)
            .map(|n| {
                let request = world.session.get(format!("http://h/{n}"));
                curio::spawn(async move { request.await?.text().await })
            })
            .collect();
        for task in tasks {
            task.join().await.expect("no panic").expect("a body");
        }
        // The first is alone when it begins.
        assert_eq!(world.writes.get() - before, 2);
        world.end().await;
    });
}

#[test]
fn a_request_that_is_put_aside_before_it_has_left_holds_up_no_other() {
    explore(async || {
        let world = World::new(Builder::new(), echo_path);
        world.session.get("http://h/first").await.expect("a response").text().await.expect("a body");
        let began = curio::clock();
        let mut first = pin!(world.session.get("http://h/1").into_future());
        begin(first.as_mut()).await;
        let mut aside = pin!(world.session.get("http://h/2").into_future());
        begin(aside.as_mut()).await;
        let other = world.session.get("http://h/3");
        let other = curio::spawn(async move { other.await?.text().await });
        assert_eq!(other.join().await.expect("no panic").expect("a body"), "/3");
        assert_eq!(curio::clock(), began, "the pool's upkeep had to send it");
        for (request, path) in [(aside, "/2"), (first, "/1")] {
            assert_eq!(request.await.expect("a response").text().await.expect("a body"), path);
        }
        world.end().await;
    });
}
