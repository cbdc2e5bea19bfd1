//! Ours, on its own kernel, rustls + ring.
use bench_http::*;
use curio_http::ClientSession;
use std::future::Future;

struct P;
impl Peer for P {
    const NAME: &'static str = "curio";
    type Client = ClientSession;
    type Join = curio::Task<()>;
    fn block_on<F: Future<Output = ()> + 'static>(f: F) {
        curio::run(f)
    }
    async fn spawn<F: Future<Output = ()> + 'static>(f: F) -> Self::Join {
        curio::spawn(f)
    }
    async fn join(j: Self::Join) {
        j.join().await.unwrap()
    }
    async fn client(cfg: &Cfg) -> Self::Client {
        ClientSession::builder().only_root_certificates(&cfg.ca).http2(cfg.http2).build().unwrap()
    }
    async fn get_json(c: &Self::Client, url: &str, keep_alive: bool) -> Res<serde_json::Value> {
        let mut request = c.get(url);
        if !keep_alive {
            request = request.header("connection", "close");
        }
        let mut r = request.await.map_err(err)?;
        if r.status() != 200 {
            return Err(r.status().to_string());
        }
        r.json().await.map_err(err)
    }
    async fn download(c: &Self::Client, url: &str) -> Res<u64> {
        let mut r = c.get(url).await.map_err(err)?;
        let mut chunks = r.iter_chunked(64 * 1024);
        let mut n = 0;
        while let Some(chunk) = chunks.next().await {
            n += chunk.map_err(err)?.len() as u64;
        }
        Ok(n)
    }
}
fn main() {
    bench_http::main::<P>()
}
