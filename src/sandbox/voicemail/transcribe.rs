//! Amazon Transcribe: jobs that read a WAV from a bucket, and put a transcript into one. A job
//! takes a moment; then it completes, fails, or never says so, as the script has it. There is no
//! recogniser here: what was said stands in `speech/NAME.txt` of the data folder, NAME being the
//! media's file name without its ending, or in `speech/default.txt`.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::lock::lock;
use crate::sandbox::faults::Effect;
use crate::sandbox::happenings::{ACCOUNT, Happening, Happenings};
use crate::sandbox::wire::{Refusal, Reply, json_reply, parse};

/// How long a job takes.
const JOB_TIME: Duration = Duration::from_millis(100);
/// The shortest audio that is transcribed.
const LEAST_MILLIS: u64 = 500;
/// What Transcribe writes to see whether it may, beside the object to be.
const PROBE: &str = ".write_access_check_file.temp";
/// What was said, where nobody tells.
const SPEECH: &str = "This is a message that was left in the sandbox.";
const INVALID: &str = "BadRequestException";

/// The languages of transcription jobs (API reference, `LanguageCode`).
const LANGUAGES: &str = "ab-GE af-ZA am-ET ar-AE ar-SA ast-ES az-AZ ba-RU be-BY bg-BG bn-IN bs-BA \
    ca-ES ckb-IQ ckb-IR cs-CZ cy-GB cy-WL da-DK de-CH de-DE el-GR en-AB en-AU en-GB en-IE en-IN \
    en-NZ en-US en-WL en-ZA es-ES es-MX es-US et-EE et-ET eu-ES fa-AF fa-IR fi-FI fr-CA fr-FR \
    ga-IE gd-GB gl-ES gu-IN ha-NG he-IL hi-IN hr-HR ht-HT hu-HU hy-AM id-ID is-IS it-IT ja-JP \
    jv-ID ka-GE kab-DZ kk-KZ km-KH kn-IN ko-KR ky-KG lg-IN lt-LT lv-LV mhr-RU mi-NZ mk-MK ml-IN \
    mn-MN mr-IN ms-MY mt-MT my-MM ne-NP nl-NL no-NO or-IN pa-IN pl-PL ps-AF pt-BR pt-PT ro-RO \
    ru-RU rw-RW si-LK sk-SK sl-SI so-SO sq-AL sr-RS su-ID sv-SE sw-BI sw-KE sw-RW sw-TZ sw-UG \
    ta-IN te-IN th-TH tl-PH tr-TR tt-RU ug-CN uk-UA uz-UZ vi-VN wo-SN zh-CN zh-HK zh-TW zu-ZA";

/// All jobs.
#[derive(Debug)]
pub(super) struct Transcribe(Arc<Jobs>);

