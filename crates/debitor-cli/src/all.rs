//! `--all`: every page of a list, written as if the list were one page.
//!
//! JSON is written as the pages come, so that a list of any length takes the memory of a page. After
//! an error the text stays open, which no reader of JSON takes for a whole. A table is written at
//! the end, as each of its columns is as wide as its widest cell.

#[cfg(test)]
mod tests;

use clap::ArgMatches;
use debitor_client::ResponseValue;
use debitor_client::paging::Paged;
use debitor_client::types::ODataErrorBody;
use futures::TryStreamExt;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::output::{Format, note, print};
use crate::table;

type Pages<'a, P> = Paged<'a, ResponseValue<P>, ODataErrorBody>;

/// Writes all pages in the format that the command line asks for; the generated commands call it.
pub(crate) async fn write<P: Serialize>(
    matches: &ArgMatches,
    pages: Pages<'_, P>,
) -> anyhow::Result<()> {
    match Format::of(matches) {
        Format::Json => json(pages).await,
        Format::Table => rows(pages).await,
    }
}

/// Ends early if nobody reads any more.
async fn json<P: Serialize>(mut pages: Pages<'_, P>) -> anyhow::Result<()> {
    let mut list = List::default();
    loop {
        match pages.try_next().await {
            Ok(Some(page)) => {
                if !print(&list.page(serde_json::to_value(page.as_ref())?))? {
                    return Ok(());
                }
            }
            Ok(None) => return print(list.end()).map(|_| ()),
            Err(error) => {
                list.abandon();
                return Err(error.into());
            }
        }
    }
}

async fn rows<P: Serialize>(mut pages: Pages<'_, P>) -> anyhow::Result<()> {
    let mut entities = Vec::new();
    while let Some(page) = pages.try_next().await? {
        entities.extend(split(serde_json::to_value(page.as_ref())?).1);
    }
    print(&table::page(&entities)).map(|_| ())
}

/// The text of a list, piece by piece: as it would be if all entities were on one page.
#[derive(Default)]
struct List {
    is_open: bool,
    entities: usize,
}

impl List {
    /// The next page's entities; what else the first page says opens the list.
    fn page(&mut self, page: Value) -> String {
        let (head, entities) = split(page);
        let mut text = String::new();
        if !std::mem::replace(&mut self.is_open, true) {
            text.push_str(&open(&head));
        }
        for entity in entities {
            text.push_str(if self.entities == 0 {
                "\n    "
            } else {
                ",\n    "
            });
            text.push_str(&format!("{entity:#}").replace('\n', "\n    "));
            self.entities += 1;
        }
        text
    }

    fn end(&self) -> &'static str {
        if self.entities == 0 {
            "]\n}\n"
        } else {
            "\n  ]\n}\n"
        }
    }

    /// Says what the text lacks that was begun.
    fn abandon(&self) {
        if self.is_open {
            // The error itself is what is told, also if nobody reads any more.
            let _ = print("\n");
            let written = self.entities;
            note(&format!(
                "error: the list is not complete: it ends after {written} entities"
            ));
        }
    }
}

/// The beginning of the list, up to where its entities stand.
fn open(head: &Map<String, Value>) -> String {
    let text = format!("{:#}", Value::Object(head.clone()));
    let members = text
        .strip_suffix("\n}")
        .map(|members| format!("{members},"));
    let members = members.unwrap_or_else(|| "{".to_owned());
    format!("{members}\n  \"value\": [")
}

/// What a page says of the list, and its entities. A whole list has no next page.
fn split(page: Value) -> (Map<String, Value>, Vec<Value>) {
    let Value::Object(mut head) = page else {
        return Default::default();
    };
    head.shift_remove("@odata.nextLink");
    match head.shift_remove("value") {
        Some(Value::Array(entities)) => (head, entities),
        _ => (head, Vec::new()),
    }
}
