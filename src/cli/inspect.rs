//! `callreel inspect`: what a media file holds, and how it looks.

use std::io::{self, Write};
use std::path::PathBuf;

use super::table::{duration, short_number, write_table};
use super::{CliError, byte_bar};
use crate::local::inspect::{COLUMNS, Contact, Inspection, Session, Side, inspect};

/// Gaps printed of each side; --json has more of them.
const SHOWN_GAPS: usize = 8;
/// Peaks from nothing to full scale; each step is 6 dB, so that quiet speech shows.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

#[derive(clap::Args, Debug)]
#[command(after_help = "Try it:  callreel inspect tests/data/streams/plain/plain.mkv")]
pub(super) struct InspectArgs {
    /// A media file of one or more fragments
    file: PathBuf,
}

pub(super) fn run(args: &InspectArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let total = args.file.metadata().map_or(0, |metadata| metadata.len());
    // Read three times: documents, owners, audio.
    let bar = byte_bar(total * 3, "reading");
    let inspection = inspect(&args.file, |bytes| bar.inc(bytes));
    bar.finish_and_clear();
    let inspection = inspection?;
    if json {
        let document = serde_json::to_string_pretty(&inspection).unwrap_or_default();
        writeln!(out, "{document}")?;
    } else {
        write_text(out, &inspection)?;
    }
    Ok(())
}

fn write_text(out: &mut dyn Write, found: &Inspection) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} bytes, {} fragments, {} sessions, {} contacts, {} errors, {} damages",
        found.file.display(),
        found.bytes,
        found.fragments,
        found.sessions.len(),
        found.contacts.len(),
        found.error_count,
        found.damage_count
    )?;
    writeln!(out)?;
    write_sessions(out, &found.sessions)?;
    for contact in &found.contacts {
        write_contact(out, contact)?;
    }
    if found.unowned > 0 {
        writeln!(
            out,
            "\n{} fragments name no contact and inherit none",
            found.unowned
        )?;
    }
    if found.unnumbered > 0 {
        writeln!(out, "\n{} fragments carry no number", found.unnumbered)?;
    }
    write_list(out, "errors", found.error_count, &found.errors)?;
    write_list(out, "damage", found.damage_count, &found.damage)
}

fn write_sessions(out: &mut dyn Write, sessions: &[Session]) -> io::Result<()> {
    let heading = [
        "SESSION",
        "FRAGMENTS",
        "FIRST",
        "LAST",
        "SERVER TIME",
        "TRACKS",
    ]
    .map(str::to_owned);
    let number = |number: &Option<String>| number.as_deref().map_or("-".to_owned(), short_number);
    let row = |session: &Session| {
        let tracks: Vec<_> = session
            .tracks
            .iter()
            .map(|(number, name)| format!("{number}={name}"))
            .collect();
        [
            session
                .segment_uid
                .clone()
                .unwrap_or_else(|| "-".to_owned()),
            session.fragments.to_string(),
            number(&session.first_fragment),
            number(&session.last_fragment),
            session
                .server_time
                .clone()
                .unwrap_or_else(|| "-".to_owned()),
            tracks.join(" "),
        ]
    };
    let rows: Vec<_> = std::iter::once(heading)
        .chain(sessions.iter().map(row))
        .collect();
    write_table(out, &rows)
}

fn write_contact(out: &mut dyn Write, contact: &Contact) -> io::Result<()> {
    writeln!(
        out,
        "\ncontact {}: {} fragments, {}",
        contact.contact_id,
        contact.fragments,
        duration(contact.seconds)
    )?;
    for (name, side) in [("from", &contact.from), ("to", &contact.to)] {
        writeln!(out, "{name:>4} |{}|", waveform(&side.waveform))?;
    }
    let end = duration(contact.seconds);
    writeln!(out, "      0:00:00.0{end:>width$}", width = COLUMNS - 9)?;
    write_side(out, "from", &contact.from)?;
    write_side(out, "to", &contact.to)
}

fn write_side(out: &mut dyn Write, name: &str, side: &Side) -> io::Result<()> {
    let Some(offset) = side.offset_seconds else {
        return writeln!(out, "{name:>4}  no audio");
    };
    writeln!(
        out,
        "{name:>4}  {} blocks, {:.3} s of audio, starts at {offset:.3} s, {} gaps ({:.3} s), {} overlaps",
        side.blocks,
        side.audio_seconds,
        side.gaps.len(),
        side.gap_seconds,
        side.overlaps.len()
    )?;
    for (at, seconds) in side.gaps.iter().take(SHOWN_GAPS) {
        writeln!(out, "        gap at {at:.3} s, {seconds:.3} s long")?;
    }
    if side.gaps.len() > SHOWN_GAPS {
        writeln!(
            out,
            "        and {} more, see --json",
            side.gaps.len() - SHOWN_GAPS
        )?;
    }
    Ok(())
}

fn write_list(out: &mut dyn Write, what: &str, count: u64, list: &[String]) -> io::Result<()> {
    if count > 0 {
        writeln!(out, "\n{what} ({count}):")?;
    }
    list.iter().try_for_each(|line| writeln!(out, "  {line}"))
}

/// Peaks as a row of bars, stretched to the width of the drawing.
fn waveform(peaks: &[u16]) -> String {
    (0..COLUMNS)
        .map(|column| {
            let at = column * peaks.len() / COLUMNS;
            // 32768 is the top; every halving is one bar less.
            let level = peaks
                .get(at)
                .map_or(0, |peak| (u32::from(*peak) + 1).ilog2());
            BARS[usize::try_from(level.saturating_sub(7))
                .unwrap_or(0)
                .min(BARS.len() - 1)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waveform_is_as_wide_as_the_drawing_and_as_high_as_its_peaks() {
        assert_eq!(waveform(&[]), " ".repeat(COLUMNS));
        assert_eq!(waveform(&[32_768]), "█".repeat(COLUMNS));
        let half = COLUMNS / 2;
        assert_eq!(waveform(&[0, 255]), " ".repeat(half) + &"▁".repeat(half));
    }
}
