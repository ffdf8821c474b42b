//! Everything that can be wrong around a call. Each time one line says what and what to
//! do, the exit code is right, and the other records of the event are done.

use super::*;

/// `record` of an event that cannot be read at all.
#[track_caller]
fn check_event(name: &str, content: Option<&[u8]>, words: &[&str]) {
    let desk = Desk::new();
    if let Some(content) = content {
        desk.write(name, content);
    }
    let ran = desk.run(&format!("record {name}")).check(1, &[words]);
    assert!(ran.out.is_empty(), "{}", ran.out);
    assert!(!desk.join("out").exists());
}

#[test]
fn an_event_that_is_none() {
    let example = "; give a Kinesis or SQS event as Lambda gets it, e.g. events/kinesis-event.json";
    check_event(
        "missing.json",
        None,
        &[
            "missing.json: ",
            "; give the path of a Kinesis or SQS event",
        ],
    );
    check_event(
        "empty.json",
        Some(b""),
        &["empty.json: not JSON: ", example],
    );
    check_event(
        "text.json",
        Some(b"Hello"),
        &["text.json: not JSON: ", "line 1 column 1", example],
    );
    check_event(
        "bytes.json",
        Some(b"\xe9\xff"),
        &["bytes.json: not JSON: ", example],
    );
    // A letter that is no UTF-8 is no reason to read nothing.
    check_event(
        "latin1.json",
        Some(b"{\"Records\": \"\xe9\"}"),
        &[
            "latin1.json: not a Kinesis or SQS event: Records is no list",
            example,
        ],
    );
    check_event(
        "cut.json",
        Some(b"{\"Records\": ["),
        &["cut.json: not JSON: EOF", example],
    );
    // What the event was packed into is named; PowerShell's `>` is simply read.
    check_event(
        "event.json.gz",
        Some(b"\x1f\x8b\x08\0\0\0\0\0"),
        &["event.json.gz: not JSON, but a gzip file; unpack it first"],
    );
    check_event(
        "event.zip",
        Some(b"PK\x03\x04\0\0"),
        &["event.zip: not JSON, but a zip file; unpack it first"],
    );
    check_event(
        "list.json",
        Some(b"[]"),
        &[
            "list.json: not a Kinesis or SQS event: it has no Records",
            example,
        ],
    );
    check_event(
        "other.json",
        Some(b"{\"Records\": 5}"),
        &["Records is no list", example],
    );
    check_event(
        "bare.json",
        Some(b"{\"ContactId\": \"c\", \"Channel\": \"VOICE\"}"),
        &[
            "bare.json: not a Kinesis or SQS event: it is a bare contact record",
            "base64",
        ],
    );
    let desk = Desk::new();
    desk.run("record .").check(
        1,
        &[&[
            ".: Is a directory",
            "; give the path of a Kinesis or SQS event",
        ]],
    );
}

#[test]
fn an_event_as_powershell_writes_it() {
    let desk = Desk::new();
    desk.run("synth --seconds 2").done();
    let event = fs::read_to_string(desk.join("demo/event.json")).unwrap();
    let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xfeff)
            .chain(event.encode_utf16())
            .flat_map(unit)
            .collect()
    };
    let marked = [b"\xef\xbb\xbf", event.as_bytes()].concat();
    for bytes in [marked, utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
        desk.write("demo/odd.json", bytes);
        let ran = desk.run("record demo/odd.json").done();
        assert!(ran.rows()[0][2].starts_with("complete"), "{}", ran.out);
    }
}

/// `record` of an event whose record 2 is bad and whose records 1 and 3 are good calls:
/// these are recorded, and that one is told.
#[track_caller]
fn check_record(spoil: impl FnOnce(&Desk, &mut Value), words: &[&str]) {
    let desk = Desk::new();
    let first = other_call(2_000, "first");
    let last = other_call(2_000, "last");
    let good = [&first, &last].map(|call| desk.add_stream(call, &call.contact));
    let bad = desk.add_stream(&call(2_000), "bad");
    let mut event =
        event(&[&good[0], &bad, &good[1]].map(|record| record.to_string().into_bytes()));
    spoil(&desk, &mut event["Records"][1]);
    desk.write("event.json", event.to_string());
    let ran = desk.run("record event.json").check(1, &[words]);
    let rows = ran.rows();
    assert_eq!([rows[0][2], rows[2][2]], ["complete"; 2], "{}", ran.out);
    assert!(
        ["failed", "unreadable"].contains(&rows[1][2]),
        "{}",
        ran.out
    );
    for call in [first, last] {
        check_audio(&recorded_stem(&desk.join("out"), &call), &call);
    }
    let json = desk
        .run("record event.json --json")
        .check(1, &[words])
        .json();
    let error = json["records"][1]["recordings"][0]["error"]
        .as_str()
        .unwrap();
    assert!(error.contains(words[words.len() - 1]), "{error}");
}

