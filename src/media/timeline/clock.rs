//! Which clock rules when. The media clock (Matroska block times) rules, always within
//! an upload session and across sessions while it is an epoch. Where it breaks off (a new
//! session of a clock that is no epoch, a jump that the server did not see, a step back to
//! a time at which other audio is written), the server's timestamps say how much later the
//! fragment is. A break moves what comes after it, and cuts nothing.

use super::lane::Fit;
use crate::media::fragment::{Fragment, SegmentUid};
use crate::media::ticks::{EpochMillis, MediaTime, samples_in_millis};

/// Media time this close to server time is an epoch. Connect's ran 966 ms ahead in 2024.
const EPOCH_SLACK_MILLIS: i64 = 24 * 3_600 * 1_000;
/// A jump inside a session is believed up to here without the server having seen it.
const JUMP_SLACK: i64 = samples_in_millis(60_000);
/// A jump that no server time is at hand for is believed up to here.
const LONGEST_JUMP: i64 = samples_in_millis(24 * 3_600 * 1_000);
/// A new session whose clock agrees this well with the server's goes on with the old clock.
const SESSION_SLACK: i64 = samples_in_millis(1_000);
/// Server times jitter with the upload: below this a break joins without a gap.
const JOIN_SLACK: i64 = samples_in_millis(500);
/// An upload can be late and catch up, so that media runs ahead of the server for a while;
/// never further than it ran before, but for this.
const LEAP_SLACK: i64 = samples_in_millis(1_500);
/// Fragments after which it is known how far media runs ahead of the server.
const LEAP_KNOWN_AFTER: u32 = 4;

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

/// How far media ran ahead of the server at the most, since the clock was set.
#[derive(Clone, Copy, Debug, Default)]
struct Lead {
    samples: i64,
    fragments: u32,
}

/// Maps media times of all sessions to one clock: that of the first fragment.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Added to media times of the current session, in samples.
    shift: i64,
    last: Option<Seen>,
    lead: Lead,
    pub breaks: u64,
}

impl Clock {
    /// What was added to the last fragment's block times.
    pub(super) fn shift(&self) -> i64 {
        self.shift
    }

    /// What to add to this fragment's block times. `end` is where the audio so far ends,
    /// and `fits` how the blocks fit behind it, moved as the last fragment's were.
    pub(super) fn shift_for(
        &mut self,
        fragment: &Fragment,
        end: Option<MediaTime>,
        fits: [Option<Fit>; 2],
    ) -> i64 {
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
            && self.is_broken(last, now, end, fits)
        {
            self.set_anew(last, now, end);
        }
        self.take_lead(now);
        // A run's last fragment can lack the server's time: the one before it still holds.
        if now.server.is_some() || self.last.is_none_or(|last| last.session != now.session) {
            self.last = Some(now);
        }
        self.shift
    }

    /// The fragment goes where the server saw it, or on from the end.
    fn set_anew(&mut self, last: Seen, now: Seen, end: MediaTime) {
        let by_server = match passed_on_server(last, now) {
            Some(passed) => last
                .cluster
                .moved_by(self.shift)
                .moved_by(passed)
                .moved_by(now.start.samples_since(now.cluster)),
            None => end,
        };
        let joins = by_server.samples_since(end) <= JOIN_SLACK;
        let target = if joins { end } else { by_server };
        self.shift = target.samples_since(now.start);
        self.breaks += 1;
        self.lead = Lead::default();
    }

    fn is_broken(&self, last: Seen, now: Seen, end: MediaTime, fits: [Option<Fit>; 2]) -> bool {
        let jump = now.start.moved_by(self.shift).samples_since(end);
        let passed = now.cluster.samples_since(last.cluster);
        let disagreement = passed_on_server(last, now).map(|server| passed - server);
        if steps_back(fits, disagreement) || self.leaps(now, jump) {
            return true;
        }
        let is_off_by = |slack| disagreement.is_some_and(|by| by.abs() > slack);
        if last.session == now.session || (is_epoch(last) && is_epoch(now)) {
            return match disagreement {
                Some(_) => jump.abs() > JUMP_SLACK && is_off_by(JUMP_SLACK),
                None => jump > LONGEST_JUMP,
            };
        }
        match disagreement {
            Some(_) => is_off_by(SESSION_SLACK),
            None => !(-SESSION_SLACK..=JUMP_SLACK).contains(&jump),
        }
    }

    /// Media that jumps forward and is then further ahead of the server than it ever was
    /// has not waited: its clock leapt.
    fn leaps(&self, now: Seen, jump: i64) -> bool {
        self.ahead(now).is_some_and(|ahead| {
            jump > LEAP_SLACK
                && self.lead.fragments >= LEAP_KNOWN_AFTER
                && ahead.saturating_sub(self.lead.samples) > LEAP_SLACK
        })
    }

    fn take_lead(&mut self, now: Seen) {
        if let Some(ahead) = self.ahead(now) {
            self.lead = Lead {
                samples: match self.lead.fragments {
                    0 => ahead,
                    _ => ahead.max(self.lead.samples),
                },
                fragments: self.lead.fragments.saturating_add(1),
            };
        }
    }

    /// How many samples the media clock is ahead of the server's.
    fn ahead(&self, now: Seen) -> Option<i64> {
        let media = now.cluster.moved_by(self.shift).to_millis_floor();
        let ahead = media.saturating_sub(now.server?.0);
        Some(samples_in_millis(ahead))
    }
}

/// Whether the fragment goes back to a time at which other audio is written, in every
/// direction that it has, or in one while the server's clock went on. The same audio once
/// more is no step back; where nothing but silence or a tone comes twice, the server's
/// clock tells.
fn steps_back(fits: [Option<Fit>; 2], disagreement: Option<i64>) -> bool {
    let is = |wanted: Fit| fits.contains(&Some(wanted));
    let server_went_on = disagreement.is_some_and(|by| by < -JOIN_SLACK);
    if is(Fit::Clashes) {
        return server_went_on || !is(Fit::Follows);
    }
    is(Fit::MayRepeat) && !is(Fit::Repeats) && server_went_on
}

fn passed_on_server(last: Seen, now: Seen) -> Option<i64> {
    let passed = now.server?.0.saturating_sub(last.server?.0);
    Some(samples_in_millis(passed))
}

fn is_epoch(seen: Seen) -> bool {
    seen.server.is_some_and(|server| {
        (seen.cluster.to_millis_floor() - server.0).abs() < EPOCH_SLACK_MILLIS
    })
}
