//! `callreel archive --login ISSUER`: the same pages behind a login by OpenID Connect, for a
//! machine that several people reach, or to try the login. Who listened is kept in the folder
//! or the bucket, as the function `archive` does; who was refused is told on standard error.
//! Sessions end with the process.

use std::path::PathBuf;

use super::super::CliError;
use super::{ArchiveArgs, Desk, Served};
use crate::archive::rules::Rules;
use crate::archive::secure::is_safe;
use crate::archive::session::Lasting;
use crate::clock::now;
use crate::port::Browsing;
use crate::settings::archive::{GROUPS, NAME, SCOPES, issuer};
use crate::web::behind;
use crate::web::login::{Client, CookieKeys, Ledger, Terms};

/// Logins that may begin in a minute from one address, as the function has it.
const LOGINS_PER_MINUTE: u32 = 20;
/// As many when all come from the address of what speaks TLS before the port.
const LOGINS_PER_MINUTE_OF_ALL: u32 = 200;
/// Bytes of a file of rules or of a secret, at the most.
const MAX_FILE_BYTES: u64 = 64 << 10;

#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Login")]
pub(super) struct LoginArgs {
    /// Let in only who logs in at this provider of OpenID Connect, by its issuer
    #[arg(
        long = "login",
        value_name = "ISSUER",
        group = "lines",
        requires = "rules"
    )]
    issuer: Option<String>,
    /// Who may see what: JSON, or a file of it
    #[arg(long, value_name = "RULES", requires = "issuer")]
    rules: Option<String>,
    /// The client's id at the provider
    #[arg(
        long,
        value_name = "ID",
        default_value = "callreel-archive",
        requires = "issuer"
    )]
    client_id: String,
    /// A file with the client's secret, if it has one
    #[arg(long, value_name = "FILE", requires = "issuer")]
    client_secret: Option<PathBuf>,
    /// Where people reach the pages, if not at this machine's own address: `https://calls.example.com`
    #[arg(long, value_name = "URL", requires = "issuer")]
    page_url: Option<String>,
    /// What the provider is asked to tell
    #[arg(
        long,
        value_name = "SCOPES",
        default_value = SCOPES.default,
        requires = "issuer"
    )]
    scopes: String,
    /// The claim with the name by which a person answers calls
    #[arg(
        long,
        value_name = "CLAIM",
        default_value = NAME.default,
        requires = "issuer"
    )]
    name_claim: String,
    /// The claim with the person's groups
    #[arg(
        long,
        value_name = "CLAIM",
        default_value = GROUPS.default,
        requires = "issuer"
    )]
    groups_claim: String,
}

/// The pages, behind the login if one is asked for.
pub(super) fn before<S: Browsing + Send + Sync + 'static>(
    args: &ArchiveArgs,
    desk: Desk<S>,
    store: impl Fn() -> S,
) -> Result<Served, CliError> {
    let Some(terms) = args.login.terms(&desk.page)? else {
        return Ok(desk.open());
    };
    super::log::start();
    let page = format!("{}/", terms.base);
    let host = page.split('/').nth(2).unwrap_or_default().to_owned();
    let keys = CookieKeys::of_this_process().map_err(|error| CliError::Told(error.to_string()))?;
    // A name that no other process has: lines of who listened are named by it.
    let writer = format!("desk-{:x}-{:x}", now().0, std::process::id());
    let ledger = Ledger::new(store(), &args.listened_prefix, &writer);
    let as_it_is = |archive| archive;
    let pages = behind::pages(desk.shelves, terms, keys, ledger, as_it_is);
    let pages = pages.map_err(CliError::Told)?;
    Ok(Served {
        pages: desk.guard.also_named([host]).guard(pages),
        page,
        has_login: true,
    })
}

impl LoginArgs {
    /// The terms of the login that is asked for, if one is.
    fn terms(&self, own: &str) -> Result<Option<Terms>, CliError> {
        let (Some(provider), Some(rules)) = (&self.issuer, &self.rules) else {
            return Ok(None);
        };
        let wrong = |flag: &str, told: &str| CliError::Usage(format!("{flag}: {told}"));
        let provider = issuer(provider).map_err(|told| wrong("--login", &told))?;
        let base = self.page_url.as_deref().unwrap_or(own);
        let base = base.trim_end_matches('/');
        if !is_safe(base) || base.split('/').count() != 3 || base.contains(['?', '#']) {
            let told = format!(
                "{base} is no address that a login can be at: over TLS and without a path, such as \
                 https://calls.example.com, with what speaks TLS before this port; or one of this machine"
            );
            return Err(wrong("--page-url", &told));
        }
        let rules = match rules.trim_start().starts_with('{') {
            true => rules.clone(),
            false => read("--rules", &PathBuf::from(rules))?,
        };
        let rules = Rules::parse(&rules).map_err(|told| wrong("--rules", &told.to_string()))?;
        let secret = self.client_secret.as_ref();
        let secret = secret.map(|path| read("--client-secret", path));
        let secret = secret
            .transpose()?
            .map(|secret| secret.trim_end().to_owned());
        Ok(Some(Terms {
            client: Client {
                issuer: provider,
                id: self.client_id.clone(),
                secret,
                scopes: self.scopes.clone(),
            },
            base: base.to_owned(),
            rules,
            name_claim: self.name_claim.clone(),
            groups_claim: self.groups_claim.clone(),
            lasting: Lasting::default(),
            logins_per_minute: match self.page_url {
                Some(_) => LOGINS_PER_MINUTE_OF_ALL,
                None => LOGINS_PER_MINUTE,
            },
        }))
    }
}

/// A small file, as text.
fn read(flag: &str, path: &PathBuf) -> Result<String, CliError> {
    let told = |told: String| CliError::Usage(format!("{flag} {}: {told}", path.display()));
    let bytes = std::fs::metadata(path).map_err(|error| told(error.to_string()))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(told(format!("it is longer than {MAX_FILE_BYTES} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| told(error.to_string()))
}
