use super::*;
use crate::failure::KeyTrouble;
use crate::media::attribution::Refusal;
use crate::media::fragment::{Direction, Fragment};
use crate::media::ticks::EpochMillis;
use crate::synth::{Oddity, SynthCall, SynthFragment, error_document, live_tail};
use proptest::prelude::*;

/// Limits under which no call ends before all that becomes of its connections is over.
const PATIENT: Limits = Limits {
    idle_end: Duration::from_secs(120),
    max_session: Duration::from_secs(40 * 60),
    max_silence: Duration::from_secs(10),
    retries: 9,
    retry_interval: Duration::from_secs(1),
};

/// A stream as KVS has it: each fragment with the time from which it can be read.
struct Stream {
    fragments: Vec<(Duration, SynthFragment)>,
    tails: bool,
}

/// What becomes of one request.
#[derive(Clone, Debug)]
enum Fate {
    /// A body that ends in good order after so many bytes.
    EndAfter(usize),
    /// One that breaks off after them.
    CutAfter(usize),
    /// One that says nothing any more after them.
    SilentAfter(usize),
    /// One that ends at this age.
    EndAt(Duration),
    /// One that goes on as long as there is media, and ends so long after it.
    WaitFor(Duration),
    /// An error in place of the fragment with this place among those that come.
    ErrorAt(usize, u32),
    /// No body.
    Refuse(FailureKind),
}

/// A body under way: since when, its fate, what is still to come, and how much was sent.
type Body = (Duration, Fate, VecDeque<(Duration, Vec<u8>)>, usize);

/// What a session gave.
#[derive(Debug, Default)]
struct Outcome {
    requests: Vec<(Duration, Start)>,
    own: Vec<Fragment>,
    found: Vec<Found>,
    stop: Option<Stop>,
    ended: Duration,
}

impl Outcome {
    /// One side's samples, one block behind the other.
    fn pcm(&self, side: Direction) -> Vec<u8> {
        let blocks = self.own.iter().flat_map(|fragment| &fragment.blocks);
        let blocks = blocks.filter(|block| block.direction == side);
        blocks.flat_map(|block| block.pcm.to_vec()).collect()
    }
}

/// What every side must be: what the stream's own fragments hold.
fn expected(call: &SynthCall, side: Direction) -> Vec<u8> {
    let mut demuxer = crate::media::demux::Demuxer::new();
    let own = call.fragments().filter(|fragment| !fragment.foreign);
    own.for_each(|fragment| demuxer.push(&fragment.document));
    let mut pcm = Vec::new();
    for document in demuxer.finish() {
        if let crate::media::demux::Document::Fragment(fragment) = document {
            let blocks = fragment.blocks.into_iter();
            let blocks = blocks.filter(|block| block.direction == side);
            pcm.extend(blocks.flat_map(|block| block.pcm.to_vec()));
        }
    }
    pcm
}

impl Stream {
    /// Each fragment is there when it is over, counted from the first one's start.
    fn of(call: &SynthCall, tails: bool) -> Self {
        let fragments: Vec<_> = call.fragments().collect();
        let own = fragments.iter().find(|fragment| !fragment.foreign);
        let began = own.map_or(0, |own| own.server_millis);
        let at =
            |millis: i64| Duration::from_millis(u64::try_from(millis - began + 1_100).unwrap_or(0));
        let fragments = fragments.into_iter();
        Self {
            fragments: fragments
                .map(|fragment| (at(fragment.server_millis), fragment))
                .collect(),
            tails,
        }
    }

    /// What comes from a start on: when, and which bytes.
    fn from(&self, start: Start, fate: &Fate) -> Vec<(Duration, Vec<u8>)> {
        let is_in = |fragment: &SynthFragment| match start {
            Start::At(time) => fragment.server_millis + 1_090 > time.0,
            Start::After(last) => fragment.number.parse::<FragmentNumber>().unwrap() > last,
        };
        let fragments = self
            .fragments
            .iter()
            .filter(|(_, fragment)| is_in(fragment));
        let piece = |(place, (at, fragment)): (usize, &(Duration, SynthFragment))| {
            if let Fate::ErrorAt(error, id) = fate
                && *error == place
            {
                return (*at, error_document(&fragment.number, *id, "AN_ERROR"));
            }
            let mut bytes = fragment.document.clone();
            if self.tails {
                bytes.extend(live_tail(&fragment.number, 7));
            }
            (*at, bytes)
        };
        fragments.enumerate().map(piece).collect()
    }
}

