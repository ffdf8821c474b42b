//! What a file is that is not what was asked for, told by its first bytes: for messages,
//! and for nothing that is decided.

/// A kind of file that people have at hand beside media and events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    name: &'static str,
    packed: bool,
}

impl Kind {
    /// What it is called, with its article.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The thing that was asked for may lie in it.
    pub const fn is_packed(self) -> bool {
        self.packed
    }
}

/// First bytes, as the formats' own descriptions have them.
const KINDS: &[(&[u8], &str, bool)] = &[
    (b"\x1f\x8b", "a gzip file", true),
    (b"PK\x03\x04", "a zip file", true),
    (b"\x28\xb5\x2f\xfd", "a zstd file", true),
    (b"BZh", "a bzip2 file", true),
    (b"\xfd7zXZ\0", "an xz file", true),
    (b"\x1a\x45\xdf\xa3", "a Matroska file", false),
    (b"RIFF", "a RIFF file such as WAV", false),
    (b"fLaC", "a FLAC file", false),
    (b"OggS", "an Ogg file", false),
    (b"ID3", "an MP3 file", false),
    (b"{", "JSON", false),
    (b"<", "XML or HTML", false),
];
/// Where MP4 and its kin have their type.
const MP4: (usize, &[u8]) = (4, b"ftyp");

/// What bytes begin as, if it is a kind that is known here.
pub fn begins_as(bytes: &[u8]) -> Option<Kind> {
    let is_mp4 = bytes
        .get(MP4.0..)
        .is_some_and(|rest| rest.starts_with(MP4.1));
    let mp4 = is_mp4.then_some(("an MP4 file", false));
    let known = KINDS.iter().find(|(first, ..)| bytes.starts_with(first));
    let known = known.map(|(_, name, packed)| (*name, *packed));
    known.or(mp4).map(|(name, packed)| Kind { name, packed })
}

/// The name of what media begins as that is no Matroska: a document can begin later than
/// its file does, so this is for files that held no fragment.
pub(super) fn instead_of_matroska(bytes: &[u8]) -> String {
    match begins_as(bytes).map(Kind::name) {
        Some("a Matroska file") => "holds no fragment".to_owned(),
        Some(name) => format!("is no Matroska file, but {name}"),
        None => "is no Matroska file".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        #[track_caller]
        fn check(bytes: &[u8], said: &str) {
            assert_eq!(instead_of_matroska(bytes), said);
        }
        check(b"\x1f\x8b\x08\0", "is no Matroska file, but a gzip file");
        check(
            b"\0\0\0\x20ftypisom",
            "is no Matroska file, but an MP4 file",
        );
        check(
            b"RIFF\x24\0\0\0WAVE",
            "is no Matroska file, but a RIFF file such as WAV",
        );
        check(b"\x07random", "is no Matroska file");
        check(b"", "is no Matroska file");
        check(b"\x1a\x45\xdf\xa3", "holds no fragment");
    }
}
