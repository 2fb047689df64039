//! The paths as a tree.

use crate::model::{Api, Content, Operation};
use crate::spec::escape;

/// What a segment of paths leads to.
#[derive(Default)]
pub(super) struct Node<'a> {
    /// The segment: a name; empty at the top and for a key.
    pub(super) name: &'a str,
    /// JSON pointer of a path that has it.
    pub(super) pointer: String,
    operations: Vec<&'a Operation>,
    /// What is behind a key.
    pub(super) key: Option<Box<Node<'a>>>,
    children: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    /// The tree of all paths.
    pub(super) fn root(api: &'a Api) -> Self {
        let mut root = Node::default();
        for operation in api.tags.iter().flat_map(|tag| &tag.operations) {
            root.place(&operation.path).operations.push(operation);
        }
        root
    }

    fn place(&mut self, path: &'a str) -> &mut Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        segments.fold(self, |node, segment| node.step(segment, path))
    }

    fn step(&mut self, segment: &'a str, path: &str) -> &mut Self {
        let new = |name| Node {
            name,
            pointer: format!("/paths/{}", escape(path)),
            ..Node::default()
        };
        if segment.starts_with('{') {
            return self.key.get_or_insert_with(|| Box::new(new("")));
        }
        let known = self.children.iter().position(|child| child.name == segment);
        let index = known.unwrap_or_else(|| {
            self.children.push(new(segment));
            self.children.len() - 1
        });
        &mut self.children[index]
    }

    /// What is named below; names of OData's own, such as `$count`, are not among it.
    pub(super) fn children(&self) -> impl Iterator<Item = &Node<'a>> {
        self.children
            .iter()
            .filter(|child| !child.name.starts_with('$'))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.children.iter().any(|child| child.name == name)
    }

    /// Whether it is there only for what is below.
    pub(super) fn is_group(&self) -> bool {
        self.operations.is_empty() && self.key.is_none()
    }

    pub(super) fn operation(&self, method: &str) -> Option<&'a Operation> {
        let mut operations = self.operations.iter();
        operations.find(|one| one.method == method).copied()
    }

    /// The schema of the entity that `GET` answers, here or behind the key.
    pub(super) fn schema(&self) -> Option<&'a str> {
        let place = self.key.as_deref().unwrap_or(self);
        match &place.operation("get")?.response(200)?.content {
            Content::Json(schema) => Some(schema),
            _ => None,
        }
    }

    /// It and everything below it.
    pub(super) fn all(&self) -> Vec<&Node<'a>> {
        let below = self.key.iter().map(|key| &**key).chain(self.children());
        std::iter::once(self)
            .chain(below.flat_map(Node::all))
            .collect()
    }
}
