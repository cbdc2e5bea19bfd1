use curio::Event;
use drills::graders::race::RaceDrill;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

/// Waits for both, and then looks which one was first.
pub(crate) struct WaitsForBoth;

impl RaceDrill for WaitsForBoth {
    async fn race<T: 'static>(
        first: impl Future<Output = T> + 'static,
        second: impl Future<Output = T> + 'static,
    ) -> T {
        let (mut first, mut second) = (pin!(first), pin!(second));
        let (mut first_output, mut second_output, mut winner_is_first) = (None, None, None);
        poll_fn(|cx| {
            if first_output.is_none()
                && let Poll::Ready(output) = first.as_mut().poll(cx)
            {
                first_output = Some(output);
                winner_is_first.get_or_insert(true);
            }
            if second_output.is_none()
                && let Poll::Ready(output) = second.as_mut().poll(cx)
            {
                second_output = Some(output);
                winner_is_first.get_or_insert(false);
            }
            if first_output.is_some() && second_output.is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let winner = if winner_is_first == Some(true) { first_output } else { second_output };
        winner.expect("both have ended")
    }
}

/// Polls the second one first.
pub(crate) struct SecondFirst;

impl RaceDrill for SecondFirst {
    async fn race<T: 'static>(
        first: impl Future<Output = T> + 'static,
        second: impl Future<Output = T> + 'static,
    ) -> T {
        let (mut first, mut second) = (pin!(first), pin!(second));
        poll_fn(|cx| match second.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(output),
            Poll::Pending => first.as_mut().poll(cx),
        })
        .await
    }
}

/// Runs the second one in a task. Either nothing ends that task if the first one wins, or the race does so at its end; but
/// if the race is dropped it never comes there.
pub(crate) struct LeavesATask<const CANCELS: bool>;

impl<const CANCELS: bool> RaceDrill for LeavesATask<CANCELS> {
    async fn race<T: 'static>(
        first: impl Future<Output = T> + 'static,
        second: impl Future<Output = T> + 'static,
    ) -> T {
        let (output, ready) = (Rc::new(Cell::new(None)), Rc::new(Event::new()));
        let mut first = pin!(first);
        // The task begins only when the first one has been polled, so a tie is decided rightly.
        let mut second = Some(second);
        let (mut is_ready, mut task) = (None, None);
        let winner = poll_fn(|cx| {
            if let Poll::Ready(output) = first.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            if let Some(second) = second.take() {
                let (output, ready) = (Rc::clone(&output), Rc::clone(&ready));
                task = Some(curio::spawn_named("racer", async move {
                    output.set(Some(second.await));
                    ready.set();
                }));
            }
            let ready = Rc::clone(&ready);
            let wait = is_ready.get_or_insert_with(|| Box::pin(async move { ready.wait().await }));
            match wait.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(output.take().expect("it is set before the event")),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        if let (Some(task), true) = (task, CANCELS) {
            task.cancel().await;
        }
        winner
    }
}
