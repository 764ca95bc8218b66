//! From a target to a connection that is logged in: each hop on its way is reached, proved and logged in to, and
//! each failure is named after the phase in which it happened.

use std::net::SocketAddr;
use std::sync::Arc;

use russh::client::{self, Handle};
use russh::{ChannelOpenFailure, Error};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use watchkeeper_model::LookFailure;

use super::link::Link;
use super::login::login;
use super::visitor::{Eye, Notes, Visitor, describe, place};
use super::wire::{FirstWords, Wire};
use super::{RusshEngine, config};
use crate::SshTarget;
use crate::enrol::OfferedKey;
use crate::known_hosts::lookup_name;
use crate::rendered::excerpt;

/// Dials a target, through its jump hosts.
pub(super) async fn dial(engine: &RusshEngine, target: &SshTarget) -> Result<Link, LookFailure> {
    let cut = CancellationToken::new();
    let guard = cut.clone().drop_guard();
    let mut via: Vec<Handle<Visitor>> = Vec::new();
    for hop in &target.jump {
        let reached = Hop::reach(engine, hop, via.last(), &cut).await?;
        via.push(reached.log_in(engine).await?.0);
    }
    let reached = Hop::reach(engine, target, via.last(), &cut).await?;
    let (handle, notes) = reached.log_in(engine).await?;
    Ok(Link::new(handle, via, notes, guard))
}

/// Looks at the key a target shows.
pub(super) async fn peek(
    engine: &RusshEngine,
    target: &SshTarget,
) -> Result<OfferedKey, LookFailure> {
    let cut = CancellationToken::new();
    let _guard = cut.clone().drop_guard();
    let mut via: Vec<Handle<Visitor>> = Vec::new();
    for hop in &target.jump {
        let reached = Hop::reach(engine, hop, via.last(), &cut).await?;
        via.push(reached.log_in(engine).await?.0);
    }
    let deadline = Instant::now() + target.connect_timeout;
    let shown = Hop::shake(engine, target, via.last(), &cut, deadline, true).await;
    match shown {
        Ok((_, notes)) | Err((_, Some(notes))) if notes.shown().is_some() => {
            let key = notes.shown().expect("it was just there");
            Ok(OfferedKey::new(&target.host_key_name(), &key))
        }
        Ok(_) => Err(closed(target, "it showed no key".to_owned())),
        Err((failure, _)) => Err(failure),
    }
}

/// One server on the way, its key believed.
struct Hop<'a> {
    target: &'a SshTarget,
    handle: Handle<Visitor>,
    notes: Notes,
    started: Instant,
}

/// A failure, with what was learned before it.
type Failed = (LookFailure, Option<Notes>);

impl<'a> Hop<'a> {
    async fn reach(
        engine: &RusshEngine,
        target: &'a SshTarget,
        via: Option<&Handle<Visitor>>,
        cut: &CancellationToken,
    ) -> Result<Self, LookFailure> {
        let started = Instant::now();
        let deadline = started + target.connect_timeout;
        let shaken = Self::shake(engine, target, via, cut, deadline, false).await;
        let (handle, notes) = shaken.map_err(|(failure, _)| failure)?;
        Ok(Self {
            target,
            handle,
            notes,
            started,
        })
    }

    /// Connects and exchanges keys.
    async fn shake(
        engine: &RusshEngine,
        target: &SshTarget,
        via: Option<&Handle<Visitor>>,
        cut: &CancellationToken,
        deadline: Instant,
        peek: bool,
    ) -> Result<(Handle<Visitor>, Notes), Failed> {
        let notes = Notes::default();
        let (eye, config) = eye(engine, target, peek).map_err(|failure| (failure, None))?;
        let visitor = Visitor {
            target: Arc::new(target.clone()),
            eye,
            notes: notes.clone(),
        };
        let heard = FirstWords::default();
        let shaken = match via {
            None => {
                let stream = connect(target, deadline)
                    .await
                    .map_err(|failure| (failure, None))?;
                let wire = Wire::new(stream, cut.clone(), heard.clone());
                timeout_at(deadline, greet(config, wire, visitor)).await
            }
            Some(jump) => {
                let stream = tunnel(jump, target, deadline)
                    .await
                    .map_err(|failure| (failure, None))?;
                let wire = Wire::new(stream, cut.clone(), heard.clone());
                timeout_at(deadline, greet(config, wire, visitor)).await
            }
        };
        let failure = match shaken {
            Ok(Ok(handle)) => return Ok((handle, notes)),
            Ok(Err(error)) => match (notes.refused(), heard.not_ssh()) {
                (Some(refused), _) => refused,
                (None, Some(line)) => closed(
                    target,
                    format!("it says \"{}\", which is not SSH", excerpt(&line)),
                ),
                (None, None) if heard.is_empty() => {
                    closed(target, "it said nothing before".to_owned())
                }
                (None, None) => closed(target, notes.ended().unwrap_or_else(|| describe(&error))),
            },
            Err(_) => silent(target),
        };
        Err((failure, Some(notes)))
    }

