//! `extract` and `inspect`: media with no contact record at hand, in any state.

use super::*;

/// `extract` of the call's fragments, put into files as `lay` says, gives the call back.
#[track_caller]
fn check_extract(call: SynthCall, lay: impl Fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>, own: u64) {
    let desk = Desk::new();
    let documents = call.fragments().map(|fragment| fragment.document).collect();
    let mut line = format!("extract --contact {} --out e --json", call.contact);
    for (position, file) in lay(documents).into_iter().enumerate() {
        desk.write(&format!("{position}.mkv"), file);
        line.push_str(&format!(" {position}.mkv"));
    }
    let json = desk.run(&line).done().json();
    let contacts = json["contacts"].as_array().unwrap();
    assert_eq!(contacts.len(), 1);
    let contact = &contacts[0];
    let verdict = &contact["verdict"];
    assert_eq!(verdict["status"], "complete", "{:#}", verdict["reasons"]);
    assert_eq!(verdict["fragments"]["own"], own);
    assert_eq!(verdict["sides"]["from"]["overlaps"]["count"], 0);
    assert_eq!(json["unowned_fragments"], 0);
    check_audio(&desk.join("e").join(&call.contact), &call);
}

fn one_file(documents: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    vec![documents.into_iter().flatten().collect()]
}

#[test]
fn fragments_are_put_in_order_wherever_they_lie() {
    let plain = || call(7_000);
    let odd = || SynthCall {
        reuse: true,
        untagged_tail: true,
        rotate_at_millis: Some(4_000),
        holds: std::iter::once(1_000..2_500).collect(),
        ..call(7_000)
    };
    let in_order = |documents: Vec<_>| one_file(documents);
    let reversed = |documents: Vec<_>| one_file(documents.into_iter().rev());
    let rotated = |mut documents: Vec<Vec<u8>>| {
        documents.rotate_right(3);
        one_file(documents)
    };
    let a_file_each = |documents: Vec<Vec<u8>>| documents;
    let a_file_each_reversed = |documents: Vec<Vec<u8>>| documents.into_iter().rev().collect();
    let by_turns = |documents: Vec<Vec<u8>>| {
        let mut files = vec![Vec::new(); 3];
        for (position, document) in documents.into_iter().enumerate() {
            files[2 - position % 3].extend(document);
        }
        files
    };
    for (call, own) in [(plain(), 7), (odd(), 6)] {
        check_extract(call.clone(), in_order, own);
        check_extract(call.clone(), reversed, own);
        check_extract(call.clone(), rotated, own);
        check_extract(call.clone(), a_file_each, own);
        check_extract(call.clone(), a_file_each_reversed, own);
        check_extract(call, by_turns, own);
    }
}

#[test]
fn what_is_there_twice_counts_once() {
    let odd = || SynthCall {
        untagged_tail: true,
        reuse: true,
        ..call(5_000)
    };
    let twice = |documents: Vec<Vec<u8>>| {
        let file = documents.concat();
        vec![file.clone(), file]
    };
    let twice_in_one = |documents: Vec<Vec<u8>>| one_file([documents.concat(), documents.concat()]);
    // The whole copy counts, not the one that came first; nor does an error document.
    let cut_first = |documents: Vec<Vec<u8>>| {
        let file = documents.concat();
        let cut = file[..documents[0].len() + documents[1].len() / 2].to_vec();
        vec![cut, file]
    };
    let lost_first = |documents: Vec<Vec<u8>>| {
        let lost = SynthCall {
            lose: vec![1],
            ..call(5_000)
        };
        let errors = lost.fragments().map(|fragment| fragment.document);
        vec![errors.flatten().collect(), documents.concat()]
    };
    for call in [call(5_000), odd()] {
        check_extract(call.clone(), twice, 5);
        check_extract(call.clone(), twice_in_one, 5);
        check_extract(call, cut_first, 5);
    }
    check_extract(call(5_000), lost_first, 5);
}

#[test]
fn one_contact_or_all() {
    let desk = Desk::new();
    desk.run("synth --seconds 3 --reuse --contact Mine --stream s")
        .done();
    let media = "demo/streams/s/s.mkv";
    let ran = desk.run(&format!("extract {media}")).done();
    let contacts: Vec<_> = ran.rows().iter().map(|row| row[0]).collect();
    let other = SynthCall::default().foreign_contact;
    assert_eq!(
        contacts,
        [&*other, "Mine"],
        "in the order of the stream, as they are written"
    );
    for path in ran.paths() {
        assert!(
            desk.join(&path).is_file(),
            "{path:?} is printed, and not there"
        );
    }
    assert_eq!(
        desk.names("out").len(),
        11,
        "five files of each contact, and the file whose lock is the turn"
    );
    let ran = desk
        .run(&format!("extract {media} --contact MINE --out one"))
        .done();
    assert_eq!(
        ran.rows(),
        [["Mine", "complete", "0:00:03.0", "3", "from to mixed"]]
    );
    assert_eq!(desk.names("one").len(), 6);
    desk.run(&format!("extract {media} --contact yours --out none"))
        .check(
            1,
            &[&[
                "contact yours is not in these files; choose of ",
                &other,
                "Mine",
                "leave --contact out",
            ]],
        );
    assert!(!desk.join("none").exists());
}

