//! Callreel (map to come)
pub mod attributes;
pub mod attribution;
pub mod contact;
pub mod demux;
pub mod fragment;
pub mod key;
pub mod levels;
pub mod plan;
pub mod ticks;
pub mod timeline;
pub mod wav;
