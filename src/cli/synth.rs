//! `callreel synth`: a call that never was, on disk as `callreel record` reads it. Turns
//! flags into a [`SynthCall`] and decides nothing else.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::CliError;
use crate::media::counts::nearest;
use crate::synth::{Oddity, SynthCall};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.synth/1";

/// The longest call that is made up: twice Connect's own limit of 12 hours.
const MAX_SECONDS: u64 = 24 * 60 * 60;

/// The longest ContactId and stream name; a stream's name becomes a folder's.
const MAX_CONTACT_CHARS: usize = 256;
const MAX_STREAM_CHARS: usize = 200;

/// What the stream is written through, a few fragments at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// The leg before, where a fragment names two.
const LEG_BEFORE: &str = "9d3e7a10-52f6-4b8c-8e71-06c4b2d9f5a3";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Writes the stream to DIR/streams/NAME/NAME.mkv and the Kinesis event that tells of the call to \
    DIR/event.json. With --untagged-tail, NAME.numbers.json beside the stream tells `callreel sandbox` the numbers \
    that the media lacks. The same flags give the same bytes. Times are seconds from the call's first sample, with up \
    to three decimals. A fragment lasts 1.088 s.\n\n\
    Try it:  callreel synth --seconds 60 --hold-at 20..25 --reuse --lose 7\n         callreel record demo/event.json"
)]
pub(super) struct SynthArgs {
    /// Length of the call
    #[arg(long = "seconds", value_name = "S", default_value = "30", value_parser = parse_length)]
    pub millis: u64,

    /// No media from S to S, as while a caller is on hold (repeatable)
    #[arg(long = "hold-at", value_name = "S..S", value_delimiter = ',', value_parser = parse_span)]
    pub holds: Vec<Range<u64>>,

    /// What the customer hears starts this late
    #[arg(long = "late-to", value_name = "S", default_value = "0", value_parser = parse_millis)]
    pub late_to_millis: u64,

    /// Stream only what the customer says
    #[arg(long)]
    pub one_way: bool,

    /// Number the tracks the other way round
    #[arg(long)]
    pub swap_tracks: bool,

    /// Put another caller's fragments before and after, on the same stream
    #[arg(long)]
    pub reuse: bool,

    /// Leave the last fragment without any tag, and ContactId behind the audio
    #[arg(long)]
    pub untagged_tail: bool,

    /// Begin a new upload session here, with the tracks renumbered
    #[arg(long = "rotate-at", value_name = "S", value_parser = parse_millis)]
    pub rotate_at_millis: Option<u64>,

    /// Now and then a block that is too short for its place
    #[arg(long)]
    pub short_blocks: bool,

    /// Blocks of odd sizes, with times rounded to milliseconds
    #[arg(long)]
    pub rounding: bool,

    /// Answer this fragment, counted from 0, with FRAGMENT_NOT_FOUND (repeatable, or N,N)
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub lose: Vec<usize>,

    /// Leave this fragment, counted from 0, out of the stream (repeatable, or N,N)
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub missing: Vec<usize>,

    /// Start the media clock near 0 instead of at the epoch's milliseconds
    #[arg(long)]
    pub no_epoch: bool,

    /// Something odd that was met in the field (repeatable, or NAME,NAME): clock-back, clock-ahead, clock-still,
    /// blocks-still, no-scale, empty-scale, zero-scale, sent-twice, odd-cuts, two-contacts, late-name,
    /// foreign-inside, other-track, other-format, unknown-elements, nested-tags, broken-off
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub odd: Vec<Oddity>,

    /// ContactId of the call
    #[arg(long, value_name = "ID", value_parser = parse_contact)]
    pub contact: Option<String>,

    /// Another seed, another pair of speakers
    #[arg(long, value_name = "N", default_value_t = SynthCall::default().seed)]
    pub seed: u64,

    /// Name of the KVS stream
    #[arg(long, value_name = "NAME", default_value = "demo-connect-contact-6f1c", value_parser = parse_stream)]
    pub stream: String,

    /// Folder to write to; made when it is not there
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub out: PathBuf,
}

