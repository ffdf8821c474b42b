//! What the stand-in answers: a deployment as it should be, for tests to break.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub const ROLE: &str = "arn:aws:iam::111122223333:role/recorder";

/// What there is for an operation.
#[derive(Clone, Debug)]
pub enum Answer {
    Body(Value),
    Refused(u16, String),
}

/// Answers by operation, and by its subject where there are several.
pub struct World {
    answers: BTreeMap<String, Answer>,
    denied: BTreeSet<String>,
}

/// An ARN in the test's account and region.
pub fn arn(service: &str, thing: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:111122223333:{thing}")
}

impl World {
    pub fn healthy() -> Self {
        let mut world = Self {
            answers: BTreeMap::new(),
            denied: BTreeSet::new(),
        };
        world.functions();
        world.mappings();
        world.bucket();
        world.set("ListDistributions", json!(DISTRIBUTIONS));
        world.instance();
        world.set("ListStreams", json!({"StreamInfoList": []}));
        world.stream("1", 48);
        world.records_and_queues();
        for (name, manager) in [
            ("media", "CUSTOMER"),
            ("calls", "CUSTOMER"),
            ("kinesis", "AWS"),
        ] {
            let arn = arn("kms", &format!("key/{name}"));
            let key = json!({"KeyMetadata": {"KeyId": name, "Arn": arn, "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeyManager": manager}});
            world.set(&format!("DescribeKey {name}"), key);
        }
        world.alarms();
        world.answering();
        world.live();
        world
    }

    /// What tells desks of calls.
    fn live(&mut self) {
        let name = "callreel-live";
        let function = json!({
            "FunctionName": name, "FunctionArn": arn("lambda", &format!("function:{name}")), "Role": ROLE,
            "Handler": "live-start", "Environment": {"Variables": {"STREAM_NAME": "live-calls"}},
        });
        let all = &mut self.body("ListFunctions")["Functions"];
        all.as_array_mut().unwrap().push(function);
        let statement = |service: &str, source: &str| {
            json!({
                "Effect": "Allow", "Principal": {"Service": format!("{service}.amazonaws.com")},
                "Action": "lambda:InvokeFunction", "Resource": arn("lambda", &format!("function:{name}")),
                "Condition": {
                    "StringEquals": {"AWS:SourceAccount": "111122223333"},
                    "ArnLike": {"AWS:SourceArn": arn(service, source)},
                },
            })
        };
        let statements = [
            statement("connect", "instance/i-1"),
            statement("events", "rule/live-ended"),
        ];
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let policy = json!({"Policy": policy.to_string(), "RevisionId": "r"});
        self.set(&format!("GetPolicy {name}"), policy);
        let rule = json!({"Name": "live-ended", "State": "ENABLED"});
        self.set("DescribeRule live-ended", rule);
        let target = json!({
            "Id": "live-start", "Arn": arn("lambda", &format!("function:{name}")),
            "DeadLetterConfig": {"Arn": arn("sqs", "dead")},
        });
        let targets = json!({"Targets": [target]});
        self.set("ListTargetsByRule live-ended", targets);
        let offered = &mut self.body("ListLambdaFunctions")["LambdaFunctions"];
        let list = offered.as_array_mut().unwrap();
        list.push(json!(arn("lambda", &format!("function:{name}"))));
        self.live_stream(true);
    }

    /// The data stream of calls, encrypted or not.
    pub fn live_stream(&mut self, encrypted: bool) {
        let mut stream = self.body("DescribeStreamSummary").clone();
        let summary = &mut stream["StreamDescriptionSummary"];
        summary["StreamName"] = json!("live-calls");
        summary["StreamARN"] = json!(arn("kinesis", "stream/live-calls"));
        summary["KeyId"] = match encrypted {
            true => json!("alias/aws/kinesis"),
            false => Value::Null,
        };
        self.set("DescribeStreamSummary live-calls", stream);
    }

