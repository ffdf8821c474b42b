//! The archive, as values: who may see which recording ([`rules`], [`viewer`]), who is logged in
//! ([`session`], [`token`], [`way_back`]) and who listened ([`heard`]). Nothing here looks at
//! the world.

pub mod heard;
pub mod rules;
pub mod session;
pub mod token;
pub mod way_back;
