//! Addresses: what is taken, what is refused, and that there is only one reading of each.

use curio_http::{ErrorKind, Url};

fn refused(text: &str) -> String {
    let error = Url::parse(text).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Url, "{text}");
    let line = error.to_string();
    assert!(!line.contains(['\r', '\n', '\t']), "the message is one line: {line:?}");
    line
}

#[test]
fn case_004_control_characters_are_refused_and_not_stripped() {
    for text in [
        "http://a\r\nb/",
        "http://a/\tb",
        "http://a/b\nc",
        "http://a/\n",
        "\thttp://a/",
        "http://a/\0",
        "http://a/\u{7f}",
        "http://a/\u{85}",
    ] {
        refused(text);
    }
}

/// curl alone refuses them; requests, reqwest and browsers read them like this.
#[test]
fn case_004_spaces_are_trimmed_at_both_ends_and_encoded_inside() {
    for (text, expected) in [
        (" http://a/ ", "http://a/"),
        ("  http://a/b c?d e#f g  ", "http://a/b%20c?d%20e#f%20g"),
        ("http://a/b c/../d e", "http://a/d%20e"),
        ("http://a? b", "http://a/?%20b"),
        ("HTTP://A:80/b c", "http://a/b%20c"),
    ] {
        assert_eq!(Url::parse(text).expect(text).as_str(), expected);
        assert_eq!(Url::parse("http://x/").expect("a URL").join(text).expect(text).as_str(), expected);
    }
    let base = Url::parse("http://x/deep/").expect("a URL");
    assert_eq!(base.join(" a b ").expect("a reference").as_str(), "http://x/deep/a%20b");
}

#[test]
fn case_004_a_space_in_the_authority_is_refused() {
    for text in
        ["http://a b/", "http:// a/", "http://a /", "http://u ser@a/", "http://a :80/", "http://a: 80/"]
    {
        assert!(refused(text).contains("host"), "{text}");
        let base = Url::parse("http://x/").expect("a URL");
        for reference in [text, &text["http:".len()..], &text["http:".len()..].replace('/', "\\")] {
            base.join(reference).expect_err(reference);
        }
    }
    // With another scheme than the base's, slashes may be missing.
    let base = Url::parse("http://x/").expect("a URL");
    for reference in ["https:/u ser@a/", "https:u ser@a/", "HTTPS:\\u ser@a/"] {
        base.join(reference).expect_err(reference);
    }
}

#[test]
fn a_port_that_is_left_empty_is_the_schemes_own() {
    for text in ["http://a:/", "http://a:", "http://a:?q", "https://a:/"] {
        assert_eq!(Url::parse(text).expect(text).port(), None, "RFC 3986 §3.2.3");
    }
}

#[test]
fn case_005_controls_hidden_by_percent_signs_do_not_get_into_a_host() {
    for text in ["http://a%0d%0ab/", "http://a%00b/", "http://a%20b/", "http://a%09b/"] {
        refused(text);
    }
}

#[test]
fn case_010_separators_hidden_by_percent_signs_do_not_get_into_a_host() {
    for text in ["http://a%2fb/", "http://a%3fb/", "http://a%40b/", "http://a%23b/", "http://a%3ab/"] {
        refused(text);
    }
}

#[test]
fn only_http_and_https_are_addresses() {
    for text in [
        "ftp://a/",
        "file:///etc/passwd",
        "data:,x",
        "javascript:alert(1)",
        "gopher://a/",
        "ws://a/",
        "mailto:a@b",
    ] {
        assert!(refused(text).contains("http"));
    }
}

#[test]
fn a_text_without_a_scheme_is_refused_with_a_hint() {
    for text in ["example.org", "/path", "", "//example.org/", "example.org:80/", "1://a"] {
        assert!(refused(text).contains("http"), "{text}");
    }
}

#[test]
fn a_missing_host_is_refused() {
    for text in [
        "http://",
        "http:///x",
        "http:////x",
        "http://?q",
        "http://#f",
        "http://:80/",
        "http://user@/",
        "http:x",
        "http:/x",
    ] {
        refused(text);
    }
}

#[test]
fn ports_that_cannot_be_connected_to_are_refused() {
    for text in ["http://a:0/", "http://a:65536/", "http://a:-1/", "http://a:80x/"] {
        refused(text);
    }
}

#[test]
fn a_host_longer_than_any_name_is_refused() {
    refused(&format!("http://{}/", "a".repeat(64 * 1024)));
    refused(&format!("http://{}/", ["a"; 128].join(".")));
}

