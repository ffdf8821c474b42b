//! Calls that never were: KVS fragments in Connect's exact shape, with two audible
//! speakers, and the samples that a recorder must get out of them.
//!
//! For demonstrations, tests, benches and fuzzing. Every oddity that Connect and KVS are
//! known for is a field of [`SynthCall`]; all off is a plain call. The same values give
//! the same bytes everywhere, and nothing is held that grows with the call. What is
//! random in a capture follows from the seed; no clock is read and no file is touched.

mod document;
mod number;
mod oddity;
pub mod packed;
mod plan;
mod record;
#[cfg(test)]
mod tests;
mod voice;

use std::io::{self, Write};
use std::ops::Range;

use crate::media::counts::in_memory;
use crate::media::fragment::Direction;
use document::Writer;
pub use oddity::Oddity;
use plan::{Fate, Plan, PlannedFragment, Tagging};
pub use record::kinesis_record;
use voice::Voice;

/// What to make up. All times in milliseconds from the call's first sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthCall {
    /// Length of the call, both directions.
    pub millis: u64,
    /// Spans without any media, widened to the 64 ms block grid. Fragments wholly within
    /// one are never made; the grid of fragments does not move.
    pub holds: Vec<Range<u64>>,
    /// When the first block of what the customer hears comes.
    pub late_to_millis: u64,
    /// Only `AUDIO_FROM_CUSTOMER` was streamed.
    pub one_way: bool,
    /// Track 1 is what the customer hears.
    pub swap_tracks: bool,
    /// Another caller's fragments stand before and after on the same stream: minutes
    /// apart, in upload sessions and under a contact of their own.
    pub reuse: bool,
    /// The last fragment of each caller carries no tags at all, not even its number, and
    /// `ContactId` stands only after the audio. A fragment that would be the only one
    /// there of its upload session keeps its tags: nothing could tell whose it is.
    pub untagged_tail: bool,
    /// The first fragment from here on begins a new upload session: new SegmentUID, tracks
    /// numbered the other way round.
    pub rotate_at_millis: Option<u64>,
    /// Now and then a block of half the size, and the next one where it would have been:
    /// silence between them.
    pub short_blocks: bool,
    /// Blocks of 62.5 and 63.5 ms whose times are rounded to milliseconds. Their audio is
    /// contiguous all the same.
    pub rounding: bool,
    /// This call's fragments, counted from 0, in whose place FRAGMENT_NOT_FOUND stands.
    pub lose: Vec<usize>,
    /// This call's fragments, counted from 0, in whose place nothing stands.
    pub missing: Vec<usize>,
    /// The media clock starts near 0, as on streams of 2019; the server's does not.
    pub no_epoch: bool,
    /// What else is odd, met in the field.
    pub odd: Vec<Oddity>,
    /// The first sample's time on Connect's clock, which runs 966 ms before the server's.
    pub start_epoch_millis: i64,
    /// The stream's count of fragments at the first one: 1 on a new stream, higher on one
    /// that other calls were on before, so that this call's numbers lie behind theirs.
    pub first_counter: u64,
    /// The call's ContactId.
    pub contact: String,
    /// The ContactId of the leg before, which the record names.
    pub leg_before: Option<String>,
    /// The other caller's ContactId.
    pub foreign_contact: String,
    /// InstanceId, of both.
    pub instance: String,
    /// Varies what is said, SegmentUIDs and the noise in fragment numbers.
    pub seed: u64,
}

impl Default for SynthCall {
    fn default() -> Self {
        Self {
            millis: 30_000,
            holds: Vec::new(),
            late_to_millis: 0,
            one_way: false,
            swap_tracks: false,
            reuse: false,
            untagged_tail: false,
            rotate_at_millis: None,
            short_blocks: false,
            rounding: false,
            lose: Vec::new(),
            missing: Vec::new(),
            no_epoch: false,
            odd: Vec::new(),
            start_epoch_millis: 1_760_000_000_123,
            first_counter: 1,
            contact: "5f2b9c64-7d1e-4c0a-9b3f-2e8a61d40c75".into(),
            leg_before: None,
            foreign_contact: "c0a8e1d7-31b4-4e5f-8f02-77d9a5b6e310".into(),
            instance: "3b6f0d92-8c47-4f15-a2de-90b1c7e54f68".into(),
            seed: 1,
        }
    }
}

