//! Accepting host keys: the one way in, by a person, with the fingerprint they compared.

use serde_json::json;
use watchkeeper_fleet::{Engine, Enrolled, OfferedKey, enrol};
use watchkeeper_model::{About, HostName, Person};

use crate::WatchError;
use crate::view::OfferedKeyView;
use crate::watch::{Watch, with};

impl Watch {
    /// The key a host offers now. Nothing is believed and nobody logs in.
    ///
    /// # Errors
    /// When the host is not in the inventory, needs no key, or cannot be reached.
    pub async fn offered_key(&self, host: &HostName) -> Result<OfferedKeyView, WatchError> {
        let (offered, known) = self.ask_key(host).await?;
        self.key_view(host, &offered, known).await
    }

    /// Accepts the key with this fingerprint, if it is the one the host offers now.
    ///
    /// # Errors
    /// Refuses another key than the one that was compared, and to replace a known key unasked.
    pub async fn enrol(
        &self,
        host: &HostName,
        person: Person,
        fingerprint: &str,
        replace: bool,
    ) -> Result<OfferedKeyView, WatchError> {
        let (offered, _) = self.ask_key(host).await?;
        let target = self.ssh_target(&*self.entry(host)?).await?;
        let (name, port) = match &target.host_key_alias {
            Some(alias) => (alias.as_str(), watchkeeper_fleet::SshTarget::DEFAULT_PORT),
            None => (target.address.as_str(), target.port),
        };
        let done = enrol(
            self.known_hosts_file(),
            name,
            port,
            &offered,
            Some(fingerprint),
            replace,
        )?;
        let how = match &done {
            Enrolled::Added => "accepted",
            Enrolled::WasKnown => "was known already",
            Enrolled::Replaced(_) => "accepted in the place of another",
        };
        let about = About {
            host: Some(host.clone()),
            ..About::default()
        };
        let text = format!("{} {} {how}", offered.algorithm, offered.fingerprint);
        let record = with(
            self.record_by(person, "host.enrolled", about, text),
            "fingerprint",
            json!(offered.fingerprint),
        );
        let mut tx = self.store().begin().await?;
        tx.log().append(record)?;
        tx.commit().await?;
        self.key_view(host, &offered, None).await
    }

    async fn ask_key(&self, host: &HostName) -> Result<(OfferedKey, Option<String>), WatchError> {
        let entry = self.entry(host)?;
        if !matches!(entry.engine(), Engine::Russh | Engine::SystemSsh) {
            return Err(WatchError::invalid(format!(
                "{host} is reached without SSH and has no key to accept"
            )));
        }
        let target = self.ssh_target(&entry).await?;
        let asked = self.engines().russh().offered_key(&target).await;
        let offered = asked.map_err(|source| WatchError::Host {
            host: host.clone(),
            source,
        })?;
        let known = offered.takes_the_place_of(&target, self.now());
        Ok((offered, known))
    }

    async fn key_view(
        &self,
        host: &HostName,
        offered: &OfferedKey,
        known: Option<String>,
    ) -> Result<OfferedKeyView, WatchError> {
        let target = self.ssh_target(&*self.entry(host)?).await?;
        Ok(OfferedKeyView {
            host: host.clone(),
            address: target.address_and_port(),
            algorithm: offered.algorithm.clone(),
            fingerprint: offered.fingerprint.clone(),
            known,
        })
    }
}