/// Writes DIR/streams/NAME/NAME.mkv, then DIR/event.json, and tells on `out` what was
/// written and what to do next. An error is one line: what, where, and the cure.
pub(super) fn run(args: &SynthArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let call = call_of(args).map_err(CliError::Told)?;
    let told = |path: &Path, error| CliError::Told(told(path, &error));
    let folder = args.out.join("streams").join(&args.stream);
    fs::create_dir_all(&folder).map_err(|error| told(&folder, error))?;
    let stream = folder.join(format!("{}.mkv", args.stream));
    let bytes = write_whole(&stream, |file| write_stream(&call, file))
        .map_err(|error| told(&stream, error))?;
    let numbers = stream.with_extension("numbers.json");
    let unnumbered = call.unnumbered();
    if unnumbered.is_empty() {
        // Of an earlier call under this name; most often there is none.
        let _ = fs::remove_file(&numbers);
    } else {
        let text = format!("{}\n", json!(unnumbered));
        write_whole(&numbers, |file| file.write_all(text.as_bytes()))
            .map_err(|error| told(&numbers, error))?;
    }
    let event = args.out.join("event.json");
    let text = format!("{:#}\n", call.event_json(&args.stream));
    write_whole(&event, |file| file.write_all(text.as_bytes()))
        .map_err(|error| told(&event, error))?;
    let written = Written {
        call: &call,
        stream: &stream,
        event: &event,
        bytes,
    };
    let report = if json {
        written.as_json()
    } else {
        written.as_text()
    };
    Ok(out.write_all(report.as_bytes())?)
}

/// The call that the flags ask for, or the flag that asks for what cannot be.
fn call_of(args: &SynthArgs) -> Result<SynthCall, String> {
    let standard = SynthCall::default();
    let call = SynthCall {
        millis: args.millis,
        holds: args.holds.clone(),
        late_to_millis: args.late_to_millis,
        one_way: args.one_way,
        swap_tracks: args.swap_tracks,
        reuse: args.reuse,
        untagged_tail: args.untagged_tail,
        rotate_at_millis: args.rotate_at_millis,
        short_blocks: args.short_blocks,
        rounding: args.rounding,
        lose: args.lose.clone(),
        missing: args.missing.clone(),
        no_epoch: args.no_epoch,
        odd: args.odd.clone(),
        leg_before: (args.odd.contains(&Oddity::TwoContacts)).then(|| LEG_BEFORE.to_owned()),
        contact: args
            .contact
            .clone()
            .unwrap_or_else(|| standard.contact.clone()),
        seed: args.seed,
        ..standard
    };
    let times = (call.holds.iter().map(|hold| ("--hold-at", hold.start)))
        .chain([("--late-to", call.late_to_millis)])
        .chain(call.rotate_at_millis.map(|at| ("--rotate-at", at)));
    for (flag, at) in times {
        if at >= call.millis {
            let (at, end) = (seconds(at), seconds(call.millis));
            return Err(format!(
                "{flag} {at}: the call is over at {end}; give an earlier time or more --seconds"
            ));
        }
    }
    let count = call.fragment_count();
    for (flag, indices) in [("--lose", &call.lose), ("--missing", &call.missing)] {
        if let Some(index) = indices.iter().find(|index| **index as u64 >= count) {
            return Err(match count.checked_sub(1) {
                Some(last) => format!(
                    "{flag} {index}: the call's last fragment is {last}; give a lower number or more --seconds"
                ),
                None => format!("{flag} {index}: the call has no fragments; shorten --hold-at"),
            });
        }
    }
    Ok(call)
}

fn write_stream(call: &SynthCall, file: &mut dyn Write) -> io::Result<u64> {
    let bar = ProgressBar::new(call.millis / 1_000);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} s, {eta} left") {
        bar.set_style(style);
    }
    let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, file);
    let bytes = call.write_stream(&mut buffered, |millis| bar.set_position(millis / 1_000));
    bar.finish_and_clear();
    bytes.and_then(|bytes| buffered.flush().map(|()| bytes))
}

/// Writes a file under another name and renames it when it is whole, so that no half
/// of a call is ever found where a call should be.
fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<T> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut file = File::create(&part)?;
    let written = write(&mut file).and_then(|value| fs::rename(&part, path).map(|()| value));
    if written.is_err() {
        // What is left of it would only take up the space that may be short.
        let _ = fs::remove_file(&part);
    }
    written
}

