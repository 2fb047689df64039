//! What the stubs are printed from: the document's meaning, without references or quirks.

use serde_json::{Map, Value};

/// The whole API.
#[derive(Debug, Clone)]
pub struct Api {
    /// `info`, `servers`, `tags` and the like, which only the document repeats.
    pub head: Head,
    /// The tags that have operations, in the document's order.
    pub tags: Vec<Tag>,
    /// The schemas that operations reach, in the document's order.
    pub schemas: Vec<Schema>,
    /// What entities of lists can be asked for by, in the document's order of their schemas.
    pub listed: Vec<Listed>,
    /// Nameless schemas of headers and texts, which the annotations need a name for.
    pub inlines: Vec<Inline>,
    /// The name of the schema that every 4xx and 5xx answer has.
    pub error_body: String,
}

/// What is said of the whole API.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// `info.title`
    pub title: String,
    /// `info.version`
    pub version: String,
    /// `info.description`
    pub description: Option<String>,
    /// `info.termsOfService`
    pub terms: Option<String>,
    /// `info.contact`: name, url and email.
    pub contact: Option<[Option<String>; 3]>,
    /// `info.license`: name and url.
    pub license: Option<(String, Option<String>)>,
    /// `servers`: url and description.
    pub servers: Vec<(String, Option<String>)>,
    /// `tags`: name and description, also those without operations.
    pub tags: Vec<(String, Option<String>)>,
    /// `components.securitySchemes`, all of the type `http`.
    pub schemes: Vec<Scheme>,
}

/// One alternative of a `security` list: schemes and their scopes.
pub type Requirement = Vec<(String, Vec<String>)>;

/// A security scheme of the type `http`.
#[derive(Debug, Clone)]
pub struct Scheme {
    /// What `security` calls it.
    pub name: String,
    /// `bearer` or `basic`.
    pub scheme: String,
    /// `bearerFormat`
    pub bearer_format: Option<String>,
    /// `description`
    pub description: Option<String>,
}

/// The operations of a tag: one trait, one file.
#[derive(Debug, Clone)]
pub struct Tag {
    /// The tag as the document spells it.
    pub name: String,
    /// `description`
    pub description: Option<String>,
    /// The file, in snake case.
    pub module: String,
    /// The trait, in camel case.
    pub api: String,
    /// The operations, in the document's order.
    pub operations: Vec<Operation>,
}

/// A method on a path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The operationId, which is also the method's name.
    pub id: String,
    /// The operationId in camel case, which types start with.
    pub stem: String,
    /// The HTTP method in lower case.
    pub method: String,
    /// The path template.
    pub path: String,
    /// `summary`
    pub summary: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `deprecated`
    pub deprecated: bool,
    /// The security that applies, the whole API's included.
    pub security: Vec<Requirement>,
    /// The strings of `x-permissions`.
    pub permissions: Vec<String>,
    /// All `x-` members.
    pub extensions: Map<String, Value>,
    /// Parameters of the path.
    pub path_parameters: Vec<Parameter>,
    /// Parameters of the query.
    pub query: Vec<Parameter>,
    /// Parameters in headers.
    pub headers: Vec<Parameter>,
    /// The body, if it has one.
    pub body: Option<RequestBody>,
    /// The answers, by ascending status.
    pub responses: Vec<Response>,
}

impl Operation {
    /// Whether a caller is needed: some requirement, and none that is empty.
    pub fn secured(&self) -> bool {
        !self.security.is_empty() && self.security.iter().all(|one| !one.is_empty())
    }

    /// The answer of a status.
    pub fn response(&self, status: u16) -> Option<&Response> {
        self.responses
            .iter()
            .find(|response| response.status == status)
    }
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name in the document.
    pub name: String,
    /// Its field.
    pub field: String,
    /// `description`
    pub description: Option<String>,
    /// `required`
    pub required: bool,
    /// `deprecated`
    pub deprecated: bool,
    /// What its value is.
    pub kind: Kind,
    /// What it is when it is left out.
    pub default: Option<Value>,
    /// `example`
    pub example: Option<Value>,
}

/// A body of JSON, which is always required.
#[derive(Debug, Clone)]
pub struct RequestBody {
    /// The name of its schema.
    pub schema: String,
    /// `description`
    pub description: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// The variant's name.
    pub variant: String,
    /// The name under which the document shares it between operations.
    pub shared: Option<String>,
    /// `description`
    pub description: String,
    /// Its headers, in the document's order.
    pub headers: Vec<Header>,
    /// Its body.
    pub content: Content,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// None.
    Empty,
    /// JSON of a named schema.
    Json(String),
    /// A value in plain text.
    Text(Typed),
}

