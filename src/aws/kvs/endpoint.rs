//! Which region a stream is in, and which data endpoints are believed: signed requests go
//! there, with a session's token. Pure.
//!
//! A data endpoint of AWS's is `https://s-1a2b3c4d.kinesisvideo.REGION.amazonaws.com`
//! (KVS developer guide, GetDataEndpoint; names and suffixes of all partitions: the SDK's
//! own endpoint rules). Names further up, such as `NAME.REGION.elb.amazonaws.com`, are
//! customers'.

use http::Uri;

use crate::connect::arn;

/// What AWS's names end with, in each of its partitions, and over both versions of IP.
const SUFFIXES: &[&str] = &[
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

/// Whose endpoints data is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoints {
    /// AWS's own.
    OfAws,
    /// Others: the settings name an endpoint, and what that one says is believed.
    OfSettings,
}

impl Endpoints {
    /// Whether a data endpoint is believed; else what is wrong with it.
    pub(super) fn check(self, endpoint: &str, region: Option<&str>) -> Result<(), &'static str> {
        let uri: Uri = endpoint.parse().map_err(|_| "it is no URL")?;
        let authority = uri.authority().ok_or("it is no URL with a host")?;
        let host = authority.host();
        if host.is_empty() || authority.as_str().contains('@') {
            return Err("it is no URL with a plain host");
        }
        let port_is_told = authority.as_str().len() > host.len();
        match (self, uri.scheme_str()) {
            _ if port_is_told && authority.port_u16().is_none() => Err("its port is none"),
            (Self::OfSettings, Some("http" | "https")) => Ok(()),
            (Self::OfAws, Some("https")) => match region {
                Some(region) if is_of_aws(host, region) => Ok(()),
                Some(_) | None => Err("its host is none of AWS's for Kinesis Video"),
            },
            (Self::OfAws, _) => Err("it is not https"),
            (Self::OfSettings, _) => Err("it is neither http nor https"),
        }
    }
}

/// Whether a host is `kinesisvideo.REGION.SUFFIX` or a name below it.
fn is_of_aws(host: &str, region: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let before_suffix = SUFFIXES
        .iter()
        .filter_map(|suffix| host.strip_suffix(suffix)?.strip_suffix('.'));
    let mut before_region =
        before_suffix.filter_map(|rest| rest.strip_suffix(region)?.strip_suffix('.'));
    before_region.any(|rest| {
        ["kinesisvideo", "kinesisvideo-fips"].contains(&rest.rsplit('.').next().unwrap_or_default())
    })
}

/// The region of a Kinesis video stream, by its ARN.
pub(super) fn region_in(arn: &str) -> Option<&str> {
    let region = arn::region(arn);
    region.filter(|_| arn::service(arn) == Some("kinesisvideo"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_aws_are_believed() {
        #[track_caller]
        fn check(endpoint: &str, believed: bool) {
            let told = Endpoints::OfAws.check(endpoint, Some("us-east-1"));
            assert_eq!(told.is_ok(), believed, "{endpoint}: {told:?}");
        }
        check(
            "https://s-1a2b3c4d.kinesisvideo.us-east-1.amazonaws.com",
            true,
        );
        check(
            "https://b-1.kinesisvideo.us-east-1.amazonaws.com:443/",
            true,
        );
        check("https://S-1.KinesisVideo.us-east-1.amazonaws.com.cn", true);
        check("https://kinesisvideo.us-east-1.api.aws", true);
        check(
            "https://s-1.kinesisvideo-fips.us-east-1.amazonaws.com",
            true,
        );
        check("http://s-1.kinesisvideo.us-east-1.amazonaws.com", false);
        check("https://s-1.kinesisvideo.eu-west-1.amazonaws.com", false);
        check("https://kinesisvideo.us-east-1.elb.amazonaws.com", false);
        check("https://x-kinesisvideo.us-east-1.amazonaws.com", false);
        check(
            "https://kinesisvideo.us-east-1.amazonaws.com.example",
            false,
        );
        check("https://kinesisvideo.us-east-1amazonaws.com", false);
        check("https://169.254.169.254/latest/meta-data", false);
        check("https://a@s-1.kinesisvideo.us-east-1.amazonaws.com", false);
        let told = Endpoints::OfAws.check("https://kinesisvideo.us-east-1.amazonaws.com", None);
        assert!(told.is_err(), "without a region none is believed");
    }

    /// No endpoint of this table may reach the SDK, which panics on an empty one.
    #[test]
    fn what_is_no_url_is_refused_by_everybody() {
        for endpoint in [
            "",
            " ",
            "no url at all",
            "https://",
            "https:///path",
            "https://a b/",
            "mailto:x",
            "/path",
            "*",
            "http://user:pw@host/",
            "https://[::1",
            "https://h:999999",
            "https://h:",
            "https://\u{e4}.example",
            "https://a\0b",
            "ftp://host",
            "host:80",
        ] {
            for endpoints in [Endpoints::OfAws, Endpoints::OfSettings] {
                let told = endpoints.check(endpoint, Some("us-east-1"));
                assert!(told.is_err(), "{endpoint:?}");
            }
        }
        for endpoint in ["http://127.0.0.1:8900", "https://host/", "http://[::1]:80"] {
            assert_eq!(Endpoints::OfSettings.check(endpoint, None), Ok(()));
        }
    }

    #[test]
    fn a_streams_arn_says_its_region() {
        #[track_caller]
        fn check(arn: &str, region: Option<&str>) {
            assert_eq!(region_in(arn), region);
        }
        let arn = |region: &str| format!("arn:aws:kinesisvideo:{region}:111122223333:stream/s/1");
        check(&arn("eu-west-1"), Some("eu-west-1"));
        check(
            "arn:aws-cn:kinesisvideo:cn-north-1:1:stream/s/1",
            Some("cn-north-1"),
        );
        check(&arn(""), None);
        check(&arn("x/../y"), None);
        check("arn:aws:kinesis:eu-west-1:1:stream/s", None);
        check("s", None);
        check("", None);
    }
}
