//! A kernel inside a loop that the program already has: a game, a window, an embedded device.
//!
//! `curio::run` keeps the thread until `main` is done. A program that draws sixty frames a second, or whose window system
//! needs the thread, has a `Kernel` and calls its `turn` when there is time: `turn` waits at most as long as it is told,
//! runs the tasks that are ready, and returns. The tasks do not notice.
//!
//! Run it: `cargo run --example own_loop`.
//!
//! Then try: count the frames, and give each no time at all (`Duration::ZERO`). What does it cost? What happens to the tasks
//! if the kernel is dropped before they are done?
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use curio::{Kernel, sleep};

/// Drawn by the loop, changed by the tasks. There is one thread, so no lock is needed.
#[derive(Default)]
struct Picture {
    x: Cell<usize>,
    landed: Cell<bool>,
}

async fn fly(picture: Rc<Picture>) {
    for x in 1..=3 {
        sleep(Duration::from_millis(60)).await;
        picture.x.set(x);
    }
    picture.landed.set(true);
}

fn main() -> io::Result<()> {
    let picture = Rc::new(Picture::default());
    let mut kernel = Kernel::new()?;
    let flight = kernel.run(async { curio::spawn(fly(Rc::clone(&picture))) });

    let mut drawn = None;
    while !picture.landed.get() {
        // The tasks have a sixtieth of a second for each frame.
        kernel.turn(Some(Duration::from_millis(16)));
        let x = picture.x.get();
        if drawn.replace(x) != Some(x) {
            println!("{:>1$}", "=>", 2 + 4 * x);
        }
    }
    println!("The flight ended well: {}", kernel.run(flight).is_ok());
    Ok(())
}
