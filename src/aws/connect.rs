//! The attributes of contacts in Amazon Connect. Paced, since 10 calls a second are all that
//! an account and region has for each of the two, to share with every other system there.
//!
//! The read that a write rests on is never left out: a contact record tells what stood there
//! when it was written, and since then an agent's desktop may have set an attribute, or the
//! customer taken back what they allowed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_connect::Client;
use aws_sdk_connect::config::Builder;
use aws_sdk_connect::operation::get_contact_attributes::GetContactAttributesOutput;
use aws_smithy_types::retry::RetryConfig;

use super::Trying;
use super::answers::CheckAnswers;
use super::errors::{Call, failure};
use super::pace::Pace;
use crate::failure::{Failure, FailureKind};
use crate::port::ContactAttributes;

/// The wait before looking at attributes again: longer than another leg takes from its read
/// to its write, which is two ways over the network. It doubles with each further look …
const FIRST_WAIT: Duration = Duration::from_millis(1_500);
/// … up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// What is written rests on an answer that took less than this. With the way of the write it
/// stays below the first wait: otherwise another leg could write meanwhile, look, find its
/// URLs, and lose them.
const FRESH: Duration = Duration::from_millis(750);

/// Amazon Connect.
#[derive(Debug)]
pub struct ConnectContacts {
    client: Client,
    reads: Pace,
    writes: Pace,
}

/// Leave to write once, within the quota.
#[derive(Debug)]
pub struct WriteTurn(());

impl ConnectContacts {
    /// Contacts over the shared configuration, with so many calls a second of each kind.
    pub fn new(shared: &SdkConfig, calls_per_second: u32) -> Self {
        let pace = || Pace::new(calls_per_second, burst(calls_per_second));
        Self {
            client: connect_client(shared),
            reads: pace(),
            writes: pace(),
        }
    }
}

impl ConnectContacts {
    /// The answer, and how long it took.
    async fn read_once(
        &self,
        instance: &str,
        contact: &str,
    ) -> Result<(GetContactAttributesOutput, Duration), Failure> {
        self.reads.take(1).await;
        let asked = Instant::now();
        let request = self.client.get_contact_attributes();
        let request = request.instance_id(instance).initial_contact_id(contact);
        let read = request.send().await.map_err(|error| {
            let subject = format!("contact {contact} of instance {instance}");
            failure(Call::ReadAttributes, subject, &error)
        })?;
        Ok((read, asked.elapsed()))
    }
}

/// A client of Connect, whose answers can be broken where attributes are.
pub(super) fn connect_client(shared: &SdkConfig) -> Client {
    let config = Builder::from(&Trying::CONNECT.on(shared));
    Client::from_conf(config.interceptor(CheckAnswers).build())
}

/// Calls at once: Connect's own quota allows half of a second's calls on top.
fn burst(calls_per_second: u32) -> u32 {
    calls_per_second.saturating_add(calls_per_second / 2)
}

/// The wait before a look, from 2: doubled each time, and of that at least two thirds,
/// so that legs which met once do not meet again.
fn wait_before(look: u32, random: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << look.saturating_sub(2).min(16));
    let whole = doubled.min(LONGEST_WAIT);
    whole + (whole / 2).mul_f64(f64::from(random % 1_024) / 1_024.0)
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

impl ContactAttributes for ConnectContacts {
    type Turn = WriteTurn;
    const TELLS_ALL: bool = true;

    async fn read(
        &self,
        instance: Option<&str>,
        contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let instance = named(instance, contact)?;
        let mut read = self.read_once(instance, contact).await?;
        if read.1 >= FRESH {
            read = self.read_once(instance, contact).await?;
        }
        let (read, _) = read;
        // Taken for none, they would be overwritten.
        let attributes = read.attributes.ok_or_else(|| {
            let subject = format!("contact {contact} of instance {instance}");
            let cause = "GetContactAttributes gave no Attributes";
            Failure::new(FailureKind::Unavailable, subject, cause)
        })?;
        Ok(attributes.into_iter().collect())
    }

    async fn turn(&self) -> WriteTurn {
        self.writes.take(1).await;
        WriteTurn(())
    }

    async fn write(
        &self,
        WriteTurn(()): WriteTurn,
        instance: Option<&str>,
        contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let instance = named(instance, contact)?;
        let request = self.client.update_contact_attributes();
        let request = request.instance_id(instance).initial_contact_id(contact);
        let changes = changes.clone().into_iter().collect();
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let request = request.set_attributes(Some(changes)).customize();
        let written = request.config_override(once).send().await;
        written.map(|_| ()).map_err(|error| {
            let subject = format!("contact {contact} of instance {instance}");
            failure(Call::WriteAttributes, subject, &error)
        })
    }

    async fn wait_to_look_again(&self, look: u32) -> bool {
        tokio::time::sleep(wait_before(look, fastrand::u32(..))).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_wait_longer_each_time_and_legs_part() {
        #[track_caller]
        fn check(look: u32, least: u128, most: u128) {
            for random in [0, 511, 1_023, u32::MAX] {
                let wait = wait_before(look, random).as_millis();
                assert!((least..=most).contains(&wait), "{look}: {wait}");
            }
            assert_ne!(wait_before(look, 0), wait_before(look, 1_023));
        }
        check(2, 1_500, 2_250);
        check(3, 3_000, 4_500);
        check(6, 8_000, 12_000);
        check(u32::MAX, 8_000, 12_000);
    }

    #[test]
    fn a_burst_is_as_large_as_the_quotas_own() {
        assert_eq!([1, 2, 10].map(burst), [1, 3, 15]);
    }

    #[test]
    fn without_an_instance_nothing_is_asked() {
        let failure = named(None, "c1").unwrap_err();
        assert_eq!(failure.kind, FailureKind::InstanceUnknown);
        assert_eq!(failure.action(), crate::failure::Action::Park);
        assert!(failure.to_string().starts_with("contact c1: "));
    }
}
