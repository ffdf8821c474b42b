//! Callreel (map to come)
pub mod demux;
pub mod fragment;
pub mod ticks;
