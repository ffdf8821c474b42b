//! `callreel monitor`: calls in progress. What is done with them is told beside: a [`page`] in
//! the browser; and where they come from: the [`demo`].

mod demo;
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
}

/// Shows calls until somebody ends it.
pub(super) fn run(args: &MonitorArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let Some(scene) = args.demo else {
        return Err(CliError::Usage(
            "which calls? This build shows made-up ones: give --demo".to_owned(),
        ));
    };
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::Told(format!("no runtime: {error}; try again")))?;
    runtime.block_on(async {
        let page = page::open(&args.page, "made-up calls", out, json).await?;
        let live = page.live();
        page.show(demo::play(&live, scene), out, json).await
    })
}
