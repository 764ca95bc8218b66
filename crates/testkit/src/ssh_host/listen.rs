//! The simulated host's port, and the wire of each connection: it can be cut, frozen and given a voice of its own.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use russh::server::Config;
use russh::{MethodKind, MethodSet, SshId};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::host::{Greeting, Line, LoginRule, Shared};
use super::session::Session;

/// How much stands in the wire between the port and the server.
const WIRE_BYTES: usize = 256 * 1024;

/// Accepts connections while the host is up, and listens again when it comes back.
pub(super) async fn accept(shared: Arc<Shared>, first: TcpListener, address: SocketAddr) {
    let mut line = shared.line.subscribe();
    let mut listener = Some(first);
    loop {
        let up = line.borrow_and_update().up;
        if !up {
            listener = None;
        } else if listener.is_none() {
            listener = Some(listen_again(address));
        }
        shared.listening.send_replace(listener.is_some());
        tokio::select! {
            () = shared.stop.cancelled() => return,
            changed = line.changed() => if changed.is_err() { return },
            accepted = next(listener.as_ref()) => {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                shared.tasks.spawn(serve(Arc::clone(&shared), accepted));
            }
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        Some(listener) => loop {
            if let Ok((stream, _)) = listener.accept().await {
                return stream;
            }
        },
        None => std::future::pending().await,
    }
}

fn listen_again(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket.bind(address).expect("the port is free again");
    socket.listen(64).expect("a listener")
}

/// Serves one connection until it ends, is cut, or the host goes.
async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    let mut line = shared.line.subscribe();
    let cuts = line.borrow_and_update().cuts;
    let stop = shared.stop.clone();
    let greeting = shared.rules().greeting.clone();
    let _ = stream.set_nodelay(true);
    let conversation = async {
        match greeting {
            Greeting::Prompt => {}
            Greeting::After(pause) => tokio::time::sleep(pause).await,
            Greeting::Silent => std::future::pending().await,
            Greeting::Closes => return,
            Greeting::Says(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
        }
        let (inner, server) = tokio::io::duplex(WIRE_BYTES);
        let config = Arc::new(config(&shared));
        let session = Session::new(Arc::clone(&shared));
        shared.tasks.spawn(async move {
            if let Ok(running) = russh::server::run_stream(config, server, session).await {
                let _ = running.await;
            }
        });
        carry(stream, inner, line.clone()).await;
    };
    let mut watched = shared.line.subscribe();
    tokio::select! {
        () = stop.cancelled() => {}
        _ = watched.wait_for(|now| now.cuts != cuts) => {}
        () = conversation => {}
    }
}

/// Carries bytes both ways; none while the line is frozen.
async fn carry(mut outer: TcpStream, mut inner: DuplexStream, mut line: watch::Receiver<Line>) {
    loop {
        if line.wait_for(|now| !now.frozen).await.is_err() {
            return;
        }
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut outer, &mut inner) => return,
            _ = line.wait_for(|now| now.frozen) => {}
        }
    }
}

fn config(shared: &Shared) -> Config {
    let rules = shared.rules();
    let methods: &[MethodKind] = match rules.login {
        LoginRule::PasswordsOnly => &[MethodKind::Password, MethodKind::KeyboardInteractive],
        LoginRule::Keys | LoginRule::RefusesKeys | LoginRule::NeverAnswers => {
            &[MethodKind::PublicKey]
        }
    };
    Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-OpenSSH_9.2 simulated")),
        methods: MethodSet::from(methods),
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: rules.host_keys.clone(),
        certificates: rules.certificates.clone(),
        channel_buffer_size: 1_000,
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    }
}
