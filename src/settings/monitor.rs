//! The settings of `callreel monitor`, under the names that this monitor's users have always
//! had: [`SETTINGS`] is the table that the documentation repeats. Each is a flag
//! (`--streamname`), a variable of the environment (`CALLREEL_STREAMNAME`) or a key of a TOML
//! file, in this order. A value that is wrong is told by its name and the place where it stands.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{REQUIRED, Setting, setting};
use crate::media::ticks::EpochMillis;
use crate::monitor::feed::Position;
use crate::monitor::names::Keep;
use crate::monitor::session::Limits;

const REGION: Setting = setting(
    "regionname",
    "ap-northeast-1",
    "The region of both streams.",
);
const STREAM: Setting = setting(
    "streamname",
    REQUIRED,
    "The data stream that *live-start* puts calls into.",
);
const RETRIES: Setting = setting(
    "maxretrycount",
    "3",
    "How often a request that AWS refused is made again; the network is waited for longer.",
);
const RETRY_INTERVAL: Setting = setting(
    "retryinterval",
    "1000",
    "The wait before the first of them, in milliseconds; it doubles with each, up to 30 s.",
);
const INTERVAL: Setting = setting(
    "getrecordsinterval",
    "1000",
    "How often each shard of the data stream is read, in milliseconds.",
);
const AUDIO: Setting = setting(
    "audiopath",
    "./audio/",
    "The folder of the files; it is made.",
);
const POSITION: Setting = setting(
    "start_position",
    "latest",
    "`latest`: calls that begin from now on; `trim_horizon`: all that the data stream still holds; or a time, as `2026-11-27T09:00:00Z`.",
);
const IDLE: Setting = setting(
    "idle_end_seconds",
    "20",
    "A call of which no more media comes for so long is over.",
);
const COME_BACK: Setting = setting(
    "come_back_minutes",
    "60",
    "How long such a call is looked at quietly: should more of it come, as after a hold, it is on the page again, with files of its own. 0: not at all.",
);
const SESSION: Setting = setting(
    "max_session_minutes",
    "40",
    "A connection to media is changed at this age, before KVS ends it.",
);
const ZONE: Setting = setting(
    "timezone",
    "local",
    "The clock of labels and file names: `local`, `UTC`, or a name such as `Asia/Tokyo`.",
);
const KEEP_TIME: Setting = setting(
    "keep_time",
    "false",
    "`true`: silence is filled in, so that both files are on one clock and equally long.",
);
const SNAPSHOTS: Setting = setting(
    "snapshot_dir",
    "none",
    "The folder for a picture of each side's newest spectrum.",
);
const LIMIT: Setting = setting(
    "spectrum_limit",
    "8000",
    "The amplitude that is a spectrum's full height in those pictures.",
);
const KINESIS: Setting = setting(
    "endpoint_url_kinesis",
    "AWS's own",
    "Another endpoint for the data stream.",
);
const VIDEO: Setting = setting(
    "endpoint_url_kinesisvideo",
    "AWS's own",
    "Another endpoint for Kinesis Video Streams.",
);
const HEADLESS: Setting = setting(
    "headless",
    "false",
    "`true`: no page; each frame's strongest frequency as a line of JSON.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[
    REGION,
    STREAM,
    RETRIES,
    RETRY_INTERVAL,
    INTERVAL,
    AUDIO,
    POSITION,
    IDLE,
    COME_BACK,
    SESSION,
    ZONE,
    KEEP_TIME,
    HEADLESS,
    SNAPSHOTS,
    LIMIT,
    KINESIS,
    VIDEO,
];

/// Keys of the window that there was once: they do nothing.
pub const NO_EFFECT: &[&str] = &["window_width", "window_height"];

