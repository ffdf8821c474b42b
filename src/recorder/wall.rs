//! The wall around each thing that is done for one record: what panics behind it, be it of
//! ours or of a library's, fails that record alone, and not the batch with it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

use crate::failure::{Failure, FailureKind};

/// What a step comes to. Its panic is a failure of the subject; nothing that the step has
/// changed may be used after that.
pub(crate) fn walled<T>(subject: &str, step: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| broke_off(subject, &*panic))
}

/// The same for work that waits.
pub(crate) async fn walled_work<T>(
    subject: &str,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let worked = AssertUnwindSafe(work).catch_unwind().await;
    worked.map_err(|panic| broke_off(subject, &*panic))
}

/// The failure by a panic, with what it says, on one line.
fn broke_off(subject: &str, panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("nothing is said").replace('\n', " ");
    let cut: String = text.chars().take(300).collect();
    let cause = format!("it broke off by a panic: {cut}");
    Failure::new(FailureKind::Defect, subject, cause)
}
