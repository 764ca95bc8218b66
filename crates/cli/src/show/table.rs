//! Tables that fit the page: columns as wide as what stands in them, the last one cut to what is left.

use super::page::{Page, Tone, clip, columns};

/// Rows of cells under headings.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// A text and its colour.
#[derive(Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text: watchkeeper_model::visible(&text).into_owned(),
            tone: None,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<(Tone, &str)> for Cell {
    fn from((tone, text): (Tone, &str)) -> Self {
        Self {
            tone: Some(tone),
            ..Self::from(text)
        }
    }
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: as many cells as there are headings.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table as text, two blanks before and between columns.
    pub(crate) fn render(&self, page: &Page) -> String {
        let mut text = String::new();
        let widths = self.widths(page.width);
        let headings = self.headings.iter().map(|text| Cell {
            text: (*text).to_owned(),
            tone: Some(Tone::Dim),
        });
        write_row(&mut text, page, &widths, &headings.collect::<Vec<_>>());
        for row in &self.rows {
            write_row(&mut text, page, &widths, row);
        }
        text
    }

    /// Each column's widest cell; where the sum is too much, the widest columns are cut to share what there is.
    fn widths(&self, page_width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headings.iter().map(|text| columns(text)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(&cell.text));
            }
        }
        let room = page_width.saturating_sub(2 * widths.len());
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = widths.iter_mut().max() else {
                break;
            };
            if *widest <= 8 {
                break;
            }
            *widest -= 1;
        }
        widths
    }
}

fn write_row(text: &mut String, page: &Page, widths: &[usize], cells: &[Cell]) {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let shown = clip(&cell.text, *width);
        let pad = " ".repeat(width.saturating_sub(columns(&shown)));
        let painted = cell
            .tone
            .map_or_else(|| shown.clone(), |tone| page.paint(tone, &shown));
        line.push_str("  ");
        line.push_str(&painted);
        line.push_str(&pad);
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchkeeper_model::Timestamp;

    #[test]
    fn a_table_is_never_wider_than_the_page() {
        let mut table = Table::new(&["#", "host", "what"]);
        table.row(vec![
            "0".into(),
            "web1".into(),
            "restart nginx.service because of a very long reason".into(),
        ]);
        table.row(vec!["12".into(), "h\u{1b}[2J".into(), "x".into()]);
        let page = Page {
            width: 40,
            colour: false,
            now: Timestamp::from_millis(0),
        };
        let text = table.render(&page);
        assert!(text.lines().all(|line| columns(line) <= 40), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("restart nginx.servi"), "{text}");
    }
}
