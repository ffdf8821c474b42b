use super::*;
use crate::media::ticks::EpochMillis;

fn policy() -> Policy {
    Policy::new("rec/", "https://d.example/")
}

fn entry(start: &str, stop: &str) -> RecordingEntry {
    RecordingEntry {
        storage: Some(KVS.into()),
        location: Some("arn:aws:kinesisvideo:us-east-1:1:stream/s/1".into()),
        start_fragment: start.parse().ok(),
        stop_fragment: stop.parse().ok(),
        ..RecordingEntry::default()
    }
}

fn record(attributes: &[(&str, &str)], recordings: Vec<RecordingEntry>) -> ContactRecord {
    ContactRecord {
        contact: "leg2".into(),
        initial_contact: Some("leg1".into()),
        channel: Some("VOICE".into()),
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        recordings,
        ..ContactRecord::default()
    }
}

/// A decision as text: the start fragment and the files, or the reason to skip.
fn summary(record: &ContactRecord) -> Vec<String> {
    told(record, &policy())
}

fn told(record: &ContactRecord, policy: &Policy) -> Vec<String> {
    decide(record, policy)
        .into_iter()
        .map(|decision| match decision {
            Decision::Record(plan) => {
                let outputs: Vec<_> = plan
                    .authorisation
                    .outputs()
                    .iter()
                    .map(|output| output.name())
                    .collect();
                let noted = match plan.urls {
                    Urls::OnContact => " (noted)",
                    Urls::Lacking | Urls::NotForContact => "",
                };
                format!("{} {}{noted}", plan.id.start, outputs.join("+"))
            }
            Decision::Skip(reason) => reason.to_string(),
        })
        .collect()
}

#[track_caller]
fn check(record: &ContactRecord, expected: &[&str]) {
    assert_eq!(summary(record), expected);
}

#[test]
fn authorisation_is_one_two_or_three() {
    #[track_caller]
    fn check_auth(auth: Option<&str>, expected: &str) {
        let attributes: Vec<_> = auth
            .map(|auth| (RECORDING_AUTH, auth))
            .into_iter()
            .collect();
        check(&record(&attributes, vec![entry("10", "20")]), &[expected]);
    }
    check_auth(Some("1"), "10 from");
    check_auth(Some("2"), "10 to");
    check_auth(Some("3"), "10 from+to+mixed");
    check_auth(
        Some("0"),
        "recordingAuth \"0\" authorises nothing (1, 2 or 3 do)",
    );
    check_auth(
        Some(""),
        "recordingAuth \"\" authorises nothing (1, 2 or 3 do)",
    );
    // Numbers, as JSON has them and as something on the way wrote them.
    check_auth(Some(" 3 "), "10 from+to+mixed");
    check_auth(Some("3.0"), "10 from+to+mixed");
    check_auth(Some("1.00"), "10 from");
    for (auth, told) in [
        ("true", " true, which does not say which side,"),
        ("false", " false"),
        ("yes", ": another value (3 bytes)"),
        ("3.", ": another value (2 bytes)"),
        ("3.01", ": another value (4 bytes)"),
        ("3e0", ": another value (3 bytes)"),
        ("13", ": another value (2 bytes)"),
        ("+1 206 555 0100", ": another value (15 bytes)"),
        ("[\"3\"]", ": a list (5 bytes)"),
        ("{\"to\": true}", ": an object (12 bytes)"),
    ] {
        let reason = format!("recordingAuth{told} authorises nothing (1, 2 or 3 do)");
        check_auth(Some(auth), &reason);
    }
    check_auth(None, "recordingAuth not set");
}

#[test]
fn only_voice_in_kvs_is_recorded() {
    let mut chat = record(&[(RECORDING_AUTH, "3")], vec![entry("10", "20")]);
    chat.channel = Some("CHAT".into());
    check(&chat, &["channel CHAT, not VOICE"]);
    chat.channel = None;
    check(&chat, &["channel not given, not VOICE"]);
    let s3 = RecordingEntry {
        storage: Some("S3".into()),
        ..entry("10", "20")
    };
    check(
        &record(&[(RECORDING_AUTH, "3")], vec![s3.clone()]),
        &["no recording in a Kinesis video stream"],
    );
    check(
        &record(&[], vec![]),
        &["no recording in a Kinesis video stream"],
    );
    check(
        &record(&[(RECORDING_AUTH, "1")], vec![s3, entry("10", "20")]),
        &["10 from"],
    );
}

