//! The answering machine, if there is one: who may call its functions, what their roles may,
//! and what lies unsaved.

use super::facts::{
    Answering, Caller, Deployment, EventRule, Fact, Helper, Right, RightDecision, RuleTarget,
    Unknown,
};
use super::need::Need;
use super::rights::account;
use super::rights::answering::{note_needs, save_needs};
use super::{Check, Report};
use crate::connect::arn;

const ALL: &[Check] = &[
    Check::NoteFunction,
    Check::CallEnded,
    Check::AnsweringRights,
    Check::NotesWaiting,
];
/// Notes are named up to so many.
const MOST_NAMED: usize = 5;
/// Who calls the functions.
const CONNECT: &str = "connect.amazonaws.com";
const EVENTS: &str = "events.amazonaws.com";

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let answering = match &deployment.answering {
        Err(unknown) => return report.unchecked(ALL, &deployment.function_name, unknown),
        Ok(None) => {
            for check in ALL {
                report.ok(*check, "", "there is no answering machine");
            }
            return;
        }
        Ok(Some(answering)) => answering,
    };
    note(answering, deployment, report);
    save(answering, deployment, report);
    rights(answering, deployment, report);
    waiting(answering, report);
}

fn note(answering: &Answering, deployment: &Deployment, report: &mut Report) {
    let check = Check::NoteFunction;
    let Some(note) = &answering.note else {
        return report.error(check, "note", "there is no such function");
    };
    called_by_flows(check, note, &answering.offered, deployment, report);
}

/// Whether flows of the instance, and of nobody else, may call a function, and are offered it.
pub(super) fn called_by_flows(
    check: Check,
    function: &Helper,
    offered: &Fact<Vec<String>>,
    deployment: &Deployment,
    report: &mut Report,
) {
    let instance = match deployment.instance() {
        Err(unknown) => return report.unchecked(&[check], &function.name, &unknown),
        Ok(None) => {
            let unknown = Unknown::new("there is no Connect instance", "check --region");
            return report.unchecked(&[check], &function.name, &unknown);
        }
        Ok(Some(instance)) => instance,
    };
    match callers(&function.callers, CONNECT, account(deployment)) {
        Err(unknown) => report.unchecked(&[check], &function.name, unknown),
        Ok(May::Nobody) => report.error(check, &function.name, "no flow may call it"),
        Ok(May::Anybody(caller)) => {
            let found = format!("flows of {} may call it", whose(caller));
            report.warning(check, &function.name, found);
        }
        Ok(May::These(sources)) => {
            let ours = sources.iter().any(|source| reaches(source, &instance.arn));
            match ours {
                true => report.ok(check, &function.name, "flows of the instance may call it"),
                false => {
                    let found = format!(
                        "flows of {} may call it, and not the instance's",
                        sources.join(", ")
                    );
                    report.error(check, &function.name, found);
                }
            }
        }
    }
    match offered {
        Err(unknown) => report.unchecked(&[check], &function.name, unknown),
        Ok(offered) if offered.contains(&function.arn) => {
            report.ok(check, &function.name, "in the instance's list");
        }
        Ok(_) => {
            let found = format!(
                "not in the list of the instance {}: no flow can be saved with it",
                instance.id
            );
            report.warning(check, &function.name, found);
        }
    }
}

fn save(answering: &Answering, deployment: &Deployment, report: &mut Report) {
    let check = Check::CallEnded;
    let Some(save) = &answering.save else {
        return report.error(check, "save", "there is no such function");
    };
    called_by_rules(check, save, &answering.rules, deployment, report);
}

/// Whether rules of the account may call a function, and do.
pub(super) fn called_by_rules(
    check: Check,
    function: &Helper,
    rules: &Fact<Vec<EventRule>>,
    deployment: &Deployment,
    report: &mut Report,
) {
    match callers(&function.callers, EVENTS, account(deployment)) {
        Err(unknown) => report.unchecked(&[check], &function.name, unknown),
        Ok(May::Nobody) => report.error(check, &function.name, "no rule may call it"),
        Ok(May::Anybody(caller)) => {
            let found = format!("rules of {} may call it", whose(caller));
            report.warning(check, &function.name, found);
        }
        Ok(May::These(sources)) => {
            report.ok(
                check,
                &function.name,
                format!("called by {}", sources.join(", ")),
            );
            match rules {
                Err(unknown) => report.unchecked(&[check], &function.name, unknown),
                Ok(rules) => rules
                    .iter()
                    .for_each(|rule| calls(check, rule, &function.name, &function.arn, report)),
            }
        }
    }
}

