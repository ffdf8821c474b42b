//! Keys and rights.

use super::facts::{Deployment, Key, RightDecision, Unknown};
use super::need::Need;
use super::rights::needed;
use super::{Check, Report};

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    for key in &deployment.keys {
        state(key, report);
    }
    if deployment.keys.is_empty() {
        no_keys(deployment, report);
    }
    rights(deployment, report);
}

fn state(key: &Key, report: &mut Report) {
    let check = Check::Keys;
    let used = key.used_by.join(", ");
    match &key.state {
        Err(unknown) => report.unchecked(&[check], &key.named, unknown),
        Ok(None) => report.error(
            check,
            &key.named,
            format!("there is no such key; used by {used}"),
        ),
        Ok(Some(state)) if state.state != "Enabled" => {
            let found = format!("{}; used by {used}", state.state);
            report.error(check, &key.named, found);
        }
        Ok(Some(state)) if state.usage != "ENCRYPT_DECRYPT" => {
            let found = format!("for {}; used by {used}", state.usage);
            report.error(check, &key.named, found);
        }
        Ok(Some(_)) => report.ok(check, &key.named, format!("enabled; used by {used}")),
    }
}

/// No key is a good answer only when streams and bucket were looked at.
fn no_keys(deployment: &Deployment, report: &mut Report) {
    let unknown = match (&deployment.video_streams, &deployment.bucket) {
        (Ok(_), Ok(_)) => return report.ok(Check::Keys, "", "nothing uses a key of its own"),
        (Err(unknown), _) | (_, Err(unknown)) => unknown,
    };
    report.unchecked(&[Check::Keys], "", unknown);
}

fn rights(deployment: &Deployment, report: &mut Report) {
    let check = Check::Rights;
    let role = match &deployment.function {
        Ok(Some(function)) => function.role.clone().unwrap_or_default(),
        Ok(None) | Err(_) => String::new(),
    };
    let rights = match &deployment.rights {
        Err(unknown) => return report.unchecked(&[check], &role, unknown),
        Ok(rights) => rights,
    };
    let mut allowed = 0;
    for need in needed(deployment) {
        let found = rights.iter().find(|right| right.need == need);
        match found.map(|right| &right.decision) {
            Some(RightDecision::Allowed) => allowed += 1,
            Some(RightDecision::Denied(how)) => denied(&role, &need, how, report),
            Some(RightDecision::Depends(on)) => depends(&role, &need, on, report),
            None => depends(&role, &need, &[], report),
        }
    }
    if allowed > 0 {
        let found = format!("{allowed} permissions are there");
        report.ok(check, &role, found);
    } else if rights.is_empty() {
        let unknown = Unknown::new(
            "nothing is known that the role would need rights on",
            "mend what is unchecked above",
        );
        report.unchecked(&[check], &role, &unknown);
    }
}

fn denied(role: &str, need: &Need, how: &str, report: &mut Report) {
    let found = format!(
        "{} on {}: {how}; without it, {}",
        need.action, need.resource, need.without
    );
    report.error(Check::Rights, role, found);
}

fn depends(role: &str, need: &Need, on: &[String], report: &mut Report) {
    let why = match on {
        [] => "IAM's simulation has no answer".to_owned(),
        some => format!("a condition looks at {}", some.join(", ")),
    };
    let unknown = Unknown::new(
        format!("{} on {}: {why}", need.action, need.resource),
        "check the role's policy by hand",
    );
    report.unchecked(&[Check::Rights], role, &unknown);
}
