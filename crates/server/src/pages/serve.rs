//! Answering at a TCP address, with limits: so many connections in all and of one address, so long for a head, so long
//! for a whole connection. Nobody who holds connections open keeps others out for long.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::address::{Peer, counted_as};
use crate::serve::{ACCEPT_PAUSE, protocol, report};

/// Connections in all.
const MAX_CONNECTIONS: usize = 256;
/// Connections of one address; a reverse proxy has them all.
const MAX_OF_ONE_ADDRESS: usize = 32;
/// How long a request's head may take, and how long a connection may idle between two.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may last; what is asked and answered in it is small.
const CONNECTION_LASTS: Duration = Duration::from_secs(120);
/// How long answers under way may take when told to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// Answers until told to stop.
///
/// # Errors
/// When the listener says nothing of where it listens.
pub async fn serve_pages(
    listener: TcpListener,
    router: Router,
    proxies: Vec<IpAddr>,
    stop: CancellationToken,
) -> io::Result<()> {
    let seats = Seats::new(proxies);
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = open.join_next(), if !open.is_empty() => report(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    // Who is too many is closed without a word: a word would cost a place.
                    if let Some(seat) = Seats::take(&seats, from.ip()) {
                        open.spawn(converse(stream, from.ip(), router.clone(), stop.clone(), seat));
                    }
                }
                Err(error) => {
                    tracing::error!(error = %error, "a connection to the pages could not be accepted");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                    }
                }
            },
        }
    }
    drop(listener);
    let finished = async { while open.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(FINISH_WITHIN, finished).await;
    Ok(())
}

async fn converse(
    stream: TcpStream,
    from: IpAddr,
    router: Router,
    stop: CancellationToken,
    _seat: Seat,
) {
    let answer = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(from));
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router
                    .oneshot(request)
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let mut talking = pin!(protocol(HEAD_WITHIN).serve_connection(TokioIo::new(stream), answer));
    let mut lasts = pin!(tokio::time::sleep(CONNECTION_LASTS));
    let mut stops = false;
    loop {
        tokio::select! {
            ended = talking.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "a connection to the pages ended early");
                }
                return;
            }
            () = lasts.as_mut() => return,
            () = stop.cancelled(), if !stops => {
                stops = true;
                talking.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Who is connected.
#[derive(Debug)]
struct Seats {
    proxies: Vec<IpAddr>,
    by_address: HashMap<IpAddr, usize>,
    all: usize,
}

/// A place that is given back when it is dropped.
#[derive(Debug)]
struct Seat {
    seats: Arc<Mutex<Seats>>,
    address: IpAddr,
}

impl Seats {
    fn new(proxies: Vec<IpAddr>) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            proxies,
            by_address: HashMap::new(),
            all: 0,
        }))
    }

    fn take(seats: &Arc<Mutex<Self>>, from: IpAddr) -> Option<Seat> {
        let mut taken = seats.lock().unwrap_or_else(PoisonError::into_inner);
        let address = counted_as(from.to_canonical());
        let is_proxy = taken
            .proxies
            .iter()
            .any(|proxy| proxy.to_canonical() == from.to_canonical());
        let of_address = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.all >= MAX_CONNECTIONS || (!is_proxy && of_address >= MAX_OF_ONE_ADDRESS) {
            return None;
        }
        taken.all += 1;
        *taken.by_address.entry(address).or_default() += 1;
        Some(Seat {
            seats: Arc::clone(seats),
            address,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(count) = taken.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_of_connections_and_a_proxy_has_all() {
        let proxy: IpAddr = "127.0.0.1".parse().expect("an address");
        let other: IpAddr = "192.0.2.1".parse().expect("an address");
        let seats = Seats::new(vec![proxy]);
        let mut taken: Vec<_> = std::iter::from_fn(|| Seats::take(&seats, other)).collect();
        assert_eq!(taken.len(), MAX_OF_ONE_ADDRESS);
        taken.pop();
        assert!(
            Seats::take(&seats, other).is_some(),
            "a place is given back"
        );
        let of_proxy: Vec<_> = std::iter::from_fn(|| Seats::take(&seats, proxy)).collect();
        assert_eq!(taken.len() + of_proxy.len(), MAX_CONNECTIONS);
    }
}
