//! The tags of an object.

use super::S3Recordings;
use crate::failure::Failure;
use crate::port::voicemail::Tagged;

impl Tagged for S3Recordings {
    async fn tags(&self, key: &str) -> Result<Option<Vec<(String, String)>>, Failure> {
        self.0.calls.tags(key).await
    }
}
