//! The live monitor: calls in progress, seen and heard while they last. All of it is pure:
//! what happens comes in as values, with its time, and what people see goes out.

pub mod demo;
pub mod happening;
pub mod panel;
