//! A mail: from whom and to whom, and either a whole message (MIME) or a template of the
//! operator's with its data.

mod address;
mod letter;
mod template;

pub use address::{Address, NotAnAddress};
pub use letter::{Letter, fits, subject};
pub use template::{Named, data};

/// The most that SES takes of a message, in bytes behind base64, is 40 MB: what is longer with
/// the recording in it goes without, and has the link alone.
pub const MAX_MESSAGE_BYTES: usize = 38_000_000;
/// The most that SES takes of a template's data, in characters.
pub const MAX_TEMPLATE_DATA_CHARS: usize = 262_144;

/// A mail to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// `FromEmailAddress`.
    pub from: Address,
    /// The one of `Destination.ToAddresses`.
    pub to: Address,
    /// What is in it.
    pub content: Content,
}

/// What is in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `Content.Raw`: a whole message, of [`MAX_MESSAGE_BYTES`] at the most.
    Raw(Vec<u8>),
    /// `Content.Template`.
    Template {
        /// `TemplateName`.
        name: Box<str>,
        /// `TemplateData`: a JSON object of texts, of [`MAX_TEMPLATE_DATA_CHARS`] at the most.
        data: String,
    },
}

/// A template's text, with the names of its variables in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateText {
    /// `Subject`.
    pub subject: String,
    /// `Text`; empty when there is none.
    pub text: String,
    /// `Html`; empty when there is none.
    pub html: String,
}
