//! What a fragment says of its audio's format, and whether that contradicts what Connect
//! streams: 16-bit signed little-endian PCM, mono, 8 kHz.
//!
//! Connect says `A_AAC` in CodecID, has no Audio element, and a MimeType tag that is true
//! but for the order of the bytes (facts of published captures; `audio/L16` itself is
//! big-endian by RFC 2586). So `A_AAC` proves nothing without an Audio element, or with a
//! MimeType that says `audio/L16`, and what is not said is right; all else is believed.

use super::text::cut;
use crate::media::ticks::SAMPLE_RATE;

/// What a TrackEntry says. Zeros are no values (RFC 9559) and say nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct TrackFormat {
    /// CodecID.
    pub codec: Box<str>,
    /// SamplingFrequency, in Hz.
    pub rate: Option<f64>,
    /// OutputSamplingFrequency, in Hz.
    pub output_rate: Option<f64>,
    /// Channels.
    pub channels: Option<u64>,
    /// BitDepth.
    pub bits: Option<u64>,
    /// There is an Audio element, which Connect does not write.
    pub described: bool,
}

impl TrackFormat {
    /// What the entry says, when it is another format. `typed`: a media type says that it
    /// is the right one, whatever the codec's name.
    pub(super) fn contradiction(&self, typed: bool) -> Option<Box<str>> {
        let rate = f64::from(SAMPLE_RATE);
        let other = |value: Option<f64>| value.filter(|value| *value != 0.0 && *value != rate);
        let unlike =
            |value: Option<u64>, right| value.filter(|value| *value != 0 && *value != right);
        let rate = other(self.rate).or(other(self.output_rate));
        let channels = unlike(self.channels, 1);
        let bits = unlike(self.bits, 16);
        let codec_is_right = match &*self.codec {
            "" | "A_PCM/INT/LIT" => true,
            "A_AAC" => typed || !self.described,
            _ => false,
        };
        if codec_is_right && rate.is_none() && channels.is_none() && bits.is_none() {
            return None;
        }
        let mut said = self.codec.to_string();
        for (name, value) in [
            ("rate", rate.map(|rate| rate.to_string())),
            ("channels", channels.map(|channels| channels.to_string())),
            ("bits", bits.map(|bits| bits.to_string())),
        ] {
            if let Some(value) = value {
                said.push_str(&format!(";{name}={value}"));
            }
        }
        Some(cut(said.trim_start_matches(';')))
    }
}

/// Whether a media type names a kind at all.
pub(super) fn names_a_kind(media_type: &str) -> bool {
    split_unquoted(media_type)
        .next()
        .is_some_and(|kind| !kind.is_empty())
}

/// Whether a media type says nothing else than `audio/L16;rate=8000;channels=1`: in any
/// case, spacing and order, values quoted or not. Parameters of other names say nothing.
pub(super) fn is_readable_type(media_type: &str) -> bool {
    let mut parts = split_unquoted(media_type);
    let kind = parts.next().unwrap_or_default();
    (kind.is_empty() || kind.eq_ignore_ascii_case("audio/l16"))
        && parts.all(|part| match part.split_once('=') {
            Some((name, value)) => is_right(name.trim(), &unquoted(value.trim())),
            None => true,
        })
}

/// The names are those of RFC 2586 and RFC 3551, and those that AWS has in its own types.
fn is_right(name: &str, value: &str) -> bool {
    let number = |right: u32| value.parse() == Ok(f64::from(right));
    let word = |right| value.eq_ignore_ascii_case(right);
    value.is_empty()
        || match name.to_ascii_lowercase().as_str() {
            "rate" | "sample-rate" => number(SAMPLE_RATE),
            "channels" | "channel-count" => number(1),
            "sample-size-bits" => number(16),
            "endianness" => word("little-endian"),
            "is-big-endian" => word("false"),
            _ => true,
        }
}

/// The parts between semicolons that stand in no quoted text, without the spaces around.
fn split_unquoted(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |letter| {
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && !escaped && letter == '\\';
        letter == ';' && !quoted
    })
    .map(str::trim)
}

