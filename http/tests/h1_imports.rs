//! The protocol core stays free of input, output, clocks and the runtime: nothing in its folder names them.

use std::fs;
use std::path::Path;

/// Each file of the core with its code, comments left out.
fn code() -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/h1");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("rs"), "{path:?}");
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        files.push((path.display().to_string(), lines.map(str::to_owned).collect()));
    }
    files
}

#[test]
fn the_core_names_no_io_no_clock_and_no_runtime() {
    let files = code();
    assert!(files.len() > 10, "the folder of the core was found");
    for (path, lines) in files {
        for line in lines {
            for name in
                ["curio", "async", "await", "std::io", "std::net", "std::time", "Instant", "std::thread"]
            {
                assert!(!line.contains(name), "{path} names {name}: {line}");
            }
        }
    }
}

#[test]
fn the_core_uses_nothing_of_the_rest_of_the_crate() {
    for (path, lines) in code() {
        for line in lines {
            assert!(!line.contains("crate::"), "{path} reaches out of its folder: {line}");
        }
    }
}
