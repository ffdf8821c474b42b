//! Tells whose a fragment is. Streams are pooled and reused, so a fragment counts only when its
//! number lies in the recording's range *and* its contact belongs to the call. Everything
//! else is refused and counted; nothing refused ever reaches the timeline.
//!
//! A run's last fragment, and sometimes one in between, carries no tags: it inherits the
//! contact of the fragment before it in the same upload session (SegmentUID), or, at the
//! start of a session, of the first tagged one behind it. Where that one lies further
//! behind than fragments are held, [`Attribution::undecided`] names the session; whoever
//! reads the stream can look ahead and tell ([`Attribution::name`]).

use std::collections::VecDeque;

use crate::media::fragment::{ContactTag, Fragment, FragmentRange, SegmentUid};

/// Fragments held back until their session names a contact.
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
    /// Whose it is, after inheritance: [`ContactTag::None`] when neither it nor its session
    /// names a contact.
    pub owner: ContactTag,
}

/// Traces fragments to contacts, in order and with a bounded look-ahead.
#[derive(Debug, Default)]
pub struct Tracer {
    /// The contacts last seen in each session, the most recent session last.
    sessions: VecDeque<(SegmentUid, ContactTag)>,
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

    /// The session whose first fragments wait for a name, once as many wait as are held:
    /// [`name`](Self::name) it before the next fragment is pushed, or they are nobody's.
    pub fn undecided(&self) -> Option<SegmentUid> {
        let front = self.waiting.front()?;
        let session = front.session?;
        let is_open = front.contact == ContactTag::None && self.inherited(session).is_none();
        (is_open && !self.ended && self.waiting.len() > MAX_WAITING).then_some(session)
    }

    /// Tells whose a session is; [`ContactTag::None`] when nothing in it tells.
    pub fn name(&mut self, session: SegmentUid, owner: ContactTag) {
        self.remember(session, &owner);
    }

    /// The next fragment whose owner is decided, in the order of the stream.
    pub fn next_traced(&mut self) -> Option<Traced> {
        let front = self.waiting.front()?;
        let owner = match (&front.contact, front.session) {
            (ContactTag::None, Some(session)) => match self.inherited(session) {
                Some(owner) => owner,
                // One more than are held: nobody named it.
                None if self.ended || self.waiting.len() > MAX_WAITING + 1 => ContactTag::None,
                None => return None,
            },
            (own, _) => own.clone(),
        };
        let fragment = self.waiting.pop_front()?;
        if let (Some(session), true) = (fragment.session, fragment.contact != ContactTag::None) {
            self.remember(session, &fragment.contact);
        }
        Some(Traced { fragment, owner })
    }

    /// The contacts before in this session, else those first named behind.
    fn inherited(&self, session: SegmentUid) -> Option<ContactTag> {
        let before = self.sessions.iter().find(|seen| seen.0 == session);
        let behind = || {
            let mut later = self
                .waiting
                .iter()
                .filter(|later| later.session == Some(session));
            later.find(|later| later.contact != ContactTag::None)
        };
        match before {
            Some((_, owner)) => Some(owner.clone()),
            None => behind().map(|later| later.contact.clone()),
        }
    }

    fn remember(&mut self, session: SegmentUid, owner: &ContactTag) {
        if self
            .sessions
            .back()
            .is_some_and(|last| last.0 == session && last.1 == *owner)
        {
            return;
        }
        self.sessions.retain(|seen| seen.0 != session);
        if self.sessions.len() == MAX_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back((session, owner.clone()));
    }
}

/// What proves that a fragment is a recording's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The numbers that the contact record names.
    pub range: FragmentRange,
    /// The contact ids that the record names for this call. Whether a transferred leg's
    /// fragments carry its own id or another leg's is not known: each is accepted.
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
        let is_own = |id: &str| {
            let mut contacts = self.contacts.iter();
            contacts.any(|own| own.eq_ignore_ascii_case(id))
        };
        let is_any_own = |ids: &[Box<str>]| ids.iter().any(|id| is_own(id));
        let are_all_own = |ids: &[Box<str>]| ids.iter().all(|id| is_own(id));
        match &traced.owner {
            ContactTag::One(id) if is_own(id) => Ok(()),
            ContactTag::Several(ids) if are_all_own(ids) => Ok(()),
            ContactTag::One(_) => Err(Refusal::Foreign),
            ContactTag::Several(ids) if !is_any_own(ids) => Err(Refusal::Foreign),
            ContactTag::Several(_) | ContactTag::Conflicting => Err(Refusal::Conflicting),
            ContactTag::None => Err(Refusal::Untagged),
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
    /// Of the foreign ones, those between this recording's own, or behind them and still in
    /// a range that has an end: nobody else's audio should be there. Before the first own
    /// one, those that carry no tag and are foreign only as their session says.
    pub foreign_inside: u64,
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
        let named = match &traced.owner {
            ContactTag::One(id) => std::slice::from_ref(id),
            ContactTag::Several(ids) => ids,
            ContactTag::None | ContactTag::Conflicting => &[],
        };
        if judged == Err(Refusal::Foreign) {
            for id in named {
                if self.foreign_contacts.len() < MAX_FOREIGN_NAMED
                    && !self.foreign_contacts.contains(id)
                {
                    self.foreign_contacts.push(id.clone());
                }
            }
        }
    }
}

/// Lets a recording's own fragments through, in order, and counts the others.
#[derive(Debug)]
pub struct Attribution {
    claim: Claim,
    tracer: Tracer,
    report: AttributionReport,
    /// Foreign fragments since the last own one, and of them those by inheritance alone.
    foreign_behind: u64,
    inherited_behind: u64,
}

