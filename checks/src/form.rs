//! The description of a form: one typed struct from which its keys, its reader and its JSON Schema
//! come.
//!
//! [`document_form!`](crate::document_form) describes a mapping with known keys,
//! [`document_entries!`](crate::document_entries) one whose entries are values by themselves (the
//! conditions of an expectation), [`document_union!`](crate::document_union) a value that may have
//! several shapes, and [`document_words!`](crate::document_words) a value that is one of some
//! words. The types are read with [`FromNode`], which reports every problem of a value, not only
//! the first.
//!
//! Schemas are derived in tests only, which write them to `docs/`.
//!
//! One file, because the macros share their traits and helpers and each macro is indivisible.

mod shapes;

use crate::document::{Content, Entry, Node};
use crate::reader::{Fields, Reader};

#[cfg(test)]
pub(crate) use shapes::generic_schema;
pub use shapes::{
    ConditionList, Count, Entries, FromNamedEntry, Key, Lenient, Named, OneOrMore, Spanned, Within,
    WrittenDuration,
};

/// A value that is read from a node of a document.
pub trait FromNode: Sized {
    /// Reads the value; `what` names it in problems: "`expect`", "a test".
    ///
    /// None when the node does not hold such a value, which was reported.
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self>;

    /// Reads the value of an entry, which is named by its key.
    fn from_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        Self::from_node(reader, &entry.value, &format!("`{}`", entry.key))
    }

    /// Whether a key with this node has a value; without one it is as if the key were absent.
    fn has_value(node: &Node) -> bool {
        !matches!(node.content, Content::Null)
    }

    /// Whether this content has the shape of such a value: decides which one of a union is read.
    fn has_shape(content: &Content) -> bool {
        !matches!(content, Content::List(_) | Content::Mapping(_))
    }
}

/// A field of a form whose key may be absent.
pub trait FromField: Sized {
    /// Reads the field. None when what is there cannot be read, which was reported.
    fn from_field(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Option<Self>;
}

impl<T: FromNode> FromField for Option<T> {
    fn from_field(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Option<Self> {
        match entry {
            Some(entry) if T::has_value(&entry.value) => T::from_entry(reader, entry).map(Some),
            Some(_) | None => Some(None),
        }
    }
}

/// A mapping with known keys.
pub trait Form: Sized {
    /// The keys, in the order of the form.
    fn keys() -> Vec<String>;

