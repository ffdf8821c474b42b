//! The recorder without AWS and without its binaries: the core on whole calls, the shell
//! over folders and over memory.

#[cfg(feature = "cli")]
#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "cli")]
mod again;
#[cfg(feature = "cli")]
mod answering;
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
mod shelves;
#[cfg(feature = "cli")]
mod voicemail;
#[cfg(feature = "cli")]
mod watched;
