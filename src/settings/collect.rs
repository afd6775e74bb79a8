//! Collects all problems, and has the small parsers that inputs share.

use std::ops::RangeInclusive;
use std::time::Duration;

use url::Url;

use crate::documents::ebs::ManagedVolume;
use crate::documents::lists;
use crate::duration::parse_duration;
use crate::nearest::find_nearest;
use crate::problem::Problem;
use crate::runner::Runner;

/// An input, or several inputs that belong together, which may be left out.
#[derive(Debug)]
pub(super) enum OptionalInput<T> {
    /// Not given.
    Absent,
    /// Given, and valid.
    Valid(T),
    /// Given, but invalid; the problem was added.
    Invalid,
}

impl<T> OptionalInput<T> {
    pub(super) fn read<I>(input: Option<I>, read: impl FnOnce(I) -> Option<T>) -> Self {
        input.map_or(Self::Absent, |input| Self::of(read(input)))
    }

    /// An input that is given; invalid when none.
    pub(super) fn of(read: Option<T>) -> Self {
        read.map_or(Self::Invalid, Self::Valid)
    }

    pub(super) fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid)
    }

    pub(super) fn valid(self) -> Option<T> {
        match self {
            Self::Valid(value) => Some(value),
            Self::Absent | Self::Invalid => None,
        }
    }
}

/// The problems and notes found so far.
#[derive(Debug, Default)]
pub(super) struct ProblemCollector {
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl ProblemCollector {
    pub(super) fn add_problem(
        &mut self,
        input: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(Problem::new(input, message, remedy));
    }

    /// Adds a note for the log that is not a problem.
    pub(super) fn add_note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// The value; none if the problem was added.
    pub(super) fn value_or_problem<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The value; none if the problems were added.
    pub(super) fn value_or_problems<T>(&mut self, result: Result<T, Vec<Problem>>) -> Option<T> {
        result
            .map_err(|problems| self.problems.extend(problems))
            .ok()
    }

    /// A managed volume, with a note for each value that is not sent.
    pub(super) fn read_volume(
        &mut self,
        volume: Result<ManagedVolume, Vec<Problem>>,
    ) -> ManagedVolume {
        let volume = self.value_or_problems(volume).unwrap_or_default();
        volume
            .warnings
            .iter()
            .for_each(|warning| self.add_note(warning.clone()));
        volume
    }

    /// The value that `read` returns; none if `read` added a problem.
    pub(super) fn without_problems<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let before = self.problems.len();
        let value = read(self);
        (self.problems.len() == before).then_some(value)
    }

    /// The items of a list; none if it is absent or invalid.
    pub(super) fn read_list(&mut self, input: &str, text: Option<&str>) -> Vec<String> {
        self.value_or_problems(lists::parse_list(text.unwrap_or_default(), input))
            .unwrap_or_default()
    }

    /// The text of a file that an input names.
    pub(super) fn read_file(
        &mut self,
        input: &str,
        path: &str,
        runner: &Runner,
        remedy: &str,
    ) -> Option<String> {
        let read = runner
            .workspace
            .read(path)
            .map_err(|error| Problem::new(input, format!("{path} {error}"), remedy));
        self.note_substitute_file(input, path, runner);
        self.value_or_problem(read)
    }

    /// Adds a note if another file than the one at the given path is read.
    pub(super) fn note_substitute_file(&mut self, input: &str, path: &str, runner: &Runner) {
        if let Some(sentence) = runner.workspace.describe_substitute(path) {
            self.add_note(format!("{input}: {sentence}"));
        }
    }

    /// `true` or `false` in any case; none if absent or invalid.
    pub(super) fn read_bool(&mut self, input: &str, value: Option<&str>) -> Option<bool> {
        match value?.to_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                self.add_problem(
                    input,
                    format!("`{other}` is neither true nor false"),
                    "use true or false",
                );
                None
            }
        }
    }

    pub(super) fn read_number<N>(
        &mut self,
        input: &str,
        value: Option<&str>,
        range: RangeInclusive<N>,
    ) -> Option<N>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let text = value?;
        let number = text
            .parse::<N>()
            .ok()
            .filter(|number| range.contains(number));
        if number.is_none() {
            self.add_problem(
                input,
                format!(
                    "`{text}` is not a whole number from {} to {}",
                    range.start(),
                    range.end()
                ),
                "use a number in that range",
            );
        }
        number
    }

    /// Whole minutes: `30`, or a duration such as `30m` and `1h30m`, whatever the input's name
    /// says.
    pub(super) fn read_minutes(&mut self, input: &str, value: Option<&str>) -> Option<u64> {
        let text = value?;
        let duration = || {
            parse_duration(text).ok().filter(|duration| {
                duration.subsec_nanos() == 0 && duration.as_secs().is_multiple_of(60)
            })
        };
        let minutes = text
            .parse()
            .ok()
            .or_else(|| duration().map(|duration| duration.as_secs() / 60));
        if minutes.is_none() {
            let message = format!("`{text}` is not a number of whole minutes");
            self.add_problem(
                input,
                message,
                "use a number such as 30, or a duration such as 30m or 1h30m",
            );
        }
        minutes
    }

    /// A percentage such as `10` or `10%`, from `least` to 100.
    pub(super) fn read_percent(
        &mut self,
        input: &str,
        value: Option<&str>,
        min: f64,
    ) -> Option<f64> {
        let text = value?;
        let number = text
            .trim_end_matches('%')
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| (min..=100.0).contains(number));
        if number.is_none() {
            self.add_problem(
                input,
                format!("`{text}` is not a percentage from {min} to 100"),
                "use a number such as 10 or 10%",
            );
        }
        number
    }

    pub(super) fn read_duration(&mut self, input: &str, value: Option<&str>) -> Option<Duration> {
        let text = value?;
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let remedy = if is_number {
            format!("add the unit: {text}s for seconds, {text}m for minutes")
        } else {
            "use a duration such as 90s, 10m or 2h".to_owned()
        };
        parse_duration(text)
            .map_err(|why| self.add_problem(input, why, remedy))
            .ok()
    }

    pub(super) fn read_choice<T: Copy>(
        &mut self,
        input: &str,
        value: Option<&str>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = value?;
        let found = choices
            .iter()
            .find(|(word, _)| text.eq_ignore_ascii_case(word))
            .map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let remedy = find_nearest(text, all.iter().copied())
                .map(|near| format!("did you mean `{near}`?"));
            let remedy = remedy.unwrap_or_else(|| "use one of them".to_owned());
            self.add_problem(
                input,
                format!("`{text}` is not one of {}", all.join(", ")),
                remedy,
            );
        }
        found
    }

    pub(super) fn read_url(&mut self, input: &str, value: Option<&str>) -> Option<Url> {
        let url = Url::parse(value?)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            self.add_problem(
                input,
                "it is not an http or https URL",
                "write it whole, such as https://api.example.com:8443",
            );
        }
        if let Some(why) = url.as_ref().and_then(crate::checks::forbidden) {
            self.add_problem(input, why, "give the URL of the service");
        }
        url
    }

    /// The settings, as far as they could be read, and the problems.
    pub(super) fn finish<T>(
        self,
        settings: impl FnOnce(Vec<String>) -> Option<T>,
    ) -> (Option<T>, Vec<Problem>) {
        (settings(self.notes), self.problems)
    }
}
