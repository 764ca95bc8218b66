//! The run protocol, checked in every order of events: two controllers that crash and take over from each other,
//! requests that are lost, late and done twice, a host whose processes are killed and that is rebooted once.
//!
//! What a controller makes of what it sees is the crate's own [`decide`]; what surrounds it here follows the driver,
//! and the host follows the shell texts.

mod host;

use std::time::Duration;

use stateright::{Checker, Model, Property};
use watchkeeper_model::{
    BootId, Phase, PlannedStep, Privilege, RunId, Step, StepOutcome, Timestamp,
};
use watchkeeper_remedy::{
    EndStatus, LIMBO_LIMIT, Next, Sighting, Stance, StepId, StepState, StepTicket, decide,
};

use host::{Answer, Host, HostEvent};

/// What is asked of the host. What was sent may be done at any later time, or never; a connection never does a command
/// twice by itself, but controllers send again what is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Request {
    Start,
    Attach,
    Cancel,
}

/// What is written down as the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Exited,
    NotStarted,
    Cancelled,
    Unknown,
}

/// What the store says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Store {
    approved: bool,
    /// Counts the claims and takings-over: a controller whose lease is older records nothing.
    lease: u8,
    /// A start was about to be sent at least once.
    asked: bool,
    outcome: Option<Outcome>,
}

/// What a controller holds in memory while it follows the step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Drive {
    lease: u8,
    give_up: bool,
    in_doubt: bool,
    refused: bool,
    next: Todo,
    answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Todo {
    Send(Request),
    Await(Request),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    store: Store,
    controllers: [Option<Drive>; 2],
    /// Starts under way.
    starts: u8,
    /// A cancel was sent: it may be done at any time, and again.
    cancels: bool,
    host: Host,
}

#[derive(Clone, Debug, PartialEq)]
enum Event {
    /// A person says no before anybody has claimed it.
    Reject,
    Claim(usize),
    TakeOver {
        by: usize,
        give_up: bool,
    },
    Crash(usize),
    Send(usize),
    /// The host does what was sent once; the answer reaches whoever waits for such a one, or nobody.
    Do {
        request: Request,
        room: bool,
        reaches: Option<usize>,
    },
    /// The answer that is under way arrives.
    Arrive {
        at: usize,
        limbo_over: bool,
    },
    /// Nothing arrives.
    GiveUpWaiting(usize),
    Host(HostEvent),
}

/// Most starts under way at once; more do not differ.
const MAX_STARTS_UNDER_WAY: u8 = 2;

const NEVER_STARTS: &str = "what is said not to have started never starts";

struct Protocol {
    ticket: StepTicket,
    /// How many controllers may claim it or take it over.
    leases: u8,
    /// Whether controllers take every refusal for the last word, which they must not.
    careless: bool,
}

impl Protocol {
    fn new(careless: bool) -> Self {
        let step = PlannedStep {
            step: Step::PackageCacheClean {},
            script: "apt-get clean\n".to_owned(),
            limit_s: 9,
            max_output_bytes: 512,
        };
        let id = StepId::new(
            &RunId::from_parts(Timestamp::from_millis(1), [7; 10]),
            Phase::Apply,
            0,
        );
        let ticket = StepTicket::new(id, &step, &boot(false), Privilege::Root).expect("a ticket");
        Self {
            ticket,
            leases: 2,
            careless,
        }
    }

    fn decide(&self, state: StepState, world: &World, drive: &Drive, limbo_over: bool) -> Next {
        let end = EndStatus {
            by_limit: false,
            code: 0,
            children_left: false,
        };
        let seen = Sighting {
            state,
            boot: boot(world.host.rebooted),
            digest: Some(self.ticket.digest()),
            end: (state == StepState::Done).then_some(end),
            stdout: vec![],
            stderr: vec![],
            stdout_cut: None,
            stderr_cut: None,
        };
        let stance = if drive.give_up {
            Stance::GiveUp
        } else {
            Stance::Start
        };
        let limbo_for = if limbo_over {
            LIMBO_LIMIT
        } else {
            Duration::ZERO
        };
        decide(&seen, &self.ticket, stance, limbo_for)
    }