/// Runs a call to its end. Requests beyond the script's wait for media.
fn run(
    stream: &Stream,
    call: &SynthCall,
    limits: Limits,
    script: &[Fate],
    chunk: usize,
) -> Outcome {
    run_told(stream, call, limits, script, chunk, None)
}

fn run_told(
    stream: &Stream,
    call: &SynthCall,
    limits: Limits,
    script: &[Fate],
    chunk: usize,
    told: Option<Duration>,
) -> Outcome {
    let span = call.span();
    let subject = Subject {
        contacts: vec![call.contact.as_str().into()],
        started: EpochMillis(span.start_server_millis),
        start_fragment: span.start_fragment.parse().ok(),
        behind: None,
    };
    let mut now = Duration::ZERO;
    let mut session = Session::new("stream", subject, limits, 7, now);
    let mut script = script.iter().cloned();
    let mut outcome = Outcome::default();
    let mut body: Option<Body> = None;
    for _ in 0..1_000_000 {
        if told.is_some_and(|told| now >= told) {
            session.told_its_end(now);
        }
        let next = session.next(now);
        while let Some(found) = session.next_found() {
            match found {
                Found::Own(fragment) => outcome.own.push(fragment),
                found => outcome.found.push(found),
            }
        }
        match next {
            Next::Open(start) => {
                outcome.requests.push((now, start));
                let fate = script
                    .next()
                    .unwrap_or(Fate::WaitFor(Duration::from_secs(30)));
                body = None;
                if let Fate::Refuse(kind) = fate {
                    session.refused(Failure::new(kind, "stream", "refused"), now);
                    continue;
                }
                let pieces = stream.from(start, &fate);
                body = Some((now, fate, pieces.into(), 0));
                session.opened(now);
            }
            Next::Wait(until) => {
                assert!(until > now, "waiting takes time");
                now = told
                    .filter(|told| *told > now)
                    .map_or(until, |told| until.min(told));
            }
            Next::Stop(stop) => {
                outcome.stop = Some(stop);
                outcome.ended = now;
                return outcome;
            }
            Next::Read(until) => {
                assert!(until > now, "reading takes time");
                let until = told
                    .filter(|told| *told > now)
                    .map_or(until, |told| until.min(told));
                let (since, fate, pieces, sent) = body.as_mut().expect("a body is open");
                let left = match fate {
                    Fate::EndAfter(most) | Fate::CutAfter(most) | Fate::SilentAfter(most) => {
                        most.saturating_sub(*sent)
                    }
                    _ => usize::MAX,
                };
                if left == 0 {
                    match fate {
                        Fate::EndAfter(_) => session.body_ended(now),
                        Fate::CutAfter(_) => session.body_broke(now),
                        _ => now = until,
                    }
                    continue;
                }
                if let Fate::EndAt(age) = fate
                    && now >= *since + *age
                {
                    session.body_ended(now);
                    continue;
                }
                match pieces.front_mut() {
                    Some((at, bytes)) if *at <= now => {
                        let count = chunk.min(left).min(bytes.len());
                        session.push(&bytes[..count], now);
                        bytes.drain(..count);
                        *sent += count;
                        if bytes.is_empty() {
                            pieces.pop_front();
                        }
                    }
                    Some((at, _)) => now = until.min(*at),
                    None => {
                        let Fate::WaitFor(most) = fate else {
                            session.body_ended(now);
                            continue;
                        };
                        // It ends that long after what came last, or was asked for.
                        let last = stream.fragments.last().map_or(*since, |last| last.0);
                        let end = last.max(*since) + *most;
                        match end > until {
                            true => now = until,
                            false => {
                                now = now.max(end);
                                session.body_ended(now);
                            }
                        }
                    }
                }
            }
        }
    }
    panic!("no end: {session:?}, {} requests", outcome.requests.len());
}

#[track_caller]
fn check_complete(outcome: &Outcome, call: &SynthCall) {
    for side in Direction::BOTH {
        let (found, expected) = (outcome.pcm(side), expected(call, side));
        assert_eq!(found.len(), expected.len(), "{side}: {:?}", outcome.found);
        assert!(found == expected, "{side}");
    }
}

/// A call whose media is read from the stream's beginning.
fn from_the_beginning(call: &SynthCall) -> Subject {
    Subject {
        contacts: vec![call.contact.as_str().into()],
        started: EpochMillis(0),
        start_fragment: None,
        behind: None,
    }
}

