//! What users may write for these shapes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    ConditionList, Entries, JsonTemplate, Lenient, Named, OneOrMore, Pattern, Spanned, Template,
    Within, WrittenDuration,
};
use crate::document_schema;

mod written {
    #![expect(dead_code, reason = "the types are read by their derive only")]

    use schemars::JsonSchema;
    use serde_json::Number;

    /// A duration such as `250ms`, `90s`, `10m` or `1h30m`.
    #[derive(JsonSchema)]
    pub(super) struct Span(
        #[schemars(regex(pattern = r"^\s*(?=\d)(\d+h)?(\d+m)?(\d+s)?(\d+ms)?\s*$"))] String,
    );

    /// A text, in which `${version}`, `${digest}`, `${revision}`, `${env.NAME}` and others are
    /// replaced by their values.
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    pub(super) enum Text {
        Words(String),
        Number(Number),
        Boolean(bool),
    }

    #[derive(JsonSchema)]
    #[schemars(untagged)]
    pub(super) enum OneOrMore<T> {
        One(T),
        More(#[schemars(length(min = 1))] Vec<T>),
    }
}

document_schema!(WrittenDuration as written::Span);
document_schema!(Template as written::Text);
document_schema!(Pattern as String);
document_schema!(JsonTemplate as serde_json::Value);

generic_schema!(OneOrMore as written::OneOrMore<T>);
generic_schema!(Spanned as T);
generic_schema!(Entries as T);
generic_schema!(ConditionList as T);
generic_schema!(Lenient as Option<T>);
generic_schema!(Named as BTreeMap<String, T>);

impl<const LEAST: u32, const MOST: u32> JsonSchema for Within<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("From{LEAST}To{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "integer", "format": "uint32", "minimum": LEAST, "maximum": MOST
        })
    }
}
