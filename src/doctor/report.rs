//! The findings, as the checks add them.

use super::facts::Unknown;
use super::{Check, Finding, Level};

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
}

impl Report {
    pub(super) fn ok(
        &mut self,
        check: Check,
        subject: impl Into<String>,
        finding: impl Into<String>,
    ) {
        self.put(check, Level::Ok, subject.into(), finding.into(), None);
    }

    /// With the check's own cure.
    pub(super) fn warning(
        &mut self,
        check: Check,
        subject: impl Into<String>,
        finding: impl Into<String>,
    ) {
        let cure = Some(check.info().cure.to_owned());
        self.put(check, Level::Warning, subject.into(), finding.into(), cure);
    }

    /// With the check's own cure.
    pub(super) fn error(
        &mut self,
        check: Check,
        subject: impl Into<String>,
        finding: impl Into<String>,
    ) {
        let cure = Some(check.info().cure.to_owned());
        self.put(check, Level::Error, subject.into(), finding.into(), cure);
    }

    pub(super) fn unchecked(&mut self, checks: &[Check], subject: &str, unknown: &Unknown) {
        for check in checks {
            let cure = Some(unknown.cure.clone());
            let (subject, why) = (subject.to_owned(), unknown.why.clone());
            self.put(*check, Level::Unchecked, subject, why, cure);
        }
    }

    fn put(
        &mut self,
        check: Check,
        level: Level,
        subject: String,
        finding: String,
        cure: Option<String>,
    ) {
        self.findings.push(Finding {
            check,
            level,
            subject,
            finding,
            cure,
        });
    }
}