/// The same with a contact record that was changed.
#[track_caller]
fn check_contact(change: impl FnOnce(&mut Value), words: &[&str]) {
    check_record(
        |_, record| {
            let data = STANDARD
                .decode(record["kinesis"]["data"].as_str().unwrap())
                .unwrap();
            let mut contact = serde_json::from_slice(&data).unwrap();
            change(&mut contact);
            record["kinesis"]["data"] = json!(STANDARD.encode(contact.to_string()));
        },
        words,
    );
}

/// The same with a stream of other media.
#[track_caller]
fn check_media(media: &[u8], words: &[&str]) {
    check_record(|desk, _| desk.write("streams/bad/bad.mkv", media), words);
}

#[test]
fn a_record_that_cannot_be_read() {
    let cure =
        "; nothing was made of it, and the function parks it; mend what writes to the data stream";
    let set_data =
        |data: Value| move |_: &Desk, record: &mut Value| record["kinesis"]["data"] = data;
    check_record(
        set_data(json!("%%%")),
        &["record 2: data is not base64: ", cure],
    );
    check_record(
        set_data(json!("aGVsbG8")),
        &["record 2: data is not base64: ", cure],
    );
    check_record(set_data(Value::Null), &["record 2: no kinesis.data", cure]);
    check_record(set_data(json!("")), &["record 2: not JSON: no data", cure]);
    check_record(
        set_data(json!(STANDARD.encode("hello"))),
        &["record 2: not JSON: ", cure],
    );
    check_record(
        |_, record| *record = json!("a stranger"),
        &["Records[1], which has no number: no kinesis.data", cure],
    );
}

#[test]
fn a_contact_record_that_leads_nowhere() {
    let contact = call(0).contact;
    let location = |arn: &str| {
        let arn = arn.to_owned();
        move |record: &mut Value| record["Recordings"][0]["Location"] = json!(arn)
    };
    let arn = "arn:aws:kinesisvideo:us-east-1:111122223333:stream/";
    check_contact(
        location(&format!("{arn}unknown/1")),
        &[
            "record 2: contact ",
            &contact,
            "streams/unknown: no such folder; ",
            "--streams",
        ],
    );
    check_contact(
        location(&format!("{arn}../../etc/1")),
        &[
            "stream/../../etc/1: is no ARN of a Kinesis video stream; ",
            "correct the Location",
        ],
    );
    check_contact(
        location("somewhere\nerror: else"),
        &[
            r"somewhere\nerror: else: is no ARN",
            "; correct the Location",
        ],
    );
    check_contact(
        |record| record["Recordings"][0]["Location"] = Value::Null,
        &[
            "record 2: contact ",
            &contact,
            "no Location; correct the contact record",
        ],
    );
    check_contact(
        |record| record["Recordings"][0]["FragmentStartNumber"] = json!("9e3"),
        &["fragment number \"9e3\" is not decimal digits; correct the contact record"],
    );
    check_contact(
        |record| record["Recordings"][0]["FragmentStartNumber"] = json!(9.134385233318143e46),
        &["went through a floating-point number and lost its digits; correct the contact record"],
    );
    check_contact(
        |record| record["Recordings"] = json!(record["Recordings"].to_string()),
        &["its Recordings is a text, not a list; nothing was made of it"],
    );
    check_contact(
        |record| record["ContactId"] = json!("somebody/../else"),
        &[
            "contact somebody/../else: ",
            "nothing but 2 fragments of another contact; ",
            "check that the stream",
        ],
    );
}

