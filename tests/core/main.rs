//! The recorder without AWS and without its binaries: the core on whole calls, the shell
//! over folders and over memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(
    unreachable_pub,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a test knows its numbers, and tells what it measured"
)]

#[cfg(feature = "cli")]
#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "cli")]
mod again;
#[cfg(feature = "cli")]
mod commit;
#[cfg(feature = "cli")]
mod conservation;
#[cfg(feature = "cli")]
mod contract;
mod fixtures;
mod fuzz_corpus;
#[cfg(feature = "cli")]
mod later;
#[cfg(feature = "cli")]
mod outages;
#[cfg(feature = "cli")]
mod panics;
#[cfg(feature = "cli")]
mod recorder;
