//! `alarms` and `waive-alarms`.

use super::collect::Collect;
use crate::inputs::Inputs;

/// The alarms that the user names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlarmSettings {
    /// Besides those of the deployment group or the service.
    pub watched: Vec<String>,
    /// They may ring when the deployment starts.
    pub waived: Vec<String>,
}

pub(super) fn settings(inputs: &Inputs, collect: &mut Collect) -> AlarmSettings {
    let settings = AlarmSettings { watched: names(inputs.alarms.as_deref()), waived: names(inputs.waive_alarms.as_deref()) };
    if !settings.watched.is_empty() && inputs.service.is_none() {
        collect.problem("alarms", "there is no service whose rollout could be watched", "set service");
    }
    settings
}

/// Names, each once; an ARN stands for the name in it.
fn names(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let mut names: Vec<String> = Vec::new();
    for part in parts {
        let name = if part.starts_with("arn:") { part.split_once(":alarm:").map_or(part, |(_, name)| name) } else { part };
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
        assert_eq!(names(Some(text)), ["api-errors", "p99 of api", "all: prod"]);
        assert!(names(None).is_empty());
    }
}
