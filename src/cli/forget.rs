//! `callreel forget`: one contact's recordings, notes and messages deleted for good, after a
//! look at what there is.

#[cfg(feature = "operate")]
mod aws;

use std::io::Write;
use std::path::PathBuf;

use futures_executor::block_on;
use serde_json::json;

use super::message::MESSAGES;
use super::note::NOTES;
use super::record::parse_prefix;
use super::text::counted;
use super::values::parse_contact;
use super::{CliError, check_folder, ended, tell_error, tell_warning};
use crate::cli::reader::Reader;
use crate::clock;
use crate::forget::{Found, Places, forget, look};
use crate::local::{LocalContacts, LocalRecordings};
use crate::port::{Erasable, Erasing, Which};
use crate::recording::key;

#[derive(clap::Args, Debug)]
#[command(
    after_help = "Recordings, and the answering machine's notes and messages, with all that lies beside them. Without --yes nothing is changed: what would be deleted is printed. With it a mark is put first, \
    PREFIXforgotten/CONTACT.json, and while it stands no older copy of the contact's record brings anything back. \
    The further legs of a call go with its first contact.\n\n\
    Start here:  callreel forget --contact ID"
)]
pub(super) struct ForgetArgs {
    /// The contact: of a call with several legs the first one (repeatable)
    #[arg(long = "contact", value_name = "ID", required = true, value_parser = parse_contact)]
    contacts: Vec<String>,
    /// Delete; without it, only print what would be deleted
    #[arg(long)]
    yes: bool,
    /// The folder of recordings and contacts.json
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// What the recordings' paths start with, below that folder
    #[arg(long, value_name = "PREFIX", default_value = "recordings/", value_parser = parse_prefix)]
    key_prefix: String,
    /// What the keys of the answering machine's notes start with
    #[arg(long, value_name = "PREFIX", default_value = NOTES, value_parser = parse_prefix)]
    notes_prefix: String,
    /// What the keys of its messages start with
    #[arg(long, value_name = "PREFIX", default_value = MESSAGES, value_parser = parse_prefix)]
    messages_prefix: String,
    #[cfg(feature = "operate")]
    #[command(flatten)]
    aws: aws::ForgetAwsArgs,
}

/// What was found or deleted of one contact.
struct Told {
    contact: String,
    mark: String,
    found: Found,
    /// URLs in contacts.json.
    urls: Vec<String>,
    /// Copies of its records elsewhere, each with what became of it.
    copies: Vec<String>,
}

pub(super) fn run(args: &ForgetArgs, out: &mut dyn Write, json: bool) -> Result<(), CliError> {
    let mut errors = Vec::new();
    let told = in_its_place(args, &mut errors)?;
    let written = match json {
        true => write_json(args, &told, out),
        false => write_text(args, &told, out),
    };
    for contact in &told {
        warn(args, contact);
        let found = &contact.found;
        errors.extend(found.unread.iter().map(|(key, cause)| {
            format!(
                "{key}: the verdict cannot be read: {cause}; look whether it is a leg of contact {}, and delete it",
                contact.contact
            )
        }));
        let failures = found.failures.iter();
        errors.extend(failures.map(|failure| {
            format!(
                "contact {}: {}",
                contact.contact,
                Reader::Folders.told(failure)
            )
        }));
    }
    errors.iter().for_each(|error| tell_error(error));
    ended(errors.len(), written)
}

fn in_its_place(args: &ForgetArgs, errors: &mut Vec<String>) -> Result<Vec<Told>, CliError> {
    #[cfg(feature = "operate")]
    if args.aws.aws {
        return aws::forget_all(args, errors);
    }
    check_folder(&args.out)?;
    let store = LocalRecordings::new(&args.out);
    let notes = LocalContacts::new(args.out.join("contacts.json"));
    let mut told = Vec::new();
    for contact in &args.contacts {
        // Media that was extracted lies beside the folder of the prefix.
        let done = block_on(one(args, &store, &args.key_prefix, contact)).and_then(|mut one| {
            one.urls = notes.urls(&one.found.contacts)?;
            if args.yes {
                notes.take_urls(&one.found.contacts)?;
            }
            Ok(one)
        });
        match done {
            Ok(one) => told.push(one),
            Err(failure) => errors.push(format!(
                "contact {contact}: {}",
                Reader::Folders.told(&failure)
            )),
        }
    }
    Ok(told)
}

impl Told {
    /// Nothing of the contact is there, but perhaps a mark.
    fn is_nothing(&self) -> bool {
        let found = &self.found;
        [&found.objects, &found.left].iter().all(|it| it.is_empty())
            && self.urls.is_empty()
            && self.copies.is_empty()
    }
}

