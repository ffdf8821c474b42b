//! Recordings out of media with no contact record at hand: each contact that the fragments
//! name gets files of its own, and a verdict that says nothing of consent.

use futures_util::Stream;

use crate::failure::Failure;
use crate::media::attribution::Claim;
use crate::media::fragment::{FragmentNumber, FragmentRange};
use crate::media::request::Answer;
use crate::media::sides::{Authorisation, Consent};
use crate::port::{Expect, NoDeadline, Recordings};
use crate::recorder::{AllOf, assemble};
use crate::recording::key::{RecordingId, RecordingKeys, RecordingStart};
use crate::recording::parties::Parties;
use crate::recording::plan::{Policy, RecordingPlan, Times, Urls};
use crate::recording::verdict::Verdict;

/// What the media itself says of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The contact that its fragments name.
    pub contact: String,
    /// The number of the first of them.
    pub first: Option<FragmentNumber>,
    /// The names of the files that they lie in: what the verdict has for a stream.
    pub files: Vec<String>,
}

/// Writes the files and the verdict of one contact, of which these answers are the media, in
/// order. Files and a verdict that are there are replaced.
pub async fn extract<R: Recordings>(
    media: &Media,
    answers: impl Stream<Item = Result<Answer, Failure>>,
    store: &R,
    policy: &Policy,
) -> Result<Verdict, Failure> {
    let plan = plan(media);
    let all = AllOf(media.contact.as_str().into());
    let verdict = assemble(store, policy, &NoDeadline, &plan, answers, &all)
        .await?
        .verdict;
    // Extracted again, it is replaced; there are no other deliveries here.
    let key = plan.keys.verdict();
    let before = store.read(&key).await?;
    let expected = Expect::unchanged(before.as_deref());
    store.put(&key, verdict.to_json(), expected).await?;
    Ok(verdict)
}

/// What a contact record would say, as far as the media itself says it.
fn plan(media: &Media) -> RecordingPlan {
    let contact: Box<str> = media.contact.as_str().into();
    RecordingPlan {
        id: RecordingId {
            contact: contact.clone(),
            initiated: None,
            start: RecordingStart::Fragment(media.first.unwrap_or(FragmentNumber::ZERO)),
        },
        keys: RecordingKeys::flat(&contact),
        has_siblings: false,
        initial_contact: contact.clone(),
        previous_contact: None,
        next_contact: None,
        parties: Parties::default(),
        instance: None,
        stream: media.files.join(", ").into(),
        claim: Claim {
            range: FragmentRange::default(),
            contacts: vec![contact],
        },
        times: Times::default(),
        authorisation: Authorisation::Both,
        tags: Vec::new(),
        urls: Urls::Lacking,
        consent: Consent::Unknown,
    }
}
