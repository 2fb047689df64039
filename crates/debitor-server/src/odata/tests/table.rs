//! Filters with the rows that they list. It needs nothing of this crate, so that the tests of the
//! engines, which are in another, include this file too.

/// Entities of a list, and what filters list of them.
pub(crate) struct Table {
    filters: &'static str,
    entities: &'static str,
}

pub(crate) const CUSTOMERS: Table = Table {
    filters: include_str!("customers.txt"),
    entities: include_str!("customers.json"),
};

pub(crate) const SALES_INVOICES: Table = Table {
    filters: include_str!("sales_invoices.txt"),
    entities: include_str!("sales_invoices.json"),
};

impl Table {
    /// The entities, whose rows are counted from 1.
    pub(crate) fn entities(&self) -> Vec<serde_json::Value> {
        serde_json::from_str(self.entities).unwrap()
    }

    /// Each filter with the rows that it lists; none where it is refused.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&'static str, Option<Vec<usize>>)> {
        let lines = self.filters.lines();
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| {
            let (filter, rows) = line.rsplit_once(" | ").unwrap();
            let numbers = rows.split(' ').filter(|number| *number != "-");
            let numbers = numbers.map(|one| one.parse().unwrap());
            (filter, (rows != "400").then(|| numbers.collect()))
        })
    }
}
