//! What it means to set a variable that programs get: which are known to change nothing that matters, which say whom
//! they ask, and which take programs over.

use watchkeeper_model::{EffectKind, RiskLevel};

use super::state::State;
use super::value::Value;
use super::walk::Walker;
use crate::invocation::{Found, Target};
use crate::spec::{ProgramPlace, program_place};
use crate::word::{Origin, Part};

/// What setting a variable does to the programs that get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EnvironmentRisk {
    /// How they write: language, colours, width.
    Harmless,
    /// Which code they run, whom they ask, what they read.
    TakesOver,
    /// Which machine they ask.
    Asks,
    /// What remembers the commands of a session.
    HidesTraces,
    /// It depends on the program.
    Other,
}

const HARMLESS: &[&str] = &[
    "LANG",
    "LANGUAGE",
    "TZ",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "CLICOLOR",
    "TERM",
    "DEBIAN_FRONTEND",
    "DEBIAN_PRIORITY",
    "NEEDRESTART_MODE",
    "NEEDRESTART_SUSPEND",
    "SYSTEMD_COLORS",
    "SYSTEMD_LOG_LEVEL",
    "SYSTEMD_URLIFY",
    "HISTTIMEFORMAT",
    "POSIXLY_CORRECT",
    "BLOCKSIZE",
    "BLOCK_SIZE",
    "TIMEFORMAT",
    "TIME_STYLE",
    "QUOTING_STYLE",
    "CI",
    "PGCONNECT_TIMEOUT",
    "GREP_COLOR",
    "GREP_COLORS",
    "LS_COLORS",
    "GIT_TERMINAL_PROMPT",
    "GIT_OPTIONAL_LOCKS",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
];

/// Harmless where the value is empty or one of these.
const PAGERS: &[&str] = &["SYSTEMD_PAGER", "PAGER", "GIT_PAGER", "MANPAGER"];

const TAKES_OVER: &[&str] = &[
    "PATH",
    "BASH_CMDS",
    "BASH_ALIASES",
    "IFS",
    "BASH_ENV",
    "ENV",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "BASHOPTS",
    "BASH_LOADABLES_PATH",
    "CDPATH",
    "GLOBIGNORE",
    "EXECIGNORE",
    "EDITOR",
    "VISUAL",
    "FCEDIT",
    "SUDO_EDITOR",
    "SYSTEMD_EDITOR",
    "BROWSER",
    "LESSOPEN",
    "LESSCLOSE",
    "LESS",
    "LESSKEY",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "SSH_AUTH_SOCK",
    "CURL_HOME",
    "WGETRC",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "CONTAINER_HOST",
    "KUBECONFIG",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
    "LOCPATH",
    "GCONV_PATH",
    "NLSPATH",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TERMCAP",
    "MALLOC_TRACE",
    "HOSTALIASES",
    "RESOLV_HOST_CONF",
    "LOCALDOMAIN",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "OPENSSL_ENGINES",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSLKEYLOGFILE",
    "GETCONF_DIR",
    "SHELL",
    "HOME",
    "TAPE",
    "RSYNC_RSH",
    "RSYNC_CONNECT_PROG",
    "CVS_RSH",
    "TAR_OPTIONS",
    "GZIP",
    "XZ_OPT",
    "XZ_DEFAULTS",
    "ZSTD_CLEVEL",
    "AWKPATH",
    "AWKLIBPATH",
    "LUA_INIT",
    "LUA_PATH",
    "LUA_CPATH",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "TCLLIBPATH",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_CONFIG_FILE",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "GOFLAGS",
    "GOENV",
    "GOPROXY",
    "GOTOOLCHAIN",
    "KAFKA_OPTS",
    "KRB5_CONFIG",
    "LDAPCONF",
    "LDAPRC",
    "PSQLRC",
    "PSQL_EDITOR",
    "PSQL_PAGER",
    "PGPASSFILE",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "MYSQL_HOME",
    "MYSQL_TEST_LOGIN_FILE",
    "ANSIBLE_CONFIG",
    "NIX_PATH",
    "NIX_CONFIG",
    "NIX_REMOTE",
    "NIX_SSHOPTS",
    "NIX_USER_CONF_FILES",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "RIPGREP_CONFIG_PATH",
    "FZF_DEFAULT_COMMAND",
    "SYSTEMD_PAGERSECURE",
];

