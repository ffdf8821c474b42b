//! Connect's tasks, queues, users and flows. Tasks are files under `tasks/` in the data folder:
//! the request as it came, and the contact that it made. What there is besides stands in
//! `desk.json`:
//!
//! ```json
//! {"queues": {"<queue id>": {"name": "Support", "tags": {"vmx3_queue_email": "support@example.com"}}},
//!  "users": {"<user id>": {"username": "jdoe", "first_name": "Jane", "last_name": "Doe",
//!                          "email": "jane@example.com", "secondary_email": "j@example.com"}},
//!  "flows": {"<flow id>": "CONTACT_FLOW"}}
//! ```
//!
//! Without that file, any queue, user and flow is there.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hyper::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::lock::lock;
use crate::recording::attributes::{MAX_ATTRIBUTE_BYTES, byte_count};
use crate::sandbox::contacts::Contacts;
use crate::sandbox::wire::{Refusal, Reply, json_reply, parse};

const INVALID: &str = "InvalidRequestException";
/// Bytes of all references of a contact, names and values (Amazon Connect Administrator Guide,
/// "Amazon Connect feature specifications").
const MAX_REFERENCE_BYTES: usize = 4_096;
/// What a reference may be when its task is made.
const REFERENCE_TYPES: &[&str] = &["URL", "NUMBER", "STRING", "DATE", "EMAIL"];

