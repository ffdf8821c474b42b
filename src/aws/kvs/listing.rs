//! Which fragments of a recording KVS lists: page after page, over one window and, where
//! the list is proven incomplete, over others, and once more a little later.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_kinesisvideoarchivedmedia::types::{
    FragmentSelector, FragmentSelectorType, TimestampRange,
};
use aws_smithy_types::DateTime;

use super::streams::{Api, Stream};
use super::{KvsSource, forget_endpoint, window};
use crate::aws::errors::{Call, failure};
use crate::clock::now;
use crate::failure::{Failure, FailureKind};
use crate::media::fragment::FragmentNumber;
use crate::media::ticks::EpochMillis;
use crate::port::{Listing, Whereabouts};

/// Fragments on a page of a listing: the most that KVS gives; its default is small.
const PAGE: i32 = 1_000;
/// Pages of one listing. A recording of 24 hours has about 80; more is no recording.
const MAX_PAGES: usize = 200;
/// Waits before a listing that is proven incomplete is asked for again. Listings are
/// consistent after about a second.
const WAITS: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(2),
];
/// A recording that lasted longer has fragments; shorter ones were seen without any.
const SURELY_HEARD: u64 = 5_000;

type Window = (EpochMillis, EpochMillis);

/// All that was listed so far, over whichever window.
struct Found<'a> {
    whereabouts: &'a Whereabouts<'a>,
    numbers: BTreeSet<FragmentNumber>,
}

impl Found<'_> {
    /// Whether the listing is proven incomplete: it lacks what the record names, or all of
    /// a recording that surely had fragments.
    fn is_incomplete(&self) -> bool {
        let range = self.whereabouts.range;
        let named = range.start.into_iter().chain(range.stop);
        let lacks_named = named
            .into_iter()
            .any(|bound| !self.numbers.contains(&bound));
        let lacks_all = || {
            let length = self.whereabouts.times.length_millis();
            length.is_some_and(|length| length > SURELY_HEARD)
        };
        lacks_named || (self.numbers.is_empty() && lacks_all())
    }

    /// Whether other windows are of use.
    fn is_suspicious(&self) -> bool {
        self.numbers.is_empty() || self.is_incomplete()
    }
}

impl KvsSource {
    /// Lists over the wide window; while that is proven incomplete over each of those that
    /// begin later, and then, after each wait, once more over the one that gave most.
    pub(super) async fn list_whole(
        &self,
        state: &Stream,
        whereabouts: &Whereabouts<'_>,
    ) -> Result<Listing, Failure> {
        let wide = window::window(whereabouts, now());
        let mut found = Found {
            whereabouts,
            numbers: BTreeSet::new(),
        };
        let mut best = (self.list_over(state, wide, &mut found).await?, wide);
        if found.is_suspicious() {
            let described = self.description(whereabouts.stream).await;
            let created = described.and_then(|described| described.created);
            for later in window::later(whereabouts, created, now()) {
                let listed = self.list_over(state, later, &mut found).await?;
                if listed > best.0 {
                    best = (listed, later);
                }
                if !found.is_suspicious() {
                    break;
                }
            }
        }
        for wait in WAITS {
            if !found.is_incomplete() {
                break;
            }
            tokio::time::sleep(wait).await;
            self.list_over(state, best.1, &mut found).await?;
        }
        Ok(Listing {
            incomplete: found.is_incomplete(),
            numbers: found.numbers.into_iter().collect(),
        })
    }

    /// Adds what is listed over one window; how many numbers of the range those are.
    async fn list_over(
        &self,
        state: &Stream,
        window: Window,
        found: &mut Found<'_>,
    ) -> Result<usize, Failure> {
        let stream = found.whereabouts.stream;
        let endpoint = self.endpoint(state, stream, Api::List).await?;
        let listed = self.list_pages(&endpoint, window, found).await;
        if let Err(failure) = &listed {
            forget_endpoint(state, Api::List, &endpoint, failure).await;
        }
        listed
    }

    async fn list_pages(
        &self,
        endpoint: &str,
        (from, to): Window,
        found: &mut Found<'_>,
    ) -> Result<usize, Failure> {
        let stream = found.whereabouts.stream;
        let unreadable = |cause: &str| Failure::new(FailureKind::Unreadable, stream, cause);
        let range = TimestampRange::builder()
            .start_timestamp(DateTime::from_millis(from.0))
            .end_timestamp(DateTime::from_millis(to.0))
            .build();
        let selector = range.and_then(|range| {
            FragmentSelector::builder()
                .fragment_selector_type(FragmentSelectorType::ServerTimestamp)
                .timestamp_range(range)
                .build()
        });
        let selector =
            selector.map_err(|error| Failure::new(FailureKind::Refused, stream, error))?;
        let mut listed = 0;
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = self
                .archive
                .list_fragments()
                .stream_arn(stream)
                .max_results(i64::from(PAGE))
                .fragment_selector(selector.clone())
                .set_next_token(token.clone())
                .customize()
                .config_override(self.at(stream, endpoint));
            let page = request.send().await;
            let page = page.map_err(|error| {
                self.elsewhere(stream, failure(Call::ListFragments, stream, &error))
            })?;
            for fragment in page.fragments() {
                let number = fragment.fragment_number().unwrap_or_default();
                let number: FragmentNumber = number.parse().map_err(|error| {
                    unreadable(&format!(
                        "a listed fragment has the number {number:?}: {error}"
                    ))
                })?;
                if found.whereabouts.range.contains(number) {
                    listed += 1;
                    found.numbers.insert(number);
                }
            }
            match page.next_token {
                // An empty token, or the same one again, would go on for ever.
                Some(next) if !next.is_empty() && token.as_deref() != Some(&*next) => {
                    token = Some(next);
                }
                Some(_) | None => return Ok(listed),
            }
        }
        Err(unreadable(&format!(
            "the listing has more than {MAX_PAGES} pages of {PAGE} fragments between {from} and {to}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fragment::FragmentRange;
    use crate::recording::plan::Times;

    #[test]
    fn a_listing_is_proven_incomplete_by_what_the_record_names() {
        #[track_caller]
        fn check(
            range: (Option<&str>, Option<&str>),
            millis: Option<i64>,
            listed: &[&str],
            incomplete: bool,
        ) {
            let number = |text: &str| text.parse().unwrap();
            let whereabouts = Whereabouts {
                stream: "s",
                range: FragmentRange {
                    start: range.0.map(number),
                    stop: range.1.map(number),
                },
                times: Times {
                    started: millis.map(|_| EpochMillis(1_000)),
                    stopped: millis.map(|millis| EpochMillis(1_000 + millis)),
                },
            };
            let found = Found {
                whereabouts: &whereabouts,
                numbers: listed.iter().map(|text| number(text)).collect(),
            };
            assert_eq!(found.is_incomplete(), incomplete, "{range:?} {listed:?}");
        }
        let both = (Some("1"), Some("9"));
        check(both, None, &["1", "5", "9"], false);
        check(both, None, &["5", "9"], true);
        check(both, None, &["1", "5"], true);
        check(both, None, &["5"], true);
        check(both, None, &[], true);
        check((Some("1"), Some("1")), None, &["1"], false);
        check((Some("1"), None), None, &["1"], false);
        check((None, Some("9")), None, &["5"], true);
        // Nothing is named: only nothing at all is a proof, of what was not too short.
        check((None, None), Some(60_000), &["5"], false);
        check((None, None), Some(60_000), &[], true);
        check((None, None), Some(4_000), &[], false);
        check((None, None), None, &[], false);
    }
}
