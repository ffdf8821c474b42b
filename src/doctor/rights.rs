//! The permissions that the function's role needs in a deployment: what the recorder
//! calls, what Lambda calls in the role's name for the mappings, and the keys behind both.

use super::facts::{Deployment, Key, Settings, service_of};

/// An object as the recorder names them, to ask about the keys under the prefix.
const SAMPLE_OBJECT: &str =
    "2026/01/01/00000000-0000-0000-0000-000000000000_91343852333181432392682062_verdict.json";
/// A contact's id, to ask about the contacts of an instance.
const SAMPLE_CONTACT: &str = "00000000-0000-0000-0000-000000000000";

/// One permission on one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The action, such as `s3:PutObject`.
    pub action: &'static str,
    /// The ARN of the thing, or of one that stands for its like.
    pub resource: String,
    /// What a request brings along that a policy's condition may look at.
    pub context: Vec<(&'static str, String)>,
    /// What does not work without it.
    pub without: &'static str,
}

/// Reading media.
const VIDEO: &[(&str, &str)] = &[
    ("kinesisvideo:GetDataEndpoint", "no audio can be read"),
    ("kinesisvideo:ListFragments", "no audio can be read"),
    (
        "kinesisvideo:GetMediaForFragmentList",
        "no audio can be read",
    ),
    (
        "kinesisvideo:DescribeStream",
        "parked records cannot say until when their audio is there",
    ),
];
/// Writing recordings.
const OBJECTS: &[(&str, &str)] = &[
    ("s3:PutObject", "no recording can be written"),
    (
        "s3:GetObject",
        "what a delivery before has written cannot be compared",
    ),
    (
        "s3:AbortMultipartUpload",
        "parts of broken-off uploads stay and are paid for",
    ),
];
/// Noting URLs.
const CONTACTS: &[(&str, &str)] = &[
    (
        "connect:GetContactAttributes",
        "URLs cannot be put on contacts",
    ),
    (
        "connect:UpdateContactAttributes",
        "URLs cannot be put on contacts",
    ),
];
/// What Lambda calls to read contact records.
const RECORDS: &[(&str, &str)] = &[
    ("kinesis:DescribeStream", "no contact record comes"),
    ("kinesis:DescribeStreamSummary", "no contact record comes"),
    ("kinesis:GetRecords", "no contact record comes"),
    ("kinesis:GetShardIterator", "no contact record comes"),
    ("kinesis:ListShards", "no contact record comes"),
];
/// What the recorder and Lambda call on the retry queue.
const PARKED: &[(&str, &str)] = &[
    ("sqs:SendMessage", "records cannot be parked"),
    ("sqs:ReceiveMessage", "parked records do not come back"),
    ("sqs:DeleteMessage", "parked records come back for ever"),
    ("sqs:GetQueueAttributes", "parked records do not come back"),
];

/// Everything that the role needs, as far as the deployment is known.
pub fn needed(deployment: &Deployment) -> Vec<Need> {
    let mut needs = Vec::new();
    let settings = deployment.settings().ok();
    if let Some(stream) = video_stream(deployment) {
        needs.extend(each(VIDEO, &stream));
    }
    if let Some(settings) = settings {
        needs.extend(bucket_needs(deployment, settings));
    }
    if let Ok(Some(instance)) = deployment.instance() {
        let contact = format!("{}/contact/{SAMPLE_CONTACT}", instance.arn);
        needs.extend(each(CONTACTS, &contact));
    }
    if let Ok(Some(mapping)) = deployment.record_mapping() {
        needs.extend(each(RECORDS, &mapping.source_arn));
        needs.extend(mapping.failure_destination.as_deref().and_then(destination));
    }
    if let Ok(Some(queue)) = &deployment.retry_queue {
        needs.extend(each(PARKED, &queue.arn));
    }
    let region = settings.map_or("", |settings| &settings.region);
    deployment
        .keys
        .iter()
        .for_each(|key| needs.extend(key_needs(key, region)));
    needs
}

fn each(actions: &'static [(&str, &str)], resource: &str) -> impl Iterator<Item = Need> {
    actions
        .iter()
        .map(move |(action, without)| need(action, resource, without))
}

fn need(action: &'static str, resource: impl Into<String>, without: &'static str) -> Need {
    Need {
        action,
        resource: resource.into(),
        context: Vec::new(),
        without,
    }
}

/// A video stream that there is, else one that Connect could make.
fn video_stream(deployment: &Deployment) -> Option<String> {
    if let Some(stream) = deployment.video_streams.as_ref().ok()?.first() {
        return Some(stream.arn.clone());
    }
    let instance = deployment.instance().ok()??;
    let prefix = &instance.media.as_ref().ok()?.first()?.prefix;
    // arn:PARTITION:connect:REGION:ACCOUNT:instance/ID
    let mut parts = instance.arn.split(':');
    let (partition, region, account) = (parts.nth(1)?, parts.nth(1)?, parts.next()?);
    Some(format!(
        "arn:{partition}:kinesisvideo:{region}:{account}:stream/{prefix}-contact-{SAMPLE_CONTACT}/1760000000000"
    ))
}

