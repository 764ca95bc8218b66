//! What a command works with: a way to the use cases, and what is known of the person. Where a daemon answers, it is
//! asked. Where none runs, the same router runs here, on the store itself, and the store is locked meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use watchkeeper_model::Clock as _;
use watchkeeper_server::{Gate, Serving, router};
use watchkeeper_store::{LockRefused, Store, StoreError, StoreLock};
use watchkeeper_watch::{Watch, work};

use crate::args::{Common, Output};
use crate::called::Called;
use crate::client::{Client, Reach};
use crate::clock::SystemClock;
use crate::compose::{self, House};
use crate::config::{Config, ConfigError, Loaded, Origin, is_system};
use crate::failure::{CommandError, Kind};
use crate::interrupts::Interrupts;
use crate::log;
use crate::show::Page;
use crate::surroundings::{Surroundings, columns_now};

/// Where the system's daemon answers if its configuration says nothing else.
const SYSTEM_SOCKET: &str = "/run/watchkeeper/socket";
/// How long another command may keep the store until that is an error.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// How long a command stays for what an earlier process left running.
const LINGER: Duration = Duration::from_secs(10);
/// Below this nobody wonders why a command does not end.
const UNTOLD: Duration = Duration::from_millis(500);
/// How long telling people may take at the end of a command.
const TELL_WITHIN: Duration = Duration::from_secs(15);
/// How long open connections may take to close at the end.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Session {
    /// The way to the use cases.
    pub(crate) client: Client,
    /// What texts are written for.
    pub(crate) page: Page,
    /// Who reads the answer.
    pub(crate) output: Output,
    /// How the person types commands.
    pub(crate) called: Called,
    /// Whether progress is shown.
    pub(crate) progress: bool,
    /// Whether somebody is there to be asked.
    pub(crate) terminal: bool,
    /// Whether somebody types.
    pub(crate) types: bool,
    /// Whether somebody reads on a terminal.
    pub(crate) reads: bool,
    /// Where Ctrl-C arrives.
    pub(crate) interrupts: Arc<Interrupts>,
    /// How long a daemon that went away is waited for.
    pub(crate) daemon_back_within: Duration,
    /// What the person edits with.
    pub(crate) editor: Option<String>,
    state_home: PathBuf,
    own: Option<Own>,
}

/// What this process does itself, where no daemon runs.
#[derive(Debug)]
struct Own {
    tasks: TaskTracker,
    /// Ends the following of what an earlier process left running, once the command itself is done.
    done: CancellationToken,
    /// Ends the serving of lanes with the command itself.
    lanes: CancellationToken,
    serves: AtomicBool,
    house: House,
    store: Store,
    lock: StoreLock,
}

impl Session {
    /// Finds a daemon, or opens the store.
    pub(crate) async fn open(
        common: &Common,
        around: &Surroundings,
        called: &Called,
    ) -> Result<Self, CommandError> {
        let loaded = read(common, around)?;
        if loaded.origin("log") != Origin::Default {
            log::start(&loaded.config.log, around);
        }
        let daemon_back_within = loaded.config.talk.daemon_back_within.0;
        let (client, own) = match find_daemon(common, &loaded, around).await? {
            Some(socket) => {
                warn_of_files(&loaded);
                (Client::Socket(socket), None)
            }
            None => {
                let (client, own) = Own::open(&loaded.strict()?.config, around).await?;
                (client, Some(own))
            }
        };
        Ok(Self {
            client,
            page: page(around),
            output: common.output,
            called: called.clone(),
            progress: around.stderr_terminal && common.output == Output::Text,
            terminal: around.stdin_terminal && around.stderr_terminal,
            types: around.stdin_terminal,
            reads: around.stdout_terminal,
            interrupts: Arc::default(),
            daemon_back_within,
            editor: around.editor.clone(),
            state_home: around.state_home.clone(),
            own,
        })
    }

    /// Whether this process does the work itself, and must stay until it is done.
    pub(crate) const fn works_itself(&self) -> bool {
        self.own.is_some()
    }

    /// The page as it is now: a talk lasts, and its terminal may change its width.
    pub(crate) fn page_now(&self) -> Page {
        Page {
            width: if self.reads {
                columns_now(self.page.width)
            } else {
                self.page.width
            },
            now: SystemClock.now(),
            ..self.page
        }
    }

