use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::media::spectrum::tone;
use crate::monitor::happening::{Began, Break, Ending};

const BLOCK: i64 = 512;
const CUSTOMER: Direction = Direction::FromCustomer;
const OPERATOR: Direction = Direction::ToCustomer;

/// A page, a clock and a call, driven from here.
struct Desk {
    panels: Panels,
    now: i64,
    /// Samples of the call so far.
    said: i64,
}

impl Desk {
    fn new() -> Self {
        Self {
            panels: Panels::new(Numbers::Masked),
            now: 1_760_000_000_000,
            said: 0,
        }
    }

    fn happens_to(&mut self, contact: &str, what: What) {
        self.panels.push(&Happening {
            contact: contact.into(),
            at: EpochMillis(self.now),
            what,
        });
    }

    fn happens(&mut self, what: What) {
        self.happens_to("call", what);
    }

    fn begins(contact: &str, start: i64) -> impl Fn(&mut Self) {
        move |desk| {
            let began = Began {
                start: Some(EpochMillis(start)),
                ..Began::default()
            };
            desk.happens_to(contact, What::Began(began));
        }
    }

    fn hears(&mut self, direction: Direction, samples: &[i16]) {
        let start = MediaTime::from_matroska(5_000, 0, 1_000_000).unwrap();
        let pcm: Vec<u8> = samples.iter().flat_map(|it| it.to_le_bytes()).collect();
        self.happens(What::Sound(Block {
            direction,
            start: start.moved_by(self.said),
            pcm: Bytes::from(pcm),
        }));
    }

    /// So many seconds of the call, each side with a tone of this amplitude, as it comes in time.
    fn seconds(&mut self, seconds: f64, [customer, operator]: [Option<f64>; 2]) {
        let blocks = (seconds * 8_000.0 / BLOCK as f64).ceil() as i64;
        for _ in 0..blocks {
            for (direction, amplitude) in [(CUSTOMER, customer), (OPERATOR, operator)] {
                if let Some(amplitude) = amplitude {
                    self.hears(direction, &tone(1_000.0, amplitude, BLOCK as usize));
                }
            }
            self.said += BLOCK;
            self.now += BLOCK / 8;
        }
    }

    fn about(&mut self) -> About {
        let frame = self.panels.whole(EpochMillis(self.now));
        frame.calls[0].about.clone().unwrap()
    }

    fn frame(&mut self) -> Option<Frame> {
        self.panels.next_frame(EpochMillis(self.now))
    }

    fn contacts(&mut self) -> Vec<String> {
        let frame = self.panels.whole(EpochMillis(self.now));
        frame
            .calls
            .iter()
            .map(|call| call.contact.to_string())
            .collect()
    }
}

#[test]
fn panels_stand_in_the_order_of_their_starts_and_go_when_their_calls_are_over() {
    let mut desk = Desk::new();
    Desk::begins("second", 2_000)(&mut desk);
    Desk::begins("third", 3_000)(&mut desk);
    Desk::begins("first", 1_000)(&mut desk);
    Desk::begins("also third", 3_000)(&mut desk);
    assert_eq!(desk.contacts(), ["first", "second", "third", "also third"]);
    assert_eq!(desk.frame().unwrap().calls.len(), 4);
    assert_eq!(desk.frame(), None, "nothing is new");

    desk.happens_to("second", What::Ended(Ending::Disconnected));
    assert!(!desk.panels.is_in_progress("second") && desk.panels.is_in_progress("first"));
    let ended = desk.frame().unwrap();
    let state = &ended.calls[0].about.as_ref().unwrap().state;
    assert_eq!(
        *state,
        State::Ended {
            why: Ending::Disconnected
        }
    );
    desk.now += ENDED_MILLIS;
    assert_eq!(desk.frame().unwrap().gone, ["second".into()]);
    assert_eq!(desk.contacts(), ["first", "third", "also third"]);
    // What comes of a call that is gone is another panel's.
    Desk::begins("second", 4_000)(&mut desk);
    assert_eq!(desk.contacts(), ["first", "third", "also third", "second"]);
}

