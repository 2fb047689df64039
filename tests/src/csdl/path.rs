//! Where paths lead: inside of the metadata, from addresses of the service, and from contexts.

use roxmltree::Node;

use super::{Csdl, is_collection, item, member, tag, text, type_text};

impl<'x> Csdl<'x> {
    /// The property at the end of a path from a type.
    pub(super) fn walk<'a>(
        &'a self,
        from: Node<'a, 'x>,
        path: &str,
    ) -> Result<Node<'a, 'x>, String> {
        let mut place = Err("an empty path".to_owned());
        for name in path.split('/') {
            let of = match place {
                Ok(last) => self.type_of(last),
                Err(_) => Some(from),
            };
            let found = of.and_then(|of| member(of, name));
            place = Ok(found.ok_or_else(|| format!("there is no `{name}` on the way of {path}"))?);
        }
        place
    }

    /// What the target of a binding is: a set, a singleton, or what single entities contain.
    pub(super) fn target<'a>(&'a self, path: &str) -> Option<Node<'a, 'x>> {
        let path = path.rsplit_once('.').map_or(path, |(_, path)| path);
        let container = self.all("EntityContainer").next()?;
        let qualified = path.strip_prefix(text(container, "Name"));
        let path = qualified
            .and_then(|path| path.strip_prefix('/'))
            .unwrap_or(path);
        let mut names = path.split('/');
        let mut end = self.contained(names.next()?)?;
        for name in names {
            let single = Some(end).filter(|end| !is_collection(*end))?;
            let way = member(self.type_of(single)?, name)?;
            end = Some(way).filter(|way| text(*way, "ContainsTarget") == "true")?;
        }
        Some(end)
    }

    /// The type at the end of the service's own path, such as `sets/{id}/items/$count`, by OData's URL
    /// conventions with keys as segments.
    pub fn resource(&self, path: &str) -> Result<String, String> {
        let mut segments = path.trim_matches('/').split('/');
        let first = segments.next().unwrap_or_default();
        let mut place = self.contained(first).ok_or("not in the container")?;
        let mut many = is_collection(place);
        for segment in segments {
            match segment {
                "$count" if many => return Ok("Edm.Int32".to_owned()),
                _ if many => many = false,
                name => {
                    let of = self.type_of(place).ok_or("the type is not there")?;
                    place = member(of, name).ok_or_else(|| format!("no `{name}` there"))?;
                    many = is_collection(place);
                }
            }
        }
        let item = item(type_text(place));
        Ok(if many {
            format!("Collection({item})")
        } else {
            item.to_owned()
        })
    }

    /// The type that the fragment of a context speaks of (OData 4.0, part 1, section 10): the place
    /// where the entities belong, and the properties selected.
    pub fn context(&self, fragment: &str) -> Result<String, String> {
        let (path, one) = match fragment.strip_suffix("/$entity") {
            Some(path) => (path, true),
            None => (fragment, false),
        };
        let segments: Vec<_> = split(path).into_iter().map(parenthesised).collect();
        let mut place: Option<Node<'_, 'x>> = None;
        for (index, (name, inner)) in segments.iter().enumerate() {
            let next = match place {
                None => self.contained(name),
                Some(place) => self.contains(place, name),
            };
            let next = next.ok_or_else(|| format!("nothing belongs to `{name}`"))?;
            let last = index + 1 == segments.len();
            self.check_parentheses(next, *inner, last)?;
            place = Some(next);
        }
        let place = place.ok_or("an empty context")?;
        let item = item(type_text(place));
        match (is_collection(place), one) {
            (true, true) | (false, false) => Ok(item.to_owned()),
            (true, false) => Ok(format!("Collection({item})")),
            (false, true) => Err(format!("`$entity` of what is one anyway: {path}")),
        }
    }

    fn contains<'a>(&'a self, place: Node<'a, 'x>, name: &str) -> Option<Node<'a, 'x>> {
        let way = member(self.type_of(place)?, name)?;
        Some(way).filter(|way| text(*way, "ContainsTarget") == "true")
    }

    /// Behind a name on the way is a key, behind the last what was selected.
    fn check_parentheses(
        &self,
        place: Node<'_, 'x>,
        inner: Option<&str>,
        last: bool,
    ) -> Result<(), String> {
        let of = self.type_of(place).ok_or("the type is not there")?;
        if last {
            let mut selected = inner.into_iter().flat_map(|inner| inner.split(','));
            let wrong = selected.find_map(|path| self.walk(of, path).err());
            return wrong.map_or(Ok(()), Err);
        }
        if !is_collection(place) {
            return inner.map_or(Ok(()), |key| Err(format!("the key {key} of what is one")));
        }
        let key = inner.ok_or("a key is missing")?;
        let reference = of.descendants().find(|node| tag(*node) == "PropertyRef");
        let property = reference.and_then(|one| member(of, text(one, "Name")));
        match property.map(type_text) {
            Some("Edm.Guid") if key.parse::<uuid::Uuid>().is_ok() => Ok(()),
            kind => Err(format!("{key} is no key of the type {kind:?}")),
        }
    }
}

/// The segments; a slash between parentheses is in a selected path.
fn split(path: &str) -> Vec<&str> {
    let mut open = false;
    let parts = path.split(|character| {
        open = (open || character == '(') && character != ')';
        character == '/' && !open
    });
    parts.collect()
}

/// `name(inner)` as its two parts.
fn parenthesised(segment: &str) -> (&str, Option<&str>) {
    let inner = segment
        .strip_suffix(')')
        .and_then(|text| text.split_once('('));
    inner.map_or((segment, None), |(name, inner)| (name, Some(inner)))
}
