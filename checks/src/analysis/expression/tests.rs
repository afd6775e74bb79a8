//! What is a condition, what is not, and what conditions come to.

use super::*;

fn holds(text: &str, result: f64, blue: f64) -> bool {
    Expression::parse(text)
        .unwrap()
        .holds(ExpressionValues { result, blue })
        .unwrap()
}

#[test]
fn conditions_are_judged_as_they_read() {
    let table = [
        ("result < 5", 4.9, true),
        ("result < 5", 5.0, false),
        ("result <= 5", 5.0, true),
        ("result == 0", 0.0, true),
        ("result == 1", 1.0, true),
        ("result != 1", 1.0, false),
        ("result > 1 && result < 5", 3.0, true),
        ("result > 1 && result < 5", 1.0, false),
        ("result < 1 || result > 5", 6.0, true),
        ("!(result < 1)", 0.5, false),
        ("result / 2 == 0.5", 1.0, true),
        ("result - 4 - 3 == 3", 10.0, true),
        ("result - 1 < 2 && result < 2 || result > 2.5", 2.0, false),
        ("green <= blue * 1.25", 2.5, true),
        ("green <= blue * 1.25", 2.6, false),
        ("max(result, 3) > 2.5 && abs(-result) == 1", 1.0, true),
        ("default(result, 0) < 5", f64::NAN, true),
        ("isNaN(result) || result < 5", f64::NAN, true),
        ("isInf(result)", f64::INFINITY, true),
        ("result < 5", f64::NAN, false),
    ];
    for (text, result, expected) in table {
        assert_eq!(holds(text, result, 2.0), expected, "{text} for {result}");
    }
}

#[test]
fn what_is_not_a_condition_is_refused_when_the_document_is_read() {
    let table = [
        ("result", "There is a number where a comparison is wanted"),
        (
            "result + 5",
            "There is a number where a comparison is wanted",
        ),
        (
            "result < 5 && 1",
            "There is a number where a comparison is wanted",
        ),
        ("!result", "There is a number where a comparison is wanted"),
        (
            "(result < 5) + 1 > 0",
            "There is a comparison where a number is wanted",
        ),
        (
            "1 < result < 5",
            "There is a comparison where a number is wanted",
        ),
        (
            "max(result < 5, 1) > 0",
            "There is a comparison where a number is wanted",
        ),
        ("reslt < 5", "Unknown name `reslt` in a condition"),
        ("len(result) < 5", "Unknown name `len` in a condition"),
        ("print(\"a\") < 5", "Unknown function in a condition"),
        ("sin(result) < 5", "Unknown function in a condition"),
        ("default(result) < 5", "`default` takes 2 values, and has 1"),
        ("1 < 2", "The condition does not depend on `result`"),
        ("0 && reslt < 5", "Unknown name `reslt` in a condition"),
        ("result % 2 == 1", "`%` is not a unit here"),
        (
            "result < 5 %",
            "`result < 5 %` is not a condition: it ends too early or has a word too many",
        ),
        (
            "result[0] < 5",
            "`result` is a number, and has no parts to take",
        ),
        (
            "result = 5",
            "`result = 5` is not a condition: it cannot be read from `= 5` on",
        ),
        (
            "result < 5 and result > 1",
            "`result < 5 and result > 1` is not a condition: it cannot be read from `and result > 1` on",
        ),
        (
            "",
            "`` is not a condition: it ends too early or has a word too many",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(
            Expression::parse(text).unwrap_err().message,
            expected,
            "{text}"
        );
    }
}

#[test]
fn an_expression_says_what_it_needs() {
    let table = [
        ("result < 5", false, false),
        ("green < blue", true, false),
        ("default(result, 0) < 5", false, true),
        ("isNaN(blue)", true, true),
    ];
    for (text, blue, missing) in table {
        let expression = Expression::parse(text).unwrap();
        assert_eq!(
            (expression.uses(Use::Blue), expression.uses(Use::Missing)),
            (blue, missing),
            "{text}"
        );
    }
}
