//! Every input that fuzzing keeps, replayed: what once broke stays mended.

use std::path::Path;

/// Replays all inputs of a fuzz target; there are some.
#[track_caller]
fn replay(target: &str, least: usize, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut replayed = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        replayed += 1;
    }
    assert!(
        replayed >= least,
        "only {replayed} inputs in {}",
        folder.display()
    );
}

#[test]
fn the_corpus_of_the_demuxer_holds() {
    replay("demux", 10, callreel::media::demux::replay::check);
}

#[test]
fn the_corpus_of_requests_holds() {
    replay("request", 10, callreel::media::request::replay::check);
}

#[test]
fn the_corpus_of_records_holds() {
    replay("records", 10, callreel::recording::decide::replay::check);
}
