//! What an ARN names. What Connect sends is read by its markers and not by counting colons:
//! AWS's own samples have one too many (`arn:aws::connect:`), and partitions differ (`aws`,
//! `aws-cn`, `aws-us-gov`). What AWS's APIs answer, and the function's own ARN, are read by
//! the places of `arn:PARTITION:SERVICE:REGION:ACCOUNT:…` (AWS General Reference, "Amazon
//! Resource Names"). A part that is not there, or empty, is `None`.

use crate::media::ticks::EpochMillis;

/// The id of a Connect instance: what stands behind `instance/`. ARNs of what belongs to an
/// instance (queues, contacts, flows) name it, too.
pub fn instance_id(arn: &str) -> Option<&str> {
    part(arn, ":instance/")
}

/// The id of a contact: what stands behind `contact/` in the ARN of a contact.
pub fn contact_id(arn: &str) -> Option<&str> {
    part(arn, "/contact/")
}

/// The name of a Kinesis video stream: what stands behind `stream/`.
pub fn stream_name(arn: &str) -> Option<&str> {
    part(arn, ":stream/")
}

/// When a Kinesis video stream was made, as the last part of its ARN says:
/// `…:stream/NAME/MILLISECONDS`.
pub fn stream_created(arn: &str) -> Option<EpochMillis> {
    arn.rsplit('/').next()?.parse().ok().map(EpochMillis)
}

/// The partition: `aws`.
pub fn partition(arn: &str) -> Option<&str> {
    place(arn, 1)
}

/// The service: `kinesis`.
pub fn service(arn: &str) -> Option<&str> {
    place(arn, 2)
}

/// The region: `eu-west-1`. Nothing that is not a region's name, since calls go there.
pub fn region(arn: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    place(arn, 3).filter(|region| region.bytes().all(allowed))
}

/// The account: twelve digits.
pub fn account(arn: &str) -> Option<&str> {
    let is_account = |id: &&str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    place(arn, 4).filter(is_account)
}

/// The last part of an ARN or an URL, behind the last `:` or `/`; all of a name.
pub fn name(arn: &str) -> &str {
    arn.rsplit([':', '/']).next().unwrap_or_default()
}

fn place(arn: &str, at: usize) -> Option<&str> {
    let mut parts = arn.split(':');
    if parts.next() != Some("arn") {
        return None;
    }
    parts.nth(at - 1).filter(|part| !part.is_empty())
}

fn part<'a>(arn: &'a str, marker: &str) -> Option<&'a str> {
    if !arn.starts_with("arn:") {
        return None;
    }
    let (_, rest) = arn.split_once(marker)?;
    let part = rest.split('/').next()?;
    (!part.is_empty()).then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_by_their_markers() {
        #[track_caller]
        fn check(arn: &str, instance: Option<&str>, contact: Option<&str>, stream: Option<&str>) {
            let read = (instance_id(arn), contact_id(arn), stream_name(arn));
            assert_eq!(read, (instance, contact, stream), "{arn}");
        }
        let instance = "arn:aws:connect:eu-west-2:111122223333:instance/i-1";
        check(instance, Some("i-1"), None, None);
        check(&format!("{instance}/queue/q"), Some("i-1"), None, None);
        let contact = format!("{instance}/contact/c-1");
        check(&contact, Some("i-1"), Some("c-1"), None);
        let doubled = "arn:aws::connect:us-west-2:111122223333:instance/i-1";
        check(doubled, Some("i-1"), None, None);
        let stream =
            "arn:aws-cn:kinesisvideo::cn-north-1:111122223333:stream/a-contact-b/1565272947806";
        check(stream, None, None, Some("a-contact-b"));
        for odd in [
            "",
            "arn:",
            "arn",
            "i-1",
            "stream/x",
            "arn:x:stream/",
            "arn:x:instance//queue/q",
        ] {
            check(odd, None, None, None);
        }
    }

    #[test]
    fn arns_are_read_by_their_places() {
        #[track_caller]
        fn check(arn: &str, places: [Option<&str>; 4], last: &str) {
            let read = [partition(arn), service(arn), region(arn), account(arn)];
            assert_eq!((read, name(arn)), (places, last), "{arn}");
        }
        let some = |[partition, service, region, account]: [&'static str; 4]| {
            [partition, service, region, account].map(|part| (!part.is_empty()).then_some(part))
        };
        check(
            "arn:aws-cn:kinesis:cn-north-1:111122223333:stream/records",
            some(["aws-cn", "kinesis", "cn-north-1", "111122223333"]),
            "records",
        );
        check(
            "arn:aws:sqs:eu-west-1:111122223333:parked",
            some(["aws", "sqs", "eu-west-1", "111122223333"]),
            "parked",
        );
        check(
            "arn:aws:s3:::failures",
            some(["aws", "s3", "", ""]),
            "failures",
        );
        check(
            "arn:aws:lambda:x/../y:1234:function:recorder",
            some(["aws", "lambda", "", ""]),
            "recorder",
        );
        for none in [
            "",
            "records",
            "a:b:c:d:111122223333",
            "https://sqs/1/records",
        ] {
            let last = none.rsplit(['/', ':']).next().unwrap();
            check(none, [None; 4], last);
        }
    }

    #[test]
    fn a_streams_arn_says_when_it_was_made() {
        let arn = |made: &str| format!("arn:aws:kinesisvideo:us-east-1:1:stream/s/{made}");
        assert_eq!(
            stream_created(&arn("1565272947806")),
            Some(EpochMillis(1_565_272_947_806))
        );
        assert_eq!(
            (stream_created(&arn("x")), stream_created("s")),
            (None, None)
        );
    }
}
