//! The kernel: bytes of media in any chunking, to samples, to the bytes of WAV files. It uses
//! nothing of the rest of the house: no contact, no recording, no store.
//!
//! The way through it, in order: [`demux`] reads fragments, [`request`] orders what was asked
//! for, [`attribution`] keeps this recording's own, [`timeline`] places their samples on one
//! grid, [`assembly`] makes files of them, by [`wav`], and with [`levels`], [`sound`] and
//! [`peaks`] beside it.
//! grid, [`assembly`] makes files of them, by [`wav`] and with [`levels`] beside it. Who watches a
//! call sees its blocks as [`spectrum`]s.

pub mod assembly;
pub mod attribution;
pub mod counts;
pub mod demux;
pub mod fragment;
pub mod levels;
pub mod peaks;
pub mod request;
pub mod sides;
pub mod sound;
pub mod spectrum;
pub mod ticks;
pub mod timeline;
pub mod wav;
