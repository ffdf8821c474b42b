//! Voicemail, if there is one: whether events reach its steps, whether its ways of delivery work,
//! and what lies undelivered.

use super::answering::{calls, named};
use super::archive::rights_of_worker;
use super::facts::{Deployment, Voicemail};
use super::{Check, Report};

const ALL: &[Check] = &[
    Check::VoicemailEvents,
    Check::VoicemailWays,
    Check::VoicemailsWaiting,
    Check::VoicemailRights,
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let voicemail = match &deployment.voicemail {
        Err(unknown) => return report.unchecked(ALL, "", unknown),
        Ok(None) => {
            for check in ALL {
                report.ok(*check, "", "there is no voicemail");
            }
            return;
        }
        Ok(Some(voicemail)) => voicemail,
    };
    events(voicemail, report);
    ways(voicemail, report);
    waiting(voicemail, report);
    for worker in &voicemail.workers {
        rights_of_worker(Check::VoicemailRights, worker, deployment, report);
    }
}

fn events(voicemail: &Voicemail, report: &mut Report) {
    let check = Check::VoicemailEvents;
    match &voicemail.mapping {
        Err(unknown) => report.unchecked(&[check], "capture", unknown),
        Ok(None) => report.error(check, "capture", "it reads no data stream"),
        Ok(Some(state)) if state == "Enabled" => {
            report.ok(check, "capture", "it reads the data stream");
        }
        Ok(Some(state)) => report.error(check, "capture", format!("its mapping is {state}")),
    }
    for (bucket, tells) in &voicemail.buckets {
        match tells {
            Err(unknown) => report.unchecked(&[check], bucket, unknown),
            Ok(true) => report.ok(check, bucket, "it sends its events to EventBridge"),
            Ok(false) => report.error(check, bucket, "it sends no events to EventBridge"),
        }
    }
    for called in &voicemail.called {
        match &called.rules {
            Err(unknown) => report.unchecked(&[check], &called.name, unknown),
            Ok(rules) if rules.is_empty() => {
                report.error(check, &called.name, "no rule may call it");
            }
            Ok(rules) => {
                for rule in rules {
                    calls(check, rule, &called.name, &called.arn, report);
                }
            }
        }
    }
}

fn ways(voicemail: &Voicemail, report: &mut Report) {
    let check = Check::VoicemailWays;
    match &voicemail.settings {
        Ok(()) => report.ok(check, &voicemail.deliver, "its settings are good"),
        Err(wrong) => report.error(check, &voicemail.deliver, wrong.clone()),
    }
    for (flow, state) in &voicemail.flows {
        let subject = format!("flow {flow}");
        match state {
            Err(unknown) => report.unchecked(&[check], &subject, unknown),
            Ok(None) => report.error(check, &subject, "it is not there"),
            Ok(Some(state)) if state == "ACTIVE" => report.ok(check, &subject, "active"),
            Ok(Some(state)) => report.error(check, &subject, format!("it is {state}")),
        }
    }
    for (sender, is_verified) in &voicemail.senders {
        match is_verified {
            Err(unknown) => report.unchecked(&[check], sender, unknown),
            Ok(true) => report.ok(check, sender, "verified"),
            Ok(false) => {
                report.error(check, sender, "SES has verified neither it nor its domain");
            }
        }
    }
}

fn waiting(voicemail: &Voicemail, report: &mut Report) {
    let check = Check::VoicemailsWaiting;
    match &voicemail.waiting {
        Err(unknown) => report.unchecked(&[check], &voicemail.deliver, unknown),
        Ok(waiting) if waiting.is_empty() => report.ok(check, &voicemail.deliver, "none"),
        Ok(waiting) => report.error(check, &voicemail.deliver, named(waiting)),
    }
}
