//! The files of watched calls in a folder. Both of a call grow as `.part`, each locked by the
//! monitor that writes it, and get their names when they are whole. The operating system gives
//! a lock back however a process ends: a part that nobody holds was left by one that was killed,
//! and [`repair`] makes it the file that it would have become.
//!
//! No file is ever replaced: where a name is taken, both files of the call get the next one.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Tried, io_failure, parts, write_failure};
use crate::failure::{Failure, FailureKind};
use crate::media::fragment::Direction;
use crate::media::wav::{HEADER_BYTES, MAX_DATA_BYTES, header};
use crate::monitor::names::{MAX_TRIED, PART, file, whole_name};
use crate::port::{Tape, Taped, Tapes};

/// Watched calls' files in one folder.
#[derive(Clone, Debug)]
pub struct FolderTapes {
    folder: PathBuf,
}

impl FolderTapes {
    /// Files in this folder, which is made when the first call is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Makes files of the parts that a killed monitor left here. Those that are being written stay
    /// as they are.
    pub fn repair(&self) -> Repaired {
        let mut repaired = Repaired::default();
        // What cannot be listed holds nothing that could be repaired; writing will say so.
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return repaired;
        };
        let mut parts: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        parts.sort();
        for part in parts {
            let name = part.file_name().and_then(|name| name.to_str());
            let Some(name) = name.and_then(whole_name) else {
                continue;
            };
            match repair(&self.folder, &part, name) {
                Ok(Some(taped)) => repaired.files.push(taped),
                Ok(None) => {}
                Err(failure) => repaired.failures.push(failure),
            }
        }
        repaired
    }
}

/// What became of the parts that were found.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Those that are files now.
    pub files: Vec<Taped>,
    /// Those that could not be made files.
    pub failures: Vec<Failure>,
}

impl Tapes for FolderTapes {
    type Tape = FolderTape;

    fn begin(&self, stem: &str) -> Result<FolderTape, Failure> {
        fs::create_dir_all(&self.folder).map_err(write_failure(&self.folder))?;
        for tried in 1..=MAX_TRIED {
            let place = |direction| self.folder.join(file(stem, tried, direction));
            let [from, to] = Direction::BOTH.map(place);
            let Some(from) = Side::begin(from)? else {
                continue;
            };
            match Side::begin(to) {
                Ok(Some(to)) => return Ok(FolderTape { sides: [from, to] }),
                other => {
                    from.abandon();
                    other?;
                }
            }
        }
        let cause = format!("{MAX_TRIED} calls of this name are there already");
        Err(Failure::new(FailureKind::WriteBlocked, stem, cause))
    }
}

/// Both files of one call.
#[derive(Debug)]
pub struct FolderTape {
    sides: [Side; 2],
}

impl Tape for FolderTape {
    fn write(&mut self, direction: Direction, pcm: &[u8]) -> Result<(), Failure> {
        self.sides[direction.index()].write(pcm)
    }

    fn finish(self) -> Result<Vec<Taped>, Failure> {
        // Each is finished, whatever becomes of the other.
        let [from, to] = self.sides.map(Side::finish);
        Ok(vec![from?, to?])
    }
}

/// One growing file.
#[derive(Debug)]
struct Side {
    file: File,
    part: PathBuf,
    place: PathBuf,
    /// Bytes of samples.
    bytes: u64,
}

impl Side {
    /// `None` when the name is taken.
    fn begin(place: PathBuf) -> Result<Option<Self>, Failure> {
        let mut part = place.clone().into_os_string();
        part.push(PART);
        let part = PathBuf::from(part);
        if place.exists() {
            return Ok(None);
        }
        let begun = parts::begin(&part);
        let Some(mut file) = begun.map_err(|error| io_failure(Tried::Writing, &part, &error))?
        else {
            return Ok(None);
        };
        if place.exists() {
            // Another monitor's part has become it meanwhile; the next start repairs this one.
            return Ok(None);
        }
        let head = wav_header(&place, 0)?;
        file.write_all(&head).map_err(write_failure(&part))?;
        Ok(Some(Self {
            file,
            part,
            place,
            bytes: 0,
        }))
    }