fn bucket_needs(deployment: &Deployment, settings: &Settings) -> Vec<Need> {
    let partition = match &deployment.function {
        Ok(Some(function)) => function.arn.split(':').nth(1).unwrap_or("aws"),
        Ok(None) | Err(_) => "aws",
    };
    let bucket = format!("arn:{partition}:s3:::{}", settings.bucket);
    let object = format!("{bucket}/{}{SAMPLE_OBJECT}", settings.key_prefix);
    let mut needs: Vec<_> = each(OBJECTS, &object).collect();
    if settings.tags == super::facts::Tags::With {
        needs.push(need(
            "s3:PutObjectTagging",
            object,
            "no recording can be written with its tags",
        ));
    }
    let mut list = need(
        "s3:ListBucket",
        bucket,
        "what is not there yet looks denied, and nothing is recorded",
    );
    list.context
        .push(("s3:prefix", settings.key_prefix.clone()));
    needs.push(list);
    needs
}

/// What Lambda needs to hand a record on that was given up.
fn destination(arn: &str) -> Option<Need> {
    let lost = "records that were given up are lost";
    Some(match service_of(arn) {
        "s3" => need("s3:PutObject", format!("{arn}/sample"), lost),
        "sqs" => need("sqs:SendMessage", arn, lost),
        "sns" => need("sns:Publish", arn, lost),
        _ => return None,
    })
}

/// What users of keys do with them: the user as [`Key::used_by`] names it, the service
/// that calls KMS, the action, and what breaks without it.
const KEY_USES: &[(&str, &str, &str, &str)] = &[
    (
        "video stream",
        "kinesisvideo",
        "kms:Decrypt",
        "no audio can be read",
    ),
    (
        "recordings",
        "s3",
        "kms:GenerateDataKey",
        "no recording can be written",
    ),
    (
        "recordings",
        "s3",
        "kms:Decrypt",
        "no recording of several parts can be written",
    ),
    (
        "contact records",
        "kinesis",
        "kms:Decrypt",
        "no contact record comes",
    ),
    (
        "retry queue",
        "sqs",
        "kms:GenerateDataKey",
        "records cannot be parked",
    ),
    (
        "retry queue",
        "sqs",
        "kms:Decrypt",
        "parked records do not come back",
    ),
];

/// A key that AWS manages for a service needs no permission of the role's.
fn key_needs(key: &Key, region: &str) -> Vec<Need> {
    let Ok(Some(state)) = &key.state else {
        return Vec::new();
    };
    if state.manager == "AWS" {
        return Vec::new();
    }
    let uses = KEY_USES.iter();
    let uses = uses.filter(|(user, ..)| key.used_by.iter().any(|used| used.starts_with(user)));
    uses.map(|(_, service, action, without)| Need {
        action,
        resource: state.arn.clone(),
        context: vec![(
            "kms:ViaService",
            format!("{service}.{region}.amazonaws.com"),
        )],
        without,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn actions(deployment: &Deployment, part: &str) -> Vec<&'static str> {
        let needs = needed(deployment);
        let on = needs.iter().filter(|need| need.resource.contains(part));
        on.map(|need| need.action).collect()
    }

    #[test]
    fn everything_that_the_deployment_uses_is_asked_about() {
        let deployment = sample::healthy();
        assert_eq!(actions(&deployment, ":stream/callreel-connect-").len(), 4);
        assert_eq!(
            actions(&deployment, ":::calls/recordings/2026/"),
            ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
        );
        assert_eq!(actions(&deployment, "/contact/").len(), 2);
        assert_eq!(actions(&deployment, ":stream/records").len(), 5);
        assert_eq!(actions(&deployment, ":parked"), {
            [
                "sqs:SendMessage",
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            ]
        });
        assert_eq!(actions(&deployment, ":::failures/"), ["s3:PutObject"]);
        assert_eq!(actions(&deployment, ":key/media"), ["kms:Decrypt"]);
        let via = needed(&deployment);
        let via = via.iter().find(|need| need.action == "kms:Decrypt");
        assert_eq!(
            via.unwrap().context,
            [(
                "kms:ViaService",
                "kinesisvideo.eu-west-1.amazonaws.com".to_owned()
            )]
        );
    }

    #[test]
    fn what_is_not_used_is_not_asked_about() {
        let mut deployment = sample::healthy();
        deployment.retry_queue = Ok(None);
        sample::settings(&mut deployment).retry_queue = None;
        assert_eq!(actions(&deployment, ":parked"), [""; 0]);
        assert_eq!(
            actions(&deployment, "").contains(&"s3:PutObjectTagging"),
            false
        );
        sample::settings(&mut deployment).tags = super::super::facts::Tags::With;
        assert!(actions(&deployment, "").contains(&"s3:PutObjectTagging"));
        let key = deployment.keys[0].state.as_mut().unwrap().as_mut().unwrap();
        key.manager = "AWS".to_owned();
        assert_eq!(actions(&deployment, ":key/media"), [""; 0]);
    }

    #[test]
    fn without_streams_one_that_connect_could_make_stands_for_them() {
        let mut deployment = sample::healthy();
        deployment.video_streams = Ok(Vec::new());
        let stream = video_stream(&deployment).unwrap();
        let start =
            "arn:aws:kinesisvideo:eu-west-1:111122223333:stream/callreel-connect-acme-contact-";
        assert!(stream.starts_with(start), "{stream}");
        deployment.video_streams = Err(super::super::facts::Unknown::new("", ""));
        assert_eq!(video_stream(&deployment), None);
    }
}