/// One document of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthFragment {
    /// The fragment's true number, which its document may not carry.
    pub number: String,
    /// Whose it truly is.
    pub contact: String,
    /// Whether it is the other caller's.
    pub foreign: bool,
    /// When the server got it.
    pub server_millis: i64,
    /// What KVS gives for it: the fragment, or an error document.
    pub document: Vec<u8>,
}

/// From where to where the call's fragments reach, as its contact record tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthSpan {
    /// Number of the first fragment, lost or not.
    pub start_fragment: String,
    /// Number of the last fragment (inclusive), lost, untagged or not.
    pub stop_fragment: String,
    /// Server time of the first fragment.
    pub start_server_millis: i64,
    /// Server time of the last fragment.
    pub stop_server_millis: i64,
}

impl SynthCall {
    /// Every document in the order of the stream, the other caller's included, each made
    /// when it is asked for.
    pub fn fragments(&self) -> impl Iterator<Item = SynthFragment> + '_ {
        self.plans().into_iter().flat_map(|plan| {
            let writer = Writer::new(&plan.call);
            (0..plan.count()).flat_map(move |index| {
                let made = plan.sent_at(index).into_iter().filter_map(|fragment| {
                    let mut document = Vec::new();
                    writer.write(&plan, &fragment, &mut document);
                    (fragment.fate != Fate::Missing).then(|| SynthFragment {
                        number: plan.number(&fragment),
                        contact: plan.contact(&fragment).to_owned(),
                        foreign: plan.foreign || plan.is_foreign_inside(&fragment),
                        server_millis: fragment.server_millis,
                        document,
                    })
                });
                made.collect::<Vec<_>>()
            })
        })
    }

    /// Writes all documents, one after the other. `progress` is told the milliseconds of
    /// the call that are done. Gives the number of bytes written.
    pub fn write_stream(
        &self,
        out: &mut impl Write,
        mut progress: impl FnMut(u64),
    ) -> io::Result<u64> {
        let (mut bytes, mut document) = (0, Vec::new());
        for plan in self.plans() {
            let writer = Writer::new(&plan.call);
            for fragment in (0..plan.count()).flat_map(|index| plan.sent_at(index)) {
                document.clear();
                writer.write(&plan, &fragment, &mut document);
                out.write_all(&document)?;
                bytes += document.len() as u64;
                if !plan.foreign {
                    progress(fragment.millis.end);
                }
            }
        }
        Ok(bytes)
    }

    /// Where the call's fragments lie on the stream. No audio is made for it. A call
    /// without any media has a span too, of a fragment that was never sent.
    pub fn span(&self) -> SynthSpan {
        let plan = self.own_plan();
        let first = plan.fragment(0);
        let last = plan.fragment(plan.count().saturating_sub(1));
        SynthSpan {
            start_fragment: plan.number(&first),
            stop_fragment: plan.number(&last),
            start_server_millis: first.server_millis,
            stop_server_millis: last.server_millis,
        }
    }

    /// The true numbers of the fragments whose documents carry none, in the order of the
    /// stream: what KVS knows and the media does not tell.
    pub fn unnumbered(&self) -> Vec<String> {
        let mut numbers = Vec::new();
        for plan in self.plans() {
            let untagged = plan.fragments().filter(|fragment| {
                fragment.fate == Fate::Sent && fragment.tagging == Tagging::None
            });
            numbers.extend(untagged.map(|fragment| plan.number(&fragment)));
        }
        numbers
    }

    /// How many fragments Connect made of the call, lost and missing ones included.
    pub fn fragment_count(&self) -> u64 {
        self.own_plan().count()
    }

    /// What was said at this sample of the call, whether or not it was streamed.
    pub fn sample(&self, direction: Direction, index: u64) -> i16 {
        let mut sample = [0];
        Voice::new(self.seed, direction).fill(index, &mut sample);
        sample[0]
    }

    /// Whether the call has an oddity.
    pub fn is(&self, oddity: Oddity) -> bool {
        self.odd.contains(&oddity)
    }

    /// The samples that must come out of the recorder: what was said, and silence where
    /// nothing was streamed, it was lost, or it must be left out, from the first block of either direction to
    /// the end of the last one. As long for both directions. Held in memory whole.
    pub fn expected(&self, direction: Direction) -> Vec<i16> {
        let plan = self.own_plan();
        let voice = Voice::new(self.seed, direction);
        let mut audio: Vec<i16> = Vec::new();
        let (mut origin, mut end) = (None, 0);
        for fragment in plan
            .fragments()
            .filter(|fragment| fragment.fate == Fate::Sent)
        {
            for block in plan.blocks(&fragment) {
                let origin = *origin.get_or_insert(block.samples.start);
                let at = in_memory(block.samples.start - origin);
                let block_end = in_memory(block.samples.end - origin);
                end = end.max(block_end);
                if block.direction == direction && !plan.is_left_out(&fragment, direction) {
                    audio.resize(block_end, 0);
                    voice.fill(block.samples.start, &mut audio[at..]);
                }
            }
        }
        audio.resize(end, 0);
        audio
    }

    /// The callers of the stream, in order.
    fn plans(&self) -> Vec<Plan> {
        let own = self.own_plan();
        if !self.reuse {
            return vec![own];
        }
        let after = Plan::new(self.neighbour(Side::After), true, own.next_counter());
        vec![self.plan_before(), own, after]
    }

    fn own_plan(&self) -> Plan {
        let first_counter = match self.reuse {
            true => self.plan_before().next_counter(),
            false => self.first_counter,
        };
        Plan::new(self.clone(), false, first_counter)
    }

    fn plan_before(&self) -> Plan {
        Plan::new(self.neighbour(Side::Before), true, self.first_counter)
    }

    /// The other caller: a plain call of a few fragments, with its own voice and sessions.
    fn neighbour(&self, side: Side) -> Self {
        let millis = 6_000;
        let (salt, start_epoch_millis) = match side {
            Side::Before => (0xbef0, self.start_epoch_millis.saturating_sub(79_000)),
            Side::After => {
                let end = self.start_epoch_millis.saturating_add_unsigned(self.millis);
                (0xaf7e, end.saturating_add(95_000))
            }
        };
        Self {
            millis,
            swap_tracks: side == Side::After,
            untagged_tail: self.untagged_tail,
            no_epoch: self.no_epoch,
            start_epoch_millis,
            contact: self.foreign_contact.clone(),
            foreign_contact: self.contact.clone(),
            instance: self.instance.clone(),
            seed: mix(self.seed, salt),
            ..Self::default()
        }
    }
}

