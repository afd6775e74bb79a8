//! The page to open: every summary as GitHub would show it, with its log. Pure.

use pulldown_cmark::{Options, Parser, html::push_html};

use super::strategy::Strategy;
use super::verdict::PlayedScenario;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>
body { font: 14px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2em auto; padding: 0 1em; color: #1f2328; background: #fff }
section { border: 1px solid #d1d9e0; border-radius: 6px; padding: 0 1.2em 1em; margin: 1.5em 0 }
table { border-collapse: collapse; margin: .8em 0 } th, td { border: 1px solid #d1d9e0; padding: .3em .7em; text-align: left }
code, pre { font: 12px/1.45 ui-monospace, monospace; background: #f6f8fa; border-radius: 4px } code { padding: .15em .35em }
pre { padding: 1em; overflow-x: auto } h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em }
</style>
"#;

/// One page for all scenarios of a strategy.
pub fn render(strategy: Strategy, played: &[PlayedScenario], table: &[Vec<String>]) -> String {
    let sections: String = played.iter().map(render_section).collect();
    let (title, story) = (
        format!("Rehearsal: {}", strategy.name()),
        strategy.description(),
    );
    format!(
        "{HEAD}<title>{title}</title>\n<h1>{title}</h1>\n<p>{story}</p>\n{}{sections}</html>\n",
        render_table(table)
    )
}

fn render_section(played: &PlayedScenario) -> String {
    let mut summary = String::new();
    push_html(
        &mut summary,
        Parser::new_ext(&played.ended.summary, Options::ENABLE_TABLES),
    );
    let log = escape_html(&played.log);
    let story = escape_html(played.scenario.story);
    format!(
        "<h3>{story}</h3>\n<section>\n{summary}</section>\n<details><summary>The log</summary><pre>{log}</pre></details>\n"
    )
}

fn render_table(table: &[Vec<String>]) -> String {
    let rows = table.iter().enumerate().map(|(index, row)| {
        let tag = if index == 0 { "th" } else { "td" };
        let cells: Vec<String> = row
            .iter()
            .map(|cell| format!("<{tag}>{}</{tag}>", escape_html(cell)))
            .collect();
        format!("<tr>{}</tr>", cells.concat())
    });
    format!(
        "<table>\n{}\n</table>\n",
        rows.collect::<Vec<_>>().join("\n")
    )
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
