//! The bodies that answer lists and entities.

use bytes::Bytes;

use super::select::Select;
use crate::store::Page;

/// The JSON of a page of what was selected. `context` is the list's context without the selection.
pub fn page(page: &Page, select: Option<&Select>, context: &str, next_link: Option<&str>) -> Bytes {
    let selected = select.map(Select::context);
    let context = format!("{context}{}", selected.unwrap_or_default());
    // How much a selection takes is not known before.
    let room = select.map_or(page.entities.bytes(), |_| 0);
    let mut json = Vec::with_capacity(room + page.entities.len() + 1024);
    json.extend_from_slice(b"{\"@odata.context\":");
    push_quoted(&mut json, &context);
    if let Some(count) = page.count {
        json.extend_from_slice(format!(",\"@odata.count\":{count}").as_bytes());
    }
    json.extend_from_slice(b",\"value\":[");
    for (index, entity) in page.entities.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        match select {
            Some(select) => select.write(entity, &mut json),
            None => json.extend_from_slice(entity),
        }
    }
    json.push(b']');
    if let Some(next_link) = next_link {
        json.extend_from_slice(b",\"@odata.nextLink\":");
        push_quoted(&mut json, next_link);
    }
    json.push(b'}');
    json.into()
}

/// The JSON of one entity with its context, from the JSON that the store keeps.
pub fn entity(json: &Bytes, context: &str) -> Bytes {
    let members = json.strip_prefix(b"{").unwrap_or_default();
    let mut whole = Vec::with_capacity(members.len() + context.len() + 24);
    whole.extend_from_slice(b"{\"@odata.context\":");
    push_quoted(&mut whole, context);
    if !members.starts_with(b"}") {
        whole.push(b',');
    }
    whole.extend_from_slice(members);
    whole.into()
}

/// Writes a string of JSON.
fn push_quoted(json: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: &u8| !matches!(byte, 0..=0x1F | b'"' | b'\\');
    if text.as_bytes().iter().all(is_plain) {
        json.push(b'"');
        json.extend_from_slice(text.as_bytes());
        json.push(b'"');
    } else {
        // Neither a string nor a vector makes serialising fail.
        let _ = serde_json::to_writer(json, text);
    }
}

#[cfg(test)]
mod tests {
    use debitor_api::properties::CustomerProperty;

    use super::*;
    use crate::store::Entities;

    #[test]
    fn a_page_has_what_was_selected_and_leads_on() {
        let mut entities = Entities::default();
        entities.push(
            br#"{"@odata.etag":"e","id":"i","number":"n","displayName":"d"}"#,
            1,
        );
        let mut found = Page {
            entities,
            next: None,
            count: Some(9),
        };
        let select = Select::parse::<CustomerProperty>("number").unwrap();
        let json = page(
            &found,
            Some(&select),
            "http://h/m#c",
            Some("http://h/c?a=\"b\""),
        );
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let expected = serde_json::json!({
            "@odata.context": "http://h/m#c(number)",
            "@odata.count": 9,
            "value": [{"@odata.etag": "e", "id": "i", "number": "n"}],
            "@odata.nextLink": "http://h/c?a=\"b\"",
        });
        assert_eq!(json, expected);
        found.count = None;
        let json = page(&found, None, "c", None);
        assert_eq!(
            json,
            r#"{"@odata.context":"c","value":[{"@odata.etag":"e","id":"i","number":"n","displayName":"d"}]}"#
        );
    }

    #[test]
    fn an_entity_gets_its_context_first() {
        let json = entity(&Bytes::from_static(b"{\"id\":1}"), "c");
        assert_eq!(json, r#"{"@odata.context":"c","id":1}"#);
        assert_eq!(
            entity(&Bytes::from_static(b"{}"), "c"),
            r#"{"@odata.context":"c"}"#
        );
    }
}