/// Whether a rule calls a function, and what becomes of events that it cannot deliver.
pub(super) fn calls(
    check: Check,
    rule: &EventRule,
    function: &str,
    arn: &str,
    report: &mut Report,
) {
    let subject = format!("rule {}", rule.name);
    match rule.state.as_deref() {
        None => return report.error(check, &subject, "it is not there"),
        // There are two states of an enabled rule, of which the other takes CloudTrail's events as well.
        Some(state) if !state.starts_with("ENABLED") => {
            return report.error(check, &subject, format!("it is {state}"));
        }
        Some(_) => {}
    }
    match rule.targets.iter().find(|target| target.arn == arn) {
        None => report.error(
            check,
            &subject,
            format!("{function} is none of its targets"),
        ),
        Some(RuleTarget {
            dead_letters: None, ..
        }) => {
            let found =
                "events that it cannot deliver are lost: the target has no dead-letter queue";
            report.warning(check, &subject, found);
        }
        Some(_) => report.ok(check, &subject, "enabled, with a dead-letter queue"),
    }
}

/// Who may call a function for a service.
enum May<'a> {
    Nobody,
    /// Somebody who is not bound to an ARN of this account.
    Anybody(&'a Caller),
    /// Those that these ARNs name.
    These(Vec<&'a str>),
}

fn callers<'a>(
    callers: &'a Fact<Vec<Caller>>,
    service: &str,
    account: Option<&str>,
) -> Result<May<'a>, &'a Unknown> {
    let of_service = callers
        .as_ref()?
        .iter()
        .filter(|caller| caller.service == service);
    let mut sources = Vec::new();
    for caller in of_service {
        // An ARN of this account names the account as well.
        let bound = |source: &str| account.is_none_or(|own| arn::account(source) == Some(own));
        match &caller.source {
            Some(source) if bound(source) => sources.push(source.as_str()),
            Some(_) | None => return Ok(May::Anybody(caller)),
        }
    }
    Ok(match sources.is_empty() {
        true => May::Nobody,
        false => May::These(sources),
    })
}

fn whose(caller: &Caller) -> String {
    match (&caller.source, &caller.account) {
        (Some(source), _) => source.clone(),
        (None, Some(account)) => format!("all of the account {account}"),
        (None, None) => "anybody's account".to_owned(),
    }
}

/// Whether a source, which can end in `*`, is or holds this ARN.
fn reaches(source: &str, arn: &str) -> bool {
    match source.strip_suffix('*') {
        Some(start) => arn.starts_with(start),
        None => source == arn,
    }
}

fn rights(answering: &Answering, deployment: &Deployment, report: &mut Report) {
    let notes = answering.note.as_ref();
    let saves = answering.save.as_ref();
    let asked = [
        notes.map(|note| (note, note_needs(deployment, answering))),
        saves.map(|save| (save, save_needs(deployment, answering))),
    ];
    if asked.iter().all(Option::is_none) {
        let unknown = Unknown::new("there is neither function", "mend what is above");
        report.unchecked(&[Check::AnsweringRights], "", &unknown);
    }
    for (helper, needs) in asked.into_iter().flatten() {
        rights_of(Check::AnsweringRights, helper, &needs, report);
    }
}

/// Whether a function's role may what it must.
pub(super) fn rights_of(check: Check, helper: &Helper, needs: &[Need], report: &mut Report) {
    judge(check, &helper.role, &helper.rights, needs, report);
}

/// Whether a role may all of this, by what IAM answered.
pub(super) fn judge(
    check: Check,
    role: &str,
    rights: &Fact<Vec<Right>>,
    needs: &[Need],
    report: &mut Report,
) {
    let rights = match rights {
        Err(unknown) => return report.unchecked(&[check], role, unknown),
        Ok(rights) => rights,
    };
    let mut allowed = 0;
    for need in needs {
        let what = format!("{} on {}", need.action, need.resource);
        let found = rights.iter().find(|right| right.need == *need);
        match found.map(|right| &right.decision) {
            Some(RightDecision::Allowed) => allowed += 1,
            Some(RightDecision::Denied(how)) => {
                let found = format!("{what}: {how}; without it, {}", need.without);
                report.error(check, role, found);
            }
            Some(RightDecision::Depends(_)) | None => {
                let unknown = Unknown::new(
                    format!("{what}: IAM's simulation has no answer"),
                    "check the role's policy by hand",
                );
                report.unchecked(&[check], role, &unknown);
            }
        }
    }
    if allowed == needs.len() {
        report.ok(check, role, format!("{allowed} permissions are there"));
    }
}

fn waiting(answering: &Answering, report: &mut Report) {
    let check = Check::NotesWaiting;
    let place = &answering.notes;
    match &answering.waiting {
        Err(unknown) => report.unchecked(&[check], place, unknown),
        Ok(waiting) if waiting.is_empty() => report.ok(check, place, "none"),
        Ok(waiting) => {
            report.error(check, place, named(waiting));
        }
    }
}

/// How many there are, and the first of them by their names.
pub(super) fn named(all: &[String]) -> String {
    let named = all.iter().take(MOST_NAMED).cloned();
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match all.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}: {named}{more}", all.len())
}
