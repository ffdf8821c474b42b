//! Streams as folders, with what KVS knows of each fragment: number, times, size.
//!
//! A document that carries no number is named by `FILE.numbers.json` beside `FILE.mkv`:
//! an array of the numbers that the media lacks, in its order, as `callreel synth` writes
//! it. Without that file it is not listed, and answers for any number between its
//! neighbours', so that a contact record's stop number reaches it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::lock::lock;
use crate::media::demux::{Demuxer, Document};
use crate::media::fragment::{ContactTag, Fragment, FragmentNumber};
use crate::media::ticks::SAMPLE_RATE;

/// How much of a file is read at a time.
const READ_BYTES: usize = 256 << 10;
/// The file that says how many hours a stream keeps its media.
const RETENTION: &str = "retention_hours";

/// One document of a stream.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub number: FragmentNumber,
    /// Its number is known, not made up.
    pub numbered: bool,
    /// Epoch milliseconds on the server's and on the producer's clock.
    pub server: i64,
    pub producer: i64,
    /// How long its audio lasts.
    pub millis: i64,
    /// The contact that it names, when it is one.
    pub contact: Option<Box<str>>,
    pub file: Arc<Path>,
    pub offset: u64,
    pub length: u64,
}

/// A stream's documents, in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub name: String,
    pub stored: Vec<Stored>,
    /// What the file `retention_hours` says.
    pub retention_hours: Option<u32>,
}

impl Stream {
    /// When it was made, in epoch milliseconds: when its first fragment came.
    pub(super) fn created(&self) -> i64 {
        self.stored
            .iter()
            .map(|stored| stored.server)
            .min()
            .unwrap_or(0)
    }

    /// As it was when the server's clock stood there: without the fragments that had not come whole.
    pub(super) fn at(&self, server: i64) -> Self {
        let came = |stored: &&Stored| stored.server + stored.millis <= server;
        Self {
            name: self.name.clone(),
            stored: self.stored.iter().filter(came).cloned().collect(),
            retention_hours: self.retention_hours,
        }
    }

    /// The document that answers for a number.
    pub(super) fn find(&self, number: FragmentNumber) -> Option<&Stored> {
        let behind = self
            .stored
            .partition_point(|stored| stored.number <= number);
        let stored = self.stored[..behind].last()?;
        (stored.number == number || !stored.numbered).then_some(stored)
    }
}

/// What a file was when it was read.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// A folder of streams; each is read through when it is first asked for, and again when
/// its files have changed.
#[derive(Debug)]
pub(super) struct Streams {
    folder: PathBuf,
    read: Mutex<HashMap<String, (Stamp, Arc<Stream>)>>,
}

impl Streams {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            read: Mutex::default(),
        }
    }

    /// The names of all streams.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| is_name(name)).collect();
        names.sort();
        names
    }

    /// The stream of a name; `None` when there is no such folder. Blocks while it reads.
    pub(super) fn open(&self, name: &str) -> io::Result<Option<Arc<Stream>>> {
        if !is_name(name) {
            return Ok(None);
        }
        let folder = self.folder.join(name);
        let stamp = match stamp(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            stamp => stamp?,
        };
        if let Some((known, stream)) = lock(&self.read).get(name)
            && *known == stamp
        {
            return Ok(Some(Arc::clone(stream)));
        }
        let mut stored = Vec::new();
        for (path, ..) in stamp.iter().filter(|(path, ..)| has_extension(path, "mkv")) {
            read_file(path, &mut stored)?;
        }
        stored.sort_by_key(|stored| stored.number);
        stored.dedup_by_key(|stored| stored.number);
        let name = name.to_owned();
        let stream = Arc::new(Stream {
            name: name.clone(),
            stored,
            retention_hours: fs::read_to_string(folder.join(RETENTION))
                .ok()
                .and_then(|hours| hours.trim().parse().ok()),
        });
        lock(&self.read).insert(name, (stamp, Arc::clone(&stream)));
        Ok(Some(stream))
    }
}

/// The name's characters that KVS allows, so that no name leads out of the folder.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(allowed)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn stamp(folder: &Path) -> io::Result<Stamp> {
    let mut stamp = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let says = has_extension(&path, "json") || path.ends_with(RETENTION);
        if has_extension(&path, "mkv") || says {
            let facts = fs::metadata(&path)?;
            stamp.push((path, facts.len(), facts.modified().ok()));
        }
    }
    stamp.sort();
    Ok(stamp)
}

