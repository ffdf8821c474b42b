//! The permissions that the function's role needs in a deployment: what the recorder
//! calls, what Lambda calls in the role's name for the mappings, and the keys behind both.

pub mod answering;
pub mod live;
pub mod worker;

use super::facts::{Deployment, Function, Key, Settings, Tags};
use super::need::Need;
use crate::connect::arn;

/// An object as the recorder names them, to ask about the keys under the prefix.
const SAMPLE_OBJECT: &str =
    "2026/01/01/00000000-0000-0000-0000-000000000000_91343852333181432392682062_verdict.json";
/// A contact's id, to ask about the contacts of an instance.
const SAMPLE_CONTACT: &str = "00000000-0000-0000-0000-000000000000";

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
/// What Lambda calls to keep a record in a bucket that was given up.
const FAILED: &[(&str, &str)] = &[
    ("s3:PutObject", "records that were given up are lost"),
    ("s3:ListBucket", "records that were given up are lost"),
];
/// What Lambda calls to write the log.
const LOG: &[(&str, &str)] = &[
    (
        "logs:CreateLogStream",
        "nobody is told why something failed",
    ),
    ("logs:PutLogEvents", "nobody is told why something failed"),
];
/// What the recorder and Lambda call on the parking queue.
const PARKED: &[(&str, &str)] = &[
    ("sqs:SendMessage", "records cannot be parked"),
    ("sqs:ReceiveMessage", "parked records do not come back"),
    ("sqs:DeleteMessage", "parked records come back for ever"),
    ("sqs:GetQueueAttributes", "parked records do not come back"),
];

/// What S3 tells a policy of each request: the account that owns the bucket.
const BUCKET_ACCOUNT: &str = "s3:ResourceAccount";

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
        let destination = mapping.failure_destination.as_deref();
        let of_destination = destination.map(destination_needs).unwrap_or_default();
        needs.extend(
            of_destination
                .into_iter()
                .map(|need| owned(need, deployment)),
        );
    }
    if let Ok(Some(queue)) = &deployment.parking_queue {
        needs.extend(each(PARKED, &queue.arn));
    }
    if let Ok(Some(function)) = &deployment.function {
        needs.extend(log_needs(function));
    }
    let at = services_at(deployment, settings.map_or("", |settings| &settings.region));
    deployment
        .keys
        .iter()
        .for_each(|key| needs.extend(key_needs(key, &at)));
    needs
}

/// Every action that can be asked about.
pub fn actions() -> impl Iterator<Item = &'static str> {
    let lists = [VIDEO, OBJECTS, CONTACTS, RECORDS, PARKED, FAILED, LOG];
    let listed = lists.into_iter().flatten().map(|(action, _)| *action);
    let of_keys = KEY_USES.iter().map(|(_, _, action, _)| *action);
    listed
        .chain(of_keys)
        .chain(answering::actions())
        .chain(live::actions())
        .chain(worker::actions())
        .chain(["s3:PutObjectTagging", "sns:Publish"])
}

/// What the names of services in a region end in, as `kms:ViaService` has them.
fn services_at(deployment: &Deployment, region: &str) -> String {
    let suffix = match partition(deployment) {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    format!("{region}.{suffix}")
}

fn partition(deployment: &Deployment) -> &str {
    match &deployment.function {
        Ok(Some(function)) => arn::partition(&function.arn).unwrap_or("aws"),
        Ok(None) | Err(_) => "aws",
    }
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
    let of = &instance.arn;
    let (partition, region, account) = (arn::partition(of)?, arn::region(of)?, arn::account(of)?);
    Some(format!(
        "arn:{partition}:kinesisvideo:{region}:{account}:stream/{prefix}-contact-{SAMPLE_CONTACT}/1760000000000"
    ))
}

fn bucket_needs(deployment: &Deployment, settings: &Settings) -> Vec<Need> {
    let bucket = format!("arn:{}:s3:::{}", partition(deployment), settings.bucket);
    let object = format!("{bucket}/{}{SAMPLE_OBJECT}", settings.key_prefix);
    let mut needs: Vec<_> = each(OBJECTS, &object).collect();
    if settings.tags == Tags::With {
        needs.push(need(
            "s3:PutObjectTagging",
            object,
            "no recording can be written with its tags",
        ));
    }
    needs.push(need(
        "s3:ListBucket",
        bucket,
        "what is not there yet looks denied, and nothing is recorded",
    ));
    let owned = needs.into_iter().map(|need| owned(need, deployment));
    owned.collect()
}

/// A need on a bucket, with the bucket's account: the function's own.
fn owned(mut need: Need, deployment: &Deployment) -> Need {
    let account = account(deployment).filter(|_| need.action.starts_with("s3:"));
    need.context
        .extend(account.map(|account| (BUCKET_ACCOUNT, account.to_owned())));
    need
}

/// The function's account.
pub(super) fn account(deployment: &Deployment) -> Option<&str> {
    match &deployment.function {
        Ok(Some(function)) => arn::account(&function.arn),
        Ok(None) | Err(_) => None,
    }
}

/// What Lambda needs to hand a record on that was given up.
fn destination_needs(arn: &str) -> Vec<Need> {
    let lost = "records that were given up are lost";
    match arn::service(arn) {
        Some("s3") => {
            let on = |(action, without): &(&'static str, &'static str)| match *action {
                "s3:ListBucket" => need(action, arn, without),
                _ => need(action, format!("{arn}/sample"), without),
            };
            FAILED.iter().map(on).collect()
        }
        Some("sqs") => vec![need("sqs:SendMessage", arn, lost)],
        Some("sns") => vec![need("sns:Publish", arn, lost)],
        Some(_) | None => Vec::new(),
    }
}

/// What Lambda needs to write the log.
fn log_needs(function: &Function) -> Vec<Need> {
    let of = &function.arn;
    let (Some(partition), Some(region), Some(account)) =
        (arn::partition(of), arn::region(of), arn::account(of))
    else {
        return Vec::new();
    };
    let stream = format!(
        "arn:{partition}:logs:{region}:{account}:log-group:{}:log-stream:sample",
        function.log_group
    );
    each(LOG, &stream).collect()
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
        "parking queue",
        "sqs",
        "kms:GenerateDataKey",
        "records cannot be parked",
    ),
    (
        "parking queue",
        "sqs",
        "kms:Decrypt",
        "parked records do not come back",
    ),
];