    /// Proves who we are, in what is left of the hop's time.
    async fn log_in(
        mut self,
        engine: &RusshEngine,
    ) -> Result<(Handle<Visitor>, Notes), LookFailure> {
        let deadline = self.started + self.target.connect_timeout;
        let proving = login(engine, self.target, &mut self.handle, &self.notes);
        match timeout_at(deadline, proving).await {
            Ok(proved) => proved.map(|()| (self.handle, self.notes)),
            Err(_) => Err(silent(self.target)),
        }
    }
}

/// How the key will be looked at, and which algorithms are asked for.
fn eye(
    engine: &RusshEngine,
    target: &SshTarget,
    peek: bool,
) -> Result<(Eye, Arc<client::Config>), LookFailure> {
    if peek {
        return Ok((Eye::Peeks, config::client(&[], false)));
    }
    let known = engine.known_hosts(&target.known_hosts).map_err(|error| {
        use std::error::Error as _;
        let cause = error
            .source()
            .map(|source| format!(": {source}"))
            .unwrap_or_default();
        LookFailure::Misconfigured {
            detail: excerpt(format!("{error}{cause}").as_bytes()),
        }
    })?;
    let (host, port) = place(target);
    let names = [
        lookup_name(host, port),
        lookup_name(host, SshTarget::DEFAULT_PORT),
    ];
    let mut algorithms = known.algorithms(&names[0]);
    if algorithms.is_empty() {
        algorithms = known.algorithms(&names[1]);
    }
    let certified = names.iter().any(|name| known.has_authority(name));
    let clock = Arc::clone(&engine.clock);
    let config = config::client(&algorithms, certified);
    Ok((Eye::Judges { known, clock }, config))
}

/// Exchanges banners and keys.
async fn greet<S>(
    config: Arc<client::Config>,
    wire: Wire<S>,
    visitor: Visitor,
) -> Result<Handle<Visitor>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    client::connect_stream(config, wire, visitor).await
}

/// Looks the name up and connects to the first of its addresses that answers.
async fn connect(target: &SshTarget, deadline: Instant) -> Result<TcpStream, LookFailure> {
    let not_resolved = |detail: String| LookFailure::NameNotResolved {
        name: excerpt(target.address.as_bytes()),
        detail,
    };
    let lookup = tokio::net::lookup_host((target.address.as_str(), target.port));
    let addresses: Vec<SocketAddr> = match timeout_at(deadline, lookup).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => return Err(not_resolved(excerpt(error.to_string().as_bytes()))),
        Err(_) => return Err(not_resolved("the resolver does not answer".to_owned())),
    };
    if addresses.is_empty() {
        return Err(not_resolved("it has no address".to_owned()));
    }
    let mut detail = String::new();
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for (index, address) in addresses.into_iter().enumerate() {
        // Each address gets its share of what is left, so that a dead one does not take it all.
        let left = deadline.saturating_duration_since(Instant::now());
        let turns = count
            .saturating_sub(u32::try_from(index).unwrap_or(0))
            .max(1);
        let turn = Instant::now() + left / turns;
        match timeout_at(turn, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without it, small writes wait 40 ms for each other.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                return Ok(stream);
            }
            Ok(Err(error)) => detail = excerpt(error.to_string().as_bytes()),
            Err(_) => {
                let waited = target.connect_timeout.as_millis();
                detail = format!("nothing came back in {waited} ms");
            }
        }
    }
    Err(unreachable(target, detail))
}

/// Has a jump host connect to the next.
async fn tunnel(
    jump: &Handle<Visitor>,
    target: &SshTarget,
    deadline: Instant,
) -> Result<russh::ChannelStream<client::Msg>, LookFailure> {
    let port = u32::from(target.port);
    let opening = jump.channel_open_direct_tcpip(target.address.as_str(), port, "127.0.0.1", 0);
    match timeout_at(deadline, opening).await {
        Ok(Ok(channel)) => Ok(channel.into_stream()),
        Ok(Err(Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited))) => Err(
            unreachable(target, "the jump host does not allow forwarding".to_owned()),
        ),
        Ok(Err(Error::ChannelOpenFailure(why))) => {
            let why = excerpt(why.description().as_bytes());
            Err(unreachable(
                target,
                format!("the jump host cannot reach it: {why}"),
            ))
        }
        Ok(Err(error)) => Err(unreachable(
            target,
            format!("the jump host was lost: {}", describe(&error)),
        )),
        Err(_) => Err(unreachable(
            target,
            format!(
                "the jump host did not reach it in {} ms",
                target.connect_timeout.as_millis()
            ),
        )),
    }
}

fn unreachable(target: &SshTarget, detail: String) -> LookFailure {
    LookFailure::Unreachable {
        address: excerpt(target.address_and_port().as_bytes()),
        detail,
    }
}

fn closed(target: &SshTarget, detail: String) -> LookFailure {
    LookFailure::ClosedEarly {
        address: excerpt(target.address_and_port().as_bytes()),
        detail,
    }
}

fn silent(target: &SshTarget) -> LookFailure {
    LookFailure::Silent {
        address: excerpt(target.address_and_port().as_bytes()),
        waited_ms: u64::try_from(target.connect_timeout.as_millis()).unwrap_or(u64::MAX),
    }
}
