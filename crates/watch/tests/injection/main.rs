//! A model that obeys what was planted: it reads the text where a host, a note or a person put it, and does all it says. The
//! host's record, the log and every byte that was said to the model show that nothing came of it: no approval, no change
//! of policy or settings, no secret anywhere, and no command that does more than look without a person.
//!
//! Each case names its guard and is run twice: with every guard, where nothing comes of it, and without its own, where something
//! does. Where several guards stand behind each other those are taken out together that hold the same thing; `Held` says which.
//! What is planted as an attack does no harm on the machine that runs these tests: what would reach out only leaves a word.

#[path = "../use_cases/bridge.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod bridge;
#[path = "../investigating/rig.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod rig;

mod attacks;
mod breaches;
mod commands;
mod deeds;
mod lanes;
mod levels;
mod network;
mod obeys;
mod poisoned;
mod proposals;
mod secrets;
mod talks;
mod tools;
mod two;
mod units;

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
