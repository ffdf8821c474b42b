//! Each trouble, and what is found of it.

use super::facts::*;
use super::sample::*;
use super::*;

/// The findings of a check after `trouble`, as `level subject: finding`.
#[track_caller]
fn check(check: Check, expected: &str, trouble: impl FnOnce(&mut Deployment)) {
    let mut deployment = healthy();
    trouble(&mut deployment);
    let found = examine(&deployment);
    let lines: Vec<_> = found
        .iter()
        .filter(|finding| finding.check == check)
        .map(|finding| {
            let Finding {
                level,
                subject,
                finding,
                ..
            } = finding;
            format!("{} {subject}: {finding}", level.name())
        })
        .collect();
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    check_whole(&found);
}

/// Every check has its finding, and every trouble its cure.
#[track_caller]
fn check_whole(found: &[Finding]) {
    for info in CHECKS {
        let mut of = found.iter().filter(|finding| finding.check == info.check);
        assert!(
            of.next().is_some(),
            "{} has no finding: its file in src/doctor must judge it in every case",
            info.name
        );
    }
    for finding in found {
        let cured = finding.cure.as_ref().is_some_and(|cure| !cure.is_empty());
        assert_eq!(cured, finding.level != Level::Ok, "{finding:?}");
    }
}

#[test]
fn all_checks_are_listed_once_and_in_order() {
    for (at, info) in CHECKS.iter().enumerate() {
        assert_eq!(info.check as usize, at, "{}", info.name);
        assert_eq!(info.check.info(), info);
    }
    let names: std::collections::BTreeSet<_> = CHECKS.iter().map(|info| info.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    assert_eq!(CHECKS.last().unwrap().check, Check::AlarmActions);
}

#[test]
fn a_healthy_deployment_is_well_in_all_respects() {
    let found = examine(&healthy());
    check_whole(&found);
    let troubles: Vec<_> = found
        .iter()
        .filter(|finding| finding.level != Level::Ok)
        .collect();
    assert!(troubles.is_empty(), "{troubles:#?}");
}

#[test]
fn what_is_not_known_is_unchecked_and_nothing_else() {
    let unknown = Unknown::new("denied", "allow it");
    let found = examine(&Deployment::unknown("f", &unknown));
    check_whole(&found);
    for finding in found {
        assert_eq!(finding.level, Level::Unchecked, "{finding:?}");
    }
}

#[test]
fn one_unknown_fact_leaves_the_rest_checked() {
    let denied = || Unknown::new("denied", "allow it");
    check(Check::Alarms, "unchecked callreel-recorder: denied", |it| {
        it.alarms = Err(denied());
    });
    check(
        Check::Keys,
        "ok alias/media: enabled; used by video streams",
        |it| {
            it.alarms = Err(denied());
        },
    );
    check(Check::Filter, "unchecked callreel-recorder: denied", |it| {
        it.mappings = Err(denied());
    });
    check(Check::TlsOnly, "unchecked calls: denied", |it| {
        bucket_of(it).policy = Err(denied());
    });
    check(
        Check::OriginAccess,
        "unchecked d1.cloudfront.net: denied",
        |it| {
            bucket_of(it).policy = Err(denied());
        },
    );
    check(Check::Keys, "unchecked alias/media: denied", |it| {
        it.keys[0].state = Err(denied());
    });
}

#[test]
fn the_function() {
    let missing = "error callreel-recorder: there is no such function";
    check(Check::Function, missing, |it| it.function = Ok(None));
    let failed = "error callreel-recorder: state Failed, last update Successful";
    check(Check::Function, failed, |it| {
        function_of(it).state = Some("Failed".to_owned());
    });
    let pending = "warning callreel-recorder: state Active, last update InProgress";
    check(Check::Function, pending, |it| {
        function_of(it).last_update = Some("InProgress".to_owned());
    });
    let bad = "error callreel-recorder: configuration: CLOUDFRONT_DOMAIN is not set";
    check(Check::Settings, bad, |it| {
        function_of(it).settings = Err("configuration: CLOUDFRONT_DOMAIN is not set".to_owned());
    });
    check(
        Check::Bucket,
        "unchecked : the function's settings are wrong",
        |it| {
            function_of(it).settings = Err(String::new());
        },
    );
    check(
        Check::Settings,
        "warning callreel-recorder: does nothing",
        |it| {
            settings(it).warnings = vec!["does nothing".to_owned()];
        },
    );
    check(Check::Timeout, "warning callreel-recorder: 300 s", |it| {
        function_of(it).timeout_seconds = 300;
    });
    let margin = "error callreel-recorder: 15 s, of which DEADLINE_MARGIN_SECONDS takes 15 s";
    check(Check::Timeout, margin, |it| {
        function_of(it).timeout_seconds = 15;
    });
    check(Check::Memory, "warning callreel-recorder: 128 MiB", |it| {
        function_of(it).memory_mib = 128;
    });
    check(
        Check::Runtime,
        "warning callreel-recorder: provided.al2",
        |it| {
            function_of(it).runtime = Some("provided.al2".to_owned());
        },
    );
    check(Check::Runtime, "ok callreel-recorder: an image", |it| {
        function_of(it).runtime = None;
    });
}

#[test]
fn the_mapping() {
    let none = "error callreel-recorder: no mapping reads a Kinesis data stream";
    check(Check::Mapping, none, |it| it.mappings = Ok(Vec::new()));
    for (state, level) in [
        ("Disabled", "error"),
        ("Disabling", "error"),
        ("Deleting", "error"),
        ("Updating", "warning"),
    ] {
        check(
            Check::Mapping,
            &format!("{level} m1 from records: {state}"),
            |it| mapping_of(it).state = state.to_owned(),
        );
    }
    let problem = "PROBLEM: Function call failed";
    check(
        Check::MappingResult,
        &format!("error m1 from records: {problem}"),
        |it| mapping_of(it).last_result = Some(problem.to_owned()),
    );
    check(
        Check::MappingResult,
        "ok m1 from records: No records processed",
        |it| {
            mapping_of(it).last_result = None;
        },
    );
    check(
        Check::PartialBatches,
        "error m1 from records: not set",
        |it| {
            mapping_of(it).response_types.clear();
        },
    );
    check(Check::Bisect, "warning m1 from records: not set", |it| {
        mapping_of(it).bisect = false;
    });
    check(Check::Attempts, "error m1 from records: for ever", |it| {
        mapping_of(it).max_age_seconds = None;
    });
    let by_age = "ok m1 from records: until the records are too old";
    check(Check::Attempts, by_age, |_| ());
    check(Check::Attempts, "warning m1 from records: 100", |it| {
        mapping_of(it).attempts = Some(100);
    });
    check(Check::Attempts, "ok m1 from records: 10000", |it| {
        mapping_of(it).attempts = Some(10_000);
    });
    check(Check::RecordAge, "warning m1 from records: any age", |it| {
        mapping_of(it).max_age_seconds = None;
    });
    let late = "warning m1 from records: 604800 s, and the stream keeps records for 168 h";
    check(Check::RecordAge, late, |it| {
        mapping_of(it).max_age_seconds = Some(604_800);
    });
    let lost = "error m1 from records: none: records that are given up are lost";
    check(Check::FailureDestination, lost, |it| {
        mapping_of(it).failure_destination = None;
    });
    let note = format!("warning m1 from records: {QUEUE}");
    check(Check::FailureDestination, &note, |it| {
        mapping_of(it).failure_destination = Some(QUEUE.to_owned());
    });
    check(
        Check::StartingPosition,
        "warning m1 from records: LATEST",
        |it| {
            mapping_of(it).starting_position = Some("LATEST".to_owned());
        },
    );
    check(
        Check::StartingPosition,
        "unchecked m1 from records: Lambda does not say",
        |it| {
            mapping_of(it).starting_position = None;
        },
    );
    let drops = r#"error m1 from records: `data.Channel` does not surely match "VOICE""#;
    check(Check::Filter, drops, |it| {
        mapping_of(it).filters = vec![r#"{"data": {"Channel": ["CHAT"]}}"#.to_owned()];
    });
    check(Check::Filter, "ok m1 from records: no filter", |it| {
        mapping_of(it).filters.clear();
    });
}

#[test]
fn every_mapping_of_contact_records_is_looked_at() {
    let trouble = |it: &mut Deployment| {
        let mut second = mapping_of(it).clone();
        second.id = "m3".to_owned();
        second.bisect = false;
        it.mappings.as_mut().unwrap().push(second);
    };
    check(Check::Bisect, "warning m3 from records: not set", trouble);
    check(Check::Bisect, "ok m1 from records: set", trouble);
}

#[test]
fn the_retry_mapping() {
    let second = |it: &mut Deployment| it.mappings.as_mut().unwrap().remove(1);
    let check_it = |expected: &str, trouble: &dyn Fn(&mut Deployment)| {
        check(Check::RetryMapping, expected, trouble);
    };
    check_it(
        "warning parked: no mapping reads the parking queue",
        &|it| {
            second(it);
        },
    );
    check_it("warning m2 from parked: Disabled", &|it| {
        it.mappings.as_mut().unwrap()[1].state = "Disabled".to_owned();
    });
    check_it(
        "error m2 from parked: ReportBatchItemFailures is not set",
        &|it| it.mappings.as_mut().unwrap()[1].response_types.clear(),
    );
    check_it(
        "unchecked callreel-recorder: PARKING_QUEUE_URL is not set",
        &|it| {
            settings(it).parking_queue = None;
        },
    );
}

#[test]
fn the_stream_of_contact_records() {
    let missing = "error records: there is no such stream";
    check(Check::RecordStream, missing, |it| {
        it.record_stream = Ok(None)
    });
    let stream = |it: &mut Deployment, status: &str, hours| {
        it.record_stream = Ok(Some(RecordStream {
            arn: STREAM.to_owned(),
            status: status.to_owned(),
            retention_hours: hours,
            key: None,
        }));
    };
    check(Check::RecordStream, "error records: DELETING", |it| {
        stream(it, "DELETING", 48);
    });
    check(Check::RecordRetention, "warning records: 24 h", |it| {
        stream(it, "ACTIVE", 24);
    });
    check(Check::RecordRetention, "ok records: 48 h", |it| {
        stream(it, "ACTIVE", 48);
    });
}

#[test]
fn the_bucket() {
    let missing = "error calls: there is no such bucket";
    check(Check::Bucket, missing, |it| it.bucket = Ok(None));
    let elsewhere = "error calls: in us-east-1, and the settings say eu-west-1";
    check(Check::Bucket, elsewhere, |it| {
        bucket_of(it).region = Some("us-east-1".to_owned());
    });
    check(Check::BucketVersioning, "warning calls: off", |it| {
        bucket_of(it).versioning = Ok(None);
    });
    check(Check::BucketVersioning, "warning calls: Suspended", |it| {
        bucket_of(it).versioning = Ok(Some("Suspended".to_owned()));
    });
    check(
        Check::BucketEncryption,
        "warning calls: none is set",
        |it| {
            bucket_of(it).encryption = Ok(None);
        },
    );
    check(
        Check::PublicAccess,
        "error calls: not set: BlockPublicAcls",
        |it| {
            bucket_of(it).not_blocked = Ok(vec!["BlockPublicAcls"]);
        },
    );
    let others = "warning calls: no enabled rule aborts those of \"recordings/\"";
    check(Check::IncompleteUploads, others, |it| {
        bucket_of(it).aborts = Ok(vec![AbortRule {
            prefix: "other/".to_owned(),
            days: 1,
        }]);
    });
    let plain = "warning calls: no statement denies plain HTTP";
    for policy in [
        None,
        Some("no policy"),
        Some(
            r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}"#,
        ),
        Some(
            r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}"#,
        ),
        Some(r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}}"#),
    ] {
        check(Check::TlsOnly, plain, |it| {
            bucket_of(it).policy = Ok(policy.map(str::to_owned));
        });
    }
    let one = r#"{"Statement": {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": ["s3:*"], "Condition": {"Bool": {"aws:SecureTransport": false}}}}"#;
    check(
        Check::TlsOnly,
        "ok calls: requests without TLS are denied",
        |it| {
            bucket_of(it).policy = Ok(Some(one.to_owned()));
        },
    );
}

