//! Any data of a stream record: no panic, nothing passed over, nothing guessed. The replay of
//! the corpus in `tests/core/fuzz_corpus.rs` checks the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| callreel::recording::decide::replay::check(data));
