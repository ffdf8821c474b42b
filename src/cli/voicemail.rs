//! `callreel voicemail`: the whole way of a message on folders, from a contact record that a flow
//! flagged to a task or a mail as a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use futures_executor::block_on;
use serde_json::{Value, json};

use super::record::{parse_prefix, streams_of};
use super::text::plain;
use super::{CliError, ended, event, folder_url, tell_error, tell_swept, tell_warning};
use crate::capture::{Capture, Captured};
use crate::connect::arn;
use crate::connect::record::read_contact_records;
use crate::deliver::{Delivered, Delivering, Transcribed, Tries};
use crate::event::batch::BatchRecord;
use crate::failure::Failure;
use crate::failure::parked::Parked;
use crate::local::{
    LocalClock, LocalContacts, LocalDesk, LocalRecordings, LocalSigner, LocalStreams,
    LocalTranscriber, Speech,
};
use crate::port::voicemail::NoSummaries;
use crate::port::{ContactAttributes, NoAttributes, NoDeadline, ParkingLot};
use crate::recorder::Recorder;
use crate::recording::plan;
use crate::recording::plan::Reading;
use crate::voicemail::capture::{Defaults, Voicemail};
use crate::voicemail::flagged::{DEFAULT_LANGUAGE, Mode};
use crate::voicemail::mail::Address;
use crate::voicemail::policy::{AgentAddress, EmailStyle, Policy, TRANSCRIPT_BYTES};
use crate::voicemail::zone::Zone;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.voicemail/1";
/// Where recordings and markers lie below the folder.
const RECORDINGS: &str = "recordings";
/// Where transcripts lie below the folder.
const TRANSCRIPTS: &str = "transcripts";
/// How long the link in a task or a mail says that it works; a file has no end.
const LINK: std::time::Duration = std::time::Duration::from_secs(86_400);

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Writes DIR/recordings/YYYY/MM/DD/CONTACT.wav with its verdict, DIR/transcripts/YYYY/MM/DD/CONTACT.json, and \
    DIR/tasks/CONTACT.json (what Connect would be asked for) or DIR/mail/CONTACT.eml. A message that was delivered is not \
    delivered again: DIR/recordings/delivered/CONTACT.json says so.\n\n\
    The transcript is the text beside the stream, STREAMS/STREAM.txt, or what the transcriber's command prints. Without one, or \
    where the command fails, the message is delivered without a transcript.\n\n\
    Try it:  callreel voicemail events/voicemail.json"
)]
pub(super) struct VoicemailArgs {
    /// A Kinesis event as Lambda gets it, with contact records in base64; `-` is standard input
    event: PathBuf,
    /// A folder with one folder for each KVS stream, of .mkv files [default: `streams` beside the event, else
    /// tests/data/streams]
    #[arg(long, value_name = "DIR")]
    streams: Option<PathBuf>,
    /// The folder for recordings, transcripts, tasks and mails
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// What the recordings' paths start with, below DIR/recordings
    #[arg(long, value_name = "PREFIX", default_value = "", value_parser = parse_prefix)]
    key_prefix: String,
    /// A command that prints the transcript of a WAV file, such as a speech recogniser; {wav} is the file's path. No
    /// shell runs it: words are told apart by spaces, and quotes hold them together
    #[arg(long, value_name = "COMMAND {wav}", value_parser = parse_command)]
    transcriber: Option<Words>,
    /// How a message is delivered whose flow does not say: task, guided_task or email
    #[arg(long, value_name = "MODE", default_value = "guided_task", value_parser = parse_mode)]
    mode: Mode,
    /// Whom mails come from
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "voicemail@callreel.example"
    )]
    email_from: Address,
    /// Whom mails go to when the flow names nobody
    #[arg(long, value_name = "ADDRESS", default_value = "team@callreel.example")]
    email_to: Address,
    /// The hour that people read: a zone such as Europe/London, or an offset such as +09:00
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: Zone,
}

/// A command's words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words(Vec<String>);

fn parse_mode(text: &str) -> Result<Mode, String> {
    Mode::from_name(text).ok_or_else(|| "task, guided_task or email".to_owned())
}

/// Words by spaces; single and double quotes hold one together.
fn parse_command(text: &str) -> Result<Words, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    match (quote, words.iter().any(|word| word.contains("{wav}"))) {
        (Some(_), _) => Err("a quote is not closed".to_owned()),
        (None, false) => Err("{wav} stands where the recording's path goes".to_owned()),
        (None, true) => Ok(Words(words)),
    }
}

/// No queue: what cannot be worked is told.
struct NoParking;

impl ParkingLot for NoParking {
    async fn park(&self, _parked: &Parked) -> Result<bool, Failure> {
        Ok(false)
    }
}