#[test]
fn the_distribution() {
    let with = |trouble: &dyn Fn(&mut Distribution), asked: Check, expected: &str| {
        let expected = expected.replace("DOMAIN", "d1.cloudfront.net");
        check(asked, &expected, |it| {
            trouble(&mut it.distributions.as_mut().unwrap()[0]);
        });
    };
    with(
        &|it| it.domain = "d2.cloudfront.net".to_owned(),
        Check::Distribution,
        "error DOMAIN: no distribution of this account answers for it",
    );
    with(
        &|it| it.enabled = false,
        Check::Distribution,
        "error DOMAIN: disabled",
    );
    with(
        &|it| it.status = "InProgress".to_owned(),
        Check::Distribution,
        "warning DOMAIN: InProgress",
    );
    with(
        &|it| it.origins[0].domain = "calls-2.s3.eu-west-1.amazonaws.com".to_owned(),
        Check::Origin,
        "error DOMAIN: calls-2.s3.eu-west-1.amazonaws.com, not the bucket calls",
    );
    with(
        &|it| it.origins[0].path = "/x".to_owned(),
        Check::Origin,
        "error DOMAIN: the origin path \"/x\" stands before every key",
    );
    with(
        &|it| it.origins[0].access_control = None,
        Check::OriginAccess,
        "error DOMAIN: the origin has no origin access control",
    );
    with(
        &|it| {
            it.origins[0].access_control = None;
            it.origins[0].access_identity = Some("origin-access-identity/cloudfront/E2".to_owned());
        },
        Check::OriginAccess,
        "warning DOMAIN: origin-access-identity/cloudfront/E2, the older way, which knows no SSE-KMS",
    );
    with(
        &|it| it.arn = "arn:aws:cloudfront::111122223333:distribution/E9".to_owned(),
        Check::OriginAccess,
        "error DOMAIN: the bucket's policy does not let it read",
    );
    with(
        &|it| it.behaviours[0].viewer_protocol = "allow-all".to_owned(),
        Check::ViewerProtocol,
        "warning DOMAIN: allow-all",
    );
    let unsigned = |it: &mut Distribution| it.behaviours[0].signers.clear();
    with(
        &|_| (),
        Check::Listeners,
        "ok DOMAIN: URLs that are signed by group-1",
    );
    with(
        &unsigned,
        Check::Listeners,
        "warning DOMAIN: anybody who knows a URL can listen",
    );
    with(
        &|it| {
            unsigned(it);
            it.web_acl = Some("office".to_owned());
        },
        Check::Listeners,
        "ok DOMAIN: whom the web ACL office lets in",
    );
    let page = Behaviour {
        pattern: "/recordings/*".to_owned(),
        origin: "page".to_owned(),
        viewer_protocol: "https-only".to_owned(),
        signers: Vec::new(),
    };
    // Those of the behaviour that serves recordings count, and no other's.
    with(
        &|it| {
            unsigned(it);
            it.behaviours.insert(
                0,
                Behaviour {
                    pattern: "*.html".to_owned(),
                    signers: vec!["group-1".to_owned()],
                    ..page.clone()
                },
            );
        },
        Check::Listeners,
        "warning DOMAIN: anybody who knows a URL can listen",
    );
    with(
        &|it| it.behaviours.insert(0, page.clone()),
        Check::Origin,
        "unchecked DOMAIN: recordings are served by a group of origins, or by nothing",
    );
    with(
        &|it| {
            it.behaviours.insert(
                0,
                Behaviour {
                    pattern: "*.html".to_owned(),
                    ..page.clone()
                },
            );
        },
        Check::Origin,
        "ok DOMAIN: calls.s3.eu-west-1.amazonaws.com",
    );
}

