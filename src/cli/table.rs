//! Text in columns.

use std::io::{self, Write};

/// Writes rows in columns as wide as their widest cell; the first row is the heading.
pub(super) fn write_table<const N: usize>(
    out: &mut dyn Write,
    rows: &[[String; N]],
) -> io::Result<()> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells: Vec<_> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// A number of many digits by its ends.
pub(super) fn short_number(number: &str) -> String {
    match (
        number.get(..6),
        number.len().checked_sub(6).and_then(|at| number.get(at..)),
    ) {
        (Some(head), Some(tail)) if number.len() > 16 => format!("{head}…{tail}"),
        _ => number.to_owned(),
    }
}

/// Seconds as `h:mm:ss.t`.
pub(super) fn duration(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (hours, minutes) = (tenths / 36_000, tenths / 600 % 60);
    format!(
        "{hours}:{minutes:02}:{:02}.{}",
        tenths / 10 % 60,
        tenths % 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            ["A".to_owned(), "B".to_owned()],
            ["long".to_owned(), String::new()],
        ];
        let mut out = Vec::new();
        write_table(&mut out, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A     B\nlong\n");
    }

    #[test]
    fn numbers_and_times_are_readable() {
        assert_eq!(
            short_number("91343852333181432392682062674355612161981134188"),
            "913438…134188"
        );
        assert_eq!(short_number("12"), "12");
        assert_eq!(duration(0.04), "0:00:00.0");
        assert_eq!(duration(3_725.96), "1:02:06.0");
    }
}
