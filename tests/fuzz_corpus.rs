//! Every input that fuzzing keeps, replayed: what once broke stays mended.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::path::Path;

#[test]
fn the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/demux");
    let mut replayed = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        callreel::demux::replay::check(&std::fs::read(entry.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(
        replayed >= 10,
        "only {replayed} inputs in {}",
        folder.display()
    );
}
