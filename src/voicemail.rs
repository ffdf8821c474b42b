//! Messages, as values. The answering machine: what is noted of a call while it runs
//! ([`note`]), what is made of the note when the call is over ([`decide`]), under which names
//! ([`target`]), and what becomes of notes that nobody came for ([`reconcile`]). Voicemail: what
//! is made of a contact that a flow flagged, and how its message becomes a task or a mail. Nothing
//! here looks at the world.

pub mod announce;
pub mod arrival;
pub mod budget;
pub mod capture;
pub mod decide;
pub mod delivery;
pub mod flagged;
pub mod guide;
pub mod ivr;
pub mod job;
pub mod link;
pub mod mail;
pub mod note;
pub mod place;
pub mod policy;
pub mod recipient;
pub mod reconcile;
pub mod stalled;
pub mod summary;
pub mod target;
pub mod task;
pub mod told;
pub mod transcript;
pub mod zone;
