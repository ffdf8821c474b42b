//! Makes the files of `events/` and the streams that they tell of: the same bytes every
//! time, from `callreel::synth` and nothing else. Contact records have the fields of the
//! data model (Amazon Connect Administrator Guide, "Contact records data model"), most of
//! them null as in real ones; events have Lambda's shape for Kinesis and SQS.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callreel::failure::parked::{Parked, retry_until};
use callreel::failure::{Failure, FailureKind, KeyTrouble};
use callreel::media::fragment::Direction;
use callreel::media::ticks::EpochMillis;
use callreel::synth::packed::{field, sealed};
use callreel::synth::{SynthCall, kinesis_record};
use md5::{Digest, Md5};
use serde_json::{Value, json};

/// The domain of the URLs in the events' attributes.
pub const DOMAIN: &str = "d111111abcdef8.cloudfront.net";
/// A fragment's length, in milliseconds.
const FRAGMENT: u64 = 1_088;
const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
/// The first call's first sample.
const EPOCH: i64 = 1_760_000_000_123;

/// All that is made.
pub struct Made {
    /// Events by file name.
    pub events: BTreeMap<&'static str, Value>,
    /// Files of streams by path below `tests/data/streams`.
    pub streams: BTreeMap<String, Vec<u8>>,
    /// The recordings that come out, by what the tests call them.
    pub recordings: BTreeMap<&'static str, Recording>,
}

/// One recording that an event tells of.
pub struct Recording {
    pub contact: String,
    pub start_fragment: String,
    /// What must come out, of both sides.
    pub from: Vec<i16>,
    pub to: Vec<i16>,
}

impl Recording {
    /// What the keys of its files start with; all calls are of one day.
    pub fn stem(&self) -> String {
        let Self {
            contact,
            start_fragment,
            ..
        } = self;
        format!("recordings/2025/10/09/{contact}_{start_fragment}")
    }

    fn url(&self, file: &str) -> String {
        format!("https://{DOMAIN}/{}_{file}.wav", self.stem())
    }
}

/// A call on a stream.
struct Call {
    synth: SynthCall,
    stream: &'static str,
}

impl Call {
    /// A call of some fragments; `place` tells calls apart in time and voice.
    fn new(place: u32, contact: &str, stream: &'static str, fragments: u64) -> Self {
        let synth = SynthCall {
            millis: fragments * FRAGMENT,
            contact: contact.to_owned(),
            seed: 1_000 + u64::from(place),
            start_epoch_millis: EPOCH + i64::from(place) * 600_000,
            ..SynthCall::default()
        };
        Self { synth, stream }
    }

    /// On the same stream as another call that ended before this one began.
    fn after(mut self, other: &Self) -> Self {
        self.synth.first_counter = other.synth.first_counter + other.synth.fragment_count();
        self
    }

    /// The recording of some milliseconds of the call, as if streaming had run only then.
    fn part(&self, millis: Range<u64>) -> (Recording, Value) {
        let samples = |millis: u64| millis as usize * 8;
        let own: Vec<_> = self.synth.fragments().collect();
        let held: u64 = self
            .synth
            .holds
            .iter()
            .map(|hold| hold.end - hold.start)
            .sum();
        let index = |at: u64| {
            let before = match at > self.synth.holds.first().map_or(u64::MAX, |hold| hold.start) {
                true => held,
                false => 0,
            };
            ((at - before) / FRAGMENT) as usize
        };
        let (first, last) = (&own[index(millis.start)], &own[index(millis.end) - 1]);
        let [from, to] = Direction::BOTH.map(|direction| {
            let whole = self.synth.expected(direction);
            whole[samples(millis.start)..samples(millis.end)].to_vec()
        });
        let recording = Recording {
            contact: self.synth.contact.clone(),
            start_fragment: first.number.clone(),
            from,
            to,
        };
        let entry = json!({
            "DeletionReason": null,
            "FragmentStartNumber": first.number,
            "FragmentStopNumber": last.number,
            "Location": format!(
                "arn:aws:kinesisvideo:{REGION}:{ACCOUNT}:stream/{}/1760000000000", self.stream
            ),
            "MediaStreamType": "VIDEO",
            "ParticipantType": "CUSTOMER",
            "StartTimestamp": whole_seconds(first.server_millis - 966),
            "Status": null,
            "StopTimestamp": whole_seconds(last.server_millis),
            "StorageType": "KINESIS_VIDEO_STREAM",
        });
        (recording, entry)
    }

