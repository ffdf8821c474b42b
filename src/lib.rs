//! Callreel records Amazon Connect calls that stream to Kinesis Video Streams (KVS): it
//! reads a call's fragments, rebuilds what the customer said and what the customer heard
//! on one clock, writes WAV files, and leaves a verdict on each recording.
//!
//! # The way of the data
//!
//! ```text
//! event ── contact record ── plan ── fragment list ── media ── demux ── timeline ── WAV ── files + verdict ── attributes
//! event    connect           recording   port         port     ──────── media ────────     port               port
//! ```
//!
//! One direction, no back and forth: each step takes the value of the step before it and
//! knows nothing of the step after it. [`recorder`] follows this line: its `open` makes plans,
//! its `make` goes from list to files, and the module itself decides whether, and ends with
//! the attributes.
//!
//! # Where things are, in reading order
//!
//! **The pure part** is synchronous: no clock, environment, log or I/O of its own. Each line
//! may use those above it, as far as they are on a lower storey (`STOREYS` in
//! `tests/house/tidy/walls.rs`); [`media`] uses nothing of the house.
//!
//! | module | from | to |
//! | --- | --- | --- |
//! | [`media`] | bytes of media in any chunking | samples of both directions on one grid, and the bytes of WAV files: the kernel |
//! | [`sha256`] | bytes | their hash, by the implementation that the build links |
//! | [`json`] | bytes that should be JSON | text that a strict reader takes; [`json::object`], an object however it is spelt |
//! | [`object_key`] | ids, days and keys from outside | safe keys and URLs |
//! | [`html`] | text from outside | the same within HTML |
//! | [`failure`] | what broke | what to do about it: try again at once, later, or park; [`failure::parked`], the message that a record waits in |
//! | [`event`] | a Lambda payload | an [`Event`](event::Event) by its kind; [`event::batch`], records, and the ids to hand back; [`event::aggregated`], what a producer packed |
//! | [`connect`] | what Connect says | [`ContactRecord`](connect::record::ContactRecord)s, [`FlowCall`](connect::flow_call::FlowCall)s, [`ContactEvent`](connect::contact_event::ContactEvent)s |
//! | [`recording`] | contact record and policy | [`decide`](recording::decide): a [`plan`](recording::plan), or why not; [`key`](recording::key)s, [`attributes`](recording::attributes), the [`verdict`](recording::verdict), a day's [`seal`](recording::seal), what is to be made again ([`redrive`](recording::redrive)). A plan is all that the recorder knows; its makers are `decide`, `redrive` (from a verdict), [`extract`], [`voicemail::decide`] and [`voicemail::capture`] |
//! | [`synth`] | a few settings | Connect-shaped streams to try and test everything with |
//! | [`voicemail`] | flow call, contact event; a contact that was flagged | the answering machine: a [`note`](voicemail::note), the message to make of it ([`decide`](voicemail::decide)), notes that nobody came for ([`reconcile`](voicemail::reconcile)). Voicemail: the message to record ([`capture`](voicemail::capture)), whom it is for and how it goes there ([`policy`](voicemail::policy)), a [`task`](voicemail::task) or a [`mail`](voicemail::mail) within its limits ([`budget`](voicemail::budget)) |
//! | [`archive`] | verdicts of a day; rules, an id token's claims | rows of an index, the page of them that somebody looks for, who may see which, who is logged in, who listened |
//! | [`monitor`] | bytes and time of a live call | the live monitor: which calls there are ([`feed`](monitor::feed), [`calls`](monitor::calls)), what to ask next ([`session`](monitor::session)), what [happens](monitor::happening), file [`names`](monitor::names), what people see ([`panel`](monitor::panel)); its page is `src/web/monitor/` |
//! | [`permissions`] | | what each role, and an operator, must be allowed |
//! | [`settings`] | variables of the environment | one struct a program, parsed once |
//! | [`doctor`] | what is known of a deployment | what is wrong with it, and the cure |
//!
//! **The shell** is asynchronous and knows neither a runtime nor AWS: [`port`], the traits of
//! the world in the recorder's words; [`recorder`], one recording from plan to attributes; and the use cases over them:
//! [`batches`], an invocation's batch side by side; [`redrive_run`], what was found to be made
//! again, in the order of work; [`extract`], what media alone gives; [`forget`], one contact's
//! recordings deleted for good; [`verify`], whether files and verdicts are still what they were;
//! [`answering`], the answering machine's notes and messages; [`capture`], voicemail's recordings, both of which read
//! the media of a stream that keeps none by [`message_source`]; and
//! [`deliver`], what becomes of them; [`shelves`], the archive over a store, with an index a day; [`listened`], who
//! listened to a contact; [`watch`], one call in progress. Of them, those that work calls use
//! [`side_by_side`]: which call comes first, and how many at once. They and the edges may use
//! [`port`], [`shelves`], [`lock`], for what no holder leaves in disorder, and [`clock`], this machine's.
//!
//! **The edges** decide nothing and know no other edge: [`local`], the ports over folders,
//! `aws` (behind the feature of that name), the ports over AWS, and `web` (behind
//! its feature too), pages in a browser.
//!
//! **The tops** put edges and shell together: `cli`, the command line; `lambda`, the
//! functions' process; `wiring`, for both of them the ports over AWS out of the settings;
//! `sandbox`, which answers on loopback what Callreel asks of AWS.
//!
//! To add an event, setting, permission, metric, alarm, check, flag, command, StorageType, handler,
//! maker of plans, field of the verdict, kind of failure, value on a page or module:
//! `docs/change-it.md`.
//!
//! # Invariants
//!
//! 1. A fragment reaches the timeline only when its number lies in the recording's range
//!    and its contact is the call's ([`media::attribution`]).
//! 2. In every file of a recording, sample *n* is the same instant, and all have the same
//!    length; each direction's audio and silence sum up to it ([`media::timeline`]). Why audio
//!    stands where it does: `docs/time.md`, and for one recording its verdict's `gaps`,
//!    `overlaps`, `displaced` and `clock_breaks`.
//! 3. Memory is bounded by named limits, whatever the call's length and whatever a size
//!    field claims ([`media::demux`], [`media::timeline`], [`media::assembly`]).
//! 4. *Conservation.* For each side of a recording, every audio byte that came in a fragment
//!    of the recording's own range is in the file, or is the very same bytes that are in the
//!    file already, or is counted in the [`recording::verdict`] under a reason. `complete`
//!    means that the last count is nothing, and that nothing known contradicts the files.
//! 5. Files come before the verdict, the verdict before the attributes ([`recorder`]).
//! 6. A recording is known by its start. What was made is replaced only by a reading that
//!    lacks nothing of it ([`recording::verdict`]), whoever reads it again, and when.
//! 7. No input panics; damaged media is data, and errors are the input's or the world's.
//!
//! `tests/house/tidy/walls.rs` keeps the layering (`STOREYS`: the pure part uses neither shell
//! nor edge, and no file uses one that uses it) and the users of each outside crate (`USERS`);
//! `tests/house/tidy/closed.rs` keeps [`media`] and [`recorder`] closed: a change there has a reason.
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
//! - **note**: what is kept of a call while it runs, for its message.
//! - **message**: what a caller left on the answering machine.
//! - **verdict**: what became of a recording.
//! - **handed back, parked, left out**: what the function does with a record that is not done:
//!   it is delivered again, waits in the parking queue, or stays in the data stream unread.
//!   Lambda **gives up** a record that is too old, and **drops** it where nothing takes it.
//! - **recorder**: the module [`recorder`], which makes one recording; the Lambda binary of
//!   that name; and `Recorder`, the function in the template that the binary is run as, whose
//!   handler is `record`: functions are named by their handlers (`permissions::ROLES`).
//!   [`batches`] is one invocation's batch, `lambda` the process around it, and
//!   `callreel record` the same from a terminal.
//! - **again**: the handler of the same binary that reads once an hour what is not complete.
//! - **operate**: the feature of everything that an operator runs: `redrive`, `doctor`, the
//!   monitor of real calls, what takes `--aws` or `--bucket`, and profiles that log in. `aws` is that of all that the
//!   functions link, `cli` (a default) that of the command line on folders, `web` (the other)
//!   that of pages in a browser; without any feature there are the pure part, the shell and [`local`]. `sandbox` is that of
//!   `callreel sandbox`.
//! - **own, received, asked**: fragments that are this recording's; that came; that were asked
//!   for.

