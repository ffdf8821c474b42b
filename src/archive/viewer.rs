//! Who looks at the archive, what they may see, and what is noted of it. Whoever lets people
//! in makes a [`Viewer`]; the pages ask it about every row, and answer what it may not see as
//! if it were not there.

use crate::archive::day::Row;

/// Somebody who looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who, as the list of who listened has them.
    pub name: String,
    /// From where: an address, or what stands for it.
    pub from: String,
    /// What they may see.
    pub sees: Sees,
}

/// What somebody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Every recording: who has the files themselves.
    Everything,
    /// What one of these allows; nothing where there is none.
    AnyOf(Vec<Allowed>),
}

/// One thing that somebody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Every recording.
    All,
    /// Those of a queue, by its name or its id.
    Queue(String),
    /// Those of an agent, by their user name or their id.
    Agent(String),
}

impl Viewer {
    /// Who sits before the files themselves.
    pub fn at_the_desk() -> Self {
        Self {
            name: "desk".to_owned(),
            from: "loopback".to_owned(),
            sees: Sees::Everything,
        }
    }

    /// Whether they may see a recording. Of one whose verdict cannot be read, nobody knows
    /// whose it is: only who sees all may see it.
    pub fn may_see(&self, row: &Row) -> bool {
        match &self.sees {
            Sees::Everything => true,
            Sees::AnyOf(allowed) => allowed.iter().any(|allowed| allowed.allows(row)),
        }
    }
}

impl Allowed {
    fn allows(&self, row: &Row) -> bool {
        let is = |named: &Option<String>, asked: &str| named.as_deref() == Some(asked);
        match self {
            Self::All => true,
            Self::Queue(queue) => is(&row.queue, queue) || is(&row.queue_id, queue),
            Self::Agent(agent) => {
                let is_user = row.agent.as_ref();
                is_user.is_some_and(|name| name.eq_ignore_ascii_case(agent))
                    || is(&row.agent_id, agent)
            }
        }
    }
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// What.
    pub kind: ActKind,
    /// What they looked for, as it was asked; empty unless it is a search.
    pub query: String,
    /// Of which contact; none of a search, and of what nobody may know of.
    pub contact: Option<String>,
    /// Of which recording: its verdict's key.
    pub recording: Option<String>,
    /// Which of its files: `from`, `to`, `mixed`.
    pub file: Option<String>,
    /// Whether they were let.
    pub allowed: bool,
}

/// Kinds of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// Looked for recordings.
    Search,
    /// Took a list of recordings away.
    Export,
    /// Looked at a recording: its verdict and its waveform.
    View,
    /// Played a file.
    Play,
    /// Took a file away.
    Download,
    /// Had a file's hash checked.
    Check,
}

impl ActKind {
    /// The word in the list of who listened.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Export => "export",
            Self::View => "view",
            Self::Play => "play",
            Self::Download => "download",
            Self::Check => "check",
        }
    }
}

impl Act {
    /// A search, or the export of one.
    pub fn search(kind: ActKind, query: &str) -> Self {
        Self {
            kind,
            query: query.to_owned(),
            contact: None,
            recording: None,
            file: None,
            allowed: true,
        }
    }

    /// What was done with a recording that is there.
    pub fn of(kind: ActKind, key: &str, row: &Row, allowed: bool) -> Self {
        Self {
            kind,
            query: String::new(),
            contact: Some(row.contact_id.clone()),
            recording: Some(key.to_owned()),
            file: None,
            allowed,
        }
    }

    /// The same, of one file.
    #[must_use]
    pub fn with_file(mut self, kind: &str) -> Self {
        self.file = Some(kind.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_what() {
        #[track_caller]
        fn check(sees: Sees, expected: [bool; 3]) {
            let named = |queue: &str, agent: &str| Row {
                queue: Some(queue.to_owned()),
                agent: Some(agent.to_owned()),
                queue_id: Some("q-1".to_owned()),
                ..Row::default()
            };
            let viewer = Viewer {
                sees,
                ..Viewer::at_the_desk()
            };
            let rows = [named("Sales", "Jo"), named("Claims", "ann"), Row::default()];
            assert_eq!(rows.each_ref().map(|row| viewer.may_see(row)), expected);
        }
        let text = str::to_owned;
        check(Sees::Everything, [true; 3]);
        check(Sees::AnyOf(vec![Allowed::All]), [true; 3]);
        check(Sees::AnyOf(Vec::new()), [false; 3]);
        check(
            Sees::AnyOf(vec![Allowed::Queue(text("Sales"))]),
            [true, false, false],
        );
        check(
            Sees::AnyOf(vec![Allowed::Queue(text("q-1"))]),
            [true, true, false],
        );
        // A queue of another name that begins alike is another one.
        check(Sees::AnyOf(vec![Allowed::Queue(text("Sale"))]), [false; 3]);
        check(
            Sees::AnyOf(vec![
                Allowed::Agent(text("jo")),
                Allowed::Agent(text("ann")),
            ]),
            [true, true, false],
        );
        check(Sees::AnyOf(vec![Allowed::Agent(text(""))]), [false; 3]);
    }
}
