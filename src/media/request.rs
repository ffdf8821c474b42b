//! One request for fragments: the numbers asked for, the documents that came, and what is
//! still missing. KVS answers in any order, says "not found" with HTTP 200, and lets the
//! last fragment of a run lack its number; here it is settled which number each document
//! answers. Pure: asking is the recorder's.

#[doc(hidden)]
pub mod replay;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use crate::media::demux::Document;
use crate::media::fragment::{Block, Damage, Fragment, FragmentNumber, SegmentUid};
use crate::media::ticks::MediaTime;

/// Why a fragment that was asked for is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingCause {
    /// Nothing came for it.
    NotReturned,
    /// An error document came in its place.
    ErrorDocument {
        /// `AWS_KINESISVIDEO_ERROR_ID`.
        id: Option<u32>,
        /// `AWS_KINESISVIDEO_ERROR_CODE`.
        code: Box<str>,
    },
}

/// A fragment that was asked for and did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its number.
    pub number: FragmentNumber,
    /// Why.
    pub cause: MissingCause,
}

/// What a request came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The fragments, in the order of their numbers.
    pub fragments: Vec<Fragment>,
    /// Those that did not come.
    pub missing: Vec<Missing>,
    /// Damage outside of any fragment.
    pub damage: Vec<Damage>,
    /// Documents that answer nothing that was asked.
    pub unasked: u64,
    /// How often it was asked again for what did not come.
    pub asked_again: u64,
}

/// A request under way, over one or several bodies.
#[derive(Debug)]
pub struct Request {
    asked: BTreeMap<FragmentNumber, Slot>,
    /// What this body has answered so far.
    answered: BTreeSet<FragmentNumber>,
    unnumbered: Vec<Fragment>,
    unnumbered_errors: Vec<MissingCause>,
    damage: Vec<Damage>,
    unasked: u64,
    /// Session, start and number of fragments that nobody asked for.
    strangers: Vec<(Option<SegmentUid>, Option<MediaTime>, FragmentNumber)>,
}

/// Fragments that nobody asked for, as far as they are remembered.
const MAX_STRANGERS: usize = 1_024;

#[derive(Debug)]
enum Slot {
    Open,
    Missing(MissingCause),
    Came(Box<Copy>),
}

/// A fragment that came, perhaps several times.
#[derive(Debug)]
struct Copy {
    fragment: Fragment,
    /// It came twice with the same damage: it is stored so, and not hurt on its way.
    is_confirmed: bool,
    /// It carried no number, and was one of several that were asked for.
    is_guessed: bool,
}

/// How it is known which number a fragment answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It carries the number, or answers the only one that was asked for.
    ByNumber,
    /// By elimination.
    ByGuess,
}

impl Request {
    /// A request for these fragments.
    pub fn new(numbers: &[FragmentNumber]) -> Self {
        Self {
            asked: numbers.iter().map(|number| (*number, Slot::Open)).collect(),
            answered: BTreeSet::new(),
            unnumbered: Vec::new(),
            unnumbered_errors: Vec::new(),
            damage: Vec::new(),
            unasked: 0,
            strangers: Vec::new(),
        }
    }

    /// Takes a document of the answer's body.
    pub fn take(&mut self, document: Document) {
        match document {
            Document::Fragment(fragment) => match fragment.number {
                Some(number) => self.take_numbered(number, fragment, Known::ByNumber),
                None => self.unnumbered.push(fragment),
            },
            Document::Error(error) => {
                let cause = MissingCause::ErrorDocument {
                    id: error.id,
                    code: error.code,
                };
                match error.number {
                    Some(number) => self.take_error(number, cause),
                    None => self.unnumbered_errors.push(cause),
                }
            }
            Document::Stray(damage) => self.damage.push(damage),
        }
    }

    /// The body has ended: settles which numbers the unnumbered documents answer. Of the
    /// `asked` ones, those that it answered, by a fragment or by an error.
    pub fn end_body(&mut self, asked: &[FragmentNumber]) -> Vec<FragmentNumber> {
        let unnumbered = mem::take(&mut self.unnumbered);
        // Alone, it is what was asked for alone.
        let certain = match (asked, unnumbered.len()) {
            ([only], 1) if !self.answered.contains(only) => Some(*only),
            _ => None,
        };
        for fragment in unnumbered {
            self.take_unnumbered(fragment, certain);
        }
        // Guesses that gave way; no guess displaces another one.
        for fragment in mem::take(&mut self.unnumbered) {
            self.take_unnumbered(fragment, None);
        }
        for cause in mem::take(&mut self.unnumbered_errors) {
            let open = self
                .asked
                .iter()
                .find(|(number, slot)| matches!(slot, Slot::Open) && asked.contains(number));
            match open.map(|(number, _)| *number) {
                Some(number) => self.take_error(number, cause),
                None => self.unasked += 1,
            }
        }
        let answered = mem::take(&mut self.answered);
        let of_asked = asked.iter().filter(|number| answered.contains(number));
        of_asked.copied().collect()
    }

