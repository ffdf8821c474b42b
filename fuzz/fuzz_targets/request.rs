//! Any answers to a request, and any contacts that they name: no panic, nothing foreign, and
//! nothing lost that came whole. The replay of the corpus in `tests/core/fuzz_corpus.rs` checks
//! the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| callreel::media::request::replay::check(data));
