//! Investigating: a scripted model asks, the watch looks at simulated hosts behind a real SSH server, and whatever the
//! model says, nothing is changed, nothing is invented and nothing leaves that may not. Each on both databases where the
//! store matters.

#[path = "../use_cases/bridge.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod bridge;
mod diagnosing;
mod learning;
mod leaving;
mod looking;
mod refusing;
mod resuming;
mod rig;

/// Runs cases on SQLite and on Postgres, each by its own name.
macro_rules! on_both {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        mod lite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bridge::Bridge::on_sqlite().await).await;
            })*
        }
        mod pg {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bridge::Bridge::on_postgres().await).await;
            })*
        }
    };
}
pub(crate) use on_both;

/// Runs cases on SQLite alone: the store does not matter to them.
macro_rules! on_one {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            cases::$name(crate::bridge::Bridge::on_sqlite().await).await;
        })*
    };
}
pub(crate) use on_one;
