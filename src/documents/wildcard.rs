//! AWS's wildcard filters: `*` stands for any text, including none.

/// Whether a text matches a filter.
pub fn matches(filter: &str, text: &str) -> bool {
    let mut parts = filter.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let table = [
            ("latest", "latest", true),
            ("latest", "latest-1", false),
            ("dev-*", "dev-", true),
            ("dev-*", "dev-7", true),
            ("dev-*", "a-dev-7", false),
            ("*-rc*", "1.0-rc1", true),
            ("*-rc*", "1.0", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "x", false),
        ];
        for (filter, text, expected) in table {
            assert_eq!(matches(filter, text), expected, "{filter} {text}");
        }
    }
}
