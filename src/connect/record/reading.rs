//! The way through one stream record's data: packed or not, list or not, item by item.
//! Memory is bounded by the limits: an item that is left out is counted and forgotten.

use serde_json::value::RawValue;

use super::fields::Fields;
use super::{ContactRecord, LeftOut, Limits, NotAContactRecord};
use crate::event::aggregated;
use crate::json;

pub(super) fn read(data: &[u8], limits: Limits) -> Vec<Result<ContactRecord, NotAContactRecord>> {
    let mut reading = Reading {
        limits,
        records: Vec::new(),
        recordings: 0,
        others: None,
        unreadable: None,
    };
    reading.data(data);
    let others = reading.others.map(NotAContactRecord::OtherShape);
    let unreadable = reading.unreadable.map(NotAContactRecord::Unreadable);
    let mut read: Vec<_> = reading.records.into_iter().map(Ok).collect();
    read.extend(others.into_iter().chain(unreadable).map(Err));
    read
}

struct Reading {
    limits: Limits,
    records: Vec<ContactRecord>,
    /// Entries of all `Recordings` so far.
    recordings: usize,
    others: Option<LeftOut>,
    unreadable: Option<LeftOut>,
}

impl Reading {
    fn data(&mut self, data: &[u8]) {
        match aggregated::unpack(data) {
            None => self.json(data),
            Some(Err(error)) => self.unreadable(format!(
                "a record packed by the Kinesis Producer Library: {error}"
            )),
            Some(Ok(packed)) => {
                if packed.is_empty() {
                    self.other("a packed record without records");
                }
                for data in packed {
                    if aggregated::is_aggregated(data) {
                        self.unreadable("a packed record inside of a packed one".to_owned());
                    } else {
                        self.json(data);
                    }
                }
            }
        }
    }

    fn json(&mut self, data: &[u8]) {
        let text = json::mend(data);
        if text.trim_ascii().is_empty() {
            return self.unreadable("not JSON: no data".to_owned());
        }
        for value in serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>() {
            match value {
                Ok(value) => self.value(value),
                Err(error) => self.unreadable(format!("not JSON: {error}")),
            }
        }
    }

    fn value(&mut self, value: &RawValue) {
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Err(_) => self.item(value),
            Ok(items) if items.is_empty() => self.other("a list without records"),
            Ok(items) => items.into_iter().for_each(|item| self.item(item)),
        }
    }

    fn item(&mut self, item: &RawValue) {
        let Some(fields) = Fields::of(item) else {
            return self.other("JSON, but no object");
        };
        if fields.is_nothing("ContactId") {
            return self.other(if fields.has("AgentARN") || fields.has("EventType") {
                "an agent event"
            } else {
                "an object without ContactId"
            });
        }
        if self.records.len() == self.limits.contact_records {
            return self.unreadable(format!(
                "more than {} contact records in one stream record: those behind wait for `callreel redrive`",
                self.limits.contact_records
            ));
        }
        let record = match fields.contact_record(self.limits.recordings - self.recordings) {
            Ok(record) => record,
            Err(cause) => return self.unreadable(cause),
        };
        self.recordings += record.recordings.len();
        self.records.push(record);
    }

    fn other(&mut self, what: &str) {
        count(&mut self.others, || what.to_owned());
    }

    fn unreadable(&mut self, cause: String) {
        count(&mut self.unreadable, || cause);
    }
}

fn count(left_out: &mut Option<LeftOut>, first: impl FnOnce() -> String) {
    match left_out {
        Some(left_out) => left_out.count += 1,
        None => {
            *left_out = Some(LeftOut {
                first: first(),
                count: 1,
            })
        }
    }
}
