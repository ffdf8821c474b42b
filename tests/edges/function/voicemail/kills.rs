//! `kill -9` of the built functions: each function of the chain is ended before each of its calls, and
//! once behind its last one. Lambda brings its event again, and the message is delivered once.

use callreel::media::ticks::EpochMillis;

use super::steps::{ALL_MODES, Steps, ask, item, job_failed, stored};
use super::*;

/// How long no further call comes before one that is asked for counts as standing still.
const STILL: Duration = Duration::from_millis(120);
/// How often Lambda tries an event.
const TRIES: usize = 3;

/// One message on its way, and the functions that bring it there.
struct Way {
    mode: &'static str,
    job_fails: bool,
    steps: Steps,
    call: SynthCall,
    /// The function that is killed, and the number of the call before which that happens.
    kill: Option<(&'static str, usize)>,
    /// The calls of each function in a run in which none is killed.
    known: BTreeMap<&'static str, Vec<String>>,
    /// The same of this run.
    calls: BTreeMap<&'static str, Vec<String>>,
}

impl Way {
    async fn new(mode: &'static str, job_fails: bool) -> Self {
        let call = message("c-1", 3_000);
        let steps = Steps::new(&[("s", &call)]).await;
        Self {
            mode,
            job_fails,
            steps,
            call,
            kill: None,
            known: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }

    fn rules(&self) -> Vec<Rule> {
        let reason = "the media is odd".to_owned();
        let fails = Rule {
            times: None,
            ..Rule::once("StartTranscriptionJob", Effect::JobFails { reason })
        };
        if self.job_fails { vec![fails] } else { vec![] }
    }

    /// From the contact record to the flag.
    async fn run(&mut self) {
        let mut record = record(&self.call, "s", &[("vmx3_mode", self.mode)]);
        record["InitialContactId"] = json!("c-0");
        let record = json!({"Records": [item(0, record.to_string().as_bytes())]});
        let recording = recording_key(&self.call);
        let transcript = recording.replace(".wav", ".json");
        self.work("capture", record).await;
        self.work("transcribe", stored(RECORDINGS, &recording))
            .await;
        if self.job_fails {
            let failed = |chain: &Chain| {
                let job = std::fs::read(chain.data("transcription-jobs/vmx3_c-1.json"));
                let job: Value =
                    serde_json::from_slice(&job.unwrap_or_default()).unwrap_or_default();
                job["TranscriptionJobStatus"] == "FAILED"
            };
            self.steps.chain.until("the job failed", failed);
            self.work("transcribe-failed", job_failed("vmx3_c-1")).await;
        }
        let file = format!("buckets/{TRANSCRIPTS}/{transcript}");
        self.steps.chain.until("the transcript is there", |chain| {
            chain.data(&file).is_file()
        });
        self.work("deliver", stored(TRANSCRIPTS, &transcript)).await;
    }

    /// Works an event until the function says that it is done.
    async fn work(&mut self, handler: &'static str, event: Value) {
        let before = self.steps.calls().calls.len();
        if let Some((killed, at)) = self.kill
            && killed == handler
        {
            self.kill(handler, at, &event).await;
        }
        let mut function = self.steps.start(handler, ALL_MODES).await;
        for _ in 0..TRIES {
            let (succeeded, answer) = ask(&mut function, event.clone()).await;
            let handed_back = answer["batchItemFailures"].as_array();
            if succeeded && handed_back.is_none_or(Vec::is_empty) {
                let calls = self.steps.calls().calls.split_off(before);
                let calls = calls.into_iter().map(|call| call.operation).collect();
                self.calls.insert(handler, calls);
                return;
            }
            // Whoever said that they send is waited for; here the minutes are made.
            let marker = format!("buckets/{RECORDINGS}/delivered/c-1.json");
            assert!(answer.to_string().contains("at this moment"), "{answer}");
            let mut said = self.steps.chain.json(&marker);
            assert_eq!(said["state"], "sending");
            said["at"] = json!(EpochMillis(now() - 10 * MINUTE).to_rfc3339());
            let client = aws_sdk_s3::Client::new(&self.steps.config().await);
            let put = client.put_object().bucket(RECORDINGS);
            let put = put.key("delivered/c-1.json");
            put.body(said.to_string().into_bytes().into())
                .send()
                .await
                .unwrap();
        }
        panic!("{handler} is not done");
    }

    /// Ends a process when it stands before its call of this number.
    async fn kill(&mut self, handler: &str, at: usize, event: &Value) {
        let before = self.steps.calls().calls.len();
        let calls = &self.known[handler];
        let mut rules = self.rules();
        if let Some(operation) = calls.get(at) {
            let earlier = calls[..at].iter().filter(|it| *it == operation).count();
            let stands = Rule {
                after: u32::try_from(earlier).unwrap(),
                ..Rule::once(operation, Effect::DelayMs(600_000))
            };
            rules.insert(0, stands);
        }
        self.steps.faults(rules);
        let mut function = self.steps.start(handler, ALL_MODES).await;
        function.send(event.clone(), LONG).await;
        if at < calls.len() {
            let mut seen = usize::MAX;
            loop {
                let count = self.steps.calls().calls.len() - before;
                if count >= at && count == seen {
                    break;
                }
                seen = count;
                tokio::time::sleep(STILL).await;
            }
        } else {
            // Its last call is answered, its own answer perhaps not.
            while self.steps.calls().calls.len() - before < at {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        function.kill();
        self.steps.faults(self.rules());
    }

    /// One recording, one delivery, and nothing that is left over.
    #[track_caller]
    fn check(&self, mails: usize) {
        let told = format!("{:?} {} of {:?}", self.kill, self.mode, self.known);
        let chain = &self.steps.chain;
        let wav = format!("buckets/{RECORDINGS}/{}", recording_key(&self.call));
        let folder = wav.rsplit_once('/').unwrap().0;
        let recorded = chain.files(folder);
        let made = ["c-1.wav", "c-1_peaks.dat", "c-1_verdict.json"];
        assert_eq!(recorded, made, "{told}");
        let wav = std::fs::read(chain.data(&wav)).unwrap();
        assert!(samples(&wav) == self.call.expected(Direction::FromCustomer));
        let mut transcripts = chain.files(&folder.replace(RECORDINGS, TRANSCRIPTS));
        // What Transcribe tries its rights with is its own.
        transcripts.retain(|name| name != ".write_access_check_file.temp");
        assert_eq!(transcripts, ["c-1.json"], "{told}");
        let (tasks, mails) = match self.mode {
            "email" => (0, mails),
            _ => (1, 0),
        };
        assert_eq!(chain.files("tasks").len(), tasks, "{told}");
        assert_eq!(self.steps.mails().len(), mails, "{told}");
        let marker = chain.json(&format!("buckets/{RECORDINGS}/delivered/c-1.json"));
        let said = (&marker["state"], marker.get("unfinished"));
        assert_eq!(said, (&json!("delivered"), None), "{told}");
        assert_eq!(
            chain.json("contacts.json")["c-0"]["vmx3_flag"],
            "0",
            "{told}"
        );
        let jobs = chain.files("transcription-jobs");
        assert_eq!(jobs, Vec::<String>::new(), "{told}");
    }
}

/// Ends these functions before each of their calls, one at a time.
async fn check_kills(mode: &'static str, job_fails: bool, handlers: &[&'static str]) {
    let mut whole = Way::new(mode, job_fails).await;
    whole.steps.faults(whole.rules());
    whole.run().await;
    whole.check(1);
    for handler in handlers {
        let calls = &whole.calls[handler];
        assert!(calls.len() > 1, "{handler}: {calls:?}");
        for at in 0..=calls.len() {
            let mut way = Way::new(mode, job_fails).await;
            way.kill = Some((handler, at));
            way.known = whole.calls.clone();
            way.steps.faults(way.rules());
            way.run().await;
            // A mail has no token: where it was sent and its marker not written it comes again.
            let sent = calls[..at].iter().rposition(|call| call == "SendEmail");
            let marked = calls[..at].iter().rposition(|call| call == "PutObject");
            let twice = sent > marked;
            way.check(if twice { 2 } else { 1 });
            if twice {
                let says = "may come twice";
                let mails = way.steps.mails().into_iter();
                let mails =
                    mails.map(|mail| std::fs::read(way.steps.chain.data(&format!("mail/{mail}"))));
                let mails = mails.map(|mail| String::from_utf8(mail.unwrap()).unwrap());
                let told = mails.filter(|mail| mail.replace("=\r\n", "").contains(says));
                assert_eq!(told.count(), 1, "the second one says so");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_capture_leaves_one_delivery() {
    check_kills("task", false, &["capture"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_the_transcription_leaves_one_delivery() {
    check_kills("task", true, &["transcribe", "transcribe-failed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_deliver_leaves_one_task() {
    check_kills("task", false, &["deliver"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_any_call_deliver_leaves_one_mail_or_says_that_it_may_be_the_second() {
    check_kills("email", false, &["deliver"]).await;
}
