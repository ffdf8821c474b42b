//! CRC-64/NVME: the checksum that S3 keeps of every object as a whole, however it came. Each
//! part is run through it once; that of a file is put together from those of its parts. S3
//! computes its own of what arrived and refuses what differs (Amazon S3 User Guide, "Checking
//! object integrity"). It proves that nothing was damaged on the way, and which of two
//! deliveries' files is under a key. It is no proof against who wants to deceive.

use aws_smithy_types::base64;
use crc_fast::CrcAlgorithm::Crc64Nvme;
use crc_fast::Digest;

/// The checksum of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checksum {
    crc: u64,
    bytes: u64,
}

impl Checksum {
    /// That of bytes at hand.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            crc: crc_fast::checksum(Crc64Nvme, bytes),
            bytes: bytes.len() as u64,
        }
    }

    /// That of bytes that come in chunks.
    pub(super) fn of_chunks(chunks: impl Iterator<Item = impl AsRef<[u8]>>) -> Self {
        let (mut digest, mut bytes) = (Digest::new(Crc64Nvme), 0);
        for chunk in chunks {
            digest.update(chunk.as_ref());
            bytes += chunk.as_ref().len() as u64;
        }
        let crc = digest.finalize();
        Self { crc, bytes }
    }

    /// That of these bytes and, behind them, others.
    pub(super) fn followed_by(self, next: Self) -> Self {
        Self {
            crc: crc_fast::checksum_combine(Crc64Nvme, self.crc, next.crc, next.bytes),
            bytes: self.bytes + next.bytes,
        }
    }

    /// How many bytes it is of.
    pub(super) fn bytes(self) -> u64 {
        self.bytes
    }

    /// Whether S3 tells this one. What is no CRC-64 at all says nothing: some that stand in for
    /// S3 tell another sum under its name.
    pub(super) fn is_told(self, text: &str) -> Option<bool> {
        Some(self.crc == crc_of(text)?)
    }

    /// The one that was sent as this text, of so many bytes.
    pub(super) fn sent(text: &str, bytes: u64) -> Option<Self> {
        let crc = crc_of(text)?;
        Some(Self { crc, bytes })
    }

    /// As S3 writes it: its eight bytes, the highest first, in base64.
    pub(super) fn to_base64(self) -> String {
        base64::encode(self.crc.to_be_bytes())
    }
}

fn crc_of(text: &str) -> Option<u64> {
    let bytes: [u8; 8] = base64::decode(text).ok()?.try_into().ok()?;
    Some(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_the_one_of_the_catalogue() {
        // CRC-64/NVME of the catalogue of parametrised CRCs: check 0xae8b14860a799888.
        let checksum = Checksum::of(b"123456789");
        assert_eq!(checksum.crc, 0xae8b_1486_0a79_9888);
        assert_eq!(checksum.to_base64(), "rosUhgp5mIg=");
        for (text, is_told) in [
            ("rosUhgp5mIg=", Some(true)),
            ("AAAAAAAAAAA=", Some(false)),
            // A CRC-32, one of parts, and nothing.
            ("y/Q5Jg==", None),
            ("rosUhgp5mIg=-2", None),
            ("", None),
        ] {
            assert_eq!(checksum.is_told(text), is_told, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parts_make_up_the_whole(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let checksums = parts.iter().map(|part| Checksum::of(part));
            let whole = checksums.fold(Checksum::of(b""), Checksum::followed_by);
            prop_assert_eq!(whole, Checksum::of(&parts.concat()));
            prop_assert_eq!(whole, Checksum::of_chunks(parts.iter()));
        }
    }
}
