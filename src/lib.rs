//! Callreel (map to come)
pub mod assembly;
pub mod attributes;
pub mod attribution;
pub mod batch;
pub mod contact;
pub mod demux;
pub mod failure;
pub mod fragment;
pub mod key;
pub mod levels;
pub mod plan;
pub mod request;
pub mod ticks;
pub mod timeline;
pub mod wav;
