//! Which actions are under way in this process, and on which hosts, so that one host has one at a time. What other
//! controllers do is the store's to say.

use std::collections::BTreeMap;

use tokio::task::Id;
use tokio::time::Instant;
use watchkeeper_model::{ActionNumber, HostName};

/// The actions that are under way here.
#[derive(Debug, Default)]
pub(crate) struct Busy(BTreeMap<ActionNumber, (HostName, Hold)>);

/// How long a host is busy with an action.
#[derive(Debug)]
enum Hold {
    /// While this task follows it.
    Task(Id),
    /// The task broke down. What it had started may go on, until its lease is over and it is taken up again.
    Until(Instant),
}

impl Busy {
    /// An action is followed by this task.
    pub(crate) fn begins(&mut self, number: ActionNumber, host: HostName, task: Id) {
        self.0.insert(number, (host, Hold::Task(task)));
    }

    /// It is followed no more.
    pub(crate) fn ended(&mut self, number: ActionNumber) {
        self.0.remove(&number);
    }

    /// The task panicked: its host is busy until then.
    pub(crate) fn broke_down(&mut self, task: Id, until: Instant) {
        let holds = self.0.values_mut().map(|(_, hold)| hold);
        for hold in holds.filter(|hold| matches!(hold, Hold::Task(of) if *of == task)) {
            *hold = Hold::Until(until);
        }
    }

    /// Forgets those that broke down and whose time is over.
    pub(crate) fn forget_broken(&mut self, now: Instant) {
        self.0
            .retain(|_, (_, hold)| !matches!(hold, Hold::Until(until) if *until <= now));
    }

    pub(crate) fn has(&self, number: ActionNumber) -> bool {
        self.0.contains_key(&number)
    }

    pub(crate) fn holds(&self, host: &HostName) -> bool {
        self.0.values().any(|(held, _)| held == host)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn of_two_tasks_the_one_that_breaks_down_frees_nobody_elses_host() {
        let [web1, web2] = ["web1", "web2"].map(|name| HostName::new(name).expect("a host"));
        let mut tasks = JoinSet::new();
        let mut busy = Busy::default();
        let waits = tasks.spawn(std::future::pending::<()>());
        busy.begins(ActionNumber(1), web1.clone(), waits.id());
        let breaks = tasks.spawn(async { panic!("a fault of ours") });
        busy.begins(ActionNumber(2), web2.clone(), breaks.id());
        let error = tasks
            .join_next()
            .await
            .expect("one ends")
            .expect_err("badly");
        let (now, lease) = (Instant::now(), Duration::from_secs(60));
        busy.broke_down(error.id(), now + lease);
        busy.forget_broken(now);
        assert!(busy.holds(&web1) && busy.holds(&web2), "{busy:?}");
        busy.forget_broken(now + lease);
        assert!(busy.holds(&web1) && !busy.holds(&web2), "{busy:?}");
        busy.ended(ActionNumber(1));
        assert_eq!(busy.count(), 0);
    }
}
