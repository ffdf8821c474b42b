//! The settings of the function `archive`: [`SETTINGS`] is the table that the documentation
//! repeats.

use std::time::Duration;

use super::{
    AWS_REGION, ENDPOINT, LOG, LogLevel, REQUIRED, Setting, SettingsError, Variables, account,
    any_text, bucket_name, endpoint_url, setting, url_base,
};
use crate::archive::rules::Rules;
use crate::archive::secure::is_safe;
use crate::archive::session::Lasting;

const BUCKET: Setting = setting(
    "RECORDINGS_BUCKET",
    REQUIRED,
    "The bucket of recordings, of their index and of who listened.",
);
const OWNER: Setting = setting(
    "BUCKET_OWNER",
    "the function's account",
    "The account that the bucket belongs to, 12 digits: every call to S3 names it.",
);
const PREFIX: Setting = setting(
    "RECORDINGS_KEY_PREFIX",
    "recordings/",
    "What the recorder's keys start with: nothing else is shown. `/` for a bucket that is all recordings, such as voicemail's.",
);
const DOMAIN: Setting = setting(
    "ARCHIVE_DOMAIN",
    REQUIRED,
    "The domain of the pages, such as `calls.example.com`: they answer to no other.",
);
const RULES: Setting = setting(
    "ARCHIVE_RULES",
    REQUIRED,
    "Who may see what, as JSON: groups, each with `\"all\"`, `\"own\"` or its queues.",
);
const ISSUER: Setting = setting(
    "OIDC_ISSUER",
    REQUIRED,
    "The provider that people log in by, to the letter as its `/.well-known/openid-configuration` has it.",
);
const CLIENT: Setting = setting("OIDC_CLIENT_ID", REQUIRED, "The client's id there.");
pub(crate) const SCOPES: Setting = setting(
    "OIDC_SCOPES",
    "openid email profile",
    "What the provider is asked to tell, `openid` among it.",
);
pub(crate) const NAME: Setting = setting(
    "NAME_CLAIM",
    "email",
    "The claim with the name by which a person answers calls, which they cannot change themselves.",
);
pub(crate) const GROUPS: Setting = setting(
    "GROUPS_CLAIM",
    "groups",
    "The claim with the person's groups; with dots, a path into claims.",
);
const SECRET: Setting = setting(
    "ARCHIVE_SECRET_ARN",
    REQUIRED,
    "A secret of Secrets Manager, a JSON object: `cookies` (32 characters or more that nobody can guess), `cookies_before` (the ones before, while both hold) and `client_secret`, where the client has one.",
);
pub(crate) const LISTENED: Setting = setting(
    "LISTENED_PREFIX",
    "listened/",
    "What the keys of the lines of who listened start with.",
);
const LINK: Setting = setting(
    "LINK_MINUTES",
    "5",
    "Minutes that a link to sound lives, 1 to 60. It is made at the press of play.",
);
const IDLE: Setting = setting(
    "IDLE_MINUTES",
    "30",
    "Minutes without a request after which a session ends, 1 to 1440.",
);
const SESSION: Setting = setting(
    "SESSION_HOURS",
    "10",
    "Hours after which a session ends in any case, 1 to 24.",
);
const LOGINS: Setting = setting(
    "LOGINS_PER_MINUTE",
    "20",
    "Logins that may begin in a minute from one address, 1 to 1000; ten times as many from all.",
);

/// All settings, in the order of the documentation's table.
pub const SETTINGS: &[Setting] = &[
    BUCKET, OWNER, PREFIX, DOMAIN, RULES, ISSUER, CLIENT, SCOPES, NAME, GROUPS, SECRET, LISTENED,
    LINK, IDLE, SESSION, LOGINS, LOG, ENDPOINT,
];

/// What the function is set by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveConfig {
    /// The region.
    pub region: String,
    /// The bucket of recordings.
    pub bucket: String,
    /// The account that it belongs to, if it is told.
    pub bucket_owner: Option<String>,
    /// What the recorder's keys start with; ends in a slash.
    pub prefix: String,
    /// Where the pages are: `https://calls.example.com`, without a slash at its end.
    pub base: String,
    /// Who may see what.
    pub rules: Rules,
    /// The provider.
    pub issuer: String,
    /// The client's id there.
    pub client: String,
    /// What it is asked to tell.
    pub scopes: String,
    /// The claim with a person's name.
    pub name_claim: String,
    /// The claim with their groups.
    pub groups_claim: String,
    /// The secret's ARN.
    pub secret: String,
    /// What the keys of who listened start with; ends in a slash.
    pub listened: String,
    /// How long a link to sound lives.
    pub link_lives: Duration,
    /// How long a session lasts.
    pub lasting: Lasting,
    /// Logins that may begin in a minute from one address.
    pub logins_per_minute: u32,
    /// What is logged.
    pub log_level: LogLevel,
    /// One endpoint in place of AWS's.
    pub endpoint: Option<String>,
}

