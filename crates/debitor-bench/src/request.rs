//! A request with holes, to be filled by wrk's script or by our own clients.
//!
//! The holes are `{id}`, `{version}` and `{tag}` of a customer that exists, and `{name}` and
//! `{email}`, random letters of fixed length.

use std::fmt::Write as _;

use crate::customer::WORD;

/// A request to a server that is known by its address only when it runs.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'static str,
}

impl Request {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: "",
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(mut self, body: &'static str) -> Self {
        self.body = body;
        self.header("Content-Type", "application/json")
    }

    /// What goes over the wire, with its holes.
    pub(crate) fn text(&self, host: &str) -> String {
        let Self {
            method, path, body, ..
        } = self;
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in &self.headers {
            // Writing to a string cannot fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if !body.is_empty() {
            let _ = write!(text, "Content-Length: {}\r\n", filled_length(body));
        }
        text + "\r\n" + body
    }

    /// The expression of Lua that makes the text; each hole becomes an expression of its own.
    pub(crate) fn lua(&self, host: &str) -> String {
        let name = r#"word() .. " " .. word() .. " " .. word()"#;
        let email = r#"word() .. "." .. word() .. "@" .. word() .. ".example""#;
        let holes = [
            ("{id}", "id"),
            ("{version}", "version"),
            ("{tag}", "tag"),
            ("{name}", name),
            ("{email}", email),
        ];
        let mut lua = format!("{:?}", self.text(host));
        for (hole, expression) in holes {
            lua = lua.replace(hole, &format!("\" .. {expression} .. \""));
        }
        lua
    }
}

/// The text with a random name and e-mail.
pub(crate) fn filled(text: &str, random: &mut Random) -> String {
    text.replace("{name}", &random.name())
        .replace("{email}", &random.email())
}

fn filled_length(body: &str) -> usize {
    filled(body, &mut Random::new(1)).len()
}

/// Random letters, the same in every run with the same seed (xorshift64*).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32
    }

    fn word(&mut self) -> String {
        let letter = |_| char::from(b'a' + (self.next() % 26) as u8);
        (0..WORD).map(letter).collect()
    }

    pub(crate) fn name(&mut self) -> String {
        format!("{} {} {}", self.word(), self.word(), self.word())
    }

    fn email(&mut self) -> String {
        format!("{}.{}@{}.example", self.word(), self.word(), self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filled_body_has_the_length_that_is_said() {
        let body = crate::customer::CREATE;
        let request = Request::new("POST", "/c").json(body);
        let mut random = Random::new(7);
        for _ in 0..20 {
            let filled = filled(body, &mut random);
            let said = format!("Content-Length: {}\r\n", filled.len());
            assert!(request.text("h").contains(&said));
            serde_json::from_str::<serde_json::Value>(&filled).unwrap();
        }
    }

    #[test]
    fn holes_become_lua() {
        let request = Request::new("GET", "/c/{id}").header("If-Match", "\"{version}\"");
        let lua = request.lua("h");
        assert_eq!(
            lua,
            r#""GET /c/" .. id .. " HTTP/1.1\r\nHost: h\r\nIf-Match: \"" .. version .. "\"\r\n\r\n""#
        );
    }
}
