//! nginx, the most widely used web server.

use std::io;

use super::process::{Process, free_port};
use super::scratch::Scratch;
use super::unavailable;
use crate::authority::{Identity, TestAuthority};

/// nginx on three loopback ports, one of them with TLS, and one with TLS and HTTP/2. Dropping it stops it.
///
/// | path | what it is |
/// |---|---|
/// | `/small.json` | a small JSON document |
/// | `/big.bin` | [`Nginx::BIG`] bytes: byte `i` is `i % 251` |
/// | `/text.txt` | 100 000 bytes of text, sent with gzip and in chunks if the request accepts gzip |
/// | `/close.json` | the small document, and then the connection is closed |
/// | `/moved` | a redirect (301) to `/small.json` |
/// | `/unavailable` | 503 |
/// | `/length` | reads a body of at most 1 MiB, and returns its Content-Length |
pub struct Nginx {
    http: String,
    https: String,
    http2: String,
    authority: TestAuthority,
    _process: Process,
    _scratch: Scratch,
}

impl Nginx {
    /// How long `/big.bin` is.
    pub const BIG: usize = 8 * 1024 * 1024;

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn start() -> io::Result<Option<Nginx>> {
        match start() {
            Ok(nginx) => Ok(Some(nginx)),
            Err(error) => unavailable("nginx (Debian's package nginx-light)", &error),
        }
    }

    /// The URL of a path, over HTTP.
    pub fn http_url(&self, path: &str) -> String {
        format!("{}{path}", self.http)
    }

    /// The URL of a path, over HTTPS.
    pub fn https_url(&self, path: &str) -> String {
        format!("{}{path}", self.https)
    }

    /// The URL of a path, over HTTPS, on the port that speaks HTTP/2.
    pub fn http2_url(&self, path: &str) -> String {
        format!("{}{path}", self.http2)
    }

    /// The certificate (PEM) of the authority that has signed those of the HTTPS ports.
    pub fn ca_pem(&self) -> &str {
        self.authority.ca_pem()
    }
}

fn start() -> io::Result<Nginx> {
    let program = installed()?;
    let scratch = Scratch::new()?;
    let authority = TestAuthority::new()?;
    write_files(&scratch, &authority.localhost()?)?;
    let (http, https, http2) = (free_port()?, free_port()?, free_port()?);
    let config = scratch.file("nginx.conf", config(&scratch.path().to_string_lossy(), http, https, http2))?;
    let config = config.to_string_lossy();
    let process = Process::start(&scratch, &[program, "-e", "stderr", "-c", &config], &[http, https, http2])?;
    Ok(Nginx {
        http: format!("http://127.0.0.1:{http}"),
        https: format!("https://127.0.0.1:{https}"),
        http2: format!("https://127.0.0.1:{http2}"),
        authority,
        _process: process,
        _scratch: scratch,
    })
}

/// Debian keeps it where only root's search path looks.
fn installed() -> io::Result<&'static str> {
    let answers = |program: &&str| std::process::Command::new(program).arg("-v").output().is_ok();
    let found = ["nginx", "/usr/sbin/nginx"].into_iter().find(answers);
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is not installed"))
}

fn write_files(scratch: &Scratch, identity: &Identity) -> io::Result<()> {
    scratch.file("certificate.pem", identity.certificate_pem())?;
    scratch.file("key.pem", identity.key_pem())?;
    std::fs::create_dir(scratch.path().join("www"))?;
    scratch.file("www/small.json", r#"{"server": "nginx", "numbers": [1, 2, 3]}"#)?;
    scratch.file("www/big.bin", (0..Nginx::BIG).map(|i| (i % 251) as u8).collect::<Vec<u8>>())?;
    scratch.file("www/text.txt", "ten bytes.".repeat(10_000))?;
    Ok(())
}

fn config(directory: &str, http: u16, https: u16, http2: u16) -> String {
    format!(
        "daemon off;
pid {directory}/pid;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    scgi_temp_path {directory}/scgi;
    uwsgi_temp_path {directory}/uwsgi;
    types {{ application/json json; text/plain txt; }}
    default_type application/octet-stream;
    gzip on;
    gzip_types text/plain;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        # Since 1.25 there is `http2 on`; this form is understood before and after.
        listen 127.0.0.1:{http2} ssl http2;
        ssl_certificate {directory}/certificate.pem;
        ssl_certificate_key {directory}/key.pem;
        root {directory}/www;
        location = /close.json {{ keepalive_timeout 0; alias {directory}/www/small.json; }}
        location = /moved {{ return 301 /small.json; }}
        location = /unavailable {{ return 503; }}
        location = /length {{ client_max_body_size 1m; proxy_pass http://127.0.0.1:{http}/passed-on; }}
        location = /passed-on {{ return 200 $http_content_length; }}
    }}
}}
{user}
",
        user = user()
    )
}

/// Started by root, nginx runs its worker as another user, who cannot read the directory of the test; started by another
/// user, it would only warn about this line.
fn user() -> &'static str {
    let id = std::process::Command::new("id").arg("-u").output();
    if id.is_ok_and(|output| output.stdout.starts_with(b"0\n")) { "user root;" } else { "" }
}
