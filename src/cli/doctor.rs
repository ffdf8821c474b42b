//! `callreel doctor`: looks at a deployment and says what is wrong with it and what to do.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::CliError;
use super::text::{counted, plain};
use crate::aws::Access;
use crate::aws::deployment::{Asked, gather};
use crate::doctor::{Finding, Level, examine};

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.doctor/1";

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Only reads; what it may not read stays unchecked, and the permission is named. docs/doctor.md \
    explains each check.\n\nStart here:  callreel doctor --stack callreel\n\nExit codes: 0 no error found (warnings may be); 1 an error was found, or the deployment \
    could not be looked at; 2 wrong usage."
)]
pub(super) struct DoctorArgs {
    /// The recorder's function, by name or ARN [default: the only one with Callreel's settings]
    #[arg(long, value_name = "NAME", conflicts_with = "stack")]
    function: Option<String>,
    /// The CloudFormation stack that the function belongs to
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// The Connect instance, by id [default: the one that feeds the function]
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// The function's region [default: as the AWS configuration has it]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// A profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// One endpoint for all services, e.g. that of a stand-in
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

pub(super) fn run(args: &DoctorArgs, out: &mut dyn Write, as_json: bool) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Told(format!("the async runtime: {error}; try again")))?;
    let access = Access {
        region: args.region.clone(),
        profile: args.profile.clone(),
        endpoint: args.endpoint_url.clone(),
    };
    let asked = Asked {
        function: args.function.clone(),
        stack: args.stack.clone(),
        instance: args.instance.clone(),
    };
    if let Some(profile) = &args.profile {
        super::account::check_profile(&runtime, profile)?;
    }
    let deployment = runtime
        .block_on(Box::pin(gather(access, asked)))
        .map_err(|error| CliError::Told(error.to_string()))?;
    let mut findings = examine(&deployment);
    // The worst first; within a level, in the order of the checks.
    findings.sort_by_key(|finding| finding.level);
    let written = match as_json {
        true => write_json(out, &deployment.function_name, &findings),
        false => write_text(out, &deployment.function_name, &findings),
    };
    super::ended(count(&findings, Level::Error), written)
}

fn count(findings: &[Finding], level: Level) -> usize {
    let of = findings.iter().filter(|finding| finding.level == level);
    of.count()
}

fn write_json(out: &mut dyn Write, function: &str, findings: &[Finding]) -> io::Result<()> {
    let counts = Level::ALL.map(|level| (level.name().to_owned(), json!(count(findings, level))));
    let report = json!({
        "schema": SCHEMA,
        "callreel": env!("CARGO_PKG_VERSION"),
        "function": function,
        "counts": Value::Object(counts.into_iter().collect()),
        "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
    });
    writeln!(out, "{report:#}")
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "check": finding.check.info().name,
        "level": finding.level.name(),
        "subject": finding.subject,
        "finding": finding.finding,
        "cure": finding.cure,
    })
}

/// A row for each finding, and under it its cure.
fn write_text(out: &mut dyn Write, function: &str, findings: &[Finding]) -> io::Result<()> {
    let checks = findings
        .iter()
        .map(|finding| finding.check.info().name.len());
    let width = checks.max().unwrap_or(0);
    let of_levels = Level::ALL.iter().map(|level| level.name().len());
    let first = of_levels.max().unwrap_or(0);
    writeln!(out, "{:<first$}  {:<width$}  FINDING", "LEVEL", "CHECK")?;
    for finding in findings {
        let (level, check) = (finding.level.name(), finding.check.info().name);
        let found = match finding.subject.as_str() {
            "" => plain(&finding.finding).into_owned(),
            subject => format!("{}: {}", plain(subject), plain(&finding.finding)),
        };
        writeln!(out, "{level:<first$}  {check:<width$}  {found}")?;
        if let Some(cure) = &finding.cure {
            writeln!(out, "{:<first$}  {:<width$}  -> {}", "", "", plain(cure))?;
        }
    }
    let counts = |level, noun| counted(count(findings, level) as u64, noun);
    writeln!(
        out,
        "\n{function}: {}, {}, {} unchecked, {} ok",
        counts(Level::Error, "error"),
        counts(Level::Warning, "warning"),
        count(findings, Level::Unchecked),
        count(findings, Level::Ok)
    )
}
