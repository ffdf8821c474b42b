//! A side's spectrum as a small picture: 200 x 40 pixels, white, and the spectrum as a filled
//! shape in the side's colour, from 0 Hz at the left to 4 kHz at the right. A PNG of three
//! colours, whose bytes are the same everywhere.

use crate::media::counts::whole;
use crate::media::fragment::Direction;
use crate::media::spectrum::Spectrum;

/// Its width in pixels.
pub const WIDTH: usize = 200;
/// Its height.
pub const HEIGHT: usize = 40;
/// The customer's colour.
pub const CUSTOMER: [u8; 3] = [0xff, 0xa0, 0x7a];
/// The operator's.
pub const OPERATOR: [u8; 3] = [0x3c, 0xb3, 0x71];

/// How high the shape is in each column, in pixels, rounded. A narrow peak keeps its height in the
/// column where it stands. `limit` is the amplitude of the full height.
pub fn heights(spectrum: Option<&Spectrum>, limit: f32) -> [u8; WIDTH] {
    let mut columns = [0; WIDTH];
    let Some(spectrum) = spectrum else {
        return columns;
    };
    let amplitudes = &spectrum.amplitudes;
    let scale = f64::from(limit.max(1.0));
    let height = |place: usize| {
        let amplitude = amplitudes.get(place).copied().unwrap_or(0.0);
        f64::from(amplitude).min(scale) / scale * 40.0
    };
    let count = amplitudes.len();
    if count == 0 {
        return columns;
    }
    for (column, drawn) in columns.iter_mut().enumerate() {
        // The corners within the column, and where its left edge cuts the line between two.
        let first = (column * count).div_ceil(WIDTH);
        let behind = ((column + 1) * count).div_ceil(WIDTH);
        let mut highest = (first..behind.min(count)).map(height).fold(0.0, f64::max);
        let at = column * count;
        let (left, within) = (at / WIDTH, at % WIDTH);
        if within > 0 {
            let part = f64::from(u8::try_from(within).unwrap_or(0)) / 200.0;
            let cut = height(left) * (1.0 - part) + height(left + 1) * part;
            highest = highest.max(cut);
        }
        *drawn = u8::try_from(whole(highest.round())).unwrap_or(40);
    }
    columns
}

/// The picture of a side; without a spectrum it is white.
pub fn png(direction: Direction, spectrum: Option<&Spectrum>, limit: f32) -> Vec<u8> {
    let colour = match direction {
        Direction::FromCustomer => CUSTOMER,
        Direction::ToCustomer => OPERATOR,
    };
    let columns = heights(spectrum, limit);
    let mut rows = Vec::with_capacity(HEIGHT * (WIDTH + 1));
    for row in 0..HEIGHT {
        // No filter.
        rows.push(0);
        let above = HEIGHT - row;
        rows.extend(
            columns
                .iter()
                .map(|height| u8::from(usize::from(*height) >= above)),
        );
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    for length in [WIDTH, HEIGHT] {
        head.extend(u32::try_from(length).unwrap_or(0).to_be_bytes());
    }
    // 8 bits a pixel, by a palette.
    head.extend([8, 3, 0, 0, 0]);
    chunk(&mut png, *b"IHDR", &head);
    let palette = [[0xff; 3], colour].concat();
    chunk(&mut png, *b"PLTE", &palette);
    chunk(&mut png, *b"IDAT", &stored(&rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    png.extend(length.to_be_bytes());
    let from = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc(&png[from..]);
    png.extend(sum.to_be_bytes());
}

/// A zlib stream of one block that is not compressed (RFC 1950, RFC 1951).
fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(&data[..usize::from(length)]);
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

/// The checksum of PNG's chunks (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let mut crc = crc ^ u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
        crc
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::spectrum::{Spectra, tone};

    fn drawn(samples: &[i16]) -> [u8; WIDTH] {
        heights(Spectra::new().of_samples(samples).as_ref(), 8_000.0)
    }

    /// Where the shape is highest, and how high it is there.
    fn peak(columns: &[u8; WIDTH]) -> (usize, u8) {
        let highest = *columns.iter().max().unwrap();
        (
            columns.iter().position(|it| *it == highest).unwrap(),
            highest,
        )
    }

    #[test]
    fn a_tone_of_1_khz_stands_at_50_with_its_height() {
        assert_eq!(peak(&drawn(&tone(1_000.0, 4_000.0, 512))), (50, 20));
        assert_eq!(peak(&drawn(&tone(1_000.0, 8_000.0, 512))), (50, 40));
        assert_eq!(peak(&drawn(&tone(1_000.0, 20_000.0, 512))), (50, 40));
        // A frame of 320 bytes has the same axis.
        assert_eq!(peak(&drawn(&tone(1_000.0, 4_000.0, 160))), (50, 20));
        assert_eq!(drawn(&[0; 512]), [0; WIDTH]);
        assert_eq!(heights(None, 8_000.0), [0; WIDTH]);
    }

    #[test]
    fn two_tones_are_two_peaks_without_a_mirror() {
        let (low, high) = (tone(500.0, 4_000.0, 512), tone(3_000.0, 4_000.0, 512));
        let both: Vec<_> = low
            .iter()
            .zip(&high)
            .map(|(one, other)| one + other)
            .collect();
        let columns = drawn(&both);
        let high: Vec<_> = (0..WIDTH).filter(|at| columns[*at] > 10).collect();
        assert_eq!(high, [25, 150]);
        assert!(
            columns[174..=176].iter().all(|height| *height <= 1),
            "3,500 Hz"
        );
        assert!(
            columns[49..=51].iter().all(|height| *height <= 1),
            "1,000 Hz"
        );
    }

    #[test]
    fn the_picture_is_a_png_of_the_sides_colour() {
        let spectrum = Spectra::new().of_samples(&tone(1_000.0, 4_000.0, 512));
        for (direction, colour) in [
            (Direction::FromCustomer, [0xff, 0xa0, 0x7a]),
            (Direction::ToCustomer, [0x3c, 0xb3, 0x71]),
        ] {
            let picture = png(direction, spectrum.as_ref(), 8_000.0);
            assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
            let palette = picture.windows(4).position(|it| it == b"PLTE").unwrap();
            assert_eq!(picture[palette + 4..][..6], [[0xff; 3], colour].concat());
        }
        assert_eq!(crc(b"IEND"), 0xae42_6082);
    }
}
