//! "Did you mean": the known word that a slip of the hand leads to.

/// The known word a slip away: at most one edit in three characters of the longer word.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let given = given.to_lowercase().replace('_', "-");
    let near = known.into_iter().map(|word| (strsim::levenshtein(&given, word), word));
    let near = near.filter(|(edits, word)| *edits <= word.len().max(given.len()).div_ceil(3));
    near.min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(nearest(given, known), expected, "{given}");
        }
    }
}
