//! The archive's pages behind the login: who comes in is noted, and so is what they do.

use std::sync::Arc;

use crate::port::{Browsing, Objects};
use crate::shelves::Shelves;
use crate::web::Pages;
use crate::web::archive::{Archive, router};
use crate::web::login::{CookieKeys, Ledger, Login, Terms};

/// Pages over these shelves for those whom the login lets in. `ledger` is where it stands who
/// listened; `given` says how sound is given. The error says what is wrong with the terms.
pub fn pages<S, O>(
    shelves: Shelves<S>,
    terms: Terms,
    keys: CookieKeys,
    ledger: Ledger<O>,
    given: impl FnOnce(Archive<S>) -> Archive<S>,
) -> Result<Pages, String>
where
    S: Browsing + Send + Sync + 'static,
    O: Objects + Send + Sync + 'static,
{
    let listened = Arc::new(ledger);
    let login = Arc::new(Login::new(terms, keys, Arc::clone(&listened))?);
    let archive = Archive::behind_login(shelves).noting(move |heard, now| {
        let listened = Arc::clone(&listened);
        Box::pin(async move { listened.note(&heard, now).await })
    });
    Ok(login.before(router(Arc::new(given(archive)))))
}
