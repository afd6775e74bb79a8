//! The path of a value in a document, as people write it: `containerDefinitions[0].newThing`.

use std::fmt;

/// A path from the root of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldPath(Vec<PathSegment>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PathSegment {
    /// A key of an object.
    Key(String),
    /// An index in a list, from 0.
    Index(usize),
    /// An item of a list, by its name.
    Name(String),
}

impl FieldPath {
    pub(super) fn with_key(&self, key: &str) -> Self {
        self.with_segment(PathSegment::Key(key.to_owned()))
    }

    pub(super) fn with_index(&self, index: usize) -> Self {
        self.with_segment(PathSegment::Index(index))
    }

    pub(super) fn with_name(&self, name: &str) -> Self {
        self.with_segment(PathSegment::Name(name.to_owned()))
    }

    pub(super) fn segments(&self) -> &[PathSegment] {
        &self.0
    }

    fn with_segment(&self, step: PathSegment) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                PathSegment::Key(key) if index == 0 => write!(out, "{key}")?,
                PathSegment::Key(key) => write!(out, ".{key}")?,
                PathSegment::Index(index) => write!(out, "[{index}]")?,
                PathSegment::Name(name) => write!(out, "[{name}]")?,
            }
        }
        Ok(())
    }
}
