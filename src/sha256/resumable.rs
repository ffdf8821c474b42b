//! SHA-256 that can be laid down and taken up again, by another process too: what it knows so far
//! is a plain value. For files that are too long to be hashed within one request.

use serde::{Deserialize, Serialize};
use sha2::block_api::compress256;

use super::Hashing;

/// Bytes of a block.
const BLOCK: usize = 64;
/// The bytes at the end of the last block that say how long all of it was.
const LENGTH: usize = 8;
/// What the words are before the first block (FIPS 180-4, 5.3.3).
const BEGINNING: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A hash that grows, and is a value at any time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Laid", into = "Laid")]
pub struct Resumable {
    words: [u32; 8],
    bytes: u64,
    /// The beginning of a block whose rest did not come yet.
    begun: Vec<u8>,
}

/// A hash as it is laid down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Laid {
    words: [u32; 8],
    bytes: u64,
    begun: Vec<u8>,
}

impl Resumable {
    /// How many bytes it took.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Hashing for Resumable {
    fn new() -> Self {
        Self {
            words: BEGINNING,
            bytes: 0,
            begun: Vec::with_capacity(BLOCK),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.wrapping_add(bytes.len() as u64);
        let lacking = match self.begun.len() {
            0 => 0,
            begun => BLOCK - begun,
        };
        let (first, rest) = bytes.split_at(bytes.len().min(lacking));
        self.begun.extend_from_slice(first);
        if self.begun.len() == BLOCK {
            compress256(&mut self.words, self.begun.as_chunks().0);
            self.begun.clear();
        }
        let (blocks, rest) = rest.as_chunks();
        compress256(&mut self.words, blocks);
        self.begun.extend_from_slice(rest);
    }

    fn finish(mut self) -> [u8; 32] {
        // A one, zeros up to the end of a block less eight bytes, and the length in bits.
        let mut end = self.begun;
        end.push(0x80);
        let whole = (end.len() + LENGTH).next_multiple_of(BLOCK);
        end.resize(whole - LENGTH, 0);
        end.extend_from_slice(&self.bytes.wrapping_mul(8).to_be_bytes());
        compress256(&mut self.words, end.as_chunks().0);
        let mut hash = [0; 32];
        for (to, word) in hash.as_chunks_mut().0.iter_mut().zip(self.words) {
            *to = word.to_be_bytes();
        }
        hash
    }
}

impl TryFrom<Laid> for Resumable {
    type Error = &'static str;

    fn try_from(laid: Laid) -> Result<Self, &'static str> {
        let begun = laid.begun.len() as u64;
        if begun != laid.bytes % (BLOCK as u64) || laid.bytes > u64::MAX / 8 {
            return Err("these are no bytes of a hash that was begun");
        }
        Ok(Self {
            words: laid.words,
            bytes: laid.bytes,
            begun: laid.begun,
        })
    }
}

impl From<Resumable> for Laid {
    fn from(hash: Resumable) -> Self {
        Self {
            words: hash.words,
            bytes: hash.bytes,
            begun: hash.begun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sha256;

    fn laid(hash: &Resumable) -> Resumable {
        serde_json::from_slice(&serde_json::to_vec(hash).unwrap()).unwrap()
    }

    #[test]
    fn it_goes_on_from_wherever_it_was_laid_down() {
        let bytes: Vec<u8> = (0..=250).cycle().take(300).collect();
        for length in 0..=bytes.len() {
            let all = &bytes[..length];
            for piece in [1, 7, 55, 63, 64, 65, 128, 129, 300] {
                let mut hash = Resumable::new();
                for piece in all.chunks(piece) {
                    hash.update(piece);
                    hash = laid(&hash);
                }
                assert_eq!(hash.bytes(), length as u64);
                assert_eq!(hash.finish(), sha256::of(all), "{length} by {piece}");
            }
        }
    }

    #[test]
    fn what_no_hash_was_laid_down_as_is_refused() {
        let mut hash = Resumable::new();
        hash.update(b"abc");
        let sound = serde_json::to_value(&hash).unwrap();
        assert!(serde_json::from_value::<Resumable>(sound.clone()).is_ok());
        for (field, value) in [
            ("bytes", serde_json::json!(2)),
            ("bytes", serde_json::json!(u64::MAX - 60)),
            ("begun", serde_json::json!(vec![0; 67])),
            ("words", serde_json::json!([1, 2])),
            ("more", serde_json::json!(1)),
        ] {
            let mut forged = sound.clone();
            forged[field] = value;
            assert!(
                serde_json::from_value::<Resumable>(forged).is_err(),
                "{field}"
            );
        }
    }
}
