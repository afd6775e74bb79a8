//! A comparison in words: both sides, p, effect and n, and that n was small where it was.

use super::{EffectSize, Significance};
use crate::statistics::{Counts, Method};

/// Below this many values per side the note says that n is small (as Kayenta does).
const SMALL_SAMPLE: u64 = 50;

pub(super) struct ComparisonBasis {
    pub(super) method: Method,
    pub(super) look: u32,
    pub(super) blue: u64,
    pub(super) green: u64,
    pub(super) unit: &'static str,
}

pub(super) fn rates(blue: Counts, green: Counts) -> String {
    let side = |counts: Counts| match counts.requests() {
        0 => "no requests".to_owned(),
        all => format!(
            "{} ({} of {})",
            format_percent(counts.rate()),
            group_thousands(counts.errors()),
            group_thousands(all)
        ),
    };
    format!("green {}, blue {}", side(green), side(blue))
}

pub(super) fn samples(blue: &[f64], green: &[f64]) -> String {
    let side = |values: &[f64]| match values {
        [] => "no values".to_owned(),
        values => format!(
            "{} (median of {})",
            format_figures(median(values)),
            values.len()
        ),
    };
    format!("green {}, blue {}", side(green), side(blue))
}

pub(super) fn too_few_requests(blue: Counts, green: Counts, least: u64) -> String {
    let (green, blue) = (
        group_thousands(green.requests()),
        group_thousands(blue.requests()),
    );
    format!(
        "too little traffic to tell: {green} requests on green and {blue} on blue, {} on each are needed",
        group_thousands(least)
    )
}

pub(super) fn undetectable(
    rate: f64,
    found: &Significance,
    basis: &ComparisonBasis,
    needed_requests: Option<u64>,
) -> String {
    let needed = needed_requests
        .map(|enough| format!("; about {} on green are needed", group_thousands(enough)))
        .unwrap_or_default();
    format!(
        "too little traffic to tell: a green at {} could go unseen; {}{needed}",
        format_percent(rate),
        format_facts(found, basis)
    )
}

pub(super) fn too_few_values_per_side(blue: usize, green: usize, least: usize) -> String {
    format!(
        "too few values to tell: {green} of green and {blue} of blue, {least} on each are needed"
    )
}

pub(super) fn too_few_to_decide(found: &Significance, basis: &ComparisonBasis) -> String {
    format!(
        "too few values to tell at look {}: even the greatest difference would be chance; {}",
        basis.look,
        format_facts(found, basis)
    )
}

pub(super) fn note(found: &Significance, size: EffectSize, basis: &ComparisonBasis) -> String {
    let verdict = match (found.p < found.allowance, size) {
        (true, EffectSize::Relevant) => "not by chance",
        (true, EffectSize::Negligible) => "not by chance, but too little to matter",
        (false, EffectSize::Relevant) => "may be chance",
        (false, EffectSize::Negligible) => "no difference that matters",
    };
    format!("{verdict}: {}", format_facts(found, basis))
}

fn format_facts(found: &Significance, basis: &ComparisonBasis) -> String {
    let held = format_figures(found.allowance);
    let small = if basis.blue.min(basis.green) < SMALL_SAMPLE {
        ", which is small"
    } else {
        ""
    };
    let n = format!(
        "n = {} and {} {}{small}",
        group_thousands(basis.green),
        group_thousands(basis.blue),
        basis.unit
    );
    format!(
        "{} ({}) against {held} at look {}, {}; {n}",
        format_p(found.p),
        method_name(basis.method),
        basis.look,
        format_ratio(found.ratio)
    )
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Fisher => "Fisher's exact test",
        Method::PooledZ => "two-proportion z test",
        Method::MannWhitneyExact => "Mann–Whitney, exact",
        Method::MannWhitneyNormal => "Mann–Whitney, normal",
    }
}

fn format_ratio(ratio: f64) -> String {
    match ratio {
        ratio if ratio.is_infinite() => "green has what blue has none of".to_owned(),
        ratio => format!("green is {} times blue", format_figures(ratio)),
    }
}

fn format_p(p: f64) -> String {
    if p < 1e-6 {
        "p < 0.000001".to_owned()
    } else {
        format!("p = {}", format_figures(p))
    }
}

fn format_percent(rate: f64) -> String {
    let percent = 100.0 * rate;
    if percent == 0.0 || percent >= 0.1 {
        format!("{percent:.1} %")
    } else {
        format!("{} %", format_figures(percent))
    }
}

/// Three figures, or all before the point: `0.00391`, `1.25`, `1730`.
fn format_figures(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value:.0}");
    }
    let places = 2.0 - value.abs().log10().floor();
    match places {
        ..=0.0 if value.abs() < 1e15 => format!("{value:.0}"),
        0.0..=12.0 => trim_zeros(&format!("{value:.*}", to_places(places))),
        _ => format!("{value:.2e}"),
    }
}

fn trim_zeros(number: &str) -> String {
    number
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 12"
)]
fn to_places(places: f64) -> usize {
    places as usize
}

/// `3,001`.
fn group_thousands(count: u64) -> String {
    let digits = count.to_string();
    let lead = digits.len() % 3;
    let groups = digits.as_bytes()[lead..]
        .chunks(3)
        .map(|group| String::from_utf8_lossy(group).into_owned());
    let first = (lead > 0).then(|| digits[..lead].to_owned());
    first
        .into_iter()
        .chain(groups)
        .collect::<Vec<_>>()
        .join(",")
}

/// The value in the middle, or between the two there; 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or_default();
    f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_figures_that_people_read() {
        let table = [
            (0.0, "0"),
            (0.003_912, "0.00391"),
            (1.25, "1.25"),
            (3.0, "3"),
            (1730.4, "1730"),
            (1e-14, "1.00e-14"),
            (1e14, "100000000000000"),
            (1e15, "1.00e15"),
            (-0.5, "-0.5"),
        ];
        for (value, expected) in table {
            assert_eq!(format_figures(value), expected);
        }
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(group_thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 0.031, 0.000_25].map(format_percent),
            ["0.0 %", "3.1 %", "0.025 %"]
        );
        assert_eq!(
            [1e-9, 1e-6, 0.0123].map(format_p),
            ["p < 0.000001", "p = 0.000001", "p = 0.0123"]
        );
    }

    #[test]
    fn a_median_of_an_even_number_lies_between() {
        assert_eq!(
            (median(&[3.0, 1.0]), median(&[5.0, 1.0, 2.0]), median(&[])),
            (2.0, 2.0, 0.0)
        );
    }

    #[test]
    fn n_is_small_below_fifty_on_a_side() {
        for (blue, green, small) in [(49, 90, true), (90, 49, true), (50, 50, false)] {
            let said = format_facts(
                &Significance {
                    p: 0.5,
                    ratio: 1.0,
                    allowance: 0.05,
                },
                &ComparisonBasis {
                    method: Method::Fisher,
                    look: 1,
                    blue,
                    green,
                    unit: "requests",
                },
            );
            assert_eq!(said.ends_with(", which is small"), small, "{said}");
        }
    }
}