/// The monitor's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorConfig {
    /// The region.
    pub region: String,
    /// The data stream.
    pub stream: String,
    /// How each call is read.
    pub limits: Limits,
    /// How often a shard is read.
    pub interval: Duration,
    /// The folder of the files.
    pub audio: PathBuf,
    /// Where the data stream is read from.
    pub position: Position,
    /// How long a call that is over is looked at.
    pub come_back: Duration,
    /// The clock's name.
    pub zone: String,
    /// What is between the samples of a file.
    pub keep: Keep,
    /// No page.
    pub headless: bool,
    /// The folder of pictures.
    pub snapshots: Option<PathBuf>,
    /// Their full height.
    pub spectrum_limit: f32,
    /// Another endpoint for the data stream.
    pub kinesis: Option<String>,
    /// Another endpoint for media.
    pub video: Option<String>,
}

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// As it is written.
    pub value: String,
    /// `--streamname`, `CALLREEL_STREAMNAME`, or `monitor.toml, streamname`.
    pub place: String,
}

impl MonitorConfig {
    /// Parses what `lookup` gives for each name. Everything that is wrong is one line.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<Given>) -> Result<Self, String> {
        let mut reading = Reading {
            lookup: &lookup,
            problems: Vec::new(),
        };
        let seconds = |seconds: u64| Duration::from_secs(seconds);
        let config = Self {
            region: reading.text(&REGION),
            stream: reading.text(&STREAM),
            limits: Limits {
                retries: reading.number(&RETRIES, 0..=1_000),
                retry_interval: Duration::from_millis(reading.number(&RETRY_INTERVAL, 1..=600_000)),
                idle_end: seconds(reading.number(&IDLE, 1..=86_400)),
                max_session: seconds(60 * reading.number::<u64>(&SESSION, 1..=44)),
                ..Limits::default()
            },
            interval: Duration::from_millis(reading.number(&INTERVAL, 200..=600_000)),
            audio: reading.text(&AUDIO).into(),
            position: reading.parsed(&POSITION, position).unwrap_or_default(),
            come_back: seconds(60 * reading.number::<u64>(&COME_BACK, 0..=1_440)),
            zone: reading.text(&ZONE),
            keep: match reading.switch(&KEEP_TIME) {
                true => Keep::Time,
                false => Keep::Audio,
            },
            headless: reading.switch(&HEADLESS),
            snapshots: reading.given(&SNAPSHOTS).map(|given| given.value.into()),
            spectrum_limit: f32::from(reading.number::<u16>(&LIMIT, 1..=32_767)),
            kinesis: reading.endpoint(&KINESIS),
            video: reading.endpoint(&VIDEO),
        };
        match reading.problems.is_empty() {
            true => Ok(config),
            false => Err(reading.problems.join("; ")),
        }
    }
}

struct Reading<'a> {
    lookup: &'a dyn Fn(&str) -> Option<Given>,
    problems: Vec<String>,
}

