//! The distribution that URLs lead to.

use serde_json::Value;

use super::facts::{Behaviour, Deployment, Distribution, Origin, Settings, Unknown};
use super::storage::{names, statements};
use super::{Check, Report};

const OF_A_DISTRIBUTION: &[Check] = &[
    Check::Origin,
    Check::OriginAccess,
    Check::ViewerProtocol,
    Check::Listeners,
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let settings = match deployment.settings() {
        Ok(settings) => settings,
        Err(unknown) => {
            report.unchecked(&[Check::Distribution], "", &unknown);
            return report.unchecked(OF_A_DISTRIBUTION, "", &unknown);
        }
    };
    let domain = &settings.domain;
    match deployment.distribution() {
        Err(unknown) => {
            report.unchecked(&[Check::Distribution], domain, &unknown);
            report.unchecked(OF_A_DISTRIBUTION, domain, &unknown);
        }
        Ok(None) => {
            let found = "no distribution of this account answers for it";
            report.error(Check::Distribution, domain, found);
            let gone = Unknown::new(found, Check::Distribution.info().cure);
            report.unchecked(OF_A_DISTRIBUTION, domain, &gone);
        }
        Ok(Some(distribution)) => {
            state(domain, distribution, report);
            behaviour(domain, distribution, settings, deployment, report);
        }
    }
}

fn state(domain: &str, distribution: &Distribution, report: &mut Report) {
    let check = Check::Distribution;
    match (distribution.enabled, distribution.status.as_str()) {
        (false, _) => report.error(check, domain, "disabled"),
        (true, "Deployed") => report.ok(check, domain, "enabled, deployed"),
        (true, other) => report.warning(check, domain, other),
    }
}

/// What serves the recordings: the first behaviour whose pattern matches their keys.
fn behaviour(
    domain: &str,
    distribution: &Distribution,
    settings: &Settings,
    deployment: &Deployment,
    report: &mut Report,
) {
    let sample = format!("{}2026/01/01/contact_1_from.wav", settings.key_prefix);
    let serving = distribution.behaviours.iter().find(|behaviour| {
        let pattern = behaviour.pattern.trim_start_matches('/');
        matches(pattern.as_bytes(), sample.as_bytes())
    });
    let origin = serving.and_then(|serving| {
        let mut origins = distribution.origins.iter();
        origins.find(|origin| origin.id == serving.origin)
    });
    let (Some(serving), Some(origin)) = (serving, origin) else {
        let unknown = Unknown::new(
            "recordings are served by a group of origins, or by nothing",
            "serve the recordings' prefix from the bucket alone",
        );
        return report.unchecked(OF_A_DISTRIBUTION, domain, &unknown);
    };
    viewer_protocol(domain, serving, report);
    listeners(domain, serving, distribution, report);
    origin_bucket(domain, origin, settings, report);
    origin_access(domain, origin, distribution, deployment, report);
}

fn viewer_protocol(domain: &str, serving: &Behaviour, report: &mut Report) {
    let check = Check::ViewerProtocol;
    match serving.viewer_protocol.as_str() {
        policy @ ("https-only" | "redirect-to-https") => report.ok(check, domain, policy),
        other => report.warning(check, domain, other),
    }
}

/// What a web ACL lets in is its own matter: that there is one shows that somebody decided.
fn listeners(domain: &str, serving: &Behaviour, distribution: &Distribution, report: &mut Report) {
    let check = Check::Listeners;
    match (serving.signers.as_slice(), &distribution.web_acl) {
        ([], None) => report.warning(check, domain, "anybody who knows a URL can listen"),
        ([], Some(acl)) => report.ok(check, domain, format!("whom the web ACL {acl} lets in")),
        (signers, _) => {
            let found = format!("URLs that are signed by {}", signers.join(", "));
            report.ok(check, domain, found);
        }
    }
}

fn origin_bucket(domain: &str, origin: &Origin, settings: &Settings, report: &mut Report) {
    let check = Check::Origin;
    // BUCKET.s3.REGION.amazonaws.com, or without the region.
    let ours = origin.domain.strip_prefix(&settings.bucket);
    if !ours.is_some_and(|rest| rest.starts_with(".s3.") || rest.starts_with(".s3-")) {
        let found = format!("{}, not the bucket {}", origin.domain, settings.bucket);
        report.error(check, domain, found);
    } else if !origin.path.is_empty() {
        let found = format!("the origin path {:?} stands before every key", origin.path);
        report.error(check, domain, found);
    } else {
        report.ok(check, domain, &origin.domain);
    }
}

fn origin_access(
    domain: &str,
    origin: &Origin,
    distribution: &Distribution,
    deployment: &Deployment,
    report: &mut Report,
) {
    let check = Check::OriginAccess;
    if origin.access_control.is_none() {
        return match &origin.access_identity {
            Some(identity) => {
                let found = format!("{identity}, the older way, which knows no SSE-KMS");
                report.warning(check, domain, found);
            }
            None => report.error(check, domain, "the origin has no origin access control"),
        };
    }
    let policy = match &deployment.bucket {
        Ok(Some(bucket)) => bucket.policy.as_ref(),
        Ok(None) => Ok(&None),
        Err(unknown) => Err(unknown),
    };
    match policy {
        Err(unknown) => report.unchecked(&[check], domain, unknown),
        Ok(policy) => {
            let statements = statements(policy.as_deref().unwrap_or("{}"));
            if statements
                .iter()
                .any(|statement| lets_read(statement, &distribution.arn))
            {
                report.ok(check, domain, "the bucket's policy lets it read");
            } else {
                report.error(check, domain, "the bucket's policy does not let it read");
            }
        }
    }
}

/// Whether a statement lets this distribution read objects.
fn lets_read(statement: &Value, distribution: &str) -> bool {
    let actions = ["s3:GetObject", "s3:Get*", "s3:*", "*"];
    let conditions = statement["Condition"].as_object();
    let sources: Vec<_> = conditions
        .into_iter()
        .flat_map(|conditions| conditions.values())
        .filter_map(Value::as_object)
        .flatten()
        .filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
        .map(|(_, value)| value)
        .collect();
    statement["Effect"] == "Allow"
        && names(
            &statement["Principal"]["Service"],
            "cloudfront.amazonaws.com",
        )
        && actions.iter().any(|one| names(&statement["Action"], one))
        && sources.iter().all(|source| covers(source, distribution))
}

/// Whether one of a condition's values, which may have wildcards, is this ARN.
fn covers(value: &Value, arn: &str) -> bool {
    match value {
        Value::String(pattern) => matches(pattern.as_bytes(), arn.as_bytes()),
        Value::Array(several) => several.iter().any(|one| covers(one, arn)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// `*` is any text, `?` one character. Remembers the last `*` alone, so it takes no more
/// steps than pattern times text.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&letter) if letter == b'?' || letter == text[read] => {
                at += 1;
                read += 1;
            }
            _ => match &mut star {
                None => return false,
                Some((star_at, star_read)) => {
                    *star_read += 1;
                    at = *star_at + 1;
                    read = *star_read;
                }
            },
        }
    }
    pattern[at..].iter().all(|&letter| letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("recordings/*", "recordings/2026/a.wav", true),
            ("*.wav", "recordings/2026/a.wav", true),
            ("*.json", "recordings/2026/a.wav", false),
            ("a?c*", "abcd", true),
            ("a?c", "ac", false),
            ("*a*b", "xxaxxab", true),
            ("*a*b", "xxaxxa", false),
            ("", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
