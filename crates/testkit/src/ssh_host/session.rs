//! One SSH connection on the simulated host: who may log in, which channels open, what becomes of commands.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use russh::keys::PublicKey;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session as Wire, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Sig};
use tokio::net::TcpStream;

use super::exec;
use super::host::{ExecRule, LoginRule, Shared};

/// The server's side of one connection.
pub(super) struct Session {
    shared: Arc<Shared>,
    /// Sessions that are open but have no command yet.
    waiting: HashMap<ChannelId, Channel<Msg>>,
    /// How many sessions are open.
    open: Arc<AtomicUsize>,
    slots: HashMap<ChannelId, Arc<Slot>>,
    /// The processes of commands, 0 where there is none any more.
    running: HashMap<ChannelId, Arc<AtomicI32>>,
}

/// One of the sessions a connection may hold open, given back when it is dropped.
pub(super) struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            waiting: HashMap::new(),
            open: Arc::default(),
            slots: HashMap::new(),
            running: HashMap::new(),
        }
    }

    fn accepts(&self, user: &str, key: &PublicKey) -> bool {
        let rules = self.shared.rules();
        rules.login == LoginRule::Keys
            && user == self.shared.login
            && rules
                .accepted
                .iter()
                .any(|known| known.key_data() == key.key_data())
    }

    async fn answer(&self, user: &str, key: &PublicKey) -> Auth {
        if self.shared.rules().login == LoginRule::NeverAnswers {
            return std::future::pending().await;
        }
        if self.accepts(user, key) {
            Auth::Accept
        } else {
            Auth::reject()
        }
    }
}

impl Handler for Session {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.answer(user, offer.public_key).await)
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.answer(user, key.public_key).await)
    }

    async fn auth_succeeded(&mut self, _wire: &mut Wire) -> Result<(), Self::Error> {
        self.shared.logins.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _wire: &mut Wire,
    ) -> Result<(), Self::Error> {
        let most = self.shared.rules().max_sessions;
        let before = self.open.fetch_add(1, Ordering::SeqCst);
        let slot = Arc::new(Slot(Arc::clone(&self.open)));
        if before >= most {
            // As sshd answers beyond MaxSessions.
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        }
        self.slots.insert(channel.id(), slot);
        self.waiting.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host_to_connect: &str,
        port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _wire: &mut Wire,
    ) -> Result<(), Self::Error> {
        let known = self.shared.rules().names.get(host_to_connect).copied();
        let port = u16::try_from(port_to_connect).unwrap_or(0);
        let connected = match known {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((host_to_connect, port)).await,
        };
        let Ok(mut outward) = connected else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return Ok(());
        };
        let _ = outward.set_nodelay(true);
        reply.accept().await;
        self.shared.tasks.spawn(async move {
            let mut inward = channel.into_stream();
            let _ = tokio::io::copy_bidirectional(&mut inward, &mut outward).await;
        });
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _wire: &mut Wire,
    ) -> Result<(), Self::Error> {
        self.waiting.remove(&channel);
        self.slots.remove(&channel);
        self.running.remove(&channel);
        Ok(())
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _wire: &mut Wire,
    ) -> Result<(), Self::Error> {
        let pid = self
            .running
            .get(&channel)
            .map(|pid| pid.load(Ordering::SeqCst));
        let signal = match signal {
            Sig::TERM => Signal::SIGTERM,
            Sig::HUP => Signal::SIGHUP,
            Sig::INT => Signal::SIGINT,
            Sig::KILL => Signal::SIGKILL,
            _ => return Ok(()),
        };
        // As sshd: to the process group of the session's first process.
        if let Some(pid) = pid.filter(|pid| *pid > 1) {
            let _ = killpg(Pid::from_raw(pid), signal);
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        wire: &mut Wire,
    ) -> Result<(), Self::Error> {
        self.shared.commands.fetch_add(1, Ordering::SeqCst);
        let rule = self.shared.rules().exec.clone();
        let Some(open) = self.waiting.remove(&channel) else {
            return wire.channel_failure(channel);
        };
        if rule == ExecRule::Refuses {
            return wire.channel_failure(channel);
        }
        wire.channel_success(channel)?;
        let slot = self.slots.remove(&channel);
        let pid = Arc::new(AtomicI32::new(0));
        self.running.insert(channel, Arc::clone(&pid));
        let running = exec::Running {
            shared: Arc::clone(&self.shared),
            wire: wire.handle(),
            slot,
            pid,
        };
        self.shared
            .tasks
            .spawn(running.run(open, command.to_vec(), rule));
        Ok(())
    }
}
