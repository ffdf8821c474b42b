//! What both functions of the answering machine are set by.

use super::{Setting, setting};

pub(super) const REGION: Setting = setting("S3_REGION", "AWS_REGION", "The region of the bucket.");
pub(super) const OWNER: Setting = setting(
    "S3_BUCKET_OWNER",
    "the function's account",
    "The account that the bucket belongs to, 12 digits: every call to S3 names it.",
);
pub(super) const LOG: Setting = setting(
    "LOG_LEVEL",
    "info",
    "`error`, `warn`, `info`, `debug` or `trace`.",
);
pub(super) const ENDPOINT: Setting = setting(
    "ENDPOINT_URL",
    "AWS's own",
    "One endpoint for all of AWS, such as the sandbox's.",
);