const TAKES_OVER_BEGINNINGS: &[&str] = &[
    "LD_",
    "DYLD_",
    "GIT_",
    "PYTHON",
    "PERL",
    "RUBY",
    "AWS_",
    "BASH_FUNC_",
    "GEM_",
    "BUNDLE_",
    "NPM_CONFIG_",
    "npm_config_",
    "CARGO_",
    "RUSTC",
    "ANSIBLE_",
    "GUIX_",
    "VAULT_",
    "AZURE_",
    "GOOGLE_",
    "CLOUDSDK_",
];

/// What the name of a variable ends in that says which machine a client asks: `PGHOST`, `CONSUL_HTTP_ADDR`, `NATS_URL`.
const ASKS_ENDINGS: &[&str] = &[
    "HOST",
    "HOSTS",
    "HOSTADDR",
    "ADDR",
    "ADDRESS",
    "ADDRESSES",
    "URL",
    "URI",
    "DSN",
    "SERVER",
    "SERVERS",
    "ENDPOINT",
    "ENDPOINTS",
    "BROKER",
    "BROKERS",
    "PROXY",
    "REGISTRY",
    "MIRROR",
    "DISPLAY",
];

/// What such a value begins with where it names something of the host itself: a socket, a display.
const OWN_BEGINNINGS: &[&str] = &["/", ":", "unix:", "file:"];

/// Whether a variable says which machine the programs that get it ask: by its name, or by an address in its value.
fn asks(name: &str, value: &Value) -> bool {
    let text = value.as_text().unwrap_or_else(|| beginning(value));
    asks_by_name(name, value) || (!names_the_host_itself(value) && text.contains("://"))
}

/// Whether it does by its name.
fn asks_by_name(name: &str, value: &Value) -> bool {
    let upper = name.to_ascii_uppercase();
    let ends_so = || ASKS_ENDINGS.iter().any(|end| upper.ends_with(end));
    upper != "NO_PROXY" && ends_so() && !names_the_host_itself(value)
}

/// Whether a value is empty or names something of the host itself.
fn names_the_host_itself(value: &Value) -> bool {
    let beginning = beginning(value);
    value.parts.is_empty() || OWN_BEGINNINGS.iter().any(|own| beginning.starts_with(own))
}

fn beginning(value: &Value) -> &str {
    match value.parts.first() {
        Some(Part::Text(text)) => text,
        Some(_) | None => "",
    }
}

/// Whether a variable that a script only assigns is one that hosts export for their clients, so that the clients get it
/// all the same: it has the name of one, and not that of a script's own `HOST`, `url` or `server`.
fn may_be_exported_already(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_own = ASKS_ENDINGS.contains(&upper.as_str()) && upper != "DISPLAY";
    !is_own && (upper == name || upper.ends_with("_PROXY"))
}

/// What setting a variable does to the programs that get it.
fn environment_risk(name: &str, whole: &Value) -> EnvironmentRisk {
    let value = whole.as_text();
    if HARMLESS.contains(&name) || name.starts_with("LC_") {
        return EnvironmentRisk::Harmless;
    }
    if PAGERS.contains(&name) && matches!(value, Some("" | "cat")) {
        return EnvironmentRisk::Harmless;
    }
    if name == "LESSSECURE" && value == Some("1") {
        return EnvironmentRisk::Harmless;
    }
    if matches!(
        name,
        "HISTFILE" | "HISTSIZE" | "HISTFILESIZE" | "HISTCONTROL" | "HISTIGNORE"
    ) {
        return EnvironmentRisk::HidesTraces;
    }
    let over = TAKES_OVER.contains(&name)
        || name.ends_with("PAGER")
        || TAKES_OVER_BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning));
    if over {
        EnvironmentRisk::TakesOver
    } else if asks(name, whole) {
        EnvironmentRisk::Asks
    } else {
        EnvironmentRisk::Other
    }
}

