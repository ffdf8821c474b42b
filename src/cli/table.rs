//! Text in columns.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::text::plain;

/// Writes rows in columns as wide as their widest cell on a terminal, where a letter can
/// take two places, or none; the first row is the heading.
pub(super) fn write_table<const N: usize>(
    out: &mut dyn Write,
    rows: &[[String; N]],
) -> io::Result<()> {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| plain(cell)))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    for row in &rows {
        let cells: Vec<_> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())))
            .collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
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
    fn letters_are_as_wide_as_a_terminal_shows_them() {
        let rows =
            ["通話", "e\u{301}te\u{301}", "name"].map(|name| [name.to_owned(), "|".to_owned()]);
        let mut out = Vec::new();
        write_table(&mut out, &rows).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "通話  |\ne\u{301}te\u{301}   |\nname  |\n"
        );
    }
}
