//! How fast a call goes from MKV bytes to three WAV files, and what each step of it costs:
//! all in memory, on one core.
//!
//! `cargo bench --bench pipeline` prints the table, and one line of ratios behind it;
//! `cargo bench --bench pipeline -- ratios` the line alone. The candidates of the line run
//! in turn, round after round, and the best of each counts: other work on the machine
//! makes a time longer and never shorter.
#![allow(missing_docs, reason = "nobody links a bench")]

use std::hint::black_box;
use std::io::{self, Seek, SeekFrom, Write};
use std::mem;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use callreel::media::assembly::Assembly;
use callreel::media::attribution::{Attribution, Claim};
use callreel::media::demux::{Demuxer, Document};
use callreel::media::fragment::{Direction, Fragment, FragmentRange};
use callreel::media::levels::LevelMeter;
use callreel::media::sides::Authorisation;
use callreel::media::ticks::SAMPLE_RATE;
use callreel::media::timeline::FRAMES_AT_ONCE;
use callreel::media::wav::{self, Output};
use callreel::sha256::Sha256;
use callreel::synth::SynthCall;
use divan::Bencher;
use divan::counter::BytesCount;

/// A call of 36 minutes is 68 MiB of MKV: more than a core's caches hold.
const CALL_MILLIS: u64 = 36 * 60_000;
/// What a network or a file gives at once.
const CHUNK_BYTES: usize = 64 << 10;
/// How many samples the single steps are measured over: the first two minutes.
const STEP_SAMPLES: usize = 240 * FRAMES_AT_ONCE;
/// How often each candidate of the ratios runs.
const ROUNDS: usize = 40;

static CALL: LazyLock<SynthCall> = LazyLock::new(|| SynthCall {
    millis: CALL_MILLIS,
    ..SynthCall::default()
});

static MKV: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut mkv = Vec::new();
    CALL.write_stream(&mut mkv, |_| {}).unwrap();
    mkv
});

static SAMPLES: LazyLock<[Vec<i16>; 2]> = LazyLock::new(|| {
    let start = SynthCall {
        millis: STEP_SAMPLES as u64 / u64::from(SAMPLE_RATE / 1_000),
        ..CALL.clone()
    };
    Direction::BOTH.map(|direction| start.expected(direction))
});

fn main() {
    divan::main();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (flags, filters): (Vec<_>, Vec<_>) =
        (arguments.iter().map(String::as_str)).partition(|word| word.starts_with("--"));
    // Without --bench this is a test run, in which nothing is measured.
    if flags.contains(&"--bench") && (filters.is_empty() || filters.contains(&"ratios")) {
        print_ratios();
    }
}

fn print_ratios() {
    let mkv = &MKV[..];
    let mut best = [Duration::MAX; 6];
    let mut copy = vec![0; mkv.len()];
    for _ in 0..ROUNDS {
        let mut time = |index: usize, step: &mut dyn FnMut() -> u64| {
            let start = Instant::now();
            black_box(step());
            best[index] = best[index].min(start.elapsed());
        };
        time(0, &mut || memcpy(mkv, &mut copy));
        time(1, &mut || walk(mkv, skip));
        time(2, &mut || walk(mkv, touch));
        time(3, &mut || demux(mkv, drop));
        time(4, &mut || pipeline::<Null>(mkv));
        time(5, &mut || pipeline::<Hashed>(mkv));
    }
    let [memcpy, id_walk, byte_walk, demux, pipeline, hashed] = best.map(|time| time.as_secs_f64());
    println!(
        "time, best of {ROUNDS} in turn: pipeline : memcpy {:.1}, pipeline : id walk {:.1}, \
         pipeline : byte walk {:.1}, pipeline : demux {:.2}; pipeline {:.0} MiB/s of MKV; \
         hashes add {:.0} %",
        pipeline / memcpy,
        pipeline / id_walk,
        pipeline / byte_walk,
        pipeline / demux,
        mkv.len() as f64 / pipeline / f64::from(1 << 20),
        (hashed / pipeline - 1.0) * 100.0,
    );
}

#[divan::bench(name = "memcpy")]
fn bench_memcpy(bencher: Bencher) {
    let mut copy = vec![0; MKV.len()];
    over_mkv(bencher).bench_local(|| memcpy(&MKV, &mut copy));
}

#[divan::bench]
fn id_walk(bencher: Bencher) {
    over_mkv(bencher).bench_local(|| walk(&MKV, skip));
}

#[divan::bench]
fn byte_walk(bencher: Bencher) {
    over_mkv(bencher).bench_local(|| walk(&MKV, touch));
}

