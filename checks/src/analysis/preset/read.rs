//! Parsing and naming of presets.

use crate::analysis::parse::known_presets;
use crate::duration::parse_duration;

use super::{Operator, Preset, PresetError, Subject};

const NO_WORSE: &str = "green no worse than blue";

const SUBJECTS: [(&str, Subject); 7] = [
    ("error-rate", Subject::ErrorRate),
    ("success-rate", Subject::SuccessRate),
    ("p50", Subject::Percentile("p50")),
    ("p90", Subject::Percentile("p90")),
    ("p95", Subject::Percentile("p95")),
    ("p99", Subject::Percentile("p99")),
    ("requests", Subject::Requests),
];

/// The words that a preset can begin with.
pub(crate) const KEYWORDS: &[&str] = &[
    "error-rate",
    "success-rate",
    "p50",
    "p90",
    "p95",
    "p99",
    "requests",
    NO_WORSE,
];

/// Longest first.
const OPERATORS: [(&str, Operator); 4] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Below),
    (">", Operator::Above),
];

impl Preset {
    pub(crate) fn parse(text: &str) -> Result<Self, PresetError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text == NO_WORSE {
            return Ok(Self::NoWorse);
        }
        let Some((at, sign, operator)) = find_operator(&text) else {
            return Err(unknown_preset(&text, &text));
        };
        let (word, bound) = (text[..at].trim(), text[at + sign.len()..].trim());
        let Some((_, subject)) = SUBJECTS.into_iter().find(|(keyword, _)| *keyword == word) else {
            return Err(unknown_preset(&text, word));
        };
        subject.check_operator(operator, &text)?;
        let (bound, bound_text) = subject
            .parse_bound(bound)
            .ok_or_else(|| subject.bound_error(&text))?;
        Ok(Self::Threshold {
            subject,
            operator,
            bound,
            bound_text,
        })
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::NoWorse => NO_WORSE.to_owned(),
            Self::Threshold {
                subject,
                operator,
                bound_text: shown,
                ..
            } => format!("{} {} {shown}", subject.keyword(), operator.symbol()),
        }
    }
}

fn find_operator(text: &str) -> Option<(usize, &'static str, Operator)> {
    let at = text.find(['<', '>'])?;
    OPERATORS
        .into_iter()
        .find(|(sign, _)| text[at..].starts_with(sign))
        .map(|(sign, operator)| (at, sign, operator))
}

fn unknown_preset(text: &str, word: &str) -> PresetError {
    PresetError {
        message: format!("`{text}` is not a preset"),
        remedy: known_presets(word),
    }
}

impl Subject {
    pub(crate) fn keyword(self) -> &'static str {
        SUBJECTS
            .into_iter()
            .find(|(_, subject)| *subject == self)
            .map_or("", |(word, _)| word)
    }

    /// Errors and latencies need an upper bound, successes and requests a lower one.
    fn check_operator(self, operator: Operator, text: &str) -> Result<(), PresetError> {
        let is_upper = matches!(operator, Operator::Below | Operator::AtMost);
        let wants_upper = matches!(self, Self::ErrorRate | Self::Percentile(_));
        if is_upper == wants_upper {
            return Ok(());
        }
        let message = format!("`{text}` would call good what is bad");
        Err(PresetError {
            message,
            remedy: format!(
                "Write `{} {} …`",
                self.keyword(),
                if wants_upper { "<" } else { ">" }
            ),
        })
    }

    fn parse_bound(self, text: &str) -> Option<(f64, String)> {
        match self {
            Self::ErrorRate | Self::SuccessRate => parse_percent(text),
            Self::Percentile(_) => parse_seconds(text),
            Self::Requests => text
                .parse::<u32>()
                .ok()
                .map(|count| (f64::from(count), count.to_string())),
        }
    }

    fn bound_error(self, text: &str) -> PresetError {
        let remedy = match self {
            Self::ErrorRate => "Write a percentage: `error-rate < 5 %`",
            Self::SuccessRate => "Write a percentage: `success-rate > 99 %`",
            Self::Percentile(_) => "Write a time with its unit: `p99 < 800 ms`, `p99 < 1 s`",
            Self::Requests => "Write a whole number: `requests > 100`",
        };
        PresetError {
            message: format!("`{text}` has no bound that can be read"),
            remedy: remedy.to_owned(),
        }
    }
}

fn parse_percent(text: &str) -> Option<(f64, String)> {
    let number = text.strip_suffix('%')?.trim();
    let bound = number
        .parse::<f64>()
        .ok()
        .filter(|bound| (0.0..=100.0).contains(bound))?;
    Some((bound, format!("{number} %")))
}

/// A duration, with or without a space before its unit, whole or not: `800 ms`, `1.5 s`.
fn parse_seconds(text: &str) -> Option<(f64, String)> {
    let compact: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    if let Ok(duration) = parse_duration(&compact) {
        return Some((duration.as_secs_f64(), text.to_owned()));
    }
    let bound = compact
        .strip_suffix('s')?
        .parse::<f64>()
        .ok()
        .filter(|bound| bound.is_finite() && *bound >= 0.0)?;
    Some((bound, text.to_owned()))
}