#[test]
fn the_instance() {
    let first = |trouble: &dyn Fn(&mut Instance), asked: Check, expected: &str| {
        check(asked, expected, |it| {
            trouble(&mut it.instances.as_mut().unwrap()[0]);
        });
    };
    first(
        &|it| it.media = Ok(Vec::new()),
        Check::MediaStreaming,
        "error i1: not configured",
    );
    let hours = |it: &mut Instance, hours| {
        it.media.as_mut().unwrap()[0].retention_hours = hours;
    };
    first(
        &|it| hours(it, 0),
        Check::MediaRetention,
        "error i1: 0 h: nothing can be read",
    );
    first(&|it| hours(it, 2), Check::MediaRetention, "warning i1: 2 h");
    first(
        &|it| it.records = Ok(Vec::new()),
        Check::ContactRecords,
        "error i1: goes nowhere: data streaming is not enabled",
    );
    let hose = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/records";
    first(
        &|it| it.records = Ok(vec![hose.to_owned()]),
        Check::ContactRecords,
        &format!("error i1: go to the Firehose stream {hose}"),
    );
    let other = STREAM.replace("records", "other");
    first(
        &|it| it.records = Ok(vec![other.clone()]),
        Check::ContactRecords,
        &format!("error i1: go to {other}; the mapping reads {STREAM}"),
    );
    let unread = format!("error i1: go to {STREAM}, which no mapping reads");
    check(Check::ContactRecords, &unread, |it| {
        it.mappings = Ok(Vec::new())
    });
    check(
        Check::MediaStreaming,
        "unchecked : there is no Connect instance in this account and region",
        |it| it.instances = Ok(Vec::new()),
    );
}

