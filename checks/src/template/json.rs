//! JSON with variables in its strings.

use serde_json::Value;

use super::{Template, Values};

/// JSON with variables in its strings.
#[derive(Debug, Clone)]
pub(crate) enum JsonTemplate {
    Fixed(Value),
    Text(Template),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl JsonTemplate {
    pub(crate) fn render(&self, values: &Values) -> Value {
        self.render_as(&|template| {
            template
                .sole_value(values)
                .cloned()
                .unwrap_or_else(|| template.render(values).into())
        })
    }

    pub(crate) fn render_masked(&self, values: &Values) -> Value {
        let open = |template: &Template| {
            template
                .sole_value(values)
                .filter(|_| !template.holds_secret())
                .cloned()
        };
        self.render_as(&|template| {
            open(template).unwrap_or_else(|| template.render_masked(values).into())
        })
    }

    pub(crate) fn holds_secret(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Text(template) => template.holds_secret(),
            Self::List(items) => items.iter().any(Self::holds_secret),
            Self::Object(entries) => entries.iter().any(|(_, item)| item.holds_secret()),
        }
    }

    fn render_as(&self, spell: &dyn Fn(&Template) -> Value) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => spell(template),
            Self::List(items) => items.iter().map(|item| item.render_as(spell)).collect(),
            Self::Object(entries) => entries
                .iter()
                .map(|(key, item)| (key.clone(), item.render_as(spell)))
                .collect(),
        }
    }
}
