//! `--stack`: the settings of a deployment's function in place of this process's
//! environment. See [`settings`] for what is taken of them.

use std::collections::BTreeMap;

use crate::aws::Access;
use crate::aws::deployment::{NoDeployment, settings, voicemail_settings};

/// The settings of the stack's function, or one line that says what to do.
pub(super) async fn settings_of(
    stack: &str,
    access: Access,
) -> Result<BTreeMap<String, String>, String> {
    let found = settings(access, stack).await;
    found.map_err(|error| told(stack, &error))
}

/// The settings of voicemail's function of the stack, or one line that says what to do.
pub(super) async fn voicemail_settings_of(
    stack: &str,
    access: Access,
) -> Result<BTreeMap<String, String>, String> {
    let found = voicemail_settings(access, stack).await;
    found.map_err(|error| match error {
        NoDeployment::NoneFound { region, .. } => format!(
            "the stack {stack} has no voicemail in {region}: no function with the handler reconcile-voicemail; give the \
             name of the stack that EnableVoicemail was set in, and its region with --region"
        ),
        NoDeployment::SeveralFound(_) | NoDeployment::Unreachable(..) => told(stack, &error),
    })
}

/// The doctor's cure, `--function`, is none here.
fn told(stack: &str, error: &NoDeployment) -> String {
    match error {
        NoDeployment::NoneFound { region, .. } => format!(
            "the stack {stack} has no function with the settings of Callreel in {region}; \
             give the stack's name as `sam list stack-outputs` takes it, and its region with --region"
        ),
        NoDeployment::SeveralFound(names) => format!(
            "the stack {stack} has several functions with the settings of Callreel: {names}; \
             set those of one in the environment instead (docs/function.md, \"Settings\")"
        ),
        NoDeployment::Unreachable(cause, _) => format!(
            "the settings of the stack {stack}: {cause}; give credentials that may lambda:ListFunctions, \
             lambda:ListTags and lambda:GetFunctionConfiguration there (--profile, --region)"
        ),
    }
}
