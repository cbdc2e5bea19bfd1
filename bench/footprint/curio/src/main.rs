fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    let value: serde_json::Value = curio::run(async { curio_http::get(url).await.unwrap().json().await.unwrap() });
    println!("{value}");
}