    /// What the driver does with an answer: what to send next, or an outcome.
    fn react(
        &self,
        world: &World,
        drive: &mut Drive,
        answer: Answer,
        limbo_over: bool,
    ) -> Result<Request, Outcome> {
        match answer {
            Answer::Launched | Answer::Already => drive.in_doubt = true,
            Answer::StartRefused if self.careless || !drive.in_doubt => {
                return Err(Outcome::NotStarted);
            }
            Answer::StartRefused => (drive.refused, drive.give_up) = (true, true),
            Answer::TooLate => drive.refused = false,
            Answer::Cancelled | Answer::CancelRefused => {}
            Answer::Stands(state) => {
                return match self.decide(state, world, drive, limbo_over) {
                    Next::AskAgain => Ok(Request::Attach),
                    Next::Start => Ok(Request::Start),
                    Next::Cancel => Ok(Request::Cancel),
                    Next::End(StepOutcome::Exited { .. } | StepOutcome::TimedOut { .. }) => {
                        Err(Outcome::Exited)
                    }
                    Next::End(StepOutcome::Cancelled) if drive.refused => Err(Outcome::NotStarted),
                    Next::End(StepOutcome::Cancelled) => Err(Outcome::Cancelled),
                    Next::End(StepOutcome::NotStarted { .. }) => Err(Outcome::NotStarted),
                    Next::End(StepOutcome::Unknown { .. }) => Err(Outcome::Unknown),
                };
            }
        }
        Ok(Request::Attach)
    }

    fn arrive(&self, world: &mut World, at: usize, limbo_over: bool) -> Option<()> {
        let mut drive = world.controllers[at].take()?;
        let answer = drive.answer.take()?;
        match self.react(world, &mut drive, answer, limbo_over) {
            Ok(request) => {
                drive.next = Todo::Send(request);
                world.controllers[at] = Some(drive);
            }
            // Recorded only under the lease it was followed with.
            Err(outcome) if drive.lease == world.store.lease => world.store.outcome = Some(outcome),
            Err(_) => {}
        }
        Some(())
    }
}

fn boot(rebooted: bool) -> BootId {
    BootId(if rebooted { "b.1" } else { "a.1" }.to_owned())
}

fn send(world: &mut World, by: usize) -> Option<()> {
    let drive = world.controllers[by].as_mut()?;
    let Todo::Send(request) = drive.next else {
        return None;
    };
    if request == Request::Start {
        if drive.lease != world.store.lease {
            world.controllers[by] = None;
            return Some(());
        }
        world.store.asked = true;
    }
    drive.next = Todo::Await(request);
    match request {
        Request::Start if world.starts == MAX_STARTS_UNDER_WAY => return None,
        Request::Start => world.starts += 1,
        Request::Cancel => world.cancels = true,
        Request::Attach => {}
    }
    Some(())
}

