//! A mail server that speaks SMTP: plain, after STARTTLS, or encrypted from the start; with an account where it wants one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::wire::lock;
use crate::tls::acceptor;

/// Longest line, without its end: a server may refuse what is longer.
const MAX_LINE_BYTES: usize = 998;

/// A mail as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The sender of its envelope.
    pub from: String,
    /// The receivers of its envelope.
    pub to: Vec<String>,
    /// Header and body as they came.
    pub data: String,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// The account that sent it.
    pub login: Option<String>,
}

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFault {
    /// Every connection is closed at once.
    Down,
    /// Nothing is ever said.
    Silent,
    /// It is too busy: 421.
    Busy,
    /// It takes mail for nobody: 550.
    RejectsReceivers,
    /// It closes in the middle of a mail.
    CutInData,
}

/// How it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    None,
    StartTls,
    Implicit,
}

struct Shared {
    encryption: Encryption,
    account: Mutex<Option<(String, String)>>,
    no_mailbox: Mutex<Vec<String>>,
    fault: Mutex<Option<MailFault>>,
    mails: Mutex<Vec<Mail>>,
}

/// A mail server.
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl std::fmt::Debug for MailServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl MailServer {
    /// Starts one that encrypts nothing.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start() -> Self {
        Self::start_with(Encryption::None).await
    }

    /// Starts one that encrypts after STARTTLS and takes nothing before; its authority is that of
    /// [`crate::model_server::authority`].
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start_with_starttls() -> Self {
        Self::start_with(Encryption::StartTls).await
    }

    /// Starts one that encrypts from the first byte.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start_encrypted() -> Self {
        Self::start_with(Encryption::Implicit).await
    }

    async fn start_with(encryption: Encryption) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("the machine has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            encryption,
            account: Mutex::default(),
            no_mailbox: Mutex::default(),
            fault: Mutex::default(),
            mails: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _tasks: tasks,
        }
    }

    /// Its address, as a channel says it.
    #[must_use]
    pub fn url(&self) -> String {
        let port = self.address.port();
        match self.shared.encryption {
            Encryption::None => format!("smtp://127.0.0.1:{port}"),
            Encryption::StartTls => format!("smtp+starttls://localhost:{port}"),
            Encryption::Implicit => format!("smtps://localhost:{port}"),
        }
    }

    /// Fails from now on, or no longer.
    pub fn fails(&self, fault: impl Into<Option<MailFault>>) {
        *lock(&self.shared.fault) = fault.into();
    }

    /// Wants this account of everybody.
    pub fn wants_account(&self, login: &str, password: &str) {
        *lock(&self.shared.account) = Some((login.to_owned(), password.to_owned()));
    }

    /// Has no mailbox of this name.
    pub fn has_no_mailbox(&self, address: &str) {
        lock(&self.shared.no_mailbox).push(address.to_owned());
    }

    /// The mails so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.mails).clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let shared = Arc::clone(&shared);
                // How a connection ends is the client's to judge.
                connections.spawn(async move { drop(connection(stream, &shared).await) });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    if *lock(&shared.fault) == Some(MailFault::Down) {
        return Ok(());
    }
    if shared.encryption == Encryption::Implicit {
        let stream = acceptor().accept(stream).await?;
        let mut talk = Talk::new(stream, shared, true);
        talk.greet().await?;
        return talk.go_on().await.map(drop);
    }
    let mut talk = Talk::new(stream, shared, false);
    talk.greet().await?;
    if talk.go_on().await? == Next::Encrypt {
        let stream = acceptor().accept(talk.stream.into_inner()).await?;
        Talk::new(stream, shared, true).go_on().await?;
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Encrypt,
    End,
}

/// One side of a conversation.
struct Talk<'s, S> {
    stream: BufReader<S>,
    shared: &'s Shared,
    encrypted: bool,
    login: Option<String>,
    from: String,
    to: Vec<String>,
}

impl<'s, S: AsyncRead + AsyncWrite + Unpin> Talk<'s, S> {
    fn new(stream: S, shared: &'s Shared, encrypted: bool) -> Self {
        Self {
            stream: BufReader::new(stream),
            shared,
            encrypted,
            login: None,
            from: String::new(),
            to: Vec::new(),
        }
    }

    fn fault(&self) -> Option<MailFault> {
        *lock(&self.shared.fault)
    }

    async fn say(&mut self, line: &str) -> std::io::Result<()> {
        self.stream
            .write_all(format!("{line}\r\n").as_bytes())
            .await?;
        self.stream.flush().await
    }

