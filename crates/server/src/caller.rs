//! Who asks, and what they may do: the account that the kernel names at the other end of the socket.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use http::request::Parts;
use nix::unistd::{Gid, Group, Uid, User};
use tokio::net::UnixListener;
use watchkeeper_model::Person;
use watchkeeper_watch::Role;

use crate::problem::Problem;

/// The person at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub person: Person,
    /// What they may do.
    pub role: Role,
}

/// Which accounts may do what.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Members of this group approve; root does too.
    pub operators_group: String,
    /// The account the daemon runs as: it never approves, unless it is root. None where no daemon runs and
    /// the store is the caller's own.
    pub daemon_uid: Option<u32>,
}

impl Gate {
    /// The caller behind an account's number. Groups are looked up at every call, so a change counts at once.
    #[must_use]
    pub fn admit(&self, uid: u32, primary_gid: u32) -> Caller {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = user
            .as_ref()
            .map_or_else(|| format!("uid {uid}"), |user| user.name.clone());
        let role = self.role(uid, primary_gid, user.as_ref());
        Caller {
            person: Person { name, uid },
            role,
        }
    }

    fn role(&self, uid: u32, primary_gid: u32, user: Option<&User>) -> Role {
        if uid == 0 {
            return Role::Operator;
        }
        match self.daemon_uid {
            None => Role::Operator,
            Some(daemon) if daemon == uid => Role::Daemon,
            Some(_) if self.is_operator(primary_gid, user) => Role::Operator,
            Some(_) => Role::Viewer,
        }
    }

    fn is_operator(&self, primary_gid: u32, user: Option<&User>) -> bool {
        let Ok(Some(group)) = Group::from_name(&self.operators_group) else {
            return false;
        };
        let listed = |user: &User| group.mem.contains(&user.name) || user.gid == group.gid;
        group.gid == Gid::from_raw(primary_gid) || user.is_some_and(listed)
    }
}

/// The credentials of one connection, as the kernel gave them when it was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    uid: u32,
    gid: u32,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        // An account that cannot be told is nobody: it may look, and nothing else.
        const NOBODY: u32 = 65_534;
        let credentials = stream.io().peer_cred().ok();
        Self {
            uid: credentials.map_or(NOBODY, |it| it.uid()),
            gid: credentials.map_or(NOBODY, |it| it.gid()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let peer = parts.extensions.get::<axum::extract::ConnectInfo<Peer>>();
        let gate = parts.extensions.get::<Arc<Gate>>();
        match (peer, gate) {
            (Some(peer), Some(gate)) => Ok(gate.admit(peer.0.uid, peer.0.gid)),
            _ => Err(Problem::forbidden(
                "who asks could not be told from the connection",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(daemon_uid: Option<u32>) -> Gate {
        Gate {
            operators_group: "no-such-group-here".to_owned(),
            daemon_uid,
        }
    }

    #[test]
    fn root_operates_and_a_stranger_only_looks() {
        assert_eq!(gate(Some(990)).admit(0, 0).role, Role::Operator);
        assert_eq!(gate(Some(990)).admit(4_242, 4_242).role, Role::Viewer);
    }

    #[test]
    fn the_daemons_own_account_never_operates() {
        assert_eq!(gate(Some(990)).admit(990, 990).role, Role::Daemon);
    }

    #[test]
    fn on_a_store_of_their_own_a_person_operates() {
        assert_eq!(gate(None).admit(1_000, 1_000).role, Role::Operator);
    }
}