#[test]
fn of_several_instances_the_one_that_feeds_the_mapping_is_meant() {
    let second = |records: &str| {
        let records = records.to_owned();
        move |it: &mut Deployment| {
            let mut other = instance();
            other.id = "i0".to_owned();
            other.records = Ok(vec![records]);
            it.instances.as_mut().unwrap().insert(0, other);
        }
    };
    check(
        Check::MediaRetention,
        "ok i1: 24 h",
        second("arn:aws:kinesis:eu-west-1:111122223333:stream/other"),
    );
    check(Check::MediaRetention, "ok i0: 24 h", second(STREAM));
    let open = "unchecked : there are 2 instances, and none is known to send its contact records to the function's stream";
    check(Check::MediaRetention, open, |it| {
        let mut other = instance();
        other.records = Ok(Vec::new());
        it.instances = Ok(vec![other.clone(), other]);
    });
}

#[test]
fn streams_that_keep_nothing_are_named_one_by_one() {
    let never = "0 h: its media can never be read, whatever the instance is set to now";
    let none = video_stream(0);
    check(
        Check::StreamRetention,
        &format!("error {}: {never}", none.name),
        |it| it.video_streams = Ok(vec![video_stream(24), none.clone()]),
    );
    let short = video_stream(2);
    check(
        Check::StreamRetention,
        &format!("warning i1: under a day: {} (2 h)", short.name),
        |it| it.video_streams = Ok(vec![short.clone()]),
    );
    let many = vec![short.name.clone() + " (2 h)"; 20].join(", ");
    check(
        Check::StreamRetention,
        &format!("warning i1: under a day: {many} and 5 more"),
        |it| it.video_streams = Ok(vec![short.clone(); 25]),
    );
    check(
        Check::StreamRetention,
        "ok i1: no stream yet: Connect makes them with the first calls",
        |it| it.video_streams = Ok(Vec::new()),
    );
}

#[test]
fn keys_that_cannot_be_used() {
    let expected = "error alias/media: Disabled; used by video streams";
    check(Check::Keys, expected, |it| {
        it.keys = vec![key("Disabled", "ENCRYPT_DECRYPT")];
    });
    let expected = "error alias/media: PendingDeletion; used by video streams";
    check(Check::Keys, expected, |it| {
        it.keys = vec![key("PendingDeletion", "ENCRYPT_DECRYPT")];
    });
    let expected = "error alias/media: for SIGN_VERIFY; used by video streams";
    check(Check::Keys, expected, |it| {
        it.keys = vec![key("Enabled", "SIGN_VERIFY")];
    });
    let expected = "error alias/media: there is no such key; used by video streams";
    check(Check::Keys, expected, |it| it.keys[0].state = Ok(None));
    check(Check::Keys, "ok : nothing uses a key of its own", |it| {
        it.keys.clear();
    });
}