#[divan::bench(name = "demux")]
fn bench_demux(bencher: Bencher) {
    over_mkv(bencher).bench_local(|| demux(&MKV, drop));
}

#[divan::bench(name = "pipeline")]
fn bench_pipeline(bencher: Bencher) {
    over_mkv(bencher).bench_local(|| pipeline::<Null>(&MKV));
}

#[divan::bench]
fn pipeline_and_hashes(bencher: Bencher) {
    over_mkv(bencher).bench_local(|| pipeline::<Hashed>(&MKV));
}

/// The steps behind the demuxer, each by itself: bytes are those of the samples.
mod steps {
    use super::*;

    #[divan::bench]
    fn levels(bencher: Bencher) {
        let samples = &SAMPLES[0];
        over_samples(bencher, 1).bench_local(|| {
            let mut meter = LevelMeter::default();
            samples
                .chunks(FRAMES_AT_ONCE)
                .for_each(|samples| meter.push(samples));
            meter.finish()
        });
    }

    #[divan::bench]
    fn encode_mono(bencher: Bencher) {
        let mut out = Vec::new();
        over_samples(bencher, 1).bench_local(|| {
            for samples in SAMPLES[0].chunks(FRAMES_AT_ONCE) {
                out.clear();
                wav::encode_mono(black_box(samples), &mut out);
                black_box(&out);
            }
        });
    }

    #[divan::bench]
    fn encode_stereo(bencher: Bencher) {
        let [from, to] = &*SAMPLES;
        let mut out = Vec::new();
        over_samples(bencher, 2).bench_local(|| {
            for (from, to) in from.chunks(FRAMES_AT_ONCE).zip(to.chunks(FRAMES_AT_ONCE)) {
                out.clear();
                wav::encode_stereo(black_box(from), black_box(to), &mut out);
                black_box(&out);
            }
        });
    }

    /// `hound` a sample at a time, as its examples do.
    #[divan::bench]
    fn hound_write_sample(bencher: Bencher) {
        let [from, to] = &*SAMPLES;
        over_samples(bencher, 2).bench_local(|| {
            let mut writer = hound::WavWriter::new(Null::default(), hound_spec()).unwrap();
            for (from, to) in from.iter().zip(to) {
                writer.write_sample(*from).unwrap();
                writer.write_sample(*to).unwrap();
            }
            writer.finalize().unwrap();
        });
    }

    /// `hound`'s writer for many 16-bit samples.
    #[divan::bench]
    fn hound_i16_writer(bencher: Bencher) {
        let [from, to] = &*SAMPLES;
        over_samples(bencher, 2).bench_local(|| {
            let mut writer = hound::WavWriter::new(Null::default(), hound_spec()).unwrap();
            for (from, to) in from.chunks(FRAMES_AT_ONCE).zip(to.chunks(FRAMES_AT_ONCE)) {
                let mut frames = writer.get_i16_writer(2 * from.len() as u32);
                for (from, to) in from.iter().zip(to) {
                    frames.write_sample(*from);
                    frames.write_sample(*to);
                }
                frames.flush().unwrap();
            }
            writer.finalize().unwrap();
        });
    }

    fn hound_spec() -> hound::WavSpec {
        hound::WavSpec {
            channels: 2,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        }
    }

    fn over_samples<'a, 'b>(bencher: Bencher<'a, 'b>, channels: usize) -> Bencher<'a, 'b> {
        bencher.counter(BytesCount::new(2 * channels * STEP_SAMPLES))
    }
}

fn over_mkv<'a, 'b>(bencher: Bencher<'a, 'b>) -> Bencher<'a, 'b> {
    bencher.counter(BytesCount::new(MKV.len()))
}

fn memcpy(mkv: &[u8], copy: &mut [u8]) -> u64 {
    black_box(copy).copy_from_slice(black_box(mkv));
    mkv.len() as u64
}