#[test]
fn a_bad_file_is_told_and_the_good_ones_are_extracted() {
    let desk = Desk::new();
    let call = call(3_000);
    desk.add_stream(&call, "good");
    desk.write("empty.mkv", "");
    desk.write("noise.mkv", "no media at all");
    fs::create_dir(desk.join("folder.mkv")).unwrap();
    let ran = desk
        .run("extract missing.mkv empty.mkv streams/good/good.mkv noise.mkv folder.mkv --out e");
    let ran = ran.check(
        1,
        &[
            &["missing.mkv: No such file", "; check the path"],
            &["empty.mkv: is empty; give a file of Matroska fragments, as KVS answers with them"],
            &[
                "noise.mkv: is no Matroska file (byte 0: ",
                "; give a file of Matroska fragments",
            ],
            &["folder.mkv: is a folder; give its .mkv files: folder.mkv/*.mkv"],
        ],
    );
    assert_eq!(
        ran.rows(),
        [[
            &*call.contact,
            "complete",
            "0:00:03.0",
            "3",
            "from to mixed"
        ]]
    );
    check_audio(&desk.join("e").join(&call.contact), &call);
    let ran = desk
        .run("extract empty.mkv streams/good/good.mkv --json")
        .check(1, &[&["empty.mkv"]]);
    assert_eq!(
        ran.json()["unread_files"],
        json!(["empty.mkv: is empty; give a file of Matroska fragments, as KVS answers with them"])
    );
    let ran = desk
        .run("extract empty.mkv --out n")
        .check(1, &[&["empty.mkv: is empty"]]);
    assert!(ran.out.is_empty() && !desk.join("n").exists());
    // Error documents are no reason to call a file bad, but there is nothing to extract.
    let lost = SynthCall {
        lose: vec![0, 1, 2],
        ..call
    };
    desk.add_stream(&lost, "lost");
    desk.run("extract streams/lost/lost.mkv").check(
        1,
        &[&[
            "streams/lost/lost.mkv: no fragment names a contact; ",
            "callreel inspect",
        ]],
    );
}

