//! The sandbox as AWS's own clients see it: what it answers, and what goes wrong on
//! purpose.

mod versions;
mod voicemail;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesisvideo::types::ApiName;
use aws_sdk_kinesisvideoarchivedmedia as archived;
use aws_sdk_kinesisvideoarchivedmedia::error::ProvideErrorMetadata;
use aws_sdk_kinesisvideoarchivedmedia::types::{
    FragmentSelector, FragmentSelectorType, TimestampRange,
};
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_types::DateTime;
use aws_smithy_types::retry::RetryConfig;
use callreel::media::demux::{Demuxer, Document};
use callreel::media::fragment::FragmentNumber;
use callreel::sandbox::{Effect, Faults, Quota, Rule, Sandbox, Settings};
use callreel::synth::SynthCall;

const STREAM: &str = "demo-stream";
const ARN: &str = "arn:aws:kinesisvideo:us-east-1:111122223333:stream/demo-stream/1760000000000";

/// A sandbox over one synthesised stream, and a configuration that reaches it.
struct World {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    config: SdkConfig,
    call: SynthCall,
}

impl World {
    async fn new(call: SynthCall) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stream = folder.path().join("streams").join(STREAM);
        crate::put_stream(&stream, &call);
        let sandbox = start(folder.path(), Faults::default()).await;
        let config = config(sandbox.url(), "sandbox").await;
        Self {
            folder,
            sandbox,
            config,
            call,
        }
    }

    async fn plain() -> Self {
        Self::new(SynthCall {
            millis: 9_000,
            ..SynthCall::default()
        })
        .await
    }

    fn rule(&self, rule: Rule) {
        self.sandbox.set_faults(Faults {
            rules: vec![rule],
            ..Faults::default()
        });
    }

    async fn archived(&self) -> archived::Client {
        let client = aws_sdk_kinesisvideo::Client::new(&self.config);
        let endpoint = client
            .get_data_endpoint()
            .stream_arn(ARN)
            .api_name(ApiName::ListFragments)
            .send()
            .await
            .unwrap();
        let config = archived::config::Builder::from(&self.config)
            .endpoint_url(endpoint.data_endpoint().unwrap());
        archived::Client::from_conf(config.build())
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    fn own(&self) -> Vec<(String, Vec<u8>)> {
        let own = self.call.fragments().filter(|fragment| !fragment.foreign);
        own.map(|fragment| (fragment.number, fragment.document))
            .collect()
    }
}

async fn start(folder: &Path, faults: Faults) -> Sandbox {
    let settings = Settings {
        streams: folder.join("streams"),
        data: folder.join("data"),
        faults,
        ..Settings::default()
    };
    Sandbox::start(settings).await.unwrap()
}

pub async fn config(url: &str, key: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new(key, key, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .load()
        .await
}

fn between(from: i64, to: i64, by: FragmentSelectorType) -> FragmentSelector {
    let range = TimestampRange::builder()
        .start_timestamp(DateTime::from_millis(from))
        .end_timestamp(DateTime::from_millis(to))
        .build()
        .unwrap();
    FragmentSelector::builder()
        .fragment_selector_type(by)
        .timestamp_range(range)
        .build()
        .unwrap()
}

/// All pages of a listing, in the order of coming.
async fn list(client: &archived::Client, selector: FragmentSelector, page: i64) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut token = None;
    loop {
        let listed = client
            .list_fragments()
            .stream_arn(ARN)
            .fragment_selector(selector.clone())
            .max_results(page)
            .set_next_token(token)
            .send()
            .await
            .unwrap();
        assert!(listed.fragments().len() <= page as usize);
        for fragment in listed.fragments() {
            assert!(fragment.fragment_size_in_bytes() > 0);
            numbers.push(fragment.fragment_number().unwrap().to_owned());
        }
        token = listed.next_token().map(str::to_owned);
        if token.is_none() {
            return numbers;
        }
    }
}

/// How long a test waits before it says that something never comes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Asks until there is an answer, since nobody knows how fast a machine is.
async fn until<T>(awaited: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let answer = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answer).await.expect(awaited)
}

