//! Elements of XML, and their text.

use std::fmt::Write as _;

/// An element, with a text or with elements in it.
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "texts, numbers and flags alike are given as they are"
    )]
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    pub(super) fn holding(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    pub(super) fn saying(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// Writes the element, and all that it holds below it.
    pub(super) fn write(&self, depth: usize, text: &mut String) {
        let _ = write!(text, "{:indent$}<{}", "", self.name, indent = depth * 2);
        for (name, value) in &self.attributes {
            let _ = write!(text, " {name}=\"{}\"", escaped(value));
        }
        if self.children.is_empty() {
            let end = match self.text.as_str() {
                "" => "/>\n".to_owned(),
                said => format!(">{}</{}>\n", escaped(said), self.name),
            };
            text.push_str(&end);
            return;
        }
        text.push_str(">\n");
        for child in &self.children {
            child.write(depth + 1, text);
        }
        let _ = writeln!(text, "{:indent$}</{}>", "", self.name, indent = depth * 2);
    }
}

/// The text as an attribute can have it too; a line's end as it stands would be read as a blank.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\n' => text.push_str("&#10;"),
            '\t' => text.push_str("&#9;"),
            // What XML 1.0 cannot say at all.
            character if character.is_control() => text.push('\u{FFFD}'),
            character => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_and_texts_can_hold_anything() {
        let mut text = String::new();
        let element = Element::new("a").with("b", "1 < 2 & \"3\" > 2\nü\u{0}");
        let children = [Element::new("c"), Element::new("d").saying("<e>")];
        element.holding(children).write(1, &mut text);
        let b = "1 &lt; 2 &amp; &quot;3&quot; &gt; 2&#10;ü\u{FFFD}";
        let inner = "    <c/>\n    <d>&lt;e&gt;</d>\n";
        assert_eq!(text, format!("  <a b=\"{b}\">\n{inner}  </a>\n"));
    }
}
