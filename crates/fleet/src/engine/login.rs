//! Logging in: with the keys an agent holds, and with those in files. Never with a password.

use std::path::Path;
use std::time::Duration;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet, Signer};
use tokio::net::UnixStream;
use tokio::time::timeout;
use watchkeeper_model::LookFailure;

use super::RusshEngine;
use super::config::MAX_KEYS_TRIED;
use super::keys::{OwnKey, Unusable};
use super::visitor::{Notes, Visitor, describe};
use crate::SshTarget;
use crate::rendered::excerpt;

/// How long an agent may take for one answer; a person may have to touch something.
const AGENT_TIMEOUT: Duration = Duration::from_secs(10);

type Agent = AgentClient<UnixStream>;

/// One login under way.
struct Login<'a> {
    target: &'a SshTarget,
    handle: &'a mut Handle<Visitor>,
    notes: &'a Notes,
    tried: usize,
    /// What the server goes on to offer, as it said last.
    methods: MethodSet,
    /// The first key of ours that is not as it should be.
    problem: Option<Unusable>,
}

/// What a try with one key came to.
enum Tried {
    In,
    Refused,
}

/// Logs in. The keys of the inventory come first, from the agent where it holds them, then what else the agent has.
pub(super) async fn login(
    engine: &RusshEngine,
    target: &SshTarget,
    handle: &mut Handle<Visitor>,
    notes: &Notes,
) -> Result<(), LookFailure> {
    let mut login = Login {
        target,
        handle,
        notes,
        tried: 0,
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        problem: None,
    };
    let mut agent = login.open_agent().await;
    let mut held = login.identities(agent.as_mut()).await;
    for path in &target.identity_files {
        if let Some(known) = public_key_beside(path)
            && let Some(agent) = agent.as_mut()
            && let Some(at) = held.iter().position(|identity| is_key(identity, &known))
        {
            let identity = held.remove(at);
            if let Tried::In = login.with_agent(agent, identity).await? {
                return Ok(());
            }
            continue;
        }
        match engine
            .keys
            .load(path, target.passphrase_file.as_deref())
            .await
        {
            Ok(own) => {
                if let Tried::In = login.with_file(own).await? {
                    return Ok(());
                }
            }
            Err(why) => login.note(why),
        }
    }
    if let Some(agent) = agent.as_mut() {
        for identity in held {
            if let Tried::In = login.with_agent(agent, identity).await? {
                return Ok(());
            }
        }
    }
    Err(login.into_failure().await)
}

fn is_key(identity: &AgentIdentity, key: &PublicKey) -> bool {
    identity.public_key().key_data() == key.key_data()
}

/// The public half of a key file: an agent that holds the key saves us reading the private half.
fn public_key_beside(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let text = std::fs::read_to_string(Path::new(&name)).ok()?;
    PublicKey::from_openssh(text.trim()).ok()
}

