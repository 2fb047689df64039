//! The corpus: each kind of abuse is a group.

use debitor_tests::TestServer;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// Bytes that are sent on a connection of their own, and what may be answered; 0 is no answer at all.
pub(super) struct Abuse {
    pub(super) group: &'static str,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) statuses: &'static [u16],
}

/// All of it.
pub(super) fn all(server: &TestServer) -> Vec<Abuse> {
    let mut corpus = Corpus {
        customers: format!("{}/customers", server.company_path()),
        token: server.token(),
        group: "",
        all: Vec::new(),
    };
    corpus.oversize();
    corpus.deep();
    corpus.bombs();
    corpus.encodings();
    corpus.encodings_of_lines();
    corpus.duplicate_members();
    corpus.duplicate_headers();
    corpus.lengths();
    corpus.injection();
    corpus.forged();
    corpus.methods();
    corpus.paths();
    corpus.no_http();
    corpus.all
}

struct Corpus {
    /// The path of the customers.
    customers: String,
    token: String,
    group: &'static str,
    all: Vec<Abuse>,
}

/// A body that would be a customer's, if only the rest were right.
const BODY: &str = r#"{"displayName":"A"}"#;

impl Corpus {
    fn add(
        &mut self,
        name: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        statuses: &'static [u16],
    ) {
        self.all.push(Abuse {
            group: self.group,
            name: name.into(),
            bytes: bytes.into(),
            statuses,
        });
    }

    /// The headers that an honest request has, but for those of its body.
    fn headers(&self) -> String {
        let token = &self.token;
        format!("host: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n")
    }