    fn whole(&self) -> (Recording, Value) {
        self.part(0..self.synth.millis)
    }

    /// The contact record with Connect's own recording in front of those on KVS.
    fn record(&self, kvs: &[Value], changes: Value) -> Value {
        let mut record = self.synth.contact_record(self.stream);
        let native = format!(
            "amazon-connect-0123456789ab/connect/example/CallRecordings/2025/10/09/{}_20251009T08:53_UTC.wav",
            self.synth.contact
        );
        let s3 = json!({
            "DeletionReason": null,
            "FragmentStartNumber": null,
            "FragmentStopNumber": null,
            "Location": native,
            "MediaStreamType": "AUDIO",
            "ParticipantType": null,
            "StartTimestamp": null,
            "Status": "AVAILABLE",
            "StopTimestamp": null,
            "StorageType": "S3",
        });
        let entries: Vec<_> = std::iter::once(s3).chain(kvs.iter().cloned()).collect();
        merge(
            &mut record,
            json!({
                "ContactEvaluations": null,
                "ContactLens": null,
                "Customer": null,
                "CustomerId": null,
                "DisconnectDetails": null,
                "LanguageLocale": null,
                "LastPausedTimestamp": null,
                "LastResumedTimestamp": null,
                "QualityMetrics": null,
                "Recording": { "DeletionReason": null, "Location": native, "Status": "AVAILABLE", "Type": "AUDIO" },
                "Recordings": entries,
                "RelatedContactId": null,
                "RoutingCriteria": null,
                "TaskTemplateInfo": null,
                "TotalPauseCount": null,
                "TotalPauseDurationInSeconds": null,
            }),
        );
        merge(&mut record, changes);
        record
    }
}

/// Puts fields over those of the same name.
fn merge(record: &mut Value, changes: Value) {
    if let (Value::Object(fields), Value::Object(changes)) = (record, changes) {
        fields.extend(changes);
    }
}

/// As contact records have times: RFC 3339 without a fraction, cut off.
fn whole_seconds(millis: i64) -> String {
    let whole = EpochMillis(millis - millis.rem_euclid(1_000));
    whole.to_rfc3339().replace(".000Z", "Z")
}

/// What the data of one stream record is.
enum Data {
    Json(Value),
    Bytes(Vec<u8>),
    /// In place of the base64.
    Raw(&'static str),
}

/// A Kinesis event as Lambda hands it over; `batch` tells the sequence numbers of events apart.
fn kinesis(batch: u32, data: Vec<Data>) -> Value {
    let record = |(place, data): (u32, Data)| {
        // 56 digits, rising along the shard.
        let sequence = format!("496568114688852052935013034413073692639332732{batch:03}{place:08}");
        let contact = match &data {
            Data::Json(record) => record["ContactId"].as_str().unwrap_or("-").to_owned(),
            Data::Bytes(_) | Data::Raw(_) => "-".to_owned(),
        };
        let arrived = EPOCH + i64::from(batch) * 3_600_000 + i64::from(place) * 125;
        let data = match data {
            Data::Json(record) => STANDARD.encode(record.to_string()),
            Data::Bytes(bytes) => STANDARD.encode(bytes),
            Data::Raw(text) => text.to_owned(),
        };
        kinesis_record(&sequence, &contact, &data, EpochMillis(arrived))
    };
    json!({ "Records": (0..).zip(data).map(record).collect::<Vec<_>>() })
}

/// An SQS event as Lambda hands it over.
fn sqs(bodies: Vec<String>) -> Value {
    let record = |(place, body): (u32, String)| {
        let sent = (EPOCH + 7_200_000 + i64::from(place) * 125).to_string();
        json!({
            "messageId": format!("5f1a7c0e-3b2d-4e6f-9a80-0000000000{place:02}"),
            "receiptHandle": format!("AQEBzWwaftRI0KuVm4tP+/7q1rGgNqicHq{place:02}=="),
            "attributes": {
                "ApproximateFirstReceiveTimestamp": sent,
                "ApproximateReceiveCount": "1",
                "SenderId": "AROAEXAMPLE:callreel-recorder",
                "SentTimestamp": sent,
            },
            "messageAttributes": {},
            "md5OfBody": Md5::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "body": body,
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:callreel-retry"),
            "awsRegion": REGION,
        })
    };
    json!({ "Records": (0..).zip(bodies).map(record).collect::<Vec<_>>() })
}

/// The one place of some bytes with others in it.
fn replaced(data: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = data.windows(old.len()).position(|bytes| bytes == old);
    let (before, behind) = data.split_at(at.unwrap());
    [before, new, &behind[old.len()..]].concat()
}

/// Packed as the Kinesis Producer Library does it: "KPL Aggregated Record Format".
fn packed(records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = field(0x0a, b"partition-key");
    for data in records {
        // Index 0 of the table of keys, and the data.
        let record = [vec![0x08, 0x00], field(0x1a, data)].concat();
        message.extend(field(0x1a, &record));
    }
    sealed(&message)
}

/// Makes everything.
pub fn make() -> Made {
    let mut made = Made {
        events: BTreeMap::new(),
        streams: BTreeMap::new(),
        recordings: BTreeMap::new(),
    };
    made.first_event();
    made.one_call();
    made.voicemail();
    made.several_contacts();
    made.several_recordings();
    made.transferred_leg();
    made.re_emitted();
    made.poison();
    made.sqs_retry();
    made.odd_json();
    made.aggregated();
    made.listed_twice();
    made
}

impl Made {
    /// Writes a call to its stream, behind those that are there.
    fn stream(&mut self, call: &Call) {
        let path = format!("{0}/{0}.mkv", call.stream);
        let media = self.streams.entry(path).or_default();
        call.synth.write_stream(media, |_| ()).unwrap();
    }

