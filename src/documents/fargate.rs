//! PURE: which CPU and memory a task on Fargate may have together (Amazon ECS Developer Guide,
//! "Task CPU and memory" for Fargate).

use serde_json::Value;

/// CPU units, the least and the most memory in MiB, and the step between.
const PAIRS: [(u64, u64, u64, u64); 7] = [
    (256, 512, 2_048, 512),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];
/// The only size at which a step is left out: 256 units with 1536 MiB.
const GAP: (u64, u64) = (256, 1_536);
/// CPU units of a vCPU, and MiB of a GB.
const UNIT: f64 = 1_024.0;

/// CPU units of a task; none where the definition has none, or none that is a number.
pub fn cpu_units(definition: &Value) -> Option<u64> {
    units(&definition["cpu"], "vcpu")
}

/// Memory of a task in MiB.
pub fn memory_mib(definition: &Value) -> Option<u64> {
    units(&definition["memory"], "gb")
}

/// `256`, `"256"`, `".25 vCPU"`, `"2 GB"`.
fn units(value: &Value, unit: &str) -> Option<u64> {
    if let Some(number) = value.as_u64() {
        return Some(number);
    }
    let text = value.as_str()?.trim().to_lowercase();
    match text.strip_suffix(unit) {
        Some(number) => {
            let whole = (number.trim().parse::<f64>().ok()? * UNIT).round();
            // The largest task is far below what a float keeps exactly.
            format!("{whole:.0}").parse().ok()
        }
        None => text.parse().ok(),
    }
}

/// Why Fargate refuses the task's size; none where it takes it, or where the definition does not
/// say. A size above those that are known may be newer than this program.
pub fn size_problem(definition: &Value) -> Option<(String, String)> {
    let (cpu, memory) = (cpu_units(definition)?, memory_mib(definition)?);
    let (largest, ..) = PAIRS[PAIRS.len() - 1];
    if cpu > largest {
        return None;
    }
    let Some((_, least, most, step)) = PAIRS.iter().find(|(units, ..)| *units == cpu) else {
        return Some((
            format!("Fargate has no tasks with {cpu} CPU units"),
            format!("set cpu to one of {}", known_sizes()),
        ));
    };
    let fits = (*least..=*most).contains(&memory)
        && (memory - least).is_multiple_of(*step)
        && (cpu, memory) != GAP;
    (!fits).then(|| {
        (
            format!("Fargate has no tasks with {cpu} CPU units and {memory} MiB of memory"),
            format!("with {cpu} CPU units, set memory to {least} to {most} MiB in steps of {step}"),
        )
    })
}

fn known_sizes() -> String {
    PAIRS
        .iter()
        .map(|(units, ..)| units.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_that_fargate_has_are_taken_and_others_are_not() {
        let table = [
            ("256", "512", true),
            ("256", "1536", false),
            ("256", "4096", false),
            (".25 vCPU", "0.5GB", true),
            ("1 vCPU", "2 GB", true),
            ("1024", "1024", false),
            ("300", "512", false),
            ("4096", "30720", true),
            ("8192", "20480", true),
            ("8192", "21504", false),
            ("16384", "122880", true),
            ("32768", "65536", true),
        ];
        for (cpu, memory, fits) in table {
            let definition = json!({ "cpu": cpu, "memory": memory });
            let problem = size_problem(&definition);
            assert_eq!(problem.is_none(), fits, "{cpu} {memory}: {problem:?}");
        }
        assert_eq!(size_problem(&json!({ "cpu": "256" })), None);
        assert_eq!(size_problem(&json!({ "cpu": 256, "memory": 512 })), None);
    }
}
