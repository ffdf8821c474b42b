//! Whether what belongs together agrees: code, docs, template, flows, example events.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[cfg(feature = "cli")]
#[path = "../common/examples/mod.rs"]
mod examples;

#[cfg(feature = "cli")]
mod events;
mod flows;
mod template;
mod tidy;
