//! A stand-in for the AWS services that the doctor asks: it tells which operation a request
//! is and answers what the [`World`] has for it, in the service's own protocol.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::world::{Answer, World};

/// Answers on loopback until it is dropped.
pub struct StandIn {
    url: String,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

struct Shared {
    world: World,
    unknown: Mutex<Vec<String>>,
}

impl StandIn {
    pub fn start(world: World) -> Self {
        let shared = Arc::new(Shared {
            world,
            unknown: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let bound = tokio::net::TcpListener::bind("127.0.0.1:0");
        let listener = runtime.block_on(bound).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            shared,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Requests that the world has no answer for.
    pub fn unknown_calls(&self) -> Vec<String> {
        self.shared.unknown.lock().unwrap().clone()
    }
}

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Json,
    Xml,
    Cbor,
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    let (protocol, operation) = operation(&method, &uri, &headers, &body);
    let answer = match operation.as_str() {
        "SimulatePrincipalPolicy" => shared.world.simulate(&parameters(&body)),
        _ => shared.world.answer(&operation),
    };
    match answer {
        Some(Answer::Body(value)) => reply(protocol, &value),
        Some(Answer::Refused(status, code)) => refusal(protocol, status, &code),
        None => {
            let call = format!("{method} {uri} ({operation})");
            shared.unknown.lock().unwrap().push(call);
            refusal(protocol, 501, "NotHere")
        }
    }
}

fn operation(method: &Method, uri: &Uri, headers: &HeaderMap, body: &str) -> (Protocol, String) {
    let target = headers
        .get("x-amz-target")
        .map(|target| target.to_str().unwrap());
    if let Some(target) = target {
        let name = target.rsplit('.').next().unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let subject = ["QueueUrl", "KeyId", "Rule", "Name", "StreamName"]
            .iter()
            .find_map(|of| body[of].as_str());
        let subject = subject.map(|subject| subject.rsplit('/').next().unwrap());
        return (Protocol::Json, joined(name, subject));
    }
    let query = uri.query().unwrap_or_default();
    let parts: Vec<_> = uri.path().trim_matches('/').split('/').collect();
    let wanted = |name: &str| {
        let of = format!("{name}=");
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(&of).map(str::to_owned))
    };
    let named = match (method.as_str(), parts.as_slice()) {
        ("POST", ["service", _, "operation", name]) => return (Protocol::Cbor, (*name).to_owned()),
        ("POST", [""]) => {
            let action = parameters(body)
                .into_iter()
                .find(|(name, _)| name == "Action");
            return (
                Protocol::Xml,
                action.map(|(_, value)| value).unwrap_or_default(),
            );
        }
        ("GET", ["2020-05-31", "distribution"]) => {
            return (Protocol::Xml, "ListDistributions".to_owned());
        }
        ("GET", ["2015-03-31", "functions"]) => "ListFunctions".to_owned(),
        ("GET", ["2015-03-31", "functions", name, "configuration"]) => {
            let name = decoded(name);
            let name = name.rsplit(':').next().unwrap_or_default();
            joined(
                "GetFunctionConfiguration",
                (name != "callreel-recorder").then_some(name),
            )
        }
        ("GET", ["2015-03-31", "functions", name, "policy"]) => {
            joined("GetPolicy", decoded(name).rsplit(':').next())
        }
        ("GET", ["contact-flows", _, id]) => joined("DescribeContactFlow", Some(id)),
        ("GET", ["v2", "email", "identities", identity]) => {
            joined("GetEmailIdentity", Some(&decoded(identity)))
        }
        ("GET", ["instance", _, "lambda-functions"]) => "ListLambdaFunctions".to_owned(),
        ("GET", [_]) if query.contains("list-type=2") => {
            let prefix = wanted("prefix").unwrap_or_default();
            let prefix = decoded(&prefix);
            let folder = prefix.split('/').next().unwrap_or_default();
            return (Protocol::Xml, format!("ListObjectsV2 {folder}"));
        }
        ("GET", ["2015-03-31", "event-source-mappings"]) => "ListEventSourceMappings".to_owned(),
        ("GET", ["2017-03-31", "tags", of]) => joined("ListTags", decoded(of).rsplit(':').next()),
        ("GET", ["instance"]) => "ListInstances".to_owned(),
        ("GET", ["instance", _]) => "DescribeInstance".to_owned(),
        ("GET", ["instance", _, "storage-configs"]) => joined(
            "ListInstanceStorageConfigs",
            wanted("resourceType").as_deref(),
        ),
        ("POST", ["listStreams"]) => "ListStreams".to_owned(),
        ("HEAD", [_]) => return (Protocol::Xml, "HeadBucket".to_owned()),
        ("GET", [_]) => return (Protocol::Xml, bucket_operation(query).to_owned()),
        _ => String::new(),
    };
    (Protocol::Json, named)
}

fn joined(name: &str, subject: Option<&str>) -> String {
    match subject {
        Some(subject) => format!("{name} {subject}"),
        None => name.to_owned(),
    }
}

fn bucket_operation(query: &str) -> &'static str {
    match query.split(['=', '&']).next().unwrap_or_default() {
        "versioning" => "GetBucketVersioning",
        "encryption" => "GetBucketEncryption",
        "publicAccessBlock" => "GetPublicAccessBlock",
        "lifecycle" => "GetBucketLifecycleConfiguration",
        "policy" => "GetBucketPolicy",
        "notification" => "GetBucketNotification",
        _ => "",
    }
}

/// A form's fields.
fn parameters(body: &str) -> Vec<(String, String)> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let hex = std::str::from_utf8(&behind[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn reply(protocol: Protocol, value: &Value) -> Response {
    match (protocol, value) {
        (Protocol::Cbor, value) => {
            let mut body = Vec::new();
            cbor(value, &mut body);
            let headers = [
                ("content-type", "application/cbor"),
                ("smithy-protocol", "rpc-v2-cbor"),
            ];
            (headers, body).into_response()
        }
        (Protocol::Json, value) => {
            ([("content-type", "application/json")], value.to_string()).into_response()
        }
        // XML and the bucket's policy stand as text.
        (Protocol::Xml, Value::String(text)) => (
            [
                ("content-type", "text/xml"),
                ("x-amz-bucket-region", "eu-west-1"),
            ],
            text.clone(),
        )
            .into_response(),
        (Protocol::Xml, _) => ().into_response(),
    }
}

fn refusal(protocol: Protocol, status: u16, code: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let message = "refused by the stand-in";
    let reply = match protocol {
        Protocol::Json => {
            let body = serde_json::json!({"__type": code, "message": message});
            let named = [("x-amzn-errortype", code.to_owned())];
            return (status, named, body.to_string()).into_response();
        }
        Protocol::Cbor => {
            let mut body = Vec::new();
            cbor(
                &serde_json::json!({"__type": code, "message": message}),
                &mut body,
            );
            let headers = [
                ("content-type", "application/cbor"),
                ("smithy-protocol", "rpc-v2-cbor"),
            ];
            return (status, headers, body).into_response();
        }
        // S3 has the error at the top, IAM and CloudFront in an ErrorResponse: a reader
        // of either finds it here by its own way, since both look for Code.
        Protocol::Xml => format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
    };
    (status, [("content-type", "text/xml")], reply).into_response()
}

/// RFC 8949, as much of it as JSON has.
fn cbor(value: &Value, out: &mut Vec<u8>) {
    fn head(major: u8, count: u64, out: &mut Vec<u8>) {
        out.push(major << 5 | 27);
        out.extend(count.to_be_bytes());
    }
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => match number.as_u64() {
            Some(count) => head(0, count, out),
            None => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap().to_be_bytes());
            }
        },
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Value::Array(values) => {
            head(4, values.len() as u64, out);
            values.iter().for_each(|value| cbor(value, out));
        }
        Value::Object(fields) => {
            head(5, fields.len() as u64, out);
            for (name, value) in fields {
                cbor(&Value::String(name.clone()), out);
                cbor(value, out);
            }
        }
    }
}
