//! Collecting every problem, and the small parsers that inputs share.

use std::ops::RangeInclusive;
use std::time::Duration;

use url::Url;

use crate::documents::ebs::ManagedVolume;
use crate::duration::parse_duration;
use crate::problem::Problem;

/// The problems and notes found so far.
#[derive(Debug, Default)]
pub(super) struct Collect {
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl Collect {
    /// Something is wrong with an input.
    pub(super) fn problem(&mut self, input: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::new(input, message, remedy));
    }

    /// Something to say that is no problem.
    pub(super) fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// The value, or its problem kept for later.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The value, or its problems kept for later.
    pub(super) fn keep_all<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result.map_err(|problems| self.problems.extend(problems)).ok()
    }

    /// A managed volume; what is not sent of it is noted.
    pub(super) fn volume(&mut self, volume: Result<ManagedVolume, Vec<Problem>>) -> ManagedVolume {
        let volume = self.keep_all(volume).unwrap_or_default();
        volume.warnings.iter().for_each(|warning| self.note(warning.clone()));
        volume
    }

    /// `true` or `false` in any case; absent and wrong ones are none.
    pub(super) fn truth(&mut self, input: &str, value: Option<&str>) -> Option<bool> {
        match value?.to_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                self.problem(input, format!("`{other}` is neither true nor false"), "use true or false");
                None
            }
        }
    }

    /// A whole number in a range.
    pub(super) fn number<N>(&mut self, input: &str, value: Option<&str>, range: RangeInclusive<N>) -> Option<N>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let text = value?;
        let number = text.parse::<N>().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.problem(
                input,
                format!("`{text}` is not a whole number from {} to {}", range.start(), range.end()),
                "use a number in that range",
            );
        }
        number
    }

    /// A percentage such as `10` or `10%`, from `least` to 100.
    pub(super) fn percent(&mut self, input: &str, value: Option<&str>, least: f64) -> Option<f64> {
        let text = value?;
        let number = text.trim_end_matches('%').trim().parse::<f64>().ok().filter(|number| (least..=100.0).contains(number));
        if number.is_none() {
            self.problem(input, format!("`{text}` is not a percentage from {least} to 100"), "use a number such as 10 or 10%");
        }
        number
    }

    /// A duration such as `90s`.
    pub(super) fn duration(&mut self, input: &str, value: Option<&str>) -> Option<Duration> {
        let parsed = parse_duration(value?);
        parsed.map_err(|why| self.problem(input, why, "use a duration such as 90s, 10m or 2h")).ok()
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, input: &str, value: Option<&str>, words: &[(&str, T)]) -> Option<T> {
        let text = value?;
        let found = words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, value)| *value);
        if found.is_none() {
            let all = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            self.problem(input, format!("`{text}` is not one of {all}"), format!("use one of {all}"));
        }
        found
    }

    /// An HTTP or HTTPS URL.
    pub(super) fn url(&mut self, input: &str, value: Option<&str>) -> Option<Url> {
        let url = Url::parse(value?).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            self.problem(input, "it is not an http or https URL", "write it whole, such as https://api.example.com:8443");
        }
        if let Some(why) = url.as_ref().and_then(crate::checks::forbidden) {
            self.problem(input, why, "give the URL of the service");
        }
        url
    }

    /// The settings, unless there is a problem.
    pub(super) fn finish<T>(self, settings: impl FnOnce(Vec<String>) -> Option<T>) -> Result<T, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        settings(self.notes).ok_or_else(Vec::new)
    }
}
