//! Web pages, by axum.

#[cfg(feature = "aws")]
pub mod login;
