//! Which operation of the services that voicemail asks a request is: by `X-Amz-Target` or by path.

use hyper::Method;
use hyper::http::request::Parts;

/// Which of these services a request is for, and the operation's name there. S3 in path
/// style has the same paths for buckets of such names: what is signed for S3 is S3's.
pub(in crate::sandbox) fn operation(head: &Parts) -> Option<(Kind, &'static str)> {
    let target = head.headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    if let Some(target) = target {
        return Some(match target {
            "Transcribe.StartTranscriptionJob" => (Kind::Transcribe, "StartTranscriptionJob"),
            "Transcribe.GetTranscriptionJob" => (Kind::Transcribe, "GetTranscriptionJob"),
            "Transcribe.DeleteTranscriptionJob" => (Kind::Transcribe, "DeleteTranscriptionJob"),
            "secretsmanager.GetSecretValue" => (Kind::Secrets, "GetSecretValue"),
            _ => return None,
        });
    }
    let signed = head.headers.get("authorization");
    let signed = signed.and_then(|signed| signed.to_str().ok());
    if signed.is_some_and(|signed| signed.contains("/s3/aws4_request")) {
        return None;
    }
    let parts: Vec<_> = head.uri.path().split('/').skip(1).collect();
    Some(match (&head.method, &*parts) {
        (&Method::PUT, ["contact", "task"]) => (Kind::Desk, "StartTaskContact"),
        (&Method::GET, ["queues", _, _]) => (Kind::Desk, "DescribeQueue"),
        (&Method::GET, ["users", _, _]) => (Kind::Desk, "DescribeUser"),
        (&Method::GET, ["contact-flows", _, _]) => (Kind::Desk, "DescribeContactFlow"),
        (&Method::POST, ["search-users"]) => (Kind::Desk, "SearchUsers"),
        (&Method::POST, ["v2", "email", "outbound-emails"]) => (Kind::Mail, "SendEmail"),
        (&Method::GET, ["v2", "email", "templates", _]) => (Kind::Mail, "GetEmailTemplate"),
        (&Method::GET, ["v2", "email", "identities", _]) => (Kind::Mail, "GetEmailIdentity"),
        (&Method::POST, ["model", _, "converse"]) => (Kind::Model, "Converse"),
        _ => return None,
    })
}

/// One of these services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Kind {
    Transcribe,
    Desk,
    Mail,
    Model,
    Secrets,
}

#[cfg(test)]
mod tests {
    use super::super::OPERATIONS;
    use super::*;
    use hyper::Request;

    #[test]
    fn requests_are_known_by_target_or_path_and_what_is_signed_for_s3_is_s3s() {
        #[track_caller]
        fn check(request: &str, header: Option<(&str, &str)>, expected: Option<&str>) {
            let (method, uri) = request.split_once(' ').unwrap();
            let mut request = Request::builder().method(method).uri(uri);
            if let Some((name, value)) = header {
                request = request.header(name, value);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(operation(&head).map(|(_, name)| name), expected);
            assert!(expected.is_none_or(|name| OPERATIONS.contains(&name)));
        }
        let s3 = (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request",
        );
        check("GET /queues/i/q", None, Some("DescribeQueue"));
        check("GET /queues/i/q", Some(s3), None);
        check("GET /users/i/u", None, Some("DescribeUser"));
        check("PUT /contact/task", None, Some("StartTaskContact"));
        check("POST /search-users", None, Some("SearchUsers"));
        check("POST /v2/email/outbound-emails", None, Some("SendEmail"));
        check("GET /v2/email/templates/t", None, Some("GetEmailTemplate"));
        check(
            "POST /model/us.amazon.nova-lite-v1%3A0/converse",
            None,
            Some("Converse"),
        );
        let job = ("x-amz-target", "Transcribe.StartTranscriptionJob");
        check("POST /", Some(job), Some("StartTranscriptionJob"));
        let message = ("x-amz-target", "AmazonSQS.SendMessage");
        check("POST /", Some(message), None);
    }
}
