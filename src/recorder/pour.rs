//! Answers, in order, through attribution and timeline into the files. What did not come,
//! was damaged or was refused is noted where it would have stood.

use futures_util::{Stream, StreamExt, pin_mut};

use super::write::Files;
use crate::failure::Failure;
use crate::media::assembly::Assembly;
use crate::media::attribution::Attribution;
use crate::media::fragment::{ContactTag, Fragment, FragmentNumber, SegmentUid};
use crate::media::request::Answer;
use crate::port::Recordings;
use crate::recording::plan::RecordingPlan;
use crate::recording::verdict::Account;

/// Looks ahead in the recording's fragments: an archive can be asked twice.
pub trait LookAhead {
    /// Whose an upload session is, by the fragments behind this one;
    /// [`ContactTag::None`] when they do not tell.
    fn whose(
        &self,
        session: SegmentUid,
        behind: Option<FragmentNumber>,
    ) -> impl Future<Output = Result<ContactTag, Failure>> + Send;
}

/// All sessions are this contact's: for media that was traced before.
#[derive(Clone, Debug)]
pub struct AllOf(pub Box<str>);

impl LookAhead for AllOf {
    async fn whose(
        &self,
        _session: SegmentUid,
        _behind: Option<FragmentNumber>,
    ) -> Result<ContactTag, Failure> {
        Ok(ContactTag::One(self.0.clone()))
    }
}

/// A recording under way.
struct Pouring<'f, 'a, R: Recordings> {
    account: Account,
    attribution: Attribution,
    assembly: Assembly,
    files: &'f mut Files<'a, R>,
}

/// Pours every answer into the files.
pub(super) async fn pour<R: Recordings>(
    plan: &RecordingPlan,
    account: Account,
    answers: impl Stream<Item = Result<Answer, Failure>>,
    ahead: &impl LookAhead,
    files: &mut Files<'_, R>,
) -> Result<(Account, Attribution, Assembly), Failure> {
    let mut pouring = Pouring {
        account,
        attribution: Attribution::new(plan.claim.clone()),
        assembly: Assembly::new(plan.authorisation),
        files,
    };
    pin_mut!(answers);
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        pouring.account.take(&answer);
        for fragment in answer.fragments {
            let number = fragment.number;
            pouring.attribution.push(fragment);
            pouring.pour_decided().await?;
            if let Some(session) = pouring.attribution.undecided() {
                let owner = ahead.whose(session, number).await?;
                pouring.attribution.name(session, owner);
                pouring.pour_decided().await?;
            }
        }
    }
    pouring.attribution.finish();
    pouring.pour_decided().await?;
    let Pouring {
        mut account,
        attribution,
        mut assembly,
        files,
    } = pouring;
    account.end(assembly.reached());
    assembly.finish();
    files.take(&mut assembly).await?;
    files.flush_last(&mut assembly).await?;
    Ok((account, attribution, assembly))
}

impl<R: Recordings> Pouring<'_, '_, R> {
    /// Pours what is decided, own fragments into the files.
    async fn pour_decided(&mut self) -> Result<(), Failure> {
        while let Some((fragment, judged)) = self.attribution.next_judged() {
            match judged {
                Ok(()) => self.pour_own(fragment).await?,
                Err(refusal) => {
                    let reached = self.assembly.reached();
                    self.account.refuse(&fragment, refusal, reached);
                }
            }
        }
        Ok(())
    }

    async fn pour_own(&mut self, own: Fragment) -> Result<(), Failure> {
        self.account.take_own(&own, self.assembly.reached());
        self.assembly.push(own);
        self.files.take(&mut self.assembly).await
    }
}
