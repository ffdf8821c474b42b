//! `--stack`: the settings of a deployment's function in place of this process's
//! environment. See [`settings`] for what is taken of them.

use std::collections::BTreeMap;

use crate::aws::Access;
use crate::aws::deployment::{NoDeployment, settings};

/// The settings of the stack's function, or one line that says what to do.
pub(super) async fn settings_of(
    stack: &str,
    access: Access,
) -> Result<BTreeMap<String, String>, String> {
    let found = settings(access, stack).await;
    found.map_err(|error| told(stack, &error))
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