impl Reading<'_> {
    fn given(&self, setting: &Setting) -> Option<Given> {
        (self.lookup)(setting.name).filter(|given| !given.value.trim().is_empty())
    }

    fn parsed<T>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (value, place) = match self.given(setting) {
            Some(given) => (given.value, given.place),
            None => (setting.default.to_owned(), setting.name.to_owned()),
        };
        let shown: String = value.chars().take(60).collect();
        parse(value.trim())
            .map_err(|problem| {
                self.problems
                    .push(format!("{place} is {shown:?}, but {problem}"))
            })
            .ok()
    }

    fn text(&mut self, setting: &Setting) -> String {
        match self.given(setting) {
            Some(given) => given.value.trim().to_owned(),
            None if setting.default == REQUIRED => {
                let name = setting.name;
                self.problems.push(format!(
                    "{name} is not given: name it by --{name}, by {}, or by {name} in the file of --config",
                    variable(name)
                ));
                String::new()
            }
            None => setting.default.to_owned(),
        }
    }

    fn number<T>(&mut self, setting: &Setting, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display + Default,
    {
        let number = self.parsed(setting, |value| match value.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!(
                "it must be a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        });
        number.unwrap_or_default()
    }

    fn switch(&mut self, setting: &Setting) -> bool {
        let switch = self.parsed(setting, |value| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("it must be true or false".to_owned()),
        });
        switch.unwrap_or_default()
    }

    fn endpoint(&mut self, setting: &Setting) -> Option<String> {
        self.given(setting)?;
        self.parsed(setting, |value| {
            match value.starts_with("http://") || value.starts_with("https://") {
                true => Ok(value.to_owned()),
                false => Err("it must start with http:// or https://".to_owned()),
            }
        })
    }
}

/// The variable of the environment that a setting can stand in.
pub fn variable(name: &str) -> String {
    format!("CALLREEL_{}", name.to_ascii_uppercase())
}

fn position(value: &str) -> Result<Position, String> {
    match value.to_ascii_lowercase().as_str() {
        "latest" => Ok(Position::Latest),
        "trim_horizon" => Ok(Position::TrimHorizon),
        _ => EpochMillis::from_rfc3339(value)
            .map(Position::At)
            .ok_or_else(|| {
                "it must be latest, trim_horizon, or a time such as 2026-11-27T09:00:00Z".to_owned()
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<MonitorConfig, String> {
        MonitorConfig::from_lookup(|name| {
            let pair = pairs.iter().find(|pair| pair.0 == name)?;
            Some(Given {
                value: pair.1.to_owned(),
                place: format!("monitor.toml, {name}"),
            })
        })
    }

    #[test]
    fn the_least_there_must_be_gives_the_original_defaults() {
        let config = config(&[("streamname", "calls")]).unwrap();
        assert_eq!(config.region, "ap-northeast-1");
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.interval, Duration::from_secs(1));
        assert_eq!(config.audio, PathBuf::from("./audio/"));
        assert_eq!(
            (config.position, config.keep),
            (Position::Latest, Keep::Audio)
        );
        assert_eq!(config.spectrum_limit, 8_000.0);
        assert_eq!(config.come_back, Duration::from_secs(3_600));
        assert!(config.snapshots.is_none() && config.kinesis.is_none());
    }

    #[test]
    fn what_is_wrong_names_the_key_and_its_place() {
        #[track_caller]
        fn check(pairs: &[(&str, &str)], problem: &str) {
            assert_eq!(config(pairs).unwrap_err(), problem);
        }
        check(
            &[],
            "streamname is not given: name it by --streamname, by CALLREEL_STREAMNAME, or by streamname in the file of --config",
        );
        check(
            &[
                ("streamname", "s"),
                ("maxretrycount", "many"),
                ("retryinterval", "0"),
            ],
            "monitor.toml, maxretrycount is \"many\", but it must be a whole number from 0 to 1000; \
             monitor.toml, retryinterval is \"0\", but it must be a whole number from 1 to 600000",
        );
        check(
            &[("streamname", "s"), ("start_position", "yesterday")],
            "monitor.toml, start_position is \"yesterday\", but it must be latest, trim_horizon, or a time such as 2026-11-27T09:00:00Z",
        );
        check(
            &[("streamname", "s"), ("max_session_minutes", "45")],
            "monitor.toml, max_session_minutes is \"45\", but it must be a whole number from 1 to 44",
        );
        check(
            &[
                ("streamname", "s"),
                ("keep_time", "yes"),
                ("endpoint_url_kinesis", "local"),
            ],
            "monitor.toml, keep_time is \"yes\", but it must be true or false; \
             monitor.toml, endpoint_url_kinesis is \"local\", but it must start with http:// or https://",
        );
    }

    /// A default of the table is what holds where nothing is given.
    #[test]
    fn the_defaults_of_the_table_hold() {
        let plain = config(&[("streamname", "s")]).unwrap();
        for setting in SETTINGS {
            if ["required", "none", "AWS's own"].contains(&setting.default) {
                continue;
            }
            let set = config(&[("streamname", "s"), (setting.name, setting.default)]);
            assert_eq!(set.as_ref(), Ok(&plain), "{}", setting.name);
        }
    }
}
