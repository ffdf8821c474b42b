//! What the sandbox answers that is no service of AWS's: about itself, and as identity provider.

use bytes::Bytes;
use hyper::http::request::Parts;
use serde_json::json;

use super::faults::Playing;
use super::wire::{Refusal, Reply, json_reply, parse};
use super::{Met, World};
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