fn call(millis: u64) -> SynthCall {
    SynthCall {
        millis,
        ..SynthCall::default()
    }
}

#[test]
fn a_call_is_read_to_its_idle_end() {
    for tails in [true, false] {
        let call = call(30_000);
        let outcome = run(
            &Stream::of(&call, tails),
            &call,
            Limits::default(),
            &[],
            1_000,
        );
        check_complete(&outcome, &call);
        assert_eq!(outcome.stop, Some(Stop::Ended(Ending::Idle)));
        let quiet = outcome.ended.as_secs_f64() - 30.0;
        assert!((20.0..32.0).contains(&quiet), "{quiet}");
        // The last fragment is there before the call is known to be over.
        assert!(matches!(outcome.requests[0].1, Start::At(_)));
    }
}

/// Media that is live is seen when it is whole, without waiting for what follows.
#[test]
fn a_fragment_counts_as_soon_as_its_last_tags_are_there() {
    let call = call(6_000);
    let mut documents = call
        .fragments()
        .map(|fragment| [fragment.document, live_tail(&fragment.number, 3)].concat());
    let mut intake = Intake::new(vec![call.contact.as_str().into()], None, None);
    intake.begin();
    let first = documents.next().unwrap();
    intake.push(&first[..first.len() - 1]);
    assert_eq!(intake.next_taken(), None);
    intake.push(&first[first.len() - 1..]);
    assert!(matches!(intake.next_taken(), Some(Taken::Own(_))));
    assert!(intake.is_between());
}

#[test]
fn a_clean_end_after_some_fragments_goes_on_behind_the_last_whole_one() {
    let call = call(20_000);
    let fragments: Vec<_> = call.fragments().collect();
    for (tails, after) in [(true, 5), (false, 4)] {
        let stream = Stream::of(&call, tails);
        let sent = stream.from(Start::At(EpochMillis(0)), &Fate::EndAfter(0));
        let bytes = sent[..5].iter().map(|(_, bytes)| bytes.len()).sum();
        let outcome = run(
            &stream,
            &call,
            Limits::default(),
            &[Fate::EndAfter(bytes)],
            700,
        );
        check_complete(&outcome, &call);
        // Without its tags behind it, nothing proves that the fifth was whole.
        let last = fragments[after - 1].number.parse().unwrap();
        assert_eq!(outcome.requests[1].1, Start::After(last), "tails: {tails}");
    }
}

#[test]
fn a_cut_inside_of_a_fragment_doubles_and_loses_nothing() {
    let call = call(10_000);
    for tails in [true, false] {
        let stream = Stream::of(&call, tails);
        let sent = stream.from(Start::At(EpochMillis(0)), &Fate::EndAfter(0));
        let whole: usize = sent[..3].iter().map(|(_, bytes)| bytes.len()).sum();
        let fragment = sent[3].1.len();
        for at in [
            1,
            17,
            40,
            200,
            1_000,
            fragment / 2,
            fragment - 40,
            fragment - 1,
        ] {
            for fate in [
                Fate::CutAfter(whole + at),
                Fate::EndAfter(whole + at),
                Fate::SilentAfter(whole + at),
            ] {
                let outcome = run(&stream, &call, Limits::default(), &[fate], 333);
                check_complete(&outcome, &call);
            }
        }
    }
}

