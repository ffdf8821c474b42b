//! The profile that somebody names: one that does not exist is told at once. The SDK would
//! go on to the next place for credentials, and tell of that.

use aws_types::os_shim_internal::{Env, Fs};

/// What is wrong with a profile's name, if it stands in none of the AWS configuration files.
/// Files that cannot be read tell nothing here; the SDK will.
pub async fn unknown_profile(name: &str) -> Option<String> {
    let (files, env, fs) = (Default::default(), Env::real(), Fs::real());
    let read = aws_config::profile::load(&fs, &env, &files, None);
    let profiles = read.await.ok()?;
    if profiles.get_profile(name).is_some() {
        return None;
    }
    let known: Vec<_> = profiles.profiles().collect();
    let instead = match known.is_empty() {
        true => "they hold none".to_owned(),
        false => format!("give one of {}", known.join(", ")),
    };
    Some(format!(
        "there is no profile {name} in the AWS configuration files (~/.aws/config, ~/.aws/credentials); {instead}"
    ))
}
