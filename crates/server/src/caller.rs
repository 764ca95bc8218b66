//! Who asks, and what they may do: the account that the kernel names at the other end of the socket. Nothing that is
//! sent says who somebody is.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use nix::unistd::{Gid, Group, Uid, User};
use watchkeeper_model::Person;
use watchkeeper_watch::{Operation, Role, Roles, may};

use crate::problem::{Kind, Problem};

/// How long the system may take to say which account a number is: it may ask a directory over the network.
const NAMES_WITHIN: Duration = Duration::from_secs(10);

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
    /// The account the daemon runs as: it never approves, unless it is root. None where no daemon runs.
    pub daemon_uid: Option<u32>,
}

/// The account of this name, whatever it may do.
pub(crate) async fn account(name: &str) -> Result<Option<Person>, Problem> {
    let asked = name.to_owned();
    let found = tokio::task::spawn_blocking(move || User::from_name(&asked).ok().flatten());
    match tokio::time::timeout(NAMES_WITHIN, found).await {
        Ok(Ok(user)) => Ok(user.map(|user| Person {
            name: user.name,
            uid: user.uid.as_raw(),
        })),
        Ok(Err(_)) | Err(_) => {
            let title = format!("the system did not say whether there is an account {name}");
            Err(Problem::new(Kind::Unavailable, title).advise("getent passwd"))
        }
    }
}

/// Who has which role, for those who are known by a name and not by a socket.
pub trait Accounts: Send + Sync + std::fmt::Debug {
    /// The account of this name and what it may do; none where there is none. It may ask a directory, and wait for it.
    fn find(&self, name: &str) -> Option<Caller>;
}

impl Accounts for Gate {
    fn find(&self, name: &str) -> Option<Caller> {
        let user = User::from_name(name).ok().flatten()?;
        Some(self.admit_peer(Peer {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }))
    }
}

impl Gate {
    /// The caller behind an account's number, in process: where no daemon runs, the store is the caller's own.
    #[must_use]
    pub fn admit(&self, uid: u32, primary_gid: u32) -> Caller {
        let caller = self.admit_peer(Peer {
            uid,
            gid: primary_gid,
        });
        match self.daemon_uid {
            None => Caller {
                role: Role::Operator,
                ..caller
            },
            Some(_) => caller,
        }
    }

    /// The caller at the other end of a socket. Groups are looked up at every call, so a change counts at once.
    pub(crate) fn admit_peer(&self, peer: Peer) -> Caller {
        let user = User::from_uid(Uid::from_raw(peer.uid)).ok().flatten();
        let name = user
            .as_ref()
            .map_or_else(|| format!("uid {}", peer.uid), |user| user.name.clone());
        let role = match peer.uid {
            0 => Role::Operator,
            uid if self.daemon_uid == Some(uid) => Role::Daemon,
            _ if self.is_operator(peer.gid, user.as_ref()) => Role::Operator,
            _ => Role::Viewer,
        };
        let uid = peer.uid;
        Caller {
            person: Person { name, uid },
            role,
        }
    }

    /// What an account is now by the system's database alone; none where there is none of this number and name.
    fn account(&self, person: &Person) -> Option<Role> {
        let user = User::from_uid(Uid::from_raw(person.uid)).ok().flatten()?;
        let peer = Peer {
            uid: person.uid,
            gid: user.gid.as_raw(),
        };
        (user.name == person.name).then(|| self.admit_peer(peer).role)
    }

    fn is_operator(&self, primary_gid: u32, user: Option<&User>) -> bool {
        let Ok(Some(group)) = Group::from_name(&self.operators_group) else {
            return false;
        };
        let listed = |user: &User| group.mem.contains(&user.name) || user.gid == group.gid;
        group.gid == Gid::from_raw(primary_gid) || user.is_some_and(listed)
    }
}

impl Roles for Gate {
    fn role_of(&self, person: &Person) -> Option<Role> {
        self.account(person)
    }
}

/// The account at the other end of one connection, as the kernel gave it when it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// What a connection brings to each of its requests.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) peer: Peer,
    pub(crate) gate: Arc<Gate>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let Some(Connection { peer, gate }) = parts.extensions.get::<Connection>().cloned() else {
            return Err(Problem::new(
                Kind::Forbidden,
                "who asks could not be told from the connection",
            ));
        };
        let admitted = tokio::task::spawn_blocking(move || gate.admit_peer(peer));
        match tokio::time::timeout(NAMES_WITHIN, admitted).await {
            Ok(Ok(caller)) => {
                parts.extensions.insert(caller.clone());
                Ok(caller)
            }
            Ok(Err(_)) | Err(_) => {
                let title = format!("the system did not say which account uid {} is", peer.uid);
                Err(Problem::new(Kind::Unavailable, title).advise("getent passwd"))
            }
        }
    }
}

impl Caller {
    /// Refuses what the caller's role does not allow.
    pub(crate) fn require(&self, operation: Operation) -> Result<(), Problem> {
        may(self.role, operation).map_err(|why| {
            let name = &self.person.name;
            Problem::new(Kind::Forbidden, format!("{name} may not do this: {why}")).advise(
                "do it as root or as a member of the operators' group (server.operators_group)",
            )
        })
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
    fn the_daemons_own_account_does_not_operate_as_a_member_of_the_group() {
        let group = Group::from_gid(Gid::from_raw(0))
            .expect("asked")
            .expect("every system has it");
        let gate = Gate {
            operators_group: group.name,
            daemon_uid: Some(990),
        };
        assert_eq!(gate.admit(990, 0).role, Role::Daemon);
        assert_eq!(gate.admit(4_242, 0).role, Role::Operator);
        assert_eq!(gate.admit(4_242, 4_242).role, Role::Viewer);
    }

    #[test]
    fn on_a_store_of_their_own_a_person_operates_and_over_a_socket_nobody_does_for_that() {
        assert_eq!(gate(None).admit(1_000, 1_000).role, Role::Operator);
        let (uid, gid) = (1_000, 1_000);
        assert_eq!(gate(None).admit_peer(Peer { uid, gid }).role, Role::Viewer);
    }

    #[test]
    fn an_account_is_known_by_its_number_and_its_name() {
        let person = |uid: u32, name: &str| Person {
            name: name.to_owned(),
            uid,
        };
        let gate = gate(Some(990));
        assert_eq!(gate.role_of(&person(0, "root")), Some(Role::Operator));
        assert_eq!(gate.role_of(&person(0, "somebody else")), None);
        assert_eq!(gate.role_of(&person(4_242_424, "gone")), None);
    }

    #[test]
    fn who_is_found_by_name_has_the_role_of_the_account() {
        let root = gate(Some(990)).find("root").expect("every system has it");
        assert_eq!((root.person.uid, root.role), (0, Role::Operator));
        assert_eq!(gate(Some(990)).find("no-such-account-here"), None);
    }

    #[test]
    fn a_refusal_says_who_what_and_what_to_do() {
        let caller = gate(Some(990)).admit(4_242, 4_242);
        let problem = caller.require(Operation::Approve).expect_err("a viewer");
        assert_eq!(
            problem.title,
            "uid 4242 may not do this: only root and members of the operators' group may decide about actions"
        );
        assert!(problem.detail.contains("server.operators_group"));
    }
}
