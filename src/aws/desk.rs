//! Amazon Connect as an agent's desk: queues, users, tasks, and the attributes of contacts. Every
//! call may be made again, and is: what is written rests on nothing that was read.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_connect::Client;
use aws_sdk_connect::types::{
    Reference, ReferenceType, StringComparisonType, StringCondition, UserSearchCriteria,
};

use super::connect::connect_client;
use super::errors::{Call, failure, is_not_found};
use crate::failure::{Failure, FailureKind};
use crate::port::voicemail::Desk;
use crate::voicemail::recipient::{Queue, User};
use crate::voicemail::task::StartTask;

/// The desk of the instances of an account and region.
#[derive(Debug)]
pub struct ConnectDesk(Client);

impl ConnectDesk {
    /// Over the shared configuration.
    pub fn new(shared: &SdkConfig) -> Self {
        Self(connect_client(shared))
    }
}

/// An answer that is a success and does not hold what was asked for.
fn empty(subject: &str, call: &str, lacks: &str) -> Failure {
    let cause = format!("{call} gave no {lacks}");
    Failure::new(FailureKind::Unavailable, subject, cause)
}

/// A text of an answer, empty where there is none.
fn text(value: Option<String>) -> Box<str> {
    value.unwrap_or_default().into()
}

impl Desk for ConnectDesk {
    async fn queue(&self, instance: &str, queue: &str) -> Result<Option<Queue>, Failure> {
        let subject = format!("queue {queue} of instance {instance}");
        let request = self.0.describe_queue();
        let found = request.instance_id(instance).queue_id(queue).send().await;
        let found = match found {
            Ok(answer) => answer.queue,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(failure(Call::DescribeQueue, subject, &error)),
        };
        let found = found.ok_or_else(|| empty(&subject, "DescribeQueue", "Queue"))?;
        Ok(Some(Queue {
            name: text(found.name),
            arn: text(found.queue_arn),
            tags: found.tags.unwrap_or_default().into_iter().collect(),
        }))
    }

    async fn user(&self, instance: &str, user: &str) -> Result<Option<User>, Failure> {
        let subject = format!("user {user} of instance {instance}");
        let request = self.0.describe_user();
        let found = request.instance_id(instance).user_id(user).send().await;
        let found = match found {
            Ok(answer) => answer.user,
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => return Err(failure(Call::DescribeUser, subject, &error)),
        };
        let found = found.ok_or_else(|| empty(&subject, "DescribeUser", "User"))?;
        let (first, last, email, second) = match found.identity_info {
            None => (None, None, None, None),
            Some(info) => (
                info.first_name,
                info.last_name,
                info.email,
                info.secondary_email,
            ),
        };
        Ok(Some(User {
            id: text(found.id.or_else(|| Some(user.to_owned()))),
            username: text(found.username),
            first_name: text(first),
            last_name: text(last),
            email: email.map(Into::into),
            secondary_email: second.map(Into::into),
        }))
    }

    async fn find_user(&self, instance: &str, username: &str) -> Result<Option<Box<str>>, Failure> {
        let condition = StringCondition::builder()
            .field_name("Username")
            .value(username)
            .comparison_type(StringComparisonType::Exact);
        let criteria = UserSearchCriteria::builder().string_condition(condition.build());
        let request = self.0.search_users().instance_id(instance).max_results(1);
        let found = request.search_criteria(criteria.build()).send().await;
        let found = match found {
            Ok(answer) => answer.users.unwrap_or_default(),
            Err(error) if is_not_found(&error) => return Ok(None),
            Err(error) => {
                let subject = format!("user {username:?} of instance {instance}");
                return Err(failure(Call::SearchUsers, subject, &error));
            }
        };
        Ok(found.into_iter().find_map(|user| user.id).map(Into::into))
    }

    async fn start_task(&self, task: &StartTask) -> Result<Box<str>, Failure> {
        let subject = format!("the task of contact {}", task.client_token);
        let mut request = self.0.start_task_contact();
        for (name, reference) in task.references.iter() {
            let reference = Reference::builder()
                .value(&*reference.value)
                .r#type(ReferenceType::from(reference.r#type.name()))
                .build()
                .map_err(|error| Failure::new(FailureKind::Refused, &subject, error))?;
            request = request.references(name, reference);
        }
        for (name, value) in task.attributes.iter() {
            request = request.attributes(name, value);
        }
        let request = request
            .instance_id(&*task.instance_id)
            .contact_flow_id(&*task.contact_flow_id)
            .set_previous_contact_id(task.previous_contact_id.as_deref().map(str::to_owned))
            .name(task.name.as_str())
            .description(task.description.as_str())
            .client_token(&*task.client_token);
        let started = request.send().await;
        let started = started.map_err(|error| failure(Call::StartTask, &subject, &error))?;
        let contact = started.contact_id.filter(|contact| !contact.is_empty());
        contact
            .map(Into::into)
            .ok_or_else(|| empty(&subject, "StartTaskContact", "ContactId"))
    }

    async fn attributes(
        &self,
        instance: &str,
        initial_contact: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let subject = format!("contact {initial_contact} of instance {instance}");
        let request = self.0.get_contact_attributes();
        let request = request.instance_id(instance);
        let read = request.initial_contact_id(initial_contact).send().await;
        let read = read.map_err(|error| failure(Call::ReadAttributes, &subject, &error))?;
        let attributes = read.attributes;
        let attributes =
            attributes.ok_or_else(|| empty(&subject, "GetContactAttributes", "Attributes"))?;
        Ok(attributes.into_iter().collect())
    }

    async fn set_attributes(
        &self,
        instance: &str,
        initial_contact: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let changes = changes.clone().into_iter().collect();
        let request = self.0.update_contact_attributes();
        let request = request.instance_id(instance).set_attributes(Some(changes));
        let written = request.initial_contact_id(initial_contact).send().await;
        written.map(|_| ()).map_err(|error| {
            let subject = format!("contact {initial_contact} of instance {instance}");
            failure(Call::WriteAttributes, subject, &error)
        })
    }
}
