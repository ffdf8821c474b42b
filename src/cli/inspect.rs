//! `callreel inspect`: what a media file holds, and how it looks.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;

use super::table::write_table;
use super::text::{counted, duration, plain, short_number};
use super::{CliError, byte_bar, cures, ended, tell_error};
use crate::local::inspect::{COLUMNS, Contact, Inspection, Session, Side, inspect};
use crate::media::fragment::FragmentNumber;

/// Gaps printed of each side; --json has more of them.
const SHOWN_GAPS: usize = 8;
/// Peaks from nothing to full scale; each step is 6 dB, so that quiet speech shows.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Changes when a field goes or changes its meaning; new ones may come at any time.
const SCHEMA: &str = "callreel.inspect/1";

#[derive(clap::Args, Debug)]
#[command(after_help = "Try it:  callreel inspect tests/data/streams/plain/plain.mkv")]
pub(super) struct InspectArgs {
    /// Media files of one or more fragments; each is looked at by itself
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &InspectArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let size = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
    // Read three times: documents, owners, audio.
    let bar = byte_bar(args.files.iter().map(size).sum::<u64>() * 3, "reading");
    let mut inspections = Vec::new();
    let mut unread = Vec::new();
    for path in &args.files {
        match inspect(path, |bytes| bar.inc(bytes)) {
            Ok(inspection) => inspections.push(inspection),
            Err(failure) => unread.push(cures::no_media(&failure)),
        }
    }
    bar.finish_and_clear();
    let written = if json {
        let document = json!({"schema": SCHEMA, "files": inspections, "unread_files": unread});
        writeln!(out, "{document:#}")
    } else {
        write_all(out, &inspections)
    };
    unread.iter().for_each(|failure| tell_error(failure));
    let mut errors = unread.len();
    for found in &inspections {
        if let Some(cause) = &found.nothing {
            errors += 1;
            tell_error(&format!("{}: {cause}; {}", found.file, cures::MEDIA));
        }
    }
    ended(errors, written)
}

fn write_all(out: &mut dyn Write, inspections: &[Inspection]) -> io::Result<()> {
    for (position, found) in inspections.iter().enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        write_text(out, found)?;
    }
    Ok(())
}

fn write_text(out: &mut dyn Write, found: &Inspection) -> io::Result<()> {
    writeln!(
        out,
        "{}: {}, {}, {}, {}, {}, {}",
        plain(&found.file),
        counted(found.bytes, "byte"),
        counted(found.fragments, "fragment"),
        counted(found.sessions.len() as u64, "session"),
        counted(found.contacts.len() as u64, "contact"),
        counted(found.error_count, "error document"),
        counted(found.damage_count, "damaged place"),
    )?;
    if !found.sessions.is_empty() {
        writeln!(out)?;
        write_sessions(out, &found.sessions)?;
    }
    for contact in &found.contacts {
        write_contact(out, contact)?;
    }
    if found.unowned > 0 {
        let unowned = counted(found.unowned, "fragment");
        writeln!(out, "\n{unowned} without a contact, own or inherited")?;
    }
    if found.unnumbered > 0 {
        let unnumbered = counted(found.unnumbered, "fragment");
        writeln!(out, "\n{unnumbered} without a number")?;
    }
    if found.repeated > 0 {
        let repeated = counted(found.repeated, "fragment");
        writeln!(out, "\n{repeated} left out, copies of others")?;
    }
    write_list(out, "error documents", found.error_count, &found.errors)?;
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
    let number = |number: Option<FragmentNumber>| {
        number.map_or("-".to_owned(), |number| short_number(&number.to_string()))
    };
    let row = |session: &Session| {
        let tracks: Vec<_> = session
            .tracks
            .iter()
            .map(|track| format!("{}={}", track.number, track.name))
            .collect();
        [
            session
                .segment_uid
                .clone()
                .unwrap_or_else(|| "-".to_owned()),
            session.fragments.to_string(),
            number(session.first_fragment),
            number(session.last_fragment),
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
        "\ncontact {}: {}, {}",
        plain(&contact.contact_id),
        counted(contact.fragments, "fragment"),
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
        "{name:>4}  {}, {:.3} s of audio, starts at {offset:.3} s, {} ({:.3} s), {}",
        counted(side.blocks, "block"),
        side.audio_seconds,
        counted(side.gaps.len() as u64, "gap"),
        side.gap_seconds,
        counted(side.overlaps.len() as u64, "overlap")
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
    list.iter()
        .try_for_each(|line| writeln!(out, "  {}", plain(line)))?;
    match count.saturating_sub(list.len() as u64) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
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