    /// A call whose stream is gone.
    fn unread(&mut self, name: &'static str, call: &Call) -> Value {
        let (recording, entry) = call.whole();
        self.recordings.insert(name, recording);
        entry
    }

    /// A whole call: its stream, its recording, and the entry for its record.
    fn call(&mut self, name: &'static str, call: &Call) -> Value {
        self.stream(call);
        self.unread(name, call)
    }

    fn url(&self, name: &str, file: &str) -> String {
        self.recordings[name].url(file)
    }

    /// All attributes of these recordings, in the order of their making.
    fn attributes(&self, names: &[&str]) -> Value {
        let urls = |file| {
            let urls: Vec<_> = names.iter().map(|name| self.url(name, file)).collect();
            urls.join(", ")
        };
        json!({
            "recordingAuth": "3",
            "audioFromCustomer": urls("from"),
            "audioToCustomer": urls("to"),
            "audioMixed": urls("mixed"),
        })
    }

    /// The streams of `kinesis-event.json`, which was made by hand from two calls of
    /// `callreel synth`.
    fn first_event(&mut self) {
        let plain = Call {
            synth: SynthCall::default(),
            stream: "plain",
        };
        let pooled = Call {
            synth: SynthCall {
                millis: 12_000,
                holds: std::iter::once(5_000..7_000).collect(),
                reuse: true,
                untagged_tail: true,
                contact: "3c9e0d52-41a7-4b0e-8d6f-95b1c7a2e840".to_owned(),
                seed: 7,
                ..SynthCall::default()
            },
            stream: "pooled",
        };
        for (name, call) in [("plain", plain), ("pooled", pooled)] {
            self.stream(&call);
            let [from, to] = Direction::BOTH.map(|direction| call.synth.expected(direction));
            let recording = Recording {
                contact: call.synth.contact.clone(),
                start_fragment: call.synth.span().start_fragment,
                from,
                to,
            };
            self.recordings.insert(name, recording);
            if !call.synth.unnumbered().is_empty() {
                let numbers = format!("{}\n", json!(call.synth.unnumbered()));
                let path = format!("{name}/{name}.numbers.json");
                self.streams.insert(path, numbers.into_bytes());
            }
        }
    }

    fn one_call(&mut self) {
        let call = Call::new(1, "a1c5f0de-5b0b-4c55-8d4b-2f6a9d3e7b01", "one-call", 4);
        let entry = self.call("one", &call);
        // Never with an agent: transferred to an outside number by the flow.
        let changes = json!({
            "Agent": null,
            "AgentConnectionAttempts": 0,
            "DisconnectReason": "THIRD_PARTY_DISCONNECT",
            "Queue": null,
            "TransferredToEndpoint": { "Address": "+12065550177", "Type": "TELEPHONE_NUMBER" },
        });
        let record = call.record(&[entry], changes);
        self.events
            .insert("one-call.json", kinesis(1, vec![Data::Json(record)]));
    }