/// The text of a quoted value (RFC 9110, 5.6.4), or the value as it is.
fn unquoted(value: &str) -> String {
    let Some(inner) = value
        .strip_prefix('"')
        .map(|rest| rest.strip_suffix('"').unwrap_or(rest))
    else {
        return value.to_owned();
    };
    let mut escaped = false;
    let plain = inner.chars().filter(|letter| {
        escaped = *letter == '\\' && !escaped;
        !escaped
    });
    plain.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_in_every_spelling() {
        for readable in [
            "audio/L16;rate=8000;channels=1;",
            "audio/L16; channels=1; rate=8000",
            "AUDIO/l16 ;\tRATE = 8000",
            r#"audio/L16;rate="8000";channels="1""#,
            r#"audio/L16; rate = "8\000" ; channels=" 1 ""#,
            r#"audio/L16;note="a;rate=16000;b";rate=8000"#,
            r#"audio/L16;note="a\";rate=16000";rate=8000"#,
            "audio/L16;rate=8000.0",
            "audio/L16;ptime=20;emphasis=none;rate=8000",
            "audio/L16;endianness=little-endian",
            "audio/L16;rate=",
            "audio/L16;rate",
            "audio/L16;;",
            "audio/L16",
            "",
            ";rate=8000",
        ] {
            assert!(is_readable_type(readable), "{readable}");
        }
        for other in [
            "audio/L16;rate=16000;channels=1;",
            "audio/L16;rate=8000;channels=2",
            r#"audio/L16;channels="2""#,
            r#"audio/L16;rate="16000"#,
            r#"audio/L16;note=";";Rate="16000""#,
            "audio/L16;rate=8000Hz",
            "audio/L16;sample-rate=16000",
            "audio/L16;endianness=big-endian",
            "audio/lpcm;is-big-endian=false",
            "audio/L24;rate=8000",
            "audio/aac",
            "audio/PCMU;rate=8000",
            ";rate=16000",
            "x",
        ] {
            assert!(!is_readable_type(other), "{other}");
        }
    }

    #[test]
    fn a_track_says_no_or_nothing() {
        /// The numbers are rate, output rate, channels and bits, 0 when not said.
        #[track_caller]
        fn check(codec: &str, typed: bool, numbers: [f64; 4], said: Option<&str>) {
            let [rate, output_rate, channels, bits] = numbers;
            let format = TrackFormat {
                codec: codec.into(),
                rate: Some(rate),
                output_rate: Some(output_rate),
                channels: Some(channels as u64),
                bits: Some(bits as u64),
                described: true,
            };
            assert_eq!(format.contradiction(typed).as_deref(), said);
        }
        const RIGHT: [f64; 4] = [8000.0, 8000.0, 1.0, 16.0];
        const NONE: [f64; 4] = [0.0; 4];
        check("A_PCM/INT/LIT", false, RIGHT, None);
        check("A_PCM/INT/LIT", false, NONE, None);
        check("", false, [8000.0, 0.0, 1.0, 0.0], None);
        check("A_AAC", true, RIGHT, None);
        check("A_AAC", false, RIGHT, Some("A_AAC"));
        let bare = TrackFormat {
            codec: "A_AAC".into(),
            ..TrackFormat::default()
        };
        assert_eq!(bare.contradiction(false), None);
        let fast = [16000.0, 0.0, 1.0, 0.0];
        check("A_AAC", true, fast, Some("A_AAC;rate=16000"));
        let doubled = [8000.0, 44100.0, 1.0, 0.0];
        check("A_AAC", true, doubled, Some("A_AAC;rate=44100"));
        let wide = [8000.0, 8000.0, 2.0, 24.0];
        check(
            "A_PCM/INT/LIT",
            true,
            wide,
            Some("A_PCM/INT/LIT;channels=2;bits=24"),
        );
        check("", true, [f64::NAN, 0.0, 1.0, 16.0], Some("rate=NaN"));
        for codec in [
            "A_PCM/INT/BIG",
            "A_PCM/FLOAT/IEEE",
            "A_MS/ACM",
            "A_MULAW",
            "A_OPUS",
            "A_AAC/MPEG4/LC/SBR",
            "V_MPEG4/ISO/AVC",
        ] {
            check(codec, true, RIGHT, Some(codec));
        }
    }
}