/// The document that KVS answers in place of a fragment that it cannot give, such as 3000
/// `FRAGMENT_NOT_FOUND`.
pub fn error_document(number: &str, id: u32, code: &str) -> Vec<u8> {
    let mut out = Vec::new();
    document::error_document(&mut out, number, id, code);
    out
}

/// What GetMedia sends behind each fragment, and GetMediaForFragmentList does not: how far it lies
/// behind now, and its number as the token to go on from.
pub fn live_tail(number: &str, millis_behind: u64) -> Vec<u8> {
    let mut out = Vec::new();
    document::live_tail(&mut out, number, millis_behind);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

impl Plan {
    /// The number that KVS gave the fragment.
    fn number(&self, fragment: &PlannedFragment) -> String {
        let noise = mix(self.call.seed, fragment.counter ^ 0x4e01_5e00_0000_0000);
        let server_millis = fragment.server_millis.max(0).unsigned_abs();
        number::fragment_number(fragment.counter, server_millis, noise)
    }

    fn segment_uid(&self, session: u64) -> [u8; 16] {
        let half = |salt| u128::from(mix(self.call.seed, (session << 1 | salt) ^ 0x5e61_0000));
        (half(0) << 64 | half(1)).to_be_bytes()
    }
}

/// Two numbers to one that looks like neither (the finaliser of splitmix64).
fn mix(seed: u64, salt: u64) -> u64 {
    let mut mixed = seed.wrapping_add(salt.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