    /// A message that a caller left: a flow flagged the contact, and no agent took it.
    fn voicemail(&mut self) {
        let mut call = Call::new(2, "f7a3c1d8-2e64-4b19-8c55-0d9e6b2a4701", "voicemail", 12);
        call.synth.one_way = true;
        let entry = self.call("message", &call);
        let record = call.synth.contact_record(call.stream);
        let queue = record["Queue"]["ARN"].clone();
        let changes = json!({
            "Agent": null,
            "AgentConnectionAttempts": 0,
            "Attributes": {
                "vmx3_flag": "1",
                "vmx3_from": "+12065550142",
                "vmx3_lang": "en-US",
                "vmx3_mode": "task",
                "vmx3_queue_arn": queue,
                "vmx3_target": "queue",
            },
            "Queue": null,
        });
        let record = call.record(&[entry], changes);
        self.events
            .insert("voicemail.json", kinesis(2, vec![Data::Json(record)]));
        let text = "Hello, this is Ana Ortiz. The parcel that you sent on Tuesday has not come yet. \
                    Please call me back at 206 555 0142, before five if you can. Thank you.\n";
        self.streams
            .insert("voicemail.txt".to_owned(), text.as_bytes().to_vec());
    }

    fn several_contacts(&mut self) {
        let both = Call::new(10, "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c11", "two-callers", 3);
        let says = Call::new(11, "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c12", "two-callers", 3);
        let says = says.after(&both);
        let hears = Call::new(
            12,
            "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c13",
            "third-caller",
            2,
        );
        let declined = Call::new(13, "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c14", "not-read", 2);
        let never_asked = Call::new(14, "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c15", "not-read", 2);
        let chat = Call::new(15, "b2d6a1ef-6c1c-4d66-9e5c-3a7b0e4f8c16", "not-read", 2);
        let auth =
            |auth: &str| json!({ "Attributes": { "recordingAuth": auth, "language": "en-US" } });
        let both_entry = self.call("both", &both);
        let says_entry = self.call("says", &says);
        let hears_entry = self.call("hears", &hears);
        let data = vec![
            both.record(&[both_entry], auth("3")),
            says.record(&[says_entry], auth("1")),
            hears.record(&[hears_entry], auth("2")),
            declined.record(&[declined.whole().1], auth("0")),
            never_asked.record(&[], json!({ "Attributes": {} })),
            chat.record(
                &[],
                json!({ "Channel": "CHAT", "Recording": null, "Recordings": null, "Attributes": null }),
            ),
        ];
        let data = data.into_iter().map(Data::Json).collect();
        self.events
            .insert("several-contacts.json", kinesis(2, data));
    }

    fn several_recordings(&mut self) {
        // Streaming stopped for four fragments, while a card number was said.
        let (stopped, started) = (2 * FRAGMENT, 6 * FRAGMENT);
        let contact = "c3e7b2f0-7d2d-4e77-8f6d-4b8c1f509d21";
        let mut call = Call::new(20, contact, "stop-and-start", 9);
        call.synth.holds = std::iter::once(stopped..started).collect();
        call.synth.rotate_at_millis = Some(started);
        self.stream(&call);
        let (before, first) = call.part(0..stopped);
        let (after, second) = call.part(started..call.synth.millis);
        self.recordings.insert("before", before);
        self.recordings.insert("after", after);
        let record = call.record(&[first, second], json!({}));
        self.events.insert(
            "several-recordings.json",
            kinesis(3, vec![Data::Json(record)]),
        );
    }

    fn transferred_leg(&mut self) {
        let ids = [
            "d4f8c301-8e3e-4f88-907e-5c9d20610e31",
            "d4f8c301-8e3e-4f88-907e-5c9d20610e32",
        ];
        let first = Call::new(30, ids[0], "first-leg", 3);
        let second = Call::new(31, ids[1], "second-leg", 3);
        let first_entry = self.call("leg 1", &first);
        let second_entry = self.call("leg 2", &second);
        let transferred = whole_seconds(second.synth.start_epoch_millis - 4_000);
        let first_record = first.record(
            &[first_entry],
            json!({ "NextContactId": ids[1], "TransferCompletedTimestamp": transferred }),
        );
        let second_record = second.record(
            &[second_entry],
            json!({
                "InitialContactId": ids[0],
                "PreviousContactId": ids[0],
                "InitiationMethod": "TRANSFER",
                "Attributes": self.attributes(&["leg 1"]),
            }),
        );
        let data = vec![Data::Json(first_record), Data::Json(second_record)];
        self.events.insert("transferred-leg.json", kinesis(4, data));
    }

