//! What an ARN names, by its markers and not by counting colons: AWS's own samples have one
//! too many (`arn:aws::connect:`), and partitions differ (`aws`, `aws-cn`, `aws-us-gov`).

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
}