    /// Where what is typed in talks is kept.
    pub(crate) fn history(&self) -> PathBuf {
        self.state_home.join("watchkeeper/chat_history")
    }

    /// Has this process serve its lanes while the command lasts, where no daemon does.
    pub(crate) fn serve_own_lanes(&self) {
        if let Some(own) = &self.own {
            own.serve_lanes();
        }
    }

    /// Waits for what goes on after the answer, and lets go of the store.
    pub(crate) async fn close(self) {
        let Some(Own {
            tasks,
            done,
            lanes,
            serves: _,
            house,
            store,
            lock,
        }) = self.own
        else {
            return;
        };
        lanes.cancel();
        drop(self.client);
        tasks.close();
        linger(&tasks, self.progress).await;
        done.cancel();
        tasks.wait().await;
        tell(&house.watch).await;
        let _ = tokio::time::timeout(CLOSE_WITHIN, house.fleet.close_all()).await;
        drop(house);
        store.close().await;
        drop(lock);
    }
}

/// Tells people what this command has brought about: no daemon does it later. What a channel does not take in time is kept
/// for the next command.
async fn tell(watch: &Watch) {
    if !watch.tells_people() {
        return;
    }
    match tokio::time::timeout(TELL_WITHIN, watch.tell_before_leaving()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "people could not be told"),
        Err(_) => tracing::warn!("a channel is slow; what it did not take is kept"),
    }
}

/// Stays a little for what is still under way: what an earlier process left would not come on at all if every command
/// let go of it at once.
async fn linger(tasks: &TaskTracker, tells: bool) {
    use std::io::Write as _;
    if tokio::time::timeout(UNTOLD, tasks.wait()).await.is_ok() {
        return;
    }
    if tells {
        let _ = writeln!(
            std::io::stderr(),
            "something is still under way on a host; Ctrl-C leaves it there, and nothing is lost"
        );
    }
    let _ = tokio::time::timeout(LINGER, tasks.wait()).await;
}

/// What texts are written for.
pub(crate) fn page(around: &Surroundings) -> Page {
    Page {
        width: around.width,
        colour: around.colour,
        now: SystemClock.now(),
    }
}

impl Own {
    /// Jobs that others left are served, too, for as long as this lasts: it is one queue.
    fn serve_lanes(&self) {
        if self.serves.swap(true, Ordering::Relaxed) {
            return;
        }
        let (watch, stop) = (self.house.watch.clone(), self.lanes.clone());
        self.tasks.spawn(work(watch, stop));
    }

    async fn open(config: &Config, around: &Surroundings) -> Result<(Client, Self), CommandError> {
        let store = open_store(config).await?;
        let lock = take_lock(&store, config, LOCK_PATIENCE).await?;
        let house = compose::build(config, around, store.clone())
            .map_err(|error| CommandError::usage(error).hint("watchkeeper config check"))?;
        let tasks = TaskTracker::new();
        let serving = Serving {
            watch: house.watch.clone(),
            tasks: tasks.clone(),
            daemon: false,
        };
        let done = CancellationToken::new();
        let alone = config.store.url.sqlite_path().is_some();
        if alone {
            house.watch.is_one_persons();
            house.watch.end_left_looks().await?;
        }
        if house.watch.tells_people() {
            house.watch.begin_notices().await?;
        }
        tasks.spawn(take_up(house.watch.clone(), alone, done.clone()));
        let gate = Gate {
            operators_group: config.server.operators_group.clone(),
            daemon_uid: service_uid(around),
        };
        let caller = gate.admit(around.uid, around.gid);
        let client = Client::InProcess(Box::new((router(serving), caller)));
        Ok((
            client,
            Self {
                tasks,
                done,
                lanes: CancellationToken::new(),
                serves: AtomicBool::new(false),
                house,
                store,
                lock,
            },
        ))
    }
}

/// Goes on with what an earlier process left, for as long as the command lasts and a little longer: there is no daemon
/// to do it.
async fn take_up(watch: Watch, alone: bool, done: CancellationToken) {
    if let Err(error) = watch.take_up(alone, &done).await {
        tracing::warn!(error = %error, "what an earlier process left could not be taken up");
    }
}

