//! `callreel doctor` as an operator runs it: the built binary against a stand-in for AWS
//! (`doctor/standin.rs`), with a deployment that is well and with each trouble in it.

mod stack;
mod standin;
mod world;

use std::process::{Command, Output};

use callreel::doctor::CHECKS;
use serde_json::{Value, json};
use standin::StandIn;
use world::{World, arn};

/// What a run came to.
struct Ran {
    output: Output,
}

impl Ran {
    fn code(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    fn out(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    fn err(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    /// The findings of `--json`, as `level check subject: finding`.
    fn findings(&self) -> Vec<String> {
        let report: Value = serde_json::from_str(&self.out())
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out(), self.err()));
        assert_eq!(report["schema"], "callreel.doctor/1");
        let findings = report["findings"].as_array().unwrap();
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
        findings
            .iter()
            .map(|finding| {
                let [level, check, subject, found] =
                    ["level", "check", "subject", "finding"].map(|field| text(finding, field));
                assert_eq!(finding["cure"].is_null(), level == "ok", "{finding}");
                format!("{level} {check} {subject}: {found}")
            })
            .collect()
    }

    /// The findings that are not ok.
    fn troubles(&self) -> Vec<String> {
        let mut findings = self.findings();
        findings.retain(|finding| !finding.starts_with("ok "));
        findings
    }
}

fn doctor(url: &str, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_callreel"))
        .args(["doctor", "--endpoint-url", url])
        .args(arguments)
        .env_clear()
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "doctor")
        .env("AWS_SECRET_ACCESS_KEY", "doctor")
        .env("AWS_CONFIG_FILE", "/nowhere")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        .output()
        .unwrap();
    Ran { output }
}

/// `--json` over this world.
fn examine(world: World) -> Ran {
    let standin = StandIn::start(world);
    let ran = doctor(standin.url(), &["--json"]);
    assert_eq!(
        standin.unknown_calls(),
        [""; 0],
        "the stand-in knows all calls"
    );
    ran
}

/// One trouble gives exactly these findings besides what is ok.
#[track_caller]
fn check(trouble: impl FnOnce(&mut World), expected: &[&str]) {
    let mut world = World::healthy();
    trouble(&mut world);
    let ran = examine(world);
    let troubles = ran.troubles();
    assert_eq!(troubles, expected);
    let errors = troubles.iter().any(|trouble| trouble.starts_with("error"));
    assert_eq!(ran.code(), i32::from(errors), "{}", ran.err());
}

#[test]
fn a_healthy_deployment_is_found_and_well_in_every_respect() {
    let ran = examine(World::healthy());
    assert_eq!(ran.troubles(), [""; 0]);
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""));
    let report: Value = serde_json::from_str(&ran.out()).unwrap();
    assert_eq!(report["function"], "callreel-recorder");
    assert_eq!(report["counts"]["error"], 0);
    for info in CHECKS {
        let named = |finding: &String| finding.starts_with(&format!("ok {} ", info.name));
        assert!(
            ran.findings().iter().any(named),
            "{} is not ok in the healthy world of tests/edges/doctor/world.rs",
            info.name
        );
    }
}

#[test]
fn the_table_has_the_worst_first_and_a_cure_under_each() {
    let mut world = World::healthy();
    world.mapping("records")["State"] = json!("Disabled");
    world.mapping("records")["BisectBatchOnFunctionError"] = json!(false);
    let standin = StandIn::start(world);
    let ran = doctor(standin.url(), &[]);
    let out = ran.out();
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("LEVEL      CHECK"), "{out}");
    assert!(lines[1].starts_with("error      mapping "), "{out}");
    assert!(lines[1].ends_with("from records: Disabled"), "{out}");
    assert!(
        lines[2]
            .trim_start()
            .starts_with("-> Deploy the template, or enable"),
        "{out}"
    );
    assert!(lines[3].starts_with("warning    bisect "), "{out}");
    assert!(lines[5].starts_with("ok         function "), "{out}");
    let last = lines.last().unwrap();
    assert!(
        last.starts_with("callreel-recorder: 1 error, 1 warning, 0 unchecked, "),
        "{out}"
    );
    assert_eq!((ran.code(), ran.err().as_str()), (1, ""));
}

#[test]
fn streams_that_were_made_with_no_retention_are_named() {
    let never = "0 h: its media can never be read, whatever the instance is set to now";
    check(
        |world| {
            world.stream("old-1", 0);
            world.stream("old-2", 0);
        },
        &[
            &format!("error stream-retention callreel-connect-acme-contact-old-1: {never}"),
            &format!("error stream-retention callreel-connect-acme-contact-old-2: {never}"),
        ],
    );
}