    async fn hear(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).await?;
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn greet(&mut self) -> std::io::Result<()> {
        match self.fault() {
            Some(MailFault::Silent) => {
                while self.hear().await?.is_some() {}
                Ok(())
            }
            Some(MailFault::Busy) => self.say("421 4.3.2 too busy, come again later").await,
            _ => self.say("220 mail.test ESMTP").await,
        }
    }

    async fn go_on(&mut self) -> std::io::Result<Next> {
        while let Some(line) = self.hear().await? {
            let word = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let rest = line.get(word.len()..).unwrap_or_default().trim();
            match word.as_str() {
                "EHLO" | "HELO" => self.hello().await?,
                "STARTTLS" if self.shared.encryption == Encryption::StartTls && !self.encrypted => {
                    self.say("220 2.0.0 go ahead").await?;
                    return Ok(Next::Encrypt);
                }
                "AUTH" => self.log_in(rest).await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.receiver(rest).await?,
                "DATA" => {
                    if !self.data().await? {
                        return Ok(Next::End);
                    }
                }
                "RSET" | "NOOP" => self.say("250 2.0.0 ok").await?,
                "QUIT" => {
                    self.say("221 2.0.0 bye").await?;
                    return Ok(Next::End);
                }
                _ => self.say("502 5.5.2 what?").await?,
            }
        }
        Ok(Next::End)
    }

    async fn hello(&mut self) -> std::io::Result<()> {
        let mut offers = vec!["mail.test", "8BITMIME", "SMTPUTF8", "SIZE 10000000"];
        if self.shared.encryption == Encryption::StartTls && !self.encrypted {
            offers.push("STARTTLS");
        } else if lock(&self.shared.account).is_some() {
            offers.push("AUTH PLAIN LOGIN");
        }
        let last = offers.len() - 1;
        for (place, offer) in offers.into_iter().enumerate() {
            let mark = if place == last { ' ' } else { '-' };
            self.say(&format!("250{mark}{offer}")).await?;
        }
        Ok(())
    }

    async fn log_in(&mut self, rest: &str) -> std::io::Result<()> {
        let decoded = |text: &str| {
            let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        let said = if mechanism.eq_ignore_ascii_case("PLAIN") {
            let text = decoded(first);
            let mut parts = text.split('\0').skip(1).map(str::to_owned);
            parts.next().zip(parts.next())
        } else {
            self.say("334 VXNlcm5hbWU6").await?;
            let login = decoded(&self.hear().await?.unwrap_or_default());
            self.say("334 UGFzc3dvcmQ6").await?;
            let word = decoded(&self.hear().await?.unwrap_or_default());
            Some((login, word))
        };
        let known = lock(&self.shared.account).clone();
        if said.is_some() && said == known {
            self.login = said.map(|(login, _)| login);
            self.say("235 2.7.0 welcome").await
        } else {
            self.say("535 5.7.8 authentication failed").await
        }
    }

    async fn mail(&mut self, rest: &str) -> std::io::Result<()> {
        if self.shared.encryption == Encryption::StartTls && !self.encrypted {
            return self.say("530 5.7.0 must issue STARTTLS first").await;
        }
        if lock(&self.shared.account).is_some() && self.login.is_none() {
            return self.say("530 5.7.0 authentication required").await;
        }
        self.from = address(rest);
        self.to.clear();
        self.say("250 2.1.0 ok").await
    }

    async fn receiver(&mut self, rest: &str) -> std::io::Result<()> {
        let to = address(rest);
        let unknown = lock(&self.shared.no_mailbox).contains(&to);
        if unknown || self.fault() == Some(MailFault::RejectsReceivers) {
            return self.say("550 5.1.1 no such mailbox here").await;
        }
        self.to.push(to);
        self.say("250 2.1.5 ok").await
    }

    /// False where the conversation breaks off.
    async fn data(&mut self) -> std::io::Result<bool> {
        self.say("354 end with a dot").await?;
        let (mut data, mut too_long) = (String::new(), false);
        loop {
            let Some(line) = self.hear().await? else {
                return Ok(false);
            };
            if self.fault() == Some(MailFault::CutInData) {
                return Ok(false);
            }
            if line == "." {
                break;
            }
            too_long |= line.len() > MAX_LINE_BYTES;
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push('\n');
        }
        if too_long || !data.is_ascii() {
            self.say("554 5.6.0 lines are too long, or not in ASCII")
                .await?;
            return Ok(true);
        }
        lock(&self.shared.mails).push(Mail {
            from: self.from.clone(),
            to: std::mem::take(&mut self.to),
            data,
            encrypted: self.encrypted,
            login: self.login.clone(),
        });
        self.say("250 2.0.0 taken").await?;
        Ok(true)
    }
}

/// What stands between the angles.
fn address(text: &str) -> String {
    let inner = text
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(|| text.to_owned(), |(address, _)| address.to_owned())
}
