//! Made-up calls, played in real time.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::CliError;
use crate::clock::now;
use crate::monitor::demo::{self, Scene};
use crate::monitor::happening::Happening;
use crate::web::monitor::Live;

/// Between two playings, with an empty page.
const PAUSE: Duration = Duration::from_secs(8);

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub(super) enum DemoScene {
    Calls,
    Tones,
}

/// Plays a scene again and again.
pub(super) async fn play(live: &Live, scene: DemoScene) -> Result<Infallible, CliError> {
    let scene = match scene {
        DemoScene::Calls => Scene::Calls,
        DemoScene::Tones => Scene::Tones,
    };
    let mut number = 0;
    loop {
        let (begin, start) = (Instant::now(), now());
        for due in demo::playing(scene, number, start) {
            sleep_until(begin + Duration::from_millis(due.millis)).await;
            live.push(&Happening {
                contact: due.contact,
                at: now(),
                what: due.what,
            });
        }
        sleep(PAUSE).await;
        number += 1;
    }
}
