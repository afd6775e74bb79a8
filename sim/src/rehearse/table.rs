//! Aligned tables for terminals. Pure.

/// Rows, each column as wide as its widest cell.
pub fn align(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter().map(|row| format_row(row, &widths)).collect()
}

/// The same with a line below the headings.
pub fn align_with_rule(rows: &[Vec<String>]) -> Vec<String> {
    let mut lines = align(rows);
    let width = lines
        .iter()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or_default();
    lines.insert(lines.len().min(1), "─".repeat(width));
    lines
}

fn format_row(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        format!(
            "{cell}{}",
            " ".repeat(width.saturating_sub(cell.chars().count()))
        )
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "outcome"], ["café", "✓"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            align_with_rule(&rows),
            ["a     outcome", "─────────────", "café  ✓"]
        );
    }
}