pub(super) fn run(args: &VoicemailArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let event::Asked::Records(origin, records) = event::read(&args.event)? else {
        return Err(CliError::Told(format!(
            "{}: a contact event says nothing of a flag; give a Kinesis event, e.g. events/voicemail.json",
            event::name(&args.event)
        )));
    };
    let streams = args
        .streams
        .clone()
        .unwrap_or_else(|| streams_of(&args.event));
    let recordings = args.out.join(RECORDINGS);
    let store = LocalRecordings::new(&recordings);
    tell_swept(&recordings, &store.sweep(Some(&args.key_prefix)));
    seed(&args.out, &records)?;
    let capture = Capture {
        recorder: Recorder {
            source: LocalStreams::new(&streams),
            store,
            attributes: NoAttributes,
            policy: plan::Policy::new(args.key_prefix.clone(), folder_url(&recordings)),
            reading: Reading::default(),
        },
        live: LocalStreams::new(&streams),
        ivr: LocalRecordings::new(&streams),
        transcripts: LocalRecordings::new(args.out.join(TRANSCRIPTS)),
        parking: NoParking,
        clock: LocalClock,
        defaults: Defaults {
            prefix: args.key_prefix.clone(),
            language: DEFAULT_LANGUAGE.to_owned(),
            mode: args.mode,
            queue_arn: None,
            summary: false,
            instances: Vec::new(),
            ivr_bucket: None,
        },
        at_once: 1,
    };
    let batch = block_on(capture.handle_records(origin, records, &NoDeadline));
    let mut errors = 0;
    let mut documents = Vec::new();
    for captured in batch.records.iter().flat_map(|handled| &handled.captured) {
        match message(args, &streams, captured) {
            Ok(told) if json => documents.push(told.json),
            Ok(told) => {
                for line in told.lines {
                    writeln!(out, "{line}")?;
                }
            }
            Err(cause) => {
                errors += 1;
                tell_error(&cause);
            }
        }
    }
    if json {
        writeln!(
            out,
            "{:#}",
            json!({"schema": SCHEMA, "messages": documents})
        )?;
    }
    ended(errors, Ok(()))
}

/// The attributes that the records name, as far as the notebook has none of their contact.
fn seed(out: &Path, records: &[BatchRecord]) -> Result<(), CliError> {
    let contacts = LocalContacts::new(out.join("contacts.json"));
    let seeded = block_on(async {
        for record in records {
            let data = record.data.as_deref().unwrap_or_default();
            for contact in read_contact_records(data).into_iter().flatten() {
                let initial = contact
                    .initial_contact
                    .as_deref()
                    .unwrap_or(&contact.contact);
                if contacts.read(None, initial).await?.is_empty() {
                    let turn = contacts.turn().await;
                    contacts
                        .write(turn, None, initial, &contact.attributes)
                        .await?;
                }
            }
        }
        Ok::<_, Failure>(())
    });
    seeded.map_err(|failure| CliError::Told(failure.to_string()))
}

/// What became of a message, for both kinds of readers.
struct Told {
    json: Value,
    lines: Vec<String>,
}

fn message(args: &VoicemailArgs, streams: &Path, captured: &Captured) -> Result<Told, String> {
    let left = |contact: &str, reason: &str| Told {
        json: json!({"contact": contact, "outcome": "skipped", "reason": reason}),
        lines: vec![format!("{contact}: skipped: {}", plain(reason))],
    };
    match captured {
        Captured::Skipped { contact, reason } => Ok(left(contact, &reason.to_string())),
        Captured::LeftAlone { contact, reason } => Ok(left(contact, reason)),
        Captured::NotAContactRecord(error) => Err(error.to_string()),
        Captured::Failed { contact, failure } => match contact {
            Some(contact) => Err(format!("contact {contact}: {failure}")),
            None => Err(failure.to_string()),
        },
        // No bucket is set, so that nothing is cut.
        Captured::Cut { voicemail, .. } => Ok(left(&voicemail.contact, "cut")),
        Captured::Recorded {
            voicemail,
            plan,
            recorded,
        } => {
            let mut lines = vec![args.path(RECORDINGS, &voicemail.place.recording())];
            let mut notes = Vec::new();
            let reasons = recorded.verdict.reasons.iter();
            notes.extend(reasons.map(|reason| reason.detail.clone()));
            let speech = args.speech(streams, voicemail, &plan.stream);
            let status = recorded.verdict.status.name();
            deliver(args, voicemail, speech, status, &mut lines, notes)
        }
        Captured::Without {
            voicemail, reason, ..
        } => {
            let speech = Speech::Nowhere("there is no recording".to_owned());
            let notes = vec![format!("no recording: {reason}")];
            deliver(args, voicemail, speech, "none", &mut Vec::new(), notes)
        }
    }
}

