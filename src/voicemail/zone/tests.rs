use super::*;

/// By Python's zoneinfo: two instants, and the minutes around each change of 2025 and 2026.
const TIMES: &[(&str, &str, &str)] = &[
    (
        "2025-01-31T05:03:00Z",
        "UTC",
        "Friday, Jan 31, 2025 at 05:03 AM (UTC)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "UTC",
        "Thursday, Feb 29, 2024 at 12:00 PM (UTC)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Africa/Johannesburg",
        "Friday, Jan 31, 2025 at 07:03 AM (Africa/Johannesburg)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Africa/Johannesburg",
        "Thursday, Feb 29, 2024 at 02:00 PM (Africa/Johannesburg)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "America/Chicago",
        "Thursday, Jan 30, 2025 at 11:03 PM (America/Chicago)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "America/Chicago",
        "Thursday, Feb 29, 2024 at 06:00 AM (America/Chicago)",
    ),
    (
        "2025-03-09T07:59:00Z",
        "America/Chicago",
        "Sunday, Mar 09, 2025 at 01:59 AM (America/Chicago)",
    ),
    (
        "2025-03-09T08:00:00Z",
        "America/Chicago",
        "Sunday, Mar 09, 2025 at 03:00 AM (America/Chicago)",
    ),
    (
        "2025-11-02T06:59:00Z",
        "America/Chicago",
        "Sunday, Nov 02, 2025 at 01:59 AM (America/Chicago)",
    ),
    (
        "2025-11-02T07:00:00Z",
        "America/Chicago",
        "Sunday, Nov 02, 2025 at 01:00 AM (America/Chicago)",
    ),
    (
        "2026-03-08T07:59:00Z",
        "America/Chicago",
        "Sunday, Mar 08, 2026 at 01:59 AM (America/Chicago)",
    ),
    (
        "2026-03-08T08:00:00Z",
        "America/Chicago",
        "Sunday, Mar 08, 2026 at 03:00 AM (America/Chicago)",
    ),
    (
        "2026-11-01T06:59:00Z",
        "America/Chicago",
        "Sunday, Nov 01, 2026 at 01:59 AM (America/Chicago)",
    ),
    (
        "2026-11-01T07:00:00Z",
        "America/Chicago",
        "Sunday, Nov 01, 2026 at 01:00 AM (America/Chicago)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "America/Los_Angeles",
        "Thursday, Jan 30, 2025 at 09:03 PM (America/Los_Angeles)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "America/Los_Angeles",
        "Thursday, Feb 29, 2024 at 04:00 AM (America/Los_Angeles)",
    ),
    (
        "2025-03-09T09:59:00Z",
        "America/Los_Angeles",
        "Sunday, Mar 09, 2025 at 01:59 AM (America/Los_Angeles)",
    ),
    (
        "2025-03-09T10:00:00Z",
        "America/Los_Angeles",
        "Sunday, Mar 09, 2025 at 03:00 AM (America/Los_Angeles)",
    ),
    (
        "2025-11-02T08:59:00Z",
        "America/Los_Angeles",
        "Sunday, Nov 02, 2025 at 01:59 AM (America/Los_Angeles)",
    ),
    (
        "2025-11-02T09:00:00Z",
        "America/Los_Angeles",
        "Sunday, Nov 02, 2025 at 01:00 AM (America/Los_Angeles)",
    ),
    (
        "2026-03-08T09:59:00Z",
        "America/Los_Angeles",
        "Sunday, Mar 08, 2026 at 01:59 AM (America/Los_Angeles)",
    ),
    (
        "2026-03-08T10:00:00Z",
        "America/Los_Angeles",
        "Sunday, Mar 08, 2026 at 03:00 AM (America/Los_Angeles)",
    ),
    (
        "2026-11-01T08:59:00Z",
        "America/Los_Angeles",
        "Sunday, Nov 01, 2026 at 01:59 AM (America/Los_Angeles)",
    ),
    (
        "2026-11-01T09:00:00Z",
        "America/Los_Angeles",
        "Sunday, Nov 01, 2026 at 01:00 AM (America/Los_Angeles)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "America/New_York",
        "Friday, Jan 31, 2025 at 12:03 AM (America/New_York)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "America/New_York",
        "Thursday, Feb 29, 2024 at 07:00 AM (America/New_York)",
    ),
    (
        "2025-03-09T06:59:00Z",
        "America/New_York",
        "Sunday, Mar 09, 2025 at 01:59 AM (America/New_York)",
    ),
    (
        "2025-03-09T07:00:00Z",
        "America/New_York",
        "Sunday, Mar 09, 2025 at 03:00 AM (America/New_York)",
    ),
    (
        "2025-11-02T05:59:00Z",
        "America/New_York",
        "Sunday, Nov 02, 2025 at 01:59 AM (America/New_York)",
    ),
    (
        "2025-11-02T06:00:00Z",
        "America/New_York",
        "Sunday, Nov 02, 2025 at 01:00 AM (America/New_York)",
    ),
    (
        "2026-03-08T06:59:00Z",
        "America/New_York",
        "Sunday, Mar 08, 2026 at 01:59 AM (America/New_York)",
    ),
    (
        "2026-03-08T07:00:00Z",
        "America/New_York",
        "Sunday, Mar 08, 2026 at 03:00 AM (America/New_York)",
    ),
    (
        "2026-11-01T05:59:00Z",
        "America/New_York",
        "Sunday, Nov 01, 2026 at 01:59 AM (America/New_York)",
    ),
    (
        "2026-11-01T06:00:00Z",
        "America/New_York",
        "Sunday, Nov 01, 2026 at 01:00 AM (America/New_York)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "America/Phoenix",
        "Thursday, Jan 30, 2025 at 10:03 PM (America/Phoenix)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "America/Phoenix",
        "Thursday, Feb 29, 2024 at 05:00 AM (America/Phoenix)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "America/Sao_Paulo",
        "Friday, Jan 31, 2025 at 02:03 AM (America/Sao_Paulo)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "America/Sao_Paulo",
        "Thursday, Feb 29, 2024 at 09:00 AM (America/Sao_Paulo)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Asia/Kolkata",
        "Friday, Jan 31, 2025 at 10:33 AM (Asia/Kolkata)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Asia/Kolkata",
        "Thursday, Feb 29, 2024 at 05:30 PM (Asia/Kolkata)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Asia/Tokyo",
        "Friday, Jan 31, 2025 at 02:03 PM (Asia/Tokyo)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Asia/Tokyo",
        "Thursday, Feb 29, 2024 at 09:00 PM (Asia/Tokyo)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Australia/Sydney",
        "Friday, Jan 31, 2025 at 04:03 PM (Australia/Sydney)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Australia/Sydney",
        "Thursday, Feb 29, 2024 at 11:00 PM (Australia/Sydney)",
    ),
    (
        "2025-04-05T15:59:00Z",
        "Australia/Sydney",
        "Sunday, Apr 06, 2025 at 02:59 AM (Australia/Sydney)",
    ),
    (
        "2025-04-05T16:00:00Z",
        "Australia/Sydney",
        "Sunday, Apr 06, 2025 at 02:00 AM (Australia/Sydney)",
    ),
    (
        "2025-10-04T15:59:00Z",
        "Australia/Sydney",
        "Sunday, Oct 05, 2025 at 01:59 AM (Australia/Sydney)",
    ),
    (
        "2025-10-04T16:00:00Z",
        "Australia/Sydney",
        "Sunday, Oct 05, 2025 at 03:00 AM (Australia/Sydney)",
    ),
    (
        "2026-04-04T15:59:00Z",
        "Australia/Sydney",
        "Sunday, Apr 05, 2026 at 02:59 AM (Australia/Sydney)",
    ),
    (
        "2026-04-04T16:00:00Z",
        "Australia/Sydney",
        "Sunday, Apr 05, 2026 at 02:00 AM (Australia/Sydney)",
    ),
    (
        "2026-10-03T15:59:00Z",
        "Australia/Sydney",
        "Sunday, Oct 04, 2026 at 01:59 AM (Australia/Sydney)",
    ),
    (
        "2026-10-03T16:00:00Z",
        "Australia/Sydney",
        "Sunday, Oct 04, 2026 at 03:00 AM (Australia/Sydney)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Canada/Central",
        "Thursday, Jan 30, 2025 at 11:03 PM (Canada/Central)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Canada/Central",
        "Thursday, Feb 29, 2024 at 06:00 AM (Canada/Central)",
    ),
    (
        "2025-03-09T07:59:00Z",
        "Canada/Central",
        "Sunday, Mar 09, 2025 at 01:59 AM (Canada/Central)",
    ),
    (
        "2025-03-09T08:00:00Z",
        "Canada/Central",
        "Sunday, Mar 09, 2025 at 03:00 AM (Canada/Central)",
    ),
    (
        "2025-11-02T06:59:00Z",
        "Canada/Central",
        "Sunday, Nov 02, 2025 at 01:59 AM (Canada/Central)",
    ),
    (
        "2025-11-02T07:00:00Z",
        "Canada/Central",
        "Sunday, Nov 02, 2025 at 01:00 AM (Canada/Central)",
    ),
    (
        "2026-03-08T07:59:00Z",
        "Canada/Central",
        "Sunday, Mar 08, 2026 at 01:59 AM (Canada/Central)",
    ),
    (
        "2026-03-08T08:00:00Z",
        "Canada/Central",
        "Sunday, Mar 08, 2026 at 03:00 AM (Canada/Central)",
    ),
    (
        "2026-11-01T06:59:00Z",
        "Canada/Central",
        "Sunday, Nov 01, 2026 at 01:59 AM (Canada/Central)",
    ),
    (
        "2026-11-01T07:00:00Z",
        "Canada/Central",
        "Sunday, Nov 01, 2026 at 01:00 AM (Canada/Central)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Europe/Berlin",
        "Friday, Jan 31, 2025 at 06:03 AM (Europe/Berlin)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Europe/Berlin",
        "Thursday, Feb 29, 2024 at 01:00 PM (Europe/Berlin)",
    ),
    (
        "2025-03-30T00:59:00Z",
        "Europe/Berlin",
        "Sunday, Mar 30, 2025 at 01:59 AM (Europe/Berlin)",
    ),
    (
        "2025-03-30T01:00:00Z",
        "Europe/Berlin",
        "Sunday, Mar 30, 2025 at 03:00 AM (Europe/Berlin)",
    ),
    (
        "2025-10-26T00:59:00Z",
        "Europe/Berlin",
        "Sunday, Oct 26, 2025 at 02:59 AM (Europe/Berlin)",
    ),
    (
        "2025-10-26T01:00:00Z",
        "Europe/Berlin",
        "Sunday, Oct 26, 2025 at 02:00 AM (Europe/Berlin)",
    ),
    (
        "2026-03-29T00:59:00Z",
        "Europe/Berlin",
        "Sunday, Mar 29, 2026 at 01:59 AM (Europe/Berlin)",
    ),
    (
        "2026-03-29T01:00:00Z",
        "Europe/Berlin",
        "Sunday, Mar 29, 2026 at 03:00 AM (Europe/Berlin)",
    ),
    (
        "2026-10-25T00:59:00Z",
        "Europe/Berlin",
        "Sunday, Oct 25, 2026 at 02:59 AM (Europe/Berlin)",
    ),
    (
        "2026-10-25T01:00:00Z",
        "Europe/Berlin",
        "Sunday, Oct 25, 2026 at 02:00 AM (Europe/Berlin)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Europe/London",
        "Friday, Jan 31, 2025 at 05:03 AM (Europe/London)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Europe/London",
        "Thursday, Feb 29, 2024 at 12:00 PM (Europe/London)",
    ),
    (
        "2025-03-30T00:59:00Z",
        "Europe/London",
        "Sunday, Mar 30, 2025 at 12:59 AM (Europe/London)",
    ),
    (
        "2025-03-30T01:00:00Z",
        "Europe/London",
        "Sunday, Mar 30, 2025 at 02:00 AM (Europe/London)",
    ),
    (
        "2025-10-26T00:59:00Z",
        "Europe/London",
        "Sunday, Oct 26, 2025 at 01:59 AM (Europe/London)",
    ),
    (
        "2025-10-26T01:00:00Z",
        "Europe/London",
        "Sunday, Oct 26, 2025 at 01:00 AM (Europe/London)",
    ),
    (
        "2026-03-29T00:59:00Z",
        "Europe/London",
        "Sunday, Mar 29, 2026 at 12:59 AM (Europe/London)",
    ),
    (
        "2026-03-29T01:00:00Z",
        "Europe/London",
        "Sunday, Mar 29, 2026 at 02:00 AM (Europe/London)",
    ),
    (
        "2026-10-25T00:59:00Z",
        "Europe/London",
        "Sunday, Oct 25, 2026 at 01:59 AM (Europe/London)",
    ),
    (
        "2026-10-25T01:00:00Z",
        "Europe/London",
        "Sunday, Oct 25, 2026 at 01:00 AM (Europe/London)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Europe/Dublin",
        "Friday, Jan 31, 2025 at 05:03 AM (Europe/Dublin)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Europe/Dublin",
        "Thursday, Feb 29, 2024 at 12:00 PM (Europe/Dublin)",
    ),
    (
        "2025-03-30T00:59:00Z",
        "Europe/Dublin",
        "Sunday, Mar 30, 2025 at 12:59 AM (Europe/Dublin)",
    ),
    (
        "2025-03-30T01:00:00Z",
        "Europe/Dublin",
        "Sunday, Mar 30, 2025 at 02:00 AM (Europe/Dublin)",
    ),
    (
        "2025-10-26T00:59:00Z",
        "Europe/Dublin",
        "Sunday, Oct 26, 2025 at 01:59 AM (Europe/Dublin)",
    ),
    (
        "2025-10-26T01:00:00Z",
        "Europe/Dublin",
        "Sunday, Oct 26, 2025 at 01:00 AM (Europe/Dublin)",
    ),
    (
        "2026-03-29T00:59:00Z",
        "Europe/Dublin",
        "Sunday, Mar 29, 2026 at 12:59 AM (Europe/Dublin)",
    ),
    (
        "2026-03-29T01:00:00Z",
        "Europe/Dublin",
        "Sunday, Mar 29, 2026 at 02:00 AM (Europe/Dublin)",
    ),
    (
        "2026-10-25T00:59:00Z",
        "Europe/Dublin",
        "Sunday, Oct 25, 2026 at 01:59 AM (Europe/Dublin)",
    ),
    (
        "2026-10-25T01:00:00Z",
        "Europe/Dublin",
        "Sunday, Oct 25, 2026 at 01:00 AM (Europe/Dublin)",
    ),
    (
        "2025-01-31T05:03:00Z",
        "Pacific/Auckland",
        "Friday, Jan 31, 2025 at 06:03 PM (Pacific/Auckland)",
    ),
    (
        "2024-02-29T12:00:00Z",
        "Pacific/Auckland",
        "Friday, Mar 01, 2024 at 01:00 AM (Pacific/Auckland)",
    ),
    (
        "2025-04-05T13:59:00Z",
        "Pacific/Auckland",
        "Sunday, Apr 06, 2025 at 02:59 AM (Pacific/Auckland)",
    ),
    (
        "2025-04-05T14:00:00Z",
        "Pacific/Auckland",
        "Sunday, Apr 06, 2025 at 02:00 AM (Pacific/Auckland)",
    ),
    (
        "2025-09-27T13:59:00Z",
        "Pacific/Auckland",
        "Sunday, Sep 28, 2025 at 01:59 AM (Pacific/Auckland)",
    ),
    (
        "2025-09-27T14:00:00Z",
        "Pacific/Auckland",
        "Sunday, Sep 28, 2025 at 03:00 AM (Pacific/Auckland)",
    ),
    (
        "2026-04-04T13:59:00Z",
        "Pacific/Auckland",
        "Sunday, Apr 05, 2026 at 02:59 AM (Pacific/Auckland)",
    ),
    (
        "2026-04-04T14:00:00Z",
        "Pacific/Auckland",
        "Sunday, Apr 05, 2026 at 02:00 AM (Pacific/Auckland)",
    ),
    (
        "2026-09-26T13:59:00Z",
        "Pacific/Auckland",
        "Sunday, Sep 27, 2026 at 01:59 AM (Pacific/Auckland)",
    ),
    (
        "2026-09-26T14:00:00Z",
        "Pacific/Auckland",
        "Sunday, Sep 27, 2026 at 03:00 AM (Pacific/Auckland)",
    ),
];

