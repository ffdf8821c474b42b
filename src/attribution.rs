//! Whose is a fragment? Streams are pooled and reused, so a fragment counts only when its
//! number lies in the recording's range *and* its contact belongs to the call. Everything
//! else is refused and counted; nothing refused ever reaches the timeline.
//!
//! A run's last fragment, and sometimes one in between, carries no tags: it inherits the
//! contact of the fragment before it in the same upload session (SegmentUID), or, at the
//! start of a session, of the first tagged one behind it.

use std::collections::VecDeque;

use crate::fragment::{ContactTag, Fragment, FragmentRange, SegmentUid};

/// Fragments held back until their session names a contact; beyond it the first is refused.
pub const MAX_WAITING: usize = 32;
/// Upload sessions remembered; the one longest unseen is forgotten first.
pub const MAX_SESSIONS: usize = 64;
/// Foreign contacts that the report names; beyond it they are only counted.
pub const MAX_FOREIGN_NAMED: usize = 16;

/// A fragment and the contact that it was traced to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The fragment as demuxed.
    pub fragment: Fragment,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose a fragment is, after inheritance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This contact's, by its own tag or by its session's.
    Contact(Box<str>),
    /// Neither it nor its session names a contact.
    Untagged,
    /// Its tags name several contacts.
    Conflicting,
}

/// Traces fragments to contacts, in order and with a bounded look-ahead.
#[derive(Debug, Default)]
pub struct Tracer {
    /// The contact last seen in each session, the most recent session last.
    sessions: VecDeque<(SegmentUid, Box<str>)>,
    waiting: VecDeque<Fragment>,
    ended: bool,
}

impl Tracer {
    /// Takes the next fragment in the order of the stream.
    pub fn push(&mut self, fragment: Fragment) {
        self.waiting.push_back(fragment);
    }

    /// No fragment follows: what waits is traced as it stands.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next fragment that can be told, in order.
    pub fn next_traced(&mut self) -> Option<Traced> {
        let front = self.waiting.front()?;
        let owner = match (&front.contact, front.session) {
            (ContactTag::One(contact), _) => Owner::Contact(contact.clone()),
            (ContactTag::Conflicting, _) => Owner::Conflicting,
            (ContactTag::None, None) => Owner::Untagged,
            (ContactTag::None, Some(session)) => match self.inherited(session) {
                Some(contact) => Owner::Contact(contact),
                None if self.ended || self.waiting.len() > MAX_WAITING => Owner::Untagged,
                None => return None,
            },
        };
        let fragment = self.waiting.pop_front()?;
        match (&fragment.contact, fragment.session) {
            (ContactTag::One(contact), Some(session)) => self.remember(session, contact.clone()),
            // Nothing can be inherited from a fragment of several contacts.
            (ContactTag::Conflicting, Some(session)) => {
                self.sessions.retain(|seen| seen.0 != session)
            }
            _ => {}
        }
        Some(Traced { fragment, owner })
    }

    /// The contact before in this session, else the first one named behind.
    fn inherited(&self, session: SegmentUid) -> Option<Box<str>> {
        let before = self
            .sessions
            .iter()
            .find(|seen| seen.0 == session)
            .map(|seen| &seen.1);
        before.cloned().or_else(|| {
            let mut behind = self
                .waiting
                .iter()
                .filter(|later| later.session == Some(session));
            behind.find_map(|later| match &later.contact {
                ContactTag::None => None,
                ContactTag::One(contact) => Some(Some(contact.clone())),
                ContactTag::Conflicting => Some(None),
            })?
        })
    }

    fn remember(&mut self, session: SegmentUid, contact: Box<str>) {
        if self
            .sessions
            .back()
            .is_some_and(|last| last.0 == session && last.1 == contact)
        {
            return;
        }
        self.sessions.retain(|seen| seen.0 != session);
        if self.sessions.len() == MAX_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back((session, contact));
    }
}

/// What proves that a fragment is a recording's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The numbers that the contact record names.
    pub range: FragmentRange,
    /// The contact ids that the record names for this call. Whether a transferred leg's
    /// fragments carry its own id or the first leg's is not known: each is accepted.
    pub contacts: Vec<Box<str>>,
}