#[test]
fn what_fails_is_there_to_be_read() {
    let mut desk = Desk::new();
    desk.happens(What::Failed(
        "AccessDenied: allow kinesisvideo:GetMedia".into(),
    ));
    desk.happens(What::Ended(Ending::Stopped));
    desk.now += 60_000;
    let cause = "AccessDenied: allow kinesisvideo:GetMedia".to_owned();
    assert_eq!(desk.about().state, State::Failed { cause });
    desk.now += FAILED_MILLIS;
    assert_eq!(desk.contacts(), [""; 0]);
}

#[test]
fn numbers_are_masked_unless_they_are_asked_for() {
    #[track_caller]
    fn check(number: &str, masked: &str) {
        assert_eq!(shown(number, Numbers::Masked), masked);
        assert_eq!(shown(number, Numbers::Whole), number);
    }
    check("+15550100142", "•••••••••142");
    check("sip:anna@example.com", "•••••••••••••••••com");
    check("1234", "••34");
    check("123", "••3");
    check("7", "•");
    check("", "");
    assert_eq!(cut("a\u{1b}[2J\nb"), "a [2J b");
    assert_eq!(cut(&"ä".repeat(300)).chars().count(), MOST_CHARS + 1);
    let mut desk = Desk::new();
    let began = Began {
        customer: Some("+15550100142".into()),
        system: Some("+15550100199".into()),
        queue: Some("Orders".into()),
        ..Began::default()
    };
    desk.happens(What::Began(began));
    let about = desk.about();
    assert_eq!(about.customer.as_deref(), Some("•••••••••142"));
    assert_eq!(about.system.as_deref(), Some("•••••••••199"));
    // What is told later without them does not take them away.
    desk.happens(What::Began(Began::default()));
    assert_eq!(desk.about(), about);
}

#[test]
fn a_state_follows_from_what_comes() {
    let mut desk = Desk::new();
    Desk::begins("call", desk.now)(&mut desk);
    assert_eq!(desk.about().state, State::Waiting);
    desk.seconds(1.0, [Some(1_000.0), Some(0.0)]);
    assert_eq!(desk.about().state, State::Live);
    let since = EpochMillis(desk.now - BLOCK / 8);
    desk.now += QUIET_MILLIS;
    assert_eq!(desk.about().state, State::Quiet { since });
    desk.happens(What::Reconnecting(Break::Cut));
    let since = EpochMillis(desk.now);
    desk.now += 700;
    desk.happens(What::Reconnecting(Break::Silent));
    let why = Break::Silent;
    assert_eq!(desk.about().state, State::Reconnecting { since, why });
    desk.seconds(0.1, [Some(1_000.0), Some(0.0)]);
    let about = desk.about();
    assert_eq!((about.state, about.tally.reconnects), (State::Live, 2));
    assert_eq!(about.warnings, [Warning::Reconnected { why }]);
    desk.seconds(31.0, [Some(1_000.0), Some(1_000.0)]);
    assert_eq!(desk.about().warnings, []);
    // A connection that is changed as planned is no warning.
    desk.happens(What::Reconnecting(Break::Planned));
    desk.seconds(0.1, [Some(1_000.0), Some(1_000.0)]);
    assert_eq!(desk.about().warnings, []);
}

#[test]
fn who_talks_is_louder_than_their_line() {
    let mut desk = Desk::new();
    // A line with a hum of 300, which is no voice.
    desk.seconds(5.0, [Some(300.0), Some(10.0)]);
    desk.seconds(1.0, [Some(300.0), Some(10.0)]);
    assert_eq!(desk.about().talking, [false, false]);
    desk.seconds(0.2, [Some(3_000.0), Some(10.0)]);
    assert_eq!(desk.about().talking, [true, false]);
    desk.seconds(0.3, [Some(300.0), Some(2_000.0)]);
    assert_eq!(desk.about().talking, [true, true], "the hang-over");
    desk.seconds(0.3, [Some(300.0), Some(2_000.0)]);
    assert_eq!(desk.about().talking, [false, true]);
    desk.now += TALK_MILLIS;
    assert_eq!(desk.about().talking, [false, false], "nothing came since");
}