/// Three hours, which KVS ends every 40 minutes: 346 MB of audio, each sample another one, so that
/// none can be doubled, missing or at another place. The documents are one whose numbers change.
#[test]
fn three_hours_take_five_requests_and_lack_nothing() {
    let template = call(1_088);
    let (fragment, tail) = {
        let fragment = template.fragments().next().unwrap();
        let tail = live_tail(&fragment.number, 7);
        (fragment, tail)
    };
    let mut demuxer = crate::media::demux::Demuxer::new();
    demuxer.push(&fragment.document);
    let Some(crate::media::demux::Document::Fragment(read)) = demuxer.finish().next() else {
        panic!("a fragment")
    };
    let place = |part: &[u8]| {
        let mut windows = fragment.document.windows(part.len());
        windows.position(|window| window == part).unwrap()
    };
    let number_at = place(fragment.number.as_bytes()) + fragment.number.len() - 12;
    let blocks: Vec<_> = read
        .blocks
        .iter()
        .map(|block| (block.direction, place(&block.pcm), block.pcm.len() / 2))
        .collect();
    // The counter stands where nothing but noise was.
    let number = |index: u64| {
        let before = &fragment.number[..fragment.number.len() - 12];
        format!("{before}{index:012}")
            .parse::<FragmentNumber>()
            .unwrap()
    };
    let fill = |index: u64, document: &mut Vec<u8>, next: &mut [u32; 2]| {
        document.clear();
        document.extend_from_slice(&fragment.document);
        document[number_at..][..12].copy_from_slice(format!("{index:012}").as_bytes());
        for (direction, at, samples) in &blocks {
            for sample in document[*at..][..samples * 2].as_chunks_mut::<2>().0 {
                *sample = value(next[direction.index()]);
                next[direction.index()] += 1;
            }
        }
        document.extend_from_slice(&tail);
    };
    let count = 3 * 3_600_000 / 1_088;
    let per_request = 40 * 60_000 / 1_088;
    let mut now = Duration::ZERO;
    let mut session = Session::new(
        "s",
        from_the_beginning(&template),
        Limits::default(),
        1,
        now,
    );
    let (mut requests, mut document, mut written) = (Vec::new(), Vec::new(), [0_u32; 2]);
    let (mut index, mut sent_here) = (0, 0);
    let mut heard = [0_u32; 2];
    while index < count {
        match session.next(now) {
            Next::Open(start) => {
                requests.push((now.as_secs() / 60, start));
                session.opened(now);
                sent_here = 0;
            }
            Next::Wait(until) => now = until,
            Next::Stop(stop) => panic!("{stop:?}"),
            Next::Read(_) if sent_here == per_request => session.body_ended(now),
            Next::Read(_) => {
                let mut next = written;
                fill(index, &mut document, &mut next);
                now += Duration::from_millis(1_088);
                // Each connection is cut inside of its last fragment, which comes again.
                match sent_here + 1 == per_request {
                    true => session.push(&document[..document.len() / 2], now),
                    false => {
                        session.push(&document, now);
                        (index, written) = (index + 1, next);
                    }
                }
                sent_here += 1;
            }
        }
        while let Some(found) = session.next_found() {
            let Found::Own(fragment) = found else {
                assert_eq!(found, Found::Reconnecting(Break::Ended));
                continue;
            };
            for block in &fragment.blocks {
                let next = &mut heard[block.direction.index()];
                for sample in block.pcm.as_chunks::<2>().0 {
                    assert_eq!(*sample, value(*next));
                    *next += 1;
                }
            }
        }
    }
    assert_eq!(heard, written);
    assert_eq!(session.last(), Some(number(count - 1)));
    let minutes: Vec<_> = requests.iter().map(|(minute, _)| *minute).collect();
    assert_eq!(minutes, [0, 39, 79, 119, 159]);
    let behind = Start::After(number(per_request - 2));
    assert_eq!(requests[1].1, behind);
    println!("{count} fragments, {} samples of each side", heard[0]);
}

/// Another value for each of 65,536 samples in a row.
fn value(index: u32) -> [u8; 2] {
    let [low, high, ..] = index.to_le_bytes();
    [low, high]
}

#[test]
fn a_connection_is_changed_before_kvs_ends_it() {
    let call = call(150_000);
    let limits = Limits {
        max_session: Duration::from_secs(40),
        ..Limits::default()
    };
    for tails in [true, false] {
        let outcome = run(&Stream::of(&call, tails), &call, limits, &[], 500);
        check_complete(&outcome, &call);
        let planned = Found::Reconnecting(Break::Planned);
        let planned = outcome
            .found
            .iter()
            .filter(|found| **found == planned)
            .count();
        assert!(planned >= 3, "{:?}", outcome.requests);
    }
}

#[test]
fn another_contact_ends_the_call_and_is_not_in_it() {
    for odd in [vec![], vec![Oddity::TwoContacts], vec![Oddity::OddCuts]] {
        for untagged_tail in [false, true] {
            let call = SynthCall {
                reuse: true,
                untagged_tail,
                odd: odd.clone(),
                leg_before: Some("leg-before".into()),
                ..call(12_000)
            };
            let limits = Limits {
                idle_end: Duration::from_secs(600),
                ..Limits::default()
            };
            let outcome = run(&Stream::of(&call, true), &call, limits, &[], 4_096);
            assert_eq!(outcome.stop, Some(Stop::Ended(Ending::NextContact)));
            if odd != [Oddity::TwoContacts] {
                check_complete(&outcome, &call);
            }
        }
    }
}