/// Why a fragment was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another caller's.
    Foreign,
    /// No contact to be found for it.
    Untagged,
    /// Several contacts in one fragment.
    Conflicting,
    /// A number outside the recording's range.
    OutOfRange,
    /// No number, while the recording has a range.
    Unnumbered,
}

impl Claim {
    /// Decides on one traced fragment.
    pub fn judge(&self, traced: &Traced) -> Result<(), Refusal> {
        match traced.fragment.number {
            Some(number) if !self.range.contains(number) => return Err(Refusal::OutOfRange),
            None if !self.range.is_unbounded() => return Err(Refusal::Unnumbered),
            Some(_) | None => {}
        }
        match &traced.owner {
            Owner::Contact(id) if self.contacts.iter().any(|own| own.eq_ignore_ascii_case(id)) => {
                Ok(())
            }
            Owner::Contact(_) => Err(Refusal::Foreign),
            Owner::Untagged => Err(Refusal::Untagged),
            Owner::Conflicting => Err(Refusal::Conflicting),
        }
    }
}

/// How many fragments were taken and refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributionReport {
    /// Taken as this recording's.
    pub own: u64,
    /// Refused as another contact's.
    pub foreign: u64,
    /// Refused because no contact could be found.
    pub untagged: u64,
    /// Refused because they name several contacts.
    pub conflicting: u64,
    /// Refused for a number outside the range.
    pub out_of_range: u64,
    /// Refused because they carry no number.
    pub unnumbered: u64,
    /// The foreign contacts, up to [`MAX_FOREIGN_NAMED`].
    pub foreign_contacts: Vec<Box<str>>,
}

impl AttributionReport {
    /// Refused fragments that may have been this call's: lost, if they were.
    pub fn unproven(&self) -> u64 {
        self.untagged + self.conflicting + self.unnumbered
    }

    fn count(&mut self, traced: &Traced, judged: Result<(), Refusal>) {
        let counter = match judged {
            Ok(()) => &mut self.own,
            Err(Refusal::Foreign) => &mut self.foreign,
            Err(Refusal::Untagged) => &mut self.untagged,
            Err(Refusal::Conflicting) => &mut self.conflicting,
            Err(Refusal::OutOfRange) => &mut self.out_of_range,
            Err(Refusal::Unnumbered) => &mut self.unnumbered,
        };
        *counter += 1;
        if let (Err(Refusal::Foreign), Owner::Contact(id)) = (judged, &traced.owner)
            && self.foreign_contacts.len() < MAX_FOREIGN_NAMED
            && !self.foreign_contacts.contains(id)
        {
            self.foreign_contacts.push(id.clone());
        }
    }
}

/// Lets a recording's own fragments through, in order, and counts the others.
#[derive(Debug)]
pub struct Attribution {
    claim: Claim,
    tracer: Tracer,
    report: AttributionReport,
}

impl Attribution {
    /// Attribution for one recording.
    pub fn new(claim: Claim) -> Self {
        Self {
            claim,
            tracer: Tracer::default(),
            report: AttributionReport::default(),
        }
    }

    /// Takes the next fragment in the order of the stream.
    pub fn push(&mut self, fragment: Fragment) {
        self.tracer.push(fragment);
    }

    /// No fragment follows.
    pub fn finish(&mut self) {
        self.tracer.finish();
    }

    /// The next fragment proven to be this recording's.
    pub fn next_own(&mut self) -> Option<Fragment> {
        loop {
            let traced = self.tracer.next_traced()?;
            let judged = self.claim.judge(&traced);
            self.report.count(&traced, judged);
            if judged.is_ok() {
                return Some(traced.fragment);
            }
        }
    }

