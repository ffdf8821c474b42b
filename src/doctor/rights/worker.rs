//! What the roles of the archive's function and of voicemail's need in a deployment: for each
//! function its actions, each on a thing that is worked out from its settings. A thing that
//! the settings leave out is not asked about: nothing is done with it then.

use super::super::need::Need;
use super::{SAMPLE_CONTACT, SAMPLE_OBJECT, need, owned, services_at, video_stream};
use crate::connect::arn;
use crate::doctor::facts::{Deployment, Key, KeyState, Worker};

/// One action on a thing, and what does not work without it.
type Ask = (&'static str, Thing, &'static str);

/// What a function works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    /// An object below the archive's prefix.
    Recording,
    /// A day's index.
    Index,
    /// A line of who listened.
    Listened,
    /// The secret of the archive's login.
    LoginSecret,
    /// The bucket of recordings.
    Recordings,
    /// A message.
    Message,
    /// The marker of a delivery.
    Marker,
    /// The bucket of transcripts.
    Transcripts,
    /// A transcript.
    Transcript,
    /// A recording of Connect's own.
    ConnectRecording,
    /// Jobs that are to be; IAM knows no resource for them.
    NewJob,
    /// A job.
    Job,
    Stream,
    Records,
    ParkingQueue,
    Instance,
    Queue,
    Agent,
    Contact,
    Flow,
    /// Whom mails are from, if there are mails.
    Sender,
    MailTemplate,
    /// The configuration set that mails are sent with: IAM is asked about it, too.
    MailEvents,
    /// The model of summaries, if there are any.
    Model,
    /// The secret of links, if they are signed by a key of their own.
    LinkSecret,
    Log,
}

const ARCHIVE: &[Ask] = &[
    ("s3:GetObject", Thing::Recording, "no recording is shown"),
    ("s3:ListBucket", Thing::Recordings, "no recording is found"),
    (
        "s3:PutObject",
        Thing::Index,
        "each search reads the verdicts of its days anew",
    ),
    (
        "s3:PutObject",
        Thing::Listened,
        "nothing is given: who listened cannot be kept",
    ),
    (
        "s3:GetObject",
        Thing::Listened,
        "nobody stays logged in: whether a session was ended cannot be looked up",
    ),
    (
        "secretsmanager:GetSecretValue",
        Thing::LoginSecret,
        "the pages do not start",
    ),
];

const LOST: &str = "messages are not recorded";
const CAPTURE: &[Ask] = &[
    ("kinesisvideo:GetDataEndpoint", Thing::Stream, LOST),
    ("kinesisvideo:ListFragments", Thing::Stream, LOST),
    ("kinesisvideo:GetMediaForFragmentList", Thing::Stream, LOST),
    (
        "kinesisvideo:GetMedia",
        Thing::Stream,
        "messages of streams without retention are lost",
    ),
    (
        "kinesisvideo:DescribeStream",
        Thing::Stream,
        "nobody knows how long a message can still be read",
    ),
    (
        "s3:GetObject",
        Thing::Message,
        "what was recorded before cannot be compared",
    ),
    ("s3:PutObject", Thing::Message, LOST),
    ("s3:PutObjectTagging", Thing::Message, LOST),
    (
        "s3:AbortMultipartUpload",
        Thing::Message,
        "parts of broken-off uploads stay and are paid for",
    ),
    ("s3:GetObject", Thing::Transcript, NO_SUBSTITUTE),
    ("s3:PutObject", Thing::Transcript, NO_SUBSTITUTE),
    ("s3:PutObjectTagging", Thing::Transcript, NO_SUBSTITUTE),
    ("s3:ListBucket", Thing::Recordings, LOOKS_DENIED),
    ("s3:ListBucket", Thing::Transcripts, LOOKS_DENIED),
    (
        "s3:GetObject",
        Thing::ConnectRecording,
        "no message is cut out of Connect's own recordings",
    ),
    ("kinesis:DescribeStream", Thing::Records, NO_RECORD),
    ("kinesis:DescribeStreamSummary", Thing::Records, NO_RECORD),
    ("kinesis:GetRecords", Thing::Records, NO_RECORD),
    ("kinesis:GetShardIterator", Thing::Records, NO_RECORD),
    ("kinesis:ListShards", Thing::Records, NO_RECORD),
    (
        "sqs:SendMessage",
        Thing::ParkingQueue,
        "records cannot be parked",
    ),
    ("sqs:ReceiveMessage", Thing::ParkingQueue, NOT_BACK),
    (
        "sqs:DeleteMessage",
        Thing::ParkingQueue,
        "parked records come back for ever",
    ),
    ("sqs:GetQueueAttributes", Thing::ParkingQueue, NOT_BACK),
];
const NO_RECORD: &str = "no contact record comes";
const NOT_BACK: &str = "parked records do not come back";
const NO_SUBSTITUTE: &str = "messages that nothing can be read of are not delivered";
const LOOKS_DENIED: &str = "what is not there yet looks denied, and messages stand still";
const NO_TRANSCRIPT: &str = "messages are delivered without their text, late";

