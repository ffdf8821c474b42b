//! `callreel archive`: recordings on pages in a browser, from a folder or a bucket; or who
//! listened to one of them.

#[cfg(feature = "operate")]
mod aws;
mod listened;
#[cfg(feature = "operate")]
mod log;
#[cfg(feature = "operate")]
mod login;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use super::browser::{Told, tell_of_page};
use super::{CliError, check_folder};
use crate::local::LocalRecordings;
use crate::media::ticks::EpochMillis;
use crate::port::Browsing;
use crate::settings::archive::LISTENED;
use crate::shelves::{Shelves, Trust};
use crate::web::Pages;
use crate::web::archive::{Archive, router};
use crate::web::guard::Guard;
use crate::web::serve::{self, ended_by_somebody};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.archive/1";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Try it:  callreel synth && callreel record demo/event.json && callreel archive --open\n\n\
    Whoever can open the page sees and hears the calls: it answers on this machine alone, unless --bind says otherwise. \
    Only indexes are written (index/…/recordings.ndjson), which may be deleted at any time."
)]
pub(super) struct ArchiveArgs {
    /// The folder of recordings, as --out of record and extract
    #[arg(value_name = "DIR", default_value = "out")]
    folder: PathBuf,
    /// The port of the pages; 0 for any
    #[arg(long, value_name = "P", default_value_t = 8751)]
    port: u16,
    /// Open the search in the browser
    #[arg(long)]
    open: bool,
    /// Serve the pages at another address of this machine: others can open them then
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// A name that leads to the pages, such as `desk.example.com:8751` (repeatable)
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Only recordings whose paths start with this, such as `recordings/`
    #[arg(long, value_name = "PREFIX", default_value = "")]
    key_prefix: String,
    /// Print who listened to this contact's recordings, and serve nothing
    #[arg(long, value_name = "CONTACT", group = "lines")]
    listened: Option<String>,
    /// What the paths of the lines of who listened start with
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = LISTENED.default,
        requires = "lines"
    )]
    listened_prefix: String,
    /// Only lines of this time and later (a day, or a time as in RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = super::values::parse_time, requires = "listened")]
    since: Option<EpochMillis>,
    #[cfg(feature = "operate")]
    #[command(flatten)]
    login: login::LoginArgs,
    #[cfg(feature = "operate")]
    #[command(flatten)]
    aws: aws::ArchiveAwsArgs,
}

pub(super) fn run(args: &ArchiveArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let prefixes = [
        ("--key-prefix", &args.key_prefix),
        ("--listened-prefix", &args.listened_prefix),
    ];
    for (flag, prefix) in prefixes {
        if !prefix.is_empty() && !prefix.ends_with('/') {
            return Err(CliError::Usage(format!(
                "{flag} {prefix}: it must end in a slash: {prefix}/"
            )));
        }
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::Told(format!("no runtime: {error}; try again")))?;
    runtime.block_on(async {
        #[cfg(feature = "operate")]
        if args.aws.bucket.is_some() {
            return aws::run(args, out, json).await;
        }
        check_folder(&args.folder)?;
        let store = || LocalRecordings::new(&args.folder);
        let what = format!("the recordings of {}", args.folder.display());
        show(args, store, Trust::Never, &what, out, json).await
    })
}

/// Serves the pages over a store until somebody ends it, or tells who listened.
async fn show<S: Browsing + Send + Sync + 'static>(
    args: &ArchiveArgs,
    store: impl Fn() -> S,
    trust: Trust,
    what: &str,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    if let Some(contact) = &args.listened {
        return listened::tell(args, &store(), contact, out, json).await;
    }
    let bound = serve::bind(args.bind, args.port)
        .await
        .map_err(|error| CliError::Told(error.to_string()))?;
    let url = bound.url();
    let desk = Desk {
        shelves: Shelves::new(store(), &args.key_prefix, trust).leaving_out(&args.listened_prefix),
        guard: Guard::at(bound.address()).also_named(args.hosts.clone()),
        page: url.clone(),
    };
    #[cfg(feature = "operate")]
    let served = login::before(args, desk, store)?;
    #[cfg(not(feature = "operate"))]
    let served = desk.open();
    let told = Told {
        what,
        schema: SCHEMA,
        page: &served.page,
        has_login: served.has_login,
        json,
        open: args.open,
    };
    tell_of_page(&bound, &told, out)?;
    let (stopper, stop) = serve::stop();
    let ended_by_itself = bound.serve(served.pages, stop);
    let ended = async {
        ended_by_somebody().await;
        stopper.ask();
        std::future::pending::<()>().await
    };
    tokio::select! {
        ended = ended_by_itself => ended.map_err(|error| CliError::Told(format!("{url}: {error}; start it again"))),
        () = ended => Ok(()),
    }
}

/// What is to be served, before it is known who may come.
struct Desk<S> {
    shelves: Shelves<S>,
    guard: Guard,
    /// Where people open it, with a slash at its end.
    page: String,
}

/// Pages, and who may come.
struct Served {
    pages: Pages,
    page: String,
    has_login: bool,
}

impl<S: Browsing + Send + Sync + 'static> Desk<S> {
    /// For whoever reaches the address.
    fn open(self) -> Served {
        let pages = router(Arc::new(Archive::at_the_desk(self.shelves)));
        Served {
            pages: self.guard.guard(pages),
            page: self.page,
            has_login: false,
        }
    }
}
