//! `callreel monitor`: calls in progress. What is done with them is told beside: a [`page`] in
//! the browser, or lines; and where they come from: Amazon Connect ([`live`]), or the [`demo`].

mod demo;
#[cfg(feature = "operate")]
mod live;
mod page;

use std::io::Write;

use super::CliError;

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.monitor/1";

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
    demo: Option<demo::DemoScene>,
    #[command(flatten)]
    page: page::PageArgs,
    #[cfg(feature = "operate")]
    #[command(flatten)]
    live: live::LiveArgs,
}

/// Shows calls until somebody ends it.
pub(super) fn run(args: &MonitorArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    match args.demo {
        Some(scene) => show_demo(args, scene, out, json),
        None => watch(args, out, json),
    }
}

fn show_demo(
    args: &MonitorArgs,
    scene: demo::DemoScene,
    out: &mut dyn Write,
    json: bool,
) -> Result<(), CliError> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::Told(format!("no runtime: {error}; try again")))?;
    runtime.block_on(async {
        let page = page::open(&args.page, "made-up calls", out, json).await?;
        let (live, stop) = (page.live(), page.stop());
        let playing = async {
            tokio::select! {
                () = stop.asked() => Ok(()),
                failed = demo::play(&live, scene) => failed.map(|never| match never {}),
            }
        };
        page.show(playing, out).await
    })
}

#[cfg(feature = "operate")]
fn watch(args: &MonitorArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    live::run(&args.live, &args.page, out, json)
}

#[cfg(not(feature = "operate"))]
fn watch(_: &MonitorArgs, _: &mut dyn Write, _: bool) -> Result<(), CliError> {
    Err(CliError::Usage(
        "which calls? This build shows made-up ones: give --demo; for those of Amazon Connect build \
         with --features operate"
            .to_owned(),
    ))
}
