//! The contract of the three ports, as one suite for every edge. An edge adds one test
//! that sets its world up and calls these checks.

use std::collections::BTreeMap;

use bytes::Bytes;
use callreel::media::demux::{Demuxer, Document};
use callreel::media::fragment::{FragmentNumber, FragmentRange};
use callreel::media::wav;
use callreel::port::{
    ContactAttributes, Expect, FragmentSource, MediaBody, NewFile, Objects, Recordings, Upload,
    Whereabouts,
};
use callreel::synth::SynthCall;

/// A source whose stream `stream` holds exactly the own fragments of `call`, and the
/// foreign ones around them.
pub async fn check_source(source: &impl FragmentSource, stream: &str, call: &SynthCall) {
    let span = call.span();
    let own: Vec<FragmentNumber> = call
        .fragments()
        .filter(|fragment| !fragment.foreign)
        .map(|fragment| fragment.number.parse().unwrap())
        .collect();
    let range = FragmentRange {
        start: span.start_fragment.parse().ok(),
        stop: span.stop_fragment.parse().ok(),
    };
    let whereabouts = Whereabouts {
        stream,
        range,
        times: callreel::recording::plan::Times::default(),
    };
    let listing = source.list(whereabouts).await.unwrap();
    assert!(!listing.incomplete);
    let mut listed = listing.numbers;
    listed.extend(range.stop);
    listed.sort();
    listed.dedup();
    assert_eq!(
        listed, own,
        "the list and the record's stop number are all own fragments"
    );

    // Any subset, in any order, is answered by as many documents.
    for asked in [&own[..], &own[2..5], &[own[4], own[1]], &[]] {
        let documents = fetch(source, stream, asked).await;
        assert_eq!(documents.len(), asked.len());
    }
    // What is not there is answered by an error document or not at all.
    let absent = "7".parse().unwrap();
    let fragments = fetch(source, stream, &[absent]).await;
    assert!(
        fragments
            .iter()
            .all(|document| matches!(document, Document::Error(_)))
    );

    let missing = Whereabouts {
        stream: "arn:aws:kinesisvideo:us-east-1:1:stream/nowhere/1",
        ..whereabouts
    };
    let failure = source.list(missing).await.unwrap_err();
    assert_eq!(failure.kind, callreel::failure::FailureKind::StreamMissing);
}

async fn fetch(
    source: &impl FragmentSource,
    stream: &str,
    numbers: &[FragmentNumber],
) -> Vec<Document> {
    let mut body = source.fetch(stream, numbers).await.unwrap();
    let mut demuxer = Demuxer::new();
    let mut documents = Vec::new();
    while let Some(chunk) = body.next_chunk().await.unwrap() {
        demuxer.push(&chunk);
        documents.extend(std::iter::from_fn(|| demuxer.next_document()));
    }
    documents.extend(demuxer.finish());
    documents
}

