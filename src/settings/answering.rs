//! What both functions of the answering machine are set by.

use super::{Setting, setting};

pub(super) const REGION: Setting = setting("S3_REGION", "AWS_REGION", "The region of the bucket.");
pub(super) const OWNER: Setting = setting(
    "S3_BUCKET_OWNER",
    "the function's account",
    "The account that the bucket belongs to, 12 digits: every call to S3 names it.",
);
