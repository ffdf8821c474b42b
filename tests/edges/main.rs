//! What speaks with AWS, over the wire: the AWS edges, the built function and the commands of
//! operators against the sandbox or a stand-in, and the sandbox itself. All of it in one
//! binary, since each that there is links AWS's SDK.

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

#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "no call lies in a folder here")]
mod common;
#[path = "../common/examples/mod.rs"]
mod examples;

mod aws;
mod contract;
#[cfg(feature = "operate")]
mod doctor;
mod function;
mod hostile;
mod load;
mod redrive;
mod sandbox;