/// What came of a body, and whether it ended as it should.
async fn fetch(client: &archived::Client, numbers: &[String]) -> Result<(Vec<u8>, bool), String> {
    let sent = client
        .get_media_for_fragment_list()
        .stream_name(STREAM)
        .set_fragments(Some(numbers.to_vec()))
        .send()
        .await;
    let mut media = match sent {
        Ok(media) => media,
        Err(error) => {
            let status = error
                .raw_response()
                .map(|response| response.status().as_u16());
            return Err(format!(
                "{} {}",
                status.unwrap_or(0),
                error.code().unwrap_or("-")
            ));
        }
    };
    let mut body = Vec::new();
    loop {
        match media.payload.next().await {
            Some(Ok(chunk)) => body.extend_from_slice(&chunk),
            Some(Err(_)) => return Ok((body, false)),
            None => return Ok((body, true)),
        }
    }
}

fn sorted(mut numbers: Vec<String>) -> Vec<String> {
    numbers.sort_by_key(|number| number.parse::<FragmentNumber>().unwrap());
    numbers
}

fn documents(body: &[u8]) -> Vec<Document> {
    let mut demuxer = Demuxer::new();
    demuxer.push(body);
    let mut documents: Vec<_> = std::iter::from_fn(|| demuxer.next_document()).collect();
    documents.extend(demuxer.finish());
    documents
}

#[tokio::test]
async fn a_listed_call_is_fetched_whole() {
    let plain = SynthCall {
        millis: 30_000,
        ..SynthCall::default()
    };
    let calls = [
        plain.clone(),
        SynthCall {
            reuse: true,
            untagged_tail: true,
            rotate_at_millis: Some(12_000),
            ..plain.clone()
        },
        SynthCall {
            lose: vec![3],
            no_epoch: true,
            untagged_tail: true,
            ..plain
        },
    ];
    for call in calls {
        let world = World::new(call).await;
        let client = world.archived().await;
        let span = world.call.span();
        let selector = between(
            span.start_server_millis,
            span.stop_server_millis,
            FragmentSelectorType::ServerTimestamp,
        );
        let own = world.own();
        let (numbers, bodies): (Vec<_>, Vec<_>) = own.into_iter().unzip();
        for page in [1, 7, 1_000] {
            let listed = list(&client, selector.clone(), page).await;
            assert_ne!(listed, numbers, "in no order");
            assert_eq!(sorted(listed), numbers, "{:?}", world.call);
        }
        let (body, whole) = fetch(&client, &numbers).await.unwrap();
        assert!(whole && body == bodies.concat(), "{:?}", world.call);
        let (two, _) = fetch(&client, &[numbers[5].clone(), numbers[1].clone()])
            .await
            .unwrap();
        assert_eq!(two, [&bodies[5][..], &bodies[1]].concat());
    }
}

#[tokio::test]
async fn a_start_before_the_window_is_not_listed() {
    let world = World::plain().await;
    let client = world.archived().await;
    let span = world.call.span();
    let all = world.own().len();
    let (first, last) = (span.start_server_millis, span.stop_server_millis);
    for (from, to, count) in [
        (first, last, all),
        (first + 1, last, all - 1),
        (first, last - 1, all - 1),
        (last + 1, last + 9, 0),
        (0, last + 99_999, all),
    ] {
        let selector = between(from, to, FragmentSelectorType::ServerTimestamp);
        assert_eq!(
            list(&client, selector, 1_000).await.len(),
            count,
            "{from}..{to}"
        );
    }
    // The producer's clock runs 966 ms ahead of the server's.
    let selector = between(
        first + 966,
        last + 966,
        FragmentSelectorType::ProducerTimestamp,
    );
    assert_eq!(list(&client, selector, 1_000).await.len(), all);
    let default_page = client
        .list_fragments()
        .stream_name(STREAM)
        .send()
        .await
        .unwrap();
    assert_eq!(default_page.fragments().len(), all);
}

