//! Whether an expression is a condition: its tree is walked, and a number where a comparison is
//! wanted (or the reverse) is refused.

use std::collections::BTreeSet;

use fasteval::compiler::{IC, Instruction, InstructionI};
use fasteval::slab::CompileSlab;

use super::{ExpressionError, Use};
use crate::reader::suggest_choices;

const VARIABLES: &[&str] = &["result", "green", "blue"];

const FUNCTIONS: &[&str] = &[
    "default", "isNaN", "isInf", "abs", "min", "max", "round", "floor", "ceil",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Number,
    Truth,
}

/// What a condition uses, if it is one.
pub(super) fn validate(
    slab: &CompileSlab,
    root: &Instruction,
) -> Result<BTreeSet<Use>, ExpressionError> {
    if let Instruction::IConst(_) = root {
        return Err(expression_error(
            "The condition does not depend on `result`",
            "Write a comparison such as `result < 5`",
        ));
    }
    let mut checker = KindChecker {
        slab,
        uses: BTreeSet::new(),
    };
    let found = checker.infer_kind(root)?;
    check_kind(found, ValueKind::Truth)?;
    Ok(checker.uses)
}

pub(super) fn syntax_error(text: &str, error: &fasteval::Error) -> ExpressionError {
    let reason = match error {
        fasteval::Error::UnparsedTokensRemaining(remaining) => {
            format!("it cannot be read from `{}` on", remaining.trim())
        }
        fasteval::Error::TooLong | fasteval::Error::TooDeep => "it is too long".to_owned(),
        _ => "it ends too early or has a word too many".to_owned(),
    };
    expression_error(
        format!("`{}` is not a condition: {reason}", text.trim()),
        "Write a comparison such as `result < 5`; `result` is a number",
    )
}

struct KindChecker<'s> {
    slab: &'s CompileSlab,
    uses: BTreeSet<Use>,
}

type KindResult = Result<ValueKind, ExpressionError>;

impl KindChecker<'_> {
    fn infer_kind(&mut self, instruction: &Instruction) -> KindResult {
        use Instruction as I;
        match instruction {
            I::IConst(_) => Ok(ValueKind::Number),
            I::INot(inner) => self.expect_instruction(*inner, ValueKind::Truth),
            I::IOR(left, right) | I::IAND(left, right) => self
                .expect_instruction(*left, ValueKind::Truth)
                .and_then(|_| self.expect_operand(right, ValueKind::Truth)),
            I::INeg(inner)
            | I::IInv(inner)
            | I::IFuncAbs(inner)
            | I::IFuncCeil(inner)
            | I::IFuncFloor(inner) => self.expect_instruction(*inner, ValueKind::Number),
            I::IAdd(left, right)
            | I::IMul(left, right)
            | I::IFuncMin(left, right)
            | I::IFuncMax(left, right) => self
                .expect_instruction(*left, ValueKind::Number)
                .and_then(|_| self.expect_operand(right, ValueKind::Number)),
            I::IExp { base, power } => self.expect_numbers([base, power]),
            I::IFuncRound { modulus, of } => self.expect_numbers([modulus, of]),
            I::ILT(a, b)
            | I::ILTE(a, b)
            | I::IEQ(a, b)
            | I::INE(a, b)
            | I::IGTE(a, b)
            | I::IGT(a, b) => self.expect_numbers([a, b]).map(|_| ValueKind::Truth),
            I::IMod { .. } => Err(expression_error(
                "`%` is not a unit here",
                "Write the number as the metric gives it, or `success: \"< 5 %\"`",
            )),
            I::IVar(name) => self.check_variable(name),
            I::IFunc { name, args } => self.check_function(name, args),
            // Sines, logarithms and printing make no sense for a metric.
            _ => Err(expression_error(
                "Unknown function in a condition",
                suggest_choices("", FUNCTIONS),
            )),
        }
    }

    fn expect_instruction(&mut self, at: InstructionI, expected: ValueKind) -> KindResult {
        let slab = self.slab;
        let found = self.infer_kind(slab.get_instr(at))?;
        check_kind(found, expected)
    }

    fn expect_operand(&mut self, at: &IC, expected: ValueKind) -> KindResult {
        match at {
            IC::I(at) => self.expect_instruction(*at, expected),
            IC::C(_) => check_kind(ValueKind::Number, expected),
        }
    }

    fn expect_numbers<'i>(&mut self, all: impl IntoIterator<Item = &'i IC>) -> KindResult {
        all.into_iter()
            .try_for_each(|each| self.expect_operand(each, ValueKind::Number).map(|_| ()))?;
        Ok(ValueKind::Number)
    }

    fn check_variable(&mut self, name: &str) -> KindResult {
        if name == "blue" {
            self.uses.insert(Use::Blue);
        }
        if VARIABLES.contains(&name) {
            Ok(ValueKind::Number)
        } else {
            Err(unknown_name_error(name, "variable", VARIABLES))
        }
    }

    fn check_function(&mut self, name: &str, arguments: &[IC]) -> KindResult {
        if VARIABLES.contains(&name) {
            let message = format!("`{name}` is a number, and has no parts to take");
            return Err(expression_error(
                message,
                "Write `result < 5`; `reduce` says which point of several is the result",
            ));
        }
        let (arity, kind) = match name {
            "default" => (2, ValueKind::Number),
            "isNaN" | "isInf" => (1, ValueKind::Truth),
            _ => return Err(unknown_name_error(name, "function", FUNCTIONS)),
        };
        if arguments.len() != arity {
            let message = format!("`{name}` takes {arity} values, and has {}", arguments.len());
            return Err(expression_error(
                message,
                "Write `default(result, 0)`, `isNaN(result)` or `isInf(result)`",
            ));
        }
        self.uses.insert(Use::Missing);
        self.expect_numbers(arguments).map(|_| kind)
    }
}

fn check_kind(found: ValueKind, expected: ValueKind) -> KindResult {
    match (found, expected) {
        (ValueKind::Number, ValueKind::Truth) => Err(expression_error(
            "There is a number where a comparison is wanted",
            "Compare it: `result < 5`, `isNaN(result)`",
        )),
        (ValueKind::Truth, ValueKind::Number) => Err(expression_error(
            "There is a comparison where a number is wanted",
            "Join comparisons with `&&` or `||`: `result > 1 && result < 5`",
        )),
        (ValueKind::Number, ValueKind::Number) | (ValueKind::Truth, ValueKind::Truth) => {
            Ok(expected)
        }
    }
}

/// An unknown variable or function, also in parts that the walk does not reach.
pub(super) fn find_unknown_name(names: &BTreeSet<String>) -> Option<ExpressionError> {
    let name = names
        .iter()
        .find(|name| !VARIABLES.contains(&name.as_str()) && !FUNCTIONS.contains(&name.as_str()))?;
    Some(expression_error(
        format!("Unknown name `{name}` in a condition"),
        suggest_choices(name, &[VARIABLES, FUNCTIONS].concat()),
    ))
}

fn unknown_name_error(name: &str, what: &str, candidates: &[&str]) -> ExpressionError {
    expression_error(
        format!("Unknown {what} `{name}` in a condition"),
        suggest_choices(name, candidates),
    )
}

fn expression_error(message: impl Into<String>, remedy: impl Into<String>) -> ExpressionError {
    ExpressionError {
        message: message.into(),
        remedy: remedy.into(),
    }
}
