//! Each check in words: what it asks and why, and what to do when the answer is no. Judges
//! nothing.

use super::Check;

/// A check in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckInfo {
    /// The check.
    pub check: Check,
    /// Its name, for people and programs.
    pub name: &'static str,
    /// What it asks, with the reason.
    pub asks: &'static str,
    /// What to do when the answer is no.
    pub cure: &'static str,
}

const fn info(
    check: Check,
    name: &'static str,
    asks: &'static str,
    cure: &'static str,
) -> CheckInfo {
    CheckInfo {
        check,
        name,
        asks,
        cure,
    }
}

/// All checks, in the order of reports and of `docs/doctor.md`.
pub const CHECKS: &[CheckInfo] = &[
    info(
        Check::Function,
        "function",
        "The function is there, active, and its last update went well.",
        "Deploy it (`sam deploy`), or name another one with `--function`.",
    ),
    info(
        Check::Settings,
        "settings",
        "Its environment holds all settings, each of them good, and none that does nothing.",
        "Correct the parameter that sets the variable (docs/function.md, \"Settings\") and deploy.",
    ),
    info(
        Check::Timeout,
        "timeout",
        "It has 900 s, the most there is: a long call that is not done by then starts again from nothing. And it must have more than `DEADLINE_MARGIN_SECONDS`, or it stops at once.",
        "Set the function's timeout to 900 s.",
    ),
    info(
        Check::Memory,
        "memory",
        "It has 256 MiB or more. It needs less than 96 MiB, but Lambda gives processor time by memory.",
        "Set the function's memory to 512 MiB or more.",
    ),
    info(
        Check::Runtime,
        "runtime",
        "Its runtime is `provided.al2023`, which AWS keeps up; or it is an image.",
        "Set the function's runtime to `provided.al2023`.",
    ),
    info(
        Check::Mapping,
        "mapping",
        "An event source mapping from a Kinesis data stream is there and enabled: without it no call is recorded.",
        "Deploy the template, or enable the mapping: `aws lambda update-event-source-mapping --enabled --uuid ID`.",
    ),
    info(
        Check::MappingResult,
        "mapping-result",
        "The mapping's last batch went well.",
        "Look at the function's log for the cause; it names contact, cause and cure.",
    ),
    info(
        Check::PartialBatches,
        "partial-batches",
        "The mapping takes `ReportBatchItemFailures`: without it Lambda overlooks which records the function hands back, and they are lost.",
        "Set FunctionResponseTypes to ReportBatchItemFailures.",
    ),
    info(
        Check::Bisect,
        "bisect",
        "A batch whose invocation fails is cut in two, so that one bad record does not take its neighbours with it.",
        "Set BisectBatchOnFunctionError to true.",
    ),
    info(
        Check::Attempts,
        "attempts",
        "The mapping tries a batch again until its records are too old: an outage uses a hundred attempts up in a minute. And not for ever: that blocks the shard, and calls behind it outlive their audio.",
        "Set MaximumRetryAttempts to -1 and MaximumRecordAgeInSeconds to half of the media's retention, or of the data stream's if that is less.",
    ),
    info(
        Check::RecordAge,
        "record-age",
        "The mapping gives up a record before the stream forgets it: only then does it reach the failure destination.",
        "Set MaximumRecordAgeInSeconds below the data stream's retention.",
    ),
    info(
        Check::FailureDestination,
        "failure-destination",
        "Records that were given up go to a bucket. A queue or topic gets only a note of where they were in the stream.",
        "Set an S3 bucket as the mapping's on-failure destination.",
    ),
    info(
        Check::StartingPosition,
        "starting-position",
        "The mapping started at TRIM_HORIZON or at a time: with LATEST, records that came while it was made were missed.",
        "Make the mapping anew with TRIM_HORIZON (what is recorded already is not recorded again), and redrive the calls of that time.",
    ),
    info(
        Check::Filter,
        "filter",
        "The mapping's filter matches every record that is to be recorded: what it does not match is dropped silently and for good.",
        "Remove the filter, or use only `{\"data\": {\"Recordings\": {\"StorageType\": [\"KINESIS_VIDEO_STREAM\"]}}}`.",
    ),
    info(
        Check::RetryMapping,
        "retry-mapping",
        "A mapping from the parking queue is there and enabled and takes `ReportBatchItemFailures`: without that, parked records that fail again are deleted.",
        "Deploy the template; set FunctionResponseTypes to ReportBatchItemFailures and enable the mapping.",
    ),
    info(
        Check::RecordStream,
        "record-stream",
        "The Kinesis data stream of contact records is there and active.",
        "Make the stream, or point mapping and Connect's data streaming to one that is there.",
    ),
    info(
        Check::RecordRetention,
        "record-retention",
        "It keeps records for longer than a day: a record that waits for a mapping or a function to be mended is not lost before the mapping gives it up, and the call can still be looked up after a weekend.",
        "Raise it: `aws kinesis increase-stream-retention-period --stream-name NAME --retention-period-hours 168`.",
    ),
    info(
        Check::Bucket,
        "bucket",
        "The bucket of `RECORDINGS_BUCKET_NAME` is there, in the region of the settings.",
        "Make the bucket in that region, or correct `RECORDINGS_BUCKET_NAME` or `REGION`.",
    ),
    info(
        Check::BucketVersioning,
        "bucket-versioning",
        "The bucket keeps versions: what is overwritten or deleted by mistake can be had back.",
        "Enable versioning.",
    ),
    info(
        Check::BucketEncryption,
        "bucket-encryption",
        "The bucket encrypts new objects.",
        "Set a default encryption (SSE-S3 or SSE-KMS).",
    ),
    info(
        Check::PublicAccess,
        "public-access",
        "The bucket blocks public access in all four ways: these are people's calls.",
        "Switch on all of \"block public access\".",
    ),
    info(
        Check::IncompleteUploads,
        "incomplete-uploads",
        "A lifecycle rule aborts incomplete uploads, whose parts nobody sees and the owner pays.",
        "Add a rule with AbortIncompleteMultipartUpload, one day, for the recordings' prefix.",
    ),
    info(
        Check::TlsOnly,
        "tls-only",
        "The bucket's policy denies requests without TLS.",
        "Deny `s3:*` to everybody where `aws:SecureTransport` is false.",
    ),
    info(
        Check::Distribution,
        "distribution",
        "A CloudFront distribution of this account answers for `CLOUDFRONT_DOMAIN`, is enabled and deployed: the URLs on contacts lead there.",
        "Correct `CLOUDFRONT_DOMAIN`, or enable the distribution. Where it is another account's, look there.",
    ),
    info(
        Check::Origin,
        "origin",
        "What the distribution serves under the recordings' prefix is this bucket, without a path of its own in front.",
        "Set the bucket as the origin of the behaviour for the recordings' prefix, with an empty origin path.",
    ),
    info(
        Check::OriginAccess,
        "origin-access",
        "The origin has an origin access control, and the bucket's policy lets this distribution read: else every URL answers 403.",
        "Give the origin an access control, and allow `s3:GetObject` to `cloudfront.amazonaws.com` with `AWS:SourceArn` this distribution.",
    ),
    info(
        Check::ViewerProtocol,
        "viewer-protocol",
        "Recordings are served by HTTPS only.",
        "Set the viewer protocol policy to redirect-to-https or https-only.",
    ),
    info(
        Check::Listeners,
        "listeners",
        "Not just anybody who knows a URL can listen: the distribution asks for a signature (a trusted key group), or a web ACL says whom it lets in. URLs stand on contacts, where agents, flows and exports see them.",
        "Deploy with `Listeners` `signed` and a `KeyGroupId`, or `allow-list` and a `WebAclArn`. If anybody may listen on purpose, this warning stays.",
    ),
    info(
        Check::MediaStreaming,
        "media-streaming",
        "Live media streaming is configured on the Connect instance: without it there is no audio to record.",
        "Enable live media streaming on the instance's data storage page.",
    ),
    info(
        Check::MediaRetention,
        "media-retention",
        "New streams keep media for a day or more: it is the time there is to record a call. With 0 h nothing can be read at all.",
        "Set the retention of live media streaming to 24 h or more; streams that are there keep theirs.",
    ),
    info(
        Check::ContactRecords,
        "contact-records",
        "The instance sends its contact records to the data stream that the mapping reads.",
        "Enable data streaming on the instance, contact records to this Kinesis data stream (no Firehose).",
    ),
    info(
        Check::StreamRetention,
        "stream-retention",
        "Every video stream keeps its media. Connect reuses streams, and one that was made with 0 h stays unreadable for good.",
        "Set the instance's retention to 24 h or more, then delete these streams while no call uses them (`aws kinesisvideo delete-stream --stream-arn ARN`): Connect makes new ones.",
    ),
    info(
        Check::Keys,
        "keys",
        "Every KMS key of streams, bucket and queues is there, enabled and for encryption.",
        "Enable the key, cancel its deletion, or name another one.",
    ),
    info(
        Check::Rights,
        "rights",
        "The function's role may do what recorder and mappings must. Asked of IAM's simulation, which knows neither key policies nor bucket policies.",
        "Allow the action on the resource to the function's role.",
    ),
    info(
        Check::ParkingQueue,
        "parking-queue",
        "`PARKING_QUEUE_URL` names a queue that is there: records that only a person can help on wait in it instead of blocking the shard.",
        "Make the queue and set `PARKING_QUEUE_URL`.",
    ),
    info(
        Check::Redrive,
        "redrive",
        "The parking queue has a dead-letter queue, so that no message goes around for ever.",
        "Set a redrive policy with a dead-letter queue that is there.",
    ),
    info(
        Check::Visibility,
        "visibility",
        "A message that was taken stays hidden for as long as the function may work on it: else it is worked on twice.",
        "Set the queue's visibility timeout to the function's timeout or more.",
    ),
    info(
        Check::Waiting,
        "waiting",
        "No record waits in the parking queue: each is a call that is not recorded yet.",
        "Look at the log for the cause, mend it, then run `callreel redrive`.",
    ),
    info(
        Check::DeadLetters,
        "dead-letters",
        "The dead-letter queue is empty: what is there is a call that nothing will record by itself.",
        "Mend the cause that the messages name, then `callreel redrive --queue URL` with this queue, before the media's retention ends.",
    ),
    info(
        Check::Withdrawn,
        "withdrawn",
        "No recording was found in the last seven days that its contact does not allow any more: no URL leads to it, and it is kept all the same.",
        "`callreel forget --aws --stack NAME --contact ID` for each contact that the log names in an ERROR line `consent withdrawn`; it deletes with `--yes`. What was deleted since is counted until it is seven days old.",
    ),
    info(
        Check::NoteFunction,
        "note-function",
        "If there is an answering machine: flows of the Connect instance may call its function `note`, and nobody else's may; and the function is in the instance's list.",
        "Deploy `stacks/answering.yaml` anew; it gives the permission (`FlowMayCallNote`) and the place in the list (`NoteIsOffered`).",
    ),
    info(
        Check::CallEnded,
        "call-ended",
        "If there is an answering machine: a rule of EventBridge may call its function `save`, is enabled, has the function among its targets, and a dead-letter queue there: without it messages come late, by `reconcile` alone.",
        "Deploy `stacks/answering.yaml` anew; it makes the rule (`CallEnded`) and the permission (`CallEndedMayInvoke`).",
    ),
    info(
        Check::AnsweringRights,
        "answering-rights",
        "If there is an answering machine: the roles of `note` and `save` may do what they must. Asked of IAM's simulation, as `rights`.",
        "Allow the action on the resource to the function's role.",
    ),
    info(
        Check::NotesWaiting,
        "notes-waiting",
        "If there is an answering machine: no call of the last three days was noted more than an hour ago and has neither a message nor a marker in its place.",
        "Look at the log of the answering machine for the contact: each try names step, cause and cure (docs/answering-machine.md, \"When something fails\").",
    ),
    info(
        Check::LiveFunction,
        "live-function",
        "If there is a live monitor: flows of the Connect instance may call its function `live-start`, and nobody else's may; and the function is in the instance's list.",
        "Deploy `stacks/live.yaml` anew; it gives the permission (`FlowMayCallLiveStart`) and the place in the list (`LiveStartIsOffered`).",
    ),
    info(
        Check::LiveStream,
        "live-stream",
        "If there is a live monitor: the data stream of calls that `STREAM_NAME` names is there, active, and encrypted: without it no desk hears of a call.",
        "Deploy `stacks/live.yaml` anew; it makes the data stream (`Calls`).",
    ),
    info(
        Check::LiveCallEnded,
        "live-call-ended",
        "If there is a live monitor: a rule of EventBridge may call its function, is enabled, has the function among its targets, and a dead-letter queue there: without it desks end a call only when no more media comes.",
        "Deploy `stacks/live.yaml` anew; it makes the rule (`LiveCallEnded`) and the permission (`LiveCallEndedMayInvoke`).",
    ),
    info(
        Check::LiveRights,
        "live-rights",
        "If there is a live monitor: the role of `live-start` may put into the data stream. Asked of IAM's simulation, as `rights`.",
        "Allow the action on the resource to the function's role.",
    ),
    info(
        Check::VoicemailEvents,
        "voicemail-events",
        "If there is voicemail: `capture` reads the data stream, both buckets send their events to EventBridge, and a rule that is enabled, with a dead-letter queue, calls each of `transcribe`, `transcribe-failed` and `deliver`.",
        "Enable the mapping or the rule, or deploy `stacks/voicemail.yaml` anew.",
    ),
    info(
        Check::VoicemailWays,
        "voicemail-ways",
        "If there is voicemail: the settings of `deliver` are good, the flows of its tasks are there and active, and SES has verified the sender of its mails, or its domain.",
        "Correct the parameter (docs/deploy.md), publish the flow, or verify the identity in SES.",
    ),
    info(
        Check::VoicemailsWaiting,
        "voicemails-waiting",
        "If there is voicemail: no message of the last three days is older than an hour and has no marker of a delivery.",
        "Look at the log of voicemail for the contact: each try names step, cause and cure. Mend it, then `callreel redrive --voicemail` (docs/voicemail.md, \"When something fails\").",
    ),
    info(
        Check::VoicemailRights,
        "voicemail-rights",
        "If there is voicemail: the role of each of its functions may do all that the function does, with the settings that it has. Asked of IAM's simulation, as `rights`.",
        "Allow the action on the resource to the function's role.",
    ),
    info(
        Check::ArchiveRights,
        "archive-rights",
        "If the archive is deployed: the role of `archive` may read recordings and the secret of its login, write indexes and who listened, and use the bucket's key. Asked of IAM's simulation, as `rights`.",
        "Allow the action on the resource to the function's role.",
    ),
    info(
        Check::Alarms,
        "alarms",
        "An alarm watches each of: lost seconds, parked records, unreadable records, withdrawn consent, audio at risk, the iterator's age, errors, throttles, duration, mappings that read nothing, records given up or dropped, records that wait, dead letters.",
        "Deploy the template's alarms, or make one on the metric.",
    ),
    info(
        Check::AlarmStates,
        "alarm-states",
        "None of these alarms is going off.",
        "Do what the alarm's description says.",
    ),
    info(
        Check::AlarmActions,
        "alarm-actions",
        "Each of these alarms tells somebody.",
        "Give the alarm an action, such as a topic that people subscribe to, and enable its actions.",
    ),
];
