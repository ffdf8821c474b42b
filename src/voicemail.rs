//! The answering machine, as values: what is noted of a call while it runs, what is made of
//! the note when the call is over, under which names, and what becomes of notes that nobody
//! came for. Nothing here looks at the world.

pub mod announce;
pub mod arrival;
pub mod decide;
pub mod note;
pub mod reconcile;
pub mod target;