    /// A request to the path with these headers more, each with its end of line, and this body.
    fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let own = self.headers();
        let head = format!("{method} {path} HTTP/1.1\r\n{own}{headers}\r\n");
        [head.as_bytes(), body].concat()
    }

    /// A create with these headers more.
    fn create(&self, headers: &str, body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let headers =
            format!("content-type: application/json\r\ncontent-length: {length}\r\n{headers}");
        self.request("POST", &self.customers, &headers, body)
    }

    /// A create that is sent in pieces.
    fn create_in_chunks(&self, chunks: &[u8]) -> Vec<u8> {
        let headers = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
        self.request("POST", &self.customers, headers, chunks)
    }

    /// A read of the path below the customers.
    fn get(&self, below: &str, headers: &str) -> Vec<u8> {
        self.request("GET", &format!("{}{below}", self.customers), headers, b"")
    }

    fn body(&mut self, name: &str, body: impl AsRef<[u8]>, statuses: &'static [u16]) {
        let bytes = self.create("", body.as_ref());
        self.add(name, bytes, statuses);
    }

    fn oversize(&mut self) {
        self.group = "oversize";
        let long = |length: usize| "x".repeat(length);
        for length in [1 << 20, (1 << 20) + 1, 4 << 20] {
            let body = format!(r#"{{"displayName":"{}"}}"#, long(length));
            self.body(&format!("a body of {length} and more"), body, &[413]);
        }
        let body = format!(r#"{{"displayName":"{}"}}"#, long(1_000_000));
        self.body("a name of a million letters", body, &[400]);
        let members: Vec<_> = (0..50_000).map(|n| format!(r#""m{n}":1"#)).collect();
        let body = format!("{{{}}}", members.join(","));
        self.body("50,000 members", body, &[400]);
        let body = format!(r#"{{"displayName":"A","{}":1}}"#, long(500_000));
        self.body("a member with a long name", body, &[400]);
        // Of the largest number hyper itself says that it is too large, with another status.
        for claimed in ["1048577", "99999999999", "18446744073709551615"] {
            let headers =
                format!("content-type: application/json\r\ncontent-length: {claimed}\r\n");
            let bytes = self.request("POST", &self.customers, &headers, b"{");
            self.add(format!("{claimed} bytes are said"), bytes, &[0, 413, 431]);
        }
        let chunk = format!("10000\r\n{}\r\n", long(0x10000)).repeat(17);
        self.add(
            "chunks without an end",
            self.create_in_chunks(chunk.as_bytes()),
            &[0, 413],
        );
        for length in [9_000, 30_000] {
            let bytes = self.get(&format!("/{}", long(length)), "");
            self.add(format!("a path of {length}"), bytes, &[414]);
            let bytes = self.get(&format!("?$filter={}", long(length)), "");
            self.add(format!("a query of {length}"), bytes, &[400]);
        }
        let filter = vec!["email%20eq%20'a'"; 300].join("%20or%20");
        self.add(
            "a filter of 300 terms",
            self.get(&format!("?$filter={filter}"), ""),
            &[400],
        );
        let filter = format!("?$filter={}true", "not%20".repeat(800));
        self.add("a filter of 800 negations", self.get(&filter, ""), &[400]);
        let filter = format!("?$filter={}{}", "(".repeat(2000), ")".repeat(2000));
        self.add(
            "a filter of 2000 parentheses",
            self.get(&filter, ""),
            &[400],
        );
        for (name, header) in [
            ("a header of 40,000", format!("x: {}\r\n", long(40_000))),
            ("a header of 300,000", format!("x: {}\r\n", long(300_000))),
            (
                "a long name of a header",
                format!("{}: x\r\n", long(40_000)),
            ),
            ("200 headers", "x: y\r\n".repeat(200)),
            ("5,000 headers", "x: y\r\n".repeat(5_000)),
            ("a long cookie", format!("cookie: {}\r\n", long(33_000))),
        ] {
            self.add(name, self.get("", &header), &[431]);
        }
        let key = format!("idempotency-key: {}\r\n", long(300));
        let bytes = self.create(&key, BODY.as_bytes());
        self.add("a long idempotency key", bytes, &[400]);
        let tag = format!("if-match: \"{}\"\r\n", long(20_000));
        let path = format!("{}/{}", self.customers, uuid::Uuid::nil());
        let bytes = self.request("DELETE", &path, &tag, b"");
        self.add("a long entity tag", bytes, &[400, 404, 412]);
    }

    fn deep(&mut self) {
        self.group = "deep JSON";
        for depth in [33, 129, 1_000, 100_000, 500_000] {
            let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let body = format!(r#"{{"displayName":"A","x":{arrays}}}"#);
            self.body(&format!("{depth} arrays"), body, &[400]);
            self.body(
                &format!("{depth} arrays without an end"),
                "[".repeat(depth),
                &[400],
            );
        }
        for depth in [33, 129, 10_000, 100_000] {
            let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
            for member in [
                "x",
                "address",
                "displayName",
                "lastModifiedDateTime",
                "@odata.type",
            ] {
                let body = format!(r#"{{"displayName":"A","{member}":{objects}}}"#);
                self.body(&format!("{depth} objects in {member}"), body, &[400]);
            }
        }
    }

    fn bombs(&mut self) {
        self.group = "bombs";
        let mut zipped = GzEncoder::new(Vec::new(), Compression::best());
        zipped.write_all(&vec![b' '; 10 << 20]).unwrap();
        let zipped = zipped.finish().unwrap();
        for coding in [
            "gzip",
            "x-gzip",
            "br",
            "deflate",
            "zstd",
            "gzip, gzip",
            "nonsense",
        ] {
            let header = format!("content-encoding: {coding}\r\n");
            let bytes = self.create(&header, &zipped);
            self.add(format!("10 MiB as {coding}"), bytes, &[415]);
        }
        self.body("10 MiB, not said to be zipped", &zipped, &[400]);
        for (name, number) in [
            ("1e400", "1e400".to_owned()),
            ("a huge exponent", "1e999999999999".to_owned()),
            ("half a million digits", "9".repeat(500_000)),
            (
                "half a million zeros",
                format!("0.{}1", "0".repeat(500_000)),
            ),
        ] {
            for member in ["taxLiable", "number", "x"] {
                let body = format!(r#"{{"displayName":"A","{member}":{number}}}"#);
                self.body(&format!("{name} in {member}"), body, &[400]);
            }
        }
        let body = format!(r#"{{"displayName":"{}"}}"#, "\\u0041".repeat(100_000));
        self.body("100,000 escapes", body, &[400]);
        let body = format!(
            r#"{{"displayName":"A","displayName":"{}"}}"#,
            "\\\"".repeat(200_000)
        );
        self.body("200,000 quotes", body, &[400]);
    }

    fn encodings(&mut self) {
        self.group = "invalid text";
        let strings: [(&str, &[u8]); 12] = [
            ("0xFF", b"\xff"),
            ("a lone continuation", b"\x80"),
            ("an overlong slash", b"\xc0\xaf"),
            ("an overlong NUL", b"\xc0\x80"),
            ("half a letter", b"\xc3"),
            ("an encoded surrogate", b"\xed\xa0\x80"),
            ("beyond Unicode", b"\xf4\x90\x80\x80"),
            ("five bytes", b"\xf8\x88\x80\x80\x80"),
            ("Latin-1", b"M\xfcller"),
            ("NUL", b"A\x00B"),
            ("an escaped NUL", b"A\\u0000B"),
            ("a lone surrogate", b"A\\ud800B"),
        ];
        for (name, text) in strings {
            let body = [br#"{"displayName":""#, text, br#""}"#].concat();
            self.body(&format!("{name} in a name"), body, &[400]);
        }
        let others: [(&str, &[u8]); 6] = [
            ("UTF-16", b"\xff\xfe{\0\"\0d\0\"\0:\x001\0}\0"),
            ("UTF-32", b"\x00\x00\xfe\xff\x00\x00\x00{"),
            ("a byte order mark", b"\xef\xbb\xbf{\"displayName\":\"A\"}"),
            (
                "an invalid name of a member",
                b"{\"displayName\":\"A\",\"\xff\":1}",
            ),
            ("control letters", b"{\"displayName\":\"A\x07\x1b[31m\"}"),
            ("a line end in a name", b"{\"displayName\":\"A\nB\"}"),
        ];
        for (name, body) in others {
            self.body(name, body, &[400]);
        }
    }

    /// The same outside of bodies.
    fn encodings_of_lines(&mut self) {
        self.group = "invalid text";
        for escape in ["%ff", "%c0%af", "%00", "%ed%a0%80", "%", "%zz", "%u0041"] {
            self.add(
                format!("{escape} in a path"),
                self.get(&format!("/{escape}"), ""),
                &[400, 404],
            );
            let query = format!("?$filter=email%20eq%20'{escape}'");
            self.add(
                format!("{escape} in a query"),
                self.get(&query, ""),
                &[200, 400],
            );
        }
        for name in [
            "if-none-match",
            "prefer",
            "accept",
            "client-request-id",
            "x",
        ] {
            let head = format!(
                "GET {} HTTP/1.1\r\n{}{name}: ",
                self.customers,
                self.headers()
            );
            let bytes = [head.as_bytes(), b"\xff\xfe\r\n\r\n"].concat();
            self.add(format!("0xFF in {name}"), bytes, &[200, 400, 406]);
        }
        let head = format!(
            "GET {} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n",
            self.customers
        );
        let bytes = [head.as_bytes(), b"authorization: Bearer \xff\r\n\r\n"].concat();
        self.add("0xFF as a token", bytes, &[401]);
        self.add(
            "a letter in the line",
            b"GET /\xff HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".as_slice(),
            &[400, 404],
        );
    }

    fn duplicate_members(&mut self) {
        self.group = "duplicate members";
        for (name, body) in [
            ("names", r#"{"displayName":"A","displayName":"B"}"#),
            ("the same name", r#"{"displayName":"A","displayName":"A"}"#),
            (
                "an escaped name",
                r#"{"displayName":"A","displayN\u0061me":"B"}"#,
            ),
            (
                "null and a name",
                r#"{"displayName":null,"displayName":"B"}"#,
            ),
            ("ids", r#"{"displayName":"A","id":"a","id":"b"}"#),
            (
                "below",
                r#"{"displayName":"A","address":{"city":"A","city":"B"}}"#,
            ),
            (
                "addresses",
                r#"{"displayName":"A","address":{"city":"A"},"address":null}"#,
            ),
            (
                "read-only members",
                r#"{"displayName":"A","@odata.etag":"1","@odata.etag":"2"}"#,
            ),
        ] {
            self.body(name, body, &[400]);
        }
    }

    fn duplicate_headers(&mut self) {
        self.group = "duplicate headers";
        for (name, headers, statuses) in [
            ("content types", "content-type: text/plain\r\n", &[415][..]),
            (
                "keys",
                "idempotency-key: a\r\nidempotency-key: b\r\n",
                &[400],
            ),
            ("tokens", "authorization: Bearer x\r\n", &[401]),
            ("empty tokens", "authorization:\r\n", &[401]),
            ("another length", "content-length: 5\r\n", &[400]),
            ("lengths in a list", "content-length: 19, 5\r\n", &[400]),
            ("hosts", "host: evil.example\r\n", &[400]),
        ] {
            self.add(name, self.create(headers, BODY.as_bytes()), statuses);
        }
        let path = format!("{}/{}", self.customers, uuid::Uuid::nil());
        let tags = "if-match: \"1\"\r\nif-match: \"2\"\r\n";
        let bytes = self.request("DELETE", &path, tags, b"");
        self.add("entity tags", bytes, &[400, 404]);
        for query in [
            "?$top=1&$top=2",
            "?$top=1&top=2",
            "?$filter=a&%24filter=b",
            "?$TOP=1&$top=1",
        ] {
            self.add(query, self.get(query, ""), &[400]);
        }
    }

    /// Where a body ends must be said once, or a server behind a proxy answers what nobody asked.
    fn lengths(&mut self) {
        self.group = "lengths";
        // Where chunks count beside a length (RFC 9112, section 6.3), this is an empty customer.
        let chunked = "2\r\n{}\r\n0\r\n\r\n".to_owned();
        let smuggled = format!(
            "0\r\n\r\nPOST {} HTTP/1.1\r\nhost: h\r\n\r\n",
            self.customers
        );
        for (name, headers) in [
            (
                "a length and chunks",
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            ),
            (
                "chunks and a length",
                "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            ),
            (
                "chunks that are not last",
                "transfer-encoding: chunked, gzip\r\n",
            ),
            ("an unknown coding", "transfer-encoding: nonsense\r\n"),
            (
                "a blank before the colon",
                "transfer-encoding : chunked\r\n",
            ),
            ("a vertical tab", "transfer-encoding:\x0bchunked\r\n"),
            ("a negative length", "content-length: -1\r\n"),
            ("a length with a sign", "content-length: +19\r\n"),
            ("a length in hexadecimal", "content-length: 0x13\r\n"),
            ("a length in words", "content-length: nineteen\r\n"),
            ("no number", "content-length: \r\n"),
            ("beyond 64 bits", "content-length: 18446744073709551616\r\n"),
        ] {
            let headers = format!("content-type: application/json\r\n{headers}");
            for (kind, body) in [("", &chunked), (", smuggling", &smuggled)] {
                let bytes = self.request("POST", &self.customers, &headers, body.as_bytes());
                self.add(format!("{name}{kind}"), bytes, &[400]);
            }
        }
        for (name, chunks) in [
            ("a chunk without a length", "\r\n{}\r\n0\r\n\r\n"),
            ("a negative chunk", "-1\r\n{}\r\n0\r\n\r\n"),
            ("a chunk of 2^64", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
            ("a chunk that is too long", "2\r\n{}{}{}\r\n0\r\n\r\n"),
            ("no chunk", "{}\r\n\r\n"),
            ("chunks that are cut", "5\r\n{"),
            ("a bare line feed", "2\n{}\n0\n\n"),
        ] {
            self.add(name, self.create_in_chunks(chunks.as_bytes()), &[0, 400]);
        }
        let bytes = self.request(
            "POST",
            &self.customers,
            "content-type: application/json\r\ncontent-length: 100\r\n",
            b"{",
        );
        self.add("a body that is cut", bytes, &[0, 400]);
        let trailers = format!(
            "13\r\n{{}}                 \r\n0\r\nx-injected: {}\r\n\r\n",
            "x".repeat(50_000)
        );
        self.add(
            "large trailers",
            self.create_in_chunks(trailers.as_bytes()),
            &[0, 400, 431],
        );
    }

    fn injection(&mut self) {
        self.group = "injection";
        let line = "%0d%0ax-injected:%20evil.example";
        for (name, below) in [
            ("a path", format!("/{line}")),
            ("a filter", format!("?$filter={line}")),
            ("an order", format!("?$orderby=email{line}")),
            ("a token of a page", format!("?$skiptoken={line}")),
            ("an option", format!("?{line}=1")),
        ] {
            self.add(
                format!("a line end in {name}"),
                self.get(&below, ""),
                &[400, 404],
            );
        }
        for (name, headers, statuses) in [
            (
                "a client's id",
                "client-request-id: a%0d%0ax-injected: evil.example\r\n",
                &[200][..],
            ),
            (
                "a folded header",
                "client-request-id: a\r\n x-injected: evil.example\r\n",
                &[400],
            ),
            (
                "a carriage return",
                "client-request-id: a\rx-injected: evil.example\r\n",
                &[400],
            ),
            ("NUL in a header", "client-request-id: a\0b\r\n", &[400]),
            ("a blank in a header's name", "client id: a\r\n", &[400]),
            ("no name", ": a\r\n", &[400]),
            ("no colon", "nonsense\r\n", &[400]),
            (
                "a preference",
                "prefer: odata.maxpagesize=1; x=\"evil.example\"\r\n",
                &[200, 400],
            ),
            ("a type", "accept: evil.example/x\r\n", &[400, 406]),
            ("an origin", "origin: http://evil.example\r\n", &[200]),
        ] {
            self.add(name, self.get("", headers), statuses);
        }
        let sql = "'%3B%20DROP%20TABLE%20customer%3B--";
        for option in [
            "$filter",
            "$orderby",
            "$select",
            "$skiptoken",
            "$top",
            "$skip",
        ] {
            let bytes = self.get(&format!("?{option}={sql}"), "");
            self.add(format!("SQL in {option}"), bytes, &[400]);
        }
        self.add(
            "SQL in a path",
            self.get(&format!("/{sql}"), ""),
            &[400, 404],
        );
    }

    /// Headers by which proxies speak, from a client.
    fn forged(&mut self) {
        self.group = "forged headers";
        let hosts = [
            "evil.example",
            "evil.example:80",
            "localhost\u{0}",
            "@evil.example",
        ];
        for header in [
            "x-forwarded-host",
            "x-host",
            "x-forwarded-server",
            "x-original-host",
        ] {
            let bytes = self.get("?$top=1", &format!("{header}: {}\r\n", hosts[0]));
            self.add(header, bytes, &[200]);
        }
        for (name, headers) in [
            (
                "Forwarded",
                "forwarded: for=1.2.3.4;host=evil.example;proto=https\r\n",
            ),
            (
                "X-Forwarded-Proto",
                "x-forwarded-proto: https\r\nx-forwarded-host: evil.example\r\n",
            ),
            (
                "X-Forwarded-For",
                "x-forwarded-for: 127.0.0.1, evil.example\r\n",
            ),
            ("X-Real-IP", "x-real-ip: 127.0.0.1\r\n"),
            (
                "X-Original-URL",
                "x-original-url: /metrics\r\nx-rewrite-url: /metrics\r\n",
            ),
            (
                "X-Forwarded-Prefix",
                "x-forwarded-prefix: /evil.example\r\n",
            ),
            (
                "X-HTTP-Method-Override",
                "x-http-method-override: DELETE\r\nx-method-override: POST\r\n",
            ),
            (
                "X-MS-Client-Principal",
                "x-ms-client-principal: evil.example\r\n",
            ),
        ] {
            self.add(name, self.get("", headers), &[200]);
        }
        for host in hosts {
            let token = &self.token;
            let bytes = format!(
                "GET /nothing HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
                 connection: close\r\n\r\n"
            );
            self.add(format!("the host {host:?}"), bytes, &[400, 404]);
        }
        self.add(
            "no host",
            "GET /nothing HTTP/1.1\r\nconnection: close\r\n\r\n",
            &[400, 404],
        );
    }

    fn methods(&mut self) {
        self.group = "methods";
        let methods = [
            "TRACE",
            "PUT",
            "DELETE",
            "OPTIONS",
            "PROPFIND",
            "MKCOL",
            "LOCK",
            "SEARCH",
            "QUERY",
            "LINK",
            "PURGE",
            "DEBUG",
            "get",
            "Post",
            "FOO",
            "!#$%&'*+-.^_`|~",
        ];
        for method in methods {
            let bytes = self.request(method, &self.customers, "content-length: 0\r\n", b"");
            self.add(method, bytes, &[405]);
        }
        self.add(
            "CONNECT",
            "CONNECT evil.example:443 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
            &[400, 404, 405],
        );
        let long = "X".repeat(10_000);
        let bytes = self.request(&long, &self.customers, "", b"");
        self.add("a method of 10,000 letters", bytes, &[400, 405]);
        for method in ["G\u{e9}T", "GET\0", "(GET)"] {
            let bytes = self.request(method, &self.customers, "", b"");
            self.add(format!("{method:?}"), bytes, &[400]);
        }
    }

    fn paths(&mut self) {
        self.group = "paths";
        for path in [
            "/../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/v1.0/../metrics",
            "/v1.0/%2e%2e/metrics",
            "//v1.0",
            "/v1.0//financials",
            "/v1.0/financials/companies/*",
            "/v1.0/financials/companies(",
            "/v1.0/financials/companies()",
            "/v1.0/financials/companies(('a'))",
            "/metrics",
            "/.git/config",
            "/v1.0/$batch",
            "/v1.0;x=1",
            "/v2.0/financials/companies",
            "*",
            "http://evil.example/v1.0/nothing",
        ] {
            let bytes = self.request("GET", path, "", b"");
            self.add(path, bytes, &[400, 404]);
        }
        self.add(
            "no slash",
            self.request("GET", "v1.0", "", b""),
            &[400, 404],
        );
        self.add("a blank", self.request("GET", "/a b", "", b""), &[400]);
        self.add(
            "a fragment",
            self.request("GET", "/nothing#x", "", b""),
            &[400, 404],
        );
    }

    fn no_http(&mut self) {
        self.group = "no HTTP";
        let cases: [(&str, &[u8]); 10] = [
            ("nothing", b""),
            ("line ends", b"\r\n\r\n\r\n\r\n"),
            ("HTTP/0.9", b"GET /\r\n"),
            ("HTTP/3.7", b"GET / HTTP/3.7\r\n\r\n"),
            (
                "a client of TLS",
                b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
            ),
            ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
            ("NUL", &[0; 4096]),
            ("0xFF", &[0xff; 4096]),
            ("half a preface", b"PRI * HTTP/2.0\r\n\r\nSM"),
            (
                "a preface and noise",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff",
            ),
        ];
        for (name, bytes) in cases {
            self.add(name, bytes, &[0, 400]);
        }
    }
}