    fn write(&mut self, pcm: &[u8]) -> Result<(), Failure> {
        let bytes = self.bytes.saturating_add(pcm.len() as u64);
        if bytes > MAX_DATA_BYTES {
            let cause = "a WAV file can hold no more";
            let place = self.place.display();
            return Err(Failure::new(FailureKind::TooLong, place, cause));
        }
        self.file
            .write_all(pcm)
            .map_err(write_failure(&self.place))?;
        self.bytes = bytes;
        Ok(())
    }

    fn finish(mut self) -> Result<Taped, Failure> {
        let samples = close(&mut self.file, &self.place, self.bytes)?;
        let place = keep(&self.part, &self.place)?;
        Ok(Taped {
            place: place.display().to_string(),
            samples,
        })
    }

    /// Nothing is in it, and nothing will be.
    fn abandon(self) {
        // Nobody is left to be told; it is a file of no samples at the next start.
        let _ = fs::remove_file(&self.part);
    }
}

/// Cuts half a sample off and writes the header. The samples that there are.
fn close(file: &mut File, place: &Path, bytes: u64) -> Result<u64, Failure> {
    let samples = bytes.min(MAX_DATA_BYTES) / 2;
    let head = wav_header(place, samples)?;
    let mut closed = || {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&head)?;
        file.set_len(HEADER_BYTES as u64 + samples * 2)
    };
    closed().map_err(write_failure(place))?;
    Ok(samples)
}

/// Gives a part its name, or the next that is free.
fn keep(part: &Path, place: &Path) -> Result<PathBuf, Failure> {
    for tried in 1..=MAX_TRIED {
        let free = other_name(place, tried);
        match fs::hard_link(part, &free) {
            Ok(()) => {
                fs::remove_file(part).map_err(write_failure(part))?;
                return Ok(free);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Not every file system has links.
            Err(_) if !free.exists() => {
                fs::rename(part, &free).map_err(write_failure(&free))?;
                return Ok(free);
            }
            Err(_) => {}
        }
    }
    let cause = format!("{MAX_TRIED} files of this name are there already");
    Err(Failure::new(
        FailureKind::WriteBlocked,
        place.display(),
        cause,
    ))
}

/// The name with `_2`, `_3` … before its side, where it is not the first.
fn other_name(place: &Path, tried: u32) -> PathBuf {
    let name = place.file_name().and_then(|name| name.to_str());
    let side_of = |name: &'_ str| {
        Direction::BOTH.into_iter().find_map(|direction| {
            let stem = name.strip_suffix(&file("", 1, direction))?;
            Some(file(stem, tried, direction))
        })
    };
    match name.and_then(side_of) {
        Some(other) if tried > 1 => place.with_file_name(other),
        _ => place.to_owned(),
    }
}

fn repair(folder: &Path, part: &Path, name: &str) -> Result<Option<Taped>, Failure> {
    let failed = write_failure(part);
    let Some(mut file) = parts::left(part).map_err(&failed)? else {
        return Ok(None);
    };
    let length = file.metadata().map_err(&failed)?.len();
    let bytes = length.saturating_sub(HEADER_BYTES as u64);
    let samples = close(&mut file, part, bytes)?;
    let place = keep(part, &folder.join(name))?;
    Ok(Some(Taped {
        place: place.display().to_string(),
        samples,
    }))
}