const RECORDING: &[Ask] = &[
    ("s3:GetObject", Thing::Message, "messages stand still"),
    (
        "s3:GetObjectTagging",
        Thing::Message,
        "neither language nor mode of a message is known",
    ),
    ("s3:ListBucket", Thing::Recordings, LOOKS_DENIED),
    ("s3:ListBucket", Thing::Transcripts, LOOKS_DENIED),
    ("s3:GetObject", Thing::Transcript, "messages stand still"),
];
const TRANSCRIPTS: &[Ask] = &[
    ("s3:PutObject", Thing::Transcript, NO_SUBSTITUTE),
    ("s3:PutObjectTagging", Thing::Transcript, NO_SUBSTITUTE),
    ("transcribe:GetTranscriptionJob", Thing::Job, NO_TRANSCRIPT),
];
const JOBS: &[Ask] = &[(
    "transcribe:StartTranscriptionJob",
    Thing::NewJob,
    NO_TRANSCRIPT,
)];
const DONE_JOBS: &[Ask] = &[(
    "transcribe:DeleteTranscriptionJob",
    Thing::Job,
    "jobs stay, with the text of messages",
)];

const DELIVERY: &[Ask] = &[
    (
        "s3:PutObject",
        Thing::Marker,
        "a message can be delivered twice",
    ),
    (
        "s3:PutObjectTagging",
        Thing::Marker,
        "a message can be delivered twice",
    ),
    ("connect:DescribeQueue", Thing::Queue, UNKNOWN),
    ("connect:DescribeUser", Thing::Agent, UNKNOWN),
    ("connect:SearchUsers", Thing::Instance, UNKNOWN),
    ("connect:GetContactAttributes", Thing::Contact, UNKNOWN),
    (
        "connect:UpdateContactAttributes",
        Thing::Contact,
        "the flag of a delivered message stays",
    ),
    ("connect:StartTaskContact", Thing::Contact, NO_TASK),
    ("connect:StartTaskContact", Thing::Flow, NO_TASK),
    ("ses:SendEmail", Thing::Sender, "no mail is sent"),
    ("ses:SendRawEmail", Thing::Sender, "no mail is sent"),
    ("ses:SendEmail", Thing::MailEvents, "no mail is sent"),
    ("ses:SendRawEmail", Thing::MailEvents, "no mail is sent"),
    (
        "ses:GetEmailTemplate",
        Thing::MailTemplate,
        "no mail by a template is sent",
    ),
    (
        "bedrock:InvokeModel",
        Thing::Model,
        "messages are delivered without a summary",
    ),
    (
        "secretsmanager:GetSecretValue",
        Thing::LinkSecret,
        "links live for hours in place of days",
    ),
];
const UNKNOWN: &str = "messages are delivered with UNKNOWN in place of names";
const NO_TASK: &str = "no task is started";
const SIGN: &[Ask] = &[(
    "s3:GetObject",
    Thing::Message,
    "the links of guides lead nowhere",
)];
const LOG: &[Ask] = &[
    (
        "logs:CreateLogStream",
        Thing::Log,
        "nobody is told why something failed",
    ),
    (
        "logs:PutLogEvents",
        Thing::Log,
        "nobody is told why something failed",
    ),
];

/// What the archive does with the key of the recordings.
const KEYS: [(&str, &str); 2] = [
    ("kms:Decrypt", "no recording is shown"),
    (
        "kms:GenerateDataKey",
        "nothing is given: who listened cannot be kept",
    ),
];