#[test]
fn a_stream_without_a_call() {
    let repair = "; repair or remove it";
    check_record(
        |desk, _| fs::remove_file(desk.join("streams/bad/bad.mkv")).unwrap(),
        &[
            "streams/bad: holds no .mkv file; ",
            "put the stream's media there",
        ],
    );
    check_media(b"", &["streams/bad/bad.mkv: is empty", repair]);
    let noise: Vec<u8> = (0..50_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    check_media(
        &noise,
        &["streams/bad/bad.mkv: is no Matroska file (byte 0: ", repair],
    );
    let lost = SynthCall {
        lose: vec![0, 1],
        ..call(2_000)
    };
    let errors: Vec<u8> = lost
        .fragments()
        .flat_map(|fragment| fragment.document)
        .collect();
    check_media(
        &errors,
        &[
            "2 of 2 fragments did not come (the first: FRAGMENT_NOT_FOUND (3000)); ",
            "check that the stream",
        ],
    );
    // An unreadable file may hold any part of the call: what is beside it is not all.
    check_record(
        |desk, _| desk.write("streams/bad/another.mkv", "not media"),
        &["streams/bad/another.mkv: is no Matroska file", repair],
    );
    check_record(
        |desk, _| {
            fs::remove_file(desk.join("streams/bad/bad.mkv")).unwrap();
            fs::create_dir(desk.join("streams/bad/bad.mkv")).unwrap();
        },
        &["streams/bad/bad.mkv: is a folder; a plain file must be there"],
    );
    check_record(
        |desk, _| {
            fs::remove_dir_all(desk.join("streams/bad")).unwrap();
            desk.write("streams/bad", "a file");
        },
        &["streams/bad: no such folder; ", "--streams"],
    );
}

#[test]
fn a_cut_stream_is_partial_and_no_error() {
    let desk = Desk::new();
    let record = desk.add_stream(&call(5_000), "cut");
    let path = desk.join("streams/cut/cut.mkv");
    let media = fs::read(&path).unwrap();
    fs::write(&path, &media[..media.len() / 2]).unwrap();
    desk.write_event(&[record.to_string().into_bytes()]);
    let ran = desk.run("record event.json").done();
    assert_eq!(ran.rows()[0][2], "partial");
    let verdict = &desk.run("record event.json --json").done().json()["records"][0]["recordings"]
        [0]["verdict"];
    assert_eq!(
        verdict["fragments"]["missing"], 1,
        "the record names the last one"
    );
    let damage = verdict["fragments"]["damage_list"][0].as_str().unwrap();
    assert!(
        damage.starts_with("byte ") && damage.contains("the media ends inside an element"),
        "{damage}"
    );
}

/// Fragments as somebody saved them: a file each, so that nothing stands before the
/// untagged one.
#[test]
fn a_stream_of_single_fragments_is_whole() {
    let desk = Desk::new();
    let call = SynthCall {
        untagged_tail: true,
        ..call(5_000)
    };
    for (position, fragment) in call.fragments().enumerate() {
        desk.write(
            &format!("streams/s/{}.mkv", 9 - position),
            fragment.document,
        );
    }
    desk.write_event(&[call.contact_record("s").to_string().into_bytes()]);
    let ran = desk.run("record event.json").done();
    assert_eq!(ran.rows()[0][2], "complete", "{}", ran.out);
    check_audio(&recorded_stem(&desk.join("out"), &call), &call);
}

#[test]
fn a_contact_id_with_slashes_stays_in_its_folder() {
    let desk = Desk::new();
    let call = SynthCall {
        contact: "../../a/b\u{1b}[2J".into(),
        ..call(2_000)
    };
    let record = desk.add_stream(&call, "odd");
    desk.write_event(&[record.to_string().into_bytes()]);
    let ran = desk.run("record event.json").done();
    assert_eq!(
        ran.rows()[0][0],
        r"../../a/b\u{1b}[2J",
        "escaped for the terminal"
    );
    let folder = desk.join("out/recordings/2025/10/09");
    let name = format!(
        "_2e_2e_2f_2e_2e_2fa_2fb_1b_5b2J_{}",
        call.span().start_fragment
    );
    check_audio(&folder.join(&name), &call);
    desk.run("extract streams/odd/odd.mkv --out e").done();
    check_audio(&desk.join("e/_2e_2e_2f_2e_2e_2fa_2fb_1b_5b2J"), &call);
    let ran = desk.run("inspect streams/odd/odd.mkv").done();
    assert!(
        ran.out.contains(r"contact ../../a/b\u{1b}[2J: 2 fragments"),
        "{}",
        ran.out
    );
    assert!(
        desk.files("out")
            .keys()
            .all(|path| path.starts_with(desk.join("out")))
    );
}
