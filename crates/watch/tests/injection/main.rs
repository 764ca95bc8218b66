//! A model that obeys what was planted: it reads the text where a host, a note or a person put it, and does all it says. The
//! host's record, the log and every byte that was said to the model show that nothing came of it: no approval, no change
//! of policy or settings, no secret anywhere, and no command that does more than look without a person.
//!
//! Each case also shows that it is its guard that holds it: what the model asked for passes everything before that guard.
//! What is planted as an attack would do no harm on the machine that runs these tests.

#[path = "../use_cases/bridge.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod bridge;
#[path = "../investigating/rig.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod rig;

mod commands;
mod network;
mod obeys;
mod poisoned;
mod proposals;
mod secrets;
mod talks;
mod tools;

/// Cases, each a test by its own name: what is planted, the word it is known by, what holds it, and what the model does.
macro_rules! cases {
    ($($name:ident: $planted:expr, $held:expr, $calls:expr;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            crate::obeys::holds(&crate::obeys::Obeying {
                planted: $planted,
                held: $held,
                calls: $calls,
            })
            .await;
        })*
    };
}
pub(crate) use cases;
