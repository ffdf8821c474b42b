//! Web pages, by axum: what all of them stand on ([`assets`], [`guard`], [`serve`]), and the
//! pages themselves. On loopback they are served by [`serve`]; a function hands the same
//! guarded [`axum::Router`] to its runtime.
//!
//! Refused here, for every page: foreign hosts (a name that somebody else made to point here),
//! requests that another site's page sends, and anything that a page would load from elsewhere.

pub mod archive;
pub mod assets;
#[cfg(feature = "aws")]
pub mod behind;
pub mod guard;
#[cfg(feature = "aws")]
pub mod login;
pub mod monitor;
pub mod serve;

/// Pages that can be served.
pub type Pages = axum::Router;
