//! What the recorder needs of the world, in its own words: fragments of a stream, a place
//! for recordings, and the attributes of contacts. The local edge and the AWS edge answer
//! the same contract, which `tests/common/contract.rs` checks on both. Edges decide nothing.
//!
//! The futures are `Send`, so that any runtime can drive them, and none is named here.

mod call;
mod live;
pub mod voicemail;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

pub use call::{
    Announcements, Clock, ContactDescription, ContactDescriptions, LiveMedia, NoAnnouncements,
    NoAttributes,
};
pub use live::{Heard, LiveBody, LiveClock, LiveSource, NoTapes, Tape, Taped, Tapes};

use crate::failure::Failure;
use crate::failure::parked::Parked;
use crate::media::fragment::{FragmentNumber, FragmentRange};
use crate::media::peaks;
use crate::media::ticks::EpochMillis;
use crate::media::wav::{self, HEADER_BYTES};
use crate::recording::plan::Times;

/// What a recording is made between.
#[derive(Debug)]
pub struct Ports<S, R, N> {
    /// Where fragments come from.
    pub source: S,
    /// Where recordings go.
    pub store: R,
    /// The contacts' attributes, where URLs go.
    pub attributes: N,
}

/// Where a recording's fragments lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whereabouts<'a> {
    /// The stream's ARN, as the contact record names it.
    pub stream: &'a str,
    /// The numbers that the record names.
    pub range: FragmentRange,
    /// When the record says that the recording started and stopped, in whole seconds:
    /// the stop fragment can lie behind it.
    pub times: Times,
}

/// What a source lists of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The numbers of the fragments in the range, in any order, some perhaps twice.
    pub numbers: Vec<FragmentNumber>,
    /// It is proven incomplete: it lacks what the record names, however often it was asked
    /// for. What else it lacks nobody can tell, and all of it may be listed later.
    pub incomplete: bool,
}

/// A Kinesis video stream's fragments, or what stands in for them.
pub trait FragmentSource: Sync {
    /// The body of an answer, in chunks of any size.
    type Body: MediaBody;

    /// Which fragments there are in the range. What the record names and a listing lacks is
    /// asked for all the same.
    fn list(
        &self,
        whereabouts: Whereabouts<'_>,
    ) -> impl Future<Output = Result<Listing, Failure>> + Send;

    /// Asks for fragments of a stream. Those that cannot be given are answered by error
    /// documents or not at all; that is no failure.
    fn fetch(
        &self,
        stream: &str,
        numbers: &[FragmentNumber],
    ) -> impl Future<Output = Result<Self::Body, Failure>> + Send;

    /// Waits as long as is wise before asking for the `attempt`th time (from 2) for what
    /// did not come. False when asking again is no use.
    fn wait_to_ask_again(&self, attempt: u32) -> impl Future<Output = bool> + Send;

    /// How long a stream keeps a fragment; `None` when it keeps all, or nobody can say.
    fn kept_for(&self, stream: &str) -> impl Future<Output = Option<Duration>> + Send;
}

/// An answer's body.
pub trait MediaBody: Send {
    /// The next chunk; `None` at the end.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Failure>> + Send;
}

