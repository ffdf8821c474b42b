//! What Amazon Connect says, parsed tolerantly; nothing is decided here.

pub mod record;
