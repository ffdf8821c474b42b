//! What tells desks of calls in progress, if there is any: who may call its function, and the
//! data stream that it puts calls into.

use super::answering::{called_by_flows, called_by_rules, rights_of};
use super::facts::{Deployment, Live};
use super::rights::live::live_needs;
use super::{Check, Report};

const ALL: &[Check] = &[
    Check::LiveFunction,
    Check::LiveStream,
    Check::LiveCallEnded,
    Check::LiveRights,
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let all = match &deployment.live {
        Err(unknown) => return report.unchecked(ALL, &deployment.function_name, unknown),
        Ok(all) => all,
    };
    if all.is_empty() {
        for check in ALL {
            report.ok(*check, "", "there is no live monitor");
        }
    }
    for live in all {
        let function = &live.function;
        called_by_flows(
            Check::LiveFunction,
            function,
            &live.offered,
            deployment,
            report,
        );
        stream(live, report);
        rights_of(Check::LiveRights, function, &live_needs(live), report);
        called_by_rules(
            Check::LiveCallEnded,
            function,
            &live.rules,
            deployment,
            report,
        );
    }
}

fn stream(live: &Live, report: &mut Report) {
    let (check, name) = (Check::LiveStream, &*live.stream_name);
    match &live.stream {
        Err(unknown) => report.unchecked(&[check], name, unknown),
        Ok(None) => report.error(check, name, "there is no such data stream"),
        Ok(Some(stream)) => match (&*stream.status, &stream.key) {
            ("ACTIVE" | "UPDATING", Some(_)) => report.ok(check, name, "there, and encrypted"),
            ("ACTIVE" | "UPDATING", None) => {
                let found = "not encrypted: events name callers";
                report.warning(check, name, found);
            }
            (other, _) => report.error(check, name, other),
        },
    }
}
