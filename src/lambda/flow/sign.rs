//! The function `sign`: an agent opens a guided task, and its guide asks for a link to the
//! recording that lives for minutes. Only keys of recordings are signed, whatever the task says.
//! What cannot be signed is an answer, not an error: the guide shows the task without its player.
//! With the link come the texts of the task, ready to stand within HTML.

use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::super::log;
use super::ANSWERS_WITHIN;
use crate::aws::{self, Access, S3Signer};
use crate::event::{self, Event};
use crate::html::Html;
use crate::json::object::Object;
use crate::port::voicemail::Signer;
use crate::settings::sign::SignConfig;
use crate::voicemail::flagged::{
    CALLBACK_NUMBER, RECORDING_KEY, SOURCE_QUEUE, SUMMARY, TIMESTAMP, TRANSCRIPT,
};
use crate::voicemail::guide;
use crate::voicemail::place::Place;

/// The attribute by which older flows name the contact that left the message.
const CONTACT_BEFORE: &str = "contact_id";
/// What a guide shows.
const ALL_SHOWN: [&str; 5] = [
    CALLBACK_NUMBER,
    SOURCE_QUEUE,
    TIMESTAMP,
    SUMMARY,
    TRANSCRIPT,
];

pub(super) async fn signer(config: &SignConfig) -> S3Signer {
    let access = Access {
        region: Some(config.region.clone()),
        endpoint: config.endpoint.clone(),
        ..Access::default()
    };
    S3Signer::new(&aws::load(access).await, &config.recordings, None)
}

pub(super) async fn handle(
    signer: &S3Signer,
    config: &SignConfig,
    event: LambdaEvent<Value>,
) -> Result<Value, lambda_runtime::Error> {
    let asked = attributes(&event.payload);
    let signed = match asked.as_ref().map_err(Clone::clone).and_then(key) {
        Err(cause) => Err((
            cause,
            "let the guide of a guided task call this function".to_owned(),
        )),
        Ok(key) => match timeout(ANSWERS_WITHIN, signer.link(&key, config.lives)).await {
            Ok(Ok(link)) => Ok((key, link.url)),
            Ok(Err(failure)) => {
                let cause = format!("{}: {}", failure.subject, failure.cause);
                Err((cause, failure.cure()))
            }
            Err(_) => Err((
                format!("no link within {ANSWERS_WITHIN:?}"),
                "check the network and the state of S3".to_owned(),
            )),
        },
    };
    let mut answer = match signed {
        Ok((key, url)) => {
            tracing::info!(key, "signed");
            json!({"status": "complete", "result": "success", "vmx3_presigned_url": url,
                "vmx3_html_url": Html(&url).to_string()})
        }
        Err((cause, cure)) => {
            tracing::error!(cause, cure, "not signed");
            let function = &event.context.env_config.function_name;
            log::count(vec![(log::LINKS_FAILED, "Count", 1.0)], function);
            json!({"status": "complete", "result": "ERROR", "reason": cause})
        }
    };
    if let Ok(attributes) = &asked {
        let texts = ALL_SHOWN.map(|name| (name, attributes.exact(name)));
        let text = |name: &str| {
            let found = texts.iter().find(|(known, _)| *known == name);
            found.and_then(|(_, text)| text.as_deref())
        };
        for (name, text) in guide::shown(text) {
            answer[name] = text.into();
        }
    }
    Ok(answer)
}

/// The attributes of the task.
fn attributes(payload: &Value) -> Result<Object, String> {
    let event = event::read(payload.to_string().as_bytes());
    let data = match event.map_err(|error| error.to_string())? {
        Event::FlowCall(data) => data,
        Event::Records(..)
        | Event::ContactEvent(_)
        | Event::ObjectCreated(_)
        | Event::TranscriptionJob(_)
        | Event::Schedule(_)
        | Event::Direct(_) => return Err("the event is no contact flow's call".to_owned()),
    };
    Ok(data.object("Attributes").unwrap_or_default())
}

/// The key of the recording that a task is about.
fn key(attributes: &Object) -> Result<String, String> {
    let text = |attributes: &Object, name: &str| {
        let text = attributes.exact(name);
        text.filter(|text| !text.is_empty())
    };
    let key = text(attributes, RECORDING_KEY).map(String::from);
    let before = || text(attributes, CONTACT_BEFORE).map(|contact| format!("{contact}.wav"));
    let key = key
        .or_else(before)
        .ok_or_else(|| format!("the contact has no attribute {RECORDING_KEY}"))?;
    match is_of_a_recording(&key) {
        true => Ok(key),
        false => Err(format!("{RECORDING_KEY} is no key of a recording")),
    }
}

/// `YYYY/MM/DD/CONTACT.wav`, with a prefix or without all of it: older recordings have no folder.
fn is_of_a_recording(key: &str) -> bool {
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|it| it.is_ascii_digit());
    let folders: Vec<_> = key.split('/').rev().skip(1).take(3).collect();
    let is_dated = match &*folders {
        [] => true,
        [day, month, year] => digits(day, 2) && digits(month, 2) && digits(year, 4),
        _ => false,
    };
    let leads_away = key.split('/').any(|part| ["", ".", ".."].contains(&part));
    is_dated && !leads_away && Place::of_recording(key).is_some()
}

#[cfg(test)]
mod tests {
    use super::attributes as attributes_of;
    use super::*;

    #[test]
    fn only_keys_of_recordings_are_signed() {
        #[track_caller]
        fn check(attributes: Value, expected: Result<&str, &str>) {
            let event = json!({"Name": "ContactFlowEvent", "Details": {"Parameters": {},
                "ContactData": {"ContactId": "c", "Attributes": attributes}}});
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(attributes_of(&event).and_then(|it| key(&it)), expected);
        }
        let of = |key: &str| json!({"vmx3_recording_key": key});
        check(of("2026/01/31/c-1.wav"), Ok("2026/01/31/c-1.wav"));
        check(of("vm/2026/01/31/c-1.wav"), Ok("vm/2026/01/31/c-1.wav"));
        check(json!({"contact_id": "c-1"}), Ok("c-1.wav"));
        let other = Err("vmx3_recording_key is no key of a recording");
        for key in [
            "delivered/c-1.json",
            "2026/01/31/../../../c.wav",
            "/2026/01/31/c.wav",
            "secrets/c.wav",
            "2026/1/31/c.wav",
            "2026/01/31/c.json",
        ] {
            check(of(key), other);
        }
        check(
            json!({}),
            Err("the contact has no attribute vmx3_recording_key"),
        );
    }
}
