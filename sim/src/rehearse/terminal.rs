//! Markdown for a terminal: headings, sentences, lists and aligned tables. Pure.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::table::align;

/// A step summary as lines of text. Folded parts (`<details>`) stay folded: the file shows them.
pub fn render(markdown: &str) -> Vec<String> {
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        writer.handle_event(event);
    }
    writer.lines
}

#[derive(Debug, Default)]
struct Writer {
    lines: Vec<String>,
    text: String,
    rows: Vec<Vec<String>>,
    depth: usize,
    link: String,
    in_details: bool,
}

impl Writer {
    fn handle_event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start_tag(tag),
            Event::End(tag) => self.end_tag(tag),
            Event::Html(html) if html.contains("<details") => self.in_details = true,
            Event::Html(html) if html.contains("</details") => self.in_details = false,
            Event::InlineHtml(html) if html.as_ref() == "<br>" => self.text.push_str("; "),
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            _ => {}
        }
    }

    fn start_tag(&mut self, tag: Tag<'_>) {
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

    fn end_tag(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.lines.push(String::new());
                self.flush();
            }
            TagEnd::Paragraph | TagEnd::Item => self.flush(),
            TagEnd::List(_) => self.depth = self.depth.saturating_sub(1),
            TagEnd::TableCell => self.finish_cell(),
            TagEnd::TableHead | TagEnd::TableRow => self.rows.push(Vec::new()),
            TagEnd::Table => self.finish_table(),
            TagEnd::Link => {
                let link = std::mem::take(&mut self.link);
                self.text.extend([": ", &link]);
            }
            _ => {}
        }
    }

    fn finish_cell(&mut self) {
        if self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        let words = std::mem::take(&mut self.text);
        if let Some(row) = self.rows.last_mut() {
            row.push(words);
        }
    }

    fn finish_table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .filter(|row| row.iter().any(|cell| !cell.is_empty()))
            .collect();
        self.lines
            .extend(align(&rows).into_iter().map(|line| format!("  {line}")));
    }

    fn flush(&mut self) {
        let words = std::mem::take(&mut self.text);
        if words.trim().is_empty() || self.in_details {
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
        assert_eq!(render(markdown), expected);
    }
}
