//! What of a call may be kept, and whose word that is.

use crate::media::fragment::Direction;
use crate::media::wav::Output;

/// What may be recorded, as the flow set `recordingAuth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorisation {
    /// `1`: what the customer says.
    FromCustomer,
    /// `2`: what the customer hears.
    ToCustomer,
    /// `3`: both, and the mix.
    Both,
}

impl Authorisation {
    /// Anything but 1, 2 or 3 authorises nothing. `3.0` is the number 3, as something on the
    /// way wrote it.
    pub fn from_attribute(value: &str) -> Option<Self> {
        let number = value.trim();
        let whole = number.split_once('.').filter(|(_, fraction)| {
            !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0')
        });
        match whole.map_or(number, |(whole, _)| whole) {
            "1" => Some(Self::FromCustomer),
            "2" => Some(Self::ToCustomer),
            "3" => Some(Self::Both),
            _ => None,
        }
    }

    /// What authorises exactly these sides, by [`Direction::index`].
    pub const fn of_sides(sides: [bool; 2]) -> Option<Self> {
        match sides {
            [true, false] => Some(Self::FromCustomer),
            [false, true] => Some(Self::ToCustomer),
            [true, true] => Some(Self::Both),
            [false, false] => None,
        }
    }

    /// The files that may be written.
    pub const fn outputs(self) -> &'static [Output] {
        match self {
            Self::FromCustomer => &[Output::From],
            Self::ToCustomer => &[Output::To],
            Self::Both => &Output::ALL,
        }
    }

    /// What both of two authorise; `None` when that is nothing.
    pub const fn narrowed_to(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Both, narrower) | (narrower, Self::Both) => Some(narrower),
            (Self::FromCustomer, Self::FromCustomer) => Some(Self::FromCustomer),
            (Self::ToCustomer, Self::ToCustomer) => Some(Self::ToCustomer),
            (Self::FromCustomer, Self::ToCustomer) | (Self::ToCustomer, Self::FromCustomer) => None,
        }
    }

    /// The directions whose audio may be kept.
    pub const fn directions(self) -> &'static [Direction] {
        match self {
            Self::FromCustomer => &[Direction::FromCustomer],
            Self::ToCustomer => &[Direction::ToCustomer],
            Self::Both => &Direction::BOTH,
        }
    }
}

/// Whose word a plan's authorisation is, and so whether somebody is still to be asked:
/// `recordingAuth` can change after the record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The contact record's, which has only just come.
    AsRead,
    /// An old copy's: the contact's attributes are read before any media, and decide.
    AskFirst,
    /// Nobody's: there is media alone, and nothing that could be asked.
    Unknown,
}
