//! Query parameters and forms: what is written for which value, and what cannot be written.

use curio_http::{ClientSession, Error};
use serde::Serialize;
use std::collections::BTreeMap;

fn query<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    let request = ClientSession::new().get("http://h/").params(value).build()?;
    Ok(request.url().query().unwrap_or_default().to_owned())
}

fn written<T: Serialize + ?Sized>(value: &T) -> String {
    query(value).expect("a form")
}

fn refused<T: Serialize + ?Sized>(value: &T) -> String {
    let error = query(value).expect_err("not a form");
    assert!(error.is_request());
    let line = error.to_string();
    assert!(line.starts_with("GET http://h/: writing the query parameters: "), "{line}");
    line
}

#[derive(Serialize)]
enum Order {
    Up,
    #[serde(rename = "down-wards")]
    Down,
    By(&'static str),
    With {
        key: u8,
    },
    Both(u8, u8),
}

#[derive(Serialize)]
struct Wrapped<T>(T);

#[test]
fn structs_maps_and_sequences_of_pairs_are_forms() {
    #[derive(Serialize)]
    struct Search {
        q: &'static str,
        page: u32,
    }
    assert_eq!(written(&Search { q: "a b", page: 2 }), "q=a+b&page=2");
    assert_eq!(written(&BTreeMap::from([("a", 1), ("b", 2)])), "a=1&b=2");
    assert_eq!(written(&[("a", "1"), ("a", "2")]), "a=1&a=2");
    assert_eq!(written(&vec![("a".to_owned(), 1.5)]), "a=1.5");
    assert_eq!(written(&[["a", "1"], ["b", "2"]]), "a=1&b=2");
    assert_eq!(written(&[vec!["a", "1"]]), "a=1");
    assert_eq!(written(&(("a", 1), ("b", true))), "a=1&b=true");
    assert_eq!(written(&Wrapped(Search { q: "x", page: 0 })), "q=x&page=0");
    assert_eq!(written(&[Wrapped(("a", 1))]), "a=1");
}

#[test]
fn nothing_is_an_empty_form() {
    assert_eq!(written(&()), "");
    assert_eq!(written(&[(); 0]), "");
    assert_eq!(written(&None::<[(&str, &str); 1]>), "");
    assert_eq!(written(&Some([("a", "1")])), "a=1");
}

#[test]
fn a_value_that_is_none_leaves_its_field_out() {
    assert_eq!(written(&[("a", None), ("b", Some(1)), ("c", None)]), "b=1");
    assert_eq!(written(&BTreeMap::from([("a", None), ("b", Some("x"))])), "b=x");
    assert_eq!(written(&[None, Some(("a", 1))]), "a=1");
    assert_eq!(written(&serde_json::json!({"a": null, "b": 1})), "b=1");
}

#[test]
fn every_scalar_has_its_text() {
    assert_eq!(written(&[("n", i64::MIN)]), "n=-9223372036854775808");
    assert_eq!(written(&[("n", u128::MAX)]), "n=340282366920938463463374607431768211455");
    assert_eq!(written(&[("n", 1.0), ("n", 0.1), ("n", 1e21), ("n", -0.5)]), "n=1.0&n=0.1&n=1e21&n=-0.5");
    assert_eq!(written(&(("c", 'ß'), ("b", false), ("w", Wrapped("x")))), "c=%C3%9F&b=false&w=x");
    assert_eq!(written(&[("o", Order::Up), ("o", Order::Down)]), "o=Up&o=down-wards");
    assert_eq!(written(&[(1, 2)]), "1=2");
    assert_eq!(written(&[(Order::Up, true)]), "Up=true");
}

#[test]
fn names_and_values_are_encoded_as_the_url_standard_says() {
    assert_eq!(written(&[("a&b=c", "d+e f/%\u{e9}~*-._")]), "a%26b%3Dc=d%2Be+f%2F%25%C3%A9%7E*-._");
    assert_eq!(written(&[("", "")]), "=");
}

/// As requests 2.34 and httpx 0.28 write `{"a": [1, 2]}`; both leave an empty list out.
#[test]
fn a_value_that_is_a_list_is_written_once_for_each_element() {
    assert_eq!(written(&serde_json::json!({"a": [1, 2], "b": "x"})), "a=1&a=2&b=x");
    assert_eq!(written(&[("tags", vec!["a b", "c"])]), "tags=a+b&tags=c");
    assert_eq!(written(&BTreeMap::from([("tags", ("a", 1, true))])), "tags=a&tags=1&tags=true");
    assert_eq!(written(&[("n", [1]), ("n", [2])]), "n=1&n=2");
    assert_eq!(written(&BTreeMap::from([("none", &[] as &[u8])])), "");
    assert_eq!(written(&[("a", Some([Some(1), None, Some(2)]))]), "a=1&a=2");
    let sent = ClientSession::new().post("http://h/").form(&serde_json::json!({"a": [1, 2]})).build();
    assert_eq!(sent.expect("a request").body().as_bytes(), Some(&b"a=1&a=2"[..]));
}

#[test]
fn a_list_in_a_list_is_refused() {
    let line = refused(&[("m", [[1, 2]])]);
    assert!(
        line.ends_with("each element of the list \"m\" must be text or a number, and one is a tuple"),
        "{line}"
    );
    assert!(refused(&serde_json::json!({"m": [{"a": 1}]})).contains("one is a map"));
    assert!(refused(&[(None::<&str>, ["a"])]).contains("a field has no name"));
}

#[test]
fn a_value_that_is_no_text_is_refused_with_its_name() {
    assert!(refused(&[("m", BTreeMap::from([("a", 1)]))]).contains("\"m\" is a map"));
    assert!(refused(&[("o", Order::By("x"))]).contains("\"o\" is a variant with data"));
    assert!(refused(&[("o", Order::With { key: 1 })]).contains("\"o\" is a variant with data"));
    assert!(refused(&[("o", Order::Both(1, 2))]).contains("\"o\" is a variant with data"));
}

#[test]
fn what_has_no_fields_is_refused() {
    assert!(refused("a=b").contains("fields are expected") && refused("a=b").contains("this is a text"));
    assert!(refused(&7).contains("this is a number"));
    assert!(refused(&Order::Up).contains("this is a variant"));
}

#[test]
fn an_element_that_is_no_pair_is_refused() {
    assert!(refused(&["a", "b"]).contains("one is a text"));
    assert!(refused(&[("a", 1, 2)]).contains("the length 3"));
    assert!(refused(&[("a",)]).contains("the length 1"));
    assert!(refused(&[Vec::<u8>::new()]).contains("the length 0"));
    assert!(refused(&[BTreeMap::from([("a", 1)])]).contains("one is a map"));
}

#[test]
fn a_name_that_is_none_or_no_text_is_refused() {
    assert!(refused(&[(None::<&str>, 1)]).contains("a field has no name"));
    assert!(refused(&[(["a"], 1)]).contains("one is a tuple"));
}

#[test]
fn the_values_own_error_is_passed_on() {
    struct Never;
    impl Serialize for Never {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("never"))
        }
    }
    assert!(refused(&[("n", Never)]).ends_with("never"));
}