/// The functions whose roles are asked about, and what each does.
const WORKERS: &[(&str, &[&[Ask]])] = &[
    ("archive", &[ARCHIVE, LOG]),
    ("capture", &[CAPTURE, LOG]),
    (
        "transcribe",
        &[RECORDING, TRANSCRIPTS, JOBS, DONE_JOBS, LOG],
    ),
    ("transcribe-failed", &[RECORDING, TRANSCRIPTS, LOG]),
    ("deliver", &[RECORDING, DELIVERY, DONE_JOBS, LOG]),
    (
        "reconcile-voicemail",
        &[RECORDING, TRANSCRIPTS, JOBS, DONE_JOBS, DELIVERY, LOG],
    ),
    ("sign", &[SIGN, LOG]),
    ("timestamp", &[LOG]),
];

/// Every action that can be asked about.
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    let all = WORKERS.iter().flat_map(|(_, lists)| lists.iter().copied());
    all.flatten().map(|(action, ..)| *action)
}

/// Whether the role of a function with this handler is asked about.
pub fn is_asked_about(handler: &str) -> bool {
    WORKERS.iter().any(|(name, _)| *name == handler)
}

/// What the role of a function needs.
pub fn worker_needs(deployment: &Deployment, worker: &Worker) -> Vec<Need> {
    let lists = WORKERS.iter().find(|(name, _)| *name == worker.handler);
    let lists = lists.map_or(&[] as &[&[Ask]], |(_, lists)| lists);
    let asks = lists.iter().copied().flatten();
    let mut needs = Vec::new();
    for (action, thing, without) in asks {
        let Some((resource, context)) = found(*thing, deployment, worker) else {
            continue;
        };
        let mut need = owned(need(action, resource, without), deployment);
        need.context.extend(context);
        needs.push(need);
    }
    // Of the recorder's bucket the key is known.
    let own = deployment.settings().ok().map(|settings| &*settings.bucket);
    if worker.handler == "archive" && worker.variable("RECORDINGS_BUCKET") == own {
        needs.extend(key_needs(deployment, worker));
    }
    needs
}

/// What the archive does with the key of the recordings, if it is one of the account's own.
fn key_needs(deployment: &Deployment, worker: &Worker) -> Vec<Need> {
    let region = arn::region(&worker.arn).unwrap_or_default();
    let via = format!("s3.{}", services_at(deployment, region));
    let used = |key: &&Key| {
        key.used_by
            .iter()
            .any(|user| user.starts_with("recordings"))
    };
    let states = deployment.keys.iter().filter(used).filter_map(|key| {
        let state = key.state.as_ref().ok()?.as_ref()?;
        (state.manager != "AWS").then_some(state)
    });
    let both = |state: &KeyState| {
        KEYS.map(|(action, without)| Need {
            context: vec![("kms:ViaService", via.clone())],
            ..need(action, &*state.arn, without)
        })
    };
    states.flat_map(both).collect()
}