    fn re_emitted(&mut self) {
        let call = Call::new(40, "e509d412-9f4f-4099-a18f-6dae31721f41", "re-emitted", 3);
        let entry = self.call("again", &call);
        let record = call.record(std::slice::from_ref(&entry), json!({}));
        let updated = call.synth.start_epoch_millis + 95_000;
        let after_update = call.record(
            &[entry],
            json!({
                "Attributes": self.attributes(&["again"]),
                "LastUpdateTimestamp": whole_seconds(updated),
            }),
        );
        let data = vec![
            Data::Json(record.clone()),
            Data::Json(record),
            Data::Json(after_update),
        ];
        self.events.insert("re-emitted.json", kinesis(5, data));
    }

    fn poison(&mut self) {
        let first = Call::new(
            50,
            "f61ae523-a050-41aa-b290-7ebf42832051",
            "among-poison",
            2,
        );
        let last = Call::new(
            51,
            "f61ae523-a050-41aa-b290-7ebf42832052",
            "among-poison",
            2,
        );
        let last = last.after(&first);
        let nowhere = Call::new(52, "f61ae523-a050-41aa-b290-7ebf42832053", "not-read", 2);
        let gone = Call::new(
            53,
            "f61ae523-a050-41aa-b290-7ebf42832054",
            "deleted-stream",
            2,
        );
        let first_entry = self.call("first good", &first);
        let last_entry = self.call("last good", &last);
        let gone_entry = self.unread("gone", &gone);
        let mut nulls = first.record(&[], json!({}));
        if let Value::Object(fields) = &mut nulls {
            fields.values_mut().for_each(|value| *value = Value::Null);
        }
        let nulls_but_id = |id: &str| {
            let mut record = nulls.clone();
            merge(&mut record, json!({ "ContactId": id }));
            record
        };
        let mut null_entry = first_entry.clone();
        if let Value::Object(fields) = &mut null_entry {
            fields.values_mut().for_each(|value| *value = Value::Null);
        }
        let mut entry_without_place = null_entry.clone();
        merge(
            &mut entry_without_place,
            json!({ "StorageType": "KINESIS_VIDEO_STREAM" }),
        );
        let mut data = vec![Data::Json(first.record(&[first_entry], json!({})))];
        data.extend([
            Data::Raw("this is not base64!"),
            Data::Bytes(b"<html>502 Bad Gateway</html>".to_vec()),
            Data::Bytes(
                b"{\"ContactId\":\"f61ae523-a050-41aa-b290-7ebf42832059\",\"Chann".to_vec(),
            ),
            Data::Bytes(vec![0x1f, 0x8b, 0x08, 0x00, 0xff, 0xfe]),
            Data::Bytes(Vec::new()),
            Data::Json(agent_event()),
            Data::Json(contact_event()),
            Data::Json(contact_lens_segment()),
            Data::Json(nulls.clone()),
            Data::Json(nulls_but_id("f61ae523-a050-41aa-b290-7ebf42832055")),
            Data::Json(first.record(
                &[null_entry],
                json!({ "ContactId": "f61ae523-a050-41aa-b290-7ebf42832056" }),
            )),
            Data::Json(nowhere.record(&[entry_without_place], json!({}))),
            Data::Json(gone.record(&[gone_entry], json!({}))),
        ]);
        data.push(Data::Json(last.record(&[last_entry], json!({}))));
        self.events.insert("poison.json", kinesis(6, data));
    }

