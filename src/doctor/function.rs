//! The function itself.

use super::facts::{Deployment, Function};
use super::{Check, Report};

/// Below this Lambda gives so little processor time that long calls run out of time.
const LEAST_MEMORY_MIB: u32 = 256;
/// The most that Lambda allows.
const MOST_SECONDS: u32 = 900;

const ALL: &[Check] = &[
    Check::Function,
    Check::Settings,
    Check::Timeout,
    Check::Memory,
    Check::Runtime,
];

pub(super) fn examine(deployment: &Deployment, report: &mut Report) {
    let name = &deployment.function_name;
    match &deployment.function {
        Err(unknown) => report.unchecked(ALL, name, unknown),
        Ok(None) => {
            report.error(Check::Function, name, "there is no such function");
            let Err(unknown) = deployment.settings() else {
                return;
            };
            report.unchecked(&ALL[1..], name, &unknown);
        }
        Ok(Some(function)) => {
            state(name, function, report);
            settings(name, function, report);
            timeout(name, function, report);
            memory(name, function, report);
            runtime(name, function, report);
        }
    }
}

fn state(name: &str, function: &Function, report: &mut Report) {
    let state = function.state.as_deref().unwrap_or("Active");
    let update = function.last_update.as_deref().unwrap_or("Successful");
    let found = format!("state {state}, last update {update}");
    match (state, update) {
        // An inactive one wakes up with its next invocation.
        ("Active" | "Inactive", "Successful") => report.ok(Check::Function, name, found),
        ("Pending", _) | (_, "InProgress") => report.warning(Check::Function, name, found),
        _ => report.error(Check::Function, name, found),
    }
}

fn settings(name: &str, function: &Function, report: &mut Report) {
    match &function.settings {
        Err(problems) => report.error(Check::Settings, name, problems),
        Ok(settings) if settings.warnings.is_empty() => {
            report.ok(Check::Settings, name, "all settings are good");
        }
        Ok(settings) => {
            for warning in &settings.warnings {
                report.warning(Check::Settings, name, warning);
            }
        }
    }
}

fn timeout(name: &str, function: &Function, report: &mut Report) {
    let seconds = function.timeout_seconds;
    let margin = match &function.settings {
        Ok(settings) => settings.margin_seconds,
        Err(_) => 0,
    };
    if u64::from(seconds) <= margin {
        let found = format!("{seconds} s, of which DEADLINE_MARGIN_SECONDS takes {margin} s");
        report.error(Check::Timeout, name, found);
    } else if seconds < MOST_SECONDS {
        report.warning(Check::Timeout, name, format!("{seconds} s"));
    } else {
        report.ok(Check::Timeout, name, format!("{seconds} s"));
    }
}

fn memory(name: &str, function: &Function, report: &mut Report) {
    let found = format!("{} MiB", function.memory_mib);
    if function.memory_mib < LEAST_MEMORY_MIB {
        report.warning(Check::Memory, name, found);
    } else {
        report.ok(Check::Memory, name, found);
    }
}

fn runtime(name: &str, function: &Function, report: &mut Report) {
    match function.runtime.as_deref() {
        None => report.ok(Check::Runtime, name, "an image"),
        Some("provided.al2023") => report.ok(Check::Runtime, name, "provided.al2023"),
        Some(other) => report.warning(Check::Runtime, name, other),
    }
}