/// A store of small objects under keys: verdicts and marks, and whatever else is kept beside
/// recordings.
pub trait Objects: Sync {
    /// The object under a key, whole; `None` when there is none.
    fn read(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Failure>> + Send;

    /// Stores an object whole, if what is under the key is as expected. False when it is not:
    /// nothing is changed then. Where an answer gets lost and the write is tried again, it can
    /// meet itself and say false: whoever must know reads.
    fn put(
        &self,
        key: &str,
        object: Vec<u8>,
        expect: Expect<'_>,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;

    /// All objects whose keys start with this, in the order of their keys.
    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<Listed>, Failure>> + Send;
}

/// What must be under a key for a write to take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Nothing.
    Nothing,
    /// An object of exactly these bytes.
    Exactly(&'a [u8]),
}

impl<'a> Expect<'a> {
    /// What was read before is still there.
    pub fn unchanged(before: Option<&'a [u8]>) -> Self {
        before.map_or(Self::Nothing, Self::Exactly)
    }
}

/// Where recordings go: objects, and files that grow.
pub trait Recordings: Objects {
    /// One file on its way.
    type Upload: Upload;

    /// Starts a file. Nothing can be seen under the key before it is finished.
    fn begin(
        &self,
        file: NewFile<'_>,
    ) -> impl Future<Output = Result<Self::Upload, Failure>> + Send;

    /// Whether the file under a key is still the one that was stored, and not another
    /// delivery's of other bytes.
    fn is_there(
        &self,
        key: &str,
        stored: &Stored,
    ) -> impl Future<Output = Result<bool, Failure>> + Send;
}

impl<R: Objects> Objects for &R {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        R::read(self, key).await
    }

    async fn put(&self, key: &str, object: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        R::put(self, key, object, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        R::list(self, prefix).await
    }
}

impl<R: Recordings> Recordings for &R {
    type Upload = R::Upload;

    async fn begin(&self, file: NewFile<'_>) -> Result<R::Upload, Failure> {
        R::begin(self, file).await
    }

    async fn is_there(&self, key: &str, stored: &Stored) -> Result<bool, Failure> {
        R::is_there(self, key, stored).await
    }
}

/// A file to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFile<'a> {
    /// Its key; how the key ends says what it is.
    pub key: &'a str,
    /// The contact that it is of.
    pub contact: &'a str,
    /// Tags of its own, by name and value, as they are to be read back.
    pub tags: &'a [(String, String)],
    /// How many bytes are kept free at its start for what is known only at its end.
    pub head_bytes: usize,
}

impl<'a> NewFile<'a> {
    /// A WAV file, whose header is its head.
    pub const fn wav(key: &'a str, contact: &'a str) -> Self {
        Self {
            key,
            contact,
            tags: &[],
            head_bytes: HEADER_BYTES,
        }
    }

    /// What a waveform is drawn from, whose header is its head.
    pub const fn peaks(key: &'a str, contact: &'a str) -> Self {
        Self {
            key,
            contact,
            tags: &[],
            head_bytes: peaks::HEADER_BYTES,
        }
    }
}

/// An object that a listing names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was last written.
    pub modified: Option<EpochMillis>,
}

/// A store whose files are read from their start to their end: an operator's.
pub trait Opening: Objects {
    /// The bytes of a file, in chunks.
    type Body: MediaBody;

    /// Begins to read the file under a key; `None` when there is none.
    fn open(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<Opened<Self::Body>>, Failure>> + Send;
}

/// A file that is being read.
#[derive(Debug)]
pub struct Opened<B> {
    /// Its size, as the store says.
    pub bytes: u64,
    /// Which version of it that is, as [`Seen::version`] names it.
    pub version: String,
    /// What is in it.
    pub body: B,
}

/// A store that people look into: folder by folder, and into its files at any place.
pub trait Browsing: Opening {
    /// What lies in a folder itself, in the order of the keys. The folder is empty, or ends in
    /// a slash; one that is not there holds nothing.
    fn look_into(&self, folder: &str) -> impl Future<Output = Result<Inside, Failure>> + Send;

    /// What there is under a key, without reading it; `None` when there is nothing.
    fn look_at(&self, key: &str) -> impl Future<Output = Result<Option<Seen>, Failure>> + Send;

    /// Begins to read so many bytes of a file, from a place in it on; `None` when there is none.
    fn open_part(
        &self,
        key: &str,
        from: u64,
        bytes: u64,
    ) -> impl Future<Output = Result<Option<Self::Body>, Failure>> + Send;
}

/// What lies in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// The folders in it, each with a slash at its end.
    pub folders: Vec<String>,
    /// The files in it.
    pub files: Vec<Listed>,
}

/// What a store says of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub modified: Option<EpochMillis>,
    /// Changes when the file does.
    pub version: String,
    /// What keeps it from being read now.
    pub archived: Option<Archived>,
}