    /// What forwarders make of contact records.
    fn odd_json(&mut self) {
        let id = |place: u32| format!("1a2b3c4d-0e1f-4a2b-8c3d-4e5f6a7b80{place:02}");
        let mut calls: Vec<Call> = Vec::new();
        for place in 0..5 {
            let mut call = Call::new(70 + place, &id(place), "odd-json", 1);
            if let Some(before) = calls.last() {
                call = call.after(before);
            }
            calls.push(call);
        }
        let names = ["surrogate", "latin-1", "utf-16", "numbers", "control"];
        let mut entries = Vec::new();
        for (name, call) in names.into_iter().zip(&calls) {
            entries.push(self.call(name, call));
        }
        let with_note = |at: usize, note: &str| {
            let attributes = json!({ "Attributes": { "recordingAuth": "3", "note": note } });
            calls[at]
                .record(&[entries[at].clone()], attributes)
                .to_string()
        };
        let surrogate = with_note(0, "MARK").replace("MARK", "caller: \\ud83d");
        let latin_1 = with_note(1, "cafM").into_bytes();
        let latin_1 = replaced(&latin_1, b"cafM", b"caf\xe9");
        let utf_16: Vec<u8> = format!("\u{feff}{}", with_note(2, "é"))
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let control = with_note(4, "twoMARKlines").replace("MARK", "\n");
        // JSON's own types, as a forwarder without a schema writes them: one recording is no
        // list, and numbers have no quotes.
        let (entry, call) = (&entries[3], &calls[3]);
        let mut numbers = call.record(&[], json!({ "Attributes": { "recordingAuth": 3 } }));
        merge(&mut numbers, json!({ "Recordings": entry }));
        let number = |name: &str| entry[name].as_str().unwrap().to_owned();
        let (start, stop) = (number("FragmentStartNumber"), number("FragmentStopNumber"));
        let unquoted = |text: String| {
            let text = text.replace(&format!("\"{start}\""), &start);
            text.replace(&format!("\"{stop}\""), &stop)
        };
        let float = numbers.to_string().replace(&id(3), &id(5));
        let float = float.replace(&format!("\"{start}\""), "9.134385233318143e46");
        let truth = calls[3].record(
            std::slice::from_ref(entry),
            json!({ "ContactId": id(6), "Attributes": { "recordingAuth": true } }),
        );
        let texts = calls[3].record(
            &[],
            json!({ "ContactId": id(7), "Recordings": json!([entry]).to_string() }),
        );
        let broken_id = with_note(3, "").replace(&id(3), "1a2b3c4d-\\ud83d");
        let data = vec![
            Data::Bytes(surrogate.into_bytes()),
            Data::Bytes(latin_1),
            Data::Bytes(utf_16),
            Data::Bytes(unquoted(numbers.to_string()).into_bytes()),
            Data::Bytes(control.into_bytes()),
            Data::Bytes(float.into_bytes()),
            Data::Json(truth),
            Data::Json(texts),
            Data::Bytes(broken_id.into_bytes()),
        ];
        self.events.insert("odd-json.json", kinesis(8, data));
    }

    /// Records that the Kinesis Producer Library packed.
    fn aggregated(&mut self) {
        let id = |place: u32| format!("2b3c4d5e-1f20-4b3c-9d4e-5f6a7b8c90{place:02}");
        let first = Call::new(80, &id(0), "packed", 1);
        let second = Call::new(81, &id(1), "packed", 1).after(&first);
        let third = Call::new(82, &id(2), "packed", 1).after(&second);
        let entries = [
            ("packed 1", &first),
            ("packed 2", &second),
            ("packed 3", &third),
        ]
        .map(|(name, call)| self.call(name, call));
        let record = |call: &Call, at: usize| {
            let record = call.record(&[entries[at].clone()], json!({}));
            record.to_string().into_bytes()
        };
        let two = packed(&[
            record(&first, 0),
            agent_event().to_string().into_bytes(),
            record(&second, 1),
        ]);
        let nested = packed(&[record(&third, 2), packed(&[record(&second, 1)])]);
        let mut changed = two.clone();
        changed[100] ^= 1;
        let cut = two[..two.len() / 2].to_vec();
        let data = [two, nested, changed, cut].map(Data::Bytes).into();
        self.events.insert("aggregated.json", kinesis(9, data));
    }

    /// One recording in two entries of one record, of which the first was written too early.
    fn listed_twice(&mut self) {
        let call = Call::new(
            90,
            "3c4d5e6f-2031-4c4d-8e5f-6a7b8c9d0e91",
            "listed-twice",
            3,
        );
        let whole = self.call("twice", &call);
        let (_, early) = call.part(0..FRAGMENT);
        let record = call.record(&[early, whole], json!({}));
        self.events
            .insert("listed-twice.json", kinesis(10, vec![Data::Json(record)]));
    }

