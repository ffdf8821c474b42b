//! Any bytes, in any chunking: no panic, the same documents, and a timeline that takes
//! what comes. The replay of the corpus in `tests/fuzz_corpus.rs` checks the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| callreel::demux::replay::check(data));