/// A key that AWS manages for a service needs no permission of the role's.
fn key_needs(key: &Key, at: &str) -> Vec<Need> {
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
        context: vec![("kms:ViaService", format!("{service}.{at}"))],
        without,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn asked(deployment: &Deployment, part: &str) -> Vec<&'static str> {
        let needs = needed(deployment);
        let on = needs.iter().filter(|need| need.resource.contains(part));
        on.map(|need| need.action).collect()
    }

    #[test]
    fn everything_that_the_deployment_uses_is_asked_about() {
        let deployment = sample::healthy();
        assert_eq!(asked(&deployment, ":stream/callreel-connect-").len(), 4);
        assert_eq!(
            asked(&deployment, ":::calls/recordings/2026/"),
            ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
        );
        assert_eq!(asked(&deployment, "/contact/").len(), 2);
        assert_eq!(asked(&deployment, ":stream/records").len(), 5);
        assert_eq!(asked(&deployment, ":parked"), {
            [
                "sqs:SendMessage",
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            ]
        });
        assert_eq!(
            asked(&deployment, ":::failures"),
            ["s3:PutObject", "s3:ListBucket"]
        );
        assert_eq!(
            asked(
                &deployment,
                ":logs:eu-west-1:111122223333:log-group:/aws/lambda/callreel-recorder:"
            ),
            ["logs:CreateLogStream", "logs:PutLogEvents"]
        );
        for need in needed(&deployment) {
            let account = need
                .context
                .iter()
                .find(|(name, _)| *name == BUCKET_ACCOUNT);
            assert_eq!(
                account.is_some(),
                need.action.starts_with("s3:"),
                "{need:?}"
            );
        }
        assert_eq!(asked(&deployment, ":key/media"), ["kms:Decrypt"]);
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
        deployment.parking_queue = Ok(None);
        sample::settings(&mut deployment).parking_queue = None;
        assert_eq!(asked(&deployment, ":parked"), [""; 0]);
        assert!(!asked(&deployment, "").contains(&"s3:PutObjectTagging"));
        sample::settings(&mut deployment).tags = Tags::With;
        assert!(asked(&deployment, "").contains(&"s3:PutObjectTagging"));
        let key = deployment.keys[0].state.as_mut().unwrap().as_mut().unwrap();
        key.manager = "AWS".to_owned();
        assert_eq!(asked(&deployment, ":key/media"), [""; 0]);
    }

    #[test]
    fn whatever_is_asked_is_among_the_actions() {
        let all: Vec<_> = actions().collect();
        for need in needed(&sample::healthy()) {
            assert!(all.contains(&need.action), "{need:?}");
        }
    }

    #[test]
    fn in_china_keys_are_asked_by_services_of_another_domain() {
        let mut deployment = sample::healthy();
        let function = sample::function_of(&mut deployment);
        function.arn = function.arn.replace("arn:aws:", "arn:aws-cn:");
        let needs = needed(&deployment);
        let via = needs
            .iter()
            .find(|need| need.action == "kms:Decrypt")
            .unwrap();
        assert!(via.context[0].1.ends_with(".amazonaws.com.cn"), "{via:?}");
        let bucket = needs
            .iter()
            .find(|need| need.action == "s3:GetObject")
            .unwrap();
        assert!(
            bucket.resource.starts_with("arn:aws-cn:s3:::calls/"),
            "{bucket:?}"
        );
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
