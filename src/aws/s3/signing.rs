//! Over TLS no payload is signed: TLS keeps it from being changed on the way, and each object
//! has a checksum of its own. The signature would be a SHA-256 over every byte, which costs
//! more than all else that is done to it. Where there is no TLS, as towards the sandbox, the
//! payload is signed as ever: of one that is sent in pieces the SDK is told its hash.

use aws_runtime::auth::PayloadSigningOverride;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::content::Content;

/// Signs the head of a request alone where TLS keeps its body.
#[derive(Debug)]
pub(super) struct TlsKeepsPayloads;

impl Intercept for TlsKeepsPayloads {
    fn name(&self) -> &'static str {
        "TLS keeps payloads"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // What the SDK itself says of a body that it streams stands.
        if has_tls(context) && config.load::<PayloadSigningOverride>().is_none() {
            let unsigned = PayloadSigningOverride::unsigned_payload();
            config.interceptor_state().store_put(unsigned);
        }
        Ok(())
    }
}

/// What a request's payload consists of.
#[derive(Debug)]
pub(super) struct PayloadIs(pub(super) Content);

impl Intercept for PayloadIs {
    fn name(&self) -> &'static str {
        "the payload's hash"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if !has_tls(context) && config.load::<PayloadSigningOverride>().is_none() {
            let hash = PayloadSigningOverride::Precomputed(self.0.sha256());
            config.interceptor_state().store_put(hash);
        }
        Ok(())
    }
}

fn has_tls(context: &BeforeTransmitInterceptorContextMut<'_>) -> bool {
    context.request().uri().starts_with("https:")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_s3::config::Credentials;
    use aws_smithy_runtime_api::client::http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;

    use super::*;
    use crate::aws::s3::{Bucket, S3Recordings};
    use crate::port::{Expect, Objects};

    /// Answers everything by a success, and keeps what was asked.
    #[derive(Clone, Debug, Default)]
    struct Listener(Arc<Mutex<Vec<HttpRequest>>>);

    impl HttpConnector for Listener {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.0.lock().unwrap().push(request);
            let status = 200.try_into().unwrap();
            let mut answer = HttpResponse::new(status, SdkBody::empty());
            answer.headers_mut().insert("etag", "\"e\"");
            HttpConnectorFuture::ready(Ok(answer))
        }
    }

    impl HttpClient for Listener {
        fn http_connector(
            &self,
            _: &HttpConnectorSettings,
            _: &RuntimeComponents,
        ) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    #[tokio::test]
    async fn a_payload_is_signed_where_nothing_else_keeps_it() {
        // SHA-256 of `{}`.
        let signed = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        for (endpoint, expected) in [
            ("https://localhost:1", "UNSIGNED-PAYLOAD"),
            ("http://localhost:1", signed),
        ] {
            let listener = Listener::default();
            let shared = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .endpoint_url(endpoint)
                .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(
                    Credentials::new("k", "s", None, None, "test"),
                ))
                .http_client(listener.clone())
                .build();
            let store = S3Recordings::new(&shared, Bucket::to_read("b"));
            let put = store.put("k.json", b"{}".to_vec(), Expect::Nothing).await;
            assert_eq!(put, Ok(true));
            let requests = listener.0.lock().unwrap();
            assert_eq!(requests.len(), 1);
            let header = |name| requests[0].headers().get(name);
            assert_eq!(header("x-amz-content-sha256"), Some(expected), "{endpoint}");
            assert!(header("authorization").is_some(), "{endpoint}");
            let checksum = super::super::checksum::Checksum::of(b"{}").to_base64();
            assert_eq!(header("x-amz-checksum-crc64nvme"), Some(&*checksum));
        }
    }
}
