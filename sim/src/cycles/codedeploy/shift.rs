//! In which steps a configuration moves production traffic. Pure.

use crate::options::Traffic;

/// Green's share, and the minutes until the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) percent: u32,
    pub(super) minutes: u32,
}

/// All steps up to 100 %.
pub(super) fn traffic_steps(traffic: Traffic) -> Vec<Step> {
    let last = Step {
        percent: 100,
        minutes: 0,
    };
    match traffic {
        Traffic::AllAtOnce => vec![last],
        Traffic::Canary { percent, minutes } => vec![Step { percent, minutes }, last],
        Traffic::Linear { percent, minutes } => {
            let size = percent.clamp(1, 100);
            (1..100u32.div_ceil(size))
                .map(|step| Step {
                    percent: step * size,
                    minutes,
                })
                .chain([last])
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percents(traffic: Traffic) -> Vec<u32> {
        traffic_steps(traffic)
            .iter()
            .map(|step| step.percent)
            .collect()
    }

    #[test]
    fn every_configuration_ends_with_all_traffic_on_green() {
        assert_eq!(percents(Traffic::AllAtOnce), [100]);
        assert_eq!(
            percents(Traffic::Canary {
                percent: 10,
                minutes: 5
            }),
            [10, 100]
        );
        assert_eq!(
            percents(Traffic::Linear {
                percent: 10,
                minutes: 1
            }),
            [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
        );
        assert_eq!(
            percents(Traffic::Linear {
                percent: 30,
                minutes: 1
            }),
            [30, 60, 90, 100]
        );
    }
}
