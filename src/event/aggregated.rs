//! A record that the Kinesis Producer Library packed: many records' data in one. Forwarders
//! that rewrite a data stream pack by default.
//!
//! Format (amazon-kinesis-producer, "KPL Aggregated Record Format"): the bytes
//! [`MAGIC`], a protobuf message (proto2), and the MD5 of that message.
//!
//! ```text
//! message AggregatedRecord { repeated string partition_key_table = 1; repeated string explicit_hash_key_table = 2;
//!                            repeated Record records = 3; }
//! message Record { required uint64 partition_key_index = 1; optional uint64 explicit_hash_key_index = 2;
//!                  required bytes data = 3; repeated Tag tags = 4; }
//! ```
//!
//! This module uses the data alone. It does not look into a record of such a record.

use md5::{Digest, Md5};

/// What an aggregated record begins with; no JSON does.
pub const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
/// The length of the checksum at its end.
const CHECKSUM: usize = 16;
/// `AggregatedRecord.records`.
const RECORDS: u64 = 3;
/// `Record.data`.
const DATA: u64 = 3;

/// Why an aggregated record cannot be unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUnpacked {
    /// It ends before its checksum.
    #[error("it is cut off: {0} bytes, which is less than its checksum")]
    NoChecksum(usize),
    /// Its MD5 is another one.
    #[error("its checksum (MD5) does not fit: it is cut off or changed")]
    OtherChecksum,
    /// The message does not follow the format.
    #[error("its message breaks off in record {record}: {what}")]
    Broken {
        /// The place of the record, from 1.
        record: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// Whether data is of an aggregated record.
pub fn is_aggregated(data: &[u8]) -> bool {
    data.starts_with(&MAGIC)
}

/// The data of each record that was packed, in order; `None` when data is no aggregated
/// record.
pub fn unpack(data: &[u8]) -> Option<Result<Vec<&[u8]>, NotUnpacked>> {
    Some(unpack_body(data.strip_prefix(&MAGIC)?))
}

fn unpack_body(body: &[u8]) -> Result<Vec<&[u8]>, NotUnpacked> {
    let (message, checksum) = body
        .split_last_chunk::<CHECKSUM>()
        .ok_or(NotUnpacked::NoChecksum(body.len()))?;
    if Md5::digest(message).as_slice() != checksum {
        return Err(NotUnpacked::OtherChecksum);
    }
    let mut records = Vec::new();
    let mut rest = message;
    let broken = |records: &Vec<_>, what| NotUnpacked::Broken {
        record: records.len() + 1,
        what,
    };
    while !rest.is_empty() {
        if let (RECORDS, Some(record)) = field(&mut rest).map_err(|what| broken(&records, what))? {
            let data = data_of(record).map_err(|what| broken(&records, what))?;
            records.push(data);
        }
    }
    Ok(records)
}

fn data_of(mut record: &[u8]) -> Result<&[u8], &'static str> {
    let mut data = None;
    while !record.is_empty() {
        if let (DATA, Some(bytes)) = field(&mut record)? {
            data = Some(bytes);
        }
    }
    data.ok_or("it has no data")
}

/// Takes the next field: its number, and its bytes if it has a length of its own.
fn field<'a>(rest: &mut &'a [u8]) -> Result<(u64, Option<&'a [u8]>), &'static str> {
    let tag = varint(rest)?;
    let length = match tag & 7 {
        0 => {
            varint(rest)?;
            return Ok((tag >> 3, None));
        }
        1 => 8,
        2 => varint(rest)?,
        5 => 4,
        _ => return Err("a field of a kind that is not in use"),
    };
    let (bytes, behind) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or("a field is longer than the message")?;
    *rest = behind;
    Ok((tag >> 3, (tag & 7 == 2).then_some(bytes)))
}

fn varint(rest: &mut &[u8]) -> Result<u64, &'static str> {
    let mut value = 0;
    for place in 0..10 {
        let (byte, behind) = rest.split_first().ok_or("a number is cut off")?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number is too long")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::packed::{field, sealed};
    use proptest::prelude::*;

    fn packed(data: &[&[u8]]) -> Vec<u8> {
        let mut message = field(0x0a, b"partition key");
        message.extend(field(0x12, b"340282366920938463463374607431768211455"));
        for data in data {
            let record = [
                vec![0x08, 0, 0x10, 0],
                field(0x1a, data),
                field(0x22, b"\x0a\x01t"),
            ];
            message.extend(field(0x1a, &record.concat()));
        }
        sealed(&message)
    }

    #[test]
    fn records_come_out_in_order() {
        let long = vec![b'x'; 300];
        let data = [&b"one"[..], b"", &long];
        assert_eq!(unpack(&packed(&data)), Some(Ok(data.to_vec())));
        assert_eq!(unpack(&packed(&[])), Some(Ok(vec![])));
        assert_eq!(unpack(b"{}"), None);
        assert_eq!(unpack(&MAGIC[..3]), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        #[track_caller]
        fn check(data: &[u8], message: &str) {
            let error = unpack(data).unwrap().unwrap_err().to_string();
            assert_eq!(error, message);
        }
        let good = packed(&[b"one", b"two"]);
        check(
            &good[..good.len() - 1],
            "its checksum (MD5) does not fit: it is cut off or changed",
        );
        check(
            &good[..9],
            "it is cut off: 5 bytes, which is less than its checksum",
        );
        let mut changed = good.clone();
        changed[30] ^= 1;
        check(
            &changed,
            "its checksum (MD5) does not fit: it is cut off or changed",
        );
        let record = field(0x1a, &field(0x1a, b"one"));
        let broken = |behind: &[u8]| sealed(&[&record, behind].concat());
        check(
            &broken(&[0x1a, 9, 0x1a]),
            "its message breaks off in record 2: a field is longer than the message",
        );
        check(
            &broken(&[0x1a, 0x80]),
            "its message breaks off in record 2: a number is cut off",
        );
        check(
            &broken(&[0x1a, 2, 8, 0]),
            "its message breaks off in record 2: it has no data",
        );
        check(
            &broken(&[0x1b]),
            "its message breaks off in record 2: a field of a kind that is not in use",
        );
        check(
            &broken(&[0xff; 11]),
            "its message breaks off in record 2: a number is too long",
        );
    }

    proptest! {
        #[test]
        fn any_records_come_out_as_they_went(data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
            let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
            let packed = packed(&data);
            prop_assert_eq!(unpack(&packed), Some(Ok(data)));
        }

        #[test]
        fn no_message_panics(message in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&sealed(&message));
            let _ = unpack(&[&MAGIC[..], &message].concat());
        }
    }
}
