//! The bodies of the fuzz targets, for a moment and without a fuzzer: they build, they run, and what
//! they found once stays found.

#[allow(dead_code, missing_docs, unreachable_pub, clippy::expect_used)]
#[path = "../../fuzz/src/lib.rs"]
mod bodies;

use std::fs;
use std::path::Path;

/// Inputs made for each target; a fuzzer makes millions, this only keeps the bodies honest.
const INPUTS: u64 = 1_000;

/// DESIGN invariants of the router, totality of the parsers (VRRP-GEN-08).
#[test]
fn no_body_of_a_fuzz_target_panics_on_arbitrary_bytes() {
    for (name, run) in bodies::TARGETS {
        for seed in 1..=INPUTS {
            let outcome = std::panic::catch_unwind(|| run(&bytes(seed)));
            assert!(
                outcome.is_ok(),
                "{name} panicked with the input of seed {seed}"
            );
        }
    }
}

/// `fuzz/regressions/TARGET/*` are inputs that once broke something, and a few well-formed ones that
/// reach deep, made of the vectors of the protocol crates.
#[test]
fn inputs_that_once_broke_something_do_no_more() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions");
    for (name, run) in bodies::TARGETS {
        let entries = fs::read_dir(folder.join(name));
        let entries = entries.unwrap_or_else(|error| panic!("fuzz/regressions/{name}: {error}"));
        let mut inputs = 0;
        for entry in entries.flatten() {
            println!("{}", entry.path().display());
            run(&fs::read(entry.path()).expect("a readable file"));
            inputs += 1;
        }
        assert!(inputs > 0, "fuzz/regressions/{name} is empty");
    }
}

/// The same bytes for the same seed: 0 to 511 of them, from a small generator.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = next() % 512;
    (0..length).map(|_| next().to_le_bytes()[3]).collect()
}
