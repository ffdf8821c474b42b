//! Rows as a table for spreadsheets: comma-separated, as RFC 4180 has it. Names and numbers
//! are outside text, and a spreadsheet runs what begins like a formula: such a cell gets an
//! apostrophe before it, which spreadsheets take for "this is text". Telephone numbers begin
//! with a plus: those that are nothing but a number stay as they are.

use crate::archive::day::Row;
use crate::archive::search::Hit;

/// The names of the columns.
const COLUMNS: &[&str] = &[
    "starts_at",
    "seconds",
    "status",
    "customer",
    "system",
    "queue",
    "agent",
    "initiation_method",
    "contact_id",
    "initial_contact_id",
    "silent_sides",
    "lost_seconds",
    "missing_fragments",
    "from_share",
    "to_share",
    "both_share",
    "longest_silence_seconds",
    "reasons",
    "verdict",
];

/// The line that names the columns.
pub fn heading() -> String {
    line(COLUMNS.iter().map(|name| (*name).to_owned()))
}

/// One recording's line.
pub fn row(hit: &Hit<'_>) -> String {
    let Row {
        starts_at,
        seconds,
        status,
        customer,
        system,
        queue,
        agent,
        initiation_method,
        contact_id,
        initial_contact_id,
        silent_sides,
        lost_seconds,
        missing_fragments,
        from_share,
        to_share,
        both_share,
        longest_silence_seconds,
        reasons,
        ..
    } = hit.row;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |number: &Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    line([
        text(starts_at),
        seconds.to_string(),
        status.clone(),
        text(customer),
        text(system),
        text(queue),
        text(agent),
        text(initiation_method),
        contact_id.clone(),
        initial_contact_id.clone(),
        silent_sides.join(" "),
        lost_seconds.to_string(),
        missing_fragments.to_string(),
        number(from_share),
        number(to_share),
        number(both_share),
        number(longest_silence_seconds),
        reasons.join(" "),
        hit.key(),
    ])
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|text| cell(&text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell that no spreadsheet runs. Characters that are no letters of a line become spaces.
fn cell(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let runs = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let guard = if runs && !is_number(&text) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// Digits with a sign: a telephone number, or a figure.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits
            .chars()
            .all(|letter| letter.is_ascii_digit() || letter == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(cell(text), expected);
        }
        check("Sales", "\"Sales\"");
        check("+4930123", "\"+4930123\"");
        check("-12.5", "\"-12.5\"");
        check("", "\"\"");
        check("say \"a\", b", "\"say \"\"a\"\", b\"");
        check("=1+1", "\"'=1+1\"");
        check("+1+cmd|' /C calc'!A0", "\"'+1+cmd|' /C calc'!A0\"");
        check("-2+3", "\"'-2+3\"");
        check("@SUM(A1)", "\"'@SUM(A1)\"");
        check("＝1", "\"'＝1\"");
        check("\t=1", "\"' =1\"");
        check("\r\n=1", "\"'  =1\"");
        check("a\r\nb", "\"a  b\"");
    }

    #[test]
    fn a_line_has_a_cell_for_each_column() {
        let row_of = Row {
            verdict: "c_1_verdict.json".to_owned(),
            customer: Some("+49".to_owned()),
            ..Row::default()
        };
        let hit = Hit::new("2026/11/27/", &row_of);
        let line = row(&hit);
        assert_eq!(line.matches("\",\"").count() + 1, COLUMNS.len());
        assert!(line.ends_with(",\"2026/11/27/c_1_verdict.json\"\r\n"));
        assert!(heading().starts_with("\"starts_at\",\"seconds\""));
    }
}