impl Attribution {
    /// Attribution for one recording.
    pub fn new(claim: Claim) -> Self {
        Self {
            claim,
            tracer: Tracer::default(),
            report: AttributionReport::default(),
            foreign_behind: 0,
            inherited_behind: 0,
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

    /// The upload session whose owner lies further behind than fragments are held.
    pub fn undecided(&self) -> Option<SegmentUid> {
        self.tracer.undecided()
    }

    /// Tells whose a session is, by what follows in it; [`ContactTag::None`] when nothing
    /// there tells.
    pub fn name(&mut self, session: SegmentUid, owner: ContactTag) {
        self.tracer.name(session, owner);
    }

    /// The next fragment whose owner is decided, and why it is refused if it is.
    pub fn next_judged(&mut self) -> Option<(Fragment, Result<(), Refusal>)> {
        let traced = self.tracer.next_traced()?;
        let judged = self.claim.judge(&traced);
        self.report.count(&traced, judged);
        match judged {
            Ok(()) => {
                let foreign = std::mem::take(&mut self.foreign_behind);
                let inherited = std::mem::take(&mut self.inherited_behind);
                // What names another contact before the first own one is the stream's last
                // caller, whom a range without a start takes in.
                self.report.foreign_inside += match self.report.own {
                    1 => inherited,
                    _ => foreign,
                };
            }
            Err(Refusal::Foreign) => {
                self.foreign_behind += 1;
                self.inherited_behind += u64::from(traced.fragment.contact == ContactTag::None);
            }
            Err(_) => {}
        }
        Some((traced.fragment, judged))
    }

    /// The next fragment proven to be this recording's.
    pub fn next_own(&mut self) -> Option<Fragment> {
        loop {
            let (fragment, judged) = self.next_judged()?;
            if judged.is_ok() {
                return Some(fragment);
            }
        }
    }

    /// The counts, once everything was taken.
    pub fn into_report(mut self) -> AttributionReport {
        if self.report.own > 0 && self.claim.range.stop.is_some() {
            self.report.foreign_inside += self.foreign_behind;
        }
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fragment from `number session contact`, each `-` when absent; `a+b` names both.
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
                foreign_inside: 1,
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
                foreign_inside: 3,
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
                // Without a tag of its own, it may have been this call's.
                foreign_inside: 1,
                foreign_contacts: vec!["other".into()],
                ..AttributionReport::default()
            },
        );
    }

    #[test]
    fn a_fragment_of_several_contacts_is_the_calls_if_all_are() {
        let own = AttributionReport {
            own: 3,
            ..AttributionReport::default()
        };
        check(
            &["10 a first-leg", "11 a first-leg+me", "12 a -"],
            &["10", "11", "12"],
            own,
        );
        check(
            &["10 a me", "11 a me+other", "12 a -", "13 a other+third"],
            &["10"],
            AttributionReport {
                own: 1,
                conflicting: 2,
                foreign: 1,
                foreign_inside: 1,
                foreign_contacts: vec!["other".into(), "third".into()],
                ..AttributionReport::default()
            },
        );
    }

    #[test]
    fn foreign_fragments_inside_are_told_from_the_callers_before_and_after() {
        #[track_caller]
        fn check_inside(stop: Option<&str>, contacts: &[&str], inside: u64) {
            let mut attribution = Attribution::new(Claim {
                range: FragmentRange {
                    start: "10".parse().ok(),
                    stop: stop.and_then(|stop| stop.parse().ok()),
                },
                contacts: vec!["me".into()],
            });
            for (number, contact) in (10..).zip(contacts) {
                attribution.push(fragment(&format!("{number} a {contact}")));
            }
            attribution.finish();
            while attribution.next_own().is_some() {}
            assert_eq!(attribution.into_report().foreign_inside, inside);
        }
        check_inside(Some("19"), &["other", "me", "me"], 0);
        check_inside(Some("19"), &["me", "other", "me"], 1);
        check_inside(Some("19"), &["me", "me", "other"], 1);
        check_inside(None, &["me", "me", "other"], 0);
        check_inside(None, &["me", "other", "me", "other"], 1);
        check_inside(Some("19"), &["other", "other"], 0);
        check_inside(Some("19"), &["-", "other", "me"], 1);
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
    fn waiting_is_bounded_and_a_late_name_can_be_told() {
        #[track_caller]
        fn check_late(named: Option<ContactTag>, first: ContactTag) {
            let mut tracer = Tracer::default();
            let session = SegmentUid([b'z'; 16]);
            let mut told = Vec::new();
            for number in 1..100 {
                tracer.push(fragment(&format!("{number} z -")));
                told.extend(std::iter::from_fn(|| tracer.next_traced()));
                assert!(tracer.waiting.len() <= MAX_WAITING + 1);
                if let (Some(undecided), Some(owner)) = (tracer.undecided(), &named) {
                    assert_eq!((undecided, number), (session, MAX_WAITING + 1));
                    tracer.name(session, owner.clone());
                }
            }
            assert_eq!(told[0].owner, first);
            let numbers = told.iter().map(|traced| traced.fragment.number.unwrap());
            assert!(numbers.is_sorted());
        }
        check_late(None, ContactTag::None);
        check_late(Some(ContactTag::None), ContactTag::None);
        check_late(
            Some(ContactTag::One("me".into())),
            ContactTag::One("me".into()),
        );
    }
}
