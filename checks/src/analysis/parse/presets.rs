//! Presets: in a document, or as the whole input in plain text.

use crate::analysis::form::Check;
use crate::analysis::preset::{self, CheckTemplate, Preset};
use crate::document::{Node, Place};
use crate::form::{FromNode, Spanned};
use crate::reader::{Reader, suggest_choices};
use crate::{document_form, document_union};

use super::check_settings::CheckSettings;
use super::values::{CheckNames, NonEmptyText};
use super::{CheckParts, build_check};

document_union! {
    #[schemars(rename = "Preset")]
    pub(super) enum PresetForm {
        Mapping(PresetWithKeys),
        /// `error-rate < 5 %`, `success-rate > 99 %`, `p99 < 1 s`, `requests > 500`, `green no
        /// worse than blue`
        Words(Spanned<Preset>),
    }
}

document_form! {
    pub(super) struct PresetWithKeys: "a preset" {
        #[required("Write `preset: error-rate < 5 %`, or one of the others")]
        preset: Spanned<Preset>,
        /// Words for the log; the preset itself when absent.
        name: Option<NonEmptyText>,
        ..run: CheckSettings
    }
}

impl FromNode for Preset {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        read_preset(reader, node.place, &text)
    }
}

crate::document_schema!(Preset as String);

fn read_preset(reader: &mut Reader<'_>, place: Place, text: &str) -> Option<Preset> {
    match Preset::parse(text) {
        Ok(preset) => Some(preset),
        Err(error) => reader.refuse(place, error.message, error.remedy),
    }
}

/// The presets of an input without a document: one a line, or several with commas between them; `#`
/// begins a comment.
pub(super) fn read_plain(reader: &mut Reader<'_>, text: &str) -> Vec<Check> {
    let mut names = CheckNames::default();
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
                let preset = read_preset(reader, place, part);
                checks.extend(preset.into_iter().flat_map(|preset| {
                    expand_preset(
                        reader,
                        place,
                        &preset,
                        None,
                        &CheckSettings::default(),
                        &mut names,
                    )
                }));
            }
        }
    }
    checks
}

impl PresetForm {
    pub(super) fn into_checks(
        self,
        reader: &mut Reader<'_>,
        inherited: &CheckSettings,
        names: &mut CheckNames,
    ) -> Vec<Check> {
        let (preset, name, run) = match self {
            Self::Mapping(PresetWithKeys { preset, name, run }) => (preset, name, run),
            Self::Words(preset) => (preset, None, CheckSettings::default()),
        };
        let (run, name) = (run.with_defaults(inherited), name.map(|name| name.0));
        expand_preset(reader, preset.place, &preset.value, name, &run, names)
    }
}

fn expand_preset(
    reader: &mut Reader<'_>,
    place: Place,
    preset: &Preset,
    name: Option<String>,
    run: &CheckSettings,
    names: &mut CheckNames,
) -> Vec<Check> {
    let name = name.unwrap_or_else(|| preset.name());
    let spanned_name = Spanned {
        key: place,
        place,
        value: name.clone(),
    };
    names.check_unique(reader, &spanned_name);
    let min_requests = run.min_request_volume().map(f64::from);
    let templates = preset.expand(
        preset::load_balancer_sampling(run.period(), run.delay()),
        min_requests,
    );
    let checks = templates.into_iter().map(
        |CheckTemplate {
             prefix,
             measure,
             judgement,
             volume,
             window,
         }| {
            let name = prefix.map_or_else(|| name.clone(), |prefix| format!("{prefix}: {name}"));
            build_check(
                name,
                reader.position(place),
                run,
                CheckParts {
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

/// The remedy for an unknown preset.
pub(in crate::analysis) fn suggest_preset(word: &str) -> String {
    suggest_choices(word, preset::KEYWORDS)
}