/// A run's last fragment without any tags comes again after each reconnection, and counts once.
#[test]
fn an_untagged_last_fragment_counts_once() {
    let call = SynthCall {
        untagged_tail: true,
        ..call(8_000)
    };
    for tails in [true, false] {
        let outcome = run(
            &Stream::of(&call, tails),
            &call,
            Limits::default(),
            &[],
            512,
        );
        check_complete(&outcome, &call);
        assert!(outcome.requests.len() > 1);
    }
}

#[test]
fn a_gap_shorter_than_the_idle_end_is_waited_for() {
    let call = SynthCall {
        holds: [(5_000, 20_000)].map(|(from, to)| from..to).into(),
        ..call(30_000)
    };
    let outcome = run(&Stream::of(&call, true), &call, Limits::default(), &[], 512);
    check_complete(&outcome, &call);
    assert_eq!(outcome.stop, Some(Stop::Ended(Ending::Idle)));
    let silent = Found::Reconnecting(Break::Silent);
    assert!(outcome.found.contains(&silent), "{:?}", outcome.found);
}

#[test]
fn what_connect_says_ends_it_soon() {
    let call = call(10_000);
    let stream = Stream::of(&call, true);
    let told = Some(Duration::from_secs(10));
    let outcome = run_told(&stream, &call, Limits::default(), &[], 512, told);
    check_complete(&outcome, &call);
    assert_eq!(outcome.stop, Some(Stop::Ended(Ending::Disconnected)));
    let ended = outcome.ended.as_secs();
    assert!((15..=18).contains(&ended), "{ended}");
    // Told long before the media ends: it is read as long as it comes.
    let outcome = run_told(
        &stream,
        &call,
        Limits::default(),
        &[],
        512,
        Some(Duration::ZERO),
    );
    check_complete(&outcome, &call);
}

#[test]
fn refusals_are_counted_and_the_network_is_waited_for() {
    let call = call(10_000);
    let stream = Stream::of(&call, true);
    #[track_caller]
    fn check(
        stream: &Stream,
        call: &SynthCall,
        script: &[Fate],
        requests: usize,
        kind: FailureKind,
    ) {
        let outcome = run(stream, call, Limits::default(), script, 512);
        let Some(Stop::Failed(failure)) = &outcome.stop else {
            panic!("{:?}", outcome.stop)
        };
        assert_eq!((outcome.requests.len(), failure.kind), (requests, kind));
    }
    let denied = FailureKind::Denied("kinesisvideo:GetMedia");
    check(&stream, &call, &[Fate::Refuse(denied)], 1, denied);
    let missing = FailureKind::StreamMissing;
    check(&stream, &call, &[Fate::Refuse(missing)], 1, missing);
    let throttled = FailureKind::Throttled;
    check(
        &stream,
        &call,
        &vec![Fate::Refuse(throttled); 9],
        4,
        throttled,
    );
    let lost = FailureKind::ConnectionLost;
    check(&stream, &call, &vec![Fate::Refuse(lost); 9], 4, lost);
    // A refusal that passes is forgotten.
    let script: Vec<_> = (0..3).map(|_| Fate::Refuse(throttled)).collect();
    let outcome = run(&stream, &call, Limits::default(), &script, 512);
    check_complete(&outcome, &call);
    // A call that has begun waits for the network much longer than it waits for media.
    let mut script = vec![Fate::CutAfter(40_000)];
    script.extend((0..12).map(|_| Fate::Refuse(lost)));
    let outcome = run(&stream, &call, Limits::default(), &script, 512);
    check_complete(&outcome, &call);
    assert!(
        outcome.ended > Duration::from_secs(150),
        "{:?}",
        outcome.ended
    );
    assert_eq!(outcome.stop, Some(Stop::Ended(Ending::Idle)));
    // But not for ever.
    script.extend((0..200).map(|_| Fate::Refuse(lost)));
    let outcome = run(&stream, &call, Limits::default(), &script, 512);
    assert!(matches!(outcome.stop, Some(Stop::Failed(_))));
    assert!(outcome.ended < MAX_OUTAGE * 2);
}

#[test]
fn requests_are_never_closer_than_kvs_allows() {
    let call = call(20_000);
    let script: Vec<_> = (0..60).map(|_| Fate::EndAfter(4_000)).collect();
    let limits = Limits {
        retry_interval: Duration::ZERO,
        ..Limits::default()
    };
    let outcome = run(&Stream::of(&call, true), &call, limits, &script, 512);
    let requests = outcome.requests.windows(2);
    assert!(
        requests
            .clone()
            .all(|two| two[1].0 - two[0].0 >= MIN_BETWEEN)
    );
}