    /// The numbers worth asking for again together: what did not come, and what came cut
    /// off or damaged and not twice the same.
    pub fn open(&self) -> Vec<FragmentNumber> {
        self.numbers_of(|slot| match slot {
            Slot::Open => true,
            Slot::Missing(_) => false,
            Slot::Came(copy) => !copy.is_confirmed && is_hurt(&copy.fragment),
        })
    }

    /// The numbers in whose place an error came. They are worth asking for again, apart
    /// from the others: an answer can end at its first error.
    pub fn failed(&self) -> Vec<FragmentNumber> {
        self.numbers_of(|slot| matches!(slot, Slot::Missing(_)))
    }

    /// Why fragments are missing, for what a kind of cause asks to be done.
    pub fn causes(&self) -> impl Iterator<Item = &MissingCause> {
        self.asked.values().filter_map(|slot| match slot {
            Slot::Missing(cause) => Some(cause),
            Slot::Open | Slot::Came(_) => None,
        })
    }

    /// Nothing is asked for any more: the answer as it stands.
    pub fn settle(self) -> Answer {
        let mut answer = Answer {
            damage: self.damage,
            unasked: self.unasked,
            ..Answer::default()
        };
        for (number, slot) in self.asked {
            match slot {
                Slot::Came(copy) => answer.fragments.push(copy.fragment),
                Slot::Missing(cause) => answer.missing.push(Missing { number, cause }),
                Slot::Open => answer.missing.push(Missing {
                    number,
                    cause: MissingCause::NotReturned,
                }),
            }
        }
        // When all that was asked came, the bytes between held nothing of it: the rest of
        // a body that was cut off, or what is no fragment at all.
        if answer.missing.is_empty() {
            answer.damage.clear();
        }
        answer
    }

    fn numbers_of(&self, is_wanted: impl Fn(&Slot) -> bool) -> Vec<FragmentNumber> {
        let wanted = self.asked.iter().filter(|(_, slot)| is_wanted(slot));
        wanted.map(|(number, _)| *number).collect()
    }

    /// An error takes nothing away that came.
    fn take_error(&mut self, number: FragmentNumber, cause: MissingCause) {
        match self.asked.get_mut(&number) {
            Some(slot) => {
                self.answered.insert(number);
                if !matches!(slot, Slot::Came(_)) {
                    *slot = Slot::Missing(cause);
                }
            }
            None => self.unasked += 1,
        }
    }

    /// Keeps the better of two copies. A guess that turns out to be another fragment gives
    /// way, and is guessed anew when the body ends.
    fn take_numbered(&mut self, number: FragmentNumber, fragment: Fragment, known: Known) {
        match self.asked.get_mut(&number) {
            Some(Slot::Came(held)) => {
                self.answered.insert(number);
                let is_other = !is_of_one_place(&held.fragment, &fragment);
                if held.is_guessed && known == Known::ByNumber && is_other {
                    let mut guess = mem::replace(&mut held.fragment, fragment);
                    guess.number = None;
                    guess
                        .damage
                        .iter_mut()
                        .for_each(|damage| damage.number = None);
                    held.is_confirmed = false;
                    held.is_guessed = false;
                    self.unnumbered.push(guess);
                    return;
                }
                held.is_guessed &= known == Known::ByGuess;
                held.is_confirmed |= is_same(&held.fragment, &fragment);
                if quality(&fragment) > quality(&held.fragment) {
                    held.fragment = fragment;
                }
            }
            Some(slot) => {
                self.answered.insert(number);
                *slot = Slot::Came(Box::new(Copy {
                    fragment,
                    is_confirmed: false,
                    is_guessed: known == Known::ByGuess,
                }));
            }
            None => {
                self.unasked += 1;
                if self.strangers.len() < MAX_STRANGERS {
                    let start = fragment.start();
                    self.strangers.push((fragment.session, start, number));
                }
            }
        }
    }