#[test]
fn broken_and_ambiguous_authorities_are_refused() {
    for text in [
        "http://[::1",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://a\\@b/",
        "http:\\\\a/",
        "http://a\\b/",
    ] {
        refused(text);
    }
}

#[test]
fn the_host_is_what_follows_the_last_at_sign() {
    let url = Url::parse("http://a@b@c/").expect("WHATWG takes it");
    assert_eq!(url.host_str(), Some("c"));
}

#[test]
fn case_008_a_fragment_ends_the_host() {
    let url = Url::parse("http://h#@evil/").expect("a good address");
    assert_eq!((url.host_str(), url.fragment()), (Some("h"), Some("@evil/")));
}

#[test]
fn every_spelling_of_an_ipv4_address_is_the_same_host() {
    for text in
        ["http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://127.0.0.1./", "http://0177.0.0.1/"]
    {
        assert_eq!(Url::parse(text).expect(text).host_str(), Some("127.0.0.1"));
    }
}

#[test]
fn case_121_international_names_have_one_ascii_form() {
    let one = Url::parse("http://bücher.example/").expect("a good name");
    let decomposed = Url::parse("http://bu\u{308}cher.example/").expect("a good name");
    assert_eq!(one.host_str(), Some("xn--bcher-kva.example"));
    assert_eq!(one, decomposed);
    refused("http://xn--a/");
}

#[test]
fn case_007_path_and_query_are_percent_encoded_utf8() {
    let url = Url::parse("http://h/grün?q=ß").expect("a good address");
    assert_eq!((url.path(), url.query()), ("/gr%C3%BCn", Some("q=%C3%9F")));
}

#[test]
fn parts_are_normalised_and_readable() {
    let url = Url::parse("HTTPS://User:Pw@EXAMPLE.org:8443/a/./b/../c?d=e#f").expect("a good address");
    assert_eq!(url.as_str(), "https://User:Pw@example.org:8443/a/c?d=e#f");
    assert_eq!((url.scheme(), url.host_str(), url.port()), ("https", Some("example.org"), Some(8443)));
    assert_eq!((url.path(), url.query(), url.fragment()), ("/a/c", Some("d=e"), Some("f")));
    assert_eq!(url.to_string(), url.as_str());
}

#[test]
fn the_schemes_own_port_is_left_out() {
    assert_eq!(Url::parse("http://h:80/").expect("good").port(), None);
    assert_eq!(Url::parse("https://h:443/").expect("good"), Url::parse("https://h").expect("good"));
    assert_eq!(Url::parse("http://h:443/").expect("good").port(), Some(443));
}

#[test]
fn join_resolves_as_a_browser_does() {
    let base = Url::parse("http://h/a/b?c#d").expect("a good address");
    for (reference, joined) in [
        ("x", "http://h/a/x"),
        ("/x", "http://h/x"),
        ("?x", "http://h/a/b?x"),
        ("//g/x", "http://g/x"),
        ("https://g", "https://g/"),
        ("", "http://h/a/b?c"),
        ("../..", "http://h/"),
    ] {
        assert_eq!(base.join(reference).expect(reference).as_str(), joined);
    }
    for reference in ["ftp://x/", "//a b", "a\r\nb", "javascript:x", "http://x:0/"] {
        assert!(base.join(reference).expect_err(reference).is_url());
    }
}

#[test]
fn case_009_credentials_are_in_neither_debug_output_nor_messages() {
    let url = Url::parse("http://ann:secret@h/").expect("a good address");
    assert_eq!(format!("{url:?}"), "Url(\"http://h/\")");
    for text in [
        "http://ann:secret@h:99999/",
        "http://ann:secret@h b/",
        "ftp://ann:secret@h/",
        "http://ann:secret@/",
        "ann:secret@h",
    ] {
        let line = refused(text);
        assert!(!line.contains("secret") && !line.contains("ann"), "{line}");
    }
}

#[test]
fn a_message_about_an_endless_text_is_not_endless() {
    assert!(refused(&format!("ftp://{}", "x".repeat(100_000))).len() < 1000);
}

#[test]
fn no_text_makes_the_parser_panic() {
    let pieces = [
        "http", "https", ":", "//", "/", "\\", "@", "[", "]", "%", "%0", "%2f", "?", "#", ".", "..", "a",
        "ü", "\u{200d}", "0", ":80", "\r", " ", "::1", "xn--",
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..seed % 9 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text += pieces[(seed % pieces.len() as u64) as usize];
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if let Ok(url) = Url::parse(&text) {
            assert_eq!(Url::parse(url.as_str()).expect("a parsed address parses"), url);
            assert!(!url.as_str().contains(['\r', '\n', ' ']));
        }
    }
}
