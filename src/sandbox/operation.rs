//! Which operation of which service a request is: by path for Kinesis Video and Connect,
//! by `X-Amz-Target` for SQS, EventBridge and Kinesis, those that voicemail asks by either, and
//! everything else is S3, in path style.

mod voicemail;

use hyper::Method;
use hyper::http::request::Parts;

pub(super) use voicemail::Kind;

/// Where the provider is that people log in by. No bucket is named so.
pub(super) const PROVIDER: &str = "/_oidc";

/// The operations that there are, service by service: what a rule of a script can be on.
pub(super) const OPERATIONS: &[&str] = &[
    "GetDataEndpoint",
    "DescribeStream",
    "ListFragments",
    "GetMediaForFragmentList",
    "GetMedia",
    "UpdateContactAttributes",
    "GetContactAttributes",
    "DescribeContact",
    "SearchContacts",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "PutEvents",
    "PutRecord",
    "CreateBucket",
    "HeadBucket",
    "DeleteBucket",
    "ListBuckets",
    "ListObjectsV2",
    "ListObjectVersions",
    "ListMultipartUploads",
    "ListParts",
    "GetObject",
    "GetObjectTagging",
    "HeadObject",
    "PutObject",
    "CopyObject",
    "PutObjectTagging",
    "DeleteObject",
    "DeleteObjects",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "Discover",
    "Keys",
    "Authorize",
    "Token",
    "EndSession",
    "StartTranscriptionJob",
    "GetTranscriptionJob",
    "DeleteTranscriptionJob",
    "StartTaskContact",
    "DescribeQueue",
    "DescribeUser",
    "DescribeContactFlow",
    "SearchUsers",
    "SendEmail",
    "GetEmailTemplate",
    "GetEmailIdentity",
    "Converse",
    "GetSecretValue",
];

/// The service that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Video,
    Connect,
    Queue,
    Events,
    Kinesis,
    Bucket,
    /// The provider that people log in by, under `/_oidc/`.
    Oidc,
    /// One of those that voicemail asks.
    Voicemail(Kind),
    /// The sandbox itself, under `/_sandbox/`.
    Own,
}

/// A service and the operation's name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub service: Service,
    pub name: String,
}

impl Operation {
    pub(super) fn of(head: &Parts) -> Self {
        if let Some((kind, name)) = voicemail::operation(head) {
            return Self {
                service: Service::Voicemail(kind),
                name: name.to_owned(),
            };
        }
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let target = head.headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok());
        let (service, name) = match (&head.method, path) {
            _ if path.starts_with("/_sandbox/") => (Service::Own, path),
            _ if path.starts_with("/_oidc/") => (Service::Oidc, of_the_provider(path)),
            (&Method::POST, "/getDataEndpoint") => (Service::Video, "GetDataEndpoint"),
            (&Method::POST, "/describeStream") => (Service::Video, "DescribeStream"),
            (&Method::POST, "/listFragments") => (Service::Video, "ListFragments"),
            (&Method::POST, "/getMediaForFragmentList") => {
                (Service::Video, "GetMediaForFragmentList")
            }
            (&Method::POST, "/getMedia") => (Service::Video, "GetMedia"),
            (&Method::POST, "/contact/attributes") => (Service::Connect, "UpdateContactAttributes"),
            (&Method::GET, _) if path.starts_with("/contact/attributes/") => {
                (Service::Connect, "GetContactAttributes")
            }
            (&Method::GET, _) if path.starts_with("/contacts/") => {
                (Service::Connect, "DescribeContact")
            }
            (&Method::POST, "/search-contacts") => (Service::Connect, "SearchContacts"),
            _ => match target.and_then(|target| target.split_once('.')) {
                Some(("AmazonSQS", name)) => (Service::Queue, name),
                Some(("AWSEvents", name)) => (Service::Events, name),
                Some(("Kinesis_20131202", name)) => (Service::Kinesis, name),
                Some(_) | None => {
                    let copies = head.headers.contains_key("x-amz-copy-source");
                    (
                        Service::Bucket,
                        bucket_operation(&head.method, path, query, copies),
                    )
                }
            },
        };
        Self {
            service,
            name: name.to_owned(),
        }
    }
}

/// Which of the provider's operations a path is.
fn of_the_provider(path: &str) -> &'static str {
    match path.strip_prefix(PROVIDER).unwrap_or_default() {
        "/.well-known/openid-configuration" => "Discover",
        "/keys" => "Keys",
        "/authorize" => "Authorize",
        "/token" => "Token",
        "/logout" => "EndSession",
        _ => "",
    }
}