#[test]
fn rights_that_are_missing() {
    let role = "arn:aws:iam::111122223333:role/recorder";
    let decide = |it: &mut Deployment, decision: RightDecision| {
        let rights = it.rights.as_mut().unwrap();
        let right = rights
            .iter_mut()
            .find(|right| right.need.action == "s3:ListBucket");
        right.unwrap().decision = decision;
    };
    check(
        Check::Rights,
        &format!(
            "error {role}: s3:ListBucket on arn:aws:s3:::calls: implicitDeny; without it, what is not there yet looks denied, and nothing is recorded"
        ),
        |it| decide(it, RightDecision::Denied("implicitDeny".to_owned())),
    );
    check(
        Check::Rights,
        &format!(
            "unchecked {role}: s3:ListBucket on arn:aws:s3:::calls: a condition looks at aws:SourceVpc"
        ),
        |it| decide(it, RightDecision::Depends(vec!["aws:SourceVpc".to_owned()])),
    );
    check(
        Check::Rights,
        &format!(
            "unchecked {role}: s3:ListBucket on arn:aws:s3:::calls: IAM's simulation has no answer"
        ),
        |it| {
            it.rights
                .as_mut()
                .unwrap()
                .retain(|right| right.need.action != "s3:ListBucket")
        },
    );
}

#[test]
fn the_queues() {
    check(
        Check::ParkingQueue,
        "error parked: there is no such queue",
        |it| {
            it.parking_queue = Ok(None);
        },
    );
    let unset = "warning PARKING_QUEUE_URL: not set: a record that cannot be worked blocks its shard until it is given up";
    check(Check::ParkingQueue, unset, |it| {
        settings(it).parking_queue = None
    });
    check(
        Check::Redrive,
        "warning parked: no dead-letter queue",
        |it| {
            queue_of(it).redrive = None;
        },
    );
    check(
        Check::Redrive,
        "error parked: its dead-letter queue parked-dead is not there",
        |it| {
            it.dead_letters = Ok(None);
        },
    );
    check(
        Check::Visibility,
        "error parked: 30 s, and the function has 900 s",
        |it| {
            queue_of(it).visibility_seconds = 30;
        },
    );
    check(Check::Waiting, "warning parked: 3 messages", |it| {
        queue_of(it).messages = 3;
    });
    check(Check::DeadLetters, "error parked-dead: 1 message", |it| {
        it.dead_letters.as_mut().unwrap().as_mut().unwrap().messages = 1;
    });
}

#[test]
fn withdrawn_consent() {
    check(Check::Withdrawn, "ok callreel-recorder: none", |_| {});
    check(
        Check::Withdrawn,
        "warning callreel-recorder: found once",
        |it| it.withdrawn = Ok(1),
    );
    check(
        Check::Withdrawn,
        "warning callreel-recorder: found 3 times",
        |it| it.withdrawn = Ok(3),
    );
}

#[test]
fn the_alarms() {
    fn all(it: &mut Deployment) -> &mut Vec<Alarm> {
        it.alarms.as_mut().unwrap()
    }
    for (at, expected) in [
        "lost seconds: no alarm on Callreel LostSeconds",
        "parked records: no alarm on Callreel Parked",
        "unreadable records: no alarm on Callreel Unreadable",
        "audio at risk: no alarm on Callreel RetentionLeftSeconds",
        "the iterator's age: no alarm on AWS/Lambda IteratorAge or AWS/Kinesis GetRecords.IteratorAgeMilliseconds",
        "errors: no alarm on AWS/Lambda Errors",
        "throttles: no alarm on AWS/Lambda Throttles",
        "duration: no alarm on AWS/Lambda Duration",
        "dead letters: no alarm on AWS/SQS ApproximateNumberOfMessagesVisible",
        "records that wait: no alarm on AWS/SQS ApproximateNumberOfMessagesVisible",
        "contact records that nobody reads: no alarm on AWS/Lambda PolledEventCount",
        "parked records that nobody reads: no alarm on AWS/Lambda PolledEventCount",
        "records given up: no alarm on AWS/Lambda OnFailureDestinationDeliveredEventCount",
        "records dropped: no alarm on AWS/Lambda DroppedEventCount",
        "recordings that stay partial: no alarm on Callreel StayedPartial",
        "withdrawn consent: no alarm on Callreel Withdrawn",
    ]
    .iter()
    .enumerate()
    {
        check(Check::Alarms, &format!("warning {expected}"), |it| {
            all(it).remove(at);
        });
    }
    for (function, level) in [("callreel-recorder", "ok"), ("other", "warning")] {
        let mut deployment = healthy();
        let dimension = ("Function".to_owned(), function.to_owned());
        all(&mut deployment)[0].watches[0].dimensions = vec![dimension];
        let found = examine(&deployment);
        let of = found
            .iter()
            .find(|finding| finding.subject == "lost seconds");
        assert_eq!(of.unwrap().level.name(), level, "{function}");
    }
    // Alarms of another function are not ours.
    check(
        Check::Alarms,
        "warning errors: no alarm on AWS/Lambda Errors",
        |it| {
            all(it)[5].watches[0].dimensions[0].1 = "other".to_owned();
        },
    );
    check(
        Check::AlarmStates,
        "error callreel Errors: ALARM: 3 over 0",
        |it| {
            all(it)[5].state = "ALARM".to_owned();
            all(it)[5].reason = "3 over 0".to_owned();
        },
    );
    check(
        Check::AlarmStates,
        "ok callreel Errors: INSUFFICIENT_DATA",
        |it| {
            all(it)[5].state = "INSUFFICIENT_DATA".to_owned();
        },
    );
    check(
        Check::AlarmActions,
        "warning callreel Errors: it has no action",
        |it| {
            all(it)[5].actions.clear();
        },
    );
    check(
        Check::AlarmActions,
        "warning callreel Errors: its actions are disabled",
        |it| {
            all(it)[5].actions_enabled = false;
        },
    );
    check(
        Check::AlarmStates,
        "warning callreel-recorder: there is no alarm",
        |it| {
            all(it).clear();
        },
    );
}

