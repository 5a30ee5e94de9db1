//! Tables of text.

use super::wrap::wrap;

/// Returns a table with a header, columns as wide as their widest cell, and two spaces between them.
///
/// `columns` is the width of the terminal: the last cell of a row is broken at spaces to fit it.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    columns: Option<usize>,
) -> String {
    let rows: Vec<[String; N]> = std::iter::once(header.map(ToOwned::to_owned)).chain(rows).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let Some((last, cells)) = row.split_last() else { continue };
        let column = widths[..cells.len()].iter().map(|width| width + 2).sum();
        let cells: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let last = columns.map_or_else(|| last.clone(), |columns| wrap(last, column, column, columns));
        text.push_str([cells.as_slice(), &[last]].concat().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["bench1", "ä"], ["b", "long cell"]].map(|row| row.map(ToOwned::to_owned));
        assert_eq!(table(["NAME", "WHERE"], rows.clone(), None), "NAME    WHERE\nbench1  ä\nb       long cell\n");
        assert_eq!(
            table(["NAME", "WHERE"], rows, Some(14)),
            "NAME    WHERE\nbench1  ä\nb       long\n        cell\n",
            "the last column fits the terminal"
        );
    }
}
