//! The live monitor: calls in progress, seen and heard while they last. All of it is pure:
//! what happens comes in as values, with its time, and what people see goes out.

mod back_off;
pub mod calls;
pub mod demo;
pub mod feed;
pub mod happening;
pub mod names;
pub mod panel;
pub mod session;
pub mod snapshot;
