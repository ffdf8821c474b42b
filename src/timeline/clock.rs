//! Which clock rules when. The media clock (Matroska block times) rules, always within
//! an upload session and across sessions while it is an epoch. Where it breaks off (a
//! new session of a clock that is no epoch, a jump that the server did not see), the
//! server's timestamps say how much later the fragment is.

use crate::fragment::{Fragment, SegmentUid};
use crate::ticks::{EpochMillis, MediaTime, samples_in_millis};

/// Media time this close to server time is an epoch. Connect's ran 966 ms ahead in 2024.
const EPOCH_SLACK_MILLIS: i64 = 24 * 3_600 * 1_000;
/// A jump inside a session is believed up to here without the server having seen it.
const JUMP_SLACK: i64 = samples_in_millis(60_000);
/// A new session whose clock agrees this well with the server's goes on with the old clock.
const SESSION_SLACK: i64 = samples_in_millis(1_000);
/// Server times jitter with the upload: below this a break joins without a gap.
const JOIN_SLACK: i64 = samples_in_millis(500);

/// Where the last fragment stood.
#[derive(Clone, Copy, Debug)]
struct Seen {
    session: Option<SegmentUid>,
    /// The Cluster's time, which the server's goes with.
    cluster: MediaTime,
    /// The first block's time: after a hold it can lie well behind the Cluster's.
    start: MediaTime,
    server: Option<EpochMillis>,
}

/// Maps media times of all sessions to one clock: that of the first fragment.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Added to media times of the current session, in samples.
    shift: i64,
    last: Option<Seen>,
    pub breaks: u64,
}

impl Clock {
    /// What to add to this fragment's block times; `end` is where the audio so far ends.
    pub fn shift_for(&mut self, fragment: &Fragment, end: Option<MediaTime>) -> i64 {
        let Some(start) = fragment.start() else {
            return self.shift;
        };
        let now = Seen {
            session: fragment.session,
            cluster: fragment.cluster_time.unwrap_or(start),
            start,
            server: fragment.server_time,
        };
        if let (Some(last), Some(end)) = (self.last, end)
            && self.is_broken(last, now, end)
        {
            let by_server = match (last.server, now.server) {
                (Some(before), Some(after)) => last
                    .cluster
                    .moved_by(self.shift)
                    .moved_by(samples_in_millis(after.0.saturating_sub(before.0)))
                    .moved_by(now.start.samples_since(now.cluster)),
                _ => end,
            };
            let joins = by_server.samples_since(end) <= JOIN_SLACK;
            let target = if joins { end } else { by_server };
            self.shift = target.samples_since(start);
            self.breaks += 1;
        }
        // A run's last fragment can lack the server's time: the one before it still holds.
        if now.server.is_some() || self.last.is_none_or(|last| last.session != now.session) {
            self.last = Some(now);
        }
        self.shift
    }

    fn is_broken(&self, last: Seen, now: Seen, end: MediaTime) -> bool {
        let jump = now.start.moved_by(self.shift).samples_since(end);
        let passed = now.cluster.samples_since(last.cluster);
        let disagreement = match (last.server, now.server) {
            (Some(before), Some(after)) => {
                Some((passed - samples_in_millis(after.0.saturating_sub(before.0))).abs())
            }
            _ => None,
        };
        if last.session == now.session || (is_epoch(last) && is_epoch(now)) {
            return jump.abs() > JUMP_SLACK && disagreement.is_some_and(|by| by > JUMP_SLACK);
        }
        match disagreement {
            Some(by) => by > SESSION_SLACK,
            None => !(-SESSION_SLACK..=JUMP_SLACK).contains(&jump),
        }
    }
}

fn is_epoch(seen: Seen) -> bool {
    seen.server.is_some_and(|server| {
        (seen.cluster.to_millis_floor() - server.0).abs() < EPOCH_SLACK_MILLIS
    })
}
