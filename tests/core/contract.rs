//! The local edge keeps the contract of the ports.

use callreel::local::{LocalContacts, LocalRecordings, LocalStreams};
use callreel::synth::SynthCall;
use futures_executor::block_on;

use crate::common::contract::{check_listing, check_notes, check_source, check_store};

#[test]
fn local() {
    let folder = tempfile::tempdir().unwrap();
    for untagged_tail in [false, true] {
        let call = SynthCall {
            millis: 8_000,
            reuse: true,
            untagged_tail,
            ..SynthCall::default()
        };
        let name = format!("s{untagged_tail}");
        std::fs::create_dir_all(folder.path().join(&name)).unwrap();
        let mut media = Vec::new();
        call.write_stream(&mut media, |_| ()).unwrap();
        std::fs::write(folder.path().join(&name).join("s.mkv"), media).unwrap();
        let arn = format!("arn:aws:kinesisvideo:us-east-1:1:stream/{name}/1");
        block_on(check_source(&LocalStreams::new(folder.path()), &arn, &call));
    }
    let recordings = folder.path().join("out");
    block_on(check_store(&LocalRecordings::new(&recordings), |key| {
        std::fs::read(recordings.join(key)).ok()
    }));
    block_on(check_listing(&LocalRecordings::new(&recordings)));
    let parts = walk(&recordings)
        .into_iter()
        .filter(|name| name.ends_with(".part"))
        .count();
    assert_eq!(parts, 0, "nothing unfinished is left behind");
    block_on(check_notes(&LocalContacts::new(
        folder.path().join("contacts.json"),
    )));
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path.to_string_lossy().into_owned()],
        })
        .collect()
}
