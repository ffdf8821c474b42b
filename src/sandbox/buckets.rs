//! S3 by `s3s` and `s3s-fs`: signatures are verified, multipart uploads, ranges, metadata
//! and conditional writes work, and whose bucket a call expects is looked at; so do versions
//! and the listings of versions and uploads ([`super::versions`]), and tags that come with an
//! object ([`super::tags`]). Encryption and ACLs do not work.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use super::turns::Turns;
use super::versions::{Keeping, Versions};
use super::wire::{Refusal, Reply};

/// The access keys that are known; the secret of each is the same word.
pub(super) const KEYS: [&str; 2] = ["sandbox", "test"];

/// Buckets as folders.
pub(super) struct Buckets {
    folder: PathBuf,
    /// Any bucket is made when it is named.
    on_demand: bool,
    /// The account that they belong to, if it matters.
    owner: Option<String>,
    service: S3Service,
    /// One conditional write of an object at a time, and no read meanwhile: `s3s-fs` looks first
    /// and writes later, and an object's checksum after the object.
    turns: Turns,
}

impl Buckets {
    /// Buckets in a folder: these, or any when none is named.
    pub(super) fn new(
        folder: PathBuf,
        names: &[String],
        owner: Option<String>,
        keeping: Keeping,
    ) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(|error| told(&error))?;
        for name in names {
            if !is_bucket_name(name) {
                return Err(format!("{name} is no bucket's name"));
            }
            fs::create_dir_all(folder.join(name)).map_err(|error| told(&error))?;
        }
        let files = FileSystem::new(&folder).map_err(|error| told(&format_args!("{error:?}")))?;
        let files = Versions::new(files, &folder, keeping).map_err(|error| told(&error))?;
        let mut builder = S3ServiceBuilder::new(files);
        let mut keys = SimpleAuth::new();
        for key in KEYS {
            keys.register(key.to_owned(), key.into());
        }
        builder.set_auth(keys);
        Ok(Self {
            folder,
            on_demand: names.is_empty(),
            owner,
            service: builder.build(),
            turns: Turns::new(),
        })
    }

    pub(super) async fn answer(&self, request: Request<Body>) -> Result<Reply, Refusal> {
        let bucket = request.uri().path().split('/').nth(1).unwrap_or_default();
        let expected = request.headers().get("x-amz-expected-bucket-owner");
        if let (Some(owner), Some(expected)) = (&self.owner, expected)
            && expected != owner
        {
            drain(request.into_body()).await;
            return Err(Refusal::new(403, "AccessDenied", "Access Denied"));
        }
        if self.on_demand && is_bucket_name(bucket) {
            fs::create_dir_all(self.folder.join(bucket))?;
        }
        let conditional = ["if-none-match", "if-match"];
        let conditional = request.method() != hyper::Method::GET
            && (conditional.iter()).any(|name| request.headers().contains_key(*name));
        let called = if conditional {
            // Whole first, so that no slow writer keeps the others waiting.
            let (head, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .map_err(std::io::Error::other)?
                .to_bytes();
            let _turn = self.turns.alone(head.uri.path()).await;
            let request = Request::from_parts(head, Body::from(body));
            self.service.call(request).await
        } else if [hyper::Method::GET, hyper::Method::HEAD].contains(request.method()) {
            // Once it is answered, the object is open, and stays what it was.
            let _turn = self.turns.shared(request.uri().path()).await;
            self.service.call(request).await
        } else {
            self.service.call(request).await
        };
        called.map_err(|error| Refusal::new(500, "InternalError", format!("{error:?}")))
    }
}

/// S3's characters, so that no name leads out of the folder.
fn is_bucket_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    name.len() >= 3 && !name.starts_with('.') && name.bytes().all(allowed)
}

/// Takes a request's body in and forgets it, so that its sender hears the answer.
pub(super) async fn drain(mut body: impl hyper::body::Body<Data = Bytes> + Unpin) {
    while let Some(Ok(frame)) = body.frame().await {
        drop::<Result<Bytes, _>>(frame.into_data());
    }
}
