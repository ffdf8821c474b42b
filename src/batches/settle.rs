//! What becomes of a record after its work: it is done, it is delivered again, or it is
//! parked. Attempts are bounded by time, since a count of them is used up within seconds of
//! an outage; and no record holds up those behind it for longer than [`TRIED_AT_ONCE_FOR`]
//! and one try, as long as there is a queue to park it in.

use std::time::{Duration, SystemTime};

use super::{Function, Settled};
use crate::clock::epoch_millis;
use crate::event::batch::{BatchRecord, Origin};
use crate::failure::parked::{MAX_MESSAGE_BYTES, Parked};
use crate::failure::{Action, Failure, FailureKind};
use crate::media::ticks::EpochMillis;
use crate::port::{ContactAttributes, FragmentSource, ParkingLot, Recordings};
use crate::recorder::{WorkedRecord, walled_work};

/// How long after it came to the data stream a record is delivered again at once when it can
/// go better by itself. Kinesis does not say how often it has delivered a record, so its age
/// tells. Most troubles are over in seconds; those that are not wait in the queue, which
/// times the next try. A record that is older when it first comes, because the function is
/// behind, had the tries of one delivery: another would hold up the others still more.
pub const TRIED_AT_ONCE_FOR: Duration = Duration::from_secs(60);

/// How long an invocation that leaves the data stream where it was rests before it says so.
/// In an outage a try ends at once, because the SDK's budget of retries is empty, and nobody
/// says how long Lambda waits before the next.
pub const REST: Duration = Duration::from_secs(5);

/// How long after it came a record that cannot be worked as it is goes back where it cannot
/// be parked, having no queue or being larger than a message: time for Lambda to use up its
/// attempts and to keep the record in the mapping's on-failure destination. After that it is left out, so that it holds up the
/// calls behind it no longer; the data stream still keeps it.
const HANDED_BACK_FOR: Duration = Duration::from_secs(3_600);

impl<S: FragmentSource, R: Recordings, N: ContactAttributes, P: ParkingLot> Function<S, R, N, P> {
    /// Hands back what another delivery can help at once, and parks what it cannot.
    pub(super) async fn settle(
        &self,
        origin: Origin,
        record: &BatchRecord,
        worked: &WorkedRecord,
        expires: Option<EpochMillis>,
        now: SystemTime,
    ) -> Settled {
        let age = record.age(epoch_millis(now));
        // A record of unknown age was made by hand.
        let is_young = age.is_none_or(|age| age < TRIED_AT_ONCE_FOR);
        match (worked.action(), origin) {
            (None, _) => Settled::Done,
            (Some(_), Origin::Sqs) => Settled::HandedBack,
            (Some(Action::Retry), Origin::Kinesis) if is_young => Settled::HandedBack,
            (Some(_), Origin::Kinesis) => match self.park(record, worked, expires).await {
                Ok(true) => Settled::Parked,
                Ok(false) if is_past_help(age, worked) => Settled::LeftOut,
                Ok(false) => Settled::HandedBack,
                Err(failure) => Settled::NotParked(failure),
            },
        }
    }

    /// Parks a record with all that went wrong; false when there is no place for it.
    async fn park(
        &self,
        record: &BatchRecord,
        worked: &WorkedRecord,
        expires: Option<EpochMillis>,
    ) -> Result<bool, Failure> {
        let mut troubles = worked.troubles();
        let Some(first) = troubles.next() else {
            return Ok(false);
        };
        let parked = Parked::new(record.bytes(), first.contact, &first.failure, expires)
            .waiting_for(worked.waits_for())
            .with_more(troubles.map(|trouble| trouble.failure.to_string()));
        if parked.to_json().len() > MAX_MESSAGE_BYTES {
            return Ok(false);
        }
        walled_work("the parking queue", self.parking.park(&parked))
            .await
            .flatten()
    }
}

/// Whether the record itself is at fault in all that is left to do, and has been handed back
/// for long enough.
fn is_past_help(age: Option<Duration>, worked: &WorkedRecord) -> bool {
    let at_fault = [FailureKind::RecordUnreadable, FailureKind::NotLocated];
    let mut troubles = worked.troubles();
    troubles.all(|trouble| at_fault.contains(&trouble.failure.kind))
        && age.is_some_and(|age| age > HANDED_BACK_FOR)
}
