//! The example events: how they are made, and what comes of each.

pub mod make;
pub mod table;
