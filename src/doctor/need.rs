//! What a role needs, as a plain value.

/// One permission on one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The action, such as `s3:PutObject`.
    pub action: &'static str,
    /// The ARN of the thing, or of one that stands for its like.
    pub resource: String,
    /// What a request brings along that a policy's condition may look at.
    pub context: Vec<(&'static str, String)>,
    /// What does not work without it.
    pub without: &'static str,
}
