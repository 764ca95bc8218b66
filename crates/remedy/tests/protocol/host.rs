//! The host of the model: gate, keep, runners and the step, as the shell texts make them.

use watchkeeper_remedy::StepState;

/// What the host says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Launched,
    Already,
    StartRefused,
    Cancelled,
    TooLate,
    CancelRefused,
    Stands(StepState),
}

/// How far the run has come behind its gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gate {
    Closed,
    Cancelled,
    /// The runner's directory is there, and nothing in it.
    Empty,
    /// The runner has said who it is.
    Who,
    /// The keep is made, or done without.
    Kept,
    /// The step was begun.
    Begun,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    pub(crate) rebooted: bool,
    pub(crate) executions: u8,
    pub(crate) ended_by_itself: bool,
    /// Whether anything survives a reboot here.
    keeps: bool,
    gate: Gate,
    keep: bool,
    status_in_keep: bool,
    status_in_gate: bool,
    /// Runners that have not come to the gate yet.
    waiting: u8,
    runner_lives: bool,
    step_lives: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostEvent {
    /// A runner comes to the gate.
    RunnerComes,
    /// A runner is killed before it comes there.
    WaitingRunnerKilled,
    /// The runner behind the gate takes its next step.
    RunnerGoesOn,
    RunnerKilled,
    StepEnds,
    StepKilledWithRunner,
    Reboot,
}

/// Most runners on their way at once; more do not differ.
const MAX_WAITING: u8 = 2;

impl Host {
    pub(crate) fn new(keeps: bool) -> Self {
        Self {
            rebooted: false,
            executions: 0,
            ended_by_itself: false,
            keeps,
            gate: Gate::Closed,
            keep: false,
            status_in_keep: false,
            status_in_gate: false,
            waiting: 0,
            runner_lives: false,
            step_lives: false,
        }
    }

    /// Every start of the model is for the first boot.
    pub(crate) fn start(&mut self, room: bool) -> Answer {
        if self.rebooted {
            return Answer::StartRefused;
        }
        if self.gate != Gate::Closed || self.keep {
            return Answer::Already;
        }
        if !room || self.waiting == MAX_WAITING {
            return Answer::StartRefused;
        }
        self.waiting += 1;
        Answer::Launched
    }

    pub(crate) fn cancel(&mut self, room: bool) -> Answer {
        match self.gate {
            _ if self.rebooted || !room => Answer::CancelRefused,
            Gate::Closed if self.keep => Answer::TooLate,
            Gate::Closed => {
                self.gate = Gate::Cancelled;
                Answer::Cancelled
            }
            Gate::Cancelled => Answer::Cancelled,
            Gate::Empty | Gate::Who | Gate::Kept | Gate::Begun => Answer::TooLate,
        }
    }

    /// The rows of the table, in their order.
    pub(crate) fn stands(&self) -> StepState {
        match self.gate {
            Gate::Cancelled => StepState::Cancelled,
            _ if self.status_in_gate || self.status_in_keep => StepState::Done,
            Gate::Who | Gate::Kept | Gate::Begun if self.runner_lives || self.step_lives => {
                StepState::Running
            }
            Gate::Who | Gate::Kept | Gate::Begun => StepState::Died,
            Gate::Empty => StepState::Limbo,
            Gate::Closed if self.keep => StepState::Interrupted,
            Gate::Closed if self.rebooted => StepState::Unknown,
            Gate::Closed if self.waiting > 0 => StepState::Starting,
            Gate::Closed => StepState::Absent,
        }
    }

    pub(crate) fn events(&self) -> Vec<HostEvent> {
        let mut events = vec![];
        if self.waiting > 0 {
            events.extend([HostEvent::RunnerComes, HostEvent::WaitingRunnerKilled]);
        }
        if self.runner_lives {
            events.extend([HostEvent::RunnerGoesOn, HostEvent::RunnerKilled]);
        }
        if self.step_lives {
            events.extend([HostEvent::StepEnds, HostEvent::StepKilledWithRunner]);
        }
        if !self.rebooted {
            events.push(HostEvent::Reboot);
        }
        events
    }

    pub(crate) fn happen(&mut self, event: HostEvent) {
        match event {
            HostEvent::RunnerComes => {
                self.waiting -= 1;
                if self.gate == Gate::Closed {
                    self.gate = Gate::Empty;
                    self.runner_lives = true;
                }
            }
            HostEvent::WaitingRunnerKilled => self.waiting -= 1,
            HostEvent::RunnerGoesOn => self.runner_goes_on(),
            HostEvent::RunnerKilled => self.runner_lives = false,
            HostEvent::StepEnds => (self.step_lives, self.ended_by_itself) = (false, true),
            HostEvent::StepKilledWithRunner => {
                (self.step_lives, self.runner_lives) = (false, false);
            }
            HostEvent::Reboot => {
                *self = Self {
                    rebooted: true,
                    gate: Gate::Closed,
                    status_in_gate: false,
                    waiting: 0,
                    runner_lives: false,
                    step_lives: false,
                    ..*self
                };
            }
        }
    }

    fn runner_goes_on(&mut self) {
        match self.gate {
            Gate::Empty => self.gate = Gate::Who,
            Gate::Who => (self.gate, self.keep) = (Gate::Kept, self.keeps),
            Gate::Kept => {
                self.gate = Gate::Begun;
                self.executions += 1;
                self.step_lives = true;
            }
            Gate::Begun if self.step_lives => {}
            Gate::Begun if self.keep && !self.status_in_keep => self.status_in_keep = true,
            Gate::Begun if !self.status_in_gate => self.status_in_gate = true,
            Gate::Begun => self.runner_lives = false,
            Gate::Closed | Gate::Cancelled => {
                unreachable!("a living runner stands behind its gate")
            }
        }
    }
}
