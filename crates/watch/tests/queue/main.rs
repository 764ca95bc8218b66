//! The queue to the models with real workers and real HTTP: a person who comes first, servers that misbehave, workers
//! that are lost, limits, following from elsewhere; and an hour of mixed load by a clock moved by hand.

#[path = "../use_cases/bridge.rs"]
#[expect(dead_code, reason = "only some of its ways are taken here")]
mod bridge;
mod crowd;
mod fairness;
mod following;
mod lanes;
mod models;
mod person;
mod places;
mod rig;
mod servers;
mod workers;

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