    /// By elimination: every document answers a number that was asked, so one without a
    /// number answers the first open one behind the fragment that it follows in time. One
    /// that follows a fragment nobody asked for was not asked for either.
    fn take_unnumbered(&mut self, mut fragment: Fragment, certain: Option<FragmentNumber>) {
        // Without a number and a time nothing tells which of them it was.
        if fragment.start().is_none() && is_hurt(&fragment) {
            self.damage.append(&mut fragment.damage);
            return;
        }
        // The same fragment once more, asked for under another number: of two guesses the
        // first stays, and what is certain takes its place.
        if let Some(guessed) = self.guessed_before(&fragment, certain) {
            match certain {
                Some(_) => drop(self.asked.insert(guessed, Slot::Open)),
                None => return,
            }
        }
        match certain.or_else(|| self.answered_by(&fragment)) {
            Some(number) => {
                fragment.number = Some(number);
                fragment
                    .damage
                    .iter_mut()
                    .for_each(|damage| damage.number = Some(number));
                let known = match certain {
                    Some(_) => Known::ByNumber,
                    None => Known::ByGuess,
                };
                self.take_numbered(number, fragment, known);
            }
            None if fragment.blocks.is_empty() => self.damage.append(&mut fragment.damage),
            None => self.unasked += 1,
        }
    }

    fn answered_by(&self, fragment: &Fragment) -> Option<FragmentNumber> {
        // It came before and was hurt on its way.
        let is_again =
            |copy: &Copy| is_hurt(&copy.fragment) && is_of_one_place(&copy.fragment, fragment);
        let again = self.asked.iter().find(|(_, slot)| match slot {
            Slot::Came(copy) => is_again(copy),
            Slot::Open | Slot::Missing(_) => false,
        });
        if let Some((number, _)) = again {
            return Some(*number);
        }
        let came = self.asked.iter().filter_map(|(number, slot)| match slot {
            Slot::Came(other) => Some((other.fragment.session, other.fragment.start(), *number)),
            Slot::Open | Slot::Missing(_) => None,
        });
        let strangers = self.strangers.iter().copied();
        let followed = came
            .chain(strangers)
            .filter(|(session, start, _)| {
                *session == fragment.session && *start <= fragment.start()
            })
            .max_by_key(|(_, start, number)| (*start, *number))
            .map(|(_, _, number)| number);
        let mut open = self
            .asked
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Open))
            .map(|(number, _)| *number);
        match followed {
            Some(followed) if !self.asked.contains_key(&followed) => None,
            Some(followed) => open.find(|number| *number > followed),
            None => open.next(),
        }
    }

    /// The number that an unnumbered fragment of this very content was taken for.
    fn guessed_before(
        &self,
        fragment: &Fragment,
        certain: Option<FragmentNumber>,
    ) -> Option<FragmentNumber> {
        let is_it = |slot: &Slot| match slot {
            Slot::Came(copy) => {
                copy.is_guessed
                    && !is_hurt(&copy.fragment)
                    && copy.fragment.session == fragment.session
                    && copy.fragment.blocks == fragment.blocks
            }
            Slot::Open | Slot::Missing(_) => false,
        };
        let mut taken = self.asked.iter().filter(|(_, slot)| is_it(slot));
        taken
            .find(|(number, _)| Some(**number) != certain)
            .map(|(number, _)| *number)
    }
}

/// Whether something of the fragment can have been hurt on its way: another copy may be
/// whole. What it declares of itself is the same in every copy.
fn is_hurt(fragment: &Fragment) -> bool {
    fragment
        .damage
        .iter()
        .any(|damage| damage.kind.may_be_of_the_way())
}

/// The better copy is whole, else has more audio, else less damage.
fn quality(fragment: &Fragment) -> (bool, u64, Reverse<usize>) {
    let audio = fragment.blocks.iter().map(Block::samples).sum();
    (!is_hurt(fragment), audio, Reverse(fragment.damage.len()))
}

/// Whether two copies can be of one fragment.
fn is_of_one_place(one: &Fragment, other: &Fragment) -> bool {
    (one.session, one.start()) == (other.session, other.start())
}

