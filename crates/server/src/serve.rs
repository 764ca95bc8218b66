//! Answering at the socket, with limits: so many connections, so long to say what is wanted, so long without reading.
//! An account that opens more than its share is told so, and costs the others nothing.
//!
//! When told to stop it accepts no more, ends the streams, answers what it was asked, and takes its socket away.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::caller::{Connection, Gate, Peer};
use crate::problem::{Kind, Problem};
use crate::reader::Attended;
use crate::socket::SocketFile;
use crate::stream::Stop;

/// Connections of one account at a time. A stream has a connection to itself, so this bounds streams, too.
const MAX_OF_ONE_ACCOUNT: usize = 64;
/// Connections of all accounts. Root is not counted in, so that nobody can keep it out.
const MAX_CONNECTIONS: usize = 512;
/// Connections that are being told that there are too many; more are closed without a word.
const MAX_TURNED_AWAY: usize = 32;
/// How long a request's head may take, and how long a connection may idle between two.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// Largest head of a request.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// What a connection may have read and not answered yet, or answered and not sent yet.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// How long who is turned away may take to hear it.
const TURNED_AWAY_WITHIN: Duration = Duration::from_secs(2);
/// The pause after a connection could not be accepted: what is short then does not come back at once.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// How long answers under way may take when told to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// Answers until told to stop; requests under way are answered, streams are ended.
///
/// # Errors
/// When the socket is no unix socket that can be listened at.
pub async fn serve(
    listener: UnixListener,
    router: Router,
    gate: Gate,
    stop: CancellationToken,
) -> io::Result<()> {
    let file = SocketFile::of(&listener);
    let desk = Desk {
        router,
        gate: Arc::new(gate),
        stop: stop.clone(),
        seats: Arc::default(),
    };
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = open.join_next(), if !open.is_empty() => report(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => desk.welcome(stream, &mut open),
                Err(error) => {
                    tracing::error!(error = %error, "a connection could not be accepted");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                    }
                }
            },
        }
    }
    // Taken away before it is closed, so that nobody finds a socket at which nobody answers.
    drop(file);
    drop(listener);
    let finished = async {
        while let Some(ended) = open.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(FINISH_WITHIN, finished).await.is_err() {
        tracing::warn!(
            connections = open.len(),
            "answers were cut off: their readers took too long"
        );
    }
    Ok(())
}

/// A connection that breaks down is a bug, and costs no other.
pub(crate) fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = %error, "a connection broke down");
    }
}

/// Where connections are received.
#[derive(Clone)]
struct Desk {
    router: Router,
    gate: Arc<Gate>,
    stop: CancellationToken,
    seats: Arc<Mutex<Seats>>,
}

impl Desk {
    fn welcome(&self, stream: UnixStream, open: &mut JoinSet<()>) {
        let credentials = match stream.peer_cred() {
            Ok(credentials) => credentials,
            Err(error) => {
                tracing::warn!(error = %error, "who connects could not be told, so nobody is answered");
                return;
            }
        };
        let peer = Peer {
            uid: credentials.uid(),
            gid: credentials.gid(),
        };
        match Seat::take(&self.seats, peer.uid) {
            Taken::Seat(seat) => {
                let desk = self.clone();
                open.spawn(async move {
                    desk.converse(stream, peer).await;
                    drop(seat);
                });
            }
            Taken::Standing(seat) => {
                tracing::warn!(
                    peer.uid = peer.uid,
                    "too many connections; one is turned away"
                );
                open.spawn(async move {
                    let _ = tokio::time::timeout(TURNED_AWAY_WITHIN, turn_away(stream)).await;
                    drop(seat);
                });
            }
            Taken::None => {}
        }
    }

    async fn converse(&self, stream: UnixStream, peer: Peer) {
        let connection = Connection {
            peer,
            gate: Arc::clone(&self.gate),
        };
        let answer = service_fn(|request: http::Request<hyper::body::Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(connection.clone());
            request.extensions_mut().insert(Stop(self.stop.clone()));
            self.router.clone().oneshot(request)
        });
        let mut talking = pin!(
            protocol(HEAD_WITHIN).serve_connection(TokioIo::new(Attended::new(stream)), answer)
        );
        let ended = tokio::select! {
            ended = talking.as_mut() => ended,
            () = self.stop.cancelled() => {
                talking.as_mut().graceful_shutdown();
                talking.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer.uid = peer.uid, error = %error, "a connection ended early");
        }
    }
}