/// What looks like another contact, folder or prefix than was meant.
fn warn(args: &ForgetArgs, told: &Told) {
    if told.is_nothing() && !told.found.marked {
        tell_warning(&format!(
            "contact {}: nothing of it was found{}; check the whole id, and where it was looked for: {}",
            told.contact,
            if args.yes {
                ", and only the mark was put"
            } else {
                ""
            },
            place(args)
        ));
    }
    let prefix = crate::object_key::url("/", &args.key_prefix);
    let outside = told.urls.iter().filter(|url| !url.contains(&prefix));
    if let count @ 1.. = outside.count() {
        tell_warning(&format!(
            "contact {}: {} of contacts.json {} to another prefix than {}, and what is there stays; give its --key-prefix",
            told.contact,
            counted(count as u64, "URL"),
            if count == 1 { "leads" } else { "lead" },
            args.key_prefix
        ));
    }
}

fn place(args: &ForgetArgs) -> String {
    #[cfg(feature = "operate")]
    if args.aws.aws {
        return "the bucket and prefix of the settings, --notes-prefix and --messages-prefix, queues and batches that were given"
            .to_owned();
    }
    format!(
        "--out {}, --key-prefix {}, --notes-prefix {}, --messages-prefix {}",
        args.out.display(),
        args.key_prefix,
        args.notes_prefix,
        args.messages_prefix
    )
}

/// Looks, or deletes.
async fn one(
    args: &ForgetArgs,
    store: &impl Erasing,
    prefix: &str,
    contact: &str,
) -> Result<Told, crate::failure::Failure> {
    let now = clock::now();
    let places = Places {
        recordings: prefix,
        notes: &args.notes_prefix,
        messages: &args.messages_prefix,
    };
    let found = match args.yes {
        true => forget(store, places, contact, now).await?,
        false => look(store, places, contact).await?,
    };
    Ok(Told {
        contact: contact.to_owned(),
        mark: key::forgotten(prefix, contact),
        found,
        urls: Vec::new(),
        copies: Vec::new(),
    })
}

fn write_text(args: &ForgetArgs, told: &[Told], out: &mut dyn Write) -> std::io::Result<()> {
    let word = match args.yes {
        true => "deleted",
        false => "would be deleted",
    };
    for contact in told {
        let found = &contact.found;
        writeln!(
            out,
            "contact {}: {} and {} {word}",
            super::text::plain(&contact.contact),
            counted(found.objects.len() as u64, "object"),
            counted(contact.urls.len() as u64, "URL"),
        )?;
        for leg in found.contacts.iter().skip(1) {
            writeln!(out, "  with its leg {}", super::text::plain(leg))?;
        }
        if let Some(first) = &found.leg_of {
            writeln!(
                out,
                "  it is a leg of contact {}: give that one, and the whole call goes",
                super::text::plain(first)
            )?;
        }
        if contact.is_nothing() && found.marked {
            writeln!(out, "  it was deleted before: its mark is there")?;
        }
        for object in &found.objects {
            writeln!(
                out,
                "  {}{}",
                super::text::plain(&object.key),
                which(&object.which)
            )?;
        }
        for object in &found.left {
            let (key, which) = (super::text::plain(&object.key), which(&object.which));
            writeln!(out, "  left: {key}{which}")?;
        }
        for copy in &contact.copies {
            writeln!(out, "  {}", super::text::plain(copy))?;
        }
        if args.yes {
            writeln!(out, "  mark: {}", contact.mark)?;
        }
    }
    if !args.yes {
        writeln!(out, "Nothing was changed; --yes deletes, for good.")?;
    }
    Ok(())
}

fn which(which: &Which) -> String {
    match which {
        Which::Only => String::new(),
        Which::Version(version) => format!("  (version {version})"),
        Which::DeleteMarker(version) => format!("  (delete marker {version})"),
        Which::Upload(_) => "  (an upload that was not finished)".to_owned(),
    }
}

fn write_json(args: &ForgetArgs, told: &[Told], out: &mut dyn Write) -> std::io::Result<()> {
    let contacts: Vec<_> = told
        .iter()
        .map(|contact| {
            let keys = |objects: &[Erasable]| {
                json!(objects.iter().map(|object| &object.key).collect::<Vec<_>>())
            };
            json!({
                "contact": contact.contact,
                "legs": contact.found.contacts[1..],
                "leg_of": contact.found.leg_of,
                "objects": keys(&contact.found.objects),
                "left": keys(&contact.found.left),
                "urls": contact.urls.len(),
                "copies": contact.copies,
                "mark": args.yes.then_some(&contact.mark),
            })
        })
        .collect();
    let document =
        json!({"schema": "callreel.forget/1", "dry_run": !args.yes, "contacts": contacts});
    writeln!(out, "{document:#}")
}
