//! Pages on an address of this machine, until somebody ends them.

use std::future::IntoFuture;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long answers that are under way have to end.
const GRACE: Duration = Duration::from_secs(2);

/// Why no page can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program has the port.
    #[error(
        "port {} of {} is in use: end what uses it, or give another one with --port (0 for any)",
        .0.port(),
        .0.ip()
    )]
    Taken(SocketAddr),
    /// The address is not to be had.
    #[error("{address}: {source}; give another address or port")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// An address at which pages can be served.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes an address; port 0 is any that is free.
pub async fn bind(ip: IpAddr, port: u16) -> Result<Bound, ServeError> {
    let address = SocketAddr::new(ip, port);
    let refused = |source: io::Error| match source.kind() == io::ErrorKind::AddrInUse {
        true => ServeError::Taken(address),
        false => ServeError::Refused { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok(Bound { listener, address })
}

impl Bound {
    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to open in a browser, with a slash at its end. An address that stands for all of a
    /// machine's is told as loopback.
    pub fn url(&self) -> String {
        let address = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => {
                SocketAddr::new([127, 0, 0, 1].into(), self.address.port())
            }
            IpAddr::V6(ip) if ip.is_unspecified() => {
                SocketAddr::new([0, 0, 0, 0, 0, 0, 0, 1].into(), self.address.port())
            }
            IpAddr::V4(_) | IpAddr::V6(_) => self.address,
        };
        format!("http://{address}/")
    }

    /// Serves until the stop is asked for; then answers under way have two seconds to end, and
    /// those that would never end see the stop themselves.
    pub async fn serve(self, router: Router, stop: Stop) -> io::Result<()> {
        // Small pieces go out at once: they are what people see.
        let listener = self.listener.tap_io(|line| drop(line.set_nodelay(true)));
        // A login counts and notes where a request came from.
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.clone().asked());
        let cut_off = async {
            stop.asked().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            ended = served.into_future() => ended,
            () = cut_off => Ok(()),
        }
    }
}

/// Asks for the stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Sees it asked for.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A stop that can be asked for.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks for it.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits until it is asked for, or nobody can ask any more.
    pub async fn asked(mut self) {
        // An error says that nobody can ask any more.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

/// Waits until somebody ends the process: Ctrl-C, or SIGTERM where there is one.
pub async fn ended_by_somebody() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
