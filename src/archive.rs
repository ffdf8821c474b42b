//! The archive, as values: a day's verdicts as rows of an index ([`day`]), which of them
//! somebody looks for ([`search`]), and who may see which ([`viewer`]). Nothing here looks at
//! the world.

pub mod csv;
pub mod day;
pub mod search;
pub mod viewer;
