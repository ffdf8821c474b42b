//! The roles, each with what its function calls and what AWS does in its name.

use super::{
    OF_AGAIN, OF_ARCHIVE, OF_CALLS, OF_CAPTURE, OF_DELIVER, OF_LIVE_START, OF_MESSAGES, OF_NOTE,
    OF_SERVICES, OF_SERVICES_AGAIN, OF_SERVICES_CAPTURE, OF_SERVICES_LIVE_START, OF_SERVICES_LOG,
    OF_SERVICES_MESSAGES, OF_SERVICES_NOTE, OF_SERVICES_SIGN, OF_SERVICES_STEP, OF_SIGN,
    OF_STALLED, OF_TRANSCRIBE, OF_TRANSCRIBE_FAILED,
};

/// One function's role: where it stands, and what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// The function that runs as it, as its template calls it.
    pub function: &'static str,
    /// The role, as its template calls it.
    pub name: &'static str,
    /// The template.
    pub template: &'static str,
    /// The section of `docs/permissions.md` that explains it.
    pub section: &'static str,
    /// What the function calls itself.
    pub calls: &'static [&'static str],
    /// What AWS does in the role's name.
    pub services: &'static [&'static str],
}

/// All roles. A function may what stands in its row, and nothing else.
pub const ROLES: &[Role] = &[
    Role {
        function: "Recorder",
        name: "RecorderRole",
        template: MAIN,
        section: "## The function's role",
        calls: OF_CALLS,
        services: OF_SERVICES,
    },
    Role {
        function: "Again",
        name: "AgainRole",
        template: MAIN,
        section: "## The role of `again`",
        calls: OF_AGAIN,
        services: OF_SERVICES_AGAIN,
    },
    Role {
        function: "Archive",
        name: "ArchiveRole",
        template: ARCHIVE,
        section: "## The role of `archive`",
        calls: OF_ARCHIVE,
        services: OF_SERVICES_NOTE,
    },
    Role {
        function: "Note",
        name: "NoteRole",
        template: ANSWERING,
        section: "## The role of `note`",
        calls: OF_NOTE,
        services: OF_SERVICES_NOTE,
    },
    Role {
        function: "Save",
        name: "SaveRole",
        template: ANSWERING,
        section: "## The roles of `save` and `reconcile`",
        calls: OF_MESSAGES,
        services: OF_SERVICES_MESSAGES,
    },
    Role {
        function: "Reconcile",
        name: "ReconcileRole",
        template: ANSWERING,
        section: "## The roles of `save` and `reconcile`",
        calls: OF_MESSAGES,
        services: OF_SERVICES_MESSAGES,
    },
    Role {
        function: "LiveStart",
        name: "LiveStartRole",
        template: LIVE,
        section: "## The role of `live-start`",
        calls: OF_LIVE_START,
        services: OF_SERVICES_LIVE_START,
    },
    Role {
        function: "Capture",
        name: "CaptureRole",
        template: VOICEMAIL,
        section: "## The role of `capture`",
        calls: OF_CAPTURE,
        services: OF_SERVICES_CAPTURE,
    },
    Role {
        function: "Transcribe",
        name: "TranscribeRole",
        template: VOICEMAIL,
        section: "## The role of `transcribe`",
        calls: OF_TRANSCRIBE,
        services: OF_SERVICES_STEP,
    },
    Role {
        function: "TranscribeFailed",
        name: "TranscribeFailedRole",
        template: VOICEMAIL,
        section: "## The role of `transcribe-failed`",
        calls: OF_TRANSCRIBE_FAILED,
        services: OF_SERVICES_STEP,
    },
    Role {
        function: "Deliver",
        name: "DeliverRole",
        template: VOICEMAIL,
        section: "## The role of `deliver`",
        calls: OF_DELIVER,
        services: OF_SERVICES_STEP,
    },
    Role {
        function: "ReconcileVoicemail",
        name: "ReconcileVoicemailRole",
        template: VOICEMAIL,
        section: "## The role of `reconcile-voicemail`",
        calls: OF_STALLED,
        services: OF_SERVICES_STEP,
    },
    Role {
        function: "Sign",
        name: "SignRole",
        template: VOICEMAIL,
        section: "## The role of `sign`",
        calls: OF_SIGN,
        services: OF_SERVICES_SIGN,
    },
    Role {
        function: "Timestamp",
        name: "TimestampRole",
        template: VOICEMAIL,
        section: "## The role of `timestamp`",
        calls: &[],
        services: OF_SERVICES_LOG,
    },
];
pub(super) const LIVE: &str = "stacks/live.yaml";
const ARCHIVE: &str = "stacks/archive.yaml";
const MAIN: &str = "template.yaml";
const ANSWERING: &str = "stacks/answering.yaml";
const VOICEMAIL: &str = "stacks/voicemail.yaml";