fn read_file(path: &Path, stored: &mut Vec<Stored>) -> io::Result<()> {
    let mut unnumbered = numbers_beside(path)?.into_iter();
    let first = stored.len();
    let shared: Arc<Path> = path.into();
    let mut take = |document: Document| {
        let fragment = match document {
            Document::Fragment(fragment) => fragment,
            Document::Error(error) => Fragment {
                number: error.number,
                offset: error.offset,
                ..Fragment::default()
            },
            Document::Stray(_) => return,
        };
        let before = stored[first..].last();
        let number = fragment.number.or_else(|| unnumbered.next());
        let named = number.unwrap_or_else(|| {
            before.map_or(FragmentNumber::ZERO, |before| before.number.successor())
        });
        let after =
            |clock: fn(&Stored) -> i64| before.map_or(0, |before| clock(before) + before.millis);
        let server = fragment.server_time.map(|time| time.0);
        let producer = fragment.producer_time.map(|time| time.0);
        stored.push(Stored {
            number: named,
            numbered: number.is_some(),
            server: server
                .or_else(|| server_time_in(number?))
                .unwrap_or_else(|| after(|before| before.server)),
            producer: producer
                .or_else(|| fragment.cluster_time.map(|time| time.to_millis_floor()))
                .unwrap_or_else(|| after(|before| before.producer)),
            millis: millis_of(&fragment),
            contact: match &fragment.contact {
                ContactTag::One(contact) => Some(contact.clone()),
                ContactTag::None | ContactTag::Several(_) | ContactTag::Conflicting => None,
            },
            file: Arc::clone(&shared),
            offset: fragment.offset,
            length: 0,
        });
    };
    let mut media = File::open(path)?;
    let mut demuxer = Demuxer::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut end = 0;
    loop {
        let count = media.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        end += count as u64;
        demuxer.push(&buffer[..count]);
        std::iter::from_fn(|| demuxer.next_document()).for_each(&mut take);
    }
    demuxer.finish().for_each(&mut take);
    // Each reaches to the next; what is damaged between them goes with the one before.
    for stored in stored[first..].iter_mut().rev() {
        stored.length = end - stored.offset;
        end = stored.offset;
    }
    Ok(())
}

fn numbers_beside(path: &Path) -> io::Result<Vec<FragmentNumber>> {
    let path = path.with_extension("numbers.json");
    let json = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        json => json?,
    };
    let told = |error: &dyn std::fmt::Display| {
        let text = format!(
            "{}: {error}; an array of fragment numbers is needed",
            path.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, text)
    };
    let numbers: Vec<String> = serde_json::from_slice(&json).map_err(|error| told(&error))?;
    let numbers = numbers.iter().map(|number| number.parse());
    numbers
        .collect::<Result<_, _>>()
        .map_err(|error| told(&error))
}

/// The server's time in a number that KVS made, for documents that do not tell it. `None` when it is no time of KVS's life so far.
fn server_time_in(number: FragmentNumber) -> Option<i64> {
    const KVS_BEGAN_MILLIS: i64 = 1_500_000_000_000;
    let millis = number.hinted_server_time()?.0;
    (KVS_BEGAN_MILLIS..2 * KVS_BEGAN_MILLIS)
        .contains(&millis)
        .then_some(millis)
}

fn millis_of(fragment: &Fragment) -> i64 {
    let Some(start) = fragment.start() else {
        return 0;
    };
    let ends = fragment.blocks.iter().map(|block| {
        let samples = i64::try_from(block.samples()).unwrap_or(0);
        block.start.samples_since(start) + samples
    });
    ends.max().unwrap_or(0) * 1_000 / i64::from(SAMPLE_RATE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::SynthCall;

    #[test]
    fn numbers_tell_the_servers_time() {
        #[track_caller]
        fn check(number: &str, millis: Option<i64>) {
            assert_eq!(server_time_in(number.parse().unwrap()), millis);
        }
        check(
            "91343852333181432392682062674355612161981134188",
            Some(1_759_999_999_157),
        );
        check(
            "91343852333181437433573902644424099144548815532",
            Some(1_760_000_027_445),
        );
        check("7", None);
        check("0", None);
    }

    #[test]
    fn names_stay_in_the_folder() {
        for name in ["", ".", "..", "../x", "a/b", "ä"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_name("demo-connect-contact.6f_1c"));
    }

    #[test]
    fn documents_tile_the_file_and_know_their_numbers() {
        for numbers_beside in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let call = SynthCall {
                millis: 6_000,
                reuse: true,
                untagged_tail: true,
                lose: vec![2],
                ..SynthCall::default()
            };
            let path = folder.path().join("s");
            fs::create_dir(&path).unwrap();
            let mut media = Vec::new();
            call.write_stream(&mut media, |_| ()).unwrap();
            fs::write(path.join("s.mkv"), &media).unwrap();
            if numbers_beside {
                let numbers = serde_json::to_vec(&call.unnumbered()).unwrap();
                fs::write(path.join("s.numbers.json"), numbers).unwrap();
            }
            let streams = Streams::new(folder.path().to_owned());
            let stream = streams.open("s").unwrap().unwrap();
            let fragments: Vec<_> = call.fragments().collect();
            assert_eq!(stream.stored.len(), fragments.len());
            for fragment in &fragments {
                let stored = stream.find(fragment.number.parse().unwrap()).unwrap();
                let from = stored.offset as usize;
                assert_eq!(media[from..][..stored.length as usize], fragment.document);
                if stored.numbered {
                    assert_eq!(stored.server, fragment.server_millis);
                }
            }
            let unnumbered = stream.stored.iter().filter(|stored| !stored.numbered);
            assert_eq!(unnumbered.count(), if numbers_beside { 0 } else { 3 });
        }
    }
}