#[tokio::test]
async fn an_unnumbered_tail_is_reached_without_a_file_of_numbers() {
    let world = World::new(SynthCall {
        millis: 9_000,
        untagged_tail: true,
        reuse: true,
        ..SynthCall::default()
    })
    .await;
    let path = world
        .folder
        .path()
        .join("streams")
        .join(STREAM)
        .join("s.numbers.json");
    std::fs::remove_file(path).unwrap();
    let client = world.archived().await;
    let span = world.call.span();
    let selector = between(
        span.start_server_millis,
        span.stop_server_millis,
        FragmentSelectorType::ServerTimestamp,
    );
    let (mut numbers, bodies): (Vec<_>, Vec<_>) = world.own().into_iter().unzip();
    let (body, _) = fetch(&client, &numbers).await.unwrap();
    assert_eq!(body, bodies.concat());
    assert_eq!(numbers.pop(), Some(span.stop_fragment));
    assert_eq!(sorted(list(&client, selector, 1_000).await), numbers);
}

#[tokio::test]
async fn what_is_not_there_is_refused_as_aws_does() {
    let world = World::plain().await;
    let client = world.archived().await;
    let missing = client
        .list_fragments()
        .stream_name("nowhere")
        .send()
        .await
        .unwrap_err();
    assert_eq!(missing.raw_response().unwrap().status().as_u16(), 404);
    assert!(
        missing
            .into_service_error()
            .is_resource_not_found_exception()
    );
    let outside = client
        .list_fragments()
        .stream_name("../streams")
        .send()
        .await
        .unwrap_err();
    assert!(
        outside
            .into_service_error()
            .is_resource_not_found_exception()
    );
    let kinesis = aws_sdk_kinesisvideo::Client::new(&world.config);
    let missing = kinesis
        .get_data_endpoint()
        .stream_name("nowhere")
        .api_name(ApiName::GetMediaForFragmentList)
        .send()
        .await
        .unwrap_err();
    assert!(
        missing
            .into_service_error()
            .is_resource_not_found_exception()
    );
    let invalid = "400 InvalidArgumentException".to_owned();
    assert_eq!(fetch(&client, &[]).await, Err(invalid.clone()));
    assert_eq!(
        fetch(&client, &vec!["1".to_owned(); 1_001]).await,
        Err(invalid)
    );

    let (body, whole) = fetch(&client, &["7".to_owned()]).await.unwrap();
    assert!(whole);
    let documents = documents(&body);
    let [Document::Error(error)] = &documents[..] else {
        panic!("{documents:?}")
    };
    assert_eq!((error.id, &*error.code), (Some(3000), "FRAGMENT_NOT_FOUND"));
    assert_eq!(error.number, Some("7".parse().unwrap()));
}

#[tokio::test]
async fn each_effect_on_media_happens_once_and_is_told() {
    const ON: &str = "GetMediaForFragmentList";
    let world = World::plain().await;
    let client = world.archived().await;
    let (numbers, bodies): (Vec<_>, Vec<_>) = world.own().into_iter().unzip();
    let media = bodies.concat();
    let cut = bodies[0].len() + 700;
    let status = |code, error: &str| Effect::Status {
        code,
        error: error.to_owned(),
    };
    let short = |whole: bool| Ok((media[..cut].to_vec(), whole));
    let cases = [
        (
            status(400, "ClientLimitExceededException"),
            Err("400 ClientLimitExceededException".to_owned()),
        ),
        (
            status(403, "NotAuthorizedException"),
            Err("403 NotAuthorizedException".to_owned()),
        ),
        (
            status(500, "InternalFailure"),
            Err("500 InternalFailure".to_owned()),
        ),
        (Effect::Reset, Err("0 -".to_owned())),
        (Effect::CutAfterBytes(cut as u64), short(false)),
        (Effect::CutAfterBytes(0), Ok((Vec::new(), false))),
        (Effect::EndAfterBytes(cut as u64), short(true)),
        (Effect::DelayMs(1), Ok((media.clone(), true))),
    ];
    for (effect, expected) in cases {
        world.rule(Rule::once(ON, effect.clone()));
        let fetched = fetch(&client, &numbers).await;
        assert!(fetched == expected, "{effect:?}");
        let told = world.sandbox.calls().calls.pop().unwrap();
        assert_eq!(told.effect.as_deref(), Some(effect.name()));
        assert_eq!(told.subject, STREAM);
        let fetched = fetch(&client, &numbers).await.unwrap();
        assert!(fetched == (media.clone(), true), "once only: {effect:?}");
    }
    world.rule(Rule {
        after: 1,
        ..Rule::once(ON, Effect::Reset)
    });
    for fails in [false, true, false] {
        assert_eq!(fetch(&client, &numbers).await.is_err(), fails);
    }
}

