//! What the answering machine asks of Connect and of a stream's live media, answered out of
//! a folder of streams: its media says which contact is where.

use std::time::Duration;

use super::LocalStreams;
use crate::clock;
use crate::connect::record::{KVS, RecordingEntry};
use crate::failure::Failure;
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;
use crate::port::{Clock, ContactDescription, ContactDescriptions, FragmentSource, LiveMedia};

impl ContactDescriptions for LocalStreams {
    /// The streams with media of the contact, each as a recording from its first fragment
    /// to its last one. When that was a folder does not say.
    async fn describe(
        &self,
        _instance: Option<&str>,
        contact: &str,
    ) -> Result<ContactDescription, Failure> {
        let mut recordings = Vec::new();
        for name in self.names()? {
            // An ARN is what recordings name: account and region are nobody's.
            let stream = format!("arn:aws:kinesisvideo:local:000000000000:stream/{name}/0");
            // One that cannot be read is told of when a recording names it.
            let Ok(index) = self.index(&stream) else {
                continue;
            };
            let own = index.entries().iter();
            let own = own.filter(|entry| index.owner_of(entry) == Some(contact));
            let numbers: Vec<_> = own.map(|entry| entry.number).collect();
            if let (Some(first), Some(last)) = (numbers.first(), numbers.last()) {
                recordings.push(RecordingEntry {
                    storage: Some(KVS.into()),
                    participant: None,
                    location: Some(stream.into()),
                    start_fragment: Some(*first),
                    stop_fragment: Some(*last),
                    started: None,
                    stopped: None,
                    bad_number: None,
                    odd: None,
                });
            }
        }
        Ok(ContactDescription {
            ended: None,
            recordings,
        })
    }
}

impl LiveMedia for LocalStreams {
    type Body = <Self as FragmentSource>::Body;

    async fn read_from(&self, stream: &str, from: EpochMillis) -> Result<Self::Body, Failure> {
        let index = self.index(stream)?;
        let time = |number: FragmentNumber| number.hinted_server_time();
        let numbers = index.entries().iter().map(|entry| entry.number);
        let numbers = numbers.filter(|number| time(*number).is_none_or(|time| time >= from));
        self.fetch(stream, &numbers.collect::<Vec<_>>()).await
    }
}

/// This computer's clock. A folder holds what it holds: nobody waits for more.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalClock;

impl Clock for LocalClock {
    fn now(&self) -> EpochMillis {
        clock::now()
    }

    async fn wait(&self, _time: Duration) -> bool {
        false
    }
}
