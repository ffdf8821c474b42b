//! Whether what belongs together agrees: code, docs, template, flows, example events.

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
#[path = "../common/examples/mod.rs"]
mod examples;

#[cfg(feature = "cli")]
mod events;
mod flows;
mod template;
mod tidy;