    /// Reads every field, so that all problems are found.
    fn from_fields(
        reader: &mut Reader<'_>,
        node: &Node,
        fields: &Fields<'_>,
        what: &str,
    ) -> Option<Self>;
}

/// The key that a field has: `max_age` is `max-age`, `r#for` is `for`.
pub fn key_of(field: &str) -> String {
    field.trim_start_matches("r#").replace('_', "-")
}

/// The field of a key that must be there.
pub fn required<T: FromNode>(
    reader: &mut Reader<'_>,
    node: &Node,
    fields: &Fields<'_>,
    (what, key): (&str, &str),
    remedy: &str,
) -> Option<T> {
    match fields.entry(key) {
        Some(entry) => T::from_entry(reader, entry),
        None => reader.refuse(
            node.place,
            format!("{} has no `{key}`", capitalize(what)),
            remedy,
        ),
    }
}

/// The JSON Schema of a form.
#[cfg(test)]
pub(crate) fn schema_of<T: schemars::JsonSchema>() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let generator = settings.into_generator();
    generator.into_root_schema_for::<T>().to_value()
}

/// `a test` → `A test`.
fn capitalize(what: &str) -> String {
    let mut letters = what.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Reads every item, so that the problems of all of them are found.
pub fn read_all<N, T>(
    reader: &mut Reader<'_>,
    items: &[N],
    mut read: impl FnMut(&mut Reader<'_>, &N) -> Option<T>,
) -> Option<Vec<T>> {
    let values: Vec<_> = items.iter().map(|item| read(reader, item)).collect();
    values.into_iter().collect()
}

/// A mapping with known keys, as a struct: `max_age: Option<WrittenDuration>` is the key `max-age`.
///
/// A field that is no `Option` must be there; `#[required("…")]` says what to do when it is not. A
/// name in the header (`struct Flow: "a flow"`) is used in problems where the key alone would not
/// say enough, and a function there (`check check_flow`) looks at the keys before the values are
/// read. `..run: Run` takes over the keys of another form.
#[macro_export]
macro_rules! document_form {
    (
        $(#[doc = $doc:literal])*
        $(#[schemars($($schema:tt)*)])*
        $(#[derive($($derive:path),*)])?
        $vis:vis struct $name:ident $(: $what:literal)? $(, check $check:path)? {
            $(
                $(#[doc = $field_doc:literal])*
                $(#[schemars($($field_schema:tt)*)])*
                $(#[required($remedy:literal)])?
                $field:ident : $type:ty,
            )*
            $(..$flat:ident : $flat_type:ty),*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone $(, $($derive),*)?)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[cfg_attr(test, schemars(deny_unknown_fields, rename_all = "kebab-case"))]
        $(#[cfg_attr(test, schemars($($schema)*))])*
        $vis struct $name {
            $(
                $(#[doc = $field_doc])*
                $(#[cfg_attr(test, schemars($($field_schema)*))])*
                pub(crate) $field: $type,
            )*
            $(
                #[cfg_attr(test, schemars(flatten))]
                pub(crate) $flat: $flat_type,
            )*
        }

        impl $crate::form::Form for $name {
            fn keys() -> Vec<String> {
                let keys: &[&str] = &[$(stringify!($field)),*];
                let keys = keys.iter().map(|field| $crate::form::key_of(field));
                $(let keys = keys.chain(<$flat_type as $crate::form::Form>::keys());)*
                keys.collect()
            }

            fn from_fields(
                reader: &mut $crate::reader::Reader<'_>,
                node: &$crate::document::Node,
                fields: &$crate::reader::Fields<'_>,
                what: &str,
            ) -> Option<Self> {
                $(
                    let $field: Option<$type> = $crate::document_form!(
                        @read reader, node, fields, what, $field $(, $remedy)?
                    );
                )*
                $(
                    let $flat = <$flat_type as $crate::form::Form>::from_fields(
                        reader, node, fields, what,
                    );
                )*
                let _ = (node, what);
                Some(Self { $($field: $field?,)* $($flat: $flat?,)* })
            }
        }

        impl $crate::form::FromNode for $name {
            fn from_node(
                reader: &mut $crate::reader::Reader<'_>,
                node: &$crate::document::Node,
                what: &str,
            ) -> Option<Self> {
                let _ = what;
                $(let what = $what;)?
                let keys = <Self as $crate::form::Form>::keys();
                let fields = reader.fields(node, what, &keys)?;
                $($check(reader, node, &fields, what);)?
                <Self as $crate::form::Form>::from_fields(reader, node, &fields, what)
            }

            fn has_shape(content: &$crate::document::Content) -> bool {
                matches!(content, $crate::document::Content::Mapping(_))
            }
        }
    };
    (@read $reader:ident, $node:ident, $fields:ident, $what:ident, $field:ident) => {
        $crate::form::FromField::from_field(
            $reader,
            $fields.entry_or_null(&$crate::form::key_of(stringify!($field))),
        )
    };
    (@read $reader:ident, $node:ident, $fields:ident, $what:ident, $field:ident, $remedy:literal) => {
        $crate::form::required(
            $reader,
            $node,
            $fields,
            ($what, &$crate::form::key_of(stringify!($field))),
            $remedy,
        )
    };
}

/// A mapping whose entries are values by themselves, as an enum with a variant for each key: a
/// document has any of them, in its own order ([`Entries`](crate::form::Entries)), or exactly one.
///
/// `as` names the mapping in the schema.
#[macro_export]
macro_rules! document_entries {
    (
        $(#[doc = $doc:literal])*
        $(#[schemars($($schema:tt)*)])*
        $vis:vis enum $name:ident as $mapping:ident {
            $(
                $(#[doc = $variant_doc:literal])*
                $(#[schemars($($variant_schema:tt)*)])*
                $key:ident => $variant:ident($type:ty),
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        $vis enum $name {
            $($(#[doc = $variant_doc])* $variant($type),)*
        }

        impl $crate::form::Key for $name {
            fn keys() -> Vec<String> {
                [$(stringify!($key)),*].map($crate::form::key_of).into()
            }

            fn from_known_entry(
                reader: &mut $crate::reader::Reader<'_>,
                entry: &$crate::document::Entry,
            ) -> Option<Self> {
                $(
                    if entry.key == $crate::form::key_of(stringify!($key)) {
                        return <$type as $crate::form::FromNode>::from_entry(reader, entry)
                            .map(Self::$variant);
                    }
                )*
                None
            }
        }

        #[cfg(test)]
        const _: () = {
            $(#[doc = $doc])*
            #[derive(schemars::JsonSchema)]
            #[schemars(deny_unknown_fields, rename_all = "kebab-case")]
            $(#[schemars($($schema)*)])*
            #[expect(dead_code, reason = "read by its derive only")]
            struct $mapping {
                $(
                    $(#[doc = $variant_doc])*
                    $(#[schemars($($variant_schema)*)])*
                    $key: Option<$type>,
                )*
            }

            $crate::document_schema!($name as $mapping);
        };
    };
}

/// A value that may have several shapes, as an enum: the first variant whose type has the shape of
/// the node is read, and the last one where none has.
#[macro_export]
macro_rules! document_union {
    (
        $(#[doc = $doc:literal])*
        $(#[schemars($($schema:tt)*)])*
        $vis:vis enum $name:ident {
            $(
                $(#[doc = $variant_doc:literal])*
                $variant:ident($(#[schemars($($variant_schema:tt)*)])* $type:ty),
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[cfg_attr(test, schemars(untagged))]
        $(#[cfg_attr(test, schemars($($schema)*))])*
        $vis enum $name {
            $(
                $(#[doc = $variant_doc])*
                $variant($(#[cfg_attr(test, schemars($($variant_schema)*))])* $type),
            )*
        }

        impl $crate::form::FromNode for $name {
            fn from_node(
                reader: &mut $crate::reader::Reader<'_>,
                node: &$crate::document::Node,
                what: &str,
            ) -> Option<Self> {
                let shapes: &[fn(&$crate::document::Content) -> bool] =
                    &[$(<$type as $crate::form::FromNode>::has_shape),*];
                let fitting = shapes.iter().position(|has_shape| has_shape(&node.content));
                let fitting = fitting.unwrap_or(shapes.len() - 1);
                let variants: &[fn(&mut $crate::reader::Reader<'_>, &$crate::document::Node, &str) -> Option<Self>] = &[
                    $(|reader, node, what| {
                        <$type as $crate::form::FromNode>::from_node(reader, node, what).map(Self::$variant)
                    }),*
                ];
                variants[fitting](reader, node, what)
            }

            fn has_shape(content: &$crate::document::Content) -> bool {
                $(<$type as $crate::form::FromNode>::has_shape(content))||*
            }
        }
    };
}

/// Reads a type as one of the words of a table.
#[macro_export]
macro_rules! document_words {
    ($name:ident: $words:expr) => {
        impl $crate::form::FromNode for $name {
            fn from_node(
                reader: &mut $crate::reader::Reader<'_>,
                node: &$crate::document::Node,
                what: &str,
            ) -> Option<Self> {
                reader.word(node, what, $words)
            }
        }

        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let words: Vec<&str> = $words.iter().map(|(word, _)| *word).collect();
                schemars::json_schema!({ "type": "string", "enum": words })
            }
        }
    };
}

/// Gives a type the schema of another one, which documents use in its place.
#[macro_export]
macro_rules! document_schema {
    ($name:ty as $other:ty) => {
        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                <$other as schemars::JsonSchema>::inline_schema()
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$other as schemars::JsonSchema>::schema_name()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                <$other as schemars::JsonSchema>::schema_id()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$other as schemars::JsonSchema>::json_schema(generator)
            }
        }
    };
}