#[test]
fn an_error_in_a_fragments_place_is_asked_for_again() {
    let call = call(12_000);
    let stream = Stream::of(&call, true);
    // Fresh fragments are there soon after.
    for id in [3000, 4000, 5000] {
        let script = [Fate::ErrorAt(3, id), Fate::ErrorAt(0, id)];
        let outcome = run(&stream, &call, Limits::default(), &script, 512);
        check_complete(&outcome, &call);
        assert!(
            !outcome
                .found
                .iter()
                .any(|found| matches!(found, Found::Lost(_)))
        );
    }
    // One that never comes is left out, and told.
    let lossy = SynthCall {
        lose: vec![4],
        ..call.clone()
    };
    let outcome = run(
        &Stream::of(&lossy, true),
        &lossy,
        Limits::default(),
        &[],
        512,
    );
    check_complete(&outcome, &lossy);
    let lost = outcome
        .found
        .iter()
        .filter(|found| matches!(found, Found::Lost(_)));
    assert_eq!(lost.count(), 1);
    assert_eq!(outcome.stop, Some(Stop::Ended(Ending::Idle)));
    // What the key says is final.
    let outcome = run(
        &stream,
        &call,
        Limits::default(),
        &[Fate::ErrorAt(2, 4501)],
        512,
    );
    let Some(Stop::Failed(failure)) = outcome.stop else {
        panic!("{:?}", outcome.stop)
    };
    assert_eq!(failure.kind, FailureKind::Key(KeyTrouble::Disabled));
    assert_eq!(outcome.own.len(), 2);
}

#[test]
fn a_call_whose_media_never_comes_is_told_and_ends() {
    let call = call(5_000);
    let nothing = Stream {
        fragments: Vec::new(),
        tails: true,
    };
    let outcome = run(&nothing, &call, Limits::default(), &[], 512);
    assert!(outcome.found.contains(&Found::NothingYet));
    assert_eq!(outcome.stop, Some(Stop::Ended(Ending::Idle)));
    assert!((40..60).contains(&outcome.ended.as_secs()));
}

/// Media that no tag proves to be the call's is left out and told.
#[test]
fn what_nothing_proves_is_left_out() {
    let foreign = SynthCall {
        contact: "somebody-else".into(),
        ..call(5_000)
    };
    let stream = Stream::of(&foreign, true);
    let outcome = run(&stream, &call(5_000), Limits::default(), &[], 512);
    assert!(outcome.own.is_empty());
    // A session that names nobody before another one begins, between what is the call's.
    let own = call(12_000);
    let mut stream = Stream::of(&own, true);
    stream.fragments[5].1.document = untagged(&stream.fragments[5].1.document);
    let outcome = run(&stream, &own, Limits::default(), &[], 512);
    let unproven = Found::Unproven(Refusal::Untagged);
    assert!(outcome.found.contains(&unproven), "{:?}", outcome.found);
    assert_eq!(outcome.own.len(), stream.fragments.len() - 1);
}

/// The document with another session, and a name for the contact's tag that nobody knows.
fn untagged(document: &[u8]) -> Vec<u8> {
    let mut bytes = document.to_vec();
    while let Some(at) = bytes.windows(9).position(|window| window == b"ContactId") {
        bytes[at] = b'X';
    }
    let uid = bytes
        .windows(3)
        .position(|window| window == [0x73, 0xa4, 0x90]);
    bytes[uid.unwrap() + 3] ^= 0xff;
    bytes
}

#[test]
fn when_the_monitor_ends_what_came_so_far_is_kept() {
    let call = call(10_000);
    let now = Duration::ZERO;
    let mut session = Session::new("s", from_the_beginning(&call), Limits::default(), 1, now);
    assert!(matches!(session.next(now), Next::Open(_)));
    session.opened(now);
    let mut media = Vec::new();
    call.write_stream(&mut media, |_| ()).unwrap();
    let came = media.len() / 2;
    session.push(&media[..came], now);
    session.shut();
    assert_eq!(session.next(now), Next::Stop(Stop::Ended(Ending::Stopped)));
    let mut outcome = Outcome::default();
    while let Some(found) = session.next_found() {
        match found {
            Found::Own(fragment) => outcome.own.push(fragment),
            found => panic!("{found:?}"),
        }
    }
    let whole = expected(&call, Direction::FromCustomer);
    let kept = outcome.pcm(Direction::FromCustomer);
    assert!(whole.starts_with(&kept));
    assert!(
        kept.len() * 2 > whole.len() - 4_000,
        "{} of {}",
        kept.len(),
        whole.len()
    );
}

