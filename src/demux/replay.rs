//! What must hold for any bytes: the fuzz target's and the corpus replay's one check.

use super::{Demuxer, Document};
use crate::timeline::Timeline;

/// Demuxes `data` whole and in pieces whose sizes its own bytes choose, and pushes the
/// fragments onto a timeline. Panics when the two differ; nothing else may panic.
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
    documents.extend(demuxer.finish());
    documents
}