/// Whether a search path holds the system's own directories only, and what it held before.
fn is_system_path(value: &Value) -> bool {
    const BEFORE: &str = "/usr/bin";
    let mut text = String::new();
    for part in &value.parts {
        match part {
            Part::Text(own) => text.push_str(own),
            Part::Unknown(unknown) if unknown.from == Origin::Variable("PATH".to_owned()) => {
                text.push_str(BEFORE);
            }
            _ => return false,
        }
    }
    text.split(':').all(|directory| {
        directory.starts_with('/')
            && program_place(&format!("{directory}/x")) == ProgramPlace::Known
            && !directory.starts_with("/etc")
    })
}

impl<'a> Walker<'a> {
    /// Flags a variable that programs get.
    pub(super) fn check_environment(&mut self, name: &str, value: &Value, state: &State<'a>) {
        if name == "PATH" && is_system_path(value) {
            return;
        }
        match environment_risk(name, value) {
            EnvironmentRisk::Harmless | EnvironmentRisk::Other => {}
            EnvironmentRisk::Asks => self.tell_whom_it_asks(value, state),
            EnvironmentRisk::TakesOver => self.flag_named(
                EffectKind::Environment,
                RiskLevel::High,
                ("shell.environment", "changes how programs run"),
                name,
                state,
            ),
            EnvironmentRisk::HidesTraces => self.flag_named(
                EffectKind::Audit,
                RiskLevel::High,
                ("shell.history", "keeps commands from being remembered"),
                name,
                state,
            ),
        }
    }

    /// Tells that programs ask the machine that a variable names.
    fn tell_whom_it_asks(&mut self, value: &Value, state: &State<'a>) {
        let machine = Target::Host(value.clone().into_arg());
        let found = Found::to(EffectKind::Probes, machine, "shell.asks")
            .at_least(RiskLevel::ReadOnly)
            .saying("lets programs ask the machine that a variable names");
        self.emit(found, &state.context);
    }

    /// Flags a variable that is assigned and perhaps not exported. One that is in every environment, or that the shell
    /// itself heeds, is as bad as exported; one that says whom clients ask may be exported by the host.
    pub(super) fn check_assigned(
        &mut self,
        name: &str,
        value: &Value,
        exported: bool,
        state: &State<'a>,
    ) {
        if name == "IFS" {
            if exported || value.as_text().is_none() {
                self.check_environment(name, value, state);
            }
            return;
        }
        let heeded = matches!(
            name,
            "PATH"
                | "BASH_CMDS"
                | "BASH_ALIASES"
                | "HOME"
                | "SHELL"
                | "CDPATH"
                | "PROMPT_COMMAND"
                | "PS4"
                | "PS0"
                | "SHELLOPTS"
                | "BASHOPTS"
                | "GLOBIGNORE"
                | "EXECIGNORE"
                | "BASH_ENV"
                | "ENV"
                | "HISTFILE"
                | "HISTSIZE"
                | "HISTFILESIZE"
                | "HISTCONTROL"
                | "BASH_LOADABLES_PATH"
        ) || name.starts_with("LD_")
            || name.starts_with("BASH_FUNC_");
        if exported || heeded {
            self.check_environment(name, value, state);
        } else if may_be_exported_already(name) && asks_by_name(name, value) {
            self.tell_whom_it_asks(value, state);
        }
        if matches!(name, "PS4" | "PROMPT_COMMAND" | "PS0") && value.as_text().is_some() {
            self.run_later(value, state);
        }
    }
}
