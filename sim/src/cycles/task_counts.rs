//! How many tasks each fleet of a service shall have. Pure.

/// What one fleet has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TaskCounts {
    /// Tasks that run or are about to.
    pub(super) alive: u32,
    /// Those that serve.
    pub(super) healthy: u32,
}

/// The bounds of a rolling rollout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) desired: u32,
    pub(super) minimum_percent: u32,
    pub(super) maximum_percent: u32,
}

/// What the primary fleet and the older ones shall have now: never fewer healthy than the minimum,
/// never more than the maximum.
pub(super) fn rolling_counts(
    bounds: Bounds,
    primary: TaskCounts,
    older: &[TaskCounts],
) -> (u32, Vec<u32>) {
    let older_alive: u32 = older.iter().map(|crew| crew.alive).sum();
    let ceiling = (bounds.desired * bounds.maximum_percent / 100).max(bounds.desired.min(1));
    let floor = (bounds.desired * bounds.minimum_percent).div_ceil(100);
    let room = ceiling.saturating_sub(older_alive).max(primary.alive);
    let mut keep = if primary.healthy >= bounds.desired {
        0
    } else {
        floor.saturating_sub(primary.healthy)
    };
    // Those that serve are kept first: an unhealthy task in an older fleet is no help to users.
    let mut kept: Vec<u32> = older
        .iter()
        .map(|crew| take_up_to(&mut keep, crew.healthy))
        .collect();
    for (kept, crew) in kept.iter_mut().zip(older) {
        *kept += take_up_to(&mut keep, crew.alive.saturating_sub(crew.healthy));
    }
    (bounds.desired.min(room), kept)
}

fn take_up_to(wanted: &mut u32, there: u32) -> u32 {
    let taken = (*wanted).min(there);
    *wanted -= taken;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn counts(alive: u32, healthy: u32) -> TaskCounts {
        TaskCounts { alive, healthy }
    }

    const fn bounds(desired: u32, minimum_percent: u32, maximum_percent: u32) -> Bounds {
        Bounds {
            desired,
            minimum_percent,
            maximum_percent,
        }
    }

    #[test]
    fn the_old_task_stays_until_the_new_one_is_healthy() {
        assert_eq!(
            rolling_counts(bounds(1, 100, 200), counts(1, 0), &[counts(1, 1)]),
            (1, vec![1])
        );
        assert_eq!(
            rolling_counts(bounds(1, 100, 200), counts(1, 1), &[counts(1, 1)]),
            (1, vec![0])
        );
    }

    #[test]
    fn without_room_above_the_desired_count_the_old_task_goes_first() {
        assert_eq!(
            rolling_counts(bounds(1, 0, 100), counts(0, 0), &[counts(1, 1)]),
            (0, vec![0])
        );
        assert_eq!(
            rolling_counts(bounds(1, 0, 100), counts(0, 0), &[counts(0, 0)]),
            (1, vec![0])
        );
    }

    #[test]
    fn four_tasks_at_fifty_percent_are_replaced_in_turns() {
        assert_eq!(
            rolling_counts(bounds(4, 50, 100), counts(0, 0), &[counts(4, 4)]),
            (0, vec![2])
        );
        assert_eq!(
            rolling_counts(bounds(4, 50, 100), counts(0, 0), &[counts(2, 2)]),
            (2, vec![2])
        );
        assert_eq!(
            rolling_counts(bounds(4, 50, 100), counts(2, 2), &[counts(2, 2)]),
            (2, vec![0])
        );
    }

    #[test]
    fn a_healthy_task_of_the_oldest_fleet_is_kept_before_an_unhealthy_newer_one() {
        assert_eq!(
            rolling_counts(
                bounds(1, 100, 200),
                counts(1, 0),
                &[counts(1, 0), counts(1, 1)]
            ),
            (1, vec![0, 1])
        );
    }

    #[test]
    fn nothing_is_wanted_of_a_service_with_no_desired_tasks() {
        assert_eq!(
            rolling_counts(bounds(0, 100, 200), counts(0, 0), &[counts(1, 1)]),
            (0, vec![0])
        );
    }
}