/// The last fragment, which has no tag, comes whole, and then once more, cut off.
#[test]
fn what_came_whole_is_not_taken_again_when_it_comes_cut_off() {
    let call = SynthCall {
        untagged_tail: true,
        ..call(5_000)
    };
    let stream = Stream::of(&call, true);
    let whole: usize = stream
        .from(Start::At(EpochMillis(0)), &Fate::EndAfter(0))
        .iter()
        .map(|(_, piece)| piece.len())
        .sum();
    for cut in [1_283, 4_000, 20_000] {
        let fates = [
            Fate::EndAfter(whole),
            Fate::EndAfter(cut),
            Fate::CutAfter(cut),
        ];
        let outcome = run(&stream, &call, Limits::default(), &fates, 1_000);
        check_complete(&outcome, &call);
    }
}

/// A call's last fragment need not say its number, nor whose it is. Broken off within its first
/// block it has no time either, by which it would be known when it comes again.
#[test]
fn an_unnamed_end_that_broke_off_anywhere_comes_once() {
    let call = SynthCall {
        untagged_tail: true,
        ..call(3_000)
    };
    let stream = Stream::of(&call, false);
    let (_, tail) = stream.fragments.last().unwrap();
    let before = stream.fragments.iter().rev().skip(1);
    let before: usize = before.map(|(_, fragment)| fragment.document.len()).sum();
    for cut in (1..tail.document.len().min(3_000)).step_by(59) {
        for fate in [Fate::EndAfter, Fate::CutAfter, Fate::SilentAfter] {
            let fates = [fate(before + cut)];
            let outcome = run(&stream, &call, PATIENT, &fates, 1_000);
            check_complete(&outcome, &call);
            assert_eq!(outcome.stop, Some(Stop::Ended(Ending::Idle)), "{fates:?}");
        }
    }
}

/// Runs a call whose first body breaks off, and so many errors come in the place of what follows.
fn run_answered_by_errors(
    stream: &Stream,
    call: &SynthCall,
    sent: usize,
    errors: usize,
) -> Outcome {
    let mut fates = vec![Fate::EndAfter(sent)];
    fates.extend(vec![Fate::ErrorAt(0, 3_000); errors]);
    run(stream, call, PATIENT, &fates, 1_000)
}

/// What broke off is asked for again, and KVS answers by errors before it gives it: it may be this
/// very fragment's place that they have.
#[test]
fn what_broke_off_and_is_answered_by_an_error_comes_once() {
    for untagged_tail in [true, false] {
        let call = SynthCall {
            untagged_tail,
            ..call(3_000)
        };
        let stream = Stream::of(&call, false);
        let mut begin = 0;
        for (_, fragment) in &stream.fragments {
            for cut in [1_283, 9_000, fragment.document.len()] {
                for errors in 1..4 {
                    let outcome = run_answered_by_errors(&stream, &call, begin + cut, errors);
                    check_complete(&outcome, &call);
                }
            }
            begin += fragment.document.len();
        }
    }
}

/// KVS gives up a fragment of which the beginning came before: that is kept, and the rest is told
/// once as missing.
#[test]
fn what_came_of_a_fragment_that_is_given_up_is_kept() {
    for untagged_tail in [true, false] {
        let call = SynthCall {
            untagged_tail,
            ..call(5_000)
        };
        let stream = Stream::of(&call, false);
        let lengths = stream.fragments.iter().map(|(_, one)| one.document.len());
        let lengths: Vec<_> = lengths.collect();
        for place in [1, lengths.len() - 1] {
            let begin: usize = lengths[..place].iter().sum();
            let outcome = run_answered_by_errors(&stream, &call, begin + 9_000, 4);
            let lost = outcome.found.iter();
            let lost = lost.filter(|found| matches!(found, Found::Lost(_)));
            assert_eq!(lost.count(), 1, "{place}: {:?}", outcome.found);
            let starts: Vec<_> = outcome.own.iter().map(Fragment::start).collect();
            assert!(starts.is_sorted() && starts.len() == lengths.len());
            let came = |fragment: &Fragment| fragment.blocks.iter().map(|one| one.pcm.len()).sum();
            let came: Vec<usize> = outcome.own.iter().map(came).collect();
            assert!((8_000..9_000).contains(&came[place]), "{came:?}");
        }
    }
}

