//! The attributes of contacts in Amazon Connect: read before they are written, so that
//! nothing that stands there is lost. Paced, since 10 calls a second are all that an
//! account has for each of the two.

use std::collections::BTreeMap;

use aws_config::SdkConfig;

use super::Trying;
use super::errors::{Call, failure};
use super::mended::MendedAnswers;
use super::pace::Pace;
use crate::failure::{Failure, FailureKind};
use crate::port::ContactNotes;

/// Connect's quota for each call: so many a second in the long run …
const CALLS_PER_SECOND: u32 = 10;
/// … and so many at once.
const BURST: u32 = 15;

/// Amazon Connect.
#[derive(Debug)]
pub struct ConnectContacts {
    client: aws_sdk_connect::Client,
    reads: Pace,
    writes: Pace,
}

impl ConnectContacts {
    /// Contacts over the shared configuration.
    pub fn new(shared: &SdkConfig) -> Self {
        Self {
            client: connect_client(shared),
            reads: Pace::new(CALLS_PER_SECOND, BURST),
            writes: Pace::new(CALLS_PER_SECOND, BURST),
        }
    }
}

/// A client of Connect, whose answers can be broken where attributes are.
pub(super) fn connect_client(shared: &SdkConfig) -> aws_sdk_connect::Client {
    let config = aws_sdk_connect::config::Builder::from(&Trying::CONNECT.on(shared));
    aws_sdk_connect::Client::from_conf(config.interceptor(MendedAnswers).build())
}

/// Attributes belong to an instance, which Connect must be told.
fn named<'a>(instance: Option<&'a str>, contact: &str) -> Result<&'a str, Failure> {
    instance.ok_or_else(|| {
        Failure::new(
            FailureKind::InstanceUnknown,
            format!("contact {contact}"),
            "the contact record has no InstanceARN, so its attributes cannot be reached",
        )
    })
}

impl ContactNotes for ConnectContacts {
    async fn read(
        &self,
        instance: Option<&str>,
        contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let instance = named(instance, contact)?;
        self.reads.take(1).await;
        let request = self.client.get_contact_attributes();
        let request = request.instance_id(instance).initial_contact_id(contact);
        let read = request.send().await.map_err(|error| {
            let subject = format!("contact {contact} of instance {instance}");
            failure(Call::ReadAttributes, subject, &error)
        })?;
        Ok(read.attributes.unwrap_or_default().into_iter().collect())
    }

    async fn write(
        &self,
        instance: Option<&str>,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let instance = named(instance, contact)?;
        self.writes.take(1).await;
        let request = self.client.update_contact_attributes();
        let request = request.instance_id(instance).initial_contact_id(contact);
        let changes = changes.clone().into_iter().collect();
        let written = request.set_attributes(Some(changes)).send().await;
        written.map(|_| ()).map_err(|error| {
            let subject = format!("contact {contact} of instance {instance}");
            failure(Call::WriteAttributes, subject, &error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_instance_nothing_is_asked() {
        let failure = named(None, "c1").unwrap_err();
        assert_eq!(failure.kind, FailureKind::InstanceUnknown);
        assert_eq!(failure.action(), crate::failure::Action::Park);
        assert!(failure.to_string().starts_with("contact c1: "));
    }
}
