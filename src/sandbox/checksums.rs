//! S3's checksum of an object as a whole, CRC-64/NVME, which `s3s-fs` knows of objects in one
//! piece alone: a part that arrives otherwise than it says is refused, and so is the end of an
//! upload whose parts make up another object than was promised; HEAD tells the checksum of what
//! is there (S3 User Guide, "Checking object integrity"). An upload that was ended is not there
//! any more, for whoever ends it again. Parts are known until this process
//! ends: where one is not, the end of its upload is believed.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bytes::Bytes;
use crc_fast::CrcAlgorithm::Crc64Nvme;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts as Head;
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;
use s3s::Body;

use super::buckets::Buckets;
use super::cors;
use super::wire::{Refusal, Reply};
use crate::lock::lock;

const CHECKSUM: &str = "x-amz-checksum-crc64nvme";

/// A checksum and of how many bytes it is.
type Part = (u64, u64);

/// Checksums of uploads that are under way.
pub(super) struct Checksums {
    buckets: PathBuf,
    /// By upload id, by part number; `None` where it was ended.
    uploads: Mutex<HashMap<String, Option<BTreeMap<u32, Part>>>>,
}

impl Checksums {
    /// Of buckets in a folder.
    pub(super) fn new(buckets: PathBuf) -> Self {
        Self {
            buckets,
            uploads: Mutex::default(),
        }
    }

    /// Lets a request through to its bucket, if what it brings is what it says.
    pub(super) async fn answer(
        &self,
        buckets: &Buckets,
        request: Request<Incoming>,
    ) -> Result<Reply, Refusal> {
        let (head, body) = request.into_parts();
        if let Some(reply) = cors::preflight(&head) {
            return Ok(reply);
        }
        let is_of_a_page = cors::is_of_a_page(&head.method, &head.headers);
        let upload = asked(&head, "uploadId");
        match (&head.method, upload) {
            (&Method::PUT, Some(upload)) => {
                let body = collect(body).await?;
                self.take_part(&head, upload, &body)?;
                let request = Request::from_parts(head, Body::from(body));
                buckets.answer(request).await
            }
            (&Method::POST, Some(upload)) => {
                let body = collect(body).await?;
                self.check_whole(&head, &upload)?;
                let request = Request::from_parts(head, Body::from(body));
                let reply = buckets.answer(request).await?;
                if reply.status().is_success() {
                    // What is left of it is that it was.
                    lock(&self.uploads).insert(upload, None);
                }
                Ok(reply)
            }
            (&Method::HEAD, _) => {
                let file = file(&self.buckets, head.uri.path());
                let asked_for = head.headers.contains_key("x-amz-checksum-mode");
                let request = Request::from_parts(head, Body::from(body));
                let mut reply = buckets.answer(request).await?;
                if asked_for && reply.status().is_success() {
                    tell(&mut reply, &fs::read(file)?)?;
                }
                Ok(reply)
            }
            _ => {
                let request = Request::from_parts(head, Body::from(body));
                let reply = buckets.answer(request).await?;
                Ok(match is_of_a_page {
                    true => cors::allowed(reply),
                    false => reply,
                })
            }
        }
    }

    fn take_part(&self, head: &Head, upload: String, body: &[u8]) -> Result<(), Refusal> {
        // A body in signed chunks is more than the part.
        if head.headers.contains_key("x-amz-decoded-content-length") {
            return Ok(());
        }
        let checksum = crc_fast::checksum(Crc64Nvme, body);
        check(head, checksum)?;
        let number = asked(head, "partNumber").and_then(|number| number.parse().ok());
        if let Some(number) = number {
            let mut uploads = lock(&self.uploads);
            let parts = uploads.entry(upload).or_default();
            let parts = parts.get_or_insert_default();
            parts.insert(number, (checksum, body.len() as u64));
        }
        Ok(())
    }

    fn check_whole(&self, head: &Head, upload: &str) -> Result<(), Refusal> {
        let uploads = lock(&self.uploads);
        let parts = match uploads.get(upload) {
            None => return Ok(()),
            Some(Some(parts)) => parts,
            Some(None) => {
                let message = "The specified upload does not exist.";
                return Err(Refusal::new(404, "NoSuchUpload", message));
            }
        };
        let whole = parts.values().fold((0, 0), |before: Part, part: &Part| {
            let combined = match before {
                (_, 0) => part.0,
                (checksum, _) => crc_fast::checksum_combine(Crc64Nvme, checksum, part.0, part.1),
            };
            (combined, before.1 + part.1)
        });
        check(head, whole.0)
    }
}

/// What a request says of its checksum must be so.
fn check(head: &Head, checksum: u64) -> Result<(), Refusal> {
    match head.headers.get(CHECKSUM) {
        Some(told) if told.as_bytes() != text(checksum).as_bytes() => Err(Refusal::new(
            400,
            "BadDigest",
            "The CRC64NVME you specified did not match the calculated checksum.",
        )),
        Some(_) | None => Ok(()),
    }
}

fn tell(reply: &mut Reply, object: &[u8]) -> Result<(), Refusal> {
    let checksum = text(crc_fast::checksum(Crc64Nvme, object));
    let failed = |error| Refusal::new(500, "InternalError", format!("{error}"));
    let checksum = hyper::header::HeaderValue::from_str(&checksum).map_err(failed)?;
    let headers = reply.headers_mut();
    headers.insert(CHECKSUM, checksum);
    headers.insert(
        "x-amz-checksum-type",
        hyper::header::HeaderValue::from_static("FULL_OBJECT"),
    );
    Ok(())
}

/// As S3 writes it: eight bytes, the highest first, in base64.
fn text(checksum: u64) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(checksum.to_be_bytes())
}

/// What a request's query says of this name.
fn asked(head: &Head, name: &str) -> Option<String> {
    let query = head.uri.query()?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(told, _)| *told == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// The file of an object that was found: its path holds nothing that leads out.
fn file(buckets: &Path, path: &str) -> PathBuf {
    let key = percent_decode_str(path.trim_start_matches('/'));
    buckets.join(&*key.decode_utf8_lossy())
}

async fn collect(body: Incoming) -> Result<Bytes, Refusal> {
    let whole = body.collect().await.map_err(std::io::Error::other)?;
    Ok(whole.to_bytes())
}