#[test]
fn a_side_that_is_silent_for_20_seconds_is_told_and_a_hold_is_not() {
    let mut desk = Desk::new();
    Desk::begins("call", desk.now)(&mut desk);
    desk.seconds(19.0, [Some(2_000.0), Some(50.0)]);
    assert_eq!(desk.about().warnings, []);
    let began = EpochMillis(1_760_000_000_000);
    desk.seconds(1.5, [Some(2_000.0), Some(50.0)]);
    let (direction, since) = (OPERATOR, began);
    assert_eq!(
        desk.about().warnings,
        [Warning::Silent { direction, since }]
    );
    desk.seconds(0.1, [Some(2_000.0), Some(400.0)]);
    assert_eq!(desk.about().warnings, []);
    // A side of which no media comes at all is silent too.
    desk.seconds(21.0, [Some(2_000.0), None]);
    assert!(matches!(
        desk.about().warnings[..],
        [Warning::Silent {
            direction: OPERATOR,
            ..
        }]
    ));

    let mut desk = Desk::new();
    desk.seconds(15.0, [Some(2_000.0), Some(50.0)]);
    desk.said += 8_000 * 60;
    desk.now += 60_000;
    desk.seconds(4.0, [Some(2_000.0), Some(50.0)]);
    assert_eq!(desk.about().warnings, [], "a minute on hold");
    desk.seconds(1.5, [Some(2_000.0), Some(50.0)]);
    assert_eq!(desk.about().warnings.len(), 1, "20 s in which media came");
}

#[test]
fn clipping_and_gaps_are_told_for_a_while_and_counted_for_ever() {
    let mut desk = Desk::new();
    desk.hears(CUSTOMER, &[i16::MAX, i16::MIN, 0, 0]);
    desk.happens(What::Gap {
        direction: Some(OPERATOR),
        millis: 1_088,
    });
    for text in ["one", "two", "three", "four"] {
        desk.happens(What::Warning(text.into()));
    }
    let about = desk.about();
    let told = |text: &str| Warning::Told(text.into());
    let gap = Warning::Gap {
        direction: Some(OPERATOR),
        millis: 1_088,
    };
    let clipping = Warning::Clipping {
        direction: CUSTOMER,
    };
    let expected = [clipping, gap, told("two"), told("three"), told("four")];
    assert_eq!(about.warnings, expected);
    desk.now += WARNED_MILLIS;
    let about = desk.about();
    assert_eq!(about.warnings, []);
    let tally = Tally {
        gaps: 1,
        gap_millis: 1_088,
        reconnects: 0,
        clipped: [2, 0],
    };
    assert_eq!(about.tally, tally);
}

#[test]
fn a_spectrum_has_its_tone_where_and_as_high_as_the_specification_says() {
    #[track_caller]
    fn check(samples: &[i16], values: usize, peak: usize, height: u8) {
        let mut desk = Desk::new();
        desk.hears(OPERATOR, samples);
        let frame = desk.frame().unwrap();
        assert_eq!(frame.calls[0].sides[0].spectrum, None, "only its own side");
        let spectrum = frame.calls[0].sides[1].spectrum.clone().unwrap();
        assert_eq!(spectrum.len(), values);
        let highest = spectrum.iter().copied().max().unwrap();
        assert_eq!(highest, height);
        let place = spectrum.iter().position(|value| *value == highest);
        if height > 0 {
            assert_eq!(place, Some(peak));
        }
    }
    // Half of the limit: 127 steps of 255, since samples are whole numbers.
    check(&tone(1_000.0, 4_000.0, 512), 256, 64, 127);
    check(&tone(1_000.0, 8_000.0, 512), 256, 64, 255);
    check(&tone(1_000.0, 20_000.0, 512), 256, 64, 255);
    check(&tone(1_000.0, 4_000.0, 160), 80, 20, 127);
    check(&[0; 512], 256, 0, 0);
    // Of a long block neighbours are one value.
    check(&tone(1_000.0, 4_000.0, 4_096), 512, 128, 127);
}