#[tokio::test]
async fn a_stalled_body_goes_on_later() {
    let world = World::plain().await;
    let client = world.archived().await;
    let (numbers, bodies): (Vec<_>, Vec<_>) = world.own().into_iter().unzip();
    let (bytes, seconds) = (1_000, 0.4);
    world.rule(Rule::once(
        "GetMediaForFragmentList",
        Effect::StallAfterBytes { bytes, seconds },
    ));
    let started = Instant::now();
    let (body, whole) = fetch(&client, &numbers).await.unwrap();
    assert!(whole && body == bodies.concat());
    assert!(started.elapsed() >= Duration::from_secs_f64(seconds));
}

#[tokio::test]
async fn documents_are_replaced_shuffled_and_left_out() {
    let world = World::plain().await;
    let client = world.archived().await;
    let (numbers, bodies): (Vec<_>, Vec<_>) = world.own().into_iter().unzip();
    world.rule(Rule::once(
        "GetMediaForFragmentList",
        Effect::ErrorDocument {
            id: 4500,
            code: "KMS_KEY_ACCESS_DENIED".to_owned(),
            at: vec![1, 4],
        },
    ));
    let (body, _) = fetch(&client, &numbers).await.unwrap();
    let errors: Vec<_> = documents(&body)
        .into_iter()
        .enumerate()
        .filter_map(|(at, document)| match document {
            Document::Error(error) => Some((at, error.id, error.number.unwrap().to_string())),
            _ => None,
        })
        .collect();
    let expected = [1, 4].map(|at| (at, Some(4500), numbers[at].clone()));
    assert_eq!(errors, expected);

    world.rule(Rule::once("GetMediaForFragmentList", Effect::Shuffle));
    let (body, _) = fetch(&client, &numbers).await.unwrap();
    assert_ne!(body, bodies.concat());
    assert_eq!(body.len(), bodies.concat().len());
    assert_eq!(documents(&body).len(), numbers.len());

    let span = world.call.span();
    let selector = between(
        span.start_server_millis,
        span.stop_server_millis,
        FragmentSelectorType::ServerTimestamp,
    );
    let last = numbers.len() - 1;
    for (effect, left) in [
        (Effect::DropStop, &numbers[..last]),
        (Effect::DropStart, &numbers[1..]),
        (Effect::DropEnds, &numbers[1..last]),
        (Effect::NothingBeforeCreation, &numbers[..]),
    ] {
        world.rule(Rule::once("ListFragments", effect.clone()));
        let listed = list(&client, selector.clone(), 1_000).await;
        assert_eq!(sorted(listed), left, "{effect:?}");
        let listed = list(&client, selector.clone(), 1_000).await;
        assert_eq!(sorted(listed), numbers, "{effect:?}");
    }
    // The stream is as old as its first fragment.
    let earlier = between(
        span.start_server_millis - 1,
        span.stop_server_millis,
        FragmentSelectorType::ServerTimestamp,
    );
    world.rule(Rule::once("ListFragments", Effect::NothingBeforeCreation));
    assert!(list(&client, earlier.clone(), 1_000).await.is_empty());
    assert_eq!(sorted(list(&client, earlier, 1_000).await), numbers);
}

/// An answer is whatever the script says, of any service.
#[tokio::test]
async fn somebody_else_may_answer() {
    let world = World::plain().await;
    let page = Effect::Answer {
        code: 418,
        headers: [("x-of".to_owned(), "a proxy".to_owned())].into(),
        body: "<html>".to_owned(),
    };
    for (on, method, path) in [
        ("GetDataEndpoint", "POST", "/getDataEndpoint"),
        ("GetContactAttributes", "GET", "/contact/attributes/i/c"),
        ("GetObject", "GET", "/bucket/key"),
    ] {
        world.rule(Rule::once(on, page.clone()));
        let answer = raw(&world, method, path, "").await;
        assert!(answer.starts_with("HTTP/1.1 418"), "{answer}");
        assert!(answer.contains("x-of: a proxy"), "{answer}");
        assert!(answer.ends_with("<html>"), "{answer}");
    }
}

