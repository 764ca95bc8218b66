//! Statements with optional filters, put together out of constant parts and binds.

use crate::db::{Arg, Sql};

/// Most rows that one call of a list returns.
pub const MAX_PAGE: u32 = 1_000;

/// A statement that grows by constant parts; values go in as binds only.
pub(crate) struct Query {
    text: String,
    args: Vec<Arg>,
}

impl Query {
    pub(crate) fn new(text: &'static str, args: Vec<Arg>) -> Self {
        Self {
            text: text.to_owned(),
            args,
        }
    }

    /// Adds a constant part.
    pub(crate) fn push(&mut self, part: &'static str) -> &mut Self {
        self.text.push_str(part);
        self
    }

    /// Adds a place for a value.
    pub(crate) fn bind(&mut self, value: impl Into<Arg>) -> &mut Self {
        self.args.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.args.len().to_string());
        self
    }

    /// Adds a condition that ends in a value, where there is one.
    pub(crate) fn filter(
        &mut self,
        part: &'static str,
        value: Option<impl Into<Arg>>,
    ) -> &mut Self {
        if let Some(value) = value {
            self.push(part).bind(value);
        }
        self
    }

    /// Adds `PART (a, b, …)` where there are values; none means no condition.
    pub(crate) fn any_of<V: Into<Arg>>(
        &mut self,
        part: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        let mut values = values.into_iter();
        if let Some(first) = values.next() {
            self.push(part).push(" (").bind(first);
            for value in values {
                self.push(", ").bind(value);
            }
            self.push(")");
        }
        self
    }

    /// Adds `PART ('a', 'b', …)` where there are words; none means no condition. Words of our own may stand in the text,
    /// where an index over only some rows is found by them.
    pub(crate) fn any_of_words(&mut self, part: &'static str, words: &[&'static str]) -> &mut Self {
        for (place, word) in words.iter().enumerate() {
            debug_assert!(word.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            self.push(if place == 0 { part } else { "," });
            self.push(if place == 0 { " ('" } else { " '" });
            self.push(word).push("'");
        }
        if !words.is_empty() {
            self.push(")");
        }
        self
    }

    /// Adds `(a, b, …), (…)`.
    pub(crate) fn rows(&mut self, rows: impl IntoIterator<Item = Vec<Arg>>) -> &mut Self {
        for (place, row) in rows.into_iter().enumerate() {
            self.push(if place == 0 { "(" } else { ", (" });
            for (column, value) in row.into_iter().enumerate() {
                if column > 0 {
                    self.push(", ");
                }
                self.bind(value);
            }
            self.push(")");
        }
        self
    }

    /// Adds the order and the size of a page, held to [`MAX_PAGE`].
    pub(crate) fn page(mut self, order: &'static str, limit: u32) -> Self {
        self.push(order)
            .push(" limit ")
            .bind(i64::from(limit.min(MAX_PAGE)));
        self
    }

    pub(crate) fn finish(self) -> (Sql, Vec<Arg>) {
        (Sql::Built(self.text), self.args)
    }
}
