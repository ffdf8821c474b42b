//! SES v2: mails are files under `mail/` in the data folder, one for each `SendEmail`: a raw one
//! as it is (`ID.eml`), one by a template as it is rendered (`ID.json`). As SES has it, a
//! variable that the data lacks is found out when nobody waits for the answer any more: such a
//! mail lies under `mail/failed/`, and was accepted.
//!
//! Templates are `mail/templates/NAME.json`, `{"Subject", "Text", "Html"}`. Verified are the
//! addresses and domains of `mail/identities.json`; without that file, all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use crate::sandbox::wire::{Refusal, Reply, json_reply, parse};

/// The longest mail (Amazon SES Developer Guide, "Service quotas").
const MAX_MAIL_BYTES: usize = 40 << 20;
/// The longest line of a mail, its end included.
const MAX_LINE_BYTES: usize = 1_000;
/// The longest data of a template.
const MAX_DATA_CHARS: usize = 262_144;
const INVALID: &str = "BadRequestException";

#[derive(Debug)]
pub(super) struct Mail {
    folder: PathBuf,
    sent: AtomicU64,
}

impl Mail {
    pub(super) fn new(data: &Path) -> Self {
        Self {
            folder: data.join("mail"),
            sent: AtomicU64::new(0),
        }
    }

    pub(super) fn answer(
        &self,
        operation: &str,
        head: &Parts,
        body: &[u8],
    ) -> Result<Reply, Refusal> {
        match operation {
            "SendEmail" => self.send(&parse(body, INVALID)?),
            "GetEmailTemplate" => {
                let name = super::part(head, 0);
                let template = self.template(&name)?;
                Ok(json_reply(
                    &json!({"TemplateName": name, "TemplateContent": template}),
                ))
            }
            _ => {
                let identity = super::part(head, 0);
                match self.is_verified(&identity)? {
                    true => Ok(json_reply(&json!({
                        "IdentityType": if identity.contains('@') { "EMAIL_ADDRESS" } else { "DOMAIN" },
                        "VerifiedForSendingStatus": true,
                        "VerificationStatus": "SUCCESS",
                    }))),
                    false => {
                        let message = format!("Email identity {identity} does not exist.");
                        Err(Refusal::new(404, "NotFoundException", message))
                    }
                }
            }
        }
    }

    fn send(&self, mail: &Value) -> Result<Reply, Refusal> {
        let from = mail["FromEmailAddress"].as_str().unwrap_or_default();
        let to = mail["Destination"]["ToAddresses"].as_array();
        let to: Vec<_> = to.into_iter().flatten().filter_map(Value::as_str).collect();
        for address in to.iter().chain([&from]) {
            if !is_address(bare(address)) {
                return Err(Refusal::new(
                    400,
                    INVALID,
                    format!("Missing final '@domain' in {address:?}"),
                ));
            }
        }
        if to.is_empty() || to.len() > 50 {
            return Err(Refusal::new(400, INVALID, "1 to 50 recipients"));
        }
        if !self.is_verified(bare(from))? {
            let message = format!(
                "Email address is not verified. The following identities failed the check in region US-EAST-1: {from}"
            );
            return Err(Refusal::new(400, "MessageRejected", message));
        }
        let content = &mail["Content"];
        let id = self.id();
        if let Some(data) = content["Raw"]["Data"].as_str() {
            let raw = STANDARD
                .decode(data)
                .map_err(|error| Refusal::new(400, INVALID, error.to_string()))?;
            check_raw(&raw).map_err(|message| Refusal::new(400, INVALID, message))?;
            self.keep(&format!("{id}.eml"), &raw)?;
        } else if content["Template"].is_object() {
            let template = &content["Template"];
            let name = template["TemplateName"].as_str().unwrap_or_default();
            let data = template["TemplateData"].as_str().unwrap_or("{}");
            if data.chars().count() > MAX_DATA_CHARS {
                return Err(Refusal::new(400, INVALID, "TemplateData is too long"));
            }
            let data: Map<String, Value> = parse(data.as_bytes(), INVALID)?;
            let parts = self.template(name)?;
            let mut rendered = json!({
                "From": from, "To": to, "Template": name, "Data": data,
                "ConfigurationSetName": mail["ConfigurationSetName"],
            });
            let mut lacking = None;
            for part in ["Subject", "Text", "Html"] {
                match render(parts[part].as_str().unwrap_or_default(), &data) {
                    Ok(text) => rendered[part] = json!(text),
                    Err(variable) => lacking = Some(variable),
                }
            }
            let path = match lacking {
                None => format!("{id}.json"),
                Some(variable) => {
                    rendered["Error"] = json!(format!(
                        "Attribute '{variable}' is not present in the rendering data."
                    ));
                    format!("failed/{id}.json")
                }
            };
            self.keep(&path, &serde_json::to_vec_pretty(&rendered)?)?;
        } else {
            return Err(Refusal::new(
                400,
                INVALID,
                "only Raw and Template content here",
            ));
        }
        Ok(json_reply(&json!({ "MessageId": id })))
    }

