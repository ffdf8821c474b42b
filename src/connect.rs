//! What Amazon Connect says, parsed tolerantly; nothing is decided here.

pub mod arn;
pub mod contact_event;
pub mod flow_call;
pub mod record;
