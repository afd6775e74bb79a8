//! Text from outside inside Markdown: nothing in it may become structure, a link, a mention, an
//! image or HTML.
//!
//! GitHub makes links of addresses, `@names`, `#numbers` and `GH-numbers` in any text, however it
//! is escaped, but not in code. So a word that contains one is shown as code. No invisible
//! character is inserted, so the text can be copied.

use crate::scrub::is_unsafe_to_show;

/// Escapes text for a sentence or a table cell.
pub fn escape_text(untrusted: &str) -> String {
    map_words(untrusted, escape_markdown)
}

/// Escapes text for HTML in which Markdown is not parsed: the `<summary>` of `<details>`.
pub fn escape_html_text(untrusted: &str) -> String {
    map_words(untrusted, escape_html)
}

fn map_words(untrusted: &str, escape: fn(&str) -> String) -> String {
    let words = untrusted.split_inclusive(char::is_whitespace).map(|word| {
        let bare = word.trim_end();
        let rest = if bare.len() < word.len() { " " } else { "" };
        if !becomes_link(bare) {
            return format!("{}{rest}", escape(bare));
        }
        let core = bare.trim_end_matches(['.', ',', ';', ':', ')']);
        format!("{}{}{rest}", code_span(core), escape(&bare[core.len()..]))
    });
    words.collect()
}

/// As code in a sentence or cell. HTML, because a Markdown code span cannot contain every text.
pub fn code_span(untrusted: &str) -> String {
    let html = escape_html(untrusted);
    let html = if untrusted.split_whitespace().any(becomes_link) {
        break_autolinks(&html)
    } else {
        html
    };
    format!("<code>{html}</code>")
}

/// As a block of code, line by line.
pub fn code_block<S: AsRef<str>>(lines: &[S]) -> String {
    let body: Vec<String> = lines
        .iter()
        .map(|line| escape_html(line.as_ref().trim_end_matches(['\n', '\r'])))
        .collect();
    // A blank line would end the HTML block and let Markdown in.
    let body: Vec<String> = body
        .into_iter()
        .map(|line| {
            if line.trim().is_empty() {
                "&nbsp;".into()
            } else {
                line
            }
        })
        .collect();
    format!("<pre>{}</pre>", body.join("\n"))
}

fn escape_html(untrusted: &str) -> String {
    let mut out = String::with_capacity(untrusted.len());
    for letter in untrusted.chars() {
        match letter {
            '`' => out.push_str("&#96;"),
            '$' => out.push_str("&#36;"),
            '\\' => out.push_str("&#92;"),
            '*' => out.push_str("&#42;"),
            '_' => out.push_str("&#95;"),
            '[' => out.push_str("&#91;"),
            '~' => out.push_str("&#126;"),
            other => push_escaped(&mut out, other),
        }
    }
    out
}

fn escape_markdown(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' | '$' => {
                out.push('\\');
                out.push(letter);
            }
            ':' => out.push_str("&#58;"), // no emoji
            other => push_escaped(&mut out, other),
        }
    }
    out
}

/// Appends a character that is escaped in Markdown and HTML alike; control and invisible characters
/// are replaced.
fn push_escaped(out: &mut String, letter: char) {
    match letter {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '|' => out.push_str("&#124;"),
        '@' => out.push_str("&#64;"),
        control if control.is_control() || matches!(control, '\u{2028}' | '\u{2029}') => {
            out.push(' ');
        }
        trick if is_unsafe_to_show(trick) => out.push('\u{fffd}'),
        other => out.push(other),
    }
}

/// Inserts empty HTML comments where GitHub would make a link even inside `<code>`. They are
/// invisible.
fn break_autolinks(html: &str) -> String {
    const NOTHING: &str = "<!-- -->";
    let parted = html.replace("://", &format!("&#58;{NOTHING}//"));
    let parted = parted
        .split_inclusive("&#64;")
        .map(|part| part.replace("&#64;", &format!("&#64;{NOTHING}")))
        .collect::<String>();
    parted
        .replace("www.", &format!("www{NOTHING}."))
        .replace("WWW.", &format!("WWW{NOTHING}."))
}

/// Whether GitHub would make a link of any part of a word.
fn becomes_link(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    let numbered = |mark: &str| {
        lower
            .match_indices(mark)
            .any(|(at, _)| is_digit(&lower[at + mark.len()..]))
    };
    lower.contains("://")
        || lower.contains("www.")
        || numbered("#")
        || numbered("gh-")
        || has_mention(&lower)
}

/// `@team`, `someone@example.com`; not the digest in `app@sha256:…`.
fn has_mention(word: &str) -> bool {
    word.match_indices('@').any(|(at, _)| {
        let after = word[at + 1..]
            .split(|letter: char| !letter.is_ascii_alphanumeric() && !"-._".contains(letter))
            .next()
            .unwrap_or_default();
        let is_name = after.starts_with(|first: char| first.is_ascii_alphanumeric());
        let is_inside = word[..at]
            .ends_with(|before: char| before.is_ascii_alphanumeric() || "-._+".contains(before));
        is_name && (!is_inside || after.contains('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_structure() {
        let attack = "a | b <img src=x onerror=alert(1)> [x](http://evil) ![y](z) `c` ## h\n- item";
        let cell = escape_text(attack);
        assert!(
            !cell.contains(" | ")
                && !cell.contains("<img")
                && !cell.contains("](http:")
                && !cell.contains("://")
                && !cell.contains('\n'),
            "{cell}"
        );
        assert!(!code_span("</code><script>\n").contains("<script>"));
        assert_eq!(
            code_span("host:5000/app@sha256:0a1b"),
            "<code>host:5000/app&#64;sha256:0a1b</code>"
        );
        assert!(!code_block(&["</pre>", "", "x"]).contains("\n\n"));
    }

    #[test]
    fn what_github_makes_a_link_of_is_code() {
        for (word, shown) in [
            ("@team", "<code>&#64;<!-- -->team</code>"),
            ("(@org/team)", "<code>(&#64;<!-- -->org/team</code>)"),
            ("a@b.example", "<code>a&#64;<!-- -->b.example</code>"),
            ("#12", "<code>#12</code>"),
            ("org/repo#12", "<code>org/repo#12</code>"),
            ("GH-1", "<code>GH-1</code>"),
            (
                "see:https://x.example/a_b",
                "<code>see:https&#58;<!-- -->//x.example/a&#95;b</code>",
            ),
            ("WWW.x.example", "<code>WWW<!-- -->.x.example</code>"),
            ("host/app@sha256:0a1b", "host/app&#64;sha256&#58;0a1b"),
            ("#", "\\#"),
            ("C#", "C\\#"),
            ("50", "50"),
        ] {
            assert_eq!(escape_text(word), shown);
            assert_eq!(escape_text(&format!("a {word} b")), format!("a {shown} b"));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let attack = "a\u{1b}[31mb\u{202e}c\u{2028}d\0e\u{200b}f";
        assert_eq!(escape_text(attack), "a \\[31mb\u{fffd}c d e\u{fffd}f");
        assert_eq!(
            code_span(attack),
            "<code>a &#91;31mb\u{fffd}c d e\u{fffd}f</code>"
        );
    }
}
