//! The tags of a fragment: whose it is, its number and times, its media type, and what an
//! error document says.
//!
//! A SimpleTag inside of a SimpleTag says something of that one and nothing of the
//! fragment: it is stepped over. Names are read in any case, since muxers that merge files
//! write them in capitals.

use super::format;
use super::text::{cut, trim};
use super::{MAX_CONTACT_BYTES, MAX_DAMAGE, MAX_TAG_BYTES, MAX_TRACKS};
use crate::media::fragment::{DamageKind, Fragment, FragmentNumber};
use crate::media::ticks::EpochMillis;

/// The text of a name or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TagText {
    Text(String),
    /// Longer than [`MAX_TAG_BYTES`].
    TooLong,
}

impl TagText {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::TooLong => None,
        }
    }
}

/// What the tags of a document say beyond its fragment.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags {
    name: Option<TagText>,
    value: Option<TagText>,
    pub types: MediaTypes,
    error_id: Option<u32>,
    error_code: Option<Box<str>>,
    /// Another number behind the audio: of what follows, if anything does.
    pub next: Option<Next>,
    /// Where the last Tags stands behind the last Cluster.
    pub begin: Option<u64>,
    /// What live media carries behind each fragment came behind the last Cluster.
    pub is_followed: bool,
}

/// Where the text of a tag stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub offset: u64,
    /// A Cluster of the fragment stands before it.
    pub is_behind_audio: bool,
}

/// What tags say of the fragment that follows in the same Segment.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub number: FragmentNumber,
    pub server_time: Option<EpochMillis>,
    pub producer_time: Option<EpochMillis>,
    /// Where its tags begin, when nothing but tags came since.
    pub begin: Option<u64>,
    /// Where its number stands.
    pub offset: u64,
}

impl Tags {
    /// Audio that stands behind the tags of what follows is not its own.
    pub(super) fn pass_audio(&mut self) {
        self.begin = None;
        if let Some(next) = &mut self.next {
            next.begin = None;
        }
    }

    pub(super) fn open_simple_tag(&mut self) {
        (self.name, self.value) = (None, None);
    }

    /// Name and value of a SimpleTag come in either order, and are read when both are
    /// there. The error is a tag that matters and holds a value that it cannot.
    pub(super) fn take(
        &mut self,
        fragment: &mut Fragment,
        part: Part,
        text: TagText,
        place: Place,
    ) -> Result<(), DamageKind> {
        match part {
            Part::Name => self.name = Some(text),
            Part::Value => self.value = Some(text),
        }
        let (name, value) = (self.name.take(), self.value.take());
        let mut read = Ok(());
        if let (Some(TagText::Text(name)), Some(value)) = (&name, &value) {
            let (name, value) = (trim(name), value.text());
            let known = name.to_ascii_lowercase();
            let is_good = match value {
                Some(value) => self.read(fragment, &known, trim(value), place),
                None => !matters(&known),
            };
            if !is_good {
                let value = value.map_or_else(
                    || format!("(more than {MAX_TAG_BYTES} bytes)").into(),
                    |value| cut(trim(value)),
                );
                let name = cut(name);
                read = Err(DamageKind::BadTag { name, value });
            }
        }
        (self.name, self.value) = (name, value);
        read
    }

    /// False when a tag that matters holds a value that it cannot.
    fn read(&mut self, fragment: &mut Fragment, name: &str, value: &str, place: Place) -> bool {
        match name {
            "contactid" if value.len() > MAX_CONTACT_BYTES => return false,
            "contactid" if !value.is_empty() => fragment.contact.add(value),
            "aws_kinesisvideo_fragment_number" => {
                let Ok(number) = value.parse::<FragmentNumber>() else {
                    return false;
                };
                return self.read_number(fragment, number, place);
            }
            "aws_kinesisvideo_server_timestamp" | "aws_kinesisvideo_server_side_timestamp" => {
                let time = EpochMillis::from_tag_seconds(value);
                match &mut self.next {
                    Some(next) => next.server_time = time,
                    None => fragment.server_time = time,
                }
                return time.is_some();
            }
            "aws_kinesisvideo_producer_timestamp" | "aws_kinesisvideo_producer_side_timestamp" => {
                let time = EpochMillis::from_tag_seconds(value);
                match &mut self.next {
                    Some(next) => next.producer_time = time,
                    None => fragment.producer_time = time,
                }
                return time.is_some();
            }
            "aws_kinesisvideo_error_id"
            | "aws_kinesisvideo_error_code"
            | "aws_kinesisvideo_exception_error_code"
            | "aws_kinesisvideo_exception_message" => self.read_error(name, value),
            "aws_kinesisvideo_millis_behind_now" | "aws_kinesisvideo_continuation_token" => {
                self.is_followed |= place.is_behind_audio;
            }
            "mimetype" => self.types.add(value, place.offset),
            _ => {}
        }
        true
    }

