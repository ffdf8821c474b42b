//! Without a page: each frame's strongest frequency as a line of JSON, and now and then a picture
//! of each side's spectrum.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::super::super::{CliError, tell_warning};
use crate::media::fragment::{Block, Direction};
use crate::media::spectrum::{Spectra, Spectrum};
use crate::monitor::happening::{Happening, What};
use crate::monitor::names::side;
use crate::monitor::snapshot::png;
use crate::object_key::safe;
use crate::settings::monitor::MonitorConfig;

/// Every so many frames of a side it is drawn: about four times a second.
const DRAWN_EVERY: u64 = 4;

/// Frames as lines and pictures.
pub(super) struct Headless {
    lines: bool,
    folder: Option<PathBuf>,
    limit: f32,
    spectra: Spectra,
    frames: HashMap<Arc<str>, [Frames; 2]>,
    told: bool,
}

#[derive(Default)]
struct Frames {
    count: u64,
    last: Option<Spectrum>,
}

impl Headless {
    pub(super) fn new(config: &MonitorConfig) -> Result<Self, CliError> {
        if let Some(folder) = &config.snapshots {
            fs::create_dir_all(folder).map_err(|error| {
                CliError::Told(format!(
                    "{}: {error}; give another folder with --snapshots",
                    folder.display()
                ))
            })?;
        }
        Ok(Self {
            lines: config.headless,
            folder: config.snapshots.clone(),
            limit: config.spectrum_limit,
            spectra: Spectra::new(),
            frames: HashMap::new(),
            told: false,
        })
    }

    pub(super) fn take(&mut self, happening: &Happening, out: &mut dyn Write) -> io::Result<()> {
        let contact = &happening.contact;
        match &happening.what {
            What::Began(_) => {
                self.frames.insert(Arc::clone(contact), Default::default());
                Direction::BOTH
                    .iter()
                    .for_each(|direction| self.draw(contact, *direction, None));
            }
            What::Sound(block) => return self.hear(happening, block, out),
            What::Ended(_) | What::Failed(_) => {
                let frames = self.frames.remove(contact).unwrap_or_default();
                for (direction, frames) in Direction::BOTH.into_iter().zip(frames) {
                    if let Some(last) = frames.last {
                        self.draw(contact, direction, Some(&last));
                    }
                }
            }
            What::Gap { .. } | What::Reconnecting(_) | What::Warning(_) => {}
        }
        Ok(())
    }

    fn hear(
        &mut self,
        happening: &Happening,
        block: &Block,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let Some(spectrum) = self.spectra.of_pcm(&block.pcm) else {
            return Ok(());
        };
        let contact = &happening.contact;
        if let (true, Some((place, peak))) = (self.lines, spectrum.peak()) {
            let line = json!({
                "contact": &**contact,
                "side": side(block.direction),
                "t": block.start.to_millis_floor(),
                "peakHz": spectrum.hertz(place),
                "peak": (f64::from(peak) * 10.0).round() / 10.0,
            });
            writeln!(out, "{line}")?;
        }
        if self.folder.is_some() {
            let frames = self.frames.entry(Arc::clone(contact)).or_default();
            let frames = &mut frames[block.direction.index()];
            frames.count += 1;
            let is_drawn = frames.count % DRAWN_EVERY == 1;
            frames.last = Some(spectrum.clone());
            if is_drawn {
                self.draw(contact, block.direction, Some(&spectrum));
            }
        }
        Ok(())
    }

    fn draw(&mut self, contact: &str, direction: Direction, spectrum: Option<&Spectrum>) {
        let Some(folder) = &self.folder else {
            return;
        };
        let name = format!("{}-{}.png", safe(contact), side(direction));
        let path = folder.join(name);
        let picture = png(direction, spectrum, self.limit);
        // Whoever looks sees a whole picture.
        let part = path.with_extension("png.part");
        let written = fs::write(&part, picture).and_then(|()| fs::rename(&part, &path));
        if let Err(error) = written
            && !std::mem::replace(&mut self.told, true)
        {
            tell_warning(&format!(
                "{}: {error}; calls are watched on",
                path.display()
            ));
        }
    }
}
