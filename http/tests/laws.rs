//! Rules about the source of this crate that no compiler checks.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// All files but those of the protocol core, which has laws of its own.
fn files() -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &source, &mut files);
    assert!(files.len() > 20, "the source files were found");
    files
}

/// Adds the files in `folder` and below, by their path from `source` on.
fn collect(source: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("h1") {
                collect(source, &path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let parts = path.strip_prefix(source).expect("a file below it").iter();
            let name =
                parts.map(|part| part.to_str().expect("a name in UTF-8")).collect::<Vec<_>>().join("/");
            files.push((name, fs::read_to_string(&path).expect("a source file")));
        }
    }
}

/// The same with their code only: comments, and the tests at the end, are left out.
fn code() -> HashMap<String, Vec<String>> {
    let code = |text: &str| {
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
        lines.filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect()
    };
    files().into_iter().map(|(name, text)| (name, code(&text))).collect()
}

#[test]
fn only_the_connection_both_waits_and_knows_the_protocol_core() {
    // `BodyLength` is how many bytes a request's body has: the one word of the core that its maker needs, too.
    let plain = "use crate::h1::BodyLength;";
    let has = |lines: &[String], word: &str| lines.iter().any(|line| line.contains(word) && line != plain);
    let both =
        |(name, lines): (String, Vec<String>)| (has(&lines, ".await") && has(&lines, "h1")).then_some(name);
    assert_eq!(code().into_iter().filter_map(both).collect::<Vec<_>>(), ["connections/connection.rs"]);
}

#[test]
fn case_138_nothing_unwraps() {
    for (name, lines) in code() {
        for line in lines {
            assert!(!line.contains(".unwrap()"), "{name}: {line}");
        }
    }
}

#[test]
fn deciding_and_decoding_do_no_io() {
    let code = code();
    for name in [
        "request/auth.rs",
        "response/charset.rs",
        "cookies/cookie.rs",
        "cookies/file.rs",
        "cookies/matching.rs",
        "cookies/parse.rs",
        "cookies/prefix.rs",
        "cookies/store.rs",
        "cookies/suffix.rs",
        "response/decode/brotli.rs",
        "response/decode/coding.rs",
        "response/decode/mod.rs",
        "response/decode/stage.rs",
        "response/decode/zstd.rs",
        "encoding/base64.rs",
        "encoding/date.rs",
        "encoding/hex.rs",
        "encoding/quoted_string.rs",
        "request/form/error.rs",
        "request/form/mod.rs",
        "response/link_header.rs",
        "mock/response.rs",
        "mock/request.rs",
        "connections/proxy/address.rs",
        "connections/proxy/bypass.rs",
        "connections/proxy/environment.rs",
        "connections/proxy/socks4.rs",
        "connections/proxy/socks5.rs",
        "exchange/redirect.rs",
        "connections/route.rs",
        "request/multipart.rs",
        "response/sse.rs",
        "connections/tls/error.rs",
        "url/mod.rs",
        "url/check.rs",
        "url/plain.rs",
    ] {
        for line in &code[name] {
            for forbidden in ["curio::", "async ", ".await", "std::net::Tcp", "std::fs"] {
                assert!(!line.contains(forbidden), "{name}: {line}");
            }
        }
    }
}

#[test]
fn every_file_opens_with_what_it_is_about() {
    for (name, text) in files() {
        let first = text.lines().find(|line| !line.starts_with("#!"));
        assert!(first.is_some_and(|line| line.starts_with("//!")), "{name}");
    }
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    for (name, text) in files() {
        assert!(text.lines().count() <= 500, "{name}");
    }
}
