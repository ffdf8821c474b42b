//! The page of calls in progress, wherever they come from: its address, its flags, and the
//! word on who listens.

use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::browser::open_in_browser;
use super::super::{CliError, tell_warning};
use super::SCHEMA;
use crate::media::ticks::EpochMillis;
use crate::monitor::panel::Numbers;
use crate::web::guard::Guard;
use crate::web::monitor::{Listened, Listening, Live, router};
use crate::web::serve::{self, Bound, ended_by_somebody};

#[derive(clap::Args, Debug)]
pub(super) struct PageArgs {
    /// The port of the page; 0 for any
    #[arg(long, value_name = "P", default_value_t = 8750)]
    port: u16,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    /// Show telephone numbers whole, in place of their last three digits
    #[arg(long)]
    show_numbers: bool,
    /// Let nobody listen in
    #[arg(long)]
    no_listening: bool,
    /// Serve the page at another address of this machine: others can open it then
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// A name that leads to the page, such as `desk.example.com:8750` (repeatable)
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

/// A page whose address is taken and told.
pub(super) struct Page {
    live: Arc<Live>,
    listened: UnboundedReceiver<Listened>,
    bound: Bound,
    hosts: Vec<String>,
}

/// Takes the page's address and tells it, with `what` it shows.
pub(super) async fn open(
    args: &PageArgs,
    what: &str,
    out: &mut dyn Write,
    json: bool,
) -> Result<Page, CliError> {
    let bound = serve::bind(args.bind, args.port)
        .await
        .map_err(|error| CliError::Told(error.to_string()))?;
    let (tell, listened) = unbounded_channel();
    let numbers = match args.show_numbers {
        true => Numbers::Whole,
        false => Numbers::Masked,
    };
    let listening = match args.no_listening {
        true => Listening::Off,
        false => Listening::Allowed,
    };
    // An error says that the command is ending.
    let live = Live::new(numbers, listening, move |it| drop(tell.send(it)));
    let url = bound.url();
    if json {
        writeln!(out, "{}", json!({"schema": SCHEMA, "page": url}))?;
    } else {
        writeln!(out, "{url} shows {what}; Ctrl-C ends it")?;
    }
    out.flush()?;
    if !args.bind.is_loopback() {
        tell_warning("whoever reaches this address sees and hears the calls: there is no login");
    }
    if args.open {
        open_in_browser(&url);
    }
    Ok(Page {
        live,
        listened,
        bound,
        hosts: args.hosts.clone(),
    })
}

impl Page {
    /// Where happenings go.
    pub(super) fn live(&self) -> Arc<Live> {
        self.live.clone()
    }

    /// Shows calls until somebody ends it, or `work`, from which they come, fails.
    pub(super) async fn show(
        mut self,
        work: impl Future<Output = Result<Infallible, CliError>>,
        out: &mut dyn Write,
        json: bool,
    ) -> Result<(), CliError> {
        let url = self.bound.url();
        let (stopper, stop) = serve::stop();
        let guard = Guard::at(self.bound.address()).also_named(self.hosts);
        let pages = guard.guard(router(self.live.clone(), stop.clone()));
        let served = self.bound.serve(pages, stop);
        let told = async {
            loop {
                match self.listened.recv().await {
                    Some(listened) => tell_listened(&listened, out, json)?,
                    None => std::future::pending::<()>().await,
                }
            }
        };
        // The page is told of the end, and closes its connections.
        let ended = async {
            ended_by_somebody().await;
            stopper.ask();
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            served = served => served.map_err(|error| CliError::Told(format!("{url}: {error}; start it again"))),
            failed = work => failed.map(|never| match never {}),
            failed = told => failed,
            never = ended => match never {},
            never = self.live.run() => match never {},
        }
    }
}

/// Who listens is known.
fn tell_listened(listened: &Listened, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let Listened {
        contact,
        began,
        ended,
    } = listened;
    if json {
        let line = json!({
            "schema": SCHEMA,
            "listened": **contact,
            "began": began.to_rfc3339(),
            "ended": ended.map(EpochMillis::to_rfc3339),
        });
        writeln!(out, "{line}")?;
    } else {
        match ended {
            None => writeln!(out, "{began} somebody listens in to {contact}")?,
            Some(ended) => writeln!(out, "{ended} nobody listens in to {contact} any more")?,
        }
    }
    Ok(out.flush()?)
}