/// What could not be written, why, and what to do about it, on one line.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kinds are the standard library's, and become more"
)]
fn told(path: &Path, error: &io::Error) -> String {
    let cure = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room (some 33 kB a second of call), or give another folder with --out"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "allow writing there, or give another folder with --out"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed; move it, or give another folder with --out"
        }
        ErrorKind::IsADirectory => {
            "a folder stands where a file is needed; move it, or give another folder with --out"
        }
        _ => "give another folder with --out",
    };
    format!("cannot write {}: {error}; {cure}", path.display())
}

struct Written<'a> {
    call: &'a SynthCall,
    stream: &'a Path,
    event: &'a Path,
    bytes: u64,
}

impl Written<'_> {
    fn as_text(&self) -> String {
        format!(
            "Wrote {} ({} of call in {} fragments, {} bytes)\nWrote {}\nNext: {}\n",
            self.stream.display(),
            seconds(self.call.millis),
            self.call.fragment_count(),
            self.bytes,
            self.event.display(),
            self.next(),
        )
    }

    fn as_json(&self) -> String {
        let report = json!({
            "schema": SCHEMA,
            "stream": self.stream.display().to_string(),
            "event": self.event.display().to_string(),
            "contact": self.call.contact,
            "seconds": nearest(self.call.millis) / 1_000.0,
            "fragments": self.call.fragment_count(),
            "bytes": self.bytes,
            "next": self.next(),
        });
        format!("{report:#}\n")
    }

    /// The command that records the call, ready to be pasted.
    fn next(&self) -> String {
        format!(
            "callreel record {}",
            quoted(&self.event.display().to_string())
        )
    }
}

/// A word for a shell: as it is when it is plain, else in single quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%\\".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn seconds(millis: u64) -> String {
    match millis % 1_000 {
        0 => format!("{} s", millis / 1_000),
        rest => format!("{}.{rest:03} s", millis / 1_000),
    }
}

fn parse_length(text: &str) -> Result<u64, String> {
    match parse_millis(text)? {
        0 => Err("a call lasts longer than 0 s".into()),
        millis => Ok(millis),
    }
}

/// Reads decimal seconds exactly, without a float between.
fn parse_millis(text: &str) -> Result<u64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let decimal = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !decimal(whole) || !decimal(fraction) || fraction.len() > 3 {
        return Err("seconds, with up to three decimals: 30 or 12.5".into());
    }
    let limit = format!("at most {MAX_SECONDS} s, which is 24 hours");
    let whole: u64 = whole.parse().map_err(|_| limit.clone())?;
    let fraction: u64 = format!("{fraction:0<3}").parse().unwrap_or(0);
    let millis = whole.saturating_mul(1_000).saturating_add(fraction);
    (millis <= MAX_SECONDS * 1_000)
        .then_some(millis)
        .ok_or(limit)
}

fn parse_span(text: &str) -> Result<Range<u64>, String> {
    let (start, end) = text
        .split_once("..")
        .ok_or("two times in seconds, as 12..15.5")?;
    let span = parse_millis(start)?..parse_millis(end)?;
    match span.is_empty() {
        true => Err("the second time lies after the first, as in 12..15.5".into()),
        false => Ok(span),
    }
}

fn parse_contact(text: &str) -> Result<String, String> {
    match (1..=MAX_CONTACT_CHARS).contains(&text.chars().count())
        && !text.contains(char::is_control)
    {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "1 to {MAX_CONTACT_CHARS} characters, none of them a control character"
        )),
    }
}

