//! Calls to look at without AWS: what happens to some made-up calls, and when. Their media is
//! Connect-shaped and goes through the demuxer, like any other. Their sound is arithmetic.

use std::sync::Arc;

use bytes::Bytes;

use super::happening::{Began, Break, Ending, What};
use crate::media::demux::{Demuxer, Document};
use crate::media::fragment::{Block, Direction};
use crate::media::spectrum::tone;
use crate::media::ticks::{EpochMillis, MediaTime};
use crate::synth::SynthCall;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Three calls that overlap: one is on hold for a while, the connection to one breaks off
    /// and comes again, and of one only the customer can be heard.
    Calls,
    /// Three calls of tones, to see that spectra show what there is.
    Tones,
}

/// Something that is going to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// When, in milliseconds from the scene's start.
    pub millis: u64,
    /// To which call.
    pub contact: Arc<str>,
    /// What.
    pub what: What,
}

/// Samples of a block of 64 ms, and of one of 20 ms.
const USUAL: usize = 512;
const SHORT: usize = 160;

/// All that happens in one playing of a scene, in its order. Each playing has contacts of its
/// own.
pub fn playing(scene: Scene, number: u64, start: EpochMillis) -> Vec<Due> {
    let mut due = match scene {
        Scene::Calls => calls(number, start),
        Scene::Tones => tones(number, start),
    };
    due.sort_by_key(|due| due.millis);
    due
}

/// One made-up call in a scene.
struct Cast {
    /// The last digits of contact and number.
    which: u64,
    /// When it comes in, and how long it is, in milliseconds.
    enters: u64,
    millis: u64,
    queue: &'static str,
}

impl Cast {
    fn contact(&self, number: u64) -> Arc<str> {
        let number = number % 0x1_0000_0000;
        format!("de300000-0000-4000-8000-{number:08x}{:04x}", self.which).into()
    }

    fn began(&self, start: EpochMillis) -> What {
        What::Began(Began {
            start: Some(moved(start, self.enters)),
            label: None,
            customer: Some(format!("+1555010{:04}", self.which)),
            system: Some("+15550100199".to_owned()),
            queue: Some(self.queue.to_owned()),
        })
    }
}

fn moved(time: EpochMillis, millis: u64) -> EpochMillis {
    EpochMillis(time.0.saturating_add_unsigned(millis))
}

fn calls(number: u64, start: EpochMillis) -> Vec<Due> {
    let cast = |which, enters, millis, queue| Cast {
        which,
        enters,
        millis,
        queue,
    };
    let on_hold = cast(142, 300, 90_000, "Support");
    let cut = cast(177, 6_000, 66_000, "Orders");
    let one_way = cast(108, 14_000, 46_000, "Support");
    let synth = |cast: &Cast| SynthCall {
        millis: cast.millis,
        start_epoch_millis: moved(start, cast.enters).0,
        contact: cast.contact(number).to_string(),
        seed: number.wrapping_mul(3).wrapping_add(cast.which),
        ..SynthCall::default()
    };
    let mut due = Vec::new();
    let hold = SynthCall {
        holds: std::iter::once(30_000..44_000).collect(),
        ..synth(&on_hold)
    };
    due.extend(played(&on_hold, number, start, &hold, None));
    due.extend(played(
        &cut,
        number,
        start,
        &synth(&cut),
        Some((20_000, 24_000)),
    ));
    let alone = SynthCall {
        one_way: true,
        ..synth(&one_way)
    };
    due.extend(played(&one_way, number, start, &alone, None));
    due
}