#[test]
fn a_fragment_of_nobody_is_left_out_and_told() {
    let desk = Desk::new();
    let call = SynthCall {
        untagged_tail: true,
        ..call(3_000)
    };
    // A tail of another upload session: nothing says whose it is.
    let stray = SynthCall {
        seed: 9,
        ..call.clone()
    };
    let mut media: Vec<_> = call.fragments().map(|fragment| fragment.document).collect();
    media.extend(stray.fragments().map(|fragment| fragment.document).last());
    desk.write("a.mkv", media.concat());
    let ran = desk.run("extract a.mkv");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(
        ran.err,
        "warning: 1 fragment without a contact left out; callreel inspect tells more\n"
    );
    check_audio(&desk.join("out").join(&call.contact), &call);
    let ran = desk.run("inspect a.mkv").done();
    assert!(
        ran.out
            .contains("\n1 fragment without a contact, own or inherited\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("\n2 fragments without a number\n"),
        "{}",
        ran.out
    );
}

#[test]
fn inspect_shows_what_there_is() {
    let desk = Desk::new();
    desk.run(
        "synth --seconds 8 --hold-at 2..4 --late-to 1 --lose 5 --rotate-at 6 --stream s --out d",
    )
    .done();
    let media = desk.join("d/streams/s/s.mkv");
    let mut bytes = fs::read(&media).unwrap();
    let whole = bytes.len();
    bytes.truncate(whole - 10);
    fs::write(&media, &bytes).unwrap();
    let ran = desk.run("inspect d/streams/s/s.mkv").done();
    for line in [
        "6 fragments, 2 sessions, 1 contact, 1 error document, 1 damaged place\n",
        "\nSESSION ",
        "  1=AUDIO_FROM_CUSTOMER 2=AUDIO_TO_CUSTOMER\n",
        "  1=AUDIO_TO_CUSTOMER 2=AUDIO_FROM_CUSTOMER\n",
        "\nfrom |",
        "\n  to |",
        "s of audio, starts at 1.000 s, 2 gaps (3.",
        "        gap at 1.984 s, 2.048 s long\n",
        "\nerror documents (1):\n  byte ",
        ": FRAGMENT_NOT_FOUND (3000)\n",
        "\ndamage (1):\n  byte ",
        ": the media ends inside an element, fragment ",
    ] {
        assert!(ran.out.contains(line), "{line:?} is not in\n{}", ran.out);
    }
    let json = desk.run("inspect d/streams/s/s.mkv --json").done().json()["files"][0].clone();
    assert_eq!(json["bytes"], whole - 10);
    assert_eq!(json["fragments"], 6);
    assert_eq!(
        json["sessions"][1]["tracks"][0],
        json!({"number": 1, "name": "AUDIO_TO_CUSTOMER"})
    );
    assert_eq!(
        json["sessions"][0]["first_fragment"],
        call(8_000).span().start_fragment
    );
    assert_eq!(json["contacts"][0]["contact_id"], call(0).contact);
    assert_eq!(json["contacts"][0]["to"]["offset_seconds"], 1.0);
    assert_eq!(
        json["contacts"][0]["from"]["gaps"][0],
        json!([1.984, 2.048])
    );
    let waveform = json["contacts"][0]["from"]["waveform"].as_array().unwrap();
    assert!((37..=72).contains(&waveform.len()));
    assert_eq!(json["error_count"], 1);
    assert!(json["damage"][0].as_str().unwrap().starts_with("byte "));
}

#[test]
fn inspect_tells_of_copies_and_of_any_order() {
    let desk = Desk::new();
    let call = SynthCall {
        rotate_at_millis: Some(3_000),
        ..call(5_000)
    };
    let mut media: Vec<_> = call.fragments().map(|fragment| fragment.document).collect();
    media.reverse();
    desk.write("a.mkv", [media.concat(), media.concat()].concat());
    let ran = desk.run("inspect a.mkv").done();
    assert!(
        ran.out.contains("10 fragments, 2 sessions, 1 contact"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains(": 5 fragments, 0:00:05.0\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("\n5 fragments left out, copies of others\n"),
        "{}",
        ran.out
    );
    let json = desk.run("inspect a.mkv --json").done().json()["files"][0].clone();
    assert_eq!([&json["repeated"], &json["unowned"]], [5, 0]);
    let [first, last] = ["first_fragment", "last_fragment"]
        .map(|field| json["sessions"][1][field].as_str().unwrap());
    assert!(first == call.span().start_fragment && first < last);
}

/// `inspect` of a file with no call in it: it shows what it saw, and says so.
#[track_caller]
fn check_nothing(content: &[u8], shown: &str, words: &[&str]) {
    let desk = Desk::new();
    desk.write("a.mkv", content);
    let ran = desk.run("inspect a.mkv").check(1, &[words]);
    let seen = format!("a.mkv: {} bytes, 0 fragments, ", content.len());
    assert!(ran.out.starts_with(&seen), "{}", ran.out);
    assert!(ran.out.contains(shown), "{}", ran.out);
    let json = desk.run("inspect a.mkv --json").check(1, &[words]).json()["files"][0].clone();
    assert_eq!(json["bytes"], content.len());
    assert_eq!(json["fragments"], 0);
}

#[test]
fn inspect_of_nothing_says_so() {
    check_nothing(b"", "0 damaged places\n", &["a.mkv: is empty; give "]);
    check_nothing(
        b"RIFF____WAVEfmt ",
        "\ndamage (1):\n  byte 0: ",
        &[
            "a.mkv: is no Matroska file, but a RIFF file such as WAV (byte 0: ",
            "; give ",
        ],
    );
    let desk = Desk::new();
    desk.run("inspect missing.mkv")
        .check(1, &[&["missing.mkv: No such file", "; check the path"]]);
    desk.run("inspect .")
        .check(1, &[&[".: is a folder; give its .mkv files: ./*.mkv"]]);
    // What is only error documents holds something worth to be shown.
    let lost = SynthCall {
        lose: vec![0, 1],
        ..call(2_000)
    };
    desk.add_stream(&lost, "lost");
    let ran = desk.run("inspect streams/lost/lost.mkv").done();
    assert!(
        ran.out
            .contains("0 fragments, 0 sessions, 0 contacts, 2 error documents"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("\nerror documents (2):\n  byte 0: fragment "),
        "{}",
        ran.out
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_pipe_is_refused_before_it_is_waited_for() {
    let desk = Desk::new();
    let refused: &[&str] = &["/dev/stdin: is a pipe", "; a plain file must be there"];
    for line in ["inspect /dev/stdin", "extract /dev/stdin"] {
        // Somebody holds the pipe open and writes nothing.
        let (reader, _writer) = std::io::pipe().unwrap();
        Ran::of(desk.command(line).stdin(reader).output().unwrap()).check(1, &[refused]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_name_that_is_no_text_does_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    desk.add_stream(&call(2_000), "s");
    let name = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9\n.mkv"));
    fs::rename(desk.join("streams/s/s.mkv"), desk.join(name)).unwrap();
    let run = |line: &str| Ran::of(desk.command(line).arg(name).output().unwrap()).done();
    assert_eq!(
        run("inspect --json").json()["files"][0]["file"],
        "caf\u{fffd}\n.mkv"
    );
    assert!(run("inspect").out.starts_with("caf\u{fffd}\\n.mkv: "));
    assert_eq!(run("extract").rows()[0][1], "complete");
}
