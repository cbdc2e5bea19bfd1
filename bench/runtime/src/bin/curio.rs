use bench_runtime::*;
use curio::channel::{Receiver, Sender};
use curio::{Semaphore, SemaphorePermit, TcpListener, TcpStream};
use std::net::SocketAddr;
use std::{future::Future, io, time::Duration};

struct P;
impl Runtime for P {
    const NAME: &'static str = "curio";
    type Join<T: 'static> = curio::Task<T>;
    type Tx = Sender<u64>;
    type Rx = Receiver<u64>;
    type Sem = Semaphore;
    type Permit<'a> = SemaphorePermit<'a>;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn block_on<F: Future<Output = ()> + 'static>(f: F) {
        curio::run(f)
    }
    fn spawn<F>(f: F) -> impl Future<Output = Self::Join<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        std::future::ready(curio::spawn(f))
    }
    async fn join<T: 'static>(j: Self::Join<T>) -> T {
        j.join().await.unwrap()
    }
    fn yield_now() -> impl Future<Output = ()> {
        curio::schedule()
    }
    fn channel(cap: usize) -> (Self::Tx, Self::Rx) {
        curio::channel(cap)
    }
    async fn send(tx: &Self::Tx, v: u64) {
        tx.send(v).await.unwrap()
    }
    async fn recv(rx: &mut Self::Rx) -> u64 {
        rx.recv().await.unwrap()
    }
    fn semaphore(n: usize) -> Semaphore {
        Semaphore::new(n)
    }
    fn acquire(s: &Semaphore) -> impl Future<Output = SemaphorePermit<'_>> {
        s.acquire()
    }
    fn sleep(d: Duration) -> impl Future<Output = ()> {
        curio::sleep(d)
    }
    fn timeout<F: Future>(d: Duration, f: F) -> impl Future<Output = Option<F::Output>> {
        curio::ignore_after(d, f)
    }
    async fn bind() -> (Self::Listener, SocketAddr) {
        let l = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let a = l.local_addr().unwrap();
        (l, a)
    }
    async fn accept(l: &mut Self::Listener) -> Self::Stream {
        l.accept().await.unwrap().0
    }
    async fn connect(a: SocketAddr) -> Self::Stream {
        TcpStream::connect(a).await.unwrap()
    }
    async fn read(s: &mut Self::Stream, mut b: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        (s.recv(&mut b).await, b)
    }
    async fn write_all(s: &mut Self::Stream, b: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        (s.sendall(&b).await, b)
    }
}
fn main() {
    bench_runtime::main::<P>()
}