/// The ARN of a thing, and what a request on it brings along.
fn found(
    thing: Thing,
    deployment: &Deployment,
    worker: &Worker,
) -> Option<(String, Vec<(&'static str, String)>)> {
    let of = &worker.arn;
    let (partition, region, account) = (arn::partition(of)?, arn::region(of)?, arn::account(of)?);
    let at =
        |service: &str, rest: &str| format!("arn:{partition}:{service}:{region}:{account}:{rest}");
    let bucket = |name: &str| Some(format!("arn:{partition}:s3:::{}", worker.variable(name)?));
    let object = |name: &str, key: String| Some(format!("{}/{key}", bucket(name)?));
    let instance = |rest: &str| Some(format!("{}{rest}", worker.variable("INSTANCE_ARN")?));
    const RECORDINGS: &str = "RECORDINGS_BUCKET";
    const TRANSCRIPTS: &str = "TRANSCRIPTS_BUCKET";
    // A slash alone stands for a bucket that is all recordings.
    let prefix = worker.variable("RECORDINGS_KEY_PREFIX");
    let prefix = prefix.unwrap_or("recordings/").trim_start_matches('/');
    let day = "2026/01/01";
    let plain = |resource: String| Some((resource, Vec::new()));
    plain(match thing {
        Thing::Recording => object(RECORDINGS, format!("{prefix}{SAMPLE_OBJECT}"))?,
        Thing::Index => {
            let key = format!("{prefix}index/day=2026-01-01/recordings.ndjson");
            object(RECORDINGS, key)?
        }
        Thing::Listened => {
            let listened = worker.variable("LISTENED_PREFIX").unwrap_or("listened/");
            object(RECORDINGS, format!("{listened}{day}/listened.jsonl"))?
        }
        Thing::LoginSecret => secret(worker.variable("ARCHIVE_SECRET_ARN")?)?,
        Thing::LinkSecret => secret(worker.variable("LINK_KEY_SECRET_ARN")?)?,
        Thing::Recordings => bucket(RECORDINGS)?,
        Thing::Message => object(RECORDINGS, format!("{day}/{SAMPLE_CONTACT}.wav"))?,
        Thing::Marker => object(RECORDINGS, format!("delivered/{SAMPLE_CONTACT}.json"))?,
        Thing::Transcripts => bucket(TRANSCRIPTS)?,
        Thing::Transcript => object(TRANSCRIPTS, format!("{day}/{SAMPLE_CONTACT}.json"))?,
        Thing::ConnectRecording => object(
            "CONNECT_RECORDINGS_BUCKET",
            format!("connect/{day}/sample.wav"),
        )?,
        Thing::NewJob => {
            let output = worker.variable(TRANSCRIPTS)?.to_owned();
            return Some((
                "*".to_owned(),
                vec![("transcribe:OutputBucketName", output)],
            ));
        }
        Thing::Job => at(
            "transcribe",
            &format!("transcription-job/vmx3_{SAMPLE_CONTACT}"),
        ),
        Thing::Stream => video_stream(deployment)?,
        Thing::Records => worker.reads.clone()?,
        Thing::ParkingQueue => queue(partition, worker.variable("PARKING_QUEUE_URL")?)?,
        Thing::Instance => instance("")?,
        Thing::Queue => instance("/queue/sample")?,
        Thing::Agent => instance("/agent/sample")?,
        Thing::Contact => instance(&format!("/contact/{SAMPLE_CONTACT}"))?,
        Thing::Flow => {
            let flow = worker.variable("TASK_FLOW_ID")?;
            instance(&format!("/contact-flow/{flow}"))?
        }
        Thing::Sender => at(
            "ses",
            &format!("identity/{}", worker.variable("EMAIL_FROM")?),
        ),
        Thing::MailTemplate => {
            let template = worker.variable("EMAIL_QUEUE_TEMPLATE")?;
            at("ses", &format!("template/{template}"))
        }
        Thing::MailEvents => {
            // Without a sender there are no mails.
            worker.variable("EMAIL_FROM")?;
            let set = worker.variable("EMAIL_CONFIGURATION_SET")?;
            at("ses", &format!("configuration-set/{set}"))
        }
        Thing::Model => model(partition, region, account, worker)?,
        Thing::Log => at(
            "logs",
            &format!("log-group:{}:log-stream:sample", worker.log_group),
        ),
    })
}

/// A secret that is named by its ARN; of one that is named otherwise IAM cannot be asked.
fn secret(named: &str) -> Option<String> {
    named.starts_with("arn:").then(|| named.to_owned())
}

/// The ARN of a queue by its URL, `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
fn queue(partition: &str, url: &str) -> Option<String> {
    let (host, path) = url.split_once("://")?.1.split_once('/')?;
    let region = host.strip_prefix("sqs.")?.split('.').next()?;
    let (account, name) = path.split_once('/')?;
    Some(format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

/// The model of summaries, or the inference profile that is named in its place.
fn model(partition: &str, region: &str, account: &str, worker: &Worker) -> Option<String> {
    let summary = worker.variable("SUMMARY")?.to_ascii_lowercase();
    if !matches!(summary.as_str(), "yes" | "true") {
        return None;
    }
    let region = worker.variable("SUMMARY_REGION").unwrap_or(region);
    let id = worker.variable("SUMMARY_MODEL_ID")?;
    Some(match id {
        arn if arn.starts_with("arn:") => arn.to_owned(),
        // `us.maker.model`, where a model alone is `maker.model`.
        profile if profile.matches('.').count() > 1 => {
            format!("arn:{partition}:bedrock:{region}:{account}:inference-profile/{profile}")
        }
        model => format!("arn:{partition}:bedrock:{region}::foundation-model/{model}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::permissions::{ROLES, actions as named};

    /// `ReconcileVoicemail` as `reconcile-voicemail`.
    fn handler(function: &str) -> String {
        let mut handler = String::new();
        for letter in function.chars() {
            if letter.is_uppercase() && !handler.is_empty() {
                handler.push('-');
            }
            handler.push(letter.to_ascii_lowercase());
        }
        handler
    }

    /// Each role is asked about all that it must be allowed, and nothing else.
    #[test]
    fn each_role_is_asked_about_what_it_needs() {
        let deployment = sample::healthy();
        let stacks = ["stacks/archive.yaml", "stacks/voicemail.yaml"];
        for role in ROLES.iter().filter(|role| stacks.contains(&role.template)) {
            let handler = handler(role.function);
            assert!(is_asked_about(&handler), "{handler}");
            let needs = worker_needs(&deployment, &sample::worker(&handler));
            let permissions = role.calls.iter().chain(role.services);
            let needed = permissions.flat_map(|it| named(it).map(move |action| (action, *it)));
            for (action, permission) in needed {
                // Where events go that were given up, and with which key the buckets of
                // voicemail are encrypted, no setting of the function says.
                let is_left_out = action.starts_with("kms:")
                    || action == "sqs:SendMessage" && handler != "capture";
                assert!(
                    is_left_out || needs.iter().any(|need| need.action == action),
                    "{handler} is not asked about {permission}"
                );
            }
            let permissions = role.calls.iter().chain(role.services);
            let allowed: Vec<_> = permissions.flat_map(|it| named(it)).collect();
            for need in needs {
                assert!(
                    allowed.contains(&need.action),
                    "{handler} is asked about {}, which its role need not have",
                    need.action
                );
            }
        }
    }

    #[test]
    fn things_are_named_as_iam_names_them() {
        #[track_caller]
        fn check(handler: &str, action: &str, expected: &[&str]) {
            let deployment = sample::healthy();
            let needs = worker_needs(&deployment, &sample::worker(handler));
            let of = needs.iter().filter(|need| need.action == action);
            let resources: Vec<_> = of.map(|need| need.resource.as_str()).collect();
            assert_eq!(resources, expected, "{handler} {action}");
        }
        let at =
            |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:111122223333:{rest}");
        check(
            "archive",
            "s3:PutObject",
            &[
                "arn:aws:s3:::calls/recordings/index/day=2026-01-01/recordings.ndjson",
                "arn:aws:s3:::calls/listened/2026/01/01/listened.jsonl",
            ],
        );
        check(
            "archive",
            "secretsmanager:GetSecretValue",
            &[&at("secretsmanager", "secret:login-AbCdEf")],
        );
        check("capture", "sqs:SendMessage", &[&at("sqs", "vm-parked")]);
        check("capture", "kinesis:GetRecords", &[sample::STREAM]);
        check("transcribe", "transcribe:StartTranscriptionJob", &["*"]);
        check(
            "deliver",
            "ses:SendEmail",
            &[&at("ses", "identity/vm@example.com")],
        );
        check(
            "deliver",
            "bedrock:InvokeModel",
            &["arn:aws:bedrock:eu-west-1::foundation-model/maker.model-1"],
        );
        check("timestamp", "s3:GetObject", &[]);
        let mut deliver = sample::worker("deliver");
        let set = |worker: &mut Worker, name: &str, value: &str| {
            worker.variables.insert(name.to_owned(), value.to_owned());
        };
        let asked = |worker: &Worker, action: &str| {
            let needs = worker_needs(&sample::healthy(), worker);
            let mut of = needs.into_iter().filter(|need| need.action == action);
            of.next().map(|need| need.resource)
        };
        set(&mut deliver, "EMAIL_CONFIGURATION_SET", "mails");
        let needs = worker_needs(&sample::healthy(), &deliver);
        let mut mails = needs.iter().filter(|need| need.action == "ses:SendEmail");
        let events = at("ses", "configuration-set/mails");
        assert!(mails.any(|need| need.resource == events));
        set(&mut deliver, "SUMMARY_MODEL_ID", "eu.maker.model-1");
        assert_eq!(
            asked(&deliver, "bedrock:InvokeModel"),
            Some(at("bedrock", "inference-profile/eu.maker.model-1"))
        );
        // What is not set is not asked about.
        for (name, action) in [
            ("SUMMARY", "bedrock:InvokeModel"),
            ("EMAIL_FROM", "ses:SendEmail"),
            ("LINK_KEY_SECRET_ARN", "secretsmanager:GetSecretValue"),
        ] {
            set(&mut deliver, name, "");
            assert_eq!(asked(&deliver, action), None, "{name}");
        }
        set(&mut deliver, "LINK_KEY_SECRET_ARN", "a-name");
        assert_eq!(asked(&deliver, "secretsmanager:GetSecretValue"), None);
    }
}