/// The whole way: one call's MKV to three files of kind `F`. Gives their length.
fn pipeline<F: Sink>(mkv: &[u8]) -> u64 {
    let outputs = Authorisation::Both.outputs();
    let mut files: Vec<F> = outputs.iter().map(|_| F::default()).collect();
    for (file, output) in files.iter_mut().zip(outputs) {
        let header = wav::header(output.channels(), 0).unwrap();
        file.write_all(&header).unwrap();
    }
    let mut attribution = Attribution::new(Claim {
        range: FragmentRange::default(),
        contacts: vec![CALL.contact.as_str().into()],
    });
    let mut assembly = Assembly::new(Authorisation::Both);
    demux(mkv, |fragment| {
        attribution.push(fragment);
        while let Some(own) = attribution.next_own() {
            assembly.push(own);
            while assembly.encode() {
                drain(&mut assembly, &mut files);
            }
        }
    });
    assembly.finish();
    while assembly.encode() {
        drain(&mut assembly, &mut files);
    }
    drain(&mut assembly, &mut files);
    let samples = assembly.into_report().timeline.samples;
    assert_eq!(samples, CALL_MILLIS * u64::from(SAMPLE_RATE / 1_000));
    let mut bytes = 0;
    for (file, output) in files.iter_mut().zip(outputs) {
        bytes += file.stream_position().unwrap();
        file.rewind().unwrap();
        let header = wav::header(output.channels(), samples).unwrap();
        file.write_all(&header).unwrap();
    }
    black_box(files);
    bytes
}

/// Takes the buffers away, as the recorder does.
fn drain(assembly: &mut Assembly, files: &mut [impl Sink]) {
    let [from, to] = assembly.buffers().each_mut().map(mem::take);
    let mixed = wav::in_turn(&from, &to);
    for ((file, output), bytes) in files.iter_mut().zip(Output::ALL).zip([from, to, mixed]) {
        file.note(output, &bytes);
        file.write_all(&bytes).unwrap();
    }
}

/// Bytes to fragments, nothing more.
fn demux(mkv: &[u8], mut take: impl FnMut(Fragment)) -> u64 {
    let mut demuxer = Demuxer::new();
    let mut fragments = 0;
    let mut take = |document| {
        let Document::Fragment(fragment) = document else {
            unreachable!("a plain call holds fragments only");
        };
        fragments += 1;
        take(fragment);
    };
    for chunk in mkv.chunks(CHUNK_BYTES) {
        demuxer.push(chunk);
        while let Some(document) = demuxer.next_document() {
            take(document);
        }
    }
    demuxer.finish().for_each(take);
    fragments
}

/// Reads every id and size, and nothing but them, as the least that any demuxer does.
/// `payload` is given what each element holds that holds no others.
fn walk(mkv: &[u8], payload: impl Fn(&[u8]) -> u64) -> u64 {
    /// EBML, Segment, Info, Tracks, TrackEntry, Cluster, Tags, Tag, SimpleTag.
    const MASTERS: [u32; 9] = [
        0x1a45_dfa3,
        0x1853_8067,
        0x1549_a966,
        0x1654_ae6b,
        0xae,
        0x1f43_b675,
        0x1254_c367,
        0x7373,
        0x67c8,
    ];
    let mut sum = 0_u64;
    let mut rest = black_box(mkv);
    while let Some(first) = rest.first() {
        let (id, behind) = rest.split_at(first.leading_zeros() as usize + 1);
        let id = number(id) as u32;
        let (field, behind) = behind.split_at(behind[0].leading_zeros() as usize + 1);
        let size = number(field) & !(1 << (7 * field.len()));
        sum = sum.wrapping_add(size);
        rest = behind;
        if !MASTERS.contains(&id) {
            let (data, behind) = rest.split_at(size as usize);
            sum = sum.wrapping_add(payload(data));
            rest = behind;
        }
    }
    sum
}

fn number(bytes: &[u8]) -> u64 {
    let join = |number, byte: &u8| number << 8 | u64::from(*byte);
    bytes.iter().fold(0, join)
}

fn skip(_payload: &[u8]) -> u64 {
    0
}

fn touch(payload: &[u8]) -> u64 {
    let (words, tail) = payload.as_chunks::<8>();
    let sum = |sum: u64, word: &[u8; 8]| sum.wrapping_add(u64::from_le_bytes(*word));
    words.iter().fold(number(tail), sum)
}

/// Where a file goes.
trait Sink: Write + Seek + Default {
    /// Is told the samples of a file before they are written.
    fn note(&mut self, _output: Output, _samples: &[u8]) {}
}

/// A file that keeps no byte.
#[derive(Default)]
struct Null {
    position: u64,
}

impl Sink for Null {}

impl Write for Null {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.position += black_box(bytes).len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Null {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) | SeekFrom::End(by) => self.position.saturating_add_signed(by),
        };
        Ok(self.position)
    }
}

/// A file of which only the hash is kept, as the recorder hashes: each side's samples.
#[derive(Default)]
struct Hashed {
    file: Null,
    hash: Sha256,
}

impl Sink for Hashed {
    fn note(&mut self, output: Output, samples: &[u8]) {
        if output.channels() == 1 {
            self.hash.update(samples);
        }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Hashed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for Hashed {
    fn drop(&mut self) {
        black_box(mem::take(&mut self.hash).finish());
    }
}
