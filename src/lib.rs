//! Callreel (map to come)
pub mod attribution;
pub mod demux;
pub mod fragment;
pub mod key;
pub mod levels;
pub mod ticks;
pub mod timeline;
pub mod wav;
