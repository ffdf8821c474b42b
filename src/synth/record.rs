//! The contact record of a call that was made up, and the Kinesis event that brings it:
//! AWS's field names, and the oddities that a recorder must live with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{SynthCall, SynthSpan, mix};
use crate::media::ticks::EpochMillis;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// How long before the first fragment the caller was there, and after the last one the
/// record was written.
const RINGING_MILLIS: i64 = 3_200;
const STREAMING_BEGAN_MILLIS: i64 = 966;
const RECORD_WRITTEN_MILLIS: i64 = 68_000;

impl SynthCall {
    /// The call's contact record, for a recording on the KVS stream `stream_name`.
    ///
    /// Times are whole seconds, cut off: the stop fragment's server time can lie after
    /// the recording's StopTimestamp. KVS entries say VIDEO and have no status.
    pub fn contact_record(&self, stream_name: &str) -> Value {
        let span = self.span();
        let times = Times::of(&span);
        let instance = format!(
            "arn:aws:connect:{REGION}:{ACCOUNT}:instance/{}",
            self.instance
        );
        json!({
            "AWSAccountId": ACCOUNT,
            "AWSContactTraceRecordFormatVersion": "2017-03-10",
            "Agent": agent(&instance, &times),
            "AgentConnectionAttempts": 1,
            "AnsweringMachineDetectionStatus": null,
            "Attributes": { "recordingAuth": "3" },
            "Campaign": { "CampaignId": null },
            "Channel": "VOICE",
            "ConnectedToSystemTimestamp": whole_seconds(times.initiated + 400),
            "ContactDetails": {},
            "ContactId": self.contact,
            "CustomerEndpoint": { "Address": "+12065550142", "Type": "TELEPHONE_NUMBER" },
            "CustomerVoiceActivity": null,
            "DisconnectReason": "CUSTOMER_DISCONNECT",
            "DisconnectTimestamp": whole_seconds(times.disconnected),
            "InitialContactId": null,
            "InitiationMethod": "INBOUND",
            "InitiationTimestamp": whole_seconds(times.initiated),
            "InstanceARN": instance,
            "LastUpdateTimestamp": whole_seconds(times.written),
            "MediaStreams": [{ "Type": "AUDIO" }],
            "NextContactId": null,
            "PreviousContactId": self.leg_before,
            "Queue": {
                "ARN": format!("{instance}/queue/7f1d6a02-44c3-4b0e-9d1c-5a0e8b27c611"),
                "DequeueTimestamp": whole_seconds(times.agent),
                "Duration": 1,
                "EnqueueTimestamp": whole_seconds(times.agent - 1_000),
                "Name": "BasicQueue",
            },
            "Recording": null,
            "Recordings": [recording(&span, &times, stream_name)],
            "References": [],
            "ScheduledTimestamp": null,
            "SegmentAttributes": { "connect:Subtype": { "ValueString": "connect:Telephony" } },
            "SystemEndpoint": { "Address": "+12065550100", "Type": "TELEPHONE_NUMBER" },
            "Tags": { "aws:connect:instanceId": self.instance },
            "TransferCompletedTimestamp": null,
            "TransferredToEndpoint": null,
            "VoiceIdResult": null,
        })
    }

    /// The contact record as Lambda gets it from a Kinesis data stream: one record, base64.
    pub fn event_json(&self, stream_name: &str) -> Value {
        let written = Times::of(&self.span()).written;
        let data = STANDARD.encode(self.contact_record(stream_name).to_string());
        let dice = |salt: u64| mix(self.seed, 0x0005_e900 + salt);
        let (high, low) = (dice(0), dice(1));
        // 56 digits, of which the first four were the same in every event seen.
        let sequence = format!("4965{high:020}{low:020}{:012}", dice(2) % 1_000_000_000_000);
        let arrived = EpochMillis(written + 750);
        json!({ "Records": [kinesis_record(&sequence, &self.contact, &data, arrived)] })
    }
}

/// A record of a Kinesis data stream as it stands in Lambda's event: `data` in base64, or
/// what stands in its place.
pub fn kinesis_record(
    sequence: &str,
    partition_key: &str,
    data: &str,
    arrived: EpochMillis,
) -> Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": partition_key,
            "sequenceNumber": sequence,
            "data": data,
            "approximateArrivalTimestamp": arrived.to_seconds(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000000:{sequence}"),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": format!("arn:aws:iam::{ACCOUNT}:role/callreel-recorder"),
        "awsRegion": REGION,
        "eventSourceARN": format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/contact-records"),
    })
}

