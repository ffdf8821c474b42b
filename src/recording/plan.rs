//! What is to be made: one recording, with everything that its maker decided. Whoever makes
//! a plan ([`decide`](super::decide) from a contact record), the recorder works it alike.

use std::collections::HashMap;

use crate::media::attribution::Claim;
use crate::media::sides::{Authorisation, Consent};
use crate::media::ticks::EpochMillis;
use crate::media::wav::Output;
use crate::recording::attributes::{self, Carrier};
use crate::recording::key::{RecordingId, RecordingKeys};
use crate::recording::parties::{Omitted, Parties};

/// How recordings are named, as set for this deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What keys start with, e.g. `recordings/`.
    pub key_prefix: String,
    /// What URLs start with, before the key: `https://domain/`.
    pub url_base: String,
    /// The ids of the Connect instances whose calls are recorded; all are if there is none.
    pub instances: Vec<Box<str>>,
    /// What verdicts are without.
    pub omitted: Vec<Omitted>,
    /// Which URLs contacts carry.
    pub on_contact: OnContact,
}

/// Which URLs of a recording its contact carries, where any belong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnContact {
    /// Those of the files.
    Files,
    /// Those of the files and of the archive's page, which starts with this, before the key.
    FilesAndPage(String),
    /// The page's alone.
    Page(String),
}

/// How media is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Fragments asked for at once, well under the quota of 500 a second.
    pub fragments_per_request: usize,
    /// Requests under way at once; KVS allows 5 connections a stream.
    pub requests_at_once: usize,
    /// How often a fragment is asked for before it counts as missing.
    pub attempts: u32,
    /// Which recordings are read although there is a verdict on them.
    pub again: Again,
}

/// Which recordings are made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// Those that failed, and those of which a record names more than the verdict does.
    /// Files and verdict of a recording that was made are replaced only by some that hold
    /// more ([`holds_more_than`](super::verdict::Verdict::holds_more_than)); until that is known, nobody sees anything of
    /// them.
    #[default]
    IfFailed,
    /// Partial ones, too.
    IfNotComplete,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            fragments_per_request: 50,
            requests_at_once: 3,
            attempts: 4,
            again: Again::IfFailed,
        }
    }
}

/// One recording that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingPlan {
    /// Which recording.
    pub id: RecordingId,
    /// Where its objects go.
    pub keys: RecordingKeys,
    /// The first leg of the call, whose attributes all legs share.
    pub initial_contact: Box<str>,
    /// The leg before this one, as far as the record names it.
    pub previous_contact: Option<Box<str>>,
    /// The leg behind this one, as far as the record names it.
    pub next_contact: Option<Box<str>>,
    /// Others may add to the same attributes meanwhile: other legs of the call, or other
    /// recordings of this one.
    pub has_siblings: bool,
    /// Who the call was with.
    pub parties: Parties,
    /// The Connect instance; without it attributes cannot be written.
    pub instance: Option<Box<str>>,
    /// The stream's ARN.
    pub stream: Box<str>,
    /// What proves that a fragment is this recording's.
    pub claim: Claim,
    /// When the record says that it started and stopped, in whole seconds.
    pub times: Times,
    /// What may be recorded.
    pub authorisation: Authorisation,
    /// Whose word that is.
    pub consent: Consent,
    /// Tags of its files, beside those that all objects of the deployment have.
    pub tags: Vec<(String, String)>,
    /// Whether its URLs stand in the contact's attributes. Where they do there is a verdict
    /// as a rule, and something to do only if that covers less than this plan.
    pub urls: Urls,
}

/// When a recording started and stopped, as far as its maker knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When it started.
    pub started: Option<EpochMillis>,
    /// When it stopped.
    pub stopped: Option<EpochMillis>,
}

/// Brings works into calls: those of one call together, in the order given, in the place of
/// its first one.
pub fn by_call<T>(
    works: impl IntoIterator<Item = T>,
    plan: impl Fn(&T) -> &RecordingPlan,
) -> Vec<Vec<T>> {
    let mut calls: Vec<Vec<T>> = Vec::new();
    let mut places = HashMap::new();
    for work in works {
        let call = plan(&work).initial_contact.clone();
        let place = *places.entry(call).or_insert(calls.len());
        match calls.get_mut(place) {
            Some(call) => call.push(work),
            None => calls.push(vec![work]),
        }
    }
    calls
}

impl Times {
    /// How long it was, in milliseconds, where both are known.
    pub fn length_millis(self) -> Option<u64> {
        let (started, stopped) = self.started.zip(self.stopped)?;
        Some(u64::try_from(stopped.0.saturating_sub(started.0)).unwrap_or(0))
    }
}

/// Whether the URLs of a recording stand on its contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urls {
    /// They do.
    OnContact,
    /// Some are lacking.
    Lacking,
    /// None belong there: recordings of this kind are found in another way.
    NotForContact,
}

impl Policy {
    /// That of keys and URLs that start so: calls of all instances are recorded, with all that
    /// verdicts can say, and contacts carry the files' URLs.
    pub fn new(key_prefix: impl Into<String>, url_base: impl Into<String>) -> Self {
        Self {
            key_prefix: key_prefix.into(),
            url_base: url_base.into(),
            instances: Vec::new(),
            omitted: Vec::new(),
            on_contact: OnContact::Files,
        }
    }

    /// Whether contacts of this instance are recorded.
    pub fn serves(&self, instance: &str) -> bool {
        self.instances.is_empty() || self.instances.iter().any(|served| **served == *instance)
    }

    /// The URL of an object.
    pub fn url(&self, key: &str) -> String {
        crate::object_key::url(&self.url_base, key)
    }

    /// The URL of the archive's page on the recording that this verdict is of, if contacts
    /// carry it.
    pub fn page_url(&self, verdict: &str) -> Option<String> {
        match &self.on_contact {
            OnContact::Files => None,
            OnContact::FilesAndPage(base) | OnContact::Page(base) => {
                Some(crate::object_key::url(base, verdict))
            }
        }
    }

    /// The attributes that carry the URLs of a recording of which this may be kept.
    pub fn carriers(&self, kept: Authorisation) -> impl Iterator<Item = Carrier> {
        let has_files = !matches!(self.on_contact, OnContact::Page(_));
        let is_kept = move |output| has_files && kept.outputs().contains(&output);
        self.all_carriers()
            .filter(move |carrier| carrier.output.is_none_or(is_kept))
    }

    /// The attributes that may hold URLs of ours, those of before this deployment was set as
    /// it is among them.
    pub fn all_carriers(&self) -> impl Iterator<Item = Carrier> {
        let prefix = &self.key_prefix;
        let files = Output::ALL
            .into_iter()
            .map(|output| (Some(output), self.url(prefix)));
        let page = self.page_url(prefix).map(|ours| (None, ours));
        files.chain(page).map(|(output, ours)| Carrier {
            attribute: attributes::name(output),
            output,
            ours,
        })
    }
}
