//! What the Kinesis Producer Library packs records in, part by part, so that whoever makes
//! one can make a broken one, too. [`aggregated`](crate::event::aggregated) tells the format and
//! reads it.

use md5::{Digest, Md5};

use crate::event::aggregated::MAGIC;

/// A field of a message: its tag, its length in base 128, its bytes.
pub fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![tag];
    let mut length = bytes.len();
    loop {
        let [low, ..] = length.to_le_bytes();
        length >>= 7;
        if length == 0 {
            field.push(low & 0x7f);
            break;
        }
        field.push(low | 0x80);
    }
    field.extend(bytes);
    field
}

/// A message behind the magic and before its checksum.
pub fn sealed(message: &[u8]) -> Vec<u8> {
    [&MAGIC[..], message, Md5::digest(message).as_slice()].concat()
}