#[test]
fn hours_are_those_of_the_zone() {
    for (time, zone, text) in TIMES {
        let zone: Zone = zone.parse().unwrap();
        let time = EpochMillis::from_rfc3339(time).unwrap();
        assert_eq!(zone.text(time), *text, "{time}");
    }
}

#[test]
fn zones_are_named_or_offsets() {
    let time = EpochMillis::from_rfc3339("2025-01-31T05:03:00Z").unwrap();
    let text = |zone: &str| zone.parse::<Zone>().map(|zone| zone.text(time));
    assert_eq!(
        text("+09:00").unwrap(),
        "Friday, Jan 31, 2025 at 02:03 PM (UTC+09:00)"
    );
    assert_eq!(
        text("-03:30").unwrap(),
        "Friday, Jan 31, 2025 at 01:33 AM (UTC-03:30)"
    );
    assert_eq!(
        text("europe/london").unwrap(),
        "Friday, Jan 31, 2025 at 05:03 AM (Europe/London)"
    );
    for odd in [
        "",
        "Mars/Olympus",
        "+9",
        "+15:00",
        "+09:60",
        "09:00",
        "+0a:00",
    ] {
        assert_eq!(text(odd), Err(NoZone), "{odd}");
    }
    for name in Zone::names() {
        assert!(name.parse::<Zone>().is_ok());
    }
    assert_eq!(Zone::of_region("ap-northeast-1").to_string(), "Asia/Tokyo");
    assert_eq!(Zone::of_region("me-south-1"), Zone::UTC);
    for odd in [i64::MIN, i64::MAX] {
        assert!(
            Zone::of_region("us-east-1")
                .text(EpochMillis(odd))
                .ends_with("ms")
        );
    }
}
