//! The pictures in the README, which the runtime drew of two examples, still show what these do.
//!
//! `CURIO_BLESS=1 cargo test --test pictures` draws them anew.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

use curio_support::{Failure, Shown, run_example_with};

fn check(example: &str) -> Result<(), Failure> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{example}.svg"));
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{example}.svg"));
    let ran = run_example_with(example, &[], &[("CURIO_TRACE", new.as_os_str())])?;
    assert!(ran.success && ran.errors.is_empty(), "{}", ran.errors);
    let drawn = fs::read_to_string(new)?;
    if std::env::var_os("CURIO_BLESS").is_some() {
        fs::write(&kept, &drawn)?;
    }
    let (kept, drawn) = (Shown::of(&fs::read_to_string(kept)?), Shown::of(&drawn));
    assert!(drawn.stretches.len() >= 8, "{drawn:#?}");
    assert_eq!(kept, drawn, "draw it anew: CURIO_BLESS=1 cargo test --test pictures");
    Ok(())
}

#[test]
fn the_picture_of_concurrent_is_up_to_date() -> Result<(), Failure> {
    check("concurrent")
}

#[test]
fn the_picture_of_bounded_is_up_to_date() -> Result<(), Failure> {
    check("bounded")
}

#[test]
fn the_readme_shows_them() {
    let readme = include_str!("../README.md");
    for example in ["concurrent", "bounded"] {
        assert!(readme.contains(&format!("](docs/pictures/{example}.svg)")), "{example}");
    }
}
