//! The archive, as values: a day's verdicts as rows of an index ([`day`]), which of them
//! somebody looks for ([`search`]), and who may see which ([`rules`], [`viewer`]); who is logged
//! in ([`session`], [`token`], [`way_back`], [`secure`]), and who listened ([`heard`]). Nothing here looks at
//! the world.

pub mod csv;
pub mod day;
pub mod heard;
pub mod rules;
pub mod search;
pub mod secure;
pub mod session;
pub mod token;
pub mod viewer;
pub mod way_back;

/// What the address of a recording's page has between where the pages are and the key of its
/// verdict.
pub const CALL: &str = "call?recording=";