impl Login<'_> {
    fn note(&mut self, why: Unusable) {
        // An absent file is the least of problems: any other is told instead of it.
        if matches!(self.problem, None | Some(Unusable::Absent(_))) {
            self.problem = Some(why);
        }
    }

    fn agent_problem(&mut self, detail: String) {
        if let Some(path) = self.target.agent_socket.clone() {
            self.note(Unusable::Broken { path, detail });
        }
    }

    async fn open_agent(&mut self) -> Option<Agent> {
        let socket = self.target.agent_socket.as_ref()?;
        let mut agent = match timeout(AGENT_TIMEOUT, Agent::connect_uds(socket)).await {
            Ok(Ok(agent)) => agent,
            Ok(Err(error)) => {
                self.agent_problem(format!(
                    "no agent answers: {}",
                    excerpt(error.to_string().as_bytes())
                ));
                return None;
            }
            Err(_) => {
                self.agent_problem("the agent does not answer".to_owned());
                return None;
            }
        };
        if let Some(binding) = self.handle.agent_session_binding() {
            // An agent that does not know the request refuses it, which costs nothing.
            let _ = timeout(AGENT_TIMEOUT, agent.bind_session(binding, false)).await;
        }
        Some(agent)
    }

    async fn identities(&mut self, agent: Option<&mut Agent>) -> Vec<AgentIdentity> {
        let Some(agent) = agent else {
            return Vec::new();
        };
        match timeout(AGENT_TIMEOUT, agent.request_identities()).await {
            Ok(Ok(held)) => held,
            Ok(Err(error)) => {
                let said = excerpt(error.to_string().as_bytes());
                self.agent_problem(format!("the agent lists no keys: {said}"));
                Vec::new()
            }
            Err(_) => {
                self.agent_problem("the agent does not answer".to_owned());
                Vec::new()
            }
        }
    }

    /// Whether one more key may be tried.
    fn may_try(&mut self) -> bool {
        let may = self.tried < MAX_KEYS_TRIED && self.methods.contains(&MethodKind::PublicKey);
        self.tried += usize::from(may);
        may
    }

    async fn with_file(&mut self, own: OwnKey) -> Result<Tried, LookFailure> {
        let login = self.target.login.clone();
        if let Some(certificate) = own.certificate.clone()
            && self.may_try()
        {
            let key = own.key.clone();
            let answer = self
                .handle
                .authenticate_openssh_cert(&login, key, certificate)
                .await;
            if let Tried::In = self.answered(answer)? {
                return Ok(Tried::In);
            }
        }
        let Some(hash) = self.hash_for(&own.key.algorithm()).await? else {
            return Ok(Tried::Refused);
        };
        if !self.may_try() {
            return Ok(Tried::Refused);
        }
        let key = PrivateKeyWithHashAlg::new(own.key, hash);
        let answer = self.handle.authenticate_publickey(&login, key).await;
        self.answered(answer)
    }

    async fn with_agent(
        &mut self,
        agent: &mut Agent,
        identity: AgentIdentity,
    ) -> Result<Tried, LookFailure> {
        let algorithm = identity.public_key().algorithm();
        let Some(hash) = self.hash_for(&algorithm).await? else {
            return Ok(Tried::Refused);
        };
        if !self.may_try() {
            return Ok(Tried::Refused);
        }
        let login = self.target.login.clone();
        let mut signer = PatientSigner(agent);
        let answer = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                let asked = self
                    .handle
                    .authenticate_publickey_with(&login, key, hash, &mut signer);
                asked.await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                let asked = self.handle.authenticate_certificate_with(
                    &login,
                    certificate,
                    hash,
                    &mut signer,
                );
                asked.await
            }
        };
        match answer {
            Ok(answer) => self.answered(Ok(answer)),
            Err(SignFailed::NotSigned(why)) => {
                self.agent_problem(format!("the agent does not sign: {why}"));
                Ok(Tried::Refused)
            }
            Err(SignFailed::Lost) => Err(self.lost()),
        }
    }

    /// How an RSA key signs: by SHA-2 only. Nothing where the server takes RSA only with SHA-1.
    async fn hash_for(
        &mut self,
        algorithm: &Algorithm,
    ) -> Result<Option<Option<HashAlg>>, LookFailure> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(Some(None));
        }
        match self.handle.best_supported_rsa_hash().await {
            Ok(Some(Some(hash))) => Ok(Some(Some(hash))),
            Ok(Some(None)) => {
                tracing::warn!(address = %self.target.address, "the server takes RSA keys only with SHA-1");
                Ok(None)
            }
            Ok(None) => Ok(Some(Some(HashAlg::Sha512))),
            Err(_) => Err(self.lost()),
        }
    }

    fn answered(&mut self, answer: Result<AuthResult, russh::Error>) -> Result<Tried, LookFailure> {
        match answer {
            Ok(AuthResult::Success) => Ok(Tried::In),
            Ok(AuthResult::Failure {
                remaining_methods, ..
            }) => {
                // A lost connection looks like a refusal that offers nothing more.
                if remaining_methods.is_empty() && self.handle.is_closed() {
                    return Err(self.lost());
                }
                self.methods = remaining_methods;
                Ok(Tried::Refused)
            }
            Err(error) => {
                tracing::debug!(error = describe(&error), "a login ended");
                Err(self.lost())
            }
        }
    }

    /// The connection ended before the login did. After a refusal that is the server's last word on it.
    fn lost(&self) -> LookFailure {
        let detail = self
            .notes
            .ended()
            .unwrap_or_else(|| "it was lost during the login".to_owned());
        if self.tried > 1 {
            return LookFailure::LoginRefused {
                login: excerpt(self.target.login.as_bytes()),
                methods: format!("nothing more: {detail}"),
            };
        }
        LookFailure::ClosedEarly {
            address: excerpt(self.target.address_and_port().as_bytes()),
            detail,
        }
    }

    async fn into_failure(mut self) -> LookFailure {
        let login = excerpt(self.target.login.as_bytes());
        if self.tried == 0
            && let Ok(AuthResult::Failure {
                remaining_methods, ..
            }) = self.handle.authenticate_none(&self.target.login).await
            && !remaining_methods.is_empty()
        {
            self.methods = remaining_methods;
        }
        let offers = |kind| self.methods.contains(&kind);
        if !offers(MethodKind::PublicKey)
            && (offers(MethodKind::Password) || offers(MethodKind::KeyboardInteractive))
        {
            return LookFailure::PasswordOnly { login };
        }
        match self.problem.take() {
            Some(why @ Unusable::Broken { .. }) => why.into_failure(),
            Some(why) if self.tried == 0 => why.into_failure(),
            None if self.tried == 0 => LookFailure::KeyUnusable {
                path: self
                    .target
                    .agent_socket
                    .as_ref()
                    .map_or_else(String::new, |path| {
                        excerpt(path.display().to_string().as_bytes())
                    }),
                detail: "no key is set, and no agent holds one".to_owned(),
            },
            _ => LookFailure::LoginRefused {
                login,
                methods: if self.methods.is_empty() {
                    "nothing more".to_owned()
                } else {
                    let names: Vec<&'static str> = self.methods.iter().map(Into::into).collect();
                    names.join(",")
                },
            },
        }
    }
}

/// Why an agent gave no signature.
enum SignFailed {
    NotSigned(String),
    Lost,
}

impl From<russh::SendError> for SignFailed {
    fn from(_: russh::SendError) -> Self {
        Self::Lost
    }
}

/// An agent that signs in time or not at all.
struct PatientSigner<'a>(&'a mut Agent);

impl Signer for PatientSigner<'_> {
    type Error = SignFailed;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignFailed> {
        match timeout(AGENT_TIMEOUT, self.0.sign_request(key, hash, to_sign)).await {
            Ok(Ok(signed)) => Ok(signed),
            Ok(Err(error)) => Err(SignFailed::NotSigned(excerpt(error.to_string().as_bytes()))),
            Err(_) => Err(SignFailed::NotSigned("it does not answer".to_owned())),
        }
    }
}
