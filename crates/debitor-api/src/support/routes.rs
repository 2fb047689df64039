//! Routes and the document of what is mounted, made together: each operation is mounted where its
//! own annotation says, so that neither can have what the other lacks.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{HttpMethod, OpenApi, PathItem};

use super::{Context, ErrorBody, Problem, negotiate, reply};

/// Turns a problem of a request without an operation into the document's error body.
type Answer = fn(Problem, &Context) -> Response;

/// Operations that are mounted, and the document that says so.
pub struct Routes<A> {
    document: OpenApi,
    paths: BTreeMap<String, Mounted<A>>,
    answer: Answer,
}

struct Mounted<A> {
    handlers: MethodRouter<A>,
    methods: Vec<Method>,
}

impl<A: Clone + Send + Sync + 'static> Routes<A> {
    /// No operations yet; the document starts with what is said of the whole API, and has the
    /// schemas of the error body, which requests without an operation are answered with.
    pub fn new<E: ErrorBody + ToSchema>(mut document: OpenApi) -> Self {
        let mut schemas = vec![(E::name().into_owned(), E::schema())];
        E::schemas(&mut schemas);
        document
            .components
            .get_or_insert_default()
            .schemas
            .extend(schemas);
        Self {
            document,
            paths: BTreeMap::new(),
            answer: reply::problem::<E>,
        }
    }

    /// Mounts an operation by its annotation, and notes it and its schemas in the document.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "handlers are functions: copied, not moved"
    )]
    pub fn operation<P, H, T>(mut self, handler: H) -> Self
    where
        P: utoipa::Path + SchemaReferences + for<'t> Tags<'t>,
        H: Handler<T, A>,
        T: 'static,
    {
        let path = P::path();
        for described in P::methods() {
            let (filter, method) = method(&described);
            let mounted = self.paths.entry(path.clone()).or_insert_with(Mounted::none);
            mounted.add(method, on(filter, handler.clone()));
            let mut operation = P::operation();
            operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
            document_operation(&mut self.document, &path, described, operation);
        }
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        self.document
            .components
            .get_or_insert_default()
            .schemas
            .extend(schemas);
        self
    }

    /// Adds the operations of another tag.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.document.merge(other.document);
        for (path, added) in other.paths {
            let mounted = self.paths.entry(path).or_insert_with(Mounted::none);
            mounted.handlers = std::mem::take(&mut mounted.handlers).merge(added.handlers);
            mounted.methods.extend(added.methods);
        }
        self
    }

    /// The router of the paths below `base`, such as `/v1.0`, which answers every request in the
    /// document's error body, and the document.
    pub fn into_parts(self, base: &str) -> (Router<A>, OpenApi) {
        let answer = self.answer;
        let mut router = Router::new();
        for (path, mounted) in self.paths {
            let allowed = mounted.allowed();
            let refuse = move |request: Request| async move {
                answer(negotiate::method_not_allowed(&allowed), &context(&request))
            };
            router = router.route(&format!("{base}{path}"), mounted.handlers.fallback(refuse));
        }
        let unknown = move |request: Request| async move {
            answer(negotiate::not_found(), &context(&request))
        };
        (router.fallback(unknown), self.document)
    }
}

impl<A: Clone + Send + Sync + 'static> Mounted<A> {
    fn none() -> Self {
        Self {
            handlers: MethodRouter::new(),
            methods: Vec::new(),
        }
    }

    fn add(&mut self, method: Method, handler: MethodRouter<A>) {
        self.handlers = std::mem::take(&mut self.handlers).merge(handler);
        self.methods.push(method);
    }

    /// The value of `Allow`; whoever has GET has HEAD.
    fn allowed(&self) -> String {
        let mut names: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        if names.contains(&"GET") && !names.contains(&"HEAD") {
            names.push("HEAD");
        }
        names.sort_unstable();
        names.join(", ")
    }
}

fn context(request: &Request) -> Context {
    request
        .extensions()
        .get::<Context>()
        .cloned()
        .unwrap_or_default()
}

fn method(described: &HttpMethod) -> (MethodFilter, Method) {
    match described {
        HttpMethod::Get => (MethodFilter::GET, Method::GET),
        HttpMethod::Post => (MethodFilter::POST, Method::POST),
        HttpMethod::Put => (MethodFilter::PUT, Method::PUT),
        HttpMethod::Patch => (MethodFilter::PATCH, Method::PATCH),
        HttpMethod::Delete => (MethodFilter::DELETE, Method::DELETE),
        HttpMethod::Head => (MethodFilter::HEAD, Method::HEAD),
        HttpMethod::Options => (MethodFilter::OPTIONS, Method::OPTIONS),
        HttpMethod::Trace => (MethodFilter::TRACE, Method::TRACE),
    }
}

fn document_operation(
    document: &mut OpenApi,
    path: &str,
    method: HttpMethod,
    operation: Operation,
) {
    let mut paths = utoipa::openapi::Paths::new();
    paths
        .paths
        .insert(path.to_owned(), PathItem::new(method, operation));
    let mut one = OpenApi::default();
    one.paths = paths;
    document.merge(one);
}
