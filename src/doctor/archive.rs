//! The archive, if it is deployed: whether the role of its function may what it must.

use super::answering::judge;
use super::facts::{Deployment, Worker};
use super::rights::worker::worker_needs;
use super::{Check, Report};

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let check = Check::ArchiveRights;
    match &deployment.archives {
        Err(unknown) => report.unchecked(&[check], "", unknown),
        Ok(all) if all.is_empty() => report.ok(check, "", "the archive is not deployed"),
        Ok(all) => {
            for worker in all {
                rights_of_worker(check, worker, deployment, report);
            }
        }
    }
}

/// Whether a function's role may what it must.
pub(super) fn rights_of_worker(
    check: Check,
    worker: &Worker,
    deployment: &Deployment,
    report: &mut Report,
) {
    let needs = worker_needs(deployment, worker);
    judge(check, &worker.role, &worker.rights, &needs, report);
}
