//! The page of calls in progress, wherever they come from: its address, its flags, and the
//! word on who listens.

use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::json;
#[cfg(feature = "operate")]
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::CliError;
use super::super::browser::{Told, tell_of_page};
use super::SCHEMA;
use crate::media::ticks::EpochMillis;
use crate::monitor::panel::Numbers;
use crate::web::guard::Guard;
use crate::web::monitor::{Listened, Listening, Live, router};
use crate::web::serve::{self, Bound, Stop, Stopper, ended_by_somebody};

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
    #[cfg(feature = "operate")]
    tell: UnboundedSender<String>,
    told: UnboundedReceiver<String>,
    bound: Bound,
    hosts: Vec<String>,
    stopper: Stopper,
    stop: Stop,
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
    let (tell, told) = unbounded_channel();
    let (stopper, stop) = serve::stop();
    let numbers = match args.show_numbers {
        true => Numbers::Whole,
        false => Numbers::Masked,
    };
    let listening = match args.no_listening {
        true => Listening::Off,
        false => Listening::Allowed,
    };
    let listened = tell.clone();
    // An error says that the command is ending.
    let told_of = move |it: Listened| drop(listened.send(listened_line(&it, json)));
    let live = Live::new(numbers, listening, told_of);
    let url = bound.url();
    let page = Told {
        what,
        schema: SCHEMA,
        page: &url,
        has_login: false,
        json,
        open: args.open,
    };
    tell_of_page(&bound, &page, out)?;
    Ok(Page {
        live,
        #[cfg(feature = "operate")]
        tell,
        told,
        bound,
        hosts: args.hosts.clone(),
        stopper,
        stop,
    })
}

impl Page {
    /// Where happenings go.
    pub(super) fn live(&self) -> Arc<Live> {
        self.live.clone()
    }

    /// Where lines go that are printed while the page is shown.
    #[cfg(feature = "operate")]
    pub(super) fn teller(&self) -> UnboundedSender<String> {
        self.tell.clone()
    }

    /// Asked for when somebody ends the page.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Shows calls until somebody ends it, or `work`, from which they come, fails. When the stop
    /// is asked for, `work` ends what is under way, and is awaited.
    pub(super) async fn show(
        mut self,
        work: impl Future<Output = Result<(), CliError>>,
        out: &mut dyn Write,
    ) -> Result<(), CliError> {
        let url = self.bound.url();
        let guard = Guard::at(self.bound.address()).also_named(self.hosts);
        let pages = guard.guard(router(self.live.clone(), self.stop.clone()));
        let served = self.bound.serve(pages, self.stop);
        let both = async {
            let served = async {
                let served = served.await;
                served.map_err(|error| CliError::Told(format!("{url}: {error}; start it again")))
            };
            tokio::try_join!(served, work).map(drop)
        };
        let printed = async {
            loop {
                match self.told.recv().await {
                    Some(line) => print(out, &line)?,
                    None => std::future::pending::<()>().await,
                }
            }
        };
        // The page is told of the end, and closes its connections.
        let ended = async {
            ended_by_somebody().await;
            self.stopper.ask();
            std::future::pending::<Infallible>().await
        };
        let done = tokio::select! {
            done = both => done,
            failed = printed => return failed,
            never = ended => match never {},
            never = self.live.run() => match never {},
        };
        // What was said last.
        while let Ok(line) = self.told.try_recv() {
            print(out, &line)?;
        }
        done
    }
}

fn print(out: &mut dyn Write, line: &str) -> Result<(), CliError> {
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Who listens is known.
fn listened_line(listened: &Listened, json: bool) -> String {
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
        return line.to_string();
    }
    match ended {
        None => format!("{began} somebody listens in to {contact}"),
        Some(ended) => format!("{ended} nobody listens in to {contact} any more"),
    }
}
