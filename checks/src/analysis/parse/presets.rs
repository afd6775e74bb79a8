//! Presets: in a document, or as the whole input in plain text.

use crate::analysis::form::Check;
use crate::analysis::preset::{self, CheckTemplate, Preset};
use crate::document::{Content, Node, Place};
use crate::reader::{Reader, one_of};

use super::keys::{PRESET_KEYS, RUN_KEYS};
use super::run::{Run, run};
use super::{Names, Parts, check};

/// The presets of an input without a document: one a line, or several with commas between them; `#`
/// begins a comment.
pub(super) fn plain(reader: &mut Reader<'_>, text: &str) -> Vec<Check> {
    let mut names = Names::default();
    let mut checks = Vec::new();
    for (line, content) in text.lines().enumerate() {
        let content = content.split('#').next().unwrap_or_default();
        let mut column = 1;
        for part in content.split(',') {
            let indent = part
                .chars()
                .take_while(|character| character.is_whitespace())
                .count();
            let place = Place {
                line: line + 1,
                column: column + indent,
            };
            column += part.chars().count() + 1;
            if !part.trim().is_empty() {
                checks.extend(one(reader, place, part, None, &Run::default(), &mut names));
            }
        }
    }
    checks
}

/// A preset of a document: a text, or a mapping with keys of its own.
pub(super) fn preset(
    reader: &mut Reader<'_>,
    node: &Node,
    inherited: &Run,
    names: &mut Names,
) -> Vec<Check> {
    let Content::Mapping(_) = node.content else {
        let text = reader.text(node, "a preset");
        return text.map_or_else(Vec::new, |text| {
            one(reader, node.place, &text, None, inherited, names)
        });
    };
    let Some(fields) = reader.fields(node, "a preset", &[PRESET_KEYS, RUN_KEYS].concat()) else {
        return Vec::new();
    };
    let run = run(reader, &fields, inherited);
    let Some(preset) = fields.get("preset") else {
        let remedy = "Write `preset: error-rate < 5 %`, or one of the others";
        return reader
            .refuse(node.place, "A preset has no `preset`", remedy)
            .unwrap_or_default();
    };
    let name = fields
        .get("name")
        .and_then(|node| reader.non_empty_text(node, "`name`"));
    let text = reader.text(preset, "`preset`");
    text.map_or_else(Vec::new, |text| {
        one(reader, preset.place, &text, name, &run, names)
    })
}

fn one(
    reader: &mut Reader<'_>,
    place: Place,
    text: &str,
    name: Option<String>,
    run: &Run,
    names: &mut Names,
) -> Vec<Check> {
    let preset = match Preset::parse(text) {
        Ok(preset) => preset,
        Err(error) => {
            return reader
                .refuse(place, error.message, error.remedy)
                .unwrap_or_default();
        }
    };
    let name = name.unwrap_or_else(|| preset.name());
    names.take(reader, place, &name);
    let templates = preset.expand(preset::grain(run.period(), run.delay), run.volume);
    let checks = templates.into_iter().map(
        |CheckTemplate {
             prefix,
             measure,
             judgement,
             volume,
             window,
         }| {
            let name = prefix.map_or_else(|| name.clone(), |prefix| format!("{prefix}: {name}"));
            check(
                name,
                reader.position(place),
                run,
                Parts {
                    measure,
                    judgement,
                    volume,
                    window,
                },
            )
        },
    );
    checks.collect()
}

/// Whether a text is no document but a list of presets: no line of it begins a mapping or a list.
pub(super) fn is_plain(text: &str) -> bool {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty());
    let mut lines = lines.peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            !line.starts_with(['-', '[', '{', '"', '\'', '&', '*', '!']) && !line.contains(':')
        })
}

/// Whether an input is the analysis itself (presets, or a document) and not the path of a file with
/// it.
pub fn is_inline(text: &str) -> bool {
    let text = text.trim();
    let reads_as_preset =
        text.contains(['<', '>']) || text.split(',').any(|part| Preset::parse(part).is_ok());
    text.contains(['\n', '{']) || text.starts_with('[') || text.contains(": ") || reads_as_preset
}

/// The remedy for what is no preset.
pub(in crate::analysis) fn known(word: &str) -> String {
    one_of(word, preset::WORDS)
}