#[test]
fn troubles_of_the_mapping() {
    check(
        |world| world.mapping("records")["State"] = json!("Disabled"),
        &["error mapping m-records from records: Disabled"],
    );
    let drops = json!({"Filters": [{"Pattern": r#"{"data": {"Queue": {"Name": ["sales"]}}}"#}]});
    check(
        |world| world.mapping("records")["FilterCriteria"] = drops,
        &[
            "error filter m-records from records: `data.Queue.Name` decides, and a wanted record may have any value there or none",
        ],
    );
    check(
        |world| {
            let mapping = world.mapping("records");
            mapping["MaximumRetryAttempts"] = json!(-1);
            mapping["MaximumRecordAgeInSeconds"] = json!(-1);
            mapping["FunctionResponseTypes"] = json!([]);
            mapping["DestinationConfig"] = json!({"OnFailure": {}});
            mapping["StartingPosition"] = json!("LATEST");
            mapping["LastProcessingResult"] = json!("PROBLEM: Function call failed");
        },
        &[
            "error mapping-result m-records from records: PROBLEM: Function call failed",
            "error partial-batches m-records from records: not set",
            "error attempts m-records from records: for ever",
            "error failure-destination m-records from records: none: records that are given up are lost",
            "warning record-age m-records from records: any age",
            "warning starting-position m-records from records: LATEST",
        ],
    );
    check(
        |world| world.mapping("parked")["State"] = json!("Disabled"),
        &["warning retry-mapping m-parked from parked: Disabled"],
    );
}

#[test]
fn troubles_of_keys_and_rights() {
    check(
        |world| world.key("media")["KeyState"] = json!("Disabled"),
        &[&format!(
            "error keys {}: Disabled; used by video streams, video streams to come",
            arn("kms", "key/media")
        )],
    );
    check(
        |world| world.deny("connect:UpdateContactAttributes"),
        &[&format!(
            "error rights {}: connect:UpdateContactAttributes on {}/contact/00000000-0000-0000-0000-000000000000: implicitDeny; without it, URLs cannot be put on contacts",
            world::ROLE,
            arn("connect", "instance/i-1")
        )],
    );
}

#[test]
fn troubles_of_voicemail() {
    check(World::voicemail, &[]);
    check(
        |world| {
            world.voicemail();
            let off =
                "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>";
            world.set("GetBucketNotification", json!(off));
        },
        &[
            "error voicemail-events vm-recordings: it sends no events to EventBridge",
            "error voicemail-events vm-transcripts: it sends no events to EventBridge",
        ],
    );
    check(
        |world| {
            world.voicemail();
            let state = json!({"Name": "deliver-rule", "State": "DISABLED"});
            world.set("DescribeRule deliver-rule", state);
        },
        &["error voicemail-events rule deliver-rule: it is DISABLED"],
    );
    check(
        |world| {
            world.voicemail();
            let code = "ResourceNotFoundException";
            world.refuse("DescribeContactFlow f-1", 404, code);
            world.refuse("GetEmailIdentity example.com", 404, "NotFoundException");
        },
        &[
            "error voicemail-ways flow f-1: it is not there",
            "error voicemail-ways voicemail@example.com: SES has verified neither it nor its domain",
        ],
    );
    check(
        |world| {
            world.voicemail();
            world.voicemail_of("c-1");
        },
        &["error voicemails-waiting callreel-vm-deliver: 1: c-1"],
    );
    check(
        |world| {
            world.voicemail();
            world.voicemail_of("c-1");
            world.objects("delivered", &["c-1.json"]);
        },
        &[],
    );
    check(
        |world| {
            world.voicemail();
            world.deny("transcribe:StartTranscriptionJob");
        },
        &[&format!(
            "error voicemail-rights {}: transcribe:StartTranscriptionJob on *: implicitDeny; without it, \
             messages are delivered without their text, late",
            world::ROLE
        )],
    );
}

#[test]
fn troubles_of_the_archive() {
    let deny = |world: &mut World| world.deny("secretsmanager:GetSecretValue");
    let told = format!(
        "error archive-rights {}: secretsmanager:GetSecretValue on {}: implicitDeny; without it, the pages do not start",
        world::ROLE,
        arn("secretsmanager", "secret:login-AbCdEf")
    );
    check(|world| world.archive("calls"), &[]);
    check(
        |world| {
            world.archive("calls");
            deny(world);
        },
        &[&told],
    );
    // One of another bucket is another deployment's.
    check(
        |world| {
            world.archive("another");
            deny(world);
        },
        &[],
    );
}

#[test]
fn troubles_of_the_answering_machine() {
    check(World::no_answering_machine, &[]);
    check(
        |world| world.without_permission("callreel-note"),
        &["error note-function callreel-note: no flow may call it"],
    );
    check(
        |world| world.without_permission("callreel-save"),
        &["error call-ended callreel-save: no rule may call it"],
    );
    check(
        |world| world.rule("DISABLED"),
        &["error call-ended rule call-ended: it is DISABLED"],
    );
    check(
        |world| {
            let code = "ResourceNotFoundException";
            world.refuse("DescribeRule call-ended", 400, code);
        },
        &["error call-ended rule call-ended: it is not there"],
    );
    check(
        |world| world.set("ListLambdaFunctions", json!({"LambdaFunctions": []})),
        &[
            "warning note-function callreel-note: not in the list of the instance i-1: no flow can be saved with it",
            "warning live-function callreel-live: not in the list of the instance i-1: no flow can be saved with it",
        ],
    );
    check(
        |world| world.deny("kinesisvideo:GetMedia"),
        &[&format!(
            "error answering-rights {}: kinesisvideo:GetMedia on {}: implicitDeny; without it, messages of streams \
             without retention are lost",
            world::ROLE,
            arn(
                "kinesisvideo",
                "stream/callreel-connect-acme-contact-1/1760000000000"
            )
        )],
    );
    // The stand-in answers the same for each day.
    let days = ["2026/01/01/00-00-00_c"; 5].join(", ");
    check(
        |world| world.objects("notes", &["2026/01/01/00-00-00_c.json"]),
        &[&format!("error notes-waiting notes/: 5: {days}")],
    );
    check(
        |world| {
            world.objects("notes", &["2026/01/01/00-00-00_c.json"]);
            world.objects("messages", &["2026/01/01/00-00-00_c.wav"]);
        },
        &[],
    );
    check(
        |world| world.refuse("ListObjectsV2 notes", 403, "AccessDenied"),
        &[
            "unchecked notes-waiting notes/: s3:ListBucket on the bucket: 403 AccessDenied: refused by the stand-in",
        ],
    );
}

#[test]
fn troubles_of_what_tells_desks_of_calls() {
    check(
        |world| world.live_stream(false),
        &["warning live-stream live-calls: not encrypted: events name callers"],
    );
    check(
        |world| {
            let code = "ResourceNotFoundException";
            world.refuse("DescribeStreamSummary live-calls", 400, code);
        },
        &["error live-stream live-calls: there is no such data stream"],
    );
    check(
        |world| {
            let rule = json!({"Name": "live-ended", "State": "DISABLED"});
            world.set("DescribeRule live-ended", rule);
        },
        &["error live-call-ended rule live-ended: it is DISABLED"],
    );
    check(
        |world| world.without_permission("callreel-live"),
        &[
            "error live-function callreel-live: no flow may call it",
            "error live-call-ended callreel-live: no rule may call it",
        ],
    );
}

#[test]
fn troubles_of_the_queues() {
    check(
        |world| world.queue("parked-dead")["ApproximateNumberOfMessages"] = json!("2"),
        &["error dead-letters parked-dead: 2 messages"],
    );
    check(
        |world| {
            world.queue("parked")["ApproximateNumberOfMessagesNotVisible"] = json!("3");
            world.queue("parked")["VisibilityTimeout"] = json!("30");
        },
        &[
            "error visibility parked: 30 s, and the function has 900 s",
            "warning waiting parked: 3 messages",
        ],
    );
    check(
        |world| world.refuse("GetQueueUrl", 400, "QueueDoesNotExist"),
        &[
            "error redrive parked: its dead-letter queue parked-dead is not there",
            "unchecked dead-letters parked-dead: there is no such queue",
        ],
    );
}

#[test]
fn troubles_of_the_bucket_and_the_distribution() {
    check(
        |world| {
            world.refuse("GetBucketVersioning", 403, "AccessDenied");
            world.refuse(
                "GetBucketLifecycleConfiguration",
                404,
                "NoSuchLifecycleConfiguration",
            );
            world.refuse(
                "GetPublicAccessBlock",
                404,
                "NoSuchPublicAccessBlockConfiguration",
            );
        },
        &[
            "error public-access calls: not set: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets",
            "warning incomplete-uploads calls: no enabled rule aborts those of \"recordings/\"",
            "unchecked bucket-versioning calls: s3:GetBucketVersioning: 403 AccessDenied: refused by the stand-in",
        ],
    );
    check(
        |world| {
            world.xml(
                "ListDistributions",
                "</PriceClass><Enabled>true",
                "</PriceClass><Enabled>false",
            );
        },
        &["error distribution d1.cloudfront.net: disabled"],
    );
    check(
        |world| world.xml("ListDistributions", ">OAC<", "><"),
        &["error origin-access d1.cloudfront.net: the origin has no origin access control"],
    );
    let anybody = "warning listeners d1.cloudfront.net: anybody who knows a URL can listen";
    let groups = "<TrustedKeyGroups><Enabled>true";
    let no_groups = "<TrustedKeyGroups><Enabled>false";
    check(
        |world| world.xml("ListDistributions", groups, no_groups),
        &[anybody],
    );
    check(
        |world| {
            world.xml("ListDistributions", groups, no_groups);
            let acl = "<WebACLId>arn:aws:wafv2:us-east-1:111122223333:global/webacl/office/1<";
            world.xml("ListDistributions", "<WebACLId><", acl);
        },
        &[],
    );
    let ran = {
        let mut world = World::healthy();
        world.refuse("HeadBucket", 404, "NotFound");
        examine(world)
    };
    let missing = "error bucket calls: there is no such bucket";
    assert!(
        ran.troubles().contains(&missing.to_owned()),
        "{}",
        ran.out()
    );
    assert_eq!(ran.code(), 1);
}

#[test]
fn troubles_of_the_instance() {
    check(
        |world| {
            world.set(
                "ListInstanceStorageConfigs CONTACT_TRACE_RECORDS",
                json!({"StorageConfigs": []}),
            )
        },
        &["error contact-records i-1: goes nowhere: data streaming is not enabled"],
    );
    check(
        |world| world.media_config()["RetentionPeriodHours"] = json!(0),
        &["error media-retention i-1: 0 h: nothing can be read"],
    );
}

#[test]
fn troubles_of_settings_and_alarms() {
    let ran = {
        let mut world = World::healthy();
        world.variables()["RECORDINGS_BUCKET_NAME"] = json!("s3://calls");
        examine(world)
    };
    let bad = ran
        .findings()
        .into_iter()
        .find(|line| line.starts_with("error settings "));
    assert!(
        bad.unwrap()
            .contains("RECORDINGS_BUCKET_NAME is \"s3://calls\"")
    );
    let rest = "ok mapping m-records from records: Enabled".to_owned();
    assert!(ran.findings().contains(&rest), "the rest is checked");
    check(
        |world| world.variables()["ENDPOINT_URL"] = json!("http://10.0.0.1"),
        &[
            "warning settings callreel-recorder: ENDPOINT_URL is http://10.0.0.1: all calls go there, with the role's session, and none to AWS",
        ],
    );
    check(
        |world| {
            world.alarm("Errors")["StateValue"] = json!("ALARM");
            world.alarm("Throttles")["AlarmActions"] = json!([]);
            world.alarm("Parked")["MetricName"] = json!("AudioSeconds");
            world.alarm("PolledEventCount")["Dimensions"][0]["Value"] = json!("m-other");
        },
        &[
            "error alarm-states callreel Errors: ALARM: as set",
            "warning alarms parked records: no alarm on Callreel Parked",
            "warning alarms contact records that nobody reads: no alarm on AWS/Lambda PolledEventCount",
            "warning alarm-actions callreel Throttles: it has no action",
        ],
    );
    check(
        |world| {
            let days = [json!({"Sum": 2.0}), json!({"Sum": 1.0})];
            let counted = json!({"Label": "Withdrawn", "Datapoints": days});
            world.set("GetMetricStatistics", counted);
        },
        &["warning withdrawn callreel-recorder: found 3 times"],
    );
}

#[test]
fn what_may_not_be_read_is_unchecked_with_its_permission_and_no_more() {
    let mut world = World::healthy();
    for operation in world.operations() {
        if !["GetFunctionConfiguration", "ListFunctions"].contains(&operation.as_str()) {
            world.refuse(&operation, 403, "AccessDeniedException");
        }
    }
    let ran = examine(world);
    assert_eq!((ran.code(), ran.err().as_str()), (0, ""));
    let report: Value = serde_json::from_str(&ran.out()).unwrap();
    let cures = report["findings"].as_array().unwrap().iter();
    let cures: Vec<_> = cures
        .filter_map(|finding| finding["cure"].as_str())
        .collect();
    for permission in [
        "lambda:ListEventSourceMappings",
        "s3:ListBucket on the bucket",
        "cloudfront:ListDistributions",
        "connect:ListInstances",
        "sqs:GetQueueAttributes",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricStatistics",
        "iam:SimulatePrincipalPolicy on the role",
    ] {
        let cure = format!("allow {permission} to whoever runs this, and run it again");
        assert!(cures.contains(&cure.as_str()), "{permission}: {cures:#?}");
    }
    let timeout = "ok timeout callreel-recorder: 900 s".to_owned();
    assert!(ran.findings().contains(&timeout));
}

#[test]
fn the_function_is_found_by_its_settings_or_its_stack() {
    let mut world = World::healthy();
    world.second_function("other-recorder", "other");
    let standin = StandIn::start(world);
    let several = doctor(standin.url(), &[]);
    assert_eq!(several.code(), 1);
    assert_eq!(
        several.err(),
        "error: several functions have the settings of Callreel: callreel-recorder, other-recorder; name one with --function\n"
    );
    let of_stack = doctor(standin.url(), &["--stack", "callreel", "--json"]);
    assert_eq!(of_stack.troubles(), [""; 0]);
    let none = doctor(standin.url(), &["--stack", "elsewhere"]);
    assert!(
        none.err().contains("belongs to the stack elsewhere"),
        "{}",
        none.err()
    );
    assert_eq!((none.code(), none.out().as_str()), (1, ""));
    let by_arn = arn("lambda", "function:callreel-recorder").replace("/", ":");
    let named = doctor(
        standin.url(),
        &["--function", &by_arn, "--instance", "i-1", "--json"],
    );
    assert_eq!(named.troubles(), [""; 0]);
    let missing = doctor(standin.url(), &["--function", "nobody", "--json"]);
    let expected = "error function nobody: there is no such function".to_owned();
    assert!(missing.findings().contains(&expected), "{}", missing.out());
}

#[test]
fn what_cannot_be_reached_is_an_error_with_a_cure() {
    let nobody = doctor("http://127.0.0.1:1", &["--function", "f"]);
    assert_eq!((nobody.code(), nobody.out().as_str()), (1, ""));
    assert!(nobody.err().starts_with("error: "), "{}", nobody.err());
    assert!(
        nobody
            .err()
            .contains("check network, --region and --endpoint-url")
    );
    let mut world = World::healthy();
    world.refuse("GetFunctionConfiguration", 403, "InvalidClientTokenId");
    let standin = StandIn::start(world);
    let stranger = doctor(standin.url(), &["--function", "callreel-recorder"]);
    assert_eq!(stranger.code(), 1);
    assert!(
        stranger.err().contains("give valid credentials"),
        "{}",
        stranger.err()
    );
}

#[test]
fn wrong_usage_is_2() {
    let both = doctor("http://127.0.0.1:1", &["--function", "f", "--stack", "s"]);
    assert_eq!(both.code(), 2);
}

/// An extra: with `CALLREEL_MOTO_PYTHON` set to a Python that has moto[server], the same
/// over a server that is not of our making.
#[test]
fn moto_is_understood_where_it_is_installed() {
    let Some(python) = std::env::var_os("CALLREEL_MOTO_PYTHON") else {
        return;
    };
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/edges/doctor/deployment_in_moto.py"
    );
    let mut command = Command::new(python);
    command.args([script, env!("CARGO_BIN_EXE_callreel"), "--json"]);
    let ran = Ran {
        output: command.output().unwrap(),
    };
    let findings = ran.findings();
    for expected in [
        "ok function recorder: state Active, last update Successful",
        "ok settings recorder: all settings are good",
        "ok record-retention records: 168 h",
        "ok bucket calls: in eu-west-1",
        "ok bucket-encryption calls: aws:kms",
        "ok public-access calls: blocked",
        "ok incomplete-uploads calls: aborted, days after the start: 1",
        "warning tls-only calls: no statement denies plain HTTP",
        "ok redrive parked: to parked-dead after 5 receives",
        "error dead-letters parked-dead: 1 message",
    ] {
        assert!(findings.iter().any(|one| one == expected), "{findings:#?}");
    }
    for (start, end) in [
        (
            "error filter ",
            r#"`data.Channel` does not surely match "VOICE""#,
        ),
        ("error keys ", "Disabled; used by recordings"),
        ("ok mapping ", "from records: Enabled"),
        ("ok retry-mapping ", "Enabled, with ReportBatchItemFailures"),
        ("ok origin ", ": calls.s3.eu-west-1.amazonaws.com"),
        ("ok viewer-protocol ", ": redirect-to-https"),
        ("warning listeners ", ": anybody who knows a URL can listen"),
    ] {
        let found = |one: &String| one.starts_with(start) && one.ends_with(end);
        assert!(findings.iter().any(found), "{start}: {findings:#?}");
    }
    assert_eq!(ran.code(), 1);
}
