//! A mail address that may stand in a header: checked here, since whoever builds mail does
//! not, and what is in it came from a contact's attributes.

use std::fmt;
use std::str::FromStr;

/// Characters of an address at the most (RFC 5321, 4.5.3.1.3).
const MAX_CHARS: usize = 254;
/// Characters before the `@` at the most (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_CHARS: usize = 64;

/// An address: one `@`, something that may be an address on both sides of it, and nothing that
/// could end a header or name a second address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(Box<str>);

/// Why a text is no address; it does not show it, since anything can stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no mail address: one as name@example.com is needed")]
pub struct NotAnAddress;

impl Address {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let text = text.trim_matches([' ', '\t']);
        let (local, domain) = text.split_once('@').ok_or(NotAnAddress)?;
        // An atom of RFC 5322, 3.2.3: what else may stand there in quotes nobody needs.
        let is_local = |letter: char| {
            letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(letter)
        };
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
        };
        let dots = |part: &str| part.starts_with('.') || part.ends_with('.') || part.contains("..");
        let is_address = !local.is_empty()
            && local.len() <= MAX_LOCAL_CHARS
            && local.chars().all(is_local)
            && !dots(local)
            && domain.contains('.')
            && domain.split('.').all(is_label)
            && text.len() <= MAX_CHARS;
        match is_address {
            true => Ok(Self(text.into())),
            false => Err(NotAnAddress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_what_may_stand_in_a_header() {
        for good in [
            "a@b.example",
            "first.last+vm@sub.example.co.jp",
            " o'brien@x-y.example ",
            "1@2.3",
        ] {
            let address: Address = good.parse().unwrap();
            assert_eq!(address.as_str(), good.trim());
        }
        for bad in [
            "",
            "@",
            "a",
            "a@",
            "@b.example",
            "a@b",
            "a@b@c.example",
            "a b@c.example",
            "a,b@c.example",
            "a@c.example,d@e.example",
            "<a@b.example>",
            "Name <a@b.example>",
            "a@b.example\r\nBcc: evil@example.com",
            "a\n@b.example",
            "a@b.example\n",
            "a@b..example",
            ".a@b.example",
            "a@-b.example",
            "名@b.example",
            "a@例.example",
            "\"a\"@b.example",
        ] {
            assert_eq!(bad.parse::<Address>(), Err(NotAnAddress), "{bad:?}");
        }
        let long = format!("{}@b.example", "a".repeat(65));
        assert_eq!(long.parse::<Address>(), Err(NotAnAddress));
        let domain = "a@B.example".parse::<Address>().unwrap();
        assert_eq!(domain.domain(), "B.example");
    }

    proptest! {
        #[test]
        fn no_address_ends_a_header(text in ".{0,80}") {
            if let Ok(address) = text.parse::<Address>() {
                let odd = |letter: char| letter.is_control() || " ,;:<>()[]\\\"".contains(letter) || !letter.is_ascii();
                prop_assert!(!address.as_str().contains(odd));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
            }
        }
    }
}