    fn sqs_retry(&mut self) {
        let parked = Call::new(60, "072bf634-b161-42bb-83a1-8fc053943161", "parked-call", 2);
        let bare = Call::new(61, "072bf634-b161-42bb-83a1-8fc053943162", "put-by-hand", 2);
        let gone = Call::new(
            62,
            "072bf634-b161-42bb-83a1-8fc053943163",
            "deleted-stream",
            2,
        );
        let parked_entry = self.call("parked", &parked);
        let bare_entry = self.call("bare", &bare);
        let message = |call: &Call, record: &Value, kind, cause: &str| {
            let subject = format!(
                "arn:aws:kinesisvideo:{REGION}:{ACCOUNT}:stream/{}",
                call.stream
            );
            let failure = Failure::new(kind, subject, cause);
            let kept = std::time::Duration::from_secs(24 * 3_600);
            let until = retry_until(EpochMillis(call.synth.start_epoch_millis), kept);
            let data = record.to_string().into_bytes();
            Parked::new(&data, Some(&call.synth.contact), &failure, Some(until)).to_json()
        };
        let parked_record = parked.record(&[parked_entry], json!({}));
        let gone_entry = self.unread("still gone", &gone);
        let gone_record = gone.record(&[gone_entry], json!({}));
        let denied = FailureKind::Key(KeyTrouble::AccessDenied);
        let bodies = vec![
            message(
                &parked,
                &parked_record,
                denied,
                "access to the KMS key is denied",
            ),
            bare.record(&[bare_entry], json!({})).to_string(),
            message(
                &gone,
                &gone_record,
                FailureKind::StreamMissing,
                "no such stream",
            ),
            "please have a look at yesterday's calls".to_owned(),
            json!({ "schema": "callreel.parked/9", "data": "e30=" }).to_string(),
        ];
        self.events.insert("sqs-retry.json", sqs(bodies));
    }
}

/// What an agent event stream writes ("Agent event streams data model").
fn agent_event() -> Value {
    let arn = |what: &str| {
        format!(
            "arn:aws:connect:{REGION}:{ACCOUNT}:instance/3b6f0d92-8c47-4f15-a2de-90b1c7e54f68/{what}"
        )
    };
    json!({
        "AWSAccountId": ACCOUNT,
        "AgentARN": arn("agent/2b0d4a7e-6e0c-4bb6-8a55-f3a1c0d9e482"),
        "CurrentAgentSnapshot": {
            "AgentStatus": {
                "ARN": arn("agent-state/5e3cbd42-1f0c-4f0b-9f4e-1c0b1f5f8a11"),
                "Name": "Available",
                "StartTimestamp": "2025-10-09T08:40:11.325Z",
                "Type": "ROUTABLE",
            },
            "Configuration": { "FirstName": "Jo", "LastName": "Doe", "Username": "agent", "SipAddress": null },
            "Contacts": [],
            "NextAgentStatus": null,
        },
        "EventId": "0f3c7d1e-8a52-4a5d-b2a8-2f5a4c3b6d01",
        "EventTimestamp": "2025-10-09T08:54:00.000Z",
        "EventType": "HEART_BEAT",
        "InstanceARN": arn("").trim_end_matches('/'),
        "PreviousAgentSnapshot": null,
        "Version": "2017-10-01",
    })
}

/// What EventBridge tells of a contact, sent to the stream by mistake.
fn contact_event() -> Value {
    json!({
        "version": "0",
        "id": "7a1b9c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d",
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "account": ACCOUNT,
        "time": "2025-10-09T08:54:00Z",
        "region": REGION,
        "resources": [],
        "detail": { "eventType": "DISCONNECTED", "contactId": "f61ae523-a050-41aa-b290-7ebf42832057", "channel": "VOICE" },
    })
}

/// What Contact Lens writes to a stream of its own: it has a ContactId, and no recordings.
fn contact_lens_segment() -> Value {
    json!({
        "Version": "1.0.0",
        "Channel": "VOICE",
        "AccountId": ACCOUNT,
        "InstanceId": "3b6f0d92-8c47-4f15-a2de-90b1c7e54f68",
        "ContactId": "f61ae523-a050-41aa-b290-7ebf42832058",
        "LanguageCode": "en-US",
        "EventType": "SEGMENTS",
        "Segments": [],
    })
}