    /// The counts, once everything was taken.
    pub fn into_report(self) -> AttributionReport {
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fragment from `number session contact`, each `-` when absent; a contact of
    /// `a+b` conflicts.
    fn fragment(text: &str) -> Fragment {
        let mut words = text.split(' ').map(|word| (word != "-").then_some(word));
        let mut next = || words.next().flatten();
        let mut fragment = Fragment {
            number: next().map(|number| number.parse().unwrap()),
            session: next().map(|session| SegmentUid([session.as_bytes()[0]; 16])),
            ..Fragment::default()
        };
        for id in next().into_iter().flat_map(|ids| ids.split('+')) {
            fragment.contact.add(id);
        }
        fragment
    }

    #[track_caller]
    fn check(fragments: &[&str], own: &[&str], report: AttributionReport) {
        let claim = Claim {
            range: FragmentRange {
                start: "10".parse().ok(),
                stop: "20".parse().ok(),
            },
            contacts: vec!["me".into(), "first-leg".into()],
        };
        let mut attribution = Attribution::new(claim);
        fragments
            .iter()
            .for_each(|text| attribution.push(fragment(text)));
        attribution.finish();
        let taken: Vec<_> = std::iter::from_fn(|| attribution.next_own())
            .map(|fragment| fragment.number.unwrap().to_string())
            .collect();
        assert_eq!(taken, own);
        assert_eq!(attribution.into_report(), report);
    }

    #[test]
    fn number_and_contact_must_both_be_right() {
        check(
            &[
                "9 a me",
                "10 a me",
                "11 b other",
                "12 a ME",
                "20 a me",
                "21 a me",
                "- a me",
            ],
            &["10", "12", "20"],
            AttributionReport {
                own: 3,
                foreign: 1,
                out_of_range: 2,
                unnumbered: 1,
                foreign_contacts: vec!["other".into()],
                ..AttributionReport::default()
            },
        );
    }

    #[test]
    fn ids_that_the_record_names_are_the_calls() {
        let report = AttributionReport {
            own: 2,
            ..AttributionReport::default()
        };
        check(&["10 a first-leg", "11 a me"], &["10", "11"], report);
    }

    #[test]
    fn untagged_fragments_inherit_within_their_session_only() {
        check(
            &[
                "10 a -",
                "11 a me",
                "12 a -",
                "13 b -",
                "14 b other",
                "15 b -",
                "16 a -",
                "17 c -",
                "18 - -",
            ],
            &["10", "11", "12", "16"],
            AttributionReport {
                own: 4,
                foreign: 3,
                untagged: 2,
                foreign_contacts: vec!["other".into()],
                ..AttributionReport::default()
            },
        );
    }

    #[test]
    fn inheritance_follows_the_order_when_a_session_changes_hands() {
        check(
            &["10 a other", "11 a -", "12 a me", "13 a -"],
            &["12", "13"],
            AttributionReport {
                own: 2,
                foreign: 2,
                foreign_contacts: vec!["other".into()],
                ..AttributionReport::default()
            },
        );
    }

    #[test]
    fn nothing_is_inherited_from_a_fragment_of_several_contacts() {
        check(
            &["10 a me", "11 a me+other", "12 a -"],
            &["10"],
            AttributionReport {
                own: 1,
                conflicting: 1,
                untagged: 1,
                ..AttributionReport::default()
            },
        );
    }

    #[test]
    fn an_unbounded_claim_takes_unnumbered_fragments() {
        let claim = Claim {
            range: FragmentRange::default(),
            contacts: vec!["me".into()],
        };
        let mut attribution = Attribution::new(claim);
        attribution.push(fragment("- a me"));
        attribution.push(fragment("- a -"));
        assert_eq!(std::iter::from_fn(|| attribution.next_own()).count(), 2);
    }

    #[test]
    fn waiting_is_bounded() {
        let mut tracer = Tracer::default();
        tracer.push(fragment("1 z -"));
        let mut told = Vec::new();
        for number in 2..100 {
            tracer.push(fragment(&format!("{number} a me")));
            told.extend(std::iter::from_fn(|| tracer.next_traced()));
            assert!(tracer.waiting.len() <= MAX_WAITING);
        }
        assert_eq!(told[0].owner, Owner::Untagged);
        assert_eq!(told[1].owner, Owner::Contact("me".into()));
    }
}
