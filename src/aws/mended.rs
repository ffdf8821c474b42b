//! Connect's answers, put right before the SDK reads them. Attributes that were cut by UTF-16
//! units on their way hold half surrogate pairs, which the SDK refuses with the whole answer:
//! the URLs of such a contact could never be noted. [`json`] says what is put right.

use std::borrow::Cow;

use aws_smithy_types::body::{Error, SdkBody};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use crate::json;

/// The body put right; for answers that are JSON and small.
pub(super) fn mended(body: SdkBody) -> SdkBody {
    let mended = async {
        let body = body.collect().await?.to_bytes();
        let text = match json::mend(&body) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        };
        Ok::<_, Error>(Frame::data(text.map_or(body, Bytes::from)))
    };
    SdkBody::from_body_1_x(StreamBody::new(stream::once(mended)))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use aws_config::Region;
    use aws_sdk_connect::config::Credentials;

    use crate::aws::ConnectContacts;
    use crate::port::ContactAttributes;

    /// Answers one request with this body.
    fn answer_once(body: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                connection.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
            );
            connection.write_all(head.as_bytes()).unwrap();
            connection.write_all(body).unwrap();
        });
        url
    }

    async fn read(body: &'static [u8]) -> String {
        let shared = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(aws_sdk_connect::config::SharedCredentialsProvider::new(
                Credentials::new("a", "b", None, None, "test"),
            ))
            .endpoint_url(answer_once(body))
            .build();
        let contacts = ConnectContacts::new(&shared, 10);
        match contacts.read(Some("i"), "c").await {
            Ok(attributes) => format!("{attributes:?}"),
            Err(failure) => failure.to_string(),
        }
    }

    #[tokio::test]
    async fn half_a_character_costs_no_answer() {
        assert_eq!(
            read(br#"{"Attributes": {"note": "caller: \ud83d", "recordingAuth": "3"}}"#).await,
            "{\"note\": \"caller: \u{fffd}\", \"recordingAuth\": \"3\"}"
        );
        assert_eq!(
            read(b"{\"Attributes\": {\"note\": \"caf\xe9\"}}").await,
            "{\"note\": \"caf\u{fffd}\"}"
        );
        assert_eq!(
            read(b"{\"Attributes\": {\"note\": \"as it is\"}}").await,
            "{\"note\": \"as it is\"}"
        );
        assert_eq!(read(br#"{"Attributes": {}}"#).await, "{}");
        // No attributes at all are not known to be none.
        assert!(read(b"{}").await.contains("gave no Attributes"));
    }
}
