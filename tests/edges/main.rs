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
mod listened;
mod load;
mod login;
#[cfg(feature = "operate")]
mod monitor;
mod redrive;
mod sandbox;

use std::path::Path;

use callreel::synth::SynthCall;

/// Puts a call's media into the folder of its stream, with the numbers of the fragments that
/// carry none.
fn put_stream(folder: impl AsRef<Path>, call: &SynthCall) {
    let folder = folder.as_ref();
    std::fs::create_dir_all(folder).unwrap();
    let mut media = Vec::new();
    call.write_stream(&mut media, |_| ()).unwrap();
    std::fs::write(folder.join("s.mkv"), media).unwrap();
    let numbers = serde_json::to_vec(&call.unnumbered()).unwrap();
    std::fs::write(folder.join("s.numbers.json"), numbers).unwrap();
}
