//! Aligned columns of the plain values of a page or of an entity.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

/// A page as a row for each entity, an entity as a row for each property.
pub(crate) fn render(body: &Value) -> String {
    match body {
        Value::Object(members) => match members.get("value") {
            Some(Value::Array(entities)) => page(entities),
            _ => align(&properties("", members)),
        },
        other => format!("{}\n", cell(other)),
    }
}

/// A row for each entity.
pub(crate) fn page(entities: &[Value]) -> String {
    let entities: Vec<_> = entities.iter().filter_map(Value::as_object).collect();
    let columns = columns(&entities);
    let row = |entity: &&Map<String, Value>| {
        columns
            .iter()
            .map(|name| entity.get(name).map(cell).unwrap_or_default())
            .collect()
    };
    let header = columns.iter().map(|name| name.to_uppercase()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(entities.iter().map(row))
        .collect();
    align(&rows)
}

/// The plain properties that any of the entities has; the id comes first.
fn columns(entities: &[&Map<String, Value>]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for (name, value) in entities.iter().flat_map(|entity| entity.iter()) {
        let is_plain = !value.is_object() && !value.is_array() && !name.starts_with('@');
        if is_plain && !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    columns.sort_by_key(|name| name != "id");
    columns
}

fn properties(prefix: &str, members: &Map<String, Value>) -> Vec<Vec<String>> {
    let rows = members.iter().flat_map(|(name, value)| match value {
        Value::Object(inner) => properties(&format!("{prefix}{name}/"), inner),
        Value::Array(_) => Vec::new(),
        value => vec![vec![format!("{prefix}{name}"), cell(value)]],
    });
    rows.collect()
}

/// A value on one line: a control character would break the table, or the terminal.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.replace(char::is_control, " ")
}

fn align(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
