//! What voicemail asks, as AWS's own clients see it: limits that hold, what is idempotent, and
//! what is found out only later.

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_connect::types::{
    Reference, ReferenceType, StringComparisonType, StringCondition, UserSearchCriteria,
};
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage, Template};
use aws_sdk_transcribe::types::{LanguageCode, Media, TranscriptionJobStatus};
use serde_json::{Value, json};

use super::*;

const CONTACT: &str = "c-1";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join("data").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A WAV of so many milliseconds of silence.
fn wav(millis: u32) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for _ in 0..millis * 8 {
        writer.write_sample(0_i16).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

async fn start_job(world: &World, name: &str, key: &str) -> Result<(), String> {
    let client = aws_sdk_transcribe::Client::new(&world.config);
    let request = client
        .start_transcription_job()
        .transcription_job_name(name)
        .language_code(LanguageCode::EnUs)
        .media(
            Media::builder()
                .media_file_uri(format!("s3://recordings/{key}"))
                .build(),
        )
        .output_bucket_name("transcripts")
        .output_key(key.replace(".wav", ".json"));
    let started = request.send().await;
    started.map(|_| ()).map_err(|error| {
        let error = error.into_service_error();
        error.meta().code().unwrap_or_default().to_owned()
    })
}

async fn ends(world: &World, name: &str) -> (Option<TranscriptionJobStatus>, Option<String>) {
    let client = aws_sdk_transcribe::Client::new(&world.config);
    for _ in 0..40 {
        let looked = client.get_transcription_job().transcription_job_name(name);
        let job = looked.send().await.unwrap().transcription_job.unwrap();
        if job.transcription_job_status != Some(TranscriptionJobStatus::InProgress) {
            return (job.transcription_job_status, job.failure_reason);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    (Some(TranscriptionJobStatus::InProgress), None)
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_complete_fail_or_never_say_so() {
    let world = World::plain().await;
    write(world.folder.path(), "speech/a.txt", "call me back");
    for (key, millis) in [("2026/01/31/a.wav", 600), ("b.wav", 400)] {
        let put = world.s3().put_object().bucket("recordings").key(key);
        put.body(wav(millis).into()).send().await.unwrap();
    }
    assert_eq!(
        start_job(&world, "vmx3_a", "2026/01/31/a.wav").await,
        Ok(())
    );
    let again = start_job(&world, "vmx3_a", "2026/01/31/a.wav").await;
    assert_eq!(again, Err("ConflictException".to_owned()));
    let (status, _) = ends(&world, "vmx3_a").await;
    assert_eq!(status, Some(TranscriptionJobStatus::Completed));
    let transcripts = world
        .folder
        .path()
        .join("data/buckets/transcripts/2026/01/31");
    let transcript = std::fs::read(transcripts.join("a.json")).unwrap();
    let transcript: Value = serde_json::from_slice(&transcript).unwrap();
    let said = &transcript["results"]["transcripts"][0]["transcript"];
    assert_eq!(said, "call me back");
    assert!(transcripts.join(".write_access_check_file.temp").is_file());

    assert_eq!(start_job(&world, "vmx3_b", "b.wav").await, Ok(()));
    let (status, reason) = ends(&world, "vmx3_b").await;
    assert_eq!(status, Some(TranscriptionJobStatus::Failed));
    assert!(reason.unwrap().contains("too small"));

    world.rule(Rule::once("StartTranscriptionJob", Effect::JobNeverEnds));
    assert_eq!(
        start_job(&world, "vmx3_n", "2026/01/31/a.wav").await,
        Ok(())
    );
    let (status, _) = ends(&world, "vmx3_n").await;
    assert_eq!(status, Some(TranscriptionJobStatus::InProgress));

    for (name, key) in [("vmx3 space", "b.wav"), ("vmx3_x", "missing.wav")] {
        let refused = start_job(&world, name, key).await;
        assert_eq!(refused, Err("BadRequestException".to_owned()), "{name}");
    }
    let client = aws_sdk_transcribe::Client::new(&world.config);
    let delete = || {
        client
            .delete_transcription_job()
            .transcription_job_name("vmx3_a")
            .send()
    };
    delete().await.unwrap();
    let missing = delete().await.unwrap_err().into_service_error();
    assert_eq!(missing.meta().code(), Some("BadRequestException"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_one_task_and_its_attributes_are_its_calls() {
    let world = World::plain().await;
    let record = json!({"ContactId": CONTACT, "InitialContactId": "c-0"});
    write(
        world.folder.path(),
        "contact-records/c.json",
        &record.to_string(),
    );
    let client = aws_sdk_connect::Client::new(&world.config);
    let start = |value: &str| {
        let reference = Reference::builder()
            .value(value)
            .r#type(ReferenceType::String);
        client
            .start_task_contact()
            .instance_id("i")
            .contact_flow_id("f")
            .previous_contact_id(CONTACT)
            .client_token(CONTACT)
            .name("Voicemail")
            .attributes("vmx3_flag", "0")
            .references("Date Received", reference.build().unwrap())
    };
    let first = start("today").send().await.unwrap().contact_id;
    let second = start("today").send().await.unwrap().contact_id;
    assert!(first.is_some() && first == second);
    let refused = start("").client_token("another").send().await.unwrap_err();
    let refused = refused.into_service_error();
    assert_eq!(refused.meta().code(), Some("InvalidRequestException"));
    let read = client.get_contact_attributes().instance_id("i");
    let read = read.initial_contact_id("c-0").send().await.unwrap();
    let attributes: BTreeMap<_, _> = read.attributes.unwrap().into_iter().collect();
    assert_eq!(attributes["vmx3_flag"], "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_and_users_are_those_of_the_file() {
    let world = World::plain().await;
    let desk = json!({
        "queues": {"q": {"name": "Support", "tags": {"vmx3_queue_email": "s@example.com"}}},
        "users": {"u": {"username": "jdoe", "first_name": "Jane", "last_name": "Doe"}},
    });
    write(world.folder.path(), "desk.json", &desk.to_string());
    let client = aws_sdk_connect::Client::new(&world.config);
    let queue = client.describe_queue().instance_id("i").queue_id("q");
    let queue = queue.send().await.unwrap().queue.unwrap();
    assert_eq!(queue.name(), Some("Support"));
    assert_eq!(queue.tags.unwrap()["vmx3_queue_email"], "s@example.com");
    let missing = client.describe_queue().instance_id("i").queue_id("x");
    let missing = missing.send().await.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception());
    let named = |name: &str| {
        let condition = StringCondition::builder()
            .field_name("Username")
            .value(name)
            .comparison_type(StringComparisonType::Exact);
        let criteria = UserSearchCriteria::builder().string_condition(condition.build());
        let search = client.search_users().instance_id("i");
        search.search_criteria(criteria.build()).send()
    };
    assert_eq!(named("jdoe").await.unwrap().users()[0].id(), Some("u"));
    assert!(named("jd").await.unwrap().users().is_empty());
    let user = client.describe_user().instance_id("i").user_id("u");
    let user = user.send().await.unwrap().user.unwrap();
    assert_eq!(user.identity_info().unwrap().first_name(), Some("Jane"));
    assert_eq!(user.identity_info().unwrap().email(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_is_missing_is_found_out_later() {
    let world = World::plain().await;
    let template = json!({"Subject": "from {{from}}", "Text": "{{text}}", "Html": "<p>{{text}}"});
    write(
        world.folder.path(),
        "mail/templates/t.json",
        &template.to_string(),
    );
    write(
        world.folder.path(),
        "mail/identities.json",
        r#"["example.com"]"#,
    );
    let client = aws_sdk_sesv2::Client::new(&world.config);
    let send = |from: &str, content: EmailContent| {
        let to = Destination::builder().to_addresses("x@y.example").build();
        let request = client.send_email().from_email_address(from);
        request.destination(to).content(content).send()
    };
    let template = |data: Value| {
        let template = Template::builder().template_name("t");
        let template = template.template_data(data.to_string()).build();
        EmailContent::builder().template(template).build()
    };
    let mails = |place: &str| {
        let folder = world.folder.path().join("data").join(place);
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let mut mails: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        mails.retain(|path| path.is_file() && !path.ends_with("identities.json"));
        mails
    };
    let whole = template(json!({"from": "a", "text": "<b>"}));
    send("vm@example.com", whole).await.unwrap();
    let sent: Value = serde_json::from_slice(&std::fs::read(&mails("mail")[0]).unwrap()).unwrap();
    assert_eq!(
        (&sent["Subject"], &sent["Html"]),
        (&json!("from a"), &json!("<p><b>"))
    );
    send("vm@example.com", template(json!({"from": "a"})))
        .await
        .unwrap();
    assert_eq!((mails("mail").len(), mails("mail/failed").len()), (1, 1));
    let refused = send("vm@other.example", template(json!({}))).await;
    assert!(
        refused
            .unwrap_err()
            .into_service_error()
            .is_message_rejected()
    );
    let raw = |message: &str| {
        let raw = RawMessage::builder()
            .data(Blob::new(message))
            .build()
            .unwrap();
        EmailContent::builder().raw(raw).build()
    };
    let head = "From: vm@example.com\r\nTo: x@y.example\r\nSubject: s\r\n";
    send("vm@example.com", raw(&format!("{head}\r\nx")))
        .await
        .unwrap();
    let forged = format!("{head}To: z@y.example\r\n\r\nx");
    assert!(send("vm@example.com", raw(&forged)).await.is_err());
    let found = client
        .get_email_template()
        .template_name("t")
        .send()
        .await
        .unwrap();
    assert_eq!(found.template_content.unwrap().text(), Some("{{text}}"));
    let missing = client.get_email_template().template_name("u").send().await;
    assert!(
        missing
            .unwrap_err()
            .into_service_error()
            .is_not_found_exception()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_link_is_checked() {
    use aws_sdk_s3::presigning::PresigningConfig;
    let world = World::plain().await;
    let put = world.s3().put_object().bucket("recordings").key("d/a.wav");
    put.body(ByteStream::from_static(b"audio"))
        .send()
        .await
        .unwrap();
    let get = |url: String| async move {
        let (host, path) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let stream = tokio::net::TcpStream::connect(host).await.unwrap();
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = stream;
        let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let signed = |seconds: u64| {
        let config = PresigningConfig::expires_in(Duration::from_secs(seconds)).unwrap();
        let request = world.s3().get_object().bucket("recordings").key("d/a.wav");
        async move { request.presigned(config).await.unwrap().uri().to_owned() }
    };
    let url = signed(60).await;
    let answer = get(url.clone()).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("audio"),
        "{answer}"
    );
    let other = get(url.replace("a.wav", "b.wav")).await;
    assert!(other.starts_with("HTTP/1.1 403"), "{other}");
    let longer = get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")).await;
    assert!(longer.starts_with("HTTP/1.1 403"), "{longer}");
    let short = signed(1).await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let expired = get(short).await;
    assert!(expired.starts_with("HTTP/1.1 403"), "{expired}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_answers_are_those_of_the_files() {
    let world = World::plain().await;
    write(world.folder.path(), "secrets.json", r#"{"arn:s": "{}"}"#);
    write(
        world.folder.path(),
        "summary.txt",
        "Jane asks for a call.\n",
    );
    let secrets = aws_sdk_secretsmanager::Client::new(&world.config);
    let secret = |id: &str| secrets.get_secret_value().secret_id(id).send();
    assert_eq!(secret("arn:s").await.unwrap().secret_string(), Some("{}"));
    let missing = secret("arn:t").await.unwrap_err().into_service_error();
    assert!(missing.is_resource_not_found_exception());
    use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};
    let model = aws_sdk_bedrockruntime::Client::new(&world.config);
    let message = Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text("sum up".to_owned()))
        .build();
    let converse = model.converse().model_id("us.amazon.nova-lite-v1:0");
    let answer = converse.messages(message.unwrap()).send().await.unwrap();
    let answer = answer.output.unwrap();
    let text = answer.as_message().unwrap().content()[0].as_text().unwrap();
    assert_eq!(text, "Jane asks for a call.");
}