fn bucket_operation(method: &Method, path: &str, query: &str, copies: bool) -> &'static str {
    let asks = |name: &str| {
        let mut names = query.split('&').filter_map(|pair| pair.split('=').next());
        names.any(|found| found == name)
    };
    let (_, key) = path[1.min(path.len())..]
        .split_once('/')
        .unwrap_or_default();
    match (method.as_str(), key.is_empty()) {
        ("PUT", true) => "CreateBucket",
        ("HEAD", true) => "HeadBucket",
        ("GET", true) if path == "/" => "ListBuckets",
        ("GET", true) if asks("uploads") => "ListMultipartUploads",
        ("GET", true) if asks("versions") => "ListObjectVersions",
        ("GET", true) => "ListObjectsV2",
        ("PUT", false) if asks("partNumber") => "UploadPart",
        ("PUT", false) if asks("tagging") => "PutObjectTagging",
        ("PUT", false) if copies => "CopyObject",
        ("PUT", false) => "PutObject",
        ("POST", false) if asks("uploads") => "CreateMultipartUpload",
        ("POST", false) => "CompleteMultipartUpload",
        ("POST", true) => "DeleteObjects",
        ("DELETE", true) => "DeleteBucket",
        ("DELETE", false) if asks("uploadId") => "AbortMultipartUpload",
        ("DELETE", false) => "DeleteObject",
        ("HEAD", false) => "HeadObject",
        ("GET", false) if asks("uploadId") => "ListParts",
        ("GET", false) if asks("tagging") => "GetObjectTagging",
        ("GET", false) => "GetObject",
        _ => "UnknownOperation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    #[test]
    fn requests_are_known_by_method_path_query_and_target() {
        #[track_caller]
        fn check(request: &str, service: Service, name: &str) {
            let (method, rest) = request.split_once(' ').unwrap();
            let (uri, target) = rest.split_once(' ').unwrap_or((rest, ""));
            let mut request = Request::builder().method(method).uri(uri);
            if !target.is_empty() {
                request = request.header("x-amz-target", target);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert!(
                service == Service::Own || OPERATIONS.contains(&name),
                "{name}"
            );
            let name = name.to_owned();
            assert_eq!(Operation::of(&head), Operation { service, name });
        }
        check("POST /getMedia", Service::Video, "GetMedia");
        check("GET /b/k?tagging", Service::Bucket, "GetObjectTagging");
        check("POST /listFragments", Service::Video, "ListFragments");
        check(
            "GET /contact/attributes/i/c",
            Service::Connect,
            "GetContactAttributes",
        );
        check("GET /contacts/i/c", Service::Connect, "DescribeContact");
        check("POST /search-contacts", Service::Connect, "SearchContacts");
        check(
            "POST / AmazonSQS.SendMessage",
            Service::Queue,
            "SendMessage",
        );
        check("POST / AWSEvents.PutEvents", Service::Events, "PutEvents");
        check(
            "POST / Kinesis_20131202.PutRecord",
            Service::Kinesis,
            "PutRecord",
        );
        check("PUT /b", Service::Bucket, "CreateBucket");
        check("GET /", Service::Bucket, "ListBuckets");
        check("PUT /b/k?x-id=PutObject", Service::Bucket, "PutObject");
        check(
            "PUT /b/k/l?x-id=UploadPart&partNumber=1&uploadId=u",
            Service::Bucket,
            "UploadPart",
        );
        check(
            "POST /b/k?uploads",
            Service::Bucket,
            "CreateMultipartUpload",
        );
        check(
            "POST /b/k?uploadId=u",
            Service::Bucket,
            "CompleteMultipartUpload",
        );
        check(
            "DELETE /b/k?uploadId=u",
            Service::Bucket,
            "AbortMultipartUpload",
        );
        check("GET /b/?versions", Service::Bucket, "ListObjectVersions");
        check("DELETE /b/k?versionId=v", Service::Bucket, "DeleteObject");
        check("HEAD /b/k", Service::Bucket, "HeadObject");
        check("GET /b/?list-type=2", Service::Bucket, "ListObjectsV2");
        check("GET /_oidc/keys", Service::Oidc, "Keys");
        check("POST /_oidc/token", Service::Oidc, "Token");
        check("GET /_sandbox/calls", Service::Own, "/_sandbox/calls");
    }
}
