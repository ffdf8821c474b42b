//! Whether what belongs together agrees: code, docs, template, flows, example events.

#[cfg(feature = "cli")]
#[path = "../common/examples/mod.rs"]
mod examples;

#[cfg(feature = "cli")]
mod events;
mod flows;
mod template;
mod tidy;
