//! The recorder's ports over others, of which each call can be seen and refused before it is
//! made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use callreel::failure::parked::Parked;
use callreel::failure::{Failure, FailureKind};
use callreel::media::fragment::FragmentNumber;
use callreel::port::{
    ContactAttributes, Expect, FragmentSource, Listed, Listing, MediaBody, NewFile, Objects,
    ParkingLot, Recordings, Stored, Upload, Whereabouts,
};

/// A call on a port, with the stream, key or contact that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'c> {
    List(&'c str),
    Fetch(&'c str, &'c [FragmentNumber]),
    KeptFor(&'c str),
    FindVerdict(&'c str),
    Begin(&'c str),
    Write(&'c str),
    Finish(&'c str),
    PutVerdict(&'c str),
    IsThere(&'c str),
    ReadNotes(&'c str),
    WriteNotes(&'c str),
    Park,
}

/// Hears of each call before it is made: a failure is its answer.
pub type Hook<'a> = Arc<dyn Fn(Call<'_>) -> Result<(), Failure> + Send + Sync + 'a>;
/// Changes what a listing says.
pub type Lists<'a> = Box<dyn Fn(Whereabouts<'_>, &mut Listing) + Send + Sync + 'a>;
/// Changes what is given of the fragments that are asked for; `Asked` says how often.
pub type Gives<'a> = Box<dyn Fn(Asked, &mut Vec<FragmentNumber>) + Send + Sync + 'a>;

/// Whether the recorder asks again for what did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    First,
    Again,
}

/// Where the bodies break off that are asked for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub after: usize,
    pub ends: Ends,
}

/// How a body ends before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// As if it were whole.
    Silently,
    /// With an error.
    Failing,
}

/// What is wrong with the ports.
pub struct Faults<'a> {
    pub at: Hook<'a>,
    pub lists: Lists<'a>,
    pub gives: Gives<'a>,
    pub cut: Option<Cut>,
    /// Asking again for what did not come is some use.
    pub asks_again: bool,
}

impl Default for Faults<'_> {
    fn default() -> Self {
        Self {
            at: Arc::new(|_| Ok(())),
            lists: Box::new(|_, _| ()),
            gives: Box::new(|_, _| ()),
            cut: None,
            asks_again: false,
        }
    }
}

impl<'a> Faults<'a> {
    /// Nothing but this.
    pub fn at(hook: impl Fn(Call<'_>) -> Result<(), Failure> + Send + Sync + 'a) -> Self {
        Self {
            at: Arc::new(hook),
            ..Self::default()
        }
    }

    /// These fragments are not given.
    pub fn not_given(numbers: Vec<FragmentNumber>) -> Self {
        Self {
            gives: Box::new(move |_, asked| asked.retain(|number| !numbers.contains(number))),
            ..Self::default()
        }
    }
}

pub struct Source<'a, S> {
    pub inner: S,
    pub faults: Faults<'a>,
    asked: Mutex<Asked>,
}

impl<'a, S> Source<'a, S> {
    pub fn new(inner: S, faults: Faults<'a>) -> Self {
        Self {
            inner,
            faults,
            asked: Mutex::new(Asked::First),
        }
    }
}

pub struct Body<B> {
    inner: B,
    cut: Option<Cut>,
}

impl<S: FragmentSource> FragmentSource for Source<'_, S> {
    type Body = Body<S::Body>;

    async fn list(&self, whereabouts: Whereabouts<'_>) -> Result<Listing, Failure> {
        (self.faults.at)(Call::List(whereabouts.stream))?;
        let mut listing = self.inner.list(whereabouts).await?;
        (self.faults.lists)(whereabouts, &mut listing);
        Ok(listing)
    }

    async fn fetch(&self, stream: &str, numbers: &[FragmentNumber]) -> Result<Self::Body, Failure> {
        (self.faults.at)(Call::Fetch(stream, numbers))?;
        let asked = *self.asked.lock().unwrap();
        let mut given = numbers.to_vec();
        (self.faults.gives)(asked, &mut given);
        Ok(Body {
            inner: self.inner.fetch(stream, &given).await?,
            cut: self.faults.cut.filter(|_| asked == Asked::First),
        })
    }

    async fn kept_for(&self, stream: &str) -> Option<Duration> {
        (self.faults.at)(Call::KeptFor(stream)).ok()?;
        self.inner.kept_for(stream).await
    }

    /// Nobody waits in a test: there is more the next time, or there is not.
    async fn wait_to_ask_again(&self, _attempt: u32) -> bool {
        *self.asked.lock().unwrap() = Asked::Again;
        self.faults.asks_again
    }
}

impl<B: MediaBody> MediaBody for Body<B> {
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        if let Some(Cut { after: 0, ends }) = self.cut {
            return match ends {
                Ends::Silently => Ok(None),
                Ends::Failing => Err(Failure::new(
                    FailureKind::ReadFailed,
                    "body",
                    "reset by peer",
                )),
            };
        }
        let Some(mut chunk) = self.inner.next_chunk().await? else {
            return Ok(None);
        };
        if let Some(cut) = &mut self.cut {
            chunk.truncate(cut.after);
            cut.after -= chunk.len();
        }
        Ok(Some(chunk))
    }
}

