//! The real ways to hosts: which engine an entry asks for, made ready to connect.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use watchkeeper_model::{Clock, LookFailure};

use crate::{
    Connection, Connector, Engine, HostEntry, LocalConnection, Route, Routes, RusshEngine,
    SystemSshConnection, SystemSshSettings,
};

/// Makes connections by SSH and to this machine.
#[derive(Debug)]
pub struct Engines {
    routes: Routes,
    russh: Arc<RusshEngine>,
    runtime_dir: PathBuf,
}

impl Engines {
    /// Engines that find their ways by `routes`. Control sockets of the system's `ssh` go to `runtime_dir`, whose path
    /// should be short.
    #[must_use]
    pub fn new(routes: Routes, clock: Arc<dyn Clock>, runtime_dir: PathBuf) -> Self {
        Self {
            routes,
            russh: RusshEngine::new(clock),
            runtime_dir,
        }
    }

    /// How ways are found.
    #[must_use]
    pub const fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The engine that speaks SSH by itself, which enrolment asks for a host's key.
    #[must_use]
    pub const fn russh(&self) -> &Arc<RusshEngine> {
        &self.russh
    }

    fn by_ssh(&self, route: Route) -> Arc<dyn Connection> {
        if route.engine == Engine::SystemSsh {
            let user_config = Some(self.routes.config().user_file()).filter(|file| file.is_file());
            let runtime_dir = self.runtime_dir.clone();
            let settings = SystemSshSettings {
                destination: route.destination,
                user_config,
                runtime_dir,
            };
            return Arc::new(SystemSshConnection::new(route.target, settings));
        }
        Arc::new(self.russh.connection(route.target))
    }
}

#[async_trait]
impl Connector for Engines {
    async fn connect(&self, entry: &HostEntry) -> Result<Arc<dyn Connection>, LookFailure> {
        if let Some(detail) = entry.problem() {
            return Err(LookFailure::Misconfigured { detail });
        }
        match entry.engine() {
            Engine::Local => Ok(Arc::new(LocalConnection::new())),
            Engine::Russh | Engine::SystemSsh => Ok(self.by_ssh(self.routes.find(entry).await?)),
            Engine::Simulated => Err(LookFailure::Misconfigured {
                detail: "engine = \"simulated\" is for tests, which bring their own hosts"
                    .to_owned(),
            }),
        }
    }
}