    fn read_number(
        &mut self,
        fragment: &mut Fragment,
        number: FragmentNumber,
        place: Place,
    ) -> bool {
        match fragment.number {
            Some(seen) if seen == number => true,
            None => {
                fragment.number = Some(number);
                true
            }
            Some(_) if place.is_behind_audio => {
                self.next = Some(Next {
                    number,
                    server_time: None,
                    producer_time: None,
                    begin: self.begin,
                    offset: place.offset,
                });
                true
            }
            Some(_) => false,
        }
    }

    /// Ids and codes change places between the spellings: a number is the id.
    fn read_error(&mut self, name: &str, value: &str) {
        match value.parse() {
            Ok(id) => self.error_id = Some(id),
            Err(_)
                if name.ends_with("_code")
                    || self.error_code.as_deref().is_none_or(str::is_empty) =>
            {
                self.error_code = Some(cut(value));
            }
            Err(_) => {}
        }
        self.error_code.get_or_insert_default();
    }

    /// Id and code, when the document says that it is an error.
    pub(super) fn take_error(&mut self) -> Option<(Option<u32>, Box<str>)> {
        Some((self.error_id.take(), self.error_code.take()?))
    }
}

/// Which half of a SimpleTag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Name,
    Value,
}

/// Whether a fragment cannot be told without this tag; its name is in small letters.
fn matters(name: &str) -> bool {
    name == "contactid" || name == "mimetype" || name.starts_with("aws_kinesisvideo_")
}

/// The MimeType tags, each for all tracks or for those that its Tag targets.
#[derive(Clone, Debug, Default)]
pub(super) struct MediaTypes {
    said: Vec<Said>,
    /// Those from here on belong to the Tag that is being read.
    tag_from: usize,
    targets: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Said {
    /// UIDs of tracks; none: all.
    targets: Vec<u64>,
    /// What it says, when it is another format.
    other: Option<Box<str>>,
    offset: u64,
}

impl MediaTypes {
    pub(super) fn open_tag(&mut self) {
        self.tag_from = self.said.len();
        self.targets.clear();
    }

    /// A TagTrackUID; 0 is all tracks (RFC 9559).
    pub(super) fn target(&mut self, uid: u64) {
        if uid != 0 && self.targets.len() < MAX_TRACKS {
            self.targets.push(uid);
        }
    }

    pub(super) fn close_tag(&mut self) {
        let from = self.tag_from.min(self.said.len());
        for said in &mut self.said[from..] {
            said.targets.clone_from(&self.targets);
        }
        self.open_tag();
    }

    fn add(&mut self, media_type: &str, offset: u64) {
        let other = (!format::is_readable_type(media_type)).then(|| cut(media_type));
        if other.is_none() && !format::names_a_kind(media_type) {
            return;
        }
        // What is said once for all tracks, by this Tag or by one before, need not be said again.
        let is_said = |said: &Said| said.other == other && said.targets.is_empty();
        if !self.said.iter().any(is_said) && self.said.len() < MAX_DAMAGE {
            self.said.push(Said {
                targets: Vec::new(),
                other,
                offset,
            });
        }
    }

    /// The other format that is said for a track, and where.
    pub(super) fn other_for(&self, uid: Option<u64>, declared: &[u64]) -> Option<(&str, u64)> {
        let mut said = self.of(uid, declared);
        said.find_map(|said| Some((said.other.as_deref()?, said.offset)))
    }

    /// Whether the right format is said for a track.
    pub(super) fn right_for(&self, uid: Option<u64>, declared: &[u64]) -> bool {
        self.of(uid, declared).any(|said| said.other.is_none())
    }

    /// What is said for a track. A target that no track has may mean any of them.
    fn of(&self, uid: Option<u64>, declared: &[u64]) -> impl Iterator<Item = &Said> {
        self.said.iter().filter(move |said| {
            said.targets.is_empty()
                || uid.is_some_and(|uid| said.targets.contains(&uid))
                || !said.targets.iter().any(|target| declared.contains(target))
        })
    }
}