#[test]
fn the_waveform_has_a_column_for_each_20th_of_a_second() {
    let mut desk = Desk::new();
    desk.hears(CUSTOMER, &[[0x1000; 400], [-0x2000; 400]].concat());
    desk.said += 2_000;
    desk.hears(CUSTOMER, &[0; 100]);
    let frame = desk.frame().unwrap();
    let wave = frame.calls[0].sides[0].wave.clone().unwrap();
    let columns = vec![[16, 16], [-32, -32], NO_MEDIA, NO_MEDIA, NO_MEDIA, [0, 0]];
    assert_eq!(wave, Wave { first: 0, columns });
    // The next block reaches into the column that was told, which is told again.
    desk.said += 100;
    desk.hears(CUSTOMER, &[-256; 100]);
    let wave = desk.frame().unwrap().calls[0].sides[0]
        .wave
        .clone()
        .unwrap();
    assert_eq!((wave.first, &wave.columns[..]), (5, &[[-1, 0]][..]));
}

#[test]
fn another_clock_goes_on_where_the_call_was() {
    let mut desk = Desk::new();
    desk.seconds(2.0, [Some(1_000.0), Some(1_000.0)]);
    drop(desk.frame());
    desk.said += 8_000 * 3_600 * 24 * 365;
    desk.seconds(0.5, [Some(1_000.0), Some(1_000.0)]);
    let frame = desk.frame().unwrap();
    for side in &frame.calls[0].sides {
        let wave = side.wave.clone().unwrap();
        assert_eq!(wave.first, 40, "2 s");
    }
    desk.said -= 8_000 * 3_600 * 24 * 365;
    desk.seconds(0.5, [Some(1_000.0), Some(1_000.0)]);
    let wave = desk.frame().unwrap().calls[0].sides[1]
        .wave
        .clone()
        .unwrap();
    assert_eq!(wave.first, 51, "2 blocks of 64 ms more than 2.5 s");
}

#[test]
fn a_page_that_comes_late_gets_all_that_there_is() {
    let mut desk = Desk::new();
    desk.seconds(40.0, [Some(1_000.0), Some(2_000.0)]);
    drop(desk.frame());
    assert_eq!(desk.frame(), None);
    let whole = desk.panels.whole(EpochMillis(desk.now));
    let [customer, operator] = &whole.calls[0].sides;
    assert!(customer.spectrum.is_some() && operator.spectrum.is_some());
    let wave = customer.wave.clone().unwrap();
    assert_eq!(wave.columns.len() as u64, WAVE_COLUMNS);
    assert_eq!(wave.first + WAVE_COLUMNS, 800, "40 s");
    assert_eq!(desk.frame(), None, "and others get nothing anew");
}

proptest! {
    /// Whatever comes, in whatever order, no panic, and a page that took each frame knows as
    /// much as one that comes new.
    #[test]
    fn frames_add_up_to_the_whole(steps in prop::collection::vec(
        (0_usize..9, 0_usize..3, any::<i32>(), 0_i64..9_000), 0..60,
    )) {
        let mut desk = Desk::new();
        let mut known: std::collections::BTreeMap<Arc<str>, About> = std::collections::BTreeMap::new();
        for (kind, call, number, time) in steps {
            desk.now += time;
            let contact = ["a", "b", "c"][call];
            let start = MediaTime::from_matroska(number.unsigned_abs().into(), 0, 1_000_000).unwrap();
            let what = match kind {
                0 => What::Began(Began::default()),
                1 => What::Reconnecting(Break::Cut),
                2 => What::Gap { direction: None, millis: number.unsigned_abs().into() },
                3 => What::Warning(number.to_string()),
                4 => What::Failed(number.to_string()),
                5 => What::Ended(Ending::Idle),
                _ => What::Sound(Block {
                    direction: Direction::BOTH[kind % 2],
                    start,
                    pcm: Bytes::from(vec![number.to_le_bytes()[0]; time as usize % 1_200]),
                }),
            };
            desk.happens_to(contact, what);
            if let Some(frame) = desk.frame() {
                for gone in &frame.gone {
                    known.remove(gone);
                }
                for call in frame.calls {
                    if let Some(about) = call.about {
                        known.insert(call.contact, about);
                    }
                }
            }
            let whole = desk.panels.whole(EpochMillis(desk.now));
            let whole = whole.calls.into_iter().map(|call| (call.contact, call.about.unwrap()));
            prop_assert_eq!(whole.collect::<std::collections::BTreeMap<_, _>>(), known.clone());
        }
    }
}
