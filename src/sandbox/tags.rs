//! Tags of objects, which `s3s-fs` forgets: those that come with an object are kept under
//! `tags/` in the data folder, and told (`GET ?tagging`). As S3 has it, the header is a URL's
//! query, in which `+` is a space; ten tags are the most, and a value has 256 characters.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hyper::http::uri::Uri;
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;

use super::wire::{Refusal, Reply, reply_of};

const HEADER: &str = "x-amz-tagging";
const MOST_TAGS: usize = 10;
const MOST_CHARS: usize = 256;

/// By name and value.
type Pairs = Vec<(String, String)>;

/// The tags of all objects.
pub(super) struct Tags {
    folder: PathBuf,
    buckets: PathBuf,
}

/// Whether a call asks for an object's tags.
pub(super) fn asks(method: &Method, uri: &Uri) -> bool {
    method == Method::GET && names(uri, "tagging")
}

/// The tags that a call brings with the object that it stores; `None` of a call that stores
/// none.
pub(super) fn brought<B>(request: &Request<B>) -> Result<Option<Pairs>, Refusal> {
    let uri = request.uri();
    let stores = match *request.method() {
        Method::PUT => !names(uri, "partNumber") && !names(uri, "tagging"),
        Method::POST => names(uri, "uploads"),
        _ => false,
    };
    let header = request.headers().get(HEADER);
    let header = header.and_then(|header| header.to_str().ok());
    match stores {
        true => read(header.unwrap_or_default()).map(Some),
        false => Ok(None),
    }
}

fn names(uri: &Uri, name: &str) -> bool {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    pairs.any(|pair| pair.split('=').next() == Some(name))
}

fn read(header: &str) -> Result<Pairs, Refusal> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = header.split('&').filter(|pair| !pair.is_empty());
    let pairs: Pairs = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let is_allowed = |letter: char| letter.is_alphanumeric() || " +-=._:/@".contains(letter);
    let is_valid = |(name, value): &(String, String)| {
        !name.is_empty()
            && value.chars().count() <= MOST_CHARS
            && name.chars().chain(value.chars()).all(is_allowed)
    };
    match pairs.len() <= MOST_TAGS && pairs.iter().all(is_valid) {
        true => Ok(pairs),
        false => Err(Refusal::new(
            400,
            "InvalidTag",
            "The tag provided was not a valid tag.",
        )),
    }
}

impl Tags {
    /// In the data folder.
    pub(super) fn new(data: &Path) -> Self {
        Self {
            folder: data.join("tags"),
            buckets: data.join("buckets"),
        }
    }

    /// Keeps an object's tags, in place of those that it had.
    pub(super) fn keep(&self, path: &str, pairs: &Pairs) -> io::Result<()> {
        let place = self.folder.join(key(path)).with_added_extension("json");
        if pairs.is_empty() {
            return match fs::remove_file(place) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        fs::create_dir_all(place.parent().unwrap_or(&self.folder))?;
        fs::write(place, serde_json::to_vec_pretty(pairs)?)
    }

    /// Bucket, key and size of the object of a path; `None` when none is there.
    pub(super) fn stored(&self, path: &str) -> Option<(String, String, u64)> {
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let (bucket, name) = path.trim_start_matches('/').split_once('/')?;
        let file = fs::metadata(self.buckets.join(key(&path))).ok()?;
        (file.is_file()).then(|| (bucket.to_owned(), name.to_owned(), file.len()))
    }

    /// GetObjectTagging.
    pub(super) fn tell(&self, path: &str) -> Result<Reply, Refusal> {
        let key = key(path);
        if !self.buckets.join(&key).is_file() {
            let message = "The specified key does not exist.";
            return Err(Refusal::new(404, "NoSuchKey", message));
        }
        let place = self.folder.join(key).with_added_extension("json");
        let pairs: Pairs = match fs::read(place) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Pairs::new(),
            Err(error) => return Err(error.into()),
        };
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let tag = |(name, value): &(String, String)| {
            let (name, value) = (escaped(name), escaped(value));
            format!("<Tag><Key>{name}</Key><Value>{value}</Value></Tag>")
        };
        let set: String = pairs.iter().map(tag).collect();
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Tagging><TagSet>{set}</TagSet></Tagging>"
        );
        Ok(reply_of("application/xml", xml.into()))
    }
}

/// Bucket and key of a path, as files are laid out. Parts that lead elsewhere are left out:
/// such an object is not stored either.
fn key(path: &str) -> PathBuf {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let parts = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."));
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_a_query() {
        #[track_caller]
        fn check(header: &str, expected: Option<&[(&str, &str)]>) {
            let pairs = read(header).ok();
            let told = pairs.as_ref().map(|pairs| {
                let pairs = pairs.iter();
                pairs
                    .map(|(name, value)| (&**name, &**value))
                    .collect::<Vec<_>>()
            });
            assert_eq!(told.as_deref(), expected);
        }
        check("", Some(&[]));
        check("a=%2B81&b=c%20d", Some(&[("a", "+81"), ("b", "c d")]));
        check("a=+81", Some(&[("a", " 81")]));
        check("a=%26", None);
        check("=x", None);
        check(&format!("a={}", "x".repeat(257)), None);
        let ten: Vec<_> = (0..11).map(|at| format!("t{at}=x")).collect();
        check(&ten.join("&"), None);
    }
}
