//! The archive's pages behind a login, over AWS, out of the function's settings.

use std::sync::Arc;

use axum::Router;

use crate::aws::s3::Bucket;
use crate::aws::{LoginSecrets, S3Recordings, S3Signer, Shared};
use crate::settings::archive::ArchiveConfig;
use crate::shelves::{Shelves, Trust};
use crate::web::archive::Link;
use crate::web::behind;
use crate::web::guard::Guard;
use crate::web::login::{Client, CookieKeys, Ledger, Terms};

/// The pages. The error says what is wrong with the deployment, and what to do.
pub async fn pages(config: &ArchiveConfig, shared: &Shared) -> Result<Router, String> {
    let secrets = LoginSecrets::read(shared, &config.secret)
        .await
        .map_err(|failure| format!("{failure}; {}", failure.cure()))?;
    let wrong = |problem: String| format!("{}: {problem}", config.secret);
    let keys = CookieKeys::of_secrets(secrets.cookies.iter().map(String::as_str))
        .map_err(|error| wrong(error.to_string()))?;
    let bucket = Bucket {
        owner: config.bucket_owner.clone(),
        ..Bucket::to_read(&config.bucket)
    };
    let store = || S3Recordings::new(shared, bucket.clone());
    // A name that no other process has: lines of who listened are named by it.
    let writer = format!("{:016x}", fastrand::u64(..));
    let terms = Terms {
        base: config.base.clone(),
        client: Client {
            issuer: config.issuer.clone(),
            id: config.client.clone(),
            secret: secrets.client,
            scopes: config.scopes.clone(),
        },
        rules: config.rules.clone(),
        name_claim: config.name_claim.clone(),
        groups_claim: config.groups_claim.clone(),
        lasting: config.lasting,
        logins_per_minute: config.logins_per_minute,
    };
    let signer = Arc::new(S3Signer::new(shared, &config.bucket, None));
    let origin = signer
        .origin()
        .await
        .map_err(|failure| failure.to_string())?;
    let lives = config.link_lives;
    let shelves = Shelves::new(store(), &config.prefix, Trust::ONCE_SETTLED);
    let shelves = shelves.leaving_out(&config.listened);
    let ledger = Ledger::new(store(), &config.listened, &writer);
    let pages = behind::pages(shelves, terms, keys, ledger, |archive| {
        archive.linking(move |wanted| {
            let signer = Arc::clone(&signer);
            Box::pin(async move {
                let as_file = Some((&*wanted.disposition, wanted.content_type));
                let link = signer.link_as(&wanted.key, lives, as_file).await?;
                Ok(Link {
                    lives: link.lives.unwrap_or(lives),
                    url: link.url,
                })
            })
        })
    })?;
    let guard = Guard::named([config.host().to_owned()]).with_media_from([origin]);
    Ok(guard.guard(pages))
}