#[test]
fn there_need_be_no_answering_machine() {
    for of in [Check::NoteFunction, Check::CallEnded, Check::NotesWaiting] {
        check(of, "ok : there is no answering machine", |it| {
            it.answering = Ok(None)
        });
    }
}

#[test]
fn who_may_call_the_answering_machine() {
    fn note(it: &mut Deployment) -> &mut Helper {
        answering_of(it).note.as_mut().unwrap()
    }
    fn called(it: &mut Deployment, source: Option<&str>) {
        note(it).callers.as_mut().unwrap()[0].source = source.map(str::to_owned);
    }
    let of = Check::NoteFunction;
    check(
        of,
        "ok callreel-note: flows of the instance may call it",
        |_| {},
    );
    check(
        of,
        "ok callreel-note: flows of the instance may call it",
        |it| {
            called(
                it,
                Some("arn:aws:connect:eu-west-1:111122223333:instance/*"),
            );
        },
    );
    check(of, "ok callreel-note: in the instance's list", |_| {});
    check(of, "error note: there is no such function", |it| {
        answering_of(it).note = None
    });
    check(of, "error callreel-note: no flow may call it", |it| {
        note(it).callers.as_mut().unwrap().clear();
    });
    check(of, "error callreel-note: no flow may call it", |it| {
        note(it).callers.as_mut().unwrap()[0].service = "events.amazonaws.com".to_owned();
    });
    let all = "warning callreel-note: flows of all of the account 111122223333 may call it";
    check(of, all, |it| called(it, None));
    check(
        of,
        "warning callreel-note: flows of anybody's account may call it",
        |it| {
            called(it, None);
            note(it).callers.as_mut().unwrap()[0].account = None;
        },
    );
    let other = "arn:aws:connect:eu-west-1:111122223333:instance/other";
    let others =
        format!("error callreel-note: flows of {other} may call it, and not the instance's");
    check(of, &others, |it| called(it, Some(other)));
    let foreign = "arn:aws:connect:eu-west-1:444455556666:instance/i1";
    let anybody = format!("warning callreel-note: flows of {foreign} may call it");
    check(of, &anybody, |it| called(it, Some(foreign)));
    let unlisted =
        "warning callreel-note: not in the list of the instance i1: no flow can be saved with it";
    check(of, unlisted, |it| answering_of(it).offered = Ok(Vec::new()));
    check(of, "unchecked callreel-note: denied", |it| {
        answering_of(it).offered = Err(Unknown::new("denied", "allow it"));
    });

    let of = Check::CallEnded;
    check(
        of,
        "ok callreel-save: called by arn:aws:events:eu-west-1:111122223333:rule/call-ended",
        |_| {},
    );
    check(of, "error callreel-save: no rule may call it", |it| {
        answering_of(it).save.as_mut().unwrap().callers = Ok(Vec::new());
    });
    check(of, "error save: there is no such function", |it| {
        answering_of(it).save = None
    });
    fn rule(it: &mut Deployment) -> &mut EventRule {
        &mut answering_of(it).rules.as_mut().unwrap()[0]
    }
    check(
        of,
        "ok rule call-ended: enabled, with a dead-letter queue",
        |it| {
            rule(it).state = Some("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS".to_owned());
        },
    );
    check(of, "error rule call-ended: it is DISABLED", |it| {
        rule(it).state = Some("DISABLED".to_owned());
    });
    check(of, "error rule call-ended: it is not there", |it| {
        rule(it).state = None;
    });
    let elsewhere = "error rule call-ended: callreel-save is none of its targets";
    check(of, elsewhere, |it| rule(it).targets[0].arn.push('x'));
    check(
        of,
        "warning rule call-ended: events that it cannot deliver are lost: the target has no dead-letter queue",
        |it| rule(it).targets[0].dead_letters = None,
    );
    check(of, "unchecked callreel-save: denied", |it| {
        answering_of(it).rules = Err(Unknown::new("denied", "allow it"));
    });
    check(of, "unchecked callreel-save: denied", |it| {
        answering_of(it).save.as_mut().unwrap().callers = Err(Unknown::new("denied", "allow it"));
    });
}

