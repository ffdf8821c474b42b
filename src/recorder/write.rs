//! Writing a recording's files: begun with the first sample, fed as buffers fill, ended
//! together when the length is known.

use bytes::Bytes;
use futures_util::future::join_all;

use crate::failure::{Failure, FailureKind};
use crate::media::assembly::Assembly;
use crate::media::wav::{self, Output};
use crate::port::{RecordingStore, Stored, Upload};
use crate::recording::plan::RecordingPlan;

/// The files of one recording on their way to the store.
pub(super) struct Files<'a, R: RecordingStore> {
    store: &'a R,
    plan: &'a RecordingPlan,
    uploads: Vec<(Output, R::Upload)>,
}

impl<'a, R: RecordingStore> Files<'a, R> {
    pub fn new(store: &'a R, plan: &'a RecordingPlan) -> Self {
        Self {
            store,
            plan,
            uploads: Vec::new(),
        }
    }

    /// Takes full buffers away until all that is settled is encoded.
    pub async fn take(&mut self, assembly: &mut Assembly) -> Result<(), Failure> {
        while assembly.encode() {
            self.flush(assembly).await?;
        }
        Ok(())
    }

    /// Takes all encoded bytes away.
    pub async fn flush(&mut self, assembly: &mut Assembly) -> Result<(), Failure> {
        if assembly
            .buffers()
            .iter()
            .all(|(_, buffer)| buffer.is_empty())
        {
            return Ok(());
        }
        if self.uploads.is_empty() {
            for output in self.plan.authorisation.outputs() {
                let key = self.plan.keys.wav(*output);
                let upload = self.store.begin(&key, &self.plan.id.contact).await?;
                self.uploads.push((*output, upload));
            }
        }
        for ((_, upload), (_, buffer)) in self.uploads.iter_mut().zip(assembly.buffers()) {
            upload.write(Bytes::from(std::mem::take(buffer))).await?;
        }
        Ok(())
    }

    /// Ends the files side by side, each with its header. A side without audio (`heard`, by
    /// [`Direction::index`]) gets no file, and no place in the mix. When one fails, the
    /// others end all the same: what was begun is ended or aborted by whoever began it.
    ///
    /// [`Direction::index`]: crate::media::fragment::Direction::index
    pub async fn finish(
        self,
        samples: u64,
        heard: [bool; 2],
    ) -> Result<Vec<(Output, String, Stored)>, Failure> {
        let plan = self.plan;
        let finished = self.uploads.into_iter().map(|(output, upload)| async move {
            let mut sides = output.directions().iter();
            if !sides.all(|side| heard[side.index()]) {
                upload.abort().await;
                return Ok(None);
            }
            let key = plan.keys.wav(output);
            match wav::header(output.channels(), samples) {
                Ok(header) => {
                    let stored = upload.finish(header).await?;
                    Ok(Some((output, key, stored)))
                }
                Err(error) => {
                    upload.abort().await;
                    Err(Failure::new(FailureKind::TooLong, key, error))
                }
            }
        });
        let finished: Result<Vec<_>, Failure> = join_all(finished).await.into_iter().collect();
        Ok(finished?.into_iter().flatten().collect())
    }

    /// Gives all files up.
    pub async fn abort(self) {
        for (_, upload) in self.uploads {
            upload.abort().await;
        }
    }
}
