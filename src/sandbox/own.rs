//! What the sandbox answers that is no service of AWS's: about itself, and as identity provider; and whom
//! a call is about.

use bytes::Bytes;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::faults::Playing;
use super::operation::{Operation, Service};
use super::wire::{Refusal, Reply, json_reply, parse};
use super::{Met, World, voicemail};
use crate::lock::lock;

impl World {
    /// What the sandbox answers about itself.
    pub(super) fn own(&self, head: &Parts, body: &Bytes) -> Result<Reply, Refusal> {
        match (head.method.as_str(), head.uri.path()) {
            ("GET", "/_sandbox/calls") => Ok(json_reply(&json!(self.calls()))),
            ("GET", "/_sandbox/faults") => Ok(json_reply(&json!(lock(&self.playing).faults))),
            ("PUT", "/_sandbox/faults") => {
                let faults = parse(body, "BadScript")?;
                *lock(&self.playing) = Playing::new(faults);
                Ok(json_reply(&json!({})))
            }
            (method, path) => Err(Refusal::new(
                404,
                "NotFound",
                format!(
                    "{method} {path}: there are GET /_sandbox/calls, GET and PUT /_sandbox/faults"
                ),
            )),
        }
    }

    /// The provider's answer, where one is played.
    pub(super) fn provide(&self, met: &Met, head: &Parts, body: &[u8]) -> Result<Reply, Refusal> {
        let none = || {
            Refusal::new(
                404,
                "NotFound",
                "there is no provider; start the sandbox with --oidc",
            )
        };
        let oidc = self.oidc.as_ref().ok_or_else(none)?;
        Ok(oidc.answer(&met.call.operation, head, body, met.effect.as_ref()))
    }
}

/// Whom a JSON call is about.
pub(super) fn subject(operation: &Operation, head: &Parts, body: &[u8]) -> String {
    if let Service::Voicemail(_) = operation.service {
        return voicemail::subject(&operation.name, head, body);
    }
    if ["GetContactAttributes", "DescribeContact"].contains(&&*operation.name) {
        let contact = head.uri.path().rsplit('/').next().unwrap_or_default();
        return percent_encoding::percent_decode_str(contact)
            .decode_utf8_lossy()
            .into_owned();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let names = ["StreamName", "StreamARN", "InitialContactId", "QueueUrl"];
    let named = names.iter().find_map(|name| body[name].as_str());
    named.unwrap_or_default().to_owned()
}
