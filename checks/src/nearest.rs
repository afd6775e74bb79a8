//! "Did you mean": the candidate closest to a mistyped word.

/// The shortest prefix that identifies a word.
const MIN_PREFIX: usize = 3;

/// The closest candidate: the only one with this prefix, or one within one edit per three
/// characters of the longer word.
pub fn find_nearest<'k>(
    given: &str,
    candidates: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let normalize = |word: &str| word.to_lowercase().replace('_', "-");
    let given = normalize(given);
    let normalized: Vec<(String, &str)> = candidates
        .into_iter()
        .map(|word| (normalize(word), word))
        .collect();
    let mut with_prefix = normalized
        .iter()
        .filter(|(word, _)| given.len() >= MIN_PREFIX && word.starts_with(&given));
    if let (Some((_, word)), None) = (with_prefix.next(), with_prefix.next()) {
        return Some(*word);
    }
    let near = normalized
        .iter()
        .map(|(plain, word)| (strsim::levenshtein(&given, plain), *word));
    let near = near.filter(|(edits, word)| *edits <= word.len().max(given.len()).div_ceil(3));
    near.min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// Whether `given` is `word` with one typo (two if `word` has more than 7 characters).
pub fn is_typo(given: &str, word: &str) -> bool {
    strsim::damerau_levenshtein(given, word) <= if word.len() > 7 { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_enough_when_no_other_word_begins_so() {
        let known = [
            "production",
            "green",
            "step",
            "status",
            "canary-percent",
            "canary-bake",
        ];
        let table = [
            ("prod", Some("production")),
            ("sta", Some("status")),
            ("canary", None),
            ("grn", Some("green")),
            ("STEPS", Some("step")),
        ];
        for (given, expected) in table {
            assert_eq!(find_nearest(given, known), expected, "{given}");
        }
    }

    #[test]
    fn the_nearest_word_is_offered_only_when_it_is_near() {
        let known = ["expect", "headers", "on", "http-only"];
        let table = [
            ("expects", Some("expect")),
            ("header", Some("headers")),
            ("http_only", Some("http-only")),
            ("expected", Some("expect")),
            ("ON", Some("on")),
            ("banana", None),
        ];
        for (given, expected) in table {
            assert_eq!(find_nearest(given, known), expected, "{given}");
        }
    }
}
