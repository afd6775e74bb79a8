//! Conditions as expressions over numbers: `result < 5`, `green <= blue * 1.25 && !isNaN(result)`.
//!
//! The crate `fasteval` parses and evaluates: it knows one type, the number. The tree is checked
//! when the document is read, so that no condition is true by accident: a condition is a
//! comparison, or comparisons joined by `&&`, `||` and `!`.

mod check;

use std::collections::BTreeSet;

use fasteval::{Compiler, Evaler, Instruction, Parser, Slab};

/// A condition that was checked; it is parsed again when it is evaluated, which is cheap and once a
/// minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression {
    text: String,
    uses: BTreeSet<Use>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// `blue`: the other side must be asked too.
    Blue,
    /// `default(…)`, `isNaN(…)` or `isInf(…)`: the expression itself handles missing data.
    Missing,
}

/// The values of the variables; a value that is missing is not a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExpressionValues {
    /// `result`, and `green`, which is the same.
    pub(crate) result: f64,
    /// `blue`
    pub(crate) blue: f64,
}

/// Why a text is not a condition: what is wrong, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpressionError {
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut slab = Slab::new();
        let root = Parser::new()
            .parse(text, &mut slab.ps)
            .map_err(|error| check::syntax_error(text, &error))?;
        if let Some(error) = check::find_unknown_name(&root.from(&slab.ps).var_names(&slab)) {
            return Err(error);
        }
        let root = root.from(&slab.ps).compile(&slab.ps, &mut slab.cs);
        let uses = check::validate(&slab.cs, &root)?;
        Ok(Self {
            text: text.trim().to_owned(),
            uses,
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn uses(&self, what: Use) -> bool {
        self.uses.contains(&what)
    }

    /// Whether the condition is true.
    pub(crate) fn holds(&self, scope: ExpressionValues) -> Result<bool, String> {
        let mut slab = Slab::new();
        let root = compile_text(&self.text, &mut slab).map_err(|error| error.to_string())?;
        let mut names = |name: &str, arguments: Vec<f64>| resolve_name(name, &arguments, scope);
        let value = root
            .eval(&slab, &mut names)
            .map_err(|error| error.to_string())?;
        Ok(value != 0.0)
    }
}

fn compile_text(text: &str, slab: &mut Slab) -> Result<Instruction, fasteval::Error> {
    let root = Parser::new().parse(text, &mut slab.ps)?;
    Ok(root.from(&slab.ps).compile(&slab.ps, &mut slab.cs))
}

fn resolve_name(name: &str, arguments: &[f64], scope: ExpressionValues) -> Option<f64> {
    match (name, arguments) {
        ("result" | "green", []) => Some(scope.result),
        ("blue", []) => Some(scope.blue),
        ("isNaN", [value]) => Some(f64::from(value.is_nan())),
        ("isInf", [value]) => Some(f64::from(value.is_infinite())),
        ("default", [value, otherwise]) => Some(if value.is_nan() { *otherwise } else { *value }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
