//! A future polled by hand, with nothing but the standard library.
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Ready as soon as the cell has a value.
struct Value<'c>(&'c Cell<Option<u32>>);
impl Future for Value<'_> {
    type Output = u32;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        self.0.get().map_or(Poll::Pending, Poll::Ready)
    }
}

async fn sum(one: impl Future<Output = u32>, two: impl Future<Output = u32>) -> u32 {
    println!("  sum begins");
    let first = one.await;
    println!("  sum has its first value, {first}");
    first + two.await
}

fn main() {
    let (one, two, cx) = (Cell::new(None), Cell::new(None), &mut Context::from_waker(Waker::noop()));
    let mut future = pin!(sum(Value(&one), Value(&two)));
    println!("poll 1 returned {:?}", future.as_mut().poll(cx));
    one.set(Some(2));
    println!("poll 2 returned {:?}", future.as_mut().poll(cx));
    two.set(Some(3));
    println!("poll 3 returned {:?}", future.as_mut().poll(cx));
}