#[test]
fn every_recording_of_a_contact_is_its_own_and_listed_once() {
    let both = vec![entry("10", "20"), entry("30", "40"), entry("10", "20")];
    check(
        &record(&[(RECORDING_AUTH, "1")], both),
        &["10 from", "30 from"],
    );
}

/// A recording that one record lists twice is as wide as both entries say.
#[test]
fn of_two_entries_with_one_start_the_wider_range_holds() {
    let timed = |start: &str, stop: &str, times: [i64; 2]| RecordingEntry {
        started: Some(EpochMillis(times[0])),
        stopped: Some(EpochMillis(times[1])),
        ..entry(start, stop)
    };
    let check =
        |entries: Vec<RecordingEntry>, stop: Option<&str>, times: (Option<i64>, Option<i64>)| {
            let both_ways = [entries.clone(), entries.into_iter().rev().collect()];
            for entries in both_ways {
                let decisions = decide(&record(&[(RECORDING_AUTH, "1")], entries), &policy());
                let [Decision::Record(plan)] = &decisions[..] else {
                    panic!("{decisions:?}")
                };
                assert_eq!(
                    plan.claim.range.stop,
                    stop.and_then(|stop| stop.parse().ok())
                );
                let window = (
                    plan.times.started.map(|time| time.0),
                    plan.times.stopped.map(|time| time.0),
                );
                assert_eq!(window, times);
            }
        };
    let short = || timed("10", "20", [1_000, 2_000]);
    check(
        vec![short(), timed("10", "30", [2_000, 4_000])],
        Some("30"),
        (Some(1_000), Some(4_000)),
    );
    check(
        vec![short(), timed("10", "9999", [1_000, 1_500])],
        Some("9999"),
        (Some(1_000), Some(2_000)),
    );
    // Without a stop it reaches as far as there is media of the call.
    check(vec![short(), entry("10", "")], None, (None, None));
    check(
        vec![short(), short()],
        Some("20"),
        (Some(1_000), Some(2_000)),
    );
    let elsewhere = RecordingEntry {
        location: Some("arn:aws:kinesisvideo:us-east-1:1:stream/t/1".into()),
        ..entry("10", "20")
    };
    let told = summary(&record(
        &[(RECORDING_AUTH, "1")],
        vec![elsewhere, entry("10", "30")],
    ));
    assert!(
        told[0] == "10 from" && told[1].contains("on different streams"),
        "{told:?}"
    );
}

#[test]
fn contacts_of_instances_that_are_not_served_are_left() {
    let check_served = |instances: &[&str], instance: Option<&str>, expected: &str| {
        let policy = Policy {
            instances: instances.iter().map(|id| (*id).into()).collect(),
            ..policy()
        };
        let record = ContactRecord {
            instance: instance.map(Box::from),
            ..record(&[(RECORDING_AUTH, "1")], vec![entry("10", "20")])
        };
        assert_eq!(told(&record, &policy), [expected]);
    };
    check_served(&[], Some("a"), "10 from");
    check_served(&["a", "b"], Some("b"), "10 from");
    check_served(
        &["a", "b"],
        Some("c"),
        "Connect instance c, which is not served here",
    );
    // Nothing says that it is another's.
    check_served(&["a"], None, "10 from");
}

