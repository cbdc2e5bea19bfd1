//! The root package has no code of its own: see `examples/` and `tests/`.
