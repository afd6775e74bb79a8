//! Whether an expression is a condition: its tree is walked, and a number where a comparison is
//! wanted (or the reverse) is refused.

use std::collections::BTreeSet;

use fasteval::compiler::{IC, Instruction, InstructionI};
use fasteval::slab::CompileSlab;

use super::{ExpressionError, Use};
use crate::reader::one_of;

const VARIABLES: &[&str] = &["result", "green", "blue"];

const FUNCTIONS: &[&str] = &[
    "default", "isNaN", "isInf", "abs", "min", "max", "round", "floor", "ceil",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Truth,
}

/// What a condition uses, if it is one.
pub(super) fn condition(
    slab: &CompileSlab,
    root: &Instruction,
) -> Result<BTreeSet<Use>, ExpressionError> {
    if let Instruction::IConst(_) = root {
        return Err(problem(
            "The condition does not depend on `result`",
            "Write a comparison such as `result < 5`",
        ));
    }
    let mut walk = Walk {
        slab,
        uses: BTreeSet::new(),
    };
    let found = walk.kind(root)?;
    same(found, Kind::Truth)?;
    Ok(walk.uses)
}

pub(super) fn unreadable(text: &str, error: &fasteval::Error) -> ExpressionError {
    let reason = match error {
        fasteval::Error::UnparsedTokensRemaining(rest) => {
            format!("it cannot be read from `{}` on", rest.trim())
        }
        fasteval::Error::TooLong | fasteval::Error::TooDeep => "it is too long".to_owned(),
        _ => "it ends too early or has a word too many".to_owned(),
    };
    problem(
        format!("`{}` is not a condition: {reason}", text.trim()),
        "Write a comparison such as `result < 5`; `result` is a number",
    )
}

struct Walk<'s> {
    slab: &'s CompileSlab,
    uses: BTreeSet<Use>,
}

type KindResult = Result<Kind, ExpressionError>;

impl Walk<'_> {
    fn kind(&mut self, instruction: &Instruction) -> KindResult {
        use Instruction as I;
        match instruction {
            I::IConst(_) => Ok(Kind::Number),
            I::INot(inner) => self.one(*inner, Kind::Truth),
            I::IOR(left, right) | I::IAND(left, right) => self
                .one(*left, Kind::Truth)
                .and_then(|_| self.other(right, Kind::Truth)),
            I::INeg(inner)
            | I::IInv(inner)
            | I::IFuncAbs(inner)
            | I::IFuncCeil(inner)
            | I::IFuncFloor(inner) => self.one(*inner, Kind::Number),
            I::IAdd(left, right)
            | I::IMul(left, right)
            | I::IFuncMin(left, right)
            | I::IFuncMax(left, right) => self
                .one(*left, Kind::Number)
                .and_then(|_| self.other(right, Kind::Number)),
            I::IExp { base, power } => self.numbers([base, power]),
            I::IFuncRound { modulus, of } => self.numbers([modulus, of]),
            I::ILT(a, b)
            | I::ILTE(a, b)
            | I::IEQ(a, b)
            | I::INE(a, b)
            | I::IGTE(a, b)
            | I::IGT(a, b) => self.numbers([a, b]).map(|_| Kind::Truth),
            I::IMod { .. } => Err(problem(
                "`%` is not a unit here",
                "Write the number as the metric gives it, or `success: \"< 5 %\"`",
            )),
            I::IVar(name) => self.variable(name),
            I::IFunc { name, args } => self.function(name, args),
            // Sines, logarithms and printing mean nothing for a metric.
            _ => Err(problem(
                "Unknown function in a condition",
                one_of("", FUNCTIONS),
            )),
        }
    }

    fn one(&mut self, at: InstructionI, wanted: Kind) -> KindResult {
        let slab = self.slab;
        let found = self.kind(slab.get_instr(at))?;
        same(found, wanted)
    }

    fn other(&mut self, at: &IC, wanted: Kind) -> KindResult {
        match at {
            IC::I(at) => self.one(*at, wanted),
            IC::C(_) => same(Kind::Number, wanted),
        }
    }

    fn numbers<'i>(&mut self, all: impl IntoIterator<Item = &'i IC>) -> KindResult {
        all.into_iter()
            .try_for_each(|each| self.other(each, Kind::Number).map(|_| ()))?;
        Ok(Kind::Number)
    }

    fn variable(&mut self, name: &str) -> KindResult {
        if name == "blue" {
            self.uses.insert(Use::Blue);
        }
        if VARIABLES.contains(&name) {
            Ok(Kind::Number)
        } else {
            Err(unknown(name, "variable", VARIABLES))
        }
    }

    fn function(&mut self, name: &str, arguments: &[IC]) -> KindResult {
        if VARIABLES.contains(&name) {
            let message = format!("`{name}` is a number, and has no parts to take");
            return Err(problem(
                message,
                "Write `result < 5`; `reduce` says which point of several is the result",
            ));
        }
        let (wanted, kind) = match name {
            "default" => (2, Kind::Number),
            "isNaN" | "isInf" => (1, Kind::Truth),
            _ => return Err(unknown(name, "function", FUNCTIONS)),
        };
        if arguments.len() != wanted {
            let message = format!(
                "`{name}` takes {wanted} values, and has {}",
                arguments.len()
            );
            return Err(problem(
                message,
                "Write `default(result, 0)`, `isNaN(result)` or `isInf(result)`",
            ));
        }
        self.uses.insert(Use::Missing);
        self.numbers(arguments).map(|_| kind)
    }
}

fn same(found: Kind, wanted: Kind) -> KindResult {
    match (found, wanted) {
        (Kind::Number, Kind::Truth) => Err(problem(
            "There is a number where a comparison is wanted",
            "Compare it: `result < 5`, `isNaN(result)`",
        )),
        (Kind::Truth, Kind::Number) => Err(problem(
            "There is a comparison where a number is wanted",
            "Join comparisons with `&&` or `||`: `result > 1 && result < 5`",
        )),
        (Kind::Number, Kind::Number) | (Kind::Truth, Kind::Truth) => Ok(wanted),
    }
}

/// A variable or function that nobody knows, in a part that the walk does not reach too.
pub(super) fn unknown_name(names: &BTreeSet<String>) -> Option<ExpressionError> {
    let name = names
        .iter()
        .find(|name| !VARIABLES.contains(&name.as_str()) && !FUNCTIONS.contains(&name.as_str()))?;
    Some(problem(
        format!("Unknown name `{name}` in a condition"),
        one_of(name, &[VARIABLES, FUNCTIONS].concat()),
    ))
}

fn unknown(name: &str, what: &str, known: &[&str]) -> ExpressionError {
    problem(
        format!("Unknown {what} `{name}` in a condition"),
        one_of(name, known),
    )
}

fn problem(message: impl Into<String>, remedy: impl Into<String>) -> ExpressionError {
    ExpressionError {
        message: message.into(),
        remedy: remedy.into(),
    }
}
