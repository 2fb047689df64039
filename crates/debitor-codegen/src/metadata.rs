//! What an OData client reads of the API: its metadata, CSDL as XML (OData 4.0, part 3), and what the
//! service document lists.
//!
//! Both follow from the document's paths and schemas. The first segment of a path is a set or a
//! singleton of the container, a segment with a key behind it a collection, one without a single
//! entity; a segment that nothing can be done at is an entity that only holds others. What `GET`
//! answers is the type. An entity belongs where a path leads to it by its key; where a path leads to
//! it without one, it is referred to.

mod annotations;
mod capabilities;
mod lower;
mod print;
mod properties;
mod settable;
mod tree;
mod xml;

use quote::quote;
use serde_json::Value;

use crate::{Fault, GeneratedFile, Spec, lower as stubs, stubs::Settings};
use capabilities::Capabilities;
use properties::{ComplexType, Property};

/// The member of the document that says what OData needs beside it.
pub const EXTENSION: &str = "x-odata";

/// What the property by which an entity is found is called.
const KEY: &str = "id";

/// The files of the metadata, or everything in the document that it cannot say. They stand beside
/// each other: `metadata.xml`, and `metadata.rs`, which holds it and the list.
pub fn generate(spec: &Spec, settings: &Settings) -> Result<Vec<GeneratedFile>, Vec<Fault>> {
    let api = stubs::lower(spec, settings)?;
    let names = names(spec)?;
    let model = lower::model(&api, names)?;
    let xml = GeneratedFile {
        path: "metadata.xml".into(),
        text: print::document(&model, settings.mark.trim_start_matches(['/', ' '])),
    };
    Ok(vec![list(&model, &settings.mark)?, xml])
}

/// The namespace of the types and the name of the container.
fn names(spec: &Spec) -> Result<(String, String), Vec<Fault>> {
    let place = &spec.root()[EXTENSION];
    let text = |key: &str| place.get(key).and_then(Value::as_str).map(str::to_owned);
    text("namespace").zip(text("container")).ok_or_else(|| {
        let problem = format!("`{EXTENSION}` names no namespace and container");
        let remedy = "write `namespace: acme.api` and `container: Service` there";
        vec![Fault::new(format!("/{EXTENSION}"), problem, remedy)]
    })
}

/// What the service document lists, as Rust.
fn list(model: &Model, mark: &str) -> Result<GeneratedFile, Vec<Fault>> {
    let members = model.members.iter().map(|member| {
        let (kind, name) = (member.kind(), &member.navigation.name);
        quote!((#kind, #name))
    });
    let tokens = quote! {
        //! What an OData client reads of the service.

        /// The metadata: CSDL as XML.
        pub const METADATA: &str = include_str!("metadata.xml");

        /// The service document's list: the kind of each and its name, which is its address too.
        pub const SERVICE: &[(&str, &str)] = &[#(#members),*];
    };
    let file = syn::parse2(tokens).map_err(|error| {
        let problem = format!("the service document is not Rust: {error}");
        vec![Fault::new("", problem, "mend the generator")]
    })?;
    Ok(GeneratedFile {
        path: "metadata.rs".into(),
        text: format!("{mark}\n{}", prettyplease::unparse(&file)),
    })
}

/// The entity data model.
struct Model {
    namespace: String,
    container: String,
    entities: Vec<EntityType>,
    complexes: Vec<ComplexType>,
    members: Vec<Member>,
    /// Whether requests can be sent in batches.
    batches: bool,
}

/// A type of entities. One without properties only holds others and has no key.
struct EntityType {
    name: String,
    description: Option<String>,
    properties: Vec<Property>,
    navigations: Vec<Navigation>,
}

/// A way from one entity to others.
struct Navigation {
    name: String,
    /// The name of the type at its end.
    target: String,
    description: Option<String>,
    collection: bool,
    /// Whether what it leads to belongs there, and nowhere else.
    contains: bool,
    /// The property that holds the key of the entity it refers to.
    dependent: Option<String>,
    capabilities: Capabilities,
    /// Where one gets from its end.
    onwards: Vec<Onward>,
}

/// What can be done with what a navigation leads to.
struct Onward {
    name: String,
    collection: bool,
    capabilities: Capabilities,
}

/// What the container has: a way from the service to entities.
struct Member {
    navigation: Navigation,
}

impl Member {
    fn kind(&self) -> &'static str {
        if self.navigation.collection {
            "EntitySet"
        } else {
            "Singleton"
        }
    }
}

/// The name of a schema's type: Graph's begin with a small letter.
fn type_name(schema: &str) -> String {
    let mut characters = schema.chars();
    let first = characters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Whether a name can be that of anything in CSDL (`SimpleIdentifier`), as far as ASCII goes.
pub(crate) fn is_identifier(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    starts && goes_on && name.len() <= 128
}