#[test]
fn who_tells_of_calls_and_where() {
    for of in [
        Check::LiveFunction,
        Check::LiveStream,
        Check::LiveCallEnded,
        Check::LiveRights,
    ] {
        check(of, "ok : there is no live monitor", |it| {
            it.live = Ok(Vec::new());
        });
        check(of, "unchecked callreel-recorder: denied", |it| {
            it.live = Err(Unknown::new("denied", "allow it"));
        });
    }
    let of = Check::LiveFunction;
    check(
        of,
        "ok callreel-live: flows of the instance may call it",
        |_| {},
    );
    check(of, "ok callreel-live: in the instance's list", |_| {});
    check(of, "error callreel-live: no flow may call it", |it| {
        live_of(it).function.callers.as_mut().unwrap().remove(0);
    });
    check(
        of,
        "warning callreel-live: not in the list of the instance i1: no flow can be saved with it",
        |it| live_of(it).offered = Ok(Vec::new()),
    );
    let of = Check::LiveStream;
    check(of, "ok calls: there, and encrypted", |_| {});
    check(of, "error calls: there is no such data stream", |it| {
        live_of(it).stream = Ok(None);
    });
    fn stream(it: &mut Deployment) -> &mut RecordStream {
        live_of(it).stream.as_mut().unwrap().as_mut().unwrap()
    }
    check(
        of,
        "warning calls: not encrypted: events name callers",
        |it| {
            stream(it).key = None;
        },
    );
    check(of, "error calls: DELETING", |it| {
        stream(it).status = "DELETING".to_owned();
    });
    check(of, "unchecked calls: denied", |it| {
        live_of(it).stream = Err(Unknown::new("denied", "allow it"));
    });
    let of = Check::LiveCallEnded;
    check(
        of,
        "ok rule live-ended: enabled, with a dead-letter queue",
        |_| {},
    );
    check(of, "error rule live-ended: it is DISABLED", |it| {
        live_of(it).rules.as_mut().unwrap()[0].state = Some("DISABLED".to_owned());
    });
    check(of, "error callreel-live: no rule may call it", |it| {
        live_of(it).function.callers.as_mut().unwrap().truncate(1);
    });
    let of = Check::LiveRights;
    let role = "arn:aws:iam::111122223333:role/live";
    check(of, &format!("ok {role}: 1 permissions are there"), |_| {});
    let denied = format!(
        "error {role}: kinesis:PutRecord on arn:aws:kinesis:eu-west-1:111122223333:stream/calls: implicitDeny; without it, \
         no desk hears of a call"
    );
    check(of, &denied, |it| {
        let rights = live_of(it).function.rights.as_mut().unwrap();
        rights[0].decision = RightDecision::Denied("implicitDeny".to_owned());
    });
}

#[test]
fn what_the_answering_machine_may_and_what_waits() {
    let of = Check::AnsweringRights;
    let denied = "error arn:aws:iam::111122223333:role/save: connect:DescribeContact on \
        arn:aws:connect:eu-west-1:111122223333:instance/i1/contact/00000000-0000-0000-0000-000000000000: implicitDeny; \
        without it, messages that were noted before they were streamed are lost";
    check(of, denied, |it| {
        let save = answering_of(it).save.as_mut().unwrap();
        let mut rights = save.rights.as_mut().unwrap().iter_mut();
        let asking = rights.find(|right| right.need.action == "connect:DescribeContact");
        asking.unwrap().decision = RightDecision::Denied("implicitDeny".to_owned());
    });
    check(
        of,
        "unchecked arn:aws:iam::111122223333:role/note: denied",
        |it| {
            let note = answering_of(it).note.as_mut().unwrap();
            note.rights = Err(Unknown::new("denied", "allow it"));
        },
    );
    let of = Check::NotesWaiting;
    check(of, "ok notes/: none", |_| {});
    check(of, "error notes/: 7: n, n, n, n, n and 2 more", |it| {
        answering_of(it).waiting = Ok(vec!["n".to_owned(); 7]);
    });
}

#[test]
fn every_permission_of_the_roles_is_asked_about() {
    let asked: Vec<_> = rights::actions().collect();
    let needed = crate::permissions::ROLES
        .iter()
        .flat_map(|role| role.calls.iter().chain(role.services))
        .flat_map(|permission| crate::permissions::actions(permission));
    for action in needed {
        assert!(
            asked.contains(&action),
            "src/doctor/rights.rs does not ask about {action}, which src/permissions.rs names: add it there"
        );
    }
}

