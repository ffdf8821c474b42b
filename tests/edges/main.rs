//! What speaks with AWS, over the wire: the AWS edges, the built function and the commands of
//! operators against the sandbox or a stand-in, and the sandbox itself. All of it in one
//! binary, since each that there is links AWS's SDK.

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