impl ArchiveConfig {
    /// Parses the variables that `lookup` gives. An empty one counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut variables = Variables::new(&lookup);
        let text = |variables: &mut Variables<'_>, setting: &Setting| {
            let told = variables.optional(setting, any_text);
            told.unwrap_or_else(|| setting.default.to_owned())
        };
        let mut rules = None;
        variables.required(&RULES, |value| {
            rules = Some(Rules::parse(value).map_err(|error| error.to_string())?);
            Ok(String::new())
        });
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let config = Self {
            region: variables.required(&AWS_REGION, any_text),
            bucket: variables.required(&BUCKET, bucket_name),
            bucket_owner: variables.optional(&OWNER, account),
            prefix: match variables.get(&PREFIX).as_deref() {
                Some("/") => String::new(),
                _ => folder(variables.prefix(&PREFIX)),
            },
            base: variables.required(&DOMAIN, |value| {
                Ok(url_base(value)?.trim_end_matches('/').to_owned())
            }),
            rules: rules.unwrap_or_default(),
            issuer: variables.required(&ISSUER, issuer),
            client: variables.required(&CLIENT, any_text),
            scopes: text(&mut variables, &SCOPES),
            name_claim: text(&mut variables, &NAME),
            groups_claim: text(&mut variables, &GROUPS),
            secret: variables.required(&SECRET, any_text),
            listened: folder(variables.prefix(&LISTENED)),
            link_lives: minutes(variables.number(&LINK, 1..=60)),
            lasting: Lasting {
                idle: minutes(variables.number(&IDLE, 1..=1_440)),
                absolute: minutes(60 * variables.number::<u64>(&SESSION, 1..=24)),
                ..Lasting::default()
            },
            logins_per_minute: variables.number(&LOGINS, 1..=1_000),
            log_level: variables.optional(&LOG, str::parse).unwrap_or_default(),
            endpoint: variables.optional(&ENDPOINT, endpoint_url),
        };
        variables.finish(config)
    }

    /// The name that the pages answer to.
    pub fn host(&self) -> &str {
        self.base.strip_prefix("https://").unwrap_or(&self.base)
    }
}

/// Keys start with the whole name of a folder.
fn folder(prefix: String) -> String {
    match prefix.is_empty() || prefix.ends_with('/') {
        true => prefix,
        false => format!("{prefix}/"),
    }
}

/// A provider must be reached by TLS; one of this machine need not.
pub(crate) fn issuer(value: &str) -> Result<String, String> {
    match is_safe(value) {
        true => Ok(value.to_owned()),
        false => Err(
            "it must be the provider's address, by https (by http only on this machine), such as \
             https://login.example.com/realms/calls"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &[(&str, &str)] = &[
        ("AWS_REGION", "eu-central-1"),
        ("RECORDINGS_BUCKET", "calls"),
        ("ARCHIVE_DOMAIN", "calls.example.com"),
        ("ARCHIVE_RULES", r#"{"auditors": "all"}"#),
        ("OIDC_ISSUER", "https://login.example.com/realms/calls"),
        ("OIDC_CLIENT_ID", "archive"),
        (
            "ARCHIVE_SECRET_ARN",
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:archive",
        ),
    ];

    fn config(more: &[(&str, &str)]) -> Result<ArchiveConfig, String> {
        let found = |name: &str| {
            let all = more.iter().chain(LEAST);
            let mut all = all.filter(|(known, _)| *known == name);
            all.next().map(|(_, value)| (*value).to_owned())
        };
        ArchiveConfig::from_lookup(found).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_the_table() {
        let plain = config(&[]).unwrap();
        assert_eq!(plain.host(), "calls.example.com");
        assert_eq!(plain.lasting, Lasting::default());
        assert_eq!(
            (&*plain.prefix, &*plain.listened),
            ("recordings/", "listened/")
        );
        for setting in SETTINGS {
            if setting.default == REQUIRED || setting.default.contains(['\'', ' ']) {
                continue;
            }
            let set = config(&[(setting.name, setting.default)]).unwrap();
            assert_eq!(set, plain, "{}", setting.name);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_it_must_be() {
        #[track_caller]
        fn check(name: &str, value: &str, told: &str) {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(error.contains(name) && error.contains(told), "{error}");
        }
        check("ARCHIVE_RULES", "{}", "it names no group");
        check("ARCHIVE_RULES", "all", "JSON object of groups");
        check("ARCHIVE_RULES", "", "is not set");
        check("ARCHIVE_DOMAIN", "http://calls", "it must be a domain");
        check(
            "OIDC_ISSUER",
            "http://127.0.0.1.example.com",
            "the provider's address",
        );
        check(
            "OIDC_ISSUER",
            "http://login.example.com",
            "the provider's address",
        );
        check("LINK_MINUTES", "0", "from 1 to 60");
        check("SESSION_HOURS", "25", "from 1 to 24");
        let folder = config(&[("LISTENED_PREFIX", "who")]).unwrap();
        assert_eq!(folder.listened, "who/");
        let all = config(&[("RECORDINGS_KEY_PREFIX", "/")]).unwrap();
        assert_eq!(all.prefix, "");
    }
}