#[tokio::test]
async fn quotas_hold_for_a_stream() {
    let world = World::plain().await;
    let client = world.archived().await;
    let numbers: Vec<_> = world.own().into_iter().map(|(number, _)| number).collect();
    let quota = |fragments_per_second, connections| {
        let quota = Quota {
            fragments_per_second,
            connections,
            ..Quota::default()
        };
        world.sandbox.set_faults(Faults {
            quota,
            rules: Vec::new(),
        });
    };
    quota(Some(numbers.len() as u32), None);
    assert!(fetch(&client, &numbers).await.is_ok());
    // A busy machine may take a second for the next one, which is another quota's: then all
    // of it is spent again.
    let refused = until("a refusal", async || {
        let answer = fetch(&client, &numbers[..1]).await;
        if answer.is_ok() {
            let _ = fetch(&client, &numbers[1..]).await;
        }
        answer.err()
    });
    assert_eq!(refused.await, "400 ClientLimitExceededException");
    until("the next second", async || {
        fetch(&client, &numbers).await.ok()
    })
    .await;

    // Two bodies that stand still are two connections.
    world.sandbox.set_faults(Faults {
        quota: Quota {
            connections: Some(2),
            ..Quota::default()
        },
        rules: vec![Rule {
            times: Some(2),
            ..Rule::once(
                "GetMediaForFragmentList",
                Effect::StallAfterBytes {
                    bytes: 10,
                    seconds: 3.0,
                },
            )
        }],
    });
    let later = async {
        let both = async || (world.sandbox.calls().peak_connections == 2).then_some(());
        until("two connections", both).await;
        fetch(&client, &numbers).await
    };
    let (one, two, refused) =
        tokio::join!(fetch(&client, &numbers), fetch(&client, &numbers), later);
    assert!(one.unwrap().1 && two.unwrap().1);
    assert_eq!(
        refused,
        Err("400 ConnectionLimitExceededException".to_owned())
    );
    assert!(fetch(&client, &numbers).await.is_ok());
    assert_eq!(world.sandbox.calls().peak_connections, 2);
}

#[tokio::test]
async fn attributes_go_there_and_back() {
    let world = World::plain().await;
    let client = aws_sdk_connect::Client::new(&world.config);
    let contact = "c/ü 1";
    let update = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        client
            .update_contact_attributes()
            .instance_id("i")
            .initial_contact_id(contact)
            .set_attributes(Some(pairs.collect()))
            .send()
    };
    let read = || async {
        let get = client.get_contact_attributes().instance_id("i");
        let got = get.initial_contact_id(contact).send().await.unwrap();
        got.attributes
            .unwrap_or_default()
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    };
    let expected = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect::<BTreeMap<_, _>>()
    };
    // A contact that nobody wrote to allows everything.
    assert_eq!(read().await, expected(&[("recordingAuth", "3")]));
    update(&[("a", "1"), ("b", "2")]).await.unwrap();
    update(&[("a", ""), ("b", "3 ü")]).await.unwrap();
    assert_eq!(
        read().await,
        expected(&[("b", "3 ü"), ("recordingAuth", "3")])
    );
    let kept = std::fs::read(world.folder.path().join("data/contacts.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept[contact]["b"], "3 ü");

    update(&[("a", &"x".repeat(32_768 - 6))]).await.unwrap();
    let full = update(&[("c", "y")]).await.unwrap_err();
    assert_eq!(full.raw_response().unwrap().status().as_u16(), 400);
    assert!(full.into_service_error().is_invalid_request_exception());

    world.rule(Rule::once(
        "UpdateContactAttributes",
        Effect::Status {
            code: 429,
            error: "ThrottlingException".to_owned(),
        },
    ));
    let throttled = update(&[("b", "4")]).await.unwrap_err();
    assert_eq!(throttled.code(), Some("ThrottlingException"));
    update(&[("b", "4")]).await.unwrap();
}

#[tokio::test]
async fn messages_go_there_and_back() {
    let world = World::plain().await;
    let client = aws_sdk_sqs::Client::new(&world.config);
    let url = format!("{}/000000000000/retry", world.sandbox.url());
    let receive = |hidden| {
        let receive = client
            .receive_message()
            .queue_url(&url)
            .visibility_timeout(hidden);
        async move {
            receive
                .max_number_of_messages(10)
                .send()
                .await
                .unwrap()
                .messages
                .unwrap_or_default()
        }
    };
    for body in ["{\"first\": 1}", "second ü"] {
        let sent = client
            .send_message()
            .queue_url(&url)
            .message_body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.md5_of_message_body().unwrap().len(), 32);
    }
    let messages = receive(0).await;
    let bodies: Vec<_> = messages
        .iter()
        .map(|message| message.body().unwrap())
        .collect();
    assert_eq!(bodies, ["{\"first\": 1}", "second ü"]);
    assert_eq!(
        receive(30).await.len(),
        2,
        "they come again after their time"
    );
    assert_eq!(receive(30).await.len(), 0, "and are hidden until then");
    let delete = client.delete_message().queue_url(&url);
    delete
        .receipt_handle(messages[0].receipt_handle().unwrap())
        .send()
        .await
        .unwrap();
    let counted = client
        .get_queue_attributes()
        .queue_url(&url)
        .send()
        .await
        .unwrap();
    let counted = counted.attributes.unwrap();
    use aws_sdk_sqs::types::QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
    };
    assert_eq!(counted[&ApproximateNumberOfMessages], "0");
    assert_eq!(counted[&ApproximateNumberOfMessagesNotVisible], "1");
    let outside = client
        .send_message()
        .queue_url("http://x/..")
        .message_body("b")
        .send()
        .await;
    assert!(
        outside
            .unwrap_err()
            .into_service_error()
            .is_queue_does_not_exist()
    );
}

