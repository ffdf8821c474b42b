//! Time that is really waited.

use std::time::Duration;

use crate::clock;
use crate::media::ticks::EpochMillis;
use crate::port::Clock;

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> EpochMillis {
        clock::now()
    }

    async fn wait(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        true
    }
}
