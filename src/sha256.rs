//! SHA-256, by the fastest implementation that a build links anyway: `aws-lc` where TLS to
//! AWS is in it, `sha2` elsewhere. Without SHA instructions, which many of Lambda's x86
//! processors lack, it is the dearest of all that is done to a byte: each is hashed once.

mod resumable;

pub use resumable::Resumable;

/// A hash that grows.
#[derive(Clone)]
pub struct Sha256(by::Context);

/// How bytes are hashed: at the best speed ([`Sha256`]), or so that it can be gone on with
/// elsewhere ([`Resumable`]).
pub trait Hashing {
    /// The hash of nothing.
    fn new() -> Self;

    /// Takes the next bytes.
    fn update(&mut self, bytes: &[u8]);

    /// The hash of all that was taken.
    fn finish(self) -> [u8; 32];
}

impl Sha256 {
    /// The hash of nothing.
    pub fn new() -> Self {
        Self(by::new())
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        by::update(&mut self.0, bytes);
    }

    /// The hash of all that was taken.
    pub fn finish(self) -> [u8; 32] {
        by::finish(self.0)
    }
}

impl Hashing for Sha256 {
    fn new() -> Self {
        Self::new()
    }

    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }

    fn finish(self) -> [u8; 32] {
        self.finish()
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sha256(..)")
    }
}

/// The hash of bytes at hand.
pub fn of(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(bytes);
    hash.finish()
}

#[cfg(feature = "aws")]
mod by {
    pub(super) use aws_lc_rs::digest::Context;
    use aws_lc_rs::digest::SHA256;

    pub(super) fn new() -> Context {
        Context::new(&SHA256)
    }

    pub(super) fn update(context: &mut Context, bytes: &[u8]) {
        context.update(bytes);
    }

    pub(super) fn finish(context: Context) -> [u8; 32] {
        let mut hash = [0; 32];
        // Both are of 32 bytes: SHA-256 has no other length.
        for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        hash
    }
}

#[cfg(not(feature = "aws"))]
mod by {
    use sha2::Digest;
    pub(super) use sha2::Sha256 as Context;

    pub(super) fn new() -> Context {
        Context::new()
    }

    pub(super) fn update(context: &mut Context, bytes: &[u8]) {
        context.update(bytes);
    }

    pub(super) fn finish(context: Context) -> [u8; 32] {
        context.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest;

    /// `sha2` is the reference, whatever the build links.
    #[test]
    fn hashes_are_those_of_sha2() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for (length, piece) in [(0, 1), (1, 1), (55, 7), (64, 64), (65, 3), (1_000, 129)] {
            let bytes = &bytes[..length];
            let mut hash = Sha256::new();
            bytes.chunks(piece).for_each(|piece| hash.update(piece));
            let reference: [u8; 32] = sha2::Sha256::digest(bytes).into();
            assert_eq!((hash.finish(), of(bytes)), (reference, reference));
        }
    }
}
