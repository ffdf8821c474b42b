//! Callreel records Amazon Connect calls that stream to Kinesis Video Streams (KVS): it
//! reads a call's fragments, rebuilds what the customer said and what the customer heard
//! on one clock, writes WAV files, and leaves a verdict on each recording.
//!
//! # The way of the data
//!
//! ```text
//! event ── contact record ── plan ── fragment list ── media ── demux ── timeline ── WAV ── files + verdict ── attributes
//! batch    contact           plan    port             port     demux    timeline    wav    port               port
//! ```
//!
//! One direction, no back and forth: each step takes the value of the step before it and
//! knows nothing of the step after it. [`recorder`] reads like this line.
//!
//! # Where things are, in reading order
//!
//! **The core** is synchronous and pure: no clock, environment, log or I/O of its own.
//!
//! | module | from | to |
//! | --- | --- | --- |
//! | [`ticks`] | clocks, one type each | |
//! | [`json`] | bytes that should be JSON | text that a strict reader takes |
//! | [`batch`] | a Kinesis or SQS event | records, and the ids to hand back |
//! | [`aggregated`] | a record that a producer packed | the records in it |
//! | [`contact`] | a record's data | [`ContactRecord`](contact::ContactRecord)s |
//! | [`attributes`] | attribute values | whose URL stands there, and one more added |
//! | [`key`] | a recording | object keys and URLs; the same recording, the same key |
//! | [`plan`] | contact record and policy | [`Decision`](plan::Decision)s: record, or skip and why |
//! | [`fragment`] | the words between demux and timeline | |
//! | [`demux`] | bytes in any chunking | fragments, error documents, damage |
//! | [`request`] | numbers asked, documents that came | fragments in order, and what is missing |
//! | [`attribution`] | fragments of anybody | this recording's own |
//! | [`timeline`] | own fragments | samples of both directions on one grid, and a report |
//! | [`levels`] | samples | peak, RMS, silence, clipping |
//! | [`wav`] | samples | mono and stereo WAV |
//! | [`assembly`] | own fragments | the bytes of all files, in bounded buffers |
//! | [`verdict`] | all that was found | the JSON beside the files |
//! | [`failure`] | what broke | what to do about it: retry or park |
//! | [`parked`] | a record that only a person can help on | the message that it waits in |
//! | [`redrive`] | recordings found anywhere | what is to be made again, most urgent first |
//! | [`permissions`] | what the recorder's role must be allowed | |
//! | [`doctor`] | what is known of a deployment | what is wrong with it, and the cure |
//! | [`synth`] | a few settings | Connect-shaped streams to try and test everything with |
//!
//! **The shell** is asynchronous and knows neither a runtime nor AWS: [`port`], the
//! traits of the world in the recorder's words, and [`recorder`], one recording from plan
//! to attributes; [`function`], an invocation's batch side by side; [`redrive_run`], what was
//! found to be made again, in the order of work; [`forget`], one contact's recordings deleted
//! for good; and [`config`], the environment parsed once.
//!
//! **The edges** decide nothing and know no other edge: [`local`], the ports over folders,
//! and `aws` (behind the feature of that name), the ports over KVS, S3 and Connect.
//! `sandbox`, behind a feature of that name, answers on loopback what Callreel asks of AWS.
//! The command line, behind the feature `cli`, and `lambda`, the function's process, put
//! edges and shell together.
//!
//! # Invariants
//!
//! 1. A fragment reaches the timeline only when its number lies in the recording's range
//!    and its contact is the call's ([`attribution`]).
//! 2. In every file of a recording, sample *n* is the same instant, and all have the same
//!    length; each direction's audio and silence sum up to it ([`timeline`]).
//! 3. Memory is bounded by named limits, whatever the call's length and whatever a size
//!    field claims ([`demux`], [`timeline`], [`assembly`]).
//! 4. What was asked for and did not come, what came and was refused, what was damaged or
//!    cut: each is counted in the [`verdict`]. `complete` means that nothing was.
//! 5. Files come before the verdict, the verdict before the attributes ([`recorder`]).
//! 6. A recording is known by its start. What was made is replaced only by a reading that
//!    lacks nothing of it ([`verdict`]), whoever reads it again, and when.
//! 7. No input panics; damaged media is data, and errors are the input's or the world's.
//!
//! `tests/tidy.rs` keeps the layering: the core imports neither shell nor edge, and each
//! outside crate has the users that its module names.
//!
//! # Glossary
//!
//! - **contact record** (CTR): what Connect writes about a contact when it ended.
//! - **leg**: one contact of a call that was transferred; all legs share attributes.
//! - **recording**: one entry of a contact record's `Recordings`: a range of fragments.
//! - **fragment**: about a second of media, one EBML document, with a number of 47 digits.
//! - **cluster, block**: Matroska's: a fragment's audio, and 64 ms of one track in it.
//! - **direction**: from the customer (what they say) or to the customer (what they hear).
//! - **upload session**: what one SegmentUID wrote; a call can have several.
//! - **run**: audio without a gap.
//! - **verdict**: what became of a recording.
//! - **handed back, parked, left out**: what the function does with a record that is not done:
//!   it is delivered again, waits in the parking queue, or stays in the data stream unread.
//!   Lambda **gives up** a record that is too old, and **drops** it where nothing takes it.
//! - **recorder**: the module [`recorder`], which makes one recording; the Lambda binary of
//!   that name; and `Recorder`, the function in the template that the binary is run as.
//!   [`function`] is one invocation's batch, `lambda` the process around it, and
//!   `callreel record` the same from a terminal.
//! - **again**: the handler of the same binary that reads once an hour what is not complete.
//! - **operate**: the feature of everything that an operator runs: `record --aws`, `redrive`,
//!   `doctor`, and profiles that log in.
//! - **own, received, asked**: fragments that are this recording's; that came; that were asked
//!   for.

pub mod aggregated;
pub mod assembly;
pub mod attributes;
pub mod attribution;
pub mod batch;
pub mod contact;
pub mod demux;
pub mod doctor;
pub mod failure;
pub mod fragment;
pub mod json;
pub mod key;
pub mod levels;
pub mod parked;
pub mod permissions;
pub mod plan;
pub mod redrive;
pub mod request;
pub mod synth;
pub mod ticks;
pub mod timeline;
pub mod verdict;
pub mod wav;

pub mod config;
pub mod forget;
pub mod port;
pub mod recorder;
pub mod redrive_run;

pub mod function;

#[cfg(feature = "aws")]
pub mod lambda;

#[cfg(feature = "aws")]
pub mod aws;
pub mod local;

#[cfg(feature = "sandbox")]
pub mod sandbox;

#[cfg(feature = "cli")]
pub mod cli;
