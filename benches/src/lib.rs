//! Benchmarks live in `benches/`; figures beside other daemons in `RESULTS.md`.

#![forbid(unsafe_code)]
