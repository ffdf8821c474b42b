//! The monitor's page: what [`Panels`] makes of calls in progress, told to every page that is
//! open by server-sent events, one connection for all calls; and a call's sound to whoever
//! listens in.
//!
//! A page that comes gets all that there is to see, then what changes. One that is too slow
//! to take the changes gets all anew. Sound leaves only on demand, is told to the one who
//! started the monitor, and is kept nowhere.

mod listen;
mod wire;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, timeout};

pub use listen::{Listened, Listening};

use super::assets::{self, Asset, Kind};
use super::serve::Stop;
use crate::clock::now;
use crate::lock::lock;
use crate::monitor::happening::{Happening, What};
use crate::monitor::panel::{Numbers, Panels};
use listen::Heard;

/// The page's files.
const ASSETS: &[Asset] = &[
    Asset {
        path: "/",
        kind: Kind::Html,
        bytes: include_bytes!("monitor/monitor.html"),
    },
    Asset {
        path: "/monitor.js",
        kind: Kind::Script,
        bytes: include_bytes!("monitor/monitor.js"),
    },
    Asset {
        path: "/monitor.css",
        kind: Kind::Style,
        bytes: include_bytes!("monitor/monitor.css"),
    },
    Asset {
        path: "/icon.svg",
        kind: Kind::Svg,
        bytes: include_bytes!("icon.svg"),
    },
];

/// How often pages are told what changed: 25 times a second.
const FRAME_TIME: Duration = Duration::from_millis(40);
/// A page that hears nothing for longer than this knows that the line is dead.
const BEAT_TIME: Duration = Duration::from_secs(5);
/// Frames that a slow page may be behind: 10 s.
const FRAMES_BEHIND: usize = 250;

/// The calls in progress, as pages show them.
pub struct Live {
    panels: Mutex<Panels>,
    frames: broadcast::Sender<Arc<str>>,
    sound: broadcast::Sender<Heard>,
    listening: Listening,
    told: Box<dyn Fn(Listened) + Send + Sync>,
}

impl Live {
    /// No calls yet. `told` is called for everybody who begins or ends to listen.
    pub fn new(
        numbers: Numbers,
        listening: Listening,
        told: impl Fn(Listened) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            panels: Mutex::new(Panels::new(numbers)),
            frames: broadcast::Sender::new(FRAMES_BEHIND),
            sound: broadcast::Sender::new(listen::BLOCKS_BEHIND),
            listening,
            told: Box::new(told),
        })
    }

    /// Takes what happened to a call.
    pub fn push(&self, happening: &Happening) {
        self.panels().push(happening);
        let Happening { contact, what, .. } = happening;
        let heard = match what {
            What::Sound(block) => Heard::Block(contact.clone(), block.clone()),
            What::Failed(_) | What::Ended(_) => Heard::End(contact.clone()),
            What::Began(_) | What::Gap { .. } | What::Reconnecting(_) | What::Warning(_) => return,
        };
        // An error says that nobody listens.
        let _ = self.sound.send(heard);
    }

    /// Tells pages what changed, for as long as it is awaited.
    pub async fn run(&self) -> Infallible {
        let mut frames = interval(FRAME_TIME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            frames.tick().await;
            // Panels go whether or not a page is there to see it.
            let frame = self.panels().next_frame(now());
            if let Some(frame) = frame
                && self.frames.receiver_count() > 0
            {
                // An error says that the last page has just gone.
                let _ = self.frames.send(wire::frame(&frame).into());
            }
        }
    }

    /// How many panels there are.
    pub fn panel_count(&self) -> usize {
        self.panels().len()
    }

    fn panels(&self) -> MutexGuard<'_, Panels> {
        lock(&self.panels)
    }

    fn whole(&self) -> String {
        let frame = self.panels().whole(now());
        wire::whole(&frame, self.listening)
    }
}

/// Routes of the page. Where the stop is asked for, its connections end.
pub fn router(live: Arc<Live>, stop: Stop) -> Router {
    let world = World { live, stop };
    Router::new()
        .route("/events", get(events))
        .route("/calls/{contact}/sound", get(listen::sound))
        .with_state(world)
        .merge(assets::router(ASSETS))
}

#[derive(Clone)]
struct World {
    live: Arc<Live>,
    stop: Stop,
}

async fn events(State(world): State<World>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // Subscribed before the whole is taken: what changes between the two is told twice, which
    // shows the same.
    let frames = world.live.frames.subscribe();
    let page = Page {
        stop: Box::pin(world.stop.asked()),
        live: world.live,
        frames,
        turn: Turn::Whole,
    };
    Sse::new(stream::unfold(page, async |mut page| {
        let event = page.next().await?;
        Some((Ok(event), page))
    }))
}

/// One page that is open.
struct Page {
    live: Arc<Live>,
    frames: broadcast::Receiver<Arc<str>>,
    stop: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    turn: Turn,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Whole,
    Changes,
    Over,
}

impl Page {
    async fn next(&mut self) -> Option<Event> {
        match self.turn {
            Turn::Whole => {
                self.turn = Turn::Changes;
                return Some(Event::default().event("whole").data(self.live.whole()));
            }
            Turn::Over => return None,
            Turn::Changes => {}
        }
        let heard = tokio::select! {
            heard = timeout(BEAT_TIME, self.frames.recv()) => heard,
            () = &mut self.stop => {
                self.turn = Turn::Over;
                return Some(Event::default().event("over").data("{}"));
            }
        };
        Some(match heard {
            Ok(Ok(frame)) => Event::default().event("frame").data(&*frame),
            Ok(Err(RecvError::Lagged(_))) => {
                self.frames = self.frames.resubscribe();
                Event::default().event("whole").data(self.live.whole())
            }
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => Event::default().event("beat").data("{}"),
        })
    }
}