fn deliver(
    args: &VoicemailArgs,
    voicemail: &Voicemail,
    speech: Speech,
    recording: &str,
    lines: &mut Vec<String>,
    mut notes: Vec<String>,
) -> Result<Told, String> {
    let recordings = args.out.join(RECORDINGS);
    let desk = || LocalDesk {
        folder: args.out.clone(),
        contact: voicemail.contact.to_string(),
        contacts: LocalContacts::new(args.out.join("contacts.json")),
    };
    let delivering = Delivering {
        recordings: LocalRecordings::new(&recordings),
        transcripts: LocalRecordings::new(args.out.join(TRANSCRIPTS)),
        desk: desk(),
        mailer: desk(),
        transcriber: LocalTranscriber {
            recordings: recordings.clone(),
            transcripts: LocalRecordings::new(args.out.join(TRANSCRIPTS)),
            speech,
        },
        signer: LocalSigner {
            base: folder_url(&recordings),
        },
        summariser: NoSummaries,
        clock: LocalClock,
        language: DEFAULT_LANGUAGE.to_owned(),
        prefix: args.key_prefix.clone(),
        policy: args.policy(&recordings),
    };
    let place = &voicemail.place;
    let told = block_on(async {
        let transcribed = match recording {
            "none" => Transcribed::There,
            _ => delivering.transcribe(&place.recording()).await?,
        };
        let delivered = delivering.deliver(&place.transcript(), Tries::Last).await?;
        Ok::<_, crate::deliver::NotDone>((transcribed, delivered))
    });
    let (transcribed, delivered) = told.map_err(|not_done| not_done.to_string())?;
    if let Transcribed::Substituted { reason, .. } = &transcribed {
        tell_warning(&format!(
            "contact {}: delivered without a transcript: {reason}",
            voicemail.contact
        ));
        notes.push(format!("no transcript: {reason}"));
    }
    let (outcome, mode) = match &delivered {
        Delivered::Ignored => return Err(format!("contact {}: no transcript", voicemail.contact)),
        Delivered::Before { mode, .. } => ("found", *mode),
        Delivered::Now { mode, oddities, .. } => {
            notes.extend(oddities.iter().cloned());
            ("delivered", *mode)
        }
    };
    notes.extend(voicemail.oddities.iter().cloned());
    let file = match mode {
        Mode::Email => desk().mail(),
        Mode::Task | Mode::GuidedTask => desk().task(),
    };
    let file = file.display().to_string();
    let found = if outcome == "found" { " (found)" } else { "" };
    let contact = &*voicemail.contact;
    let mut all = vec![format!("{contact}: delivered as {}{found}", mode.name())];
    all.append(lines);
    all.push(args.path(TRANSCRIPTS, &place.transcript()));
    all.push(file.clone());
    all.extend(notes.iter().map(|note| format!("  note: {}", plain(note))));
    Ok(Told {
        json: json!({
            "contact": contact, "outcome": outcome, "mode": mode.name(), "file": file,
            "recording": recording, "recording_key": place.recording(), "transcript_key": place.transcript(),
            "notes": notes,
        }),
        lines: all,
    })
}

impl VoicemailArgs {
    fn path(&self, folder: &str, key: &str) -> String {
        self.out.join(folder).join(key).display().to_string()
    }

    fn speech(&self, streams: &Path, voicemail: &Voicemail, stream: &str) -> Speech {
        if let Some(Words(words)) = &self.transcriber {
            return Speech::Command(words.clone());
        }
        let name = arn::stream_name(stream).unwrap_or_default();
        let beside = [
            streams
                .join(name)
                .join(format!("{}.txt", voicemail.place.contact())),
            streams.join(format!("{name}.txt")),
        ];
        match beside.into_iter().find(|path| path.is_file()) {
            Some(path) => Speech::Text(path),
            None => Speech::Nowhere(format!(
                "{} is not there; put the text there, or give --transcriber",
                streams.join(format!("{name}.txt")).display()
            )),
        }
    }

    fn policy(&self, recordings: &Path) -> Policy {
        Policy {
            instance: None,
            queue_arn: None,
            mode: self.mode,
            task_flow: Some("voicemail-task".into()),
            guided_task_flow: Some("voicemail-guided-task".into()),
            email_from: Some(self.email_from.clone()),
            email_to: Some(self.email_to.clone()),
            email_domains: Vec::new(),
            agent_address: AgentAddress::Email,
            email_style: EmailStyle::Attachment,
            queue_template: None,
            agent_template: None,
            summary: false,
            transcript_bytes: TRANSCRIPT_BYTES,
            zone: self.time_zone,
            task_link: LINK,
            email_link: LINK,
            pages: None,
            recordings: folder_url(recordings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_words() {
        #[track_caller]
        fn check(text: &str, expected: Result<&[&str], &str>) {
            let words = parse_command(text).map(|Words(words)| words);
            let words = words
                .as_ref()
                .map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
            let words = words
                .as_ref()
                .map(Vec::as_slice)
                .map_err(|error| error.as_str());
            assert_eq!(words, expected, "{text}");
        }
        check("hear {wav}", Ok(&["hear", "{wav}"]));
        check(
            "  'my ear' --in=\"{wav}\"  -q ''",
            Ok(&["my ear", "--in={wav}", "-q", ""]),
        );
        check("hear", Err("{wav} stands where the recording's path goes"));
        check("hear '{wav}", Err("a quote is not closed"));
    }
}