pub struct Store<'a, R> {
    pub inner: R,
    pub at: Hook<'a>,
}

pub struct File<'a, U> {
    inner: U,
    key: String,
    at: Hook<'a>,
}

impl<R: Recordings> Objects for Store<'_, R> {
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        (self.at)(Call::FindVerdict(key))?;
        self.inner.read(key).await
    }

    async fn put(&self, key: &str, object: Vec<u8>, expect: Expect<'_>) -> Result<bool, Failure> {
        (self.at)(Call::PutVerdict(key))?;
        self.inner.put(key, object, expect).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        self.inner.list(prefix).await
    }
}

impl<'a, R: Recordings> Recordings for Store<'a, R> {
    type Upload = File<'a, R::Upload>;

    async fn begin(&self, file: NewFile<'_>) -> Result<Self::Upload, Failure> {
        (self.at)(Call::Begin(file.key))?;
        Ok(File {
            inner: self.inner.begin(file).await?,
            key: file.key.to_owned(),
            at: self.at.clone(),
        })
    }

    async fn is_there(&self, key: &str, stored: &Stored) -> Result<bool, Failure> {
        (self.at)(Call::IsThere(key))?;
        self.inner.is_there(key, stored).await
    }
}

impl<U: Upload> Upload for File<'_, U> {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Failure> {
        (self.at)(Call::Write(&self.key))?;
        self.inner.write(bytes).await
    }

    async fn write_in_turn(&mut self, sides: [Bytes; 2]) -> Result<(), Failure> {
        (self.at)(Call::Write(&self.key))?;
        self.inner.write_in_turn(sides).await
    }

    async fn finish(self, head: Bytes) -> Result<Stored, Failure> {
        (self.at)(Call::Finish(&self.key))?;
        self.inner.finish(head).await
    }

    async fn abort(self) {
        self.inner.abort().await;
    }
}

pub struct Notes<'a, N> {
    pub inner: N,
    pub at: Hook<'a>,
}

impl<N: ContactAttributes> ContactAttributes for Notes<'_, N> {
    type Turn = N::Turn;

    const TELLS_ALL: bool = N::TELLS_ALL;

    async fn read(
        &self,
        instance: Option<&str>,
        contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        (self.at)(Call::ReadNotes(contact))?;
        self.inner.read(instance, contact).await
    }

    async fn turn(&self) -> N::Turn {
        self.inner.turn().await
    }

    async fn write(
        &self,
        turn: N::Turn,
        instance: Option<&str>,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        (self.at)(Call::WriteNotes(contact))?;
        self.inner.write(turn, instance, contact, changes).await
    }

    async fn wait_to_look_again(&self, look: u32) -> bool {
        self.inner.wait_to_look_again(look).await
    }
}

pub struct Lot<'a, P> {
    pub inner: P,
    pub at: Hook<'a>,
}

impl<P: ParkingLot> ParkingLot for Lot<'_, P> {
    async fn park(&self, parked: &Parked) -> Result<bool, Failure> {
        (self.at)(Call::Park)?;
        self.inner.park(parked).await
    }
}
