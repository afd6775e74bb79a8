//! The shapes that values of every form have.

use std::ops::Deref;
use std::time::Duration;

use serde_json::Number;

use crate::document::{Content, Entry, Node, Place};
use crate::document_schema;
use crate::reader::Reader;
use crate::template::{JsonTemplate, Pattern, Template};

use super::{FromField, FromNode, read_all};

impl FromNode for bool {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.boolean(node, what)
    }

    fn has_shape(content: &Content) -> bool {
        matches!(content, Content::Boolean(_))
    }
}

impl FromNode for String {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.text(node, what)
    }
}

impl FromNode for Template {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.template(node, what)
    }
}

impl FromNode for Pattern {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.pattern(node, what)
    }
}

impl FromNode for JsonTemplate {
    fn from_node(reader: &mut Reader<'_>, node: &Node, _: &str) -> Option<Self> {
        reader.json(node)
    }

    fn has_value(_: &Node) -> bool {
        true
    }

    fn has_shape(_: &Content) -> bool {
        true
    }
}

/// A number that is written as one, without quotes.
impl FromNode for Number {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        if let Content::Number(number) = &node.content {
            return Some(number.clone());
        }
        reader.refuse(
            node.place,
            format!("{what} must be a number"),
            "Write a number without quotes",
        )
    }
}

/// A duration such as `250ms`, `90s`, `10m` or `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WrittenDuration(pub Duration);

impl FromNode for WrittenDuration {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.duration(node, what).map(Self)
    }
}

/// A whole number from zero.
#[derive(Debug, Clone, Copy)]
pub struct Count(pub u32);

impl FromNode for Count {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.count(node, what).map(Self)
    }
}

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = reader.list(node, what)?;
        read_all(reader, items, |reader, item| {
            T::from_node(reader, item, what)
        })
    }

    fn has_shape(content: &Content) -> bool {
        matches!(content, Content::List(_))
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone)]
pub struct OneOrMore<T>(pub Vec<T>);

impl<T: FromNode> FromNode for OneOrMore<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = node.one_or_more();
        read_all(reader, items, |reader, item| {
            T::from_node(reader, item, what)
        })
        .map(Self)
    }

    fn has_shape(content: &Content) -> bool {
        matches!(content, Content::List(_)) || T::has_shape(content)
    }
}

/// A value with its place, for problems that are found only after reading.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// Where its key is; its own place where it has none.
    pub key: Place,
    /// Line and column of the value.
    pub place: Place,
    /// The value that was read.
    pub value: T,
}

impl<T: FromNode> FromNode for Spanned<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let place = node.place;
        T::from_node(reader, node, what).map(|value| Self {
            key: place,
            place,
            value,
        })
    }

    fn from_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        T::from_entry(reader, entry).map(|value| Self {
            key: entry.place,
            place: entry.value.place,
            value,
        })
    }

    fn has_shape(content: &Content) -> bool {
        T::has_shape(content)
    }
}

/// An optional field: if it cannot be read it counts as absent, so that the rest of the form is
/// still checked.
#[derive(Debug, Clone)]
pub struct Lenient<T>(pub Option<T>);

impl<T: FromNode> FromField for Lenient<T> {
    fn from_field(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Option<Self> {
        let value = Option::from_field(reader, entry);
        Some(Self(value.flatten()))
    }
}

/// A key that is known to a form, with its value.
pub trait Key: Sized {
    /// The keys that are known.
    fn keys() -> Vec<String>;

    /// Reads the value of a known key.
    fn from_known_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self>;
}

/// Any of the entries that a form knows, in the order of the document.
#[derive(Debug, Clone)]
pub struct Entries<T>(pub Vec<T>);

/// The same, at least one of them.
#[derive(Debug, Clone)]
pub struct ConditionList<T>(pub Vec<T>);

impl<T: Key> FromNode for Entries<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let keys = T::keys();
        let entries = reader.fields(node, what, &keys)?.entries_with(&keys);
        read_all(reader, &entries, |reader, entry| {
            T::from_known_entry(reader, entry)
        })
        .map(Self)
    }

    fn has_shape(content: &Content) -> bool {
        matches!(content, Content::Mapping(_))
    }
}

impl<T: Key> FromNode for ConditionList<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        if matches!(&node.content, Content::Mapping(entries) if entries.is_empty()) {
            reader.report(
                node.place,
                format!("{what} has no condition"),
                format!("Write a value, or one of {}", T::keys().join(", ")),
            );
        }
        Entries::from_node(reader, node, what).map(|Entries(conditions)| Self(conditions))
    }

    fn has_shape(content: &Content) -> bool {
        Entries::<T>::has_shape(content)
    }
}

/// A value of a mapping with keys of the user's choice, and its key.
pub trait FromNamedEntry: Sized {
    /// Reads key and value.
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self>;
}

/// A mapping with keys of the user's choice.
#[derive(Debug, Clone)]
pub struct Named<T>(pub Vec<T>);

impl<T: FromNamedEntry> FromNode for Named<T> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let entries = reader.entries(node, what)?;
        read_all(reader, entries, T::from_named_entry).map(Self)
    }

    fn has_shape(content: &Content) -> bool {
        matches!(content, Content::Mapping(_))
    }
}

macro_rules! deref_to_slice {
    ($($name:ident),*) => {
        $(
            impl<T> Deref for $name<T> {
                type Target = [T];

                fn deref(&self) -> &[T] {
                    &self.0
                }
            }
        )*
    };
}

deref_to_slice!(OneOrMore, Entries, ConditionList, Named);

/// A whole number within bounds.
#[derive(Debug, Clone, Copy)]
pub struct Within<const LEAST: u32, const MOST: u32>(pub u32);

impl<const LEAST: u32, const MOST: u32> Within<LEAST, MOST> {
    /// The number that a text is.
    pub(crate) fn parse(
        reader: &mut Reader<'_>,
        place: Place,
        (what, text): (&str, &str),
    ) -> Option<Self> {
        match text.trim().parse() {
            Ok(number) if (LEAST..=MOST).contains(&number) => Some(Self(number)),
            Ok(_) | Err(_) => reader.refuse(
                place,
                format!("{what} is not a whole number between {LEAST} and {MOST}"),
                "Write a number within these bounds",
            ),
        }
    }
}

impl<const LEAST: u32, const MOST: u32> FromNode for Within<LEAST, MOST> {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        Self::parse(reader, node.place, (what, &text))
    }
}

/// Forwards to the type that documents have in the place of a generic one.
#[cfg(test)]
macro_rules! generic_schema {
    ($name:ident as $other:ty) => {
        impl<T: schemars::JsonSchema> schemars::JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                <$other>::inline_schema()
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$other>::schema_name()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                <$other>::schema_id()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$other>::json_schema(generator)
            }

            fn _schemars_private_non_optional_json_schema(
                generator: &mut schemars::SchemaGenerator,
            ) -> schemars::Schema {
                <$other>::_schemars_private_non_optional_json_schema(generator)
            }

            fn _schemars_private_is_option() -> bool {
                <$other>::_schemars_private_is_option()
            }
        }
    };
}

#[cfg(test)]
pub(crate) use generic_schema;

document_schema!(Count as u32);

#[cfg(test)]
mod schemas;