pub(crate) fn protocol(head_within: Duration) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_BUFFER_BYTES);
    protocol
}

async fn turn_away(stream: UnixStream) {
    let answer = service_fn(|_| async {
        let problem = Problem::new(Kind::Unavailable, "too many connections are open")
            .advise("close some of them, then try again");
        Ok::<_, Infallible>(problem.into_response())
    });
    let mut protocol = protocol(TURNED_AWAY_WITHIN);
    protocol.keep_alive(false);
    let _ = protocol
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

/// Who is connected.
#[derive(Debug, Default)]
struct Seats {
    by_account: BTreeMap<u32, usize>,
    all_but_root: usize,
    standing: usize,
}

/// A place that is given back when it is dropped.
#[derive(Debug)]
struct Seat {
    seats: Arc<Mutex<Seats>>,
    uid: u32,
    standing: bool,
}

/// What a connection got.
enum Taken {
    /// A place.
    Seat(Seat),
    /// Room to be told that there is none.
    Standing(Seat),
    /// Nothing.
    None,
}

impl Seat {
    fn take(seats: &Arc<Mutex<Seats>>, uid: u32) -> Taken {
        let mut taken = seats.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = |standing| Self {
            seats: Arc::clone(seats),
            uid,
            standing,
        };
        let of_account = taken.by_account.get(&uid).copied().unwrap_or(0);
        let room = uid == 0 || taken.all_but_root < MAX_CONNECTIONS;
        if of_account < MAX_OF_ONE_ACCOUNT && room {
            *taken.by_account.entry(uid).or_default() += 1;
            taken.all_but_root += usize::from(uid != 0);
            return Taken::Seat(seat(false));
        }
        if taken.standing < MAX_TURNED_AWAY {
            taken.standing += 1;
            return Taken::Standing(seat(true));
        }
        Taken::None
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if self.standing {
            taken.standing -= 1;
            return;
        }
        taken.all_but_root -= usize::from(self.uid != 0);
        if let Some(count) = taken.by_account.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                taken.by_account.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(seats: &Arc<Mutex<Seats>>, uid: u32, most: usize) -> Vec<Seat> {
        (0..most)
            .map_while(|_| match Seat::take(seats, uid) {
                Taken::Seat(seat) => Some(seat),
                Taken::Standing(_) | Taken::None => None,
            })
            .collect()
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_is_not_waited_for() {
        use tokio::io::AsyncWriteExt as _;
        let (mut client, ours) = UnixStream::pair().expect("a pair");
        client
            .write_all(b"GET / HTTP/1.1\r\nx")
            .await
            .expect("sent");
        let answer = service_fn(|_| async {
            Ok::<_, Infallible>(Problem::new(Kind::Internal, "asked").into_response())
        });
        let ended = protocol(Duration::from_millis(20))
            .serve_connection(TokioIo::new(ours), answer)
            .await;
        assert!(ended.is_err_and(|error| error.is_timeout()));
    }

    #[test]
    fn an_account_has_its_share_and_no_more() {
        let seats = Arc::default();
        let mut taken = take_all(&seats, 1_000, usize::MAX);
        assert_eq!(taken.len(), MAX_OF_ONE_ACCOUNT);
        assert_eq!(take_all(&seats, 1_001, 1).len(), 1, "others have theirs");
        taken.pop();
        assert_eq!(take_all(&seats, 1_000, 2).len(), 1, "a place is given back");
    }

    #[test]
    fn nobody_keeps_root_out() {
        let seats = Arc::default();
        let full: Vec<_> = (1_000..)
            .map(|uid| take_all(&seats, uid, usize::MAX))
            .take_while(|taken| !taken.is_empty())
            .collect();
        assert_eq!(full.iter().map(Vec::len).sum::<usize>(), MAX_CONNECTIONS);
        assert_eq!(take_all(&seats, 0, usize::MAX).len(), MAX_OF_ONE_ACCOUNT);
    }

    #[test]
    fn who_is_turned_away_costs_no_more_than_a_few_places() {
        let seats = Arc::default();
        let _taken = take_all(&seats, 1_000, usize::MAX);
        let mut told = Vec::new();
        while let Taken::Standing(seat) = Seat::take(&seats, 1_000) {
            told.push(seat);
        }
        assert_eq!(told.len(), MAX_TURNED_AWAY);
        drop(told);
        assert!(matches!(Seat::take(&seats, 1_000), Taken::Standing(_)));
    }
}