#[test]
fn attributes_say_what_is_done() {
    let two = || vec![entry("10", "20"), entry("30", "40")];
    #[track_caller]
    fn check_held(value: &str, recordings: Vec<RecordingEntry>, expected: &[&str]) {
        check(
            &record(
                &[(RECORDING_AUTH, "1"), ("audioFromCustomer", value)],
                recordings,
            ),
            expected,
        );
    }
    check_held(
        "https://d.example/rec/2025/10/09/leg2_10_from.wav",
        two(),
        &["10 from (noted)", "30 from"],
    );
    check_held(
        "https://d.example/rec/2025/10/09/leg2.wav",
        two(),
        &["10 from (noted)", "30 from (noted)"],
    );
    check_held(
        "https://d.example/rec/2025/10/09/leg1_5_from.wav",
        two(),
        &["10 from", "30 from"],
    );
    check_held("", two(), &["10 from", "30 from"]);
    let not_ours = "audioFromCustomer holds a value that Callreel did not write \
                    (URLs of ours start with https://d.example/rec/)";
    check_held(
        "https://other.example/leg2_10_from.wav",
        two(),
        &[not_ours, not_ours],
    );
    // What is not authorised is not looked at; what is must all be there.
    let url = "https://d.example/rec/2025/10/09/leg2_10_from.wav";
    check(
        &record(
            &[(RECORDING_AUTH, "2"), ("audioFromCustomer", url)],
            vec![entry("10", "20")],
        ),
        &["10 to"],
    );
    check(
        &record(
            &[(RECORDING_AUTH, "3"), ("audioFromCustomer", url)],
            vec![entry("10", "20")],
        ),
        &["10 from+to+mixed"],
    );
}

#[test]
fn a_record_that_does_not_locate_its_audio_says_so() {
    let check_entry = |entry: RecordingEntry, missing: &str| {
        let reason = format!("the record does not say where the audio is: {missing}");
        check(&record(&[(RECORDING_AUTH, "1")], vec![entry]), &[&reason]);
    };
    check_entry(
        RecordingEntry {
            location: None,
            ..entry("10", "20")
        },
        "no Location",
    );
    check_entry(
        entry("", ""),
        "neither FragmentStartNumber nor StartTimestamp",
    );
    check_entry(
        entry("20", "10"),
        "FragmentStartNumber lies behind FragmentStopNumber",
    );
    let bad = RecordingEntry {
        bad_number: Some("1o".into()),
        ..entry("", "20")
    };
    check_entry(bad, "fragment number \"1o\" is not decimal digits");
    for number in ["9e3", "12.0", "inf"] {
        let bad = RecordingEntry {
            bad_number: Some(number.into()),
            ..entry("", "20")
        };
        check_entry(
            bad,
            &format!("fragment number {number:?} is not decimal digits"),
        );
    }
    let long = "1".repeat(63);
    let reason =
        format!("fragment number {long:?}: a fragment number has at most 62 digits, this one 63");
    let bad = RecordingEntry {
        bad_number: Some(long.into()),
        ..entry("", "20")
    };
    check_entry(bad, &reason);
    let float = RecordingEntry {
        bad_number: Some("9.134385233318143e46".into()),
        ..entry("", "20")
    };
    check_entry(
        float,
        "fragment number 9.134385233318143e46 went through a floating-point number and lost its digits",
    );
    let odd = RecordingEntry {
        odd: Some("a text"),
        ..RecordingEntry::default()
    };
    check_entry(odd, "an entry of Recordings is a text");
    let by_time = RecordingEntry {
        started: Some(EpochMillis(1_000)),
        ..entry("", "20")
    };
    check(
        &record(&[(RECORDING_AUTH, "1")], vec![by_time]),
        &["t1000 from"],
    );
}

#[test]
fn a_leg_claims_the_ids_that_its_record_names() {
    let mut leg = record(&[(RECORDING_AUTH, "1")], vec![entry("10", "20")]);
    leg.previous_contact = Some("leg1b".into());
    leg.next_contact = Some("leg3".into());
    let decisions = decide(&leg, &policy());
    let [Decision::Record(plan)] = &decisions[..] else {
        panic!("not planned")
    };
    assert_eq!(
        plan.claim.contacts,
        ["leg2", "leg1", "leg1b", "leg3"].map(Box::from)
    );
    assert_eq!(&*plan.initial_contact, "leg1");
}