#[tokio::test]
async fn objects_are_put_whole_in_parts_and_on_condition() {
    let world = World::plain().await;
    let client = world.s3();
    let (bucket, key) = ("recordings", "recordings/2025/10/09/c_1_from.wav");
    let put = |key: &str, body: &'static [u8]| {
        let put = client
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(ByteStream::from_static(body));
        put.content_type("audio/wav")
            .metadata("contact-id", "c")
            .if_none_match("*")
            .send()
    };
    put(key, b"one").await.unwrap();
    let refused = put(key, b"two").await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 412);
    assert_eq!(refused.code(), Some("PreconditionFailed"));
    let head = client
        .head_object()
        .bucket(bucket)
        .key(key)
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type(), Some("audio/wav"));
    assert_eq!(head.metadata().unwrap()["contact-id"], "c");
    let range = client
        .get_object()
        .bucket(bucket)
        .key(key)
        .range("bytes=1-2")
        .send()
        .await;
    assert_eq!(range.unwrap().body.collect().await.unwrap().to_vec(), b"ne");
    let none = client
        .get_object()
        .bucket(bucket)
        .key("none")
        .send()
        .await
        .unwrap_err();
    assert!(none.into_service_error().is_no_such_key());

    // One of ten at once is first.
    let raced: Vec<_> = (0..10).map(|_| tokio::spawn(put("raced", b"r"))).collect();
    let mut won = 0;
    for racer in raced {
        won += usize::from(racer.await.unwrap().is_ok());
    }
    assert_eq!(won, 1);

    let parts = [vec![1_u8; 5 << 20], vec![2; 3]];
    let key = "parted";
    for outcome in [200, 412] {
        let upload = client
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .send()
            .await
            .unwrap();
        let id = upload.upload_id().unwrap();
        let mut completed = CompletedMultipartUpload::builder();
        for (number, part) in (1..).zip(&parts) {
            let sent = client
                .upload_part()
                .bucket(bucket)
                .key(key)
                .upload_id(id)
                .part_number(number)
                .body(part.clone().into())
                .send()
                .await
                .unwrap();
            let part = CompletedPart::builder()
                .part_number(number)
                .e_tag(sent.e_tag().unwrap());
            completed = completed.parts(part.build());
        }
        let done = client
            .complete_multipart_upload()
            .bucket(bucket)
            .key(key)
            .upload_id(id)
            .multipart_upload(completed.build())
            .if_none_match("*")
            .send()
            .await;
        let status = match &done {
            Ok(_) => 200,
            Err(error) => error.raw_response().unwrap().status().as_u16(),
        };
        assert_eq!(status, outcome);
        if outcome == 412 {
            let abort = client
                .abort_multipart_upload()
                .bucket(bucket)
                .key(key)
                .upload_id(id);
            abort.send().await.unwrap();
        }
    }
    let whole = std::fs::read(
        world
            .folder
            .path()
            .join("data/buckets")
            .join(bucket)
            .join(key),
    );
    assert_eq!(whole.unwrap(), parts.concat());
    let counts = world.sandbox.calls().counts;
    assert_eq!(counts["UploadPart"], 4);
    assert_eq!(counts["CompleteMultipartUpload"], 2);
    assert_eq!(counts["AbortMultipartUpload"], 1);
}