/// The account that the system's daemon runs as, when it is ours: it decides no more by hand than as a daemon.
fn service_uid(around: &Surroundings) -> Option<u32> {
    (is_system(around) && around.uid != 0).then_some(around.uid)
}

/// The socket of the daemon that answers, if one does.
pub(crate) async fn find_daemon(
    common: &Common,
    loaded: &Loaded,
    around: &Surroundings,
) -> Result<Option<PathBuf>, CommandError> {
    if common.no_daemon {
        return Ok(None);
    }
    for socket in sockets(loaded, around) {
        match Client::reach(&socket).await {
            Reach::Answers => {
                warn_of_flags(common, loaded, &socket);
                return Ok(Some(socket));
            }
            Reach::Nobody => {}
            Reach::Refused(error) => return Err(refused(&socket, error, around)),
        }
    }
    Ok(None)
}

/// Where a daemon may answer: where the configuration says; else the system's, and for others than root their own.
fn sockets(loaded: &Loaded, around: &Surroundings) -> Vec<PathBuf> {
    let configured = loaded.config.server.socket.clone();
    if is_system(around) || loaded.origin("server.socket") != Origin::Default {
        return vec![configured];
    }
    vec![PathBuf::from(SYSTEM_SOCKET), configured]
}

fn refused(socket: &Path, error: std::io::Error, around: &Surroundings) -> CommandError {
    let what = format!(
        "{} cannot reach the daemon's socket {}",
        around.user,
        socket.display()
    );
    CommandError::failed(anyhow!(error).context(what))
        .kind(Kind::Refused)
        .hint("let this account into the directory of the socket, or do it as root")
        .hint("--no-daemon, to work with a store of your own")
}

/// Reads the configuration. A mistake in a file is looked over for now: a daemon that answers has read it before.
fn read(common: &Common, around: &Surroundings) -> Result<Loaded, CommandError> {
    let loaded = Config::look(common, around);
    let typed = !common.config.is_empty() || !common.set.is_empty();
    if typed || !loaded.errors.iter().all(ConfigError::lies_in_a_file) {
        return Ok(loaded.strict()?);
    }
    Ok(loaded)
}

/// Who asks a daemon is told of a mistake, and answered all the same: it is then that one wants to look.
fn warn_of_files(loaded: &Loaded) {
    use std::io::Write as _;
    if let Some(error) = loaded.errors.first() {
        let said = watchkeeper_model::visible(&error.line()).into_owned();
        let _ = writeln!(
            std::io::stderr(),
            "note: {said}; the daemon goes on with what it has read before"
        );
    }
}

/// A daemon has its own configuration: what flags say would be believed and not done. Who says with them where the
/// daemon is, knows that.
fn warn_of_flags(common: &Common, loaded: &Loaded, socket: &Path) {
    use std::io::Write as _;
    let meant = matches!(
        loaded.origin("server.socket"),
        Origin::Flag(_) | Origin::Variable(_)
    );
    if !meant && !common.set.is_empty() {
        let at = socket.display();
        let _ = writeln!(
            std::io::stderr(),
            "note: the daemon at {at} answers; --set changes nothing there"
        );
    }
}

/// Opens the configured store.
pub(crate) async fn open_store(config: &Config) -> Result<Store, CommandError> {
    let address = config.store.address().with_context(|| {
        format!(
            "could not read store.password_file {}",
            config
                .store
                .password_file
                .as_deref()
                .unwrap_or(Path::new(""))
                .display()
        )
    });
    let address = address.map_err(CommandError::usage)?;
    Store::open(address.reveal())
        .await
        .map_err(|error| store_error(error, config))
}

/// A failure to open the store, with what to do about it.
pub(crate) fn store_error(error: StoreError, config: &Config) -> CommandError {
    let hint = match &error {
        StoreError::Unavailable { .. } | StoreError::Busy { .. } => {
            "start the database, or correct store.url: watchkeeper config show"
        }
        StoreError::File { .. } => {
            "name a file that this account can write, as in: watchkeeper --set store.url=sqlite:/path check"
        }
        StoreError::Migration(_) => {
            "use the version of Watchkeeper that wrote the store, or a newer one"
        }
        StoreError::Full { .. } => "make room on the disk",
        _ => "watchkeeper doctor",
    };
    let what = format!("could not open the store {}", config.store.url);
    CommandError::failed(anyhow!(error).context(what)).hint(hint)
}

