//! What must hold of any data of a stream record: the fuzz target `records` and the replay
//! of its corpus both check it here.

use crate::connect::record::{
    ContactRecord, Limits, read_contact_records, read_contact_records_within,
};
use crate::event::aggregated::is_aggregated;
use crate::failure::parked::Parked;
use crate::json;
use crate::recording::decide::decide;
use crate::recording::plan::Policy;

/// Panics if anything does not hold.
pub fn check(data: &[u8]) {
    let all = read_contact_records(data);
    assert!(!all.is_empty(), "something is told of everything");
    let limits = Limits {
        contact_records: 3,
        recordings: 5,
    };
    let some = read_contact_records_within(data, limits);
    let records = || some.iter().flatten();
    let recordings: usize = records().map(|record| record.recordings.len()).sum();
    assert!(some.len() <= limits.contact_records + 2 && recordings <= limits.recordings);
    assert!(records().all(|record| all.contains(&Ok(record.clone()))));
    if !is_aggregated(data) {
        assert_eq!(all, read_contact_records(json::mend(data).as_bytes()));
    }
    all.iter().flatten().for_each(check_record);
    let parked = Parked {
        waits_for: None,
        contact: None,
        kind: String::new(),
        reason: String::new(),
        more: Vec::new(),
        retry_until: None,
        data: data.to_owned(),
    };
    assert_eq!(Parked::from_json(&parked.to_json()), Ok(parked));
}

fn check_record(record: &ContactRecord) {
    let ids = [
        Some(&record.contact),
        record.initial_contact.as_ref(),
        record.previous_contact.as_ref(),
        record.next_contact.as_ref(),
    ];
    for id in ids.into_iter().flatten() {
        assert!(!id.is_empty() && !id.contains(json::LOST), "{id:?}");
    }
    let policy = Policy::new("rec/", "https://d.example/");
    assert!(!decide(record, &policy).is_empty());
}