    /// The answering machine, on the same bucket.
    fn answering(&mut self) {
        for (name, handler, service, source) in [
            ("callreel-note", "note", "connect", "instance/i-1"),
            ("callreel-save", "save", "events", "rule/call-ended"),
        ] {
            let function = json!({
                "FunctionName": name, "FunctionArn": arn("lambda", &format!("function:{name}")), "Role": ROLE,
                "Handler": handler, "Environment": {"Variables": {
                    "S3_BUCKET": "calls", "S3_PATH": "notes/", "S3_KEY_GET": "notes/", "S3_KEY_PUT": "messages/",
                }},
            });
            let all = &mut self.body("ListFunctions")["Functions"];
            all.as_array_mut().unwrap().push(function);
            let policy = json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"Service": format!("{service}.amazonaws.com")},
                "Action": "lambda:InvokeFunction", "Resource": arn("lambda", &format!("function:{name}")),
                "Condition": {
                    "StringEquals": {"AWS:SourceAccount": "111122223333"},
                    "ArnLike": {"AWS:SourceArn": arn(service, source)},
                },
            }]});
            let policy = json!({"Policy": policy.to_string(), "RevisionId": "r"});
            self.set(&format!("GetPolicy {name}"), policy);
        }
        self.rule("ENABLED");
        let offered = json!({"LambdaFunctions": [arn("lambda", "function:callreel-note")]});
        self.set("ListLambdaFunctions", offered);
        self.objects("notes", &[]);
        self.objects("messages", &[]);
    }

    /// Voicemail, with buckets of its own.
    pub fn voicemail(&mut self) {
        let variables = json!({
            "RECORDINGS_BUCKET": "vm-recordings", "TRANSCRIPTS_BUCKET": "vm-transcripts",
            "INSTANCE_ARN": arn("connect", "instance/3b6f0d92-8c47-4f15-a2de-90b1c7e54f68"),
            "ENABLED_MODES": "task,email", "DEFAULT_MODE": "task", "TASK_FLOW_ID": "f-1",
            "EMAIL_FROM": "voicemail@example.com", "EMAIL_TO": "team@example.com",
        });
        for handler in ["capture", "transcribe", "transcribe-failed", "deliver"] {
            let name = format!("callreel-vm-{handler}");
            let function = json!({
                "FunctionName": name, "FunctionArn": arn("lambda", &format!("function:{name}")),
                "Role": ROLE, "Handler": handler, "Environment": {"Variables": variables},
            });
            let all = &mut self.body("ListFunctions")["Functions"];
            all.as_array_mut().unwrap().push(function);
            let rule = format!("{handler}-rule");
            let policy = json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                "Action": "lambda:InvokeFunction", "Resource": arn("lambda", &format!("function:{name}")),
                "Condition": {"ArnLike": {"AWS:SourceArn": arn("events", &format!("rule/{rule}"))}},
            }]});
            let policy = json!({"Policy": policy.to_string(), "RevisionId": "r"});
            self.set(&format!("GetPolicy {name}"), policy);
            let state = json!({"Name": rule, "State": "ENABLED"});
            self.set(&format!("DescribeRule {rule}"), state);
            let target = json!({
                "Id": "t", "Arn": arn("lambda", &format!("function:{name}")),
                "DeadLetterConfig": {"Arn": arn("sqs", "dead")},
            });
            let targets = json!({"Targets": [target]});
            self.set(&format!("ListTargetsByRule {rule}"), targets);
        }
        let notification = "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <EventBridgeConfiguration/></NotificationConfiguration>";
        self.set("GetBucketNotification", json!(notification));
        let flow = json!({"ContactFlow": {"Id": "f-1", "State": "ACTIVE"}});
        self.set("DescribeContactFlow f-1", flow);
        let identity = "GetEmailIdentity voicemail@example.com";
        self.refuse(identity, 404, "NotFoundException");
        let verified = json!({"IdentityType": "DOMAIN", "VerifiedForSendingStatus": true});
        self.set("GetEmailIdentity example.com", verified);
        let year = &year();
        self.objects(year, &[]);
        self.objects("delivered", &[]);
    }

    /// The archive of the deployment's bucket.
    pub fn archive(&mut self, bucket: &str) {
        let variables = json!({
            "RECORDINGS_BUCKET": bucket, "RECORDINGS_KEY_PREFIX": "recordings/",
            "ARCHIVE_SECRET_ARN": arn("secretsmanager", "secret:login-AbCdEf"),
        });
        let function = json!({
            "FunctionName": "callreel-archive", "FunctionArn": arn("lambda", "function:callreel-archive"),
            "Role": ROLE, "Handler": "archive", "Environment": {"Variables": variables},
        });
        let all = &mut self.body("ListFunctions")["Functions"];
        all.as_array_mut().unwrap().push(function);
    }

    /// A message that lies there since long ago.
    pub fn voicemail_of(&mut self, contact: &str) {
        let year = &year();
        self.objects(year, &[&format!("01/01/{contact}.wav")]);
    }

    /// What lies under the first part of a key, all of it long ago.
    pub fn objects(&mut self, folder: &str, keys: &[&str]) {
        let contents: String = keys
            .iter()
            .map(|key| {
                format!(
                    "<Contents><Key>{folder}/{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
                     <Size>1</Size></Contents>"
                )
            })
            .collect();
        let listing = format!(
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>calls</Name>\
             <IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        );
        self.set(&format!("ListObjectsV2 {folder}"), json!(listing));
    }

    /// The rule that calls the function that saves, in this state.
    pub fn rule(&mut self, state: &str) {
        self.set(
            "DescribeRule call-ended",
            json!({"Name": "call-ended", "State": state}),
        );
        let target = json!({
            "Id": "save", "Arn": arn("lambda", "function:callreel-save"),
            "DeadLetterConfig": {"Arn": arn("sqs", "dead")},
        });
        let targets = json!({"Targets": [target]});
        self.set("ListTargetsByRule call-ended", targets);
    }

    /// The statement by which a function of the answering machine is called.
    pub fn without_permission(&mut self, function: &str) {
        let code = "ResourceNotFoundException";
        self.refuse(&format!("GetPolicy {function}"), 404, code);
    }

    /// Takes the answering machine away.
    pub fn no_answering_machine(&mut self) {
        let all = &mut self.body("ListFunctions")["Functions"];
        let kept = |function: &Value| function["Environment"]["Variables"]["S3_BUCKET"].is_null();
        all.as_array_mut().unwrap().retain(kept);
    }

    fn functions(&mut self) {
        let function = json!({
            "FunctionName": "callreel-recorder", "FunctionArn": arn("lambda", "function:callreel-recorder"),
            "Role": ROLE, "State": "Active", "LastUpdateStatus": "Successful", "Runtime": "provided.al2023",
            "Timeout": 900, "MemorySize": 1024, "CodeSize": 1, "Architectures": ["arm64"],
            "Environment": {"Variables": {
                "RECORDINGS_BUCKET_NAME": "calls", "CLOUDFRONT_DOMAIN": "https://d1.cloudfront.net",
                "PARKING_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/111122223333/parked",
            }},
        });
        let bystander = json!({"FunctionName": "other", "Environment": {"Variables": {"RECORDINGS_BUCKET_NAME": "x"}}});
        // The function that reads again has most of the recorder's settings, and parks nothing.
        let mut again = function.clone();
        again["FunctionName"] = json!("callreel-again");
        let variables = again["Environment"]["Variables"].as_object_mut();
        variables.unwrap().remove("PARKING_QUEUE_URL");
        self.set(
            "ListFunctions",
            json!({"Functions": [bystander, function.clone(), again]}),
        );
        self.set("GetFunctionConfiguration", function);
        self.refuse(
            "GetFunctionConfiguration nobody",
            404,
            "ResourceNotFoundException",
        );
        let tags = json!({"Tags": {"aws:cloudformation:stack-name": "callreel"}});
        self.set("ListTags callreel-recorder", tags.clone());
        self.set("ListTags callreel-again", tags);
    }

    fn mappings(&mut self) {
        let records = json!({
            "UUID": "m-records", "EventSourceArn": arn("kinesis", "stream/records"), "State": "Enabled",
            "LastProcessingResult": "OK", "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": 86_400,
            "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::failures"}},
            "StartingPosition": "TRIM_HORIZON",
            "FilterCriteria": {"Filters": [{"Pattern": r#"{"data": {"Recordings": {"StorageType": ["KINESIS_VIDEO_STREAM"]}}}"#}]},
        });
        let parked = json!({
            "UUID": "m-parked", "EventSourceArn": arn("sqs", "parked"), "State": "Enabled",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        });
        let all = json!({"EventSourceMappings": [records, parked]});
        self.set("ListEventSourceMappings", all);
    }

    fn bucket(&mut self) {
        self.set("HeadBucket", json!(""));
        for (operation, xml) in BUCKET {
            self.set(operation, json!(xml));
        }
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::calls/*",
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject",
             "Resource": "arn:aws:s3:::calls/*",
             "Condition": {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::111122223333:distribution/E1"}}},
        ]});
        self.set("GetBucketPolicy", json!(policy.to_string()));
    }

    fn instance(&mut self) {
        let instance =
            json!({"Id": "i-1", "Arn": arn("connect", "instance/i-1"), "InstanceAlias": "acme"});
        self.set("ListInstances", json!({"InstanceSummaryList": [instance]}));
        self.set("DescribeInstance", json!({"Instance": instance}));
        let media = json!({"StorageConfigs": [{
            "AssociationId": "a", "StorageType": "KINESIS_VIDEO_STREAM",
            "KinesisVideoStreamConfig": {
                "Prefix": "callreel-connect-acme-contact-", "RetentionPeriodHours": 48,
                "EncryptionConfig": {"EncryptionType": "KMS", "KeyId": arn("kms", "key/media")},
            },
        }]});
        self.set("ListInstanceStorageConfigs MEDIA_STREAMS", media);
        let records = json!({"StorageConfigs": [{
            "AssociationId": "b", "StorageType": "KINESIS_STREAM",
            "KinesisStreamConfig": {"StreamArn": arn("kinesis", "stream/records")},
        }]});
        self.set("ListInstanceStorageConfigs CONTACT_TRACE_RECORDS", records);
    }

    fn records_and_queues(&mut self) {
        let stream = json!({"StreamDescriptionSummary": {
            "StreamName": "records", "StreamARN": arn("kinesis", "stream/records"), "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": 168, "StreamCreationTimestamp": 1.0, "OpenShardCount": 1,
            "EnhancedMonitoring": [], "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis",
        }});
        self.set("DescribeStreamSummary", stream);
        let redrive =
            json!({"deadLetterTargetArn": arn("sqs", "parked-dead"), "maxReceiveCount": 5});
        for (name, policy) in [
            ("parked", redrive.to_string()),
            ("parked-dead", String::new()),
        ] {
            let queue = json!({"Attributes": {
                "QueueArn": arn("sqs", name), "VisibilityTimeout": "5400", "RedrivePolicy": policy,
                "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0",
                "ApproximateNumberOfMessagesNotVisible": "0",
            }});
            self.set(&format!("GetQueueAttributes {name}"), queue);
        }
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/parked-dead";
        self.set("GetQueueUrl", json!({"QueueUrl": url}));
    }

    fn alarms(&mut self) {
        let function = json!([{"Name": "FunctionName", "Value": "callreel-recorder"}]);
        let dead = json!([{"Name": "QueueName", "Value": "parked-dead"}]);
        let waiting = json!([{"Name": "QueueName", "Value": "parked"}]);
        let mapping = |id: &str| json!([{"Name": "EventSourceMappingUUID", "Value": id}]);
        let given_up = "OnFailureDestinationDeliveredEventCount";
        let alarm = |namespace: &str, metric: &str, dimensions: &Value| {
            json!({
                "AlarmName": format!("callreel {metric}"), "Namespace": namespace, "MetricName": metric,
                "Dimensions": dimensions, "StateValue": "OK", "StateReason": "as set", "ActionsEnabled": true,
                "AlarmActions": [arn("sns", "ops")],
            })
        };
        let mut alarms = vec![
            alarm("Callreel", "LostSeconds", &json!([])),
            alarm(
                "Callreel",
                "StayedPartial",
                &json!([{"Name": "Function", "Value": "callreel-again"}]),
            ),
            alarm("Callreel", "Parked", &json!([])),
            alarm("Callreel", "Unreadable", &json!([])),
            alarm("Callreel", "Withdrawn", &json!([])),
            alarm("Callreel", "RetentionLeftSeconds", &json!([])),
            alarm("AWS/Lambda", "Errors", &function),
            alarm("AWS/Lambda", "Throttles", &function),
            alarm("AWS/Lambda", "Duration", &function),
            alarm("AWS/SQS", "ApproximateNumberOfMessagesVisible", &dead),
            alarm("AWS/SQS", "ApproximateNumberOfMessagesVisible", &waiting),
            alarm("AWS/Lambda", "PolledEventCount", &mapping("m-records")),
            alarm("AWS/Lambda", "PolledEventCount", &mapping("m-parked")),
            alarm("AWS/Lambda", given_up, &mapping("m-records")),
            alarm("AWS/Lambda", "DroppedEventCount", &mapping("m-records")),
        ];
        // An alarm on an expression has its metric one level down.
        alarms.push(json!({
            "AlarmName": "callreel age", "StateValue": "INSUFFICIENT_DATA", "StateReason": "new", "ActionsEnabled": true,
            "AlarmActions": [arn("sns", "ops")],
            "Metrics": [
                {"Id": "hours", "Expression": "age / 3600000"},
                {"Id": "age", "MetricStat": {"Stat": "Maximum", "Period": 60, "Metric":
                    {"Namespace": "AWS/Lambda", "MetricName": "IteratorAge", "Dimensions": function}}},
            ],
        }));
        self.set("DescribeAlarms", json!({"MetricAlarms": alarms}));
        let none = json!({"Label": "Withdrawn", "Datapoints": []});
        self.set("GetMetricStatistics", none);
    }

    pub fn set(&mut self, operation: &str, body: Value) {
        self.answers
            .insert(operation.to_owned(), Answer::Body(body));
    }

    /// Refuses an operation with this status and code.
    pub fn refuse(&mut self, operation: &str, status: u16, code: &str) {
        let refused = Answer::Refused(status, code.to_owned());
        self.answers.insert(operation.to_owned(), refused);
    }

    /// The role may not do this.
    pub fn deny(&mut self, action: &str) {
        self.denied.insert(action.to_owned());
    }

    pub fn operations(&self) -> Vec<String> {
        let mut names: Vec<_> = self.answers.keys().cloned().collect();
        names.push("SimulatePrincipalPolicy".to_owned());
        names
    }

    pub fn answer(&self, operation: &str) -> Option<Answer> {
        self.answers.get(operation).cloned()
    }

    /// IAM's answer to a simulation: each action that is asked, allowed or not.
    pub fn simulate(&self, asked: &[(String, String)]) -> Option<Answer> {
        if let Some(refused) = self.answers.get("SimulatePrincipalPolicy") {
            return Some(refused.clone());
        }
        let one = |name: &str| {
            let mut found = asked.iter().filter(|(field, _)| field == name);
            found.next().map(|(_, value)| value.as_str())
        };
        assert_eq!(one("PolicySourceArn"), Some(ROLE));
        let actions = asked.iter();
        let actions = actions.filter(|(field, _)| field.starts_with("ActionNames.member."));
        let results: String = actions
            .map(|(_, action)| {
                let decision = match self.denied.contains(action) {
                    true => "implicitDeny",
                    false => "allowed",
                };
                format!(
                    "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{}</EvalResourceName>\
                     <EvalDecision>{decision}</EvalDecision></member>",
                    one("ResourceArns.member.1").unwrap()
                )
            })
            .collect();
        Some(Answer::Body(json!(format!(
            "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <SimulatePrincipalPolicyResult><EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>\
             </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        ))))
    }

    fn body(&mut self, operation: &str) -> &mut Value {
        match self.answers.get_mut(operation) {
            Some(Answer::Body(body)) => body,
            other => panic!("{operation}: {other:?}"),
        }
    }

    /// The mapping from a stream or queue.
    pub fn mapping(&mut self, source: &str) -> &mut Value {
        let id = format!("m-{source}");
        let all = &mut self.body("ListEventSourceMappings")["EventSourceMappings"];
        let all = all.as_array_mut().unwrap();
        all.iter_mut().find(|one| one["UUID"] == json!(id)).unwrap()
    }

    pub fn key(&mut self, name: &str) -> &mut Value {
        &mut self.body(&format!("DescribeKey {name}"))["KeyMetadata"]
    }

    pub fn queue(&mut self, name: &str) -> &mut Value {
        &mut self.body(&format!("GetQueueAttributes {name}"))["Attributes"]
    }

    pub fn variables(&mut self) -> &mut Value {
        &mut self.body("GetFunctionConfiguration")["Environment"]["Variables"]
    }

    pub fn media_config(&mut self) -> &mut Value {
        let configs = self.body("ListInstanceStorageConfigs MEDIA_STREAMS");
        &mut configs["StorageConfigs"][0]["KinesisVideoStreamConfig"]
    }

    pub fn alarm(&mut self, metric: &str) -> &mut Value {
        let all = &mut self.body("DescribeAlarms")["MetricAlarms"];
        let all = all.as_array_mut().unwrap();
        let mut found = all.iter_mut();
        found
            .find(|one| one["MetricName"] == json!(metric))
            .unwrap()
    }

    /// Puts other text in place of some in an answer of XML.
    pub fn xml(&mut self, operation: &str, from: &str, to: &str) {
        let body = self.body(operation);
        let text = body.as_str().unwrap();
        assert!(text.contains(from), "{text}");
        *body = json!(text.replace(from, to));
    }

    /// One more video stream.
    pub fn stream(&mut self, name: &str, hours: u32) {
        let name = format!("callreel-connect-acme-contact-{name}");
        let stream = json!({
            "StreamName": name, "StreamARN": arn("kinesisvideo", &format!("stream/{name}/1760000000000")),
            "DataRetentionInHours": hours, "KmsKeyId": arn("kms", "key/media"), "Status": "ACTIVE",
        });
        let all = &mut self.body("ListStreams")["StreamInfoList"];
        all.as_array_mut().unwrap().push(stream);
    }

    /// One more function with Callreel's settings, of another stack.
    pub fn second_function(&mut self, name: &str, stack: &str) {
        let all = &mut self.body("ListFunctions")["Functions"];
        let mut second = all[1].clone();
        second["FunctionName"] = json!(name);
        second["FunctionArn"] = json!(arn("lambda", &format!("function:{name}")));
        all.as_array_mut().unwrap().push(second);
        let tags = json!({"Tags": {"aws:cloudformation:stack-name": stack}});
        self.set(&format!("ListTags {name}"), tags);
    }
}

const BUCKET: &[(&str, &str)] = &[
    (
        "GetBucketVersioning",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    ),
    (
        "GetBucketEncryption",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
         <KMSMasterKeyID>arn:aws:kms:eu-west-1:111122223333:key/calls</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>\
         </Rule></ServerSideEncryptionConfiguration>",
    ),
    (
        "GetPublicAccessBlock",
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
         <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
         </PublicAccessBlockConfiguration>",
    ),
    (
        "GetBucketLifecycleConfiguration",
        "<LifecycleConfiguration><Rule><ID>abort</ID><Status>Enabled</Status><Filter><Prefix>recordings/</Prefix></Filter>\
         <AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>\
         </LifecycleConfiguration>",
    ),
];

const DISTRIBUTIONS: &str = "<DistributionList xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Marker></Marker>\
    <MaxItems>100</MaxItems><IsTruncated>false</IsTruncated><Quantity>1</Quantity><Items><DistributionSummary>\
    <Id>E1</Id><ARN>arn:aws:cloudfront::111122223333:distribution/E1</ARN><Status>Deployed</Status>\
    <LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime><DomainName>d1.cloudfront.net</DomainName>\
    <Aliases><Quantity>0</Quantity></Aliases><Origins><Quantity>1</Quantity><Items><Origin><Id>bucket</Id>\
    <DomainName>calls.s3.eu-west-1.amazonaws.com</DomainName><OriginPath></OriginPath>\
    <S3OriginConfig><OriginAccessIdentity></OriginAccessIdentity></S3OriginConfig>\
    <OriginAccessControlId>OAC</OriginAccessControlId></Origin></Items></Origins>\
    <DefaultCacheBehavior><TargetOriginId>bucket</TargetOriginId><ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>\
    <TrustedKeyGroups><Enabled>true</Enabled><Quantity>1</Quantity><Items><KeyGroup>group-1</KeyGroup></Items>\
    </TrustedKeyGroups>\
    </DefaultCacheBehavior><CacheBehaviors><Quantity>0</Quantity></CacheBehaviors><Comment></Comment>\
    <PriceClass>PriceClass_100</PriceClass><Enabled>true</Enabled><WebACLId></WebACLId><HttpVersion>http2</HttpVersion>\
    <IsIPV6Enabled>true</IsIPV6Enabled><Staging>false</Staging></DistributionSummary></Items></DistributionList>";

/// The first part of the keys of today.
fn year() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    let now = callreel::media::ticks::EpochMillis(since.unwrap().as_millis() as i64);
    now.to_rfc3339()[..4].to_owned()
}
