//! The recorder's ports over AWS, out of its settings: the edges take plain values, and
//! another program with settings of its own wires them in its own way.

pub mod voicemail;

use crate::aws::{ConnectContacts, KvsSource, ParkingQueue, S3Recordings, Shared, kvs, s3};
use crate::port::Ports;
use crate::settings::recorder::Config;

/// Everything that the recorder needs of AWS.
#[derive(Debug)]
pub struct Connected {
    /// KVS, the bucket and Connect.
    pub ports: Ports<KvsSource, S3Recordings, ConnectContacts>,
    /// Where parked records wait, if there is such a place.
    pub queue: Option<ParkingQueue>,
}

/// Makes all clients over the configuration that they share. No call is made yet, but for
/// credentials that must be looked up.
pub fn connect(config: &Config, shared: &Shared) -> Connected {
    let limits = kvs::Limits {
        connections: config.connections,
        fragments_per_request: config.fragments_per_request,
    };
    Connected {
        ports: Ports {
            source: KvsSource::new(shared, limits),
            store: S3Recordings::new(shared, bucket(config)),
            attributes: ConnectContacts::new(shared, config.connect_calls_per_second),
        },
        queue: config
            .parking_queue
            .as_ref()
            .map(|url| ParkingQueue::new(shared, url)),
    }
}

/// The bucket of the settings, and how objects are put into it.
pub fn bucket(config: &Config) -> s3::Bucket {
    s3::Bucket {
        name: config.bucket.clone(),
        kms_key: config.kms_key.clone(),
        tags: config.object_tags.clone(),
        owner: config.bucket_owner.clone(),
    }
}
