//! What must hold for any bytes: the fuzz target's and the corpus replay's one check.

use super::{Demuxer, Document};
use crate::media::timeline::Timeline;

/// Elements that the demuxer may look at for each byte of a body, in whatever pieces it
/// comes. Bytes fed one by one may each be looked at as an EBML header's last one.
const WORK_PER_BYTE: u64 = 32;

/// Demuxes `data` whole and in pieces whose sizes its own bytes choose, and pushes the
/// fragments onto a timeline. Panics when the two differ, when reading cost more than the
/// bytes can pay for, or when audio was counted that did not come; nothing else may panic.
#[allow(clippy::panic, reason = "this is the check itself")]
pub fn check(data: &[u8]) {
    let whole = demux(data, std::iter::repeat(data.len()));
    let sizes = data
        .iter()
        .map(|byte| usize::from(*byte % 64) + 1)
        .chain(std::iter::repeat(1));
    let pieces = demux(data, sizes);
    if whole != pieces {
        panic!("chunking changed the documents: {whole:?} became {pieces:?}");
    }
    check_bytes(data, &whole);
    let mut timeline = Timeline::new();
    for document in whole {
        if let Document::Fragment(fragment) = document {
            timeline.push(fragment);
        }
    }
    timeline.finish();
    // Silence of many hours may be queued: the first frames are enough.
    for _ in 0..16 {
        timeline.next_frames();
    }
    timeline.into_report();
}

/// Fragments lie behind each other in the body, and none has more audio than bytes.
#[allow(clippy::panic, reason = "this is the check itself")]
fn check_bytes(data: &[u8], documents: &[Document]) {
    let mut end = 0;
    for document in documents {
        let Document::Fragment(fragment) = document else {
            continue;
        };
        let placed: u64 = (fragment.blocks.iter())
            .map(|block| block.pcm.len() as u64)
            .sum();
        let left_out: u64 = fragment.left_out.iter().map(|left| left.bytes).sum();
        let is_behind = fragment.offset >= end;
        end = fragment.offset + fragment.length;
        if !is_behind || end > data.len() as u64 || placed + left_out > fragment.length {
            panic!("more than came: {fragment:?}");
        }
    }
}

#[allow(clippy::panic, reason = "this is the check itself")]
fn demux(data: &[u8], sizes: impl Iterator<Item = usize>) -> Vec<Document> {
    let mut demuxer = Demuxer::new();
    let mut documents = Vec::new();
    let mut rest = data;
    for size in sizes {
        let (now, later) = rest.split_at(size.min(rest.len()));
        demuxer.push(now);
        documents.extend(std::iter::from_fn(|| demuxer.next_document()));
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    demuxer.end_body();
    documents.extend(std::iter::from_fn(|| demuxer.next_document()));
    let paid_for = WORK_PER_BYTE * (data.len() as u64 + 64);
    if demuxer.work > paid_for {
        panic!(
            "{} elements looked at in {} bytes",
            demuxer.work,
            data.len()
        );
    }
    documents
}