/// What RFC 3339 can still tell.
const YEAR_9999_MILLIS: i64 = 253_370_764_800_000;

/// When what happened to the contact, on the server's clock.
struct Times {
    initiated: i64,
    streaming: i64,
    agent: i64,
    disconnected: i64,
    written: i64,
}

impl Times {
    fn of(span: &SynthSpan) -> Self {
        let known = |millis: i64| millis.clamp(0, YEAR_9999_MILLIS);
        let (start, stop) = (
            known(span.start_server_millis),
            known(span.stop_server_millis),
        );
        Self {
            initiated: start - RINGING_MILLIS,
            streaming: start - STREAMING_BEGAN_MILLIS,
            agent: start - 500,
            disconnected: stop + 1_600,
            written: stop + RECORD_WRITTEN_MILLIS,
        }
    }
}

fn agent(instance: &str, times: &Times) -> Value {
    json!({
        "ARN": format!("{instance}/agent/2b0d4a7e-6e0c-4bb6-8a55-f3a1c0d9e482"),
        "AfterContactWorkDuration": 20,
        "AfterContactWorkEndTimestamp": whole_seconds(times.disconnected + 20_000),
        "AfterContactWorkStartTimestamp": whole_seconds(times.disconnected),
        "AgentInteractionDuration": (times.disconnected - times.agent) / 1_000,
        "AgentPauseDuration": null,
        "ConnectedToAgentTimestamp": whole_seconds(times.agent),
        "CustomerHoldDuration": 0,
        "HierarchyGroups": null,
        "LongestHoldDuration": 0,
        "NumberOfHolds": 0,
        "RoutingProfile": {
            "ARN": format!("{instance}/routing-profile/9c8e1f30-5b7d-4d21-b6aa-0f4e2c7719d5"),
            "Name": "Basic Routing Profile",
        },
        "Username": "agent",
    })
}

fn recording(span: &SynthSpan, times: &Times, stream_name: &str) -> Value {
    json!({
        "DeletionReason": null,
        "FragmentStartNumber": span.start_fragment,
        "FragmentStopNumber": span.stop_fragment,
        "Location": format!(
            "arn:aws:kinesisvideo:{REGION}:{ACCOUNT}:stream/{stream_name}/1760000000000"
        ),
        "MediaStreamType": "VIDEO",
        "ParticipantType": null,
        "StartTimestamp": whole_seconds(times.streaming),
        "Status": null,
        "StopTimestamp": whole_seconds(span.stop_server_millis),
        "StorageType": "KINESIS_VIDEO_STREAM",
    })
}

/// As the contact record has it: RFC 3339 without a fraction, cut off.
fn whole_seconds(millis: i64) -> String {
    let whole = EpochMillis(millis - millis.rem_euclid(1_000));
    whole.to_rfc3339().replace(".000Z", "Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_carries_the_contact_record() {
        let call = SynthCall::default();
        let event = call.event_json("demo");
        let record = &event["Records"][0];
        let data = STANDARD
            .decode(record["kinesis"]["data"].as_str().unwrap())
            .unwrap();
        let carried: Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(carried, call.contact_record("demo"));
        let sequence = record["kinesis"]["sequenceNumber"].as_str().unwrap();
        assert_eq!(sequence.len(), 56);
        assert!(record["eventID"].as_str().unwrap().ends_with(sequence));
    }

    #[test]
    fn the_record_names_the_run_and_cuts_its_times() {
        let call = SynthCall {
            millis: 28_480,
            ..SynthCall::default()
        };
        let (record, span) = (call.contact_record("demo"), call.span());
        let recording = &record["Recordings"][0];
        assert_eq!(recording["FragmentStartNumber"], span.start_fragment);
        assert_eq!(recording["FragmentStopNumber"], span.stop_fragment);
        assert_eq!(recording["StartTimestamp"], "2025-10-09T08:53:18Z");
        assert_eq!(recording["StopTimestamp"], "2025-10-09T08:53:47Z");
        let stop = EpochMillis::from_rfc3339("2025-10-09T08:53:47Z").unwrap();
        assert!(stop.0 < span.stop_server_millis);
        assert_eq!(
            recording["Location"],
            "arn:aws:kinesisvideo:us-east-1:111122223333:stream/demo/1760000000000"
        );
        assert_eq!(record["InitiationTimestamp"], "2025-10-09T08:53:15Z");
    }
}
