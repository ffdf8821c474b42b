//! Which part of a file a request asks for (RFC 9110, 14): one range of bytes. Several in one
//! request, other units, and what cannot be read are answered with the whole file, as the
//! standard allows.

/// What is given of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// So many bytes, from a place in it on.
    Of { from: u64, bytes: u64 },
    /// Nothing: what is asked lies behind its end.
    Beyond,
}

/// Reads the headers `Range` and `If-Range`. `tag` is the file's own, with its quotes.
pub(super) fn part(range: Option<&str>, if_range: Option<&str>, tag: &str, size: u64) -> Part {
    // A part of another version is of no use to who has the beginning of it. Dates are not
    // given, so that none can be the file's.
    if if_range.is_some_and(|condition| condition.trim() != tag) {
        return Part::Whole;
    }
    range
        .and_then(|range| read(range, size))
        .unwrap_or(Part::Whole)
}

fn read(range: &str, size: u64) -> Option<Part> {
    let (unit, set) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What is larger than any file lies behind its end.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let bytes = number(last)?.min(size);
        return Some(match bytes {
            0 => Part::Beyond,
            bytes => Part::Of {
                from: size - bytes,
                bytes,
            },
        });
    }
    let from = number(first)?;
    let last = match last.is_empty() {
        true => u64::MAX,
        false => number(last)?,
    };
    if last < from {
        return None;
    }
    Some(match from < size {
        true => Part::Of {
            from,
            bytes: last.min(size - 1) - from + 1,
        },
        false => Part::Beyond,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_read() {
        #[track_caller]
        fn check(range: &str, expected: Part) {
            assert_eq!(part(Some(range), None, "\"a\"", 100), expected, "{range}");
        }
        let of = |from, bytes| Part::Of { from, bytes };
        check("bytes=0-", of(0, 100));
        check("bytes=0-0", of(0, 1));
        check("bytes=10-19", of(10, 10));
        check("bytes=90-1000", of(90, 10));
        check("bytes=99-", of(99, 1));
        check("bytes=-30", of(70, 30));
        check("bytes=-1000", of(0, 100));
        check("Bytes= 5 - 9 ", of(5, 5));
        check("bytes=100-", Part::Beyond);
        check("bytes=-0", Part::Beyond);
        check("bytes=99999999999999999999999-", Part::Beyond);
        // What is none is as if it were not there.
        for none in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=9-1",
            "bytes=0-1,5-6",
            "items=0-1",
            "bytes=0x1-",
        ] {
            check(none, Part::Whole);
        }
        assert_eq!(part(None, None, "\"a\"", 100), Part::Whole);
        assert_eq!(part(Some("bytes=0-"), None, "\"a\"", 0), Part::Beyond);
    }

    #[test]
    fn a_part_of_another_version_is_not_given() {
        let of = |condition| part(Some("bytes=1-2"), Some(condition), "\"a\"", 100);
        assert_eq!(of("\"a\""), Part::Of { from: 1, bytes: 2 });
        assert_eq!(of("\"b\""), Part::Whole);
        assert_eq!(of("W/\"a\""), Part::Whole);
        assert_eq!(of("Fri, 27 Nov 2026 08:00:00 GMT"), Part::Whole);
    }
}