/// A header of an answer.
#[derive(Debug, Clone)]
pub struct Header {
    /// Its name in the document.
    pub name: String,
    /// Its field.
    pub field: String,
    /// `description`
    pub description: Option<String>,
    /// Whether every such answer has it.
    pub required: bool,
    /// Whether a layer of the server puts it on every answer, so that handlers need not.
    pub layered: bool,
    /// What its value is.
    pub typed: Typed,
}

/// A value outside of JSON, with the type that the annotations name for its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The type of the field.
    pub rust: &'static str,
    /// The inline schema that says more than the type, if one does.
    pub inline: Option<String>,
}

/// A schema without a name of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Inline {
    /// The name that it is given.
    pub name: String,
    /// What it says.
    pub shape: InlineShape,
    /// `description`
    pub description: Option<String>,
    /// `example`
    pub example: Option<Value>,
}

/// What an inline schema says.
#[derive(Debug, Clone, PartialEq)]
pub enum InlineShape {
    /// A scalar with constraints.
    Scalar(Kind),
    /// An enumeration of strings.
    Enumeration(Vec<Variant>),
}

/// A named schema.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its name, which is also the type's.
    pub name: String,
    /// `description`
    pub description: Option<String>,
    /// `example`
    pub example: Option<Value>,
    /// Object or enumeration.
    pub shape: Shape,
    /// Whether a request reaches it.
    pub in_requests: bool,
    /// Whether an answer reaches it.
    pub in_responses: bool,
}

/// What a named schema is.
#[derive(Debug, Clone)]
pub enum Shape {
    /// An object.
    Object {
        /// Its properties, in the document's order.
        properties: Vec<Property>,
        /// Whether it has `additionalProperties: false`.
        closed: bool,
    },
    /// An enumeration of strings.
    Enumeration(Vec<Variant>),
}

/// A schema whose entities are listed, with every plain value that they hold.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The schema's name.
    pub schema: String,
    /// Its values, in the document's order; those of an object stand where the object stands.
    pub leaves: Vec<Leaf>,
}

/// A plain value of an entity, perhaps within objects of it.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its name in Rust.
    pub name: String,
    /// The names that lead to it, separated by slashes.
    pub path: String,
    /// `description`
    pub description: Option<String>,
    /// Whether it, or an object on its path, can be null.
    pub nullable: bool,
    /// What its value is: of a named schema only if that is an enumeration.
    pub kind: Kind,
}

/// A value of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its text.
    pub value: String,
    /// Its name in Rust.
    pub name: String,
}

/// A property of an object.
#[derive(Debug, Clone)]
pub struct Property {
    /// Its name in the document.
    pub name: String,
    /// Its field.
    pub field: String,
    /// `description`
    pub description: Option<String>,
    /// Whether the object's `required` lists it.
    pub required: bool,
    /// `nullable`
    pub nullable: bool,
    /// `readOnly`
    pub read_only: bool,
    /// What its value is.
    pub kind: Kind,
    /// `default`
    pub default: Option<Value>,
    /// `example`
    pub example: Option<Value>,
}

/// What a value is, with its constraints.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A string.
    Text(TextRules),
    /// A string of the format `uuid`.
    Uuid,
    /// A string of the format `date`.
    Date,
    /// A string of the format `date-time`.
    DateTime,
    /// An integer.
    Integer {
        /// Whether it is of 64 bits rather than 32.
        wide: bool,
        /// `minimum`
        minimum: Option<i64>,
        /// `maximum`
        maximum: Option<i64>,
    },
    /// A number of the format `double`.
    Number {
        /// `minimum`
        minimum: Option<f64>,
        /// `maximum`
        maximum: Option<f64>,
    },
    /// A boolean.
    Boolean,
    /// A named schema.
    Model(String),
    /// An array.
    Array {
        /// What its items are; they have no constraints of their own.
        item: Box<Kind>,
        /// `minItems`
        min_items: Option<u64>,
        /// `maxItems`
        max_items: Option<u64>,
    },
}

/// The constraints of a string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextRules {
    /// `minLength`
    pub min_length: Option<u64>,
    /// `maxLength`
    pub max_length: Option<u64>,
    /// `pattern`
    pub pattern: Option<Pattern>,
    /// `format`: `email` or `uri`.
    pub format: Option<String>,
}

/// A pattern, as the document has it and as Rust's engine takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// ECMA-262, as the document has it.
    pub source: String,
    /// The same for Rust.
    pub rust: String,
}
