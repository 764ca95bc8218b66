//! What waited too long becomes one message: after a day without a channel nobody wants five hundred pushes. The newest
//! critical troubles that are still there are told one by one, everything else in one summary that leaves nothing out
//! without saying so.

use crate::notice::Urgency;

/// A delivery that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number; a greater one is newer.
    pub number: i64,
    /// How much it asks for.
    pub urgency: Urgency,
    /// Whether a trouble that it tells of is still there.
    pub stands: bool,
    /// Whether it must go as it is: what a person sent, a test.
    pub alone: bool,
}

/// What becomes of deliveries that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folding {
    /// Sent one by one: the most urgent first, then the oldest.
    pub alone: Vec<i64>,
    /// Told together, oldest first.
    pub together: Vec<i64>,
}

/// Decides which are sent by themselves and which together. Up to `most` are sent as they are.
#[must_use]
pub fn fold(due: &[Waiting], most: usize) -> Folding {
    let most = most.max(1);
    let mut sorted = due.to_vec();
    sorted.sort_by_key(|one| (std::cmp::Reverse(one.urgency), one.number));
    if due.len() <= most {
        let alone = sorted.iter().map(|one| one.number).collect();
        return Folding {
            alone,
            together: Vec::new(),
        };
    }
    let mut standing: Vec<i64> = sorted
        .iter()
        .filter(|one| one.urgency == Urgency::Critical && one.stands && !one.alone)
        .map(|one| one.number)
        .collect();
    standing.sort_unstable();
    let newest = standing.split_off(standing.len().saturating_sub(most));
    let by_itself = |one: &Waiting| one.alone || newest.contains(&one.number);
    let mut together: Vec<i64> = sorted
        .iter()
        .filter(|one| !by_itself(one))
        .map(|one| one.number)
        .collect();
    together.sort_unstable();
    let alone = sorted.iter().filter(|one| by_itself(one));
    let mut folding = Folding {
        alone: alone.map(|one| one.number).collect(),
        together,
    };
    // One alone is no summary.
    if folding.together.len() == 1 {
        folding.alone.append(&mut folding.together);
    }
    folding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: i64, urgency: Urgency) -> Waiting {
        Waiting {
            number,
            urgency,
            stands: true,
            alone: false,
        }
    }

    #[test]
    fn a_few_are_sent_as_they_are_the_most_urgent_first() {
        let due = [
            waiting(1, Urgency::Attention),
            waiting(2, Urgency::Critical),
            waiting(3, Urgency::Attention),
        ];
        let folding = fold(&due, 5);
        assert_eq!((folding.alone, folding.together), (vec![2, 1, 3], vec![]));
    }

    #[test]
    fn of_five_hundred_the_newest_critical_ones_stand_alone_and_nothing_is_left_out() {
        let urgency = |number| match number % 20 {
            0 => Urgency::Critical,
            _ => Urgency::Attention,
        };
        let mut due: Vec<Waiting> = (1..=500).map(|n| waiting(n, urgency(n))).collect();
        // The newest critical one is over already.
        due[499].stands = false;
        let folding = fold(&due, 5);
        assert_eq!(folding.alone, [400, 420, 440, 460, 480]);
        assert_eq!(folding.together.len(), 495);
        let mut all: Vec<i64> = folding.alone.into_iter().chain(folding.together).collect();
        all.sort_unstable();
        assert_eq!(all, (1..=500).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_person_sent_is_never_folded_and_one_alone_is_no_summary() {
        let mut due: Vec<Waiting> = (1..=3).map(|n| waiting(n, Urgency::Information)).collect();
        due[0].alone = true;
        due[1].alone = true;
        let folding = fold(&due, 2);
        assert_eq!((folding.alone, folding.together), (vec![1, 2, 3], vec![]));
    }
}