/// An empty store; `read` gives what anybody sees under a key.
pub async fn check_store(store: &impl Recordings, read: impl Fn(&str) -> Option<Vec<u8>>) {
    let key = "recordings/2025/10/09/c_1_from.wav";
    let header = Bytes::copy_from_slice(&wav::header(1, 3).unwrap());
    let whole = [&header[..], &[1, 0, 2, 0, 3, 0]].concat();

    let mut upload = store.begin(NewFile::wav(key, "c")).await.unwrap();
    upload.write(Bytes::from_static(&[1, 0])).await.unwrap();
    assert_eq!(read(key), None, "nothing is seen before the end");
    upload
        .write(Bytes::from_static(&[2, 0, 3, 0]))
        .await
        .unwrap();
    let stored = upload.finish(header.clone()).await.unwrap();
    assert_eq!(read(key).as_deref(), Some(&whole[..]));
    assert_eq!(stored.bytes, whole.len() as u64);
    assert_eq!(store.is_there(key, &stored).await, Ok(true));

    // Another delivery's file in its place, of the same size or of another.
    for other in [&[9, 9, 9, 9, 9, 9][..], &[7, 7]] {
        let key = "recordings/2025/10/09/c_1_mixed.wav";
        let mut upload = store.begin(NewFile::wav(key, "c")).await.unwrap();
        upload
            .write(Bytes::from_static(&[1, 0, 2, 0, 3, 0]))
            .await
            .unwrap();
        let first = upload.finish(header.clone()).await.unwrap();
        assert_eq!(store.is_there(key, &first).await, Ok(true));
        let mut upload = store.begin(NewFile::wav(key, "c")).await.unwrap();
        upload.write(Bytes::from_static(other)).await.unwrap();
        let second = upload.finish(header.clone()).await.unwrap();
        assert_eq!(store.is_there(key, &first).await, Ok(false));
        assert_eq!(store.is_there(key, &second).await, Ok(true));
        assert_eq!(
            read(key).as_deref(),
            Some(&[&header[..], other].concat()[..])
        );
    }

    // What is kept free for a head is filled by one of that length alone.
    for head in [0, 43, 45] {
        let key = "recordings/2025/10/09/c_1_to.wav";
        let mut upload = store.begin(NewFile::wav(key, "c")).await.unwrap();
        upload.write(Bytes::from_static(&[9; 6])).await.unwrap();
        let failure = upload.finish(vec![0; head].into()).await.unwrap_err();
        assert_eq!(failure.kind, callreel::failure::FailureKind::WriteFailed);
        assert_eq!(read(key), None);
    }

    // Given up, or dropped: the key keeps what it had.
    for other in [key, "recordings/2025/10/09/c_1_to.wav"] {
        let before = read(other);
        let mut upload = store.begin(NewFile::wav(other, "c")).await.unwrap();
        upload.write(Bytes::from_static(&[9; 600])).await.unwrap();
        upload.abort().await;
        assert_eq!(read(other), before);
        let mut upload = store.begin(NewFile::wav(other, "c")).await.unwrap();
        upload.write(Bytes::from_static(&[9; 600])).await.unwrap();
        drop(upload);
        assert_eq!(read(other), before);
    }

    let key = "recordings/2025/10/09/c_1_verdict.json";
    assert_eq!(store.read(key).await.unwrap(), None);
    // (what is written, instead of what, whether that was there, what is there then)
    for (new, instead_of, done, then) in [
        ("0", Some("?"), false, None),
        ("1", None, true, Some("1")),
        ("2", None, false, Some("1")),
        ("2", Some("?"), false, Some("1")),
        ("2", Some("1"), true, Some("2")),
    ] {
        let expect = Expect::unchanged(instead_of.map(str::as_bytes));
        let put = store.put(key, new.into(), expect).await;
        assert_eq!(put, Ok(done), "{new} instead of {instead_of:?}");
        let there = store.read(key).await.unwrap();
        assert_eq!(there.as_deref(), then.map(str::as_bytes));
    }
}

/// A store in which `check_store` left its objects: a prefix is the beginning of keys,
/// wherever it ends.
pub async fn check_listing(store: &impl Objects) {
    let written = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    let day = ["from.wav", "mixed.wav", "verdict.json"];
    let day = day.map(|name| format!("recordings/2025/10/09/c_1_{name}"));
    for (prefix, expected) in [
        ("recordings/2025/10/09/", &day[..]),
        ("recordings/2025/10/09/c_1_v", &day[2..]),
        ("recordings/20", &day[..]),
        ("", &day[..]),
        ("recordings/2025/10/1", &[]),
        ("nothing/", &[]),
    ] {
        let listed = store.list(prefix).await.unwrap();
        let keys: Vec<_> = listed.iter().map(|object| object.key.clone()).collect();
        assert_eq!(keys, expected, "{prefix}");
        for object in listed {
            let modified = object.modified.unwrap().0;
            assert!((written - 60_000..=written + 1_000).contains(&modified));
        }
    }
}

/// A notebook in which the contact `c` has no attributes.
pub async fn check_notes(notes: &impl ContactAttributes) {
    let attributes = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    // The sandbox's contacts hold one that nobody wrote.
    let read = async || {
        let mut held = notes.read(Some("i"), "c").await.unwrap();
        held.remove("recordingAuth");
        held
    };
    assert_eq!(read().await, attributes(&[]));
    for (contact, pairs) in [
        ("c", &[("a", "1"), ("b", "2")][..]),
        ("c", &[("b", "3 ü"), ("d", "4")]),
        ("other", &[("a", "9")]),
    ] {
        let turn = notes.turn().await;
        let changes = attributes(pairs);
        let written = notes.write(turn, Some("i"), contact, &changes);
        written.await.unwrap();
    }
    assert_eq!(
        read().await,
        attributes(&[("a", "1"), ("b", "3 ü"), ("d", "4")])
    );
}
