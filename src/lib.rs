//! Callreel (map to come)
pub mod fragment;
pub mod ticks;
