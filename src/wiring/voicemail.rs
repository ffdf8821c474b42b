//! Voicemail's ports over AWS, out of the settings of its functions: for them, and for an
//! operator who delivers again what stands still.

use crate::aws::s3::Bucket;
use crate::aws::{
    BedrockSummaries, ConnectDesk, KvsLive, KvsSource, S3Recordings, S3Signer, SesMailer, Shared,
    TranscriptionJobs, WallClock, kvs,
};
use crate::capture::Capture;
use crate::deliver::Delivering;
use crate::failure::Failure;
use crate::port::voicemail::Summariser;
use crate::port::{NoAttributes, Ports};
use crate::recorder::Recorder;
use crate::settings::capture::CaptureConfig;
use crate::settings::deliver::DeliverConfig;
use crate::settings::messages::Places;
use crate::settings::transcribe::TranscribeConfig;
use crate::voicemail::policy::Policy;
use crate::voicemail::summary::Prompt;

/// What `transcribe` and `transcribe-failed` work with.
pub type Transcribing =
    Delivering<S3Recordings, S3Recordings, (), (), TranscriptionJobs, (), (), WallClock>;

/// What `deliver` and `reconcile-voicemail` work with.
pub type Deliveries = Delivering<
    S3Recordings,
    S3Recordings,
    ConnectDesk,
    SesMailer,
    TranscriptionJobs,
    S3Signer,
    Summaries,
    WallClock,
>;

/// What `capture` works with.
pub type Capturing<P> =
    Capture<KvsSource, KvsLive, S3Recordings, S3Recordings, S3Recordings, P, WallClock>;

/// A model that sums up, if there is one.
#[derive(Debug)]
pub struct Summaries(Option<BedrockSummaries>);

impl Summariser for Summaries {
    async fn summarise(&self, prompt: &Prompt) -> Result<String, Failure> {
        match &self.0 {
            Some(model) => model.summarise(prompt).await,
            None => crate::port::voicemail::NoSummaries.summarise(prompt).await,
        }
    }
}

fn bucket(name: &str, places: &Places) -> Bucket {
    Bucket {
        owner: places.owner.clone(),
        ..Bucket::to_read(name)
    }
}

fn stores(places: &Places, shared: &Shared) -> (S3Recordings, S3Recordings) {
    let store = |name: &str| S3Recordings::new(shared, bucket(name, places));
    (store(&places.recordings), store(&places.transcripts))
}

fn jobs(places: &Places, shared: &Shared) -> TranscriptionJobs {
    TranscriptionJobs::new(shared, &places.recordings, &places.transcripts)
}

/// The ports of `transcribe` and `transcribe-failed`.
pub fn transcribing(config: &TranscribeConfig, shared: &Shared) -> Transcribing {
    let (recordings, transcripts) = stores(&config.places, shared);
    Delivering {
        recordings,
        transcripts,
        desk: (),
        mailer: (),
        transcriber: jobs(&config.places, shared),
        signer: (),
        summariser: (),
        clock: WallClock,
        language: config.language.clone(),
        prefix: String::new(),
        policy: Policy::of_nothing(),
    }
}

/// The ports of `deliver` and `reconcile-voicemail`.
pub fn deliveries(config: &DeliverConfig, shared: &Shared) -> Deliveries {
    let places = &config.places;
    let (recordings, transcripts) = stores(places, shared);
    let model = config.summary_model.as_deref();
    let region = config.summary_region.as_deref();
    Delivering {
        recordings,
        transcripts,
        desk: ConnectDesk::new(shared),
        mailer: SesMailer::new(shared, config.mail_events.clone()),
        transcriber: jobs(places, shared),
        signer: S3Signer::new(shared, &places.recordings, config.link_key.as_deref()),
        summariser: Summaries(model.map(|model| BedrockSummaries::new(shared, model, region))),
        clock: WallClock,
        language: config.language.clone(),
        prefix: String::new(),
        policy: config.policy.clone(),
    }
}

/// The ports of `capture`; `parking` is where records wait.
pub fn capturing<P>(
    config: &CaptureConfig,
    shared: &Shared,
    parking: P,
    at_once: usize,
) -> Capturing<P> {
    let (recordings, transcripts) = stores(&config.places, shared);
    let reading = config.reading();
    let limits = kvs::Limits {
        connections: reading.requests_at_once,
    };
    let ports = Ports {
        source: KvsSource::new(shared, limits),
        store: recordings,
        attributes: NoAttributes,
    };
    Capture {
        recorder: Recorder::new(ports, config.policy(), reading),
        live: KvsLive::new(shared, limits),
        // Nothing is read of it where none is set.
        ivr: S3Recordings::new(
            shared,
            bucket(
                config.defaults.ivr_bucket.as_deref().unwrap_or_default(),
                &config.places,
            ),
        ),
        transcripts,
        parking,
        clock: WallClock,
        defaults: config.defaults.clone(),
        at_once,
    }
}
