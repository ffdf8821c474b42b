//! What must hold of any answer and of whose it is: the fuzz target `request` and the replay
//! of its corpus both check it here. The bytes are read as a script of what came.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Answer, Request};
use crate::media::attribution::{Attribution, Claim};
use crate::media::demux::Document;
use crate::media::fragment::{
    Block, ContactTag, Damage, DamageKind, Direction, ErrorDocument, Fragment, FragmentNumber,
    FragmentRange, SegmentUid,
};
use crate::media::ticks::MediaTime;

/// How many documents a script goes on for, so that its bytes and not its length count.
const MAX_STEPS: usize = 512;

/// The bytes of a script, one after the other; zeros when there are no more.
struct Script<'a>(std::slice::Iter<'a, u8>);

impl Script<'_> {
    fn next(&mut self, below: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % below)
    }

    fn number(&mut self) -> Option<FragmentNumber> {
        match self.next(16) {
            0 => None,
            number => number.to_string().parse().ok(),
        }
    }

    fn fragment(&mut self) -> Fragment {
        let mut fragment = Fragment {
            number: self.number(),
            session: Some(self.next(4))
                .filter(|uid| *uid > 0)
                .map(|uid| SegmentUid([uid; 16])),
            ..Fragment::default()
        };
        for _ in 0..self.next(3) {
            fragment
                .contact
                .add(["own", "other leg", "OWN", "foreign"][usize::from(self.next(4))]);
        }
        let start = u64::from(self.next(8));
        for _ in 0..self.next(3) {
            fragment
                .blocks
                .extend(
                    MediaTime::from_matroska(start, 0, 1_000_000).map(|start| Block {
                        direction: Direction::BOTH[usize::from(self.next(2))],
                        start,
                        pcm: Bytes::from(vec![1; usize::from(self.next(5))]),
                    }),
                );
        }
        if self.next(3) == 0 {
            fragment.damage.push(Damage {
                number: None,
                direction: None,
                offset: 0,
                kind: match self.next(2) {
                    0 => DamageKind::Truncated,
                    _ => DamageKind::Format("x".into()),
                },
            });
        }
        fragment
    }

    fn error(&mut self) -> ErrorDocument {
        ErrorDocument {
            number: self.number(),
            id: Some(self.next(9).into()),
            code: "E".into(),
            offset: 0,
        }
    }
}

/// Panics if anything does not hold.
pub fn check(data: &[u8]) {
    let mut script = Script(data.iter());
    let asked: Vec<FragmentNumber> = (1..=1 + script.next(12))
        .filter_map(|number| number.to_string().parse().ok())
        .collect();
    let mut request = Request::new(&asked);
    let mut came: BTreeMap<FragmentNumber, usize> = BTreeMap::new();
    let mut wanted = asked.clone();
    let mut documents = 0;
    let mut steps = 0;
    while script.0.len() > 0 && steps < MAX_STEPS {
        steps += 1;
        match script.next(8) {
            0 => {
                let answered = request.end_body(&wanted);
                assert!(answered.iter().all(|number| wanted.contains(number)));
                wanted = [request.open(), request.failed()].concat();
                assert!(wanted.iter().all(|number| asked.contains(number)));
            }
            1 => {
                documents += 1;
                request.take(Document::Error(script.error()));
            }
            _ => {
                let fragment = script.fragment();
                documents += 1;
                if let (Some(number), true) = (fragment.number, fragment.damage.is_empty()) {
                    let most = came.entry(number).or_default();
                    *most = (*most).max(audio(&fragment));
                }
                request.take(Document::Fragment(fragment));
            }
        }
    }
    request.end_body(&asked);
    let answer = request.settle();
    check_answer(&asked, &came, &answer);
    assert!(answer.unasked <= documents);
    check_attribution(answer.fragments, &mut script);
    // A whole recording's worth, most of it without tags.
    let mut script = Script(data.iter());
    let mut many = Vec::new();
    while script.0.len() > 0 && many.len() < MAX_STEPS {
        let is_tagged = script.next(8) == 0;
        let mut fragment = script.fragment();
        fragment.number = (many.len() + 1).to_string().parse().ok();
        if !is_tagged {
            fragment.contact = ContactTag::None;
        }
        many.push(fragment);
    }
    check_attribution(many, &mut script);
}

/// Whole samples, as copies are compared by.
fn audio(fragment: &Fragment) -> usize {
    let samples = fragment.blocks.iter().map(|block| block.pcm.len() / 2);
    samples.sum()
}

/// Each number that was asked for came or is missing, once and in order; and what came
/// whole is there with all of its audio, whatever else came for it.
fn check_answer(asked: &[FragmentNumber], came: &BTreeMap<FragmentNumber, usize>, answer: &Answer) {
    let numbers: Vec<_> = answer
        .fragments
        .iter()
        .filter_map(|fragment| fragment.number)
        .collect();
    assert!(
        numbers.is_sorted_by(|one, other| one < other) && numbers.len() == answer.fragments.len()
    );
    let mut all = numbers;
    all.extend(answer.missing.iter().map(|missing| missing.number));
    all.sort_unstable();
    assert_eq!(all, asked);
    for (number, most) in came {
        let kept = answer
            .fragments
            .iter()
            .find(|fragment| fragment.number == Some(*number));
        assert!(
            !asked.contains(number) || kept.is_some_and(|kept| audio(kept) >= *most),
            "{number}"
        );
    }
}

/// Nothing foreign gets through, nothing gets lost, and the order stays.
fn check_attribution(fragments: Vec<Fragment>, script: &mut Script<'_>) {
    let contacts: Vec<Box<str>> = vec!["own".into(), "other leg".into()];
    let range = FragmentRange {
        start: script.number(),
        stop: script.number(),
    };
    let mut attribution = Attribution::new(Claim {
        range,
        contacts: contacts.clone(),
    });
    let all = fragments.len() as u64;
    let own_sessions: Vec<_> = fragments
        .iter()
        .filter(|fragment| is_own(&fragment.contact, &contacts))
        .map(|fragment| fragment.session)
        .collect();
    let mut judged = Vec::new();
    for fragment in fragments {
        attribution.push(fragment);
        if let Some(session) = attribution.undecided() {
            attribution.name(session, ContactTag::None);
        }
        judged.extend(std::iter::from_fn(|| attribution.next_judged()));
    }
    attribution.finish();
    judged.extend(std::iter::from_fn(|| attribution.next_judged()));
    assert!(judged.is_sorted_by_key(|(fragment, _)| fragment.number));
    for (fragment, _) in judged.iter().filter(|(_, refused)| refused.is_ok()) {
        let is_inherited = fragment.contact == ContactTag::None
            && fragment.session.is_some()
            && own_sessions.contains(&fragment.session);
        assert!(
            is_inherited || is_own(&fragment.contact, &contacts),
            "{fragment:?}"
        );
        assert!(
            fragment.number.is_some_and(|number| range.contains(number)),
            "{fragment:?}"
        );
    }
    let report = attribution.into_report();
    let refused = report.foreign + report.unproven() + report.out_of_range;
    assert_eq!((judged.len() as u64, report.own + refused), (all, all));
}

fn is_own(tag: &ContactTag, contacts: &[Box<str>]) -> bool {
    let is_own = |id: &str| contacts.iter().any(|own| own.eq_ignore_ascii_case(id));
    match tag {
        ContactTag::One(id) => is_own(id),
        ContactTag::Several(ids) => ids.iter().all(|id| is_own(id)),
        ContactTag::None | ContactTag::Conflicting => false,
    }
}
