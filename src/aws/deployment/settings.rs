//! The settings of a stack's function, for commands that work as the function does. Takes
//! the names of [`SETTINGS`] and nothing else of its environment: whoever may change that
//! must not come to change the operator's process, its path, its libraries, its endpoints.

use std::collections::BTreeMap;

use super::lambda::Functions;
use super::{NoDeployment, Trying, load};
use crate::aws::Access;
use crate::settings::deliver;
use crate::settings::recorder::SETTINGS;

/// Settings of the function's own process. Where AWS is reached is the caller's to say: an
/// endpoint out of the environment would get requests that are signed with their session.
const OF_THE_PROCESS: [&str; 2] = ["ENDPOINT_URL", "LOG_LEVEL"];

/// The settings of the one function of this CloudFormation stack that has Callreel's, by
/// their names, and `AWS_REGION`, the region that it was found in.
pub async fn settings(
    access: Access,
    stack: &str,
) -> Result<BTreeMap<String, String>, NoDeployment> {
    let shared = Trying::OPERATOR.on(&load(access).await);
    let functions = Functions::new(&shared);
    let name = functions.search(Some(stack)).await?;
    let variables = functions.variables(&name).await?;
    let mut settings = only_settings(variables);
    let region = shared.region().map(ToString::to_string);
    settings.extend(region.map(|region| ("AWS_REGION".to_owned(), region)));
    Ok(settings)
}

/// The settings of the function `reconcile-voicemail` of this stack, or of one nested in it, by
/// their names, and `AWS_REGION`.
pub async fn voicemail_settings(
    access: Access,
    stack: &str,
) -> Result<BTreeMap<String, String>, NoDeployment> {
    let shared = Trying::OPERATOR.on(&load(access).await);
    let functions = Functions::new(&shared);
    let name = functions.of_handler(stack, "reconcile-voicemail").await?;
    let variables = functions.variables(&name).await?;
    let taken = |name: &str| {
        let mut known = deliver::SETTINGS.iter();
        known.any(|setting| setting.name == name) && !OF_THE_PROCESS.contains(&name)
    };
    let variables = variables.into_iter().filter(|(name, _)| taken(name));
    let mut settings: BTreeMap<_, _> = variables.collect();
    let region = shared.region().map(ToString::to_string);
    settings.extend(region.map(|region| ("AWS_REGION".to_owned(), region)));
    Ok(settings)
}

fn only_settings(
    variables: impl IntoIterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    let taken = |name: &str| {
        let mut known = SETTINGS.iter();
        known.any(|setting| setting.name == name) && !OF_THE_PROCESS.contains(&name)
    };
    let variables = variables.into_iter();
    variables.filter(|(name, _)| taken(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_settings_is_taken() {
        let variables = [
            ("RECORDINGS_BUCKET_NAME", "calls"),
            ("RECORDINGS_KEY_PREFIX", "kept/"),
            ("PATH", "/tmp"),
            ("LD_PRELOAD", "/tmp/x.so"),
            ("AWS_ENDPOINT_URL", "http://10.0.0.1"),
            ("AWS_REGION", "eu-west-9"),
            ("ENDPOINT_URL", "http://10.0.0.1"),
            ("LOG_LEVEL", "trace"),
            ("recordings_bucket_name", "others"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let taken = only_settings(variables);
        let taken: Vec<_> = taken.keys().map(String::as_str).collect();
        assert_eq!(taken, ["RECORDINGS_BUCKET_NAME", "RECORDINGS_KEY_PREFIX"]);
        for name in OF_THE_PROCESS {
            assert!(SETTINGS.iter().any(|setting| setting.name == name));
        }
    }
}
