//! A look whether reading a partial recording again can give more, at the price of a listing
//! and of the fragments that were missing: a recording is read as a whole only for
//! something that came.

use futures_util::{StreamExt, pin_mut};

use super::make::until;
use super::{Reading, Recorder, listing, read};
use crate::failure::Failure;
use crate::media::fragment::FragmentNumber;
use crate::port::{ContactAttributes, Deadline, FragmentSource, Recordings};
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::{LISTING_INCOMPLETE, Verdict};

impl<S: FragmentSource, R: Recordings, N: ContactAttributes> Recorder<S, R, N> {
    /// Whether something of a partial recording can be had that could not when it was read:
    /// more fragments are listed, or one comes that was missing. Each is asked for once.
    pub async fn more_came(
        &self,
        plan: &RecordingPlan,
        old: &Verdict,
        deadline: &impl Deadline,
    ) -> Result<bool, Failure> {
        until(deadline, plan, self.look_for_more(plan, old)).await
    }

    async fn look_for_more(&self, plan: &RecordingPlan, old: &Verdict) -> Result<bool, Failure> {
        let listing::Listed { numbers, lacks } = listing::list_numbers(&self.source, plan).await?;
        let number = |text: &str| text.parse::<FragmentNumber>().ok();
        let last = old.fragments.last.as_deref().and_then(number);
        let lists_more = numbers.len() as u64 > old.fragments.asked
            || (last.is_some() && numbers.last() > last.as_ref())
            || (old.has_reason(LISTING_INCOMPLETE) && lacks.is_none());
        if lists_more {
            return Ok(true);
        }
        let missing = old.fragments.missing_list.iter();
        let missing: Vec<_> = missing
            .filter_map(|missing| number(&missing.fragment))
            .collect();
        let once = Reading {
            attempts: 1,
            ..self.reading
        };
        let answers = read::answers(&self.source, &once, &plan.stream, &missing);
        pin_mut!(answers);
        while let Some(answer) = answers.next().await {
            if !answer?.fragments.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
