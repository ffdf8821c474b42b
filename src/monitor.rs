//! The live monitor: calls in progress, seen and heard while they last. All of it is pure:
//! what happens comes in as values, with its time, and what people see goes out.

pub mod calls;
pub mod feed;
pub mod happening;
pub mod names;
pub mod session;
pub mod snapshot;