/// What came of it is told before what is missing, so that the gap is seen to be behind it.
#[test]
fn what_is_missing_is_told_behind_what_came() {
    for untagged_tail in [true, false] {
        let call = SynthCall {
            untagged_tail,
            ..call(3_000)
        };
        let fragments: Vec<_> = call.fragments().collect();
        let (last, before) = fragments.split_last().unwrap();
        let mut intake = Intake::new(vec![call.contact.as_str().into()], None, None);
        let mut read = |bodies: &[&[u8]]| {
            intake.begin();
            bodies.iter().for_each(|bytes| intake.push(bytes));
            intake.end();
            std::iter::from_fn(|| intake.next_taken()).collect::<Vec<_>>()
        };
        let mut first: Vec<&[u8]> = before.iter().map(|one| &one.document[..]).collect();
        first.push(&last.document[..9_000]);
        assert_eq!(read(&first).len(), before.len());
        let error = error_document(&last.number, 3_000, "AN_ERROR");
        for times in 1..4 {
            assert!(matches!(read(&[&error])[..], [Taken::Error(asked)] if asked == times));
        }
        assert!(matches!(
            read(&[&error])[..],
            [Taken::Own(_), Taken::Lost(_)]
        ));
        assert_eq!(read(&[&error]), []);
    }
}

/// A call that was over by its silence goes on in the same upload session: its last fragment,
/// which says no number, stands before what is new, and came already.
#[test]
fn what_came_before_a_call_rested_is_not_taken_again() {
    let call = SynthCall {
        untagged_tail: true,
        ..call(5_000)
    };
    let longer = self::call(7_000);
    let documents =
        |call: &SynthCall| -> Vec<_> { call.fragments().map(|one| one.document).collect() };
    let (before, after) = (documents(&call), documents(&longer));
    let end = before.len() - 1;
    let mut now = Duration::ZERO;
    let mut session = Session::new("s", from_the_beginning(&call), PATIENT, 1, now);
    let mut starts = Vec::new();
    for media in [&before[..], &[&before[end..], &after[end + 1..]].concat()] {
        assert!(matches!(session.next(now), Next::Open(_)));
        session.opened(now);
        media.iter().for_each(|one| session.push(one, now));
        session.shut();
        while let Some(found) = session.next_found() {
            match found {
                Found::Own(fragment) => starts.push(fragment.start()),
                found => panic!("{found:?}"),
            }
        }
        session.resume(PATIENT, now);
        now += Duration::from_secs(60);
    }
    let all: Vec<_> = longer.fragments().collect();
    assert_eq!(starts.len(), all.len());
    starts.dedup();
    assert!(
        starts.len() == all.len() && starts.is_sorted(),
        "{starts:?}"
    );
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        (0_usize..90_000).prop_map(Fate::EndAfter),
        (0_usize..90_000).prop_map(Fate::CutAfter),
        (0_usize..90_000).prop_map(Fate::SilentAfter),
        (0_u64..9_000).prop_map(|millis| Fate::EndAt(Duration::from_millis(millis))),
        (0_usize..6, prop::sample::select(vec![3000, 4000, 5000]))
            .prop_map(|(place, id)| Fate::ErrorAt(place, id)),
        Just(Fate::Refuse(FailureKind::Throttled)),
        Just(Fate::Refuse(FailureKind::ConnectionLost)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever becomes of the connections, no sample is doubled, and none is missing of a call
    /// that does not fail.
    #[test]
    fn no_way_of_breaking_doubles_or_loses_a_sample(
        fates in prop::collection::vec(any_fate(), 0..7),
        chunk in 1_usize..5_000,
        tails: bool,
        reuse: bool,
        untagged_tail: bool,
        rotates: bool,
        odd in prop::sample::subsequence(vec![Oddity::OddCuts, Oddity::NestedTags, Oddity::UnknownElements, Oddity::OtherTrack], 0..3),
    ) {
        let call = SynthCall {
            reuse,
            untagged_tail,
            odd,
            rotate_at_millis: rotates.then_some(7_000),
            ..call(14_000)
        };
        let outcome = run(&Stream::of(&call, tails), &call, PATIENT, &fates, chunk);
        prop_assert!(matches!(outcome.stop, Some(Stop::Ended(_))), "{:?}", outcome.stop);
        for side in Direction::BOTH {
            prop_assert!(outcome.pcm(side) == expected(&call, side), "{side}: {:?}", outcome.requests);
        }
    }
}
