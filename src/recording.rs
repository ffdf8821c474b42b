//! One recording, as values: what is to be made of a contact record, under which names, and
//! what became of it. Nothing here looks at the world.

pub mod attributes;
pub mod decide;
pub mod key;
pub mod parties;
pub mod plan;
pub mod redrive;
pub mod seal;
pub mod verdict;
