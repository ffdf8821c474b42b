//! The monitor's settings from flags, the environment and a TOML file.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::super::CliError;
use crate::media::ticks::EpochMillis;
use crate::settings::monitor::{Given, MonitorConfig, NO_EFFECT, SETTINGS, variable};

/// The clock on the desk.
pub(super) type Zone = TimeZone;

#[derive(clap::Args, Debug, Default)]
#[command(next_help_heading = "Calls of Amazon Connect")]
pub(in super::super) struct LiveArgs {
    /// A TOML file of settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// The region of both streams [default: ap-northeast-1]
    #[arg(long, visible_alias = "region", value_name = "REGION")]
    regionname: Option<String>,
    /// The data stream that live-start puts calls into
    #[arg(long, value_name = "NAME")]
    streamname: Option<String>,
    /// How often a request that AWS refused is made again [default: 3]
    #[arg(long, value_name = "N")]
    maxretrycount: Option<String>,
    /// The wait before the first of them; it doubles [default: 1000]
    #[arg(long, value_name = "MS")]
    retryinterval: Option<String>,
    /// How often each shard of the data stream is read [default: 1000]
    #[arg(long, value_name = "MS")]
    getrecordsinterval: Option<String>,
    /// The folder of the files [default: ./audio/]
    #[arg(long, value_name = "DIR")]
    audiopath: Option<String>,
    /// `latest`, `trim_horizon`, or a time [default: latest]
    #[arg(long, value_name = "WHERE")]
    start_position: Option<String>,
    /// A call of which no more media comes for so long is over [default: 20]
    #[arg(long, value_name = "S")]
    idle_end_seconds: Option<String>,
    /// How long such a call is looked at, should more of it come [default: 60]
    #[arg(long, value_name = "MIN")]
    come_back_minutes: Option<String>,
    /// A connection to media is changed at this age [default: 40]
    #[arg(long, value_name = "MIN")]
    max_session_minutes: Option<String>,
    /// The clock of labels and file names [default: local]
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Fill in silence, so that both files are on one clock
    #[arg(long)]
    keep_time: bool,
    /// No page: a line of JSON for each frame
    #[arg(long)]
    headless: bool,
    /// The folder for a picture of each side's spectrum
    #[arg(long = "snapshots", value_name = "DIR")]
    snapshot_dir: Option<String>,
    /// The amplitude that is the full height of those pictures [default: 8000]
    #[arg(long, value_name = "N")]
    spectrum_limit: Option<String>,
    /// Another endpoint for the data stream, e.g. the sandbox's
    #[arg(long, value_name = "URL")]
    endpoint_url_kinesis: Option<String>,
    /// Another endpoint for Kinesis Video Streams, e.g. the sandbox's
    #[arg(long, value_name = "URL")]
    endpoint_url_kinesisvideo: Option<String>,
}

impl LiveArgs {
    /// The settings; everything that is wrong is told in one line, and nothing is asked of AWS.
    pub(super) fn config(&self) -> Result<MonitorConfig, CliError> {
        let file = match &self.config {
            Some(path) => Some((path, read(path)?)),
            None => None,
        };
        let lookup = |name: &str| {
            if let Some((flag, value)) = self.flag(name) {
                return Some(Given { value, place: flag });
            }
            let place = variable(name);
            if let Ok(value) = std::env::var(&place)
                && !value.trim().is_empty()
            {
                return Some(Given { value, place });
            }
            let (path, table) = file.as_ref()?;
            let value = match table.get(name)? {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(switch) => switch.to_string(),
                toml::Value::Datetime(time) => time.to_string(),
                toml::Value::Array(_) | toml::Value::Table(_) => "a list or a table".to_owned(),
            };
            let place = format!("{}, {name}", path.display());
            Some(Given { value, place })
        };
        MonitorConfig::from_lookup(lookup)
            .map_err(|problems| CliError::Usage(format!("configuration: {problems}")))
    }

    fn flag(&self, name: &str) -> Option<(String, String)> {
        let switched = |on: bool| on.then(|| "true".to_owned());
        let (flag, value) = match name {
            "regionname" => ("--regionname", self.regionname.clone()),
            "streamname" => ("--streamname", self.streamname.clone()),
            "maxretrycount" => ("--maxretrycount", self.maxretrycount.clone()),
            "retryinterval" => ("--retryinterval", self.retryinterval.clone()),
            "getrecordsinterval" => ("--getrecordsinterval", self.getrecordsinterval.clone()),
            "audiopath" => ("--audiopath", self.audiopath.clone()),
            "start_position" => ("--start-position", self.start_position.clone()),
            "idle_end_seconds" => ("--idle-end-seconds", self.idle_end_seconds.clone()),
            "come_back_minutes" => ("--come-back-minutes", self.come_back_minutes.clone()),
            "max_session_minutes" => ("--max-session-minutes", self.max_session_minutes.clone()),
            "timezone" => ("--timezone", self.timezone.clone()),
            "keep_time" => ("--keep-time", switched(self.keep_time)),
            "headless" => ("--headless", switched(self.headless)),
            "snapshot_dir" => ("--snapshots", self.snapshot_dir.clone()),
            "spectrum_limit" => ("--spectrum-limit", self.spectrum_limit.clone()),
            "endpoint_url_kinesis" => ("--endpoint-url-kinesis", self.endpoint_url_kinesis.clone()),
            "endpoint_url_kinesisvideo" => (
                "--endpoint-url-kinesisvideo",
                self.endpoint_url_kinesisvideo.clone(),
            ),
            _ => return None,
        };
        Some((flag.to_owned(), value?))
    }
}

fn read(path: &Path) -> Result<toml::Table, CliError> {
    let told = |problem: String| CliError::Usage(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| told(format!("{error}; give a file of settings with --config")))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| told(format!("not TOML: {}", error.message())))?;
    for name in table.keys() {
        let is_known = SETTINGS.iter().any(|setting| setting.name == name);
        if !is_known && !NO_EFFECT.contains(&&**name) {
            let names: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
            return Err(told(format!(
                "there is no setting {name:?}; there are {}",
                names.join(", ")
            )));
        }
    }
    Ok(table)
}

/// The clock of this name.
pub(super) fn zone(name: &str) -> Result<Zone, CliError> {
    match name {
        "local" => Ok(TimeZone::system()),
        "UTC" => Ok(TimeZone::UTC),
        name => TimeZone::get(name).map_err(|_| {
            CliError::Usage(format!(
                "configuration: timezone is {name:?}, but it must be local, UTC, or a name such as Asia/Tokyo"
            ))
        }),
    }
}

/// How far the clock is ahead of UTC at an instant, in seconds.
pub(super) fn ahead_seconds(zone: &Zone, at: EpochMillis) -> i32 {
    Timestamp::from_millisecond(at.0).map_or(0, |time| zone.to_offset(time).seconds())
}
