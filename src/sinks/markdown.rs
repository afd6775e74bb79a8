//! Text from outside inside Markdown: nothing it holds may become structure, a link, an image or HTML.

/// As a part of a sentence or of a table's cell.
pub fn text(outside: &str) -> String {
    let mut out = String::with_capacity(outside.len());
    for letter in outside.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' => out.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' | '$' => {
                out.push('\\');
                out.push(letter);
            }
            '@' => out.push_str("&#64;"),
            ':' => out.push_str("&#58;"), // no bare link, no emoji
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// As code in a sentence or cell. HTML, because a code span cannot hold every text.
pub fn code(outside: &str) -> String {
    format!("<code>{}</code>", html(&outside.replace(['\n', '\r'], " ")))
}

/// As a block of code, line by line.
pub fn block<S: AsRef<str>>(lines: &[S]) -> String {
    let body: Vec<String> = lines.iter().map(|line| html(line.as_ref().trim_end_matches(['\n', '\r']))).collect();
    // A blank line would end the HTML block and let Markdown in.
    let body: Vec<String> = body.into_iter().map(|line| if line.trim().is_empty() { "&nbsp;".into() } else { line }).collect();
    format!("<pre>{}</pre>", body.join("\n"))
}

fn html(outside: &str) -> String {
    let mut out = String::with_capacity(outside.len());
    for letter in outside.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' => out.push_str("&#124;"),
            '`' => out.push_str("&#96;"),
            '$' => out.push_str("&#36;"),
            '\\' => out.push_str("&#92;"),
            '*' => out.push_str("&#42;"),
            '_' => out.push_str("&#95;"),
            '[' => out.push_str("&#91;"),
            '~' => out.push_str("&#126;"),
            '@' => out.push_str("&#64;"),
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_structure() {
        let attack = "a | b <img src=x onerror=alert(1)> [x](http://evil) ![y](z) `c` ## h\n- item";
        let cell = text(attack);
        assert!(
            !cell.contains(" | ") && !cell.contains("<img") && !cell.contains("](http:") && !cell.contains("://") && !cell.contains('\n'),
            "{cell}"
        );
        assert!(!code("</code><script>\n").contains("<script>"));
        assert!(!block(&["</pre>", "", "x"]).contains("\n\n"));
    }
}