// Tests know their numbers, stop where they cannot go on, and tell what they measured.
#![cfg_attr(
    not(test),
    warn(
        unreachable_pub,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        // A number changes its type by From, try_from, or a named method that says what is lost.
        clippy::cast_lossless,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        // What a further variant means is decided at each place that knows the others.
        clippy::wildcard_enum_match_arm,
        // Output goes through a command's own writer, or the function's log.
        clippy::print_stderr,
        clippy::print_stdout,
    )
)]

pub mod archive;
pub mod connect;
pub mod doctor;
pub mod event;
pub mod failure;
pub mod html;
pub mod json;
pub mod media;
pub mod monitor;
pub mod object_key;
pub mod permissions;
pub mod recording;
pub mod sha256;
pub mod synth;
pub mod voicemail;

pub mod answering;
pub mod batches;
pub mod capture;
pub mod clock;
pub mod deliver;
pub mod extract;
pub mod forget;
pub mod listened;
pub mod lock;
pub mod message_source;
pub mod port;
pub mod recorder;
pub mod redrive_run;
pub mod settings;
pub mod shelves;
pub mod side_by_side;
pub mod verify;
pub mod watch;

#[cfg(feature = "aws")]
pub mod aws;
pub mod local;
#[cfg(feature = "web")]
pub mod web;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "aws")]
pub mod lambda;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "aws")]
pub mod wiring;
