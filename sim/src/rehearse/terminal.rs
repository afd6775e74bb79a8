//! Markdown for a terminal: headings, sentences, lists and aligned tables. Pure.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::table::aligned;

/// A step summary as lines of text. Folded parts (`<details>`) stay folded: the file shows them.
pub fn text(markdown: &str) -> Vec<String> {
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        writer.take(event);
    }
    writer.lines
}

#[derive(Debug, Default)]
struct Writer {
    lines: Vec<String>,
    words: String,
    rows: Vec<Vec<String>>,
    depth: usize,
    link: String,
    folded: bool,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Html(html) if html.contains("<details") => self.folded = true,
            Event::Html(html) if html.contains("</details") => self.folded = false,
            Event::InlineHtml(html) if html.as_ref() == "<br>" => self.words.push_str("; "),
            Event::Text(text) | Event::Code(text) => self.words.push_str(&text),
            Event::SoftBreak | Event::HardBreak => self.words.push(' '),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(_) => {
                self.flush();
                self.depth += 1;
            }
            Tag::Item | Tag::Paragraph | Tag::Heading { .. } => self.flush(),
            Tag::Link { dest_url, .. } => self.link = dest_url.into_string(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.lines.push(String::new());
                self.flush();
            }
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::List(_) => self.depth = self.depth.saturating_sub(1),
            TagEnd::TableCell => self.cell(),
            TagEnd::TableHead | TagEnd::TableRow => self.rows.push(Vec::new()),
            TagEnd::Table => self.table(),
            TagEnd::Link => {
                let link = std::mem::take(&mut self.link);
                self.words.extend([": ", &link]);
            }
            _ => {}
        }
    }

    fn cell(&mut self) {
        if self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        let words = std::mem::take(&mut self.words);
        if let Some(row) = self.rows.last_mut() {
            row.push(words);
        }
    }

    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .filter(|row| row.iter().any(|cell| !cell.is_empty()))
            .collect();
        self.lines
            .extend(aligned(&rows).into_iter().map(|line| format!("  {line}")));
    }

    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        if words.trim().is_empty() || self.folded {
            return;
        }
        let bullet = if self.depth > 0 {
            format!("{}- ", "  ".repeat(self.depth))
        } else {
            String::new()
        };
        self.lines.push(format!("{bullet}{}", words.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_well_without_a_browser() {
        let markdown = "## ✓ deployed: <code>api</code>\n\n**Green serves\\.**\n\n| | Step | Time |\n|---|---|--:|\n| ✓ | Survey | 20 ms |\n\
            | ✓ | Traffic | 2 s |\n\n- **why**\n  - because\n\n<details><summary>Changes</summary>\n\n<pre>x</pre>\n\n</details>\n\n[See](https://x.example)\n";
        let expected = [
            "",
            "✓ deployed: api",
            "Green serves.",
            "     Step     Time",
            "  ✓  Survey   20 ms",
            "  ✓  Traffic  2 s",
            "  - why",
            "    - because",
            "See: https://x.example",
        ];
        assert_eq!(text(markdown), expected);
    }
}
