//! `alarms` and `waive-alarms`.

use super::collect::ProblemCollector;
use crate::inputs::Inputs;

/// The alarms that the user names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlarmSettings {
    /// Alarms that are watched besides those of the deployment group or the service.
    pub watched: Vec<String>,
    /// Alarms that may be in ALARM when the deployment starts.
    pub waived: Vec<String>,
}

pub(super) fn settings(inputs: &Inputs, collect: &mut ProblemCollector) -> AlarmSettings {
    let watched = unique_alarm_names(&crate::documents::lists::parse_names(
        inputs.alarms.as_deref().unwrap_or_default(),
    ));
    let settings = AlarmSettings {
        watched,
        waived: unique_alarm_names(&crate::documents::lists::parse_names(
            inputs.waive_alarms.as_deref().unwrap_or_default(),
        )),
    };
    if !settings.watched.is_empty() && inputs.service.is_none() {
        collect.add_problem(
            "alarms",
            "there is no service whose rollout could be watched",
            "set service",
        );
    }
    settings
}

/// The names, each once; an ARN is replaced by the name in it.
fn unique_alarm_names(parts: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in parts.iter().map(String::as_str) {
        let name = if part.starts_with("arn:") {
            part.split_once(":alarm:").map_or(part, |(_, name)| name)
        } else {
            part
        };
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_commas_or_on_lines_and_arns_are_names() {
        let text = "api-errors, p99 of api\n arn:aws:cloudwatch:eu-central-1:123456789012:alarm:all: prod\napi-errors,";
        let listed = |text: Option<&str>| {
            unique_alarm_names(&crate::documents::lists::parse_names(
                text.unwrap_or_default(),
            ))
        };
        assert_eq!(
            listed(Some(text)),
            ["api-errors", "p99 of api", "all: prod"]
        );
        assert_eq!(
            listed(Some(r#"["api-errors", "p99, of api"]"#)),
            ["api-errors", "p99, of api"]
        );
        assert_eq!(
            listed(Some("[prod] api-5xx, [P1] latency")),
            ["[prod] api-5xx", "[P1] latency"]
        );
        assert!(listed(None).is_empty());
    }
}