    fn id(&self) -> String {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let millis = since.unwrap_or_default().as_millis();
        format!(
            "{millis:015}-{:06}",
            self.sent.fetch_add(1, Ordering::Relaxed)
        )
    }

    fn keep(&self, name: &str, mail: &[u8]) -> io::Result<()> {
        let place = self.folder.join(name);
        fs::create_dir_all(place.parent().unwrap_or(&self.folder))?;
        let hidden = place.with_added_extension("part");
        fs::write(&hidden, mail)?;
        fs::rename(hidden, place)
    }

    fn template(&self, name: &str) -> Result<Value, Refusal> {
        let missing = || {
            let message = format!("Template {name} does not exist");
            Refusal::new(404, "NotFoundException", message)
        };
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(missing());
        }
        let path = self.folder.join("templates").join(format!("{name}.json"));
        match fs::read(path) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether mails may be sent from an address: it or its domain is verified.
    fn is_verified(&self, identity: &str) -> Result<bool, Refusal> {
        let known: Vec<String> = match fs::read(self.folder.join("identities.json")) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let domain = identity
            .rsplit_once('@')
            .map_or(identity, |(_, domain)| domain);
        Ok(known
            .iter()
            .any(|known| known == identity || known == domain))
    }
}

/// `a@b` of `Name <a@b>`.
fn bare(address: &str) -> &str {
    let inner = address
        .rsplit_once('<')
        .and_then(|(_, rest)| rest.strip_suffix('>'));
    inner.unwrap_or(address)
}

fn is_address(address: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_graphic() && !"<>,;:\"()[]\\".contains(letter);
    address.len() <= 320
        && address.chars().all(plain)
        && address.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.contains('.') && !domain.contains('@')
        })
}

/// What SES refuses of a raw mail.
fn check_raw(raw: &[u8]) -> Result<(), String> {
    if raw.len() > MAX_MAIL_BYTES {
        return Err(format!(
            "Message length is more than {MAX_MAIL_BYTES} bytes long"
        ));
    }
    let longest = raw
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::len)
        .max();
    if longest.unwrap_or(0) > MAX_LINE_BYTES {
        return Err(format!("a line of more than {MAX_LINE_BYTES} bytes"));
    }
    let head = raw.windows(4).position(|end| end == b"\r\n\r\n");
    let head = head
        .and_then(|end| raw.get(..end))
        .map(String::from_utf8_lossy);
    let head = head.ok_or("the mail has no head")?.to_ascii_lowercase();
    for name in ["from:", "to:", "subject:"] {
        let count = head.lines().filter(|line| line.starts_with(name)).count();
        if count != 1 {
            return Err(format!("{count} lines {name} in the mail's head"));
        }
    }
    Ok(())
}

/// A template of plain variables with its data, unescaped, as SES renders it. The error is the
/// variable that is not there.
fn render(template: &str, data: &Map<String, Value>) -> Result<String, String> {
    let mut rendered = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (name, after) = behind.split_once("}}").ok_or_else(|| behind.to_owned())?;
        // Three braces are two and one.
        let after = after.strip_prefix('}').unwrap_or(after);
        let name = name.trim_start_matches('{').trim();
        let value = data.get(name).ok_or_else(|| name.to_owned())?;
        rendered.push_str(before);
        rendered.push_str(value.as_str().unwrap_or(&value.to_string()));
        rest = after;
    }
    rendered.push_str(rest);
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_rendered_as_ses_does() {
        let data = json!({"a": "1 < 2", "n": 3});
        let data = data.as_object().unwrap();
        assert_eq!(
            render("x {{a}} {{{ a }}} {{n}}", data).as_deref(),
            Ok("x 1 < 2 1 < 2 3")
        );
        assert_eq!(render("{{b}}", data), Err("b".to_owned()));
    }

    #[test]
    fn what_ses_refuses_of_a_raw_mail_is_refused() {
        #[track_caller]
        fn check(raw: &str, expected: bool) {
            assert_eq!(
                check_raw(raw.as_bytes()).is_ok(),
                expected,
                "{:?}",
                check_raw(raw.as_bytes())
            );
        }
        let head = "From: a@b.c\r\nTo: d@e.f\r\nSubject: s\r\n";
        check(&format!("{head}\r\nx"), true);
        check(head, false);
        check(&format!("{head}To: x@y.z\r\n\r\nx"), false);
        check(&format!("{head}\r\n{}", "x".repeat(1_001)), false);
    }

    #[test]
    fn addresses_are_looked_at() {
        for (address, expected) in [
            ("a@b.c", true),
            ("a b@c.d", false),
            ("a@b", false),
            ("a@b@c.d", false),
            ("", false),
        ] {
            assert_eq!(is_address(address), expected, "{address}");
        }
        assert_eq!(bare("A B <a@b.c>"), "a@b.c");
    }
}