#[tokio::test]
async fn effects_hold_for_objects_too() {
    let world = World::plain().await;
    let client = world.s3();
    let put = |key: &'static str| {
        let put = client.put_object().bucket("bucket").key(key);
        put.body(vec![7; 2 << 20].into()).send()
    };
    world.rule(Rule {
        containing: Some("verdict".to_owned()),
        ..Rule::once(
            "PutObject",
            Effect::Status {
                code: 503,
                error: "SlowDown".to_owned(),
            },
        )
    });
    put("a.wav").await.unwrap();
    let slow = put("a_verdict.json").await.unwrap_err();
    assert_eq!(slow.raw_response().unwrap().status().as_u16(), 503);
    assert_eq!(slow.code(), Some("SlowDown"));
    put("a_verdict.json").await.unwrap();

    let path = world.folder.path().join("data/buckets/bucket");
    world.rule(Rule::once("PutObject", Effect::Reset));
    put("reset").await.unwrap_err();
    assert!(!path.join("reset").exists(), "nothing was done");
    world.rule(Rule::once("GetObject", Effect::EndAfterBytes(10)));
    let get = || client.get_object().bucket("bucket").key("a.wav").send();
    let short = get().await.unwrap().body.collect().await;
    assert!(short.is_err() || short.unwrap().to_vec().len() == 10);
    assert_eq!(
        get()
            .await
            .unwrap()
            .body
            .collect()
            .await
            .unwrap()
            .to_vec()
            .len(),
        2 << 20
    );
}

#[tokio::test]
async fn signatures_and_named_buckets_are_checked() {
    let world = World::plain().await;
    let client = |config: &SdkConfig| {
        let config = aws_sdk_s3::config::Builder::from(config).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    };
    for (key, accepted) in [("sandbox", true), ("test", true), ("other", false)] {
        let config = config(world.sandbox.url(), key).await;
        let put = client(&config)
            .put_object()
            .bucket("bucket")
            .key("k")
            .send()
            .await;
        assert_eq!(put.is_ok(), accepted, "{key}");
    }
    let named = Sandbox::start(Settings {
        streams: world.folder.path().join("streams"),
        data: world.folder.path().join("named"),
        buckets: vec!["mine".to_owned()],
        bucket_owner: Some("1".to_owned()),
        ..Settings::default()
    })
    .await
    .unwrap();
    let config = config(named.url(), "sandbox").await;
    for (bucket, owner, there) in [
        ("mine", None, true),
        ("theirs", None, false),
        ("mine", Some("1"), true),
        ("mine", Some("2"), false),
    ] {
        let head = client(&config).head_bucket().bucket(bucket);
        let head = head.set_expected_bucket_owner(owner.map(str::to_owned));
        assert_eq!(head.send().await.is_ok(), there, "{bucket} {owner:?}");
    }
}

#[tokio::test]
async fn a_dropped_sandbox_lets_its_port_and_connections_go() {
    let world = World::plain().await;
    let client = world.archived().await;
    let numbers: Vec<_> = world.own().into_iter().map(|(number, _)| number).collect();
    let port = world
        .sandbox
        .url()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let settings = || Settings {
        port,
        data: world.folder.path().join("data"),
        ..Settings::default()
    };
    let taken = Sandbox::start(settings()).await.err().unwrap().to_string();
    assert!(taken.contains(&format!("port {port}")), "{taken}");
    let World { sandbox, .. } = world;
    drop(sandbox);
    let gone = async || fetch(&client, &numbers).await.err();
    assert_eq!(until("the end", gone).await, "0 -");
}

