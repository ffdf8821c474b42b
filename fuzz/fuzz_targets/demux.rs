//! Any bytes, in any chunking: no panic, the same documents, no more work than the bytes pay
//! for, no more audio than came, and a timeline that takes it. The replay of the corpus in `tests/core/fuzz_corpus.rs` checks the same.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| callreel::media::demux::replay::check(data));