#[test]
fn voicemail_is_reached_delivers_and_leaves_nothing() {
    let denied = || Unknown::new("denied", "allow it");
    for of in [
        Check::VoicemailEvents,
        Check::VoicemailWays,
        Check::VoicemailsWaiting,
        Check::VoicemailRights,
    ] {
        check(of, "ok : there is no voicemail", |it| {
            it.voicemail = Ok(None)
        });
        check(of, "unchecked : denied", |it| it.voicemail = Err(denied()));
    }
    let of = Check::VoicemailEvents;
    check(of, "ok capture: it reads the data stream", |_| {});
    check(of, "error capture: it reads no data stream", |it| {
        voicemail_of(it).mapping = Ok(None)
    });
    check(of, "error capture: its mapping is Disabled", |it| {
        voicemail_of(it).mapping = Ok(Some("Disabled".to_owned()));
    });
    check(
        of,
        "error vm-recordings: it sends no events to EventBridge",
        |it| voicemail_of(it).buckets[0].1 = Ok(false),
    );
    check(of, "unchecked vm-transcripts: denied", |it| {
        voicemail_of(it).buckets[1].1 = Err(denied())
    });
    check(of, "error deliver: no rule may call it", |it| {
        voicemail_of(it).called[2].rules = Ok(Vec::new());
    });
    check(of, "error rule deliver-rule: it is DISABLED", |it| {
        let rules = voicemail_of(it).called[2].rules.as_mut().unwrap();
        rules[0].state = Some("DISABLED".to_owned());
    });
    check(
        of,
        "error rule transcribe-rule: transcribe is none of its targets",
        |it| {
            voicemail_of(it).called[0].rules.as_mut().unwrap()[0]
                .targets
                .clear()
        },
    );
    let of = Check::VoicemailWays;
    check(of, "ok flow f-1: active", |_| {});
    check(of, "error flow f-1: it is not there", |it| {
        voicemail_of(it).flows[0].1 = Ok(None)
    });
    check(of, "error flow f-1: it is ARCHIVED", |it| {
        voicemail_of(it).flows[0].1 = Ok(Some("ARCHIVED".to_owned()));
    });
    check(
        of,
        "error a@example.com: SES has verified neither it nor its domain",
        |it| voicemail_of(it).senders[0].1 = Ok(false),
    );
    check(of, "error deliver: EMAIL_FROM is missing", |it| {
        voicemail_of(it).settings = Err("EMAIL_FROM is missing".to_owned());
    });
    let of = Check::VoicemailsWaiting;
    check(of, "ok deliver: none", |_| {});
    check(of, "error deliver: 2: a, b", |it| {
        voicemail_of(it).waiting = Ok(vec!["a".to_owned(), "b".to_owned()]);
    });
}

#[test]
fn what_the_roles_of_voicemail_and_of_the_archive_may() {
    let denied = || RightDecision::Denied("implicitDeny".to_owned());
    let of = Check::VoicemailRights;
    check(
        of,
        "ok arn:aws:iam::111122223333:role/sign: 3 permissions are there",
        |_| {},
    );
    let told = "error arn:aws:iam::111122223333:role/deliver: ses:SendEmail on \
        arn:aws:ses:eu-west-1:111122223333:identity/vm@example.com: implicitDeny; without it, no mail is sent";
    check(of, told, |it| {
        let mut workers = voicemail_of(it).workers.iter_mut();
        let deliver = workers.find(|worker| worker.handler == "deliver").unwrap();
        let mut rights = deliver.rights.as_mut().unwrap().iter_mut();
        let mail = rights.find(|right| right.need.action == "ses:SendEmail");
        mail.unwrap().decision = denied();
    });
    let of = Check::ArchiveRights;
    let role = "arn:aws:iam::111122223333:role/archive";
    check(of, &format!("ok {role}: 8 permissions are there"), |_| {});
    check(of, "ok : the archive is not deployed", |it| {
        it.archives = Ok(Vec::new());
    });
    check(of, "unchecked : denied", |it| {
        it.archives = Err(Unknown::new("denied", "allow it"));
    });
    let told = format!(
        "error {role}: s3:PutObject on arn:aws:s3:::calls/listened/2026/01/01/listened.jsonl: implicitDeny; without it, \
         nothing is given: who listened cannot be kept"
    );
    check(of, &told, |it| {
        let mut rights = archive_of(it).rights.as_mut().unwrap().iter_mut();
        let lines = rights.find(|right| {
            right.need.action == "s3:PutObject" && right.need.resource.contains("listened")
        });
        lines.unwrap().decision = denied();
    });
    // The key of the bucket is asked about where it is the account's own.
    check(of, &format!("ok {role}: 10 permissions are there"), |it| {
        it.keys[0].used_by = vec!["recordings".to_owned()];
        let own = it.clone();
        let archive = archive_of(it);
        let needs = crate::doctor::rights::worker::worker_needs(&own, archive);
        let allowed = |need| Right {
            need,
            decision: RightDecision::Allowed,
        };
        archive.rights = Ok(needs.into_iter().map(allowed).collect());
    });
}