#[tokio::test]
async fn the_script_is_set_and_the_calls_are_told_over_http() {
    let world = World::plain().await;
    let client = world.archived().await;
    let script = r#"{"rules":[{"on":"ListFragments","effect":{"status":{"code":500,"error":"InternalFailure"}}}]}"#;
    assert!(
        http(&world, "PUT", "faults", script)
            .await
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        client
            .list_fragments()
            .stream_name(STREAM)
            .send()
            .await
            .is_err()
    );
    assert!(
        client
            .list_fragments()
            .stream_name(STREAM)
            .send()
            .await
            .is_ok()
    );
    assert!(
        http(&world, "GET", "faults", "")
            .await
            .contains("ListFragments")
    );
    assert!(
        http(&world, "PUT", "faults", "{\"rulez\":1}")
            .await
            .contains("rulez")
    );
    let calls = http(&world, "GET", "calls", "").await;
    assert!(calls.contains("\"ListFragments\":2"), "{calls}");
    assert!(calls.contains("\"status\":500"), "{calls}");
    assert!(
        http(&world, "GET", "nothing", "")
            .await
            .starts_with("HTTP/1.1 404")
    );
}

/// What a GET of a path gives, head and body.
pub async fn get(url: &str, path: &str) -> Vec<u8> {
    use std::io::{Read, Write};
    let address = url.trim_start_matches("http://").to_owned();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    });
    answer.await.unwrap().unwrap()
}

/// A request by hand, as `curl` would send it.
async fn http(world: &World, method: &str, path: &str, body: &str) -> String {
    raw(world, method, &format!("/_sandbox/{path}"), body).await
}

async fn raw(world: &World, method: &str, path: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let address = world.sandbox.url().trim_start_matches("http://").to_owned();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    });
    answer.await.unwrap().unwrap()
}

#[tokio::test]
async fn the_command_tells_its_address_and_serves_what_synth_made() {
    let folder = tempfile::tempdir().unwrap();
    let callreel = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_callreel"));
        command.current_dir(folder.path());
        command
    };
    let contact = SynthCall::default().contact.to_string();
    let synth = [
        "synth",
        "--contact",
        &contact,
        "--seconds",
        "5",
        "--untagged-tail",
        "--stream",
        STREAM,
    ];
    assert!(callreel().args(synth).output().unwrap().status.success());
    let mut serving = callreel()
        .args(["sandbox", "--streams", "demo/streams", "--data", "data"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(serving.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    let url = line.trim_end().strip_prefix("listening on ").unwrap();
    let client = archived::Client::new(&config(url, "sandbox").await);
    let listed = client
        .list_fragments()
        .stream_name(STREAM)
        .send()
        .await
        .unwrap();
    let call = SynthCall {
        millis: 5_000,
        untagged_tail: true,
        ..SynthCall::default()
    };
    let fragments: Vec<_> = call.fragments().collect();
    assert_eq!(listed.fragments().len(), fragments.len());
    let numbers: Vec<_> = fragments
        .iter()
        .map(|fragment| fragment.number.clone())
        .collect();
    let documents: Vec<_> = fragments
        .into_iter()
        .map(|fragment| fragment.document)
        .collect();
    let (body, whole) = fetch(&client, &numbers).await.unwrap();
    assert!(whole && body == documents.concat());
    serving.kill().unwrap();
    serving.wait().unwrap();
}

/// The archive's page, which comes from elsewhere, reads what its links give.
#[tokio::test]
async fn a_page_of_another_origin_may_read_an_object() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let folder = tempfile::tempdir().unwrap();
    let sandbox = start(folder.path(), Faults::default()).await;
    let host = sandbox.url().trim_start_matches("http://").to_owned();
    let ask = async |method: &str, more: &str| {
        let text = format!(
            "{method} /recordings/a.wav HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
        );
        let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).to_lowercase()
    };
    let origin = "Origin: https://calls.example.com\r\n";
    let first = format!("{origin}Access-Control-Request-Method: GET\r\n");
    let asked = ask("OPTIONS", &first).await;
    assert!(asked.starts_with("http/1.1 200"), "{asked}");
    for answer in [asked, ask("GET", origin).await] {
        assert!(
            answer.contains("access-control-allow-origin: *"),
            "{answer}"
        );
        assert!(answer.contains("content-range"), "{answer}");
    }
    assert!(!ask("GET", "").await.contains("access-control"));
    assert!(
        !ask("PUT", origin)
            .await
            .contains("access-control-allow-origin")
    );
}