impl Model for Protocol {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let world = |approved, keeps| World {
            store: Store {
                approved,
                lease: 0,
                asked: false,
                outcome: None,
            },
            controllers: [None, None],
            starts: 0,
            cancels: false,
            host: Host::new(keeps),
        };
        vec![world(true, true), world(true, false), world(false, true)]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        let Store {
            approved,
            lease,
            outcome,
            ..
        } = world.store;
        if lease == 0 && approved {
            events.push(Event::Reject);
        }
        for at in 0..2 {
            match &world.controllers[at] {
                None if lease == 0 && approved => events.push(Event::Claim(at)),
                None if lease > 0 && lease < self.leases && outcome.is_none() => {
                    events.push(Event::TakeOver {
                        by: at,
                        give_up: false,
                    });
                    events.push(Event::TakeOver {
                        by: at,
                        give_up: true,
                    });
                }
                None => {}
                Some(drive) => {
                    events.push(Event::Crash(at));
                    match (drive.next, drive.answer) {
                        (Todo::Send(_), _) => events.push(Event::Send(at)),
                        (Todo::Await(_), None) => events.push(Event::GiveUpWaiting(at)),
                        (Todo::Await(_), Some(_)) => {
                            events.push(Event::Arrive {
                                at,
                                limbo_over: false,
                            });
                            events.push(Event::Arrive {
                                at,
                                limbo_over: true,
                            });
                        }
                    }
                }
            }
        }
        let under_way = [
            (Request::Start, world.starts > 0),
            (Request::Attach, true),
            (Request::Cancel, world.cancels),
        ];
        for (request, _) in under_way.into_iter().filter(|(_, sent)| *sent) {
            let waiting = (0..2).filter(|at| {
                let drive = world.controllers[*at].as_ref();
                drive.is_some_and(|drive| {
                    drive.next == Todo::Await(request) && drive.answer.is_none()
                })
            });
            // A look that nobody waits for changes nothing.
            let nobody = (request != Request::Attach).then_some(None);
            for reaches in waiting.map(Some).chain(nobody) {
                events.push(Event::Do {
                    request,
                    room: true,
                    reaches,
                });
                if request != Request::Attach {
                    events.push(Event::Do {
                        request,
                        room: false,
                        reaches,
                    });
                }
            }
        }
        events.extend(world.host.events().into_iter().map(Event::Host));
    }

    fn next_state(&self, last: &World, event: Event) -> Option<World> {
        let mut world = last.clone();
        match event {
            Event::Reject => world.store.approved = false,
            Event::Claim(at) => {
                world.store.lease = 1;
                let next = Todo::Send(Request::Start);
                let drive = Drive {
                    lease: 1,
                    give_up: false,
                    in_doubt: false,
                    refused: false,
                    next,
                    answer: None,
                };
                world.controllers[at] = Some(drive);
            }
            Event::TakeOver { by, give_up } => {
                world.store.lease += 1;
                let (lease, next) = (world.store.lease, Todo::Send(Request::Attach));
                let drive = Drive {
                    lease,
                    give_up,
                    in_doubt: true,
                    refused: false,
                    next,
                    answer: None,
                };
                world.controllers[by] = Some(drive);
            }
            Event::Crash(at) => world.controllers[at] = None,
            Event::Send(by) => send(&mut world, by)?,
            Event::Do {
                request,
                room,
                reaches,
            } => {
                let answer = match request {
                    Request::Start => {
                        world.starts -= 1;
                        world.host.start(room)
                    }
                    Request::Attach => Answer::Stands(world.host.stands()),
                    Request::Cancel => world.host.cancel(room),
                };
                if let Some(at) = reaches {
                    world.controllers[at].as_mut()?.answer = Some(answer);
                }
            }
            Event::Arrive { at, limbo_over } => self.arrive(&mut world, at, limbo_over)?,
            Event::GiveUpWaiting(at) => {
                let drive = world.controllers[at].as_mut()?;
                drive.in_doubt |= drive.next == Todo::Await(Request::Start);
                drive.next = Todo::Send(Request::Attach);
            }
            Event::Host(event) => world.host.happen(event),
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("never two executions", |_, world| {
                world.host.executions <= 1
            }),
            Property::<Self>::always("nothing unapproved runs", |_, world| {
                world.host.executions == 0
                    || world.store.approved && world.store.lease > 0 && world.store.asked
            }),
            Property::<Self>::always("an end is told only of a step that ended", |_, world| {
                world.store.outcome != Some(Outcome::Exited) || world.host.ended_by_itself
            }),
            Property::<Self>::always(NEVER_STARTS, |_, world| {
                !matches!(
                    world.store.outcome,
                    Some(Outcome::NotStarted | Outcome::Cancelled)
                ) || world.host.executions == 0
            }),
            Property::<Self>::sometimes("a step ends and that is learned", |_, world| {
                world.store.outcome == Some(Outcome::Exited)
            }),
            Property::<Self>::sometimes("an outcome is learned after a reboot", |_, world| {
                world.host.rebooted && world.store.outcome == Some(Outcome::Exited)
            }),
            Property::<Self>::sometimes(
                "the second controller learns what the first began",
                |_, world| world.store.outcome == Some(Outcome::Exited) && world.store.lease == 2,
            ),
            Property::<Self>::sometimes("an outcome cannot be told", |_, world| {
                world.store.outcome == Some(Outcome::Unknown)
            }),
            Property::<Self>::sometimes("a step is cancelled", |_, world| {
                world.store.outcome == Some(Outcome::Cancelled)
            }),
            Property::<Self>::sometimes("a step is refused", |_, world| {
                world.store.outcome == Some(Outcome::NotStarted)
            }),
        ]
    }
}

#[test]
fn no_order_of_events_runs_a_step_twice_or_tells_an_outcome_that_was_not() {
    let checker = Protocol::new(false).checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    let states = checker.unique_state_count();
    assert!(
        states > 10_000,
        "{states} states are too few to say anything"
    );
}

#[test]
fn a_controller_that_trusts_a_refusal_while_in_doubt_is_caught() {
    let checker = Protocol::new(true).checker().threads(2).spawn_bfs().join();
    assert!(checker.discovery(NEVER_STARTS).is_some());
}