#[derive(Debug)]
struct Jobs {
    folder: PathBuf,
    buckets: PathBuf,
    speech: PathBuf,
    happenings: Happenings,
    /// One writer at a time.
    turn: Mutex<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    transcription_job_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Start {
    transcription_job_name: String,
    language_code: Option<String>,
    #[serde(default)]
    identify_language: bool,
    media_format: Option<String>,
    media: Media,
    output_bucket_name: Option<String>,
    output_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Media {
    media_file_uri: Option<String>,
}

/// How a job will end.
#[derive(Clone, Debug)]
enum Fate {
    Completes,
    Fails(String),
    Never,
}

impl Transcribe {
    pub(super) fn new(data: &Path, happenings: Happenings) -> Self {
        Self(Arc::new(Jobs {
            folder: data.join("transcription-jobs"),
            buckets: data.join("buckets"),
            speech: data.join("speech"),
            happenings,
            turn: Mutex::new(()),
        }))
    }

    pub(super) fn answer(
        &self,
        operation: &str,
        body: &[u8],
        effect: Option<&Effect>,
    ) -> Result<Reply, Refusal> {
        if operation == "StartTranscriptionJob" {
            return self.start(&parse(body, INVALID)?, effect);
        }
        let named: Named = parse(body, INVALID)?;
        let path = self.0.path(&named.transcription_job_name)?;
        let _turn = lock(&self.0.turn);
        let job = read(&path)?.ok_or_else(|| {
            let message = "The requested job couldn't be found. Check the job name and try your request again.";
            Refusal::new(400, INVALID, message)
        })?;
        match operation {
            "GetTranscriptionJob" => Ok(json_reply(&json!({ "TranscriptionJob": job }))),
            _ => {
                fs::remove_file(path)?;
                Ok(json_reply(&json!({})))
            }
        }
    }

    fn start(&self, start: &Start, effect: Option<&Effect>) -> Result<Reply, Refusal> {
        let name = &start.transcription_job_name;
        let path = self.0.path(name)?;
        let output = checked(start)?;
        let media = self.0.media(start)?;
        let (fate, tells) = match effect {
            Some(Effect::JobFails { reason }) => (Fate::Fails(reason.clone()), true),
            Some(Effect::JobFailsUnheard { reason }) => (Fate::Fails(reason.clone()), false),
            Some(Effect::JobNeverEnds) => (Fate::Never, false),
            _ => (Fate::Completes, true),
        };
        let job = json!({
            "TranscriptionJobName": name,
            "TranscriptionJobStatus": "IN_PROGRESS",
            "LanguageCode": start.language_code.as_deref().unwrap_or("en-US"),
            "MediaFormat": "wav",
            "Media": {"MediaFileUri": start.media.media_file_uri},
            "CreationTime": seconds(),
            "StartTime": seconds(),
        });
        {
            let _turn = lock(&self.0.turn);
            if path.exists() {
                let message = "The requested job name already exists. Use a different job name.";
                return Err(Refusal::new(400, "ConflictException", message));
            }
            fs::create_dir_all(&self.0.folder)?;
            write(&path, &job)?;
        }
        if let Some((bucket, key)) = &output {
            let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
            let probe = format!("{folder}/{PROBE}");
            self.0.store(bucket, probe.trim_start_matches('/'), b"")?;
        }
        let (jobs, name) = (Arc::clone(&self.0), name.clone());
        if !matches!(fate, Fate::Never) {
            tokio::spawn(async move {
                tokio::time::sleep(JOB_TIME).await;
                // A job whose files are not there any more has nobody to tell.
                let _ = jobs.end(&name, &media, output, fate, tells);
            });
        }
        Ok(json_reply(&json!({ "TranscriptionJob": job })))
    }
}

/// What Transcribe refuses at once; else the bucket and key of the transcript, if it does not
/// keep it itself.
fn checked(start: &Start) -> Result<Option<(String, String)>, Refusal> {
    let invalid = |what: &str, value: &str, must: &str| {
        let message = format!(
            "1 validation error detected: Value '{value}' at '{what}' failed to satisfy constraint: {must}"
        );
        Err(Refusal::new(400, INVALID, message))
    };
    match &start.language_code {
        Some(code) if !LANGUAGES.split_whitespace().any(|known| known == code) => {
            return invalid("languageCode", code, "Member must satisfy enum value set");
        }
        None if !start.identify_language => {
            let message = "You must specify either LanguageCode, IdentifyLanguage or IdentifyMultipleLanguages.";
            return Err(Refusal::new(400, INVALID, message));
        }
        _ => {}
    }
    if let Some(format) = start
        .media_format
        .as_deref()
        .filter(|format| *format != "wav")
    {
        return invalid("mediaFormat", format, "only wav in the sandbox");
    }
    let Some(bucket) = start.output_bucket_name.clone() else {
        return Ok(None);
    };
    let key = start.output_key.clone();
    let key = key.unwrap_or_else(|| format!("{}.json", start.transcription_job_name));
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.!*'()/".contains(letter);
    if key.is_empty() || key.len() > 1_024 || !key.chars().all(allowed) {
        return invalid(
            "outputKey",
            &key,
            "Member must satisfy regular expression pattern",
        );
    }
    Ok(Some((bucket, key)))
}

impl Jobs {
    /// The file of a job of this name.
    fn path(&self, name: &str) -> Result<PathBuf, Refusal> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if name.is_empty() || name.len() > 200 || !name.chars().all(allowed) {
            let message = format!(
                "1 validation error detected: Value '{name}' at 'transcriptionJobName' failed to satisfy constraint"
            );
            return Err(Refusal::new(400, INVALID, message));
        }
        Ok(self.folder.join(format!("{name}.json")))
    }

    /// The file that a job reads.
    fn media(&self, start: &Start) -> Result<PathBuf, Refusal> {
        let uri = start.media.media_file_uri.as_deref().unwrap_or_default();
        let place = uri.strip_prefix("s3://").filter(|place| {
            place.split('/').count() > 1
                && place
                    .split('/')
                    .all(|part| !["", ".", ".."].contains(&part))
        });
        let path = place.map(|place| self.buckets.join(place));
        path.filter(|path| path.is_file()).ok_or_else(|| {
            let message = "The S3 URI that you provided can't be accessed. Make sure that you have read permission and try your request again.";
            Refusal::new(400, INVALID, message)
        })
    }

    fn end(
        &self,
        name: &str,
        media: &Path,
        output: Option<(String, String)>,
        fate: Fate,
        tells: bool,
    ) -> Result<(), Refusal> {
        let fate = match fate {
            Fate::Completes => match millis(media)? {
                Some(millis) if millis >= LEAST_MILLIS => Fate::Completes,
                Some(_) => Fate::Fails("Invalid file size: file size too small. Minimum audio duration is 0.500 milliseconds. Check the length of the file and try your request again.".to_owned()),
                None => Fate::Fails("The media format that you specified doesn't match the detected media format.".to_owned()),
            },
            other @ (Fate::Fails(_) | Fate::Never) => other,
        };
        let path = self.path(name)?;
        let _turn = lock(&self.turn);
        // It was deleted meanwhile.
        let Some(mut job) = read(&path)? else {
            return Ok(());
        };
        let (status, reason) = match fate {
            Fate::Fails(reason) => ("FAILED", Some(reason)),
            Fate::Completes | Fate::Never => ("COMPLETED", None),
        };
        if let (None, Some((bucket, key))) = (&reason, output) {
            let transcript = json!({
                "jobName": name, "accountId": ACCOUNT, "status": "COMPLETED",
                "results": {"transcripts": [{"transcript": self.speech(media)}], "items": []},
            });
            self.store(&bucket, &key, transcript.to_string().as_bytes())?;
            job["Transcript"] = json!({"TranscriptFileUri": format!("https://s3.us-east-1.amazonaws.com/{bucket}/{key}")});
        }
        job["TranscriptionJobStatus"] = json!(status);
        job["CompletionTime"] = json!(seconds());
        if let Some(reason) = &reason {
            job["FailureReason"] = json!(reason);
        }
        write(&path, &job)?;
        if tells {
            self.happenings.tell(Happening::JobEnded {
                name: name.to_owned(),
                status,
                reason,
            });
        }
        Ok(())
    }

    /// What is said in a file of media.
    fn speech(&self, media: &Path) -> String {
        let name = media.file_stem().unwrap_or_default().to_string_lossy();
        let told = [format!("{name}.txt"), "default.txt".to_owned()];
        let mut told = told
            .iter()
            .map(|name| fs::read_to_string(self.speech.join(name)));
        let told = told.find_map(Result::ok);
        told.map_or_else(|| SPEECH.to_owned(), |text| text.trim().to_owned())
    }

    /// Puts an object, as a job does in the name of who started it.
    fn store(&self, bucket: &str, key: &str, object: &[u8]) -> Result<(), Refusal> {
        let place = self.buckets.join(bucket).join(key);
        let hidden = place.with_added_extension("part");
        fs::create_dir_all(place.parent().unwrap_or(&self.buckets))?;
        fs::write(&hidden, object)?;
        fs::rename(hidden, &place)?;
        self.happenings.tell(Happening::ObjectCreated {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            bytes: u64::try_from(object.len()).unwrap_or(u64::MAX),
            reason: "PutObject",
        });
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Value>, Refusal> {
    match fs::read(path) {
        Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn write(path: &Path, job: &Value) -> Result<(), Refusal> {
    let hidden = path.with_added_extension("part");
    fs::write(&hidden, serde_json::to_vec_pretty(job)?)?;
    Ok(fs::rename(hidden, path)?)
}

/// How long a WAV file plays, by its header; `None` where it has none.
fn millis(media: &Path) -> Result<Option<u64>, Refusal> {
    let bytes = fs::metadata(media)?.len();
    let mut head = [0; 44];
    if fs::File::open(media)?.read_exact(&mut head).is_err() || !head.starts_with(b"RIFF") {
        return Ok(None);
    }
    let rate = u64::from(u32::from_le_bytes([head[28], head[29], head[30], head[31]]));
    Ok(bytes
        .saturating_sub(44)
        .saturating_mul(1_000)
        .checked_div(rate))
}

fn seconds() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