fn wav_header(place: &Path, samples: u64) -> Result<[u8; HEADER_BYTES], Failure> {
    header(1, samples).map_err(|error| Failure::new(FailureKind::TooLong, place.display(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEM: &str = "2025-01-31-14-06-40-123";

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn samples(path: &Path) -> Vec<i16> {
        let mut reader = hound_free_reader(path);
        reader.drain(..HEADER_BYTES);
        let (pairs, rest) = reader.as_chunks::<2>();
        assert!(rest.is_empty());
        pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect()
    }

    /// The file's bytes, when its header says what is true of it.
    fn hound_free_reader(path: &Path) -> Vec<u8> {
        let bytes = fs::read(path).unwrap();
        let count = (bytes.len() - HEADER_BYTES) as u64 / 2;
        assert_eq!(bytes[..HEADER_BYTES], header(1, count).unwrap());
        bytes
    }

    #[test]
    fn both_files_grow_as_parts_and_get_their_names_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("made/by/it");
        let mut tape = FolderTapes::new(&deep).begin(STEM).unwrap();
        // Samples may be cut anywhere; half of one is left out at the end.
        tape.write(Direction::FromCustomer, &[1, 0, 2]).unwrap();
        tape.write(Direction::FromCustomer, &[0, 3, 0, 9]).unwrap();
        let growing = [format!("{STEM}-cu.wav.part"), format!("{STEM}-op.wav.part")];
        assert_eq!(names(&deep), growing);
        let taped = tape.finish().unwrap();
        assert_eq!([taped[0].samples, taped[1].samples], [3, 0]);
        assert_eq!(
            names(&deep),
            [format!("{STEM}-cu.wav"), format!("{STEM}-op.wav")]
        );
        assert_eq!(samples(Path::new(&taped[0].place)), [1, 2, 3]);
        // The other side is there, without a sample.
        assert_eq!(fs::metadata(&taped[1].place).unwrap().len(), 44);
    }

    #[test]
    fn no_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let tapes = FolderTapes::new(folder.path());
        let one = tapes.begin(STEM).unwrap();
        let two = tapes.begin(STEM).unwrap();
        one.finish().unwrap();
        // Somebody puts a file where the second one's goes.
        fs::write(folder.path().join(format!("{STEM}_2-op.wav")), b"mine").unwrap();
        let taped = two.finish().unwrap();
        assert!(taped[0].place.ends_with("_2-cu.wav"), "{taped:?}");
        assert!(taped[1].place.ends_with("_3-op.wav") || taped[1].place.ends_with("_2_2-op.wav"));
        let mine = fs::read(folder.path().join(format!("{STEM}_2-op.wav"))).unwrap();
        assert_eq!(mine, b"mine");
        let three = tapes.begin(STEM).unwrap().finish().unwrap();
        assert!(three[0].place.ends_with("_3-cu.wav"), "{three:?}");
        assert_eq!(names(folder.path()).len(), 7);
    }

    #[test]
    fn what_a_killed_monitor_left_is_repaired_and_what_is_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let tapes = FolderTapes::new(folder.path());
        let mut left = tapes.begin(STEM).unwrap();
        left.write(Direction::FromCustomer, &[7, 0, 8, 0, 9])
            .unwrap();
        // The process is gone, and with it its locks.
        drop(left);
        let mut live = tapes.begin("live").unwrap();
        live.write(Direction::ToCustomer, &[1, 0]).unwrap();
        fs::write(folder.path().join("short-cu.wav.part"), b"RIFF").unwrap();
        fs::write(folder.path().join("film.mp4.part"), b"film").unwrap();
        let repaired = tapes.repair();
        assert!(repaired.failures.is_empty(), "{repaired:?}");
        let counts: Vec<_> = repaired.files.iter().map(|file| file.samples).collect();
        assert_eq!(counts, [2, 0, 0]);
        assert_eq!(
            samples(&folder.path().join(format!("{STEM}-cu.wav"))),
            [7, 8]
        );
        live.write(Direction::ToCustomer, &[2, 0]).unwrap();
        assert_eq!(live.finish().unwrap()[1].samples, 2);
        assert!(folder.path().join("film.mp4.part").exists());
        assert!(tapes.repair().files.is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let failure = FolderTapes::new(file.join("calls"))
            .begin(STEM)
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::WriteBlocked);
        assert!(failure.subject.contains("file"), "{failure}");
    }
}