fn is_same(one: &Fragment, other: &Fragment) -> bool {
    let kinds = |fragment: &Fragment| -> Vec<_> {
        fragment
            .damage
            .iter()
            .map(|damage| damage.kind.clone())
            .collect()
    };
    one.blocks == other.blocks && kinds(one) == kinds(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fragment::{DamageKind, Direction, ErrorDocument};
    use crate::media::ticks::MediaTime;
    use bytes::Bytes;

    /// A fragment with an optional number, a session and a start in ms.
    fn fragment(number: Option<u32>, session: u8, millis: u64) -> Fragment {
        Fragment {
            number: number.map(|number| number.to_string().parse().unwrap()),
            session: Some(SegmentUid([session; 16])),
            blocks: vec![Block {
                direction: Direction::FromCustomer,
                start: MediaTime::from_matroska(millis, 0, 1_000_000).unwrap(),
                pcm: Bytes::from_static(&[1, 0]),
            }],
            ..Fragment::default()
        }
    }

    fn numbers(numbers: &[u32]) -> Vec<FragmentNumber> {
        numbers
            .iter()
            .map(|number| number.to_string().parse().unwrap())
            .collect()
    }

    fn cut(number: u32) -> Fragment {
        let kind = DamageKind::Truncated;
        let damage = vec![Damage {
            number: None,
            direction: None,
            offset: 0,
            kind,
        }];
        Fragment {
            damage,
            blocks: Vec::new(),
            ..fragment(Some(number), 1, 0)
        }
    }

    fn error(number: Option<u32>, id: u32) -> Document {
        Document::Error(ErrorDocument {
            number: number.map(|number| number.to_string().parse().unwrap()),
            id: Some(id),
            code: "E".into(),
            offset: 0,
        })
    }

    /// `number@start` of each fragment, and `number!` of each missing one.
    #[track_caller]
    fn check(asked: &[u32], bodies: Vec<Vec<Document>>, expected: &str, unasked: u64) {
        let mut request = Request::new(&numbers(asked));
        for body in bodies {
            body.into_iter().for_each(|document| request.take(document));
            request.end_body(&numbers(asked));
        }
        let answer = request.settle();
        let came = answer.fragments.iter().map(|fragment| {
            let start = fragment.start().map_or(-1, MediaTime::to_millis_floor);
            format!("{}@{start}", fragment.number.unwrap())
        });
        let missing = answer.missing.iter().map(|missing| match &missing.cause {
            MissingCause::NotReturned => format!("{}!", missing.number),
            MissingCause::ErrorDocument { id, .. } => {
                format!("{}!{}", missing.number, id.unwrap_or(0))
            }
        });
        assert_eq!(came.chain(missing).collect::<Vec<_>>().join(" "), expected);
        assert_eq!(answer.unasked, unasked);
    }

    fn own(number: Option<u32>, session: u8, millis: u64) -> Document {
        Document::Fragment(fragment(number, session, millis))
    }

    #[test]
    fn any_order_comes_out_in_order() {
        check(
            &[1, 2, 3],
            vec![vec![
                own(Some(3), 1, 30),
                own(Some(1), 1, 10),
                own(Some(2), 1, 20),
            ]],
            "1@10 2@20 3@30",
            0,
        );
    }

    #[test]
    fn what_did_not_come_is_named_with_its_cause() {
        check(
            &[1, 2, 3],
            vec![vec![own(Some(1), 1, 10), error(Some(2), 3000)]],
            "1@10 2!3000 3!",
            0,
        );
        check(
            &[1, 2],
            vec![vec![error(None, 5000), own(Some(1), 1, 10)]],
            "1@10 2!5000",
            0,
        );
    }

    #[test]
    fn a_later_body_completes_the_first() {
        check(
            &[1, 2, 3],
            vec![
                vec![
                    own(Some(1), 1, 10),
                    error(Some(2), 3000),
                    Document::Fragment(cut(3)),
                ],
                vec![own(Some(2), 1, 20), own(Some(3), 1, 30)],
            ],
            "1@10 2@20 3@30",
            0,
        );
        // An error that comes for what is here already takes nothing away.
        check(
            &[1],
            vec![vec![own(Some(1), 1, 10)], vec![error(Some(1), 3000)]],
            "1@10",
            0,
        );
    }

    #[test]
    fn what_was_cut_off_is_asked_for_again_and_kept_if_no_better_comes() {
        let mut request = Request::new(&numbers(&[1, 2]));
        request.take(own(Some(1), 1, 10));
        request.take(Document::Fragment(cut(2)));
        request.end_body(&numbers(&[1, 2]));
        assert_eq!(request.open(), numbers(&[2]));
        assert_eq!(request.settle().fragments.len(), 2);
    }

    #[test]
    fn a_document_without_a_number_answers_the_open_one_that_it_follows() {
        check(
            &[1, 2, 3],
            vec![vec![
                own(Some(1), 1, 10),
                own(Some(2), 1, 20),
                own(None, 1, 30),
            ]],
            "1@10 2@20 3@30",
            0,
        );
        check(
            &[1, 2, 3, 4],
            vec![vec![
                own(None, 1, 30),
                own(Some(2), 1, 20),
                own(Some(4), 2, 40),
            ]],
            "2@20 3@30 4@40 1!",
            0,
        );
        check(&[1], vec![vec![own(None, 1, 10)]], "1@10", 0);
    }

    /// A clock that stands still hides behind which fragment a tail without tags stands.
    #[test]
    fn a_guess_gives_way_to_what_was_asked_for_alone() {
        let mut request = Request::new(&numbers(&[1, 2, 3]));
        request.take(own(Some(2), 1, 20));
        request.take(own(None, 1, 10));
        request.end_body(&numbers(&[1, 2, 3]));
        assert_eq!(request.open(), numbers(&[3]));
        request.take(own(None, 1, 10));
        request.end_body(&numbers(&[3]));
        assert_eq!(request.open(), numbers(&[1]));
        // The same once more is no other fragment.
        request.take(own(None, 1, 10));
        request.end_body(&numbers(&[1, 3]));
        assert_eq!(request.open(), numbers(&[1]));
        assert_eq!(request.settle().fragments.len(), 2);
    }

    #[test]
    fn a_guess_gives_way_to_what_came_with_the_number() {
        // It is guessed anew, where there is a number left.
        check(
            &[1, 2],
            vec![vec![own(None, 1, 64)], vec![own(Some(1), 1, 0)]],
            "1@0 2@64",
            0,
        );
        check(
            &[1],
            vec![
                vec![own(None, 1, 64), own(None, 1, 64)],
                vec![own(Some(1), 1, 0)],
            ],
            "1@0",
            1,
        );
        // What has its number is no guess, though one without a number came for it, too.
        let mut request = Request::new(&numbers(&[1, 2]));
        let hurt = Fragment {
            damage: cut(1).damage,
            ..fragment(Some(1), 1, 0)
        };
        request.take(Document::Fragment(hurt));
        request.take(own(None, 1, 0));
        request.end_body(&numbers(&[1, 2]));
        assert_eq!(request.open(), numbers(&[2]));
        request.take(own(None, 1, 0));
        request.end_body(&numbers(&[2]));
        assert_eq!(request.settle().fragments.len(), 2);
    }

    #[test]
    fn documents_that_answer_nothing_are_counted() {
        check(
            &[1],
            vec![vec![
                own(Some(1), 1, 10),
                own(Some(9), 1, 90),
                own(None, 1, 20),
                error(Some(8), 1),
            ]],
            "1@10",
            3,
        );
        // Another caller's run: its tail does not answer for our missing fragment.
        check(
            &[1, 3],
            vec![vec![
                own(Some(2), 2, 20),
                own(None, 2, 30),
                own(Some(1), 1, 10),
            ]],
            "1@10 3!",
            2,
        );
        check(
            &[1],
            vec![vec![own(Some(1), 1, 10), own(Some(1), 1, 10)]],
            "1@10",
            0,
        );
    }

    #[test]
    fn what_broke_off_without_a_number_is_replaced_by_the_whole_of_it() {
        let unnumbered = |fragment: Fragment| {
            Document::Fragment(Fragment {
                number: None,
                ..fragment
            })
        };
        let hurt = Fragment {
            damage: cut(0).damage,
            ..fragment(None, 1, 20)
        };
        // Cut before its audio it answers nothing, cut behind that it is known again.
        for broken in [cut(0), hurt] {
            let mut request = Request::new(&numbers(&[1, 2, 3]));
            request.take(own(Some(1), 1, 10));
            request.take(unnumbered(broken));
            request.end_body(&numbers(&[1, 2, 3]));
            assert_eq!(request.open(), numbers(&[2, 3]));
            request.take(unnumbered(fragment(None, 1, 20)));
            request.end_body(&numbers(&[2, 3]));
            assert_eq!(request.open(), numbers(&[3]));
            let answer = request.settle();
            assert_eq!((answer.fragments.len(), answer.unasked), (2, 0));
            assert!(
                answer
                    .fragments
                    .iter()
                    .all(|fragment| fragment.damage.is_empty())
            );
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            cases: 2_000,
            ..proptest::prelude::ProptestConfig::default()
        })]

        #[test]
        fn any_answer_is_settled(script in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            replay::check(&script);
        }
    }
}
