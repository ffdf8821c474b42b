//! `callreel monitor`: calls in progress, on a page in the browser.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::{CliError, tell_warning};
use crate::media::ticks::EpochMillis;
use crate::monitor::demo::{self, Scene};
use crate::monitor::happening::Happening;
use crate::monitor::panel::Numbers;
use crate::web::guard::Guard;
use crate::web::monitor::{Listened, Listening, Live, router};
use crate::web::serve::{self, ended_by_somebody};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.monitor/1";
/// Between two playings of a demonstration, with an empty page.
const PAUSE: Duration = Duration::from_secs(8);

#[derive(clap::Args, Debug)]
#[command(after_help = "Try it:  callreel monitor --demo --open\n\n\
    Whoever can open the page sees and hears the calls: it answers on this machine alone, unless --bind says otherwise.")]
pub(super) struct MonitorArgs {
    /// Play made-up calls in real time: `calls` (three, which overlap), or `tones`
    #[arg(
        long,
        value_name = "SCENE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "calls"
    )]
    demo: Option<DemoScene>,
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

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum DemoScene {
    Calls,
    Tones,
}

/// Shows calls until somebody ends it.
pub(super) fn run(args: &MonitorArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let Some(scene) = args.demo else {
        return Err(CliError::Usage(
            "this build shows made-up calls alone; give --demo".to_owned(),
        ));
    };
    let scene = match scene {
        DemoScene::Calls => Scene::Calls,
        DemoScene::Tones => Scene::Tones,
    };
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::Told(format!("no runtime: {error}; try again")))?;
    runtime.block_on(show(args, scene, out, json))
}

async fn show(
    args: &MonitorArgs,
    scene: Scene,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    let bound = serve::bind(args.bind, args.port)
        .await
        .map_err(|error| CliError::Told(error.to_string()))?;
    let (tell, mut listened) = mpsc::unbounded_channel();
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
        let document = json!({"schema": SCHEMA, "page": url});
        writeln!(out, "{document}")?;
    } else {
        writeln!(out, "{url} shows made-up calls; Ctrl-C ends it")?;
    }
    out.flush()?;
    if !args.bind.is_loopback() {
        tell_warning("whoever reaches this address sees and hears the calls: there is no login");
    }
    if args.open {
        open(&url);
    }
    let (stopper, stop) = serve::stop();
    let guard = Guard::at(bound.address()).also_named(args.hosts.iter().cloned());
    let pages = guard.guard(router(live.clone(), stop.clone()));
    let served = bound.serve(pages, stop);
    let asked = async {
        ended_by_somebody().await;
        stopper.ask();
        std::future::pending::<()>().await;
    };
    let told = async {
        while let Some(listened) = listened.recv().await {
            tell_listened(&listened, out, json)?;
        }
        std::future::pending::<Result<(), CliError>>().await
    };
    tokio::select! {
        ended = served => ended.map_err(|error| CliError::Told(format!("{url}: {error}; start it again"))),
        failed = told => failed,
        () = asked => Ok(()),
        () = play(&live, scene) => Ok(()),
        _ = live.run() => Ok(()),
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

/// Plays a scene again and again.
async fn play(live: &Arc<Live>, scene: Scene) {
    for number in 0.. {
        let (begin, start) = (Instant::now(), now());
        for due in demo::playing(scene, number, start) {
            sleep_until(begin + Duration::from_millis(due.millis)).await;
            live.push(&Happening {
                contact: due.contact,
                at: now(),
                what: due.what,
            });
        }
        sleep(PAUSE).await;
    }
}

fn now() -> EpochMillis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    EpochMillis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Opens the page. Where there is no browser to be had, its address has been printed.
fn open(url: &str) {
    let (program, before): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("explorer", &[])
    } else {
        ("xdg-open", &[])
    };
    let opened = Command::new(program)
        .args(before)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = opened {
        tell_warning(&format!(
            "no browser was opened ({program}: {error}); open {url} yourself"
        ));
    }
}
