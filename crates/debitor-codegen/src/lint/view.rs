//! The document as the rules see it: values that know where they stand.

use serde_json::Value;

use crate::Spec;
use crate::spec::escape;

/// A value of the document and its JSON pointer.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) pointer: String,
    pub(super) value: &'a Value,
}

impl<'a> Place<'a> {
    pub(super) fn root(spec: &'a Spec) -> Self {
        Self {
            pointer: String::new(),
            value: spec.root(),
        }
    }

    /// The pointer of what is or would be under `key`.
    pub(super) fn below(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, escape(key))
    }

    pub(super) fn child(&self, key: &str) -> Option<Place<'a>> {
        let value = self.value.get(key)?;
        Some(Place {
            pointer: self.below(key),
            value,
        })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value.get(key).is_some()
    }

    /// The keys of an object; none of anything else.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.value
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys().map(String::as_str))
    }

    /// The members of the object under `key`.
    pub(super) fn entries(&self, key: &str) -> Vec<(&'a str, Place<'a>)> {
        let Some(object) = self.child(key) else {
            return Vec::new();
        };
        object
            .keys()
            .filter_map(|name| Some((name, object.child(name)?)))
            .collect()
    }

    /// The items of the array under `key`.
    pub(super) fn items(&self, key: &str) -> Vec<Place<'a>> {
        let items = self.value.get(key).and_then(Value::as_array);
        let places = items.into_iter().flatten().enumerate();
        places
            .map(|(index, value)| Place {
                pointer: format!("{}/{index}", self.below(key)),
                value,
            })
            .collect()
    }

    /// The strings of the array under `key`.
    pub(super) fn texts(&self, key: &str) -> Vec<&'a str> {
        let items = self.value.get(key).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The string under `key`, or an empty one.
    pub(super) fn text(&self, key: &str) -> &'a str {
        self.value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.value
            .get(key)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    /// The end of the references that start here, with its own pointer, so that a fault of a shared
    /// component is reported where it is written. None if they lead nowhere.
    pub(super) fn follow(&self, spec: &'a Spec) -> Option<Place<'a>> {
        let mut place = self.clone();
        for _ in 0..32 {
            let Some(reference) = place.value.get("$ref").and_then(Value::as_str) else {
                return Some(place);
            };
            let pointer = reference.strip_prefix('#')?.to_owned();
            place = Place {
                value: spec.root().pointer(&pointer)?,
                pointer,
            };
        }
        None
    }
}

/// One operation with its references followed. Those that lead nowhere are left out; the rule on
/// references reports them.
pub(super) struct Operation<'a> {
    pub(super) spec: &'a Spec,
    pub(super) place: Place<'a>,
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) id: &'a str,
    pub(super) parameters: Vec<Place<'a>>,
    pub(super) body: Option<Place<'a>>,
    /// Status code and response.
    pub(super) responses: Vec<(&'a str, Place<'a>)>,
}

impl<'a> Operation<'a> {
    pub(super) fn all(spec: &'a Spec) -> Vec<Self> {
        let operations = spec.operations().into_iter();
        operations
            .map(|raw| {
                let place = Place {
                    pointer: raw.pointer,
                    value: raw.value,
                };
                let item_pointer = format!("/paths/{}", escape(raw.path));
                let item = Place {
                    pointer: item_pointer,
                    value: raw.item,
                };
                Self {
                    spec,
                    path: raw.path,
                    method: raw.method,
                    id: place.text("operationId"),
                    parameters: parameters(spec, &item, &place),
                    body: place
                        .child("requestBody")
                        .and_then(|body| body.follow(spec)),
                    responses: responses(spec, &place),
                    place,
                }
            })
            .collect()
    }

    /// The requirements in force here: the operation's own, else the document's.
    pub(super) fn security(&self) -> Vec<Place<'a>> {
        let own = self.place.has("security");
        let holder = if own {
            self.place.clone()
        } else {
            Place::root(self.spec)
        };
        holder.items("security")
    }

    /// Whether nobody gets in without credentials.
    pub(super) fn secured(&self) -> bool {
        let security = self.security();
        !security.is_empty() && security.iter().all(|one| one.keys().next().is_some())
    }

    pub(super) fn response(&self, code: &str) -> Option<&Place<'a>> {
        self.responses
            .iter()
            .find(|(found, _)| *found == code)
            .map(|(_, response)| response)
    }

    /// The header parameter of that name, in any letter case.
    pub(super) fn header(&self, name: &str) -> Option<&Place<'a>> {
        let mut headers = self.parameters.iter().filter(|p| p.text("in") == "header");
        headers.find(|p| p.text("name").eq_ignore_ascii_case(name))
    }

    /// What the operation does: the operationId behind the tag in snake case, such as `list`.
    pub(super) fn verb(&self) -> &'a str {
        let tag = super::names::snake(self.place.texts("tags").first().copied().unwrap_or(""));
        self.id.strip_prefix(&format!("{tag}_")).unwrap_or_default()
    }
}

/// The parameters of the path and then of the operation; the latter win.
fn parameters<'a>(spec: &'a Spec, item: &Place<'a>, operation: &Place<'a>) -> Vec<Place<'a>> {
    let key = |place: &Place<'a>| (place.text("in"), place.text("name"));
    let own = operation
        .items("parameters")
        .into_iter()
        .filter_map(|p| p.follow(spec));
    let own: Vec<_> = own.collect();
    let shared = item
        .items("parameters")
        .into_iter()
        .filter_map(|p| p.follow(spec));
    let shared = shared.filter(|p| !own.iter().any(|q| key(p) == key(q)));
    shared.chain(own.iter().cloned()).collect()
}

fn responses<'a>(spec: &'a Spec, operation: &Place<'a>) -> Vec<(&'a str, Place<'a>)> {
    let listed = operation.entries("responses").into_iter();
    listed
        .filter_map(|(code, place)| Some((code, place.follow(spec)?)))
        .collect()
}
