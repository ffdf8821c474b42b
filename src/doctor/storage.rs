//! The bucket.

use serde_json::Value;

use super::facts::{Bucket, Deployment, Settings, Unknown};
use super::{Check, Report};

const OF_A_BUCKET: &[Check] = &[
    Check::BucketVersioning,
    Check::BucketEncryption,
    Check::PublicAccess,
    Check::IncompleteUploads,
    Check::TlsOnly,
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let settings = match deployment.settings() {
        Ok(settings) => settings,
        Err(unknown) => {
            report.unchecked(&[Check::Bucket], "", &unknown);
            return report.unchecked(OF_A_BUCKET, "", &unknown);
        }
    };
    let name = &settings.bucket;
    match &deployment.bucket {
        Err(unknown) => {
            report.unchecked(&[Check::Bucket], name, unknown);
            report.unchecked(OF_A_BUCKET, name, unknown);
        }
        Ok(None) => {
            report.error(Check::Bucket, name, "there is no such bucket");
            let gone = Unknown::new("there is no such bucket", Check::Bucket.info().cure);
            report.unchecked(OF_A_BUCKET, name, &gone);
        }
        Ok(Some(bucket)) => {
            region(bucket, settings, report);
            versioning(bucket, report);
            encryption(bucket, report);
            public_access(bucket, report);
            incomplete_uploads(bucket, settings, report);
            tls_only(bucket, report);
        }
    }
}

fn region(bucket: &Bucket, settings: &Settings, report: &mut Report) {
    let name = &bucket.name;
    match &bucket.region {
        Some(region) if *region != settings.region => {
            let found = format!("in {region}, and the settings say {}", settings.region);
            report.error(Check::Bucket, name, found);
        }
        Some(region) => report.ok(Check::Bucket, name, format!("in {region}")),
        // S3 redirects what comes to the wrong region; it answered.
        None => report.ok(Check::Bucket, name, "there"),
    }
}

fn versioning(bucket: &Bucket, report: &mut Report) {
    let check = Check::BucketVersioning;
    match bucket.versioning.as_ref().map(Option::as_deref) {
        Err(unknown) => report.unchecked(&[check], &bucket.name, unknown),
        Ok(Some("Enabled")) => report.ok(check, &bucket.name, "Enabled"),
        Ok(Some(other)) => report.warning(check, &bucket.name, other),
        Ok(None) => report.warning(check, &bucket.name, "off"),
    }
}

fn encryption(bucket: &Bucket, report: &mut Report) {
    let check = Check::BucketEncryption;
    match &bucket.encryption {
        Err(unknown) => report.unchecked(&[check], &bucket.name, unknown),
        Ok(Some(encryption)) => report.ok(check, &bucket.name, &encryption.algorithm),
        Ok(None) => report.warning(check, &bucket.name, "none is set"),
    }
}

fn public_access(bucket: &Bucket, report: &mut Report) {
    let check = Check::PublicAccess;
    match &bucket.not_blocked {
        Err(unknown) => report.unchecked(&[check], &bucket.name, unknown),
        Ok(off) if off.is_empty() => report.ok(check, &bucket.name, "blocked"),
        Ok(off) => {
            let found = format!("not set: {}", off.join(", "));
            report.error(check, &bucket.name, found);
        }
    }
}

fn incomplete_uploads(bucket: &Bucket, settings: &Settings, report: &mut Report) {
    let check = Check::IncompleteUploads;
    let rules = match &bucket.aborts {
        Err(unknown) => return report.unchecked(&[check], &bucket.name, unknown),
        Ok(rules) => rules,
    };
    let rule = rules
        .iter()
        .find(|rule| settings.key_prefix.starts_with(&rule.prefix));
    match rule {
        Some(rule) => {
            let found = format!("aborted, days after the start: {}", rule.days);
            report.ok(check, &bucket.name, found);
        }
        None => {
            let found = format!("no enabled rule aborts those of {:?}", settings.key_prefix);
            report.warning(check, &bucket.name, found);
        }
    }
}

fn tls_only(bucket: &Bucket, report: &mut Report) {
    let check = Check::TlsOnly;
    let policy = match &bucket.policy {
        Err(unknown) => return report.unchecked(&[check], &bucket.name, unknown),
        Ok(policy) => policy.as_deref().unwrap_or("{}"),
    };
    if statements(policy).iter().any(denies_plain_http) {
        report.ok(check, &bucket.name, "requests without TLS are denied");
    } else {
        report.warning(check, &bucket.name, "no statement denies plain HTTP");
    }
}

fn denies_plain_http(statement: &Value) -> bool {
    let secure = &statement["Condition"]["Bool"]["aws:SecureTransport"];
    let everybody = &statement["Principal"];
    statement["Effect"] == "Deny"
        && names(secure, "false")
        && (names(everybody, "*") || names(&everybody["AWS"], "*"))
        && names(&statement["Action"], "s3:*")
}

/// The statements of a policy: IAM takes one alone as well as a list.
pub(super) fn statements(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    match &policy["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Null => Vec::new(),
        one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            vec![one.clone()]
        }
    }
}

/// Whether a value of a policy, text or truth, alone or in a list, is this one.
pub(super) fn names(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Bool(truth) => truth.to_string() == wanted,
        Value::Array(several) => several.iter().any(|one| names(one, wanted)),
        Value::Null | Value::Number(_) | Value::Object(_) => false,
    }
}
