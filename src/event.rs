//! What Lambda hands over: a batch's records, and which of them go back.

pub mod aggregated;
pub mod batch;