/// A file that must be restored before it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The storage class or tier that it lies in, as the store names it.
    pub class: String,
    /// Somebody asked for it already: it comes back in some hours.
    pub comes_back: bool,
}

/// A store from which things can be deleted for good: an operator's, never the function's.
pub trait Erasing: Objects {
    /// All that is stored under keys that start with this: every version, what marks a
    /// deletion, and what was begun and not finished.
    fn list_all(&self, prefix: &str)
    -> impl Future<Output = Result<Vec<Erasable>, Failure>> + Send;

    /// Deletes one of them. What is gone already is no failure.
    fn erase(&self, object: &Erasable) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Something that can be deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Erasable {
    /// Its key.
    pub key: String,
    /// Which of those under the key.
    pub which: Which,
}

/// Which of the things under one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The only one: the store keeps no versions.
    Only,
    /// This version.
    Version(String),
    /// This version, which says that the object was deleted.
    DeleteMarker(String),
    /// This upload, which was not finished.
    Upload(String),
}

/// One file on its way to the store. Dropped unfinished, it leaves nothing behind
/// under its key.
pub trait Upload: Send {
    /// Takes the next bytes behind the head.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Takes the next samples of two sides, of two bytes each, as many of both: they come behind
    /// the head in turn. A store that keeps what it takes can share these bytes with the files
    /// of the sides.
    fn write_in_turn(
        &mut self,
        sides: [Bytes; 2],
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        self.write(wav::in_turn(&sides[0], &sides[1]).into())
    }

    /// Ends the file, now that its head is known: as long as was kept free for it, or it
    /// fails.
    fn finish(self, head: Bytes) -> impl Future<Output = Result<Stored, Failure>> + Send;

    /// Gives the file up.
    fn abort(self) -> impl Future<Output = ()> + Send;
}

/// A file in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its size, head included.
    pub bytes: u64,
    /// The store's own mark of this very object, for [`Recordings::is_there`].
    pub version: String,
}

/// Where records wait that a person or time must help on.
pub trait ParkingLot: Sync {
    /// Keeps a record; false when there is no place to keep it.
    fn park(&self, parked: &Parked) -> impl Future<Output = Result<bool, Failure>> + Send;
}

/// When work must stop, to be handed back rather than cut off.
pub trait Deadline: Sync {
    /// Resolves when media must no longer be worked on.
    fn passed(&self) -> impl Future<Output = ()> + Send;

    /// Resolves some time later, when even what is left to tell of it must stop.
    fn over(&self) -> impl Future<Output = ()> + Send;

    /// What time it is: a record is young or old by it.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Work may take as long as it takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDeadline;

impl Deadline for NoDeadline {
    async fn passed(&self) {
        std::future::pending().await
    }

    async fn over(&self) {
        std::future::pending().await
    }
}

/// The attributes of contacts. All legs of a call share those of its first one, and whoever
/// adds to a value reads it before: what another one writes between the two is lost. So as
/// little as can be lies between them, and the loser looks again.
pub trait ContactAttributes: Sync {
    /// Leave to write once.
    type Turn: Send;
    /// Whether an attribute that [`read`](Self::read) does not give is not set. A notebook
    /// that holds what was noted alone cannot tell, and the contact record's word stands.
    const TELLS_ALL: bool;

    /// The attributes of a contact; a contact without any has none.
    fn read(
        &self,
        instance: Option<&str>,
        contact: &str,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, Failure>> + Send;

    /// Waits until it is one's turn to write. Taken before the read that a write rests on,
    /// so that nothing waits between the two.
    fn turn(&self) -> impl Future<Output = Self::Turn> + Send;

    /// Sets attributes of a contact and leaves its others alone. Values are not empty. It is
    /// tried once: what was read before is too old for a second try.
    fn write(
        &self,
        turn: Self::Turn,
        instance: Option<&str>,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Waits until what others were writing stands there, before looking for the `look`th
    /// time (from 2). False when looking again is no use, since nobody else writes.
    fn wait_to_look_again(&self, look: u32) -> impl Future<Output = bool> + Send;
}
