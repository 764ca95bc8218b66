//! What is known of a host before anything runs there. It only ever makes an assessment stricter, apart from where an
//! account starts and which units nobody misses: those two say what a host is like, and are the owner's to say.

/// What is known of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// The account that logs in, where it is known. Commands start in its home.
    pub login: Option<String>,
    /// Where the homes of accounts lie, as absolute paths; `*` stands for one name. They add to `/root` and `/home/*`.
    pub homes: Vec<String>,
    /// Whether it is built from one configuration, and changes by hand are lost.
    pub nixos: bool,
    /// What starts its services.
    pub init: InitSystem,
    /// Interfaces through which it is managed; empty where that is not known.
    pub management_interfaces: Vec<String>,
    /// Ports through which it is managed.
    pub management_ports: Vec<u16>,
    /// More critical units; `*` stands for any text, as in the lists below.
    pub critical_units: Vec<String>,
    /// More units on which others depend.
    pub heavy_units: Vec<String>,
    /// More units that nobody misses for a minute. What is critical or heavy stays so.
    pub unimportant_units: Vec<String>,
    /// More critical paths, absolute; each with all below it.
    pub critical_paths: Vec<String>,
    /// More secret paths, absolute; each with all below it.
    pub secret_paths: Vec<String>,
}

/// What starts the services of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitSystem {
    /// systemd.
    #[default]
    Systemd,
    /// OpenRC, as on Alpine.
    OpenRc,
    /// Something else, or not known.
    Other,
}

impl HostFacts {
    /// The port of ssh where nothing else is said.
    pub const SSH_PORT: u16 = 22;

    /// A home that stands for that of a login that is not known.
    pub(crate) const SOME_HOME: &'static str = "/home/login";

    /// The directory in which commands start: the login's home.
    #[must_use]
    pub fn start_directories(&self) -> Vec<String> {
        match self.login.as_deref() {
            Some("root") => vec!["/root".to_owned()],
            Some(login) if is_account(login) => vec![format!("/home/{login}")],
            _ => vec![Self::SOME_HOME.to_owned()],
        }
    }
}

impl Default for HostFacts {
    /// A plain Linux host of which nothing is known.
    fn default() -> Self {
        Self {
            login: None,
            homes: Vec::new(),
            nixos: false,
            init: InitSystem::Systemd,
            management_interfaces: Vec::new(),
            management_ports: vec![Self::SSH_PORT],
            critical_units: Vec::new(),
            heavy_units: Vec::new(),
            unimportant_units: Vec::new(),
            critical_paths: Vec::new(),
            secret_paths: Vec::new(),
        }
    }
}

/// Whether this may be part of a path as the name of an account.
fn is_account(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_start_in_the_home_of_the_login() {
        let start = |login: &str| {
            HostFacts {
                login: Some(login.to_owned()),
                ..HostFacts::default()
            }
            .start_directories()
        };
        assert_eq!(start("root"), ["/root"]);
        assert_eq!(start("ops"), ["/home/ops"]);
        assert_eq!(start("../etc"), ["/home/login"]);
        assert_eq!(HostFacts::default().start_directories(), ["/home/login"]);
    }
}
