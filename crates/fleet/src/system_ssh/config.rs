//! The configuration that the system's `ssh` runs with: what must hold comes first, since the first value of an
//! option wins there; what the user has said for the host (GSSAPI, hardware keys, ProxyCommand) comes after.

use std::fmt::Write as _;
use std::path::Path;

use watchkeeper_model::LookFailure;

use super::SystemSshSettings;
use crate::SshTarget;

/// What holds for every connection: no question is asked, no unknown key accepted, nothing forwarded, nothing run here.
const FIRM: &str = "\
BatchMode yes
StrictHostKeyChecking yes
CheckHostIP no
UpdateHostKeys no
VerifyHostKeyDNS no
NoHostAuthenticationForLocalhost no
KnownHostsCommand none
GlobalKnownHostsFile /dev/null
PasswordAuthentication no
KbdInteractiveAuthentication no
ForwardAgent no
ForwardX11 no
ClearAllForwardings yes
Tunnel no
PermitLocalCommand no
RemoteCommand none
RequestTTY no
ControlMaster no
ControlPath none
EscapeChar none
ConnectionAttempts 1
ServerAliveInterval 15
ServerAliveCountMax 3
LogLevel DEBUG1
";

/// What stands for the `n`th hop where a host is named.
fn hop_name(n: usize) -> String {
    format!("watchkeeper-hop-{n}")
}

/// The whole text.
///
/// # Errors
/// When something in it cannot be written there.
pub(super) fn text(
    target: &SshTarget,
    settings: &SystemSshSettings,
) -> Result<String, LookFailure> {
    if target.passphrase_file.is_some() {
        return Err(misconfigured(
            "the system's ssh takes no passphrase file: put the key into an agent, or use the engine russh",
        ));
    }
    let mut text = FIRM.to_owned();
    for (n, hop) in target.jump.iter().enumerate() {
        let before = n.checked_sub(1).map_or_else(|| "none".to_owned(), hop_name);
        block(&mut text, &hop_name(n), hop, Some(&before))?;
    }
    let before = target.jump.len().checked_sub(1).map(hop_name);
    block(&mut text, &settings.destination, target, before.as_deref())?;
    text.push_str("Host *\n");
    for file in settings
        .user_config
        .iter()
        .map(|path| path.as_path())
        .chain([Path::new("/etc/ssh/ssh_config")])
    {
        let _ = writeln!(text, "Include {}", quoted(file_text(file)?)?);
    }
    Ok(text)
}

fn block(
    text: &mut String,
    name: &str,
    target: &SshTarget,
    jump: Option<&str>,
) -> Result<(), LookFailure> {
    check_pattern(name)?;
    let _ = writeln!(text, "Host {name}");
    let _ = writeln!(text, "HostName {}", word(&target.address)?);
    let _ = writeln!(text, "Port {}", target.port);
    let _ = writeln!(text, "User {}", word(&target.login)?);
    // ssh writes lower case itself where it compares names.
    let _ = writeln!(text, "HostKeyAlias {}", word(&target.host_key_name())?);
    let _ = writeln!(
        text,
        "ConnectTimeout {}",
        target.connect_timeout.as_secs().max(1)
    );
    let _ = match &target.agent_socket {
        Some(socket) => writeln!(text, "IdentityAgent {}", path(socket)?),
        None => writeln!(text, "IdentityAgent none"),
    };
    for file in &target.identity_files {
        let _ = writeln!(text, "IdentityFile {}", path(file)?);
    }
    text.push_str("UserKnownHostsFile");
    if target.known_hosts.is_empty() {
        text.push_str(" none");
    }
    for file in &target.known_hosts {
        let _ = write!(text, " {}", path(file)?);
    }
    text.push('\n');
    if let Some(jump) = jump {
        let _ = writeln!(text, "ProxyJump {jump}");
    }
    Ok(())
}

/// A path in which ssh expands nothing.
fn path(path: &Path) -> Result<String, LookFailure> {
    let text = file_text(path)?;
    if text.contains("${") {
        return Err(misconfigured(&format!("{text:?} would be expanded by ssh")));
    }
    quoted(&text.replace('%', "%%"))
}

fn file_text(path: &Path) -> Result<&str, LookFailure> {
    let text = path.to_str().filter(|_| path.is_absolute());
    text.ok_or_else(|| {
        misconfigured(&format!(
            "{} is not an absolute path in plain text",
            path.display()
        ))
    })
}

fn quoted(text: &str) -> Result<String, LookFailure> {
    if text.contains(['"', '\\']) || text.chars().any(char::is_control) {
        return Err(misconfigured(&format!(
            "{text:?} cannot be written into an ssh configuration"
        )));
    }
    Ok(format!("\"{text}\""))
}

/// A name without anything that ssh or its configuration give a meaning to.
fn word(text: &str) -> Result<&str, LookFailure> {
    let allowed =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@' | '[' | ']' | '+');
    if text.is_empty() || text.starts_with('-') || !text.chars().all(allowed) {
        return Err(misconfigured(&format!("{text:?} cannot be given to ssh")));
    }
    Ok(text)
}

/// The destination goes to ssh's command line, and is a pattern in the configuration.
fn check_pattern(name: &str) -> Result<(), LookFailure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
    if name.is_empty() || name.starts_with('-') || !name.chars().all(allowed) {
        return Err(misconfigured(&format!(
            "{name:?} cannot be a destination of ssh"
        )));
    }
    Ok(())
}

pub(super) fn misconfigured(detail: &str) -> LookFailure {
    LookFailure::Misconfigured {
        detail: crate::rendered::excerpt(detail.as_bytes()),
    }
}
