//! A message as a task of Connect's: what StartTaskContact is asked for, each field within its
//! limit by the type that it has ([`budget`](super::budget)).

use serde::Serialize;

use super::budget::{Attributes, Description, References, TaskName};

/// Exactly the fields of StartTaskContact that are sent; as JSON it is the request's body,
/// under the API's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StartTask {
    /// `InstanceId`, of 100 characters at the most.
    pub instance_id: Box<str>,
    /// `ContactFlowId`, the id alone and no ARN, of 500 characters at the most.
    pub contact_flow_id: Box<str>,
    /// `PreviousContactId`: the contact that left the message, whose attributes the task
    /// shares; absent where those leave no room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_contact_id: Option<Box<str>>,
    /// `Name`.
    pub name: TaskName,
    /// `Description`.
    pub description: Description,
    /// `Attributes`.
    pub attributes: Attributes,
    /// `References`.
    pub references: References,
    /// `ClientToken`, of 500 characters at the most: the contact that left the message, so that
    /// it becomes one task however often it is delivered.
    pub client_token: Box<str>,
}