/// The desk.
#[derive(Debug)]
pub(super) struct Desk {
    known: PathBuf,
    tasks: PathBuf,
    /// The task that each token made, by instance and token.
    tokens: Mutex<HashMap<(String, String), String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Known {
    queues: BTreeMap<String, Queue>,
    users: BTreeMap<String, User>,
    flows: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Queue {
    name: String,
    tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct User {
    username: String,
    first_name: String,
    last_name: String,
    email: String,
    secondary_email: String,
}

/// A request for a task, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Start {
    instance_id: String,
    contact_flow_id: Option<String>,
    quick_connect_id: Option<String>,
    task_template_id: Option<String>,
    previous_contact_id: Option<String>,
    related_contact_id: Option<String>,
    client_token: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    references: BTreeMap<String, Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reference {
    #[serde(default)]
    value: String,
    r#type: String,
}

impl Desk {
    pub(super) fn new(data: &Path) -> Self {
        Self {
            known: data.join("desk.json"),
            tasks: data.join("tasks"),
            tokens: Mutex::default(),
        }
    }

    pub(super) fn answer(
        &self,
        operation: &str,
        head: &Parts,
        body: &[u8],
        contacts: &Contacts,
    ) -> Result<Reply, Refusal> {
        match operation {
            "StartTaskContact" => self.start(body, contacts),
            "SearchUsers" => self.search(body),
            _ => self.describe(operation, &super::part(head, 0)),
        }
    }

    /// What is known; `None` when anything is.
    fn known(&self) -> Result<Option<Known>, Refusal> {
        match fs::read(&self.known) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn describe(&self, operation: &str, id: &str) -> Result<Reply, Refusal> {
        let missing = || Refusal::new(404, "ResourceNotFoundException", "Resource not found");
        let arn =
            |kind: &str| format!("arn:aws:connect:us-east-1:111122223333:instance/i/{kind}/{id}");
        let known = self.known()?;
        Ok(json_reply(&match operation {
            "DescribeQueue" => {
                let queue = match known {
                    None => Queue {
                        name: format!("Queue {id}"),
                        ..Queue::default()
                    },
                    Some(known) => known.queues.get(id).cloned().ok_or_else(missing)?,
                };
                json!({"Queue": {
                    "QueueId": id, "QueueArn": arn("queue"), "Name": queue.name, "Tags": queue.tags,
                }})
            }
            "DescribeUser" => {
                let user = match known {
                    None => User {
                        username: id.to_owned(),
                        first_name: "Agent".to_owned(),
                        last_name: id.to_owned(),
                        ..User::default()
                    },
                    Some(known) => known.users.get(id).cloned().ok_or_else(missing)?,
                };
                let mut identity =
                    json!({"FirstName": user.first_name, "LastName": user.last_name});
                // What is not there is not told.
                for (name, value) in [
                    ("Email", user.email),
                    ("SecondaryEmail", user.secondary_email),
                ] {
                    if !value.is_empty() {
                        identity[name] = json!(value);
                    }
                }
                json!({"User": {
                    "Id": id, "Arn": arn("agent"), "Username": user.username, "IdentityInfo": identity,
                }})
            }
            _ => {
                let kind = match known {
                    None => "CONTACT_FLOW".to_owned(),
                    Some(known) => known.flows.get(id).cloned().ok_or_else(missing)?,
                };
                json!({"ContactFlow": {
                    "Id": id, "Arn": arn("contact-flow"), "Name": id, "Type": kind,
                    "State": "ACTIVE", "Status": "PUBLISHED",
                }})
            }
        }))
    }

    /// `SearchUsers`, by the whole user name.
    fn search(&self, body: &[u8]) -> Result<Reply, Refusal> {
        let asked: Value = parse(body, INVALID)?;
        let condition = &asked["SearchCriteria"]["StringCondition"];
        if condition["FieldName"] != "Username" || condition["ComparisonType"] != "EXACT" {
            let message = "only an EXACT StringCondition on Username here";
            return Err(Refusal::new(400, INVALID, message));
        }
        let name = condition["Value"].as_str().unwrap_or_default();
        let users = match self.known()? {
            None => vec![json!({"Id": name, "Username": name})],
            Some(known) => {
                let found = known.users.iter().filter(|(_, user)| user.username == name);
                found
                    .map(|(id, user)| json!({"Id": id, "Username": user.username}))
                    .collect()
            }
        };
        let count = users.len();
        Ok(json_reply(
            &json!({"Users": users, "ApproximateTotalCount": count}),
        ))
    }

    fn start(&self, body: &[u8], contacts: &Contacts) -> Result<Reply, Refusal> {
        let request: Value = parse(body, INVALID)?;
        let start: Start = parse(body, INVALID)?;
        check(&start).map_err(|message| Refusal::new(400, INVALID, message))?;
        let mut tokens = lock(&self.tokens);
        let token = start
            .client_token
            .clone()
            .map(|token| (start.instance_id.clone(), token));
        if tokens.is_empty() {
            *tokens = self.tokens_of_tasks()?;
        }
        if let Some(task) = token.as_ref().and_then(|token| tokens.get(token)) {
            return Ok(json_reply(&json!({ "ContactId": task })));
        }
        if let Some(flow) = &start.contact_flow_id
            && self
                .known()?
                .is_some_and(|known| !known.flows.contains_key(flow))
        {
            let message = "The contact flow is not there, or not published.";
            return Err(Refusal::new(404, "ResourceNotFoundException", message));
        }
        // Attributes are shared along the chain of a contact.
        if let Some(previous) = &start.previous_contact_id {
            contacts.share(previous, &start.attributes)?;
        }
        fs::create_dir_all(&self.tasks)?;
        let id = format!("task-{:06}-{}", tokens.len() + 1, tail(&start));
        let hidden = self.tasks.join(format!("{id}.part"));
        let task = json!({"ContactId": id, "Request": request});
        fs::write(&hidden, serde_json::to_vec_pretty(&task)?)?;
        fs::rename(hidden, self.tasks.join(format!("{id}.json")))?;
        if let Some(token) = token {
            tokens.insert(token, id.clone());
        }
        Ok(json_reply(&json!({ "ContactId": id })))
    }

    /// The tokens of tasks that are there from a time before.
    fn tokens_of_tasks(&self) -> Result<HashMap<(String, String), String>, Refusal> {
        let entries = match fs::read_dir(&self.tasks) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
            entries => entries?,
        };
        let mut tokens = HashMap::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                let task: Value = serde_json::from_slice(&fs::read(path)?)?;
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let request = &task["Request"];
                let token = (text(&request["InstanceId"]), text(&request["ClientToken"]));
                tokens.insert(token, text(&task["ContactId"]));
            }
        }
        Ok(tokens)
    }
}

/// What a task's id ends with, so that it is its own: what came before it.
fn tail(start: &Start) -> String {
    let of = start
        .previous_contact_id
        .as_ref()
        .or(start.related_contact_id.as_ref());
    let of = of.or(start.client_token.as_ref());
    let letters = of.map(String::as_str).unwrap_or_default().chars();
    letters
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .take(36)
        .collect()
}

/// What Connect refuses (API reference, StartTaskContact; feature specifications).
fn check(start: &Start) -> Result<(), String> {
    let at_most = |what: &str, is: usize, most: usize| match is <= most {
        true => Ok(()),
        false => Err(format!("{what} takes {is} of {most}")),
    };
    at_most("InstanceId", start.instance_id.chars().count(), 100)?;
    if start.name.is_empty() {
        return Err("Name is empty".to_owned());
    }
    at_most("Name", start.name.chars().count(), 512)?;
    at_most("Description", start.description.chars().count(), 4_096)?;
    let token = start.client_token.as_deref().unwrap_or_default();
    at_most("ClientToken", token.chars().count(), 500)?;
    let ways = [
        &start.contact_flow_id,
        &start.quick_connect_id,
        &start.task_template_id,
    ];
    if ways.iter().filter(|way| way.is_some()).count() != 1 {
        return Err("one of ContactFlowId, QuickConnectId and TaskTemplateId".to_owned());
    }
    if let Some(flow) = &start.contact_flow_id {
        at_most("ContactFlowId", flow.chars().count(), 500)?;
        if flow.is_empty() || flow.contains('/') {
            return Err("ContactFlowId is the flow's id, no ARN".to_owned());
        }
    }
    if start.previous_contact_id.is_some() && start.related_contact_id.is_some() {
        return Err("one of PreviousContactId and RelatedContactId".to_owned());
    }
    let bytes = byte_count(
        start
            .attributes
            .iter()
            .map(|(name, value)| (&**name, &**value)),
    );
    at_most("Attributes", bytes, MAX_ATTRIBUTE_BYTES)?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if let Some(name) = start
        .attributes
        .keys()
        .find(|name| !name.chars().all(is_plain))
    {
        return Err(format!("an attribute is called {name:?}"));
    }
    let mut bytes = 0;
    for (name, reference) in &start.references {
        bytes += name.len() + reference.value.len();
        if name.is_empty() || reference.value.is_empty() {
            return Err(format!("the reference {name:?} is empty"));
        }
        at_most(
            "a reference",
            name.chars().count().max(reference.value.chars().count()),
            4_096,
        )?;
        if !REFERENCE_TYPES.contains(&&*reference.r#type) {
            return Err(format!(
                "the reference {name:?} is of type {:?}",
                reference.r#type
            ));
        }
    }
    at_most("References", bytes, MAX_REFERENCE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connect_refuses_is_refused() {
        #[track_caller]
        fn check_with(change: Value, expected: Option<&str>) {
            let mut request = json!({
                "InstanceId": "i", "ContactFlowId": "f", "Name": "n", "PreviousContactId": "c",
                "References": {"Playback URL": {"Value": "https://x", "Type": "URL"}},
            });
            for (name, value) in change.as_object().unwrap() {
                request[name] = value.clone();
            }
            let start: Start = serde_json::from_value(request).unwrap();
            let refused = check(&start).err();
            match expected {
                None => assert_eq!(refused, None),
                Some(words) => assert!(refused.as_deref().unwrap().contains(words), "{refused:?}"),
            }
        }
        check_with(json!({}), None);
        check_with(json!({"Name": ""}), Some("Name"));
        check_with(json!({"Name": "é".repeat(512)}), None);
        check_with(json!({"Name": "é".repeat(513)}), Some("Name takes 513"));
        check_with(json!({"Description": "語".repeat(4_096)}), None);
        check_with(
            json!({"Description": "語".repeat(4_097)}),
            Some("Description"),
        );
        check_with(json!({"ClientToken": "t".repeat(501)}), Some("ClientToken"));
        check_with(json!({"TaskTemplateId": "t"}), Some("one of"));
        check_with(json!({"RelatedContactId": "t"}), Some("one of"));
        check_with(
            json!({"ContactFlowId": "arn:aws:connect/x"}),
            Some("no ARN"),
        );
        check_with(json!({"Attributes": {"a b": "c"}}), Some("a b"));
        check_with(
            json!({"Attributes": {"a": "語".repeat(10_923)}}),
            Some("Attributes"),
        );
        let reference =
            |value: &str, kind: &str| json!({"References": {"R": {"Value": value, "Type": kind}}});
        check_with(reference("", "STRING"), Some("is empty"));
        check_with(reference("a", "ATTACHMENT"), Some("of type"));
        check_with(reference(&"語".repeat(1_365), "STRING"), None);
        check_with(
            reference(&"語".repeat(1_366), "STRING"),
            Some("References takes 4099"),
        );
    }
}