/// KVS's own rule for names, without the names that a folder cannot have.
fn parse_stream(text: &str) -> Result<String, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let length = (1..=MAX_STREAM_CHARS).contains(&text.len());
    match length && text.chars().all(known) && !text.starts_with('.') {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "1 to {MAX_STREAM_CHARS} of a-z, A-Z, 0-9, '_', '.' and '-', not starting with '.'"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SynthArgs,
    }

    fn parse(line: &str) -> Result<SynthArgs, String> {
        Line::try_parse_from(["synth"].into_iter().chain(line.split_whitespace()))
            .map(|line| line.args)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn flags_become_a_call() {
        let args = parse(
            "--seconds 20.5 --hold-at 2..3.5 --hold-at 5..6,7..8 --late-to 1.25 --one-way \
             --swap-tracks --reuse --untagged-tail --rotate-at 9 --short-blocks --rounding \
             --lose 1,2 --lose 4 --missing 3 --no-epoch --contact c --seed 7",
        )
        .unwrap();
        let expected = SynthCall {
            millis: 20_500,
            holds: vec![2_000..3_500, 5_000..6_000, 7_000..8_000],
            late_to_millis: 1_250,
            one_way: true,
            swap_tracks: true,
            reuse: true,
            untagged_tail: true,
            rotate_at_millis: Some(9_000),
            short_blocks: true,
            rounding: true,
            lose: vec![1, 2, 4],
            missing: vec![3],
            no_epoch: true,
            contact: "c".into(),
            seed: 7,
            ..SynthCall::default()
        };
        assert_eq!(call_of(&args), Ok(expected));
        assert_eq!(call_of(&parse("").unwrap()), Ok(SynthCall::default()));
    }

    #[test]
    fn bad_values_are_told_with_the_flag_and_the_cure() {
        #[track_caller]
        fn check(line: &str, told: &str) {
            let error = match parse(line) {
                Ok(args) => call_of(&args).unwrap_err(),
                Err(error) => error,
            };
            assert!(error.contains(told), "{error}");
            assert!(
                error.contains(line.split([' ', '=']).next().unwrap()),
                "{error}"
            );
        }
        check("--seconds 0", "longer than 0 s");
        check("--seconds 1.2345", "up to three decimals");
        check("--seconds=-1", "up to three decimals");
        check("--seconds .", "up to three decimals");
        check("--seconds 86400.001", "24 hours");
        check("--seconds 99999999999999999999999", "24 hours");
        check("--hold-at 5", "two times");
        check("--hold-at 5..4", "lies after the first");
        check("--hold-at 31..40", "the call is over at 30 s");
        check("--late-to 30", "the call is over at 30 s");
        check("--rotate-at 30.5", "30.500 s");
        check("--lose 28", "last fragment is 27");
        check("--missing x", "invalid digit");
        check("--stream a/b", "0-9");
        check("--stream ..", "not starting with '.'");
        check("--contact=", "1 to 256 characters");
    }

    #[test]
    fn the_call_lands_where_it_is_said_to() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("de mo");
        let args = SynthArgs {
            out: out.clone(),
            ..parse("--seconds 3 --reuse --stream one").unwrap()
        };
        let mut report = Vec::new();
        run(&args, &mut report, true).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        let stream = fs::read(out.join("streams/one/one.mkv")).unwrap();
        assert_eq!(report["bytes"], stream.len());
        let call = call_of(&args).unwrap();
        let documents: Vec<_> = call.fragments().map(|fragment| fragment.document).collect();
        assert!(stream == documents.concat());
        let event = fs::read(out.join("event.json")).unwrap();
        let event: serde_json::Value = serde_json::from_slice(&event).unwrap();
        assert_eq!(event, call.event_json("one"));
        let path = out.join("event.json").display().to_string();
        assert_eq!(report["next"], format!("callreel record '{path}'"));
        let mut text = Vec::new();
        run(&args, &mut text, false).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.ends_with(&format!("\nNext: callreel record '{path}'\n")),
            "{text}"
        );
        assert!(!out.join("streams/one/one.mkv.part").exists());
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let args = |out: &Path| SynthArgs {
            out: out.to_owned(),
            ..parse("--seconds 1 --stream one").unwrap()
        };
        let told = |out: &Path| match run(&args(out), &mut Vec::new(), false) {
            Err(CliError::Told(error)) => error,
            other => panic!("{other:?}"),
        };
        let error = told(&file);
        assert!(
            error.contains("a file stands where a folder is needed"),
            "{error}"
        );
        assert!(error.contains("file/streams/one"), "{error}");
        fs::create_dir(folder.path().join("event.json")).unwrap();
        let error = told(folder.path());
        assert!(
            error.contains("a folder stands where a file is needed"),
            "{error}"
        );
        assert!(!folder.path().join("event.json.part").exists());
    }
}