/// Takes the store for this process, and waits a little where another command has it.
pub(crate) async fn take_lock(
    store: &Store,
    config: &Config,
    patience: Duration,
) -> Result<StoreLock, CommandError> {
    let begun = Instant::now();
    loop {
        match store.lock_exclusive() {
            Ok(lock) => return Ok(lock),
            Err(LockRefused::LockedBy { .. }) if begun.elapsed() < patience => {
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => {
                let what = format!("the store {} cannot be used now", config.store.url);
                let held = matches!(error, LockRefused::LockedBy { .. });
                let error = CommandError::failed(anyhow!(error).context(what));
                return Err(if held {
                    error
                        .kind(Kind::Refused)
                        .hint("wait until that process is done; if it is a daemon, set server.socket to where it answers")
                } else {
                    error
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        dir: tempfile::TempDir,
        around: Surroundings,
        common: Common,
    }

    fn world() -> World {
        let dir = tempfile::tempdir().expect("a directory");
        let around = Surroundings::example(dir.path());
        let common = Common {
            config: vec![],
            set: vec![],
            output: Output::Text,
            no_daemon: false,
        };
        World {
            dir,
            around,
            common,
        }
    }

    impl World {
        fn socket(&mut self) -> PathBuf {
            let socket = self.dir.path().join("socket");
            self.common
                .set
                .push(format!("server.socket={}", socket.display()));
            socket
        }

        async fn daemon(&self) -> Result<Option<PathBuf>, CommandError> {
            let loaded = Config::load(&self.common, &self.around).expect("nothing is wrong");
            find_daemon(&self.common, &loaded, &self.around).await
        }
    }

    #[tokio::test]
    async fn a_daemon_that_answers_is_asked_unless_that_is_not_wanted() {
        let mut world = world();
        let socket = world.socket();
        assert_eq!(world.daemon().await.ok(), Some(None), "nothing is there");
        let listener = tokio::net::UnixListener::bind(&socket).expect("bound");
        assert_eq!(world.daemon().await.ok(), Some(Some(socket)));
        world.common.no_daemon = true;
        assert_eq!(world.daemon().await.ok(), Some(None));
        drop(listener);
        world.common.no_daemon = false;
        assert_eq!(
            world.daemon().await.ok(),
            Some(None),
            "a socket that was left behind is nobody"
        );
    }

    #[test]
    fn an_ordinary_account_looks_for_the_systems_daemon_first() {
        let mut world = world();
        let found = |world: &World| {
            let loaded = Config::load(&world.common, &world.around).expect("nothing is wrong");
            sockets(&loaded, &world.around)
        };
        let own = world.around.state_home.join("watchkeeper/socket");
        assert_eq!(found(&world), [PathBuf::from(SYSTEM_SOCKET), own]);
        world.around.uid = 0;
        assert_eq!(found(&world), [PathBuf::from(SYSTEM_SOCKET)]);
        world.around.uid = 1_000;
        let configured = world.socket();
        assert_eq!(found(&world), [configured]);
    }

    #[test]
    fn the_services_own_account_does_not_decide_by_hand_either() {
        let mut around = world().around;
        assert_eq!(service_uid(&around), None);
        around.owns_system_state = true;
        assert_eq!(service_uid(&around), Some(1_000));
        around.uid = 0;
        assert_eq!(service_uid(&around), None);
    }

    #[tokio::test]
    async fn a_store_that_another_process_has_is_refused_with_its_number() {
        let world = world();
        let loaded = Config::load(&world.common, &world.around).expect("nothing is wrong");
        let store = open_store(&loaded.config).await.expect("a new store");
        let lock = take_lock(&store, &loaded.config, Duration::ZERO)
            .await
            .expect("it is free");
        let error = take_lock(&store, &loaded.config, Duration::ZERO)
            .await
            .expect_err("it is taken");
        assert!(
            error
                .render("x")
                .contains(&format!("process {}", std::process::id())),
            "{}",
            error.render("x")
        );
        drop(lock);
        assert!(
            take_lock(&store, &loaded.config, Duration::ZERO)
                .await
                .is_ok()
        );
    }
}