/// A call's blocks, each when it has been said. Those of a break come when it is over.
fn played(
    cast: &Cast,
    number: u64,
    start: EpochMillis,
    call: &SynthCall,
    cut: Option<(u64, u64)>,
) -> Vec<Due> {
    let contact = cast.contact(number);
    let at = |millis: u64, what| Due {
        millis: cast.enters + millis,
        contact: contact.clone(),
        what,
    };
    let mut due = vec![at(0, cast.began(start))];
    let blocks: Vec<Block> = call
        .fragments()
        .flat_map(|it| blocks(&it.document))
        .collect();
    let first = blocks.iter().map(|block| block.start).min();
    for block in blocks {
        let said = first.map_or(0, |first| block.start.samples_since(first));
        let said = u64::try_from(said).unwrap_or(0) + block.samples();
        let millis = match cut {
            Some((from, to)) if (from..to).contains(&(said / 8)) => to,
            Some(_) | None => said / 8,
        };
        due.push(at(millis, What::Sound(block)));
    }
    if let Some((from, _)) = cut {
        due.push(at(from, What::Reconnecting(Break::Cut)));
    }
    due.push(at(cast.millis + 200, What::Ended(Ending::Disconnected)));
    due
}

fn blocks(document: &[u8]) -> Vec<Block> {
    let mut demuxer = Demuxer::new();
    demuxer.push(document);
    let mut documents = Vec::new();
    while let Some(document) = demuxer.next_document() {
        documents.push(document);
    }
    documents.extend(demuxer.finish());
    let fragments = documents.into_iter().filter_map(|document| match document {
        Document::Fragment(fragment) => Some(fragment.blocks),
        Document::Error(_) | Document::Stray(_) => None,
    });
    fragments.flatten().collect()
}

/// What one side of a call of tones carries: frequencies and their amplitudes, in blocks of
/// so many samples.
type Tones = (&'static [(f64, f64)], usize);

fn tones(number: u64, start: EpochMillis) -> Vec<Due> {
    const SCENE: [(&str, Tones, Tones); 3] = [
        (
            "1 kHz of 4,000 from the customer",
            (&[(1_000.0, 4_000.0)], USUAL),
            (&[], USUAL),
        ),
        (
            "500 Hz and 3 kHz of 6,000 to the customer",
            (&[], USUAL),
            (&[(500.0, 6_000.0), (3_000.0, 6_000.0)], USUAL),
        ),
        (
            "1 kHz: over the limit; in blocks of 20 ms",
            (&[(1_000.0, 20_000.0)], USUAL),
            (&[(1_000.0, 4_000.0)], SHORT),
        ),
    ];
    const MILLIS: u64 = 60_000;
    let mut due = Vec::new();
    for (place, (queue, customer, operator)) in (0..).zip(SCENE) {
        let cast = Cast {
            which: 200 + place,
            enters: 300 + 100 * place,
            millis: MILLIS,
            queue,
        };
        let contact = cast.contact(number);
        let at = |millis: u64, what| Due {
            millis: cast.enters + millis,
            contact: contact.clone(),
            what,
        };
        due.push(at(0, cast.began(start)));
        let sides = [
            (Direction::FromCustomer, customer),
            (Direction::ToCustomer, operator),
        ];
        for (direction, (tones, samples)) in sides {
            let pcm = sum(tones, samples);
            let clock = MediaTime::from_matroska(start.0.max(0).unsigned_abs(), 0, 1_000_000);
            let mut said = 0_i64;
            let length = i64::try_from(samples).unwrap_or(i64::MAX);
            while let Some(clock) = clock.filter(|_| said < 8 * 60_000) {
                let block = Block {
                    direction,
                    start: clock.moved_by(said),
                    pcm: pcm.clone(),
                };
                said += length;
                due.push(at(said.unsigned_abs() / 8, What::Sound(block)));
            }
        }
        due.push(at(MILLIS + 200, What::Ended(Ending::Disconnected)));
    }
    due
}

/// Whole periods of each tone fit into a block, so that one block is like the other.
fn sum(tones: &[(f64, f64)], samples: usize) -> Bytes {
    let mut sum = vec![0_i16; samples];
    for (hertz, amplitude) in tones {
        let tone = tone(*hertz, *amplitude, samples);
        for (sum, sample) in sum.iter_mut().zip(tone) {
            *sum = sum.saturating_add(sample);
        }
    }
    sum.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}
