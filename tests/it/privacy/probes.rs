//! Requests with canaries, made from the document for any operation: in each parameter, in the headers that
//! every request can have, in bodies good and bad.

use debitor_tests::document::Operation;
use url::form_urlencoded::byte_serialize;

use super::canary::{Canaries, escaped, percent_encoded};

/// The caller's own span, which is to be in the traces.
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What requests are about.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) company: String,
    pub(super) customer: String,
    pub(super) invoice: String,
    /// The number of another customer, and the id of another sales invoice.
    pub(super) taken: (String, String),
}

/// Whose token a request has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    Owner,
    /// Somebody without any permission.
    Nobody,
    /// This header, or none.
    Header(Option<String>),
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) credentials: Credentials,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
}

impl Probe {
    /// The operation's good request, with canaries wherever it can have them.
    pub(super) fn good(operation: &Operation, ids: &Ids, canaries: &mut Canaries) -> Self {
        let mut headers = Vec::new();
        if has(operation, "If-Match") {
            headers.push(("If-Match".to_owned(), "*".to_owned()));
        }
        for name in [
            "User-Agent",
            "Cookie",
            "Referer",
            "X-Forwarded-For",
            "X-Unknown",
            "Baggage",
        ] {
            headers.push((name.to_owned(), canaries.word()));
        }
        // Only with a parent that is one is a state looked at.
        headers.push(("Traceparent".to_owned(), PARENT.to_owned()));
        headers.push(("Tracestate".to_owned(), format!("a={}", canaries.word())));
        let body = body(operation, canaries);
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let path = operation.path.replace("{companyId}", &ids.company);
        let path = path.replace("{customerId}", &ids.customer);
        Self {
            method: operation.method.clone(),
            path: path.replace("{salesInvoiceId}", &ids.invoice),
            credentials: Credentials::Owner,
            headers,
            body,
        }
    }

    fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers
            .retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    fn query(mut self, name: &str, value: &str) -> Self {
        let value: String = byte_serialize(value.as_bytes()).collect();
        self.path = format!("{}?{name}={value}", self.path);
        self
    }

    fn below(mut self, path: &str) -> Self {
        self.path.push_str(path);
        self
    }

    fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }
}

pub(super) fn has(operation: &Operation, name: &str) -> bool {
    operation.parameters.iter().any(|one| one["name"] == name)
}

fn takes_a_body(operation: &Operation) -> bool {
    operation.value.get("requestBody").is_some()
}

/// Whether its body is a customer's.
fn is_of_customers(operation: &Operation) -> bool {
    !operation.id.starts_with("sales_invoice_") || operation.id.contains("customer")
}

fn body(operation: &Operation, canaries: &mut Canaries) -> Option<Vec<u8>> {
    let body = if is_of_customers(operation) {
        customer(canaries)
    } else {
        format!("{{\"currencyCode\": \"{}\"}}", &canaries.word()[..8])
    };
    takes_a_body(operation).then(|| body.into_bytes())
}

/// A customer of canaries alone.
pub(super) fn customer(canaries: &mut Canaries) -> String {
    let phone = canaries.digits();
    let mut word = || canaries.word();
    format!(
        r#"{{"displayName": "{} Ünï {}", "number": "{}", "email": "{}@{}.example",
            "phoneNumber": "+49 {phone}", "website": "https://{}.example/{}",
            "taxRegistrationNumber": "{}", "taxAreaDisplayName": "{}", "@odata.context": "{}",
            "address": {{"street": "{} \"{}\"", "city": "{}", "state": "{}", "postalCode": "{}"}}}}"#,
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
        word(),
    )
}

/// All requests of the operation but those that are good.
pub(super) fn bad(operation: &Operation, ids: &Ids, canaries: &mut Canaries) -> Vec<Probe> {
    let mut probes = Vec::new();
    let mut parameters: Vec<_> = operation.parameters.iter().collect();
    // Some have good values, with which a deletion is done: those that have none come first.
    parameters.sort_by_key(|one| one["name"] != "If-Match");
    for parameter in parameters {
        probes.extend(in_parameter(operation, ids, canaries, parameter));
    }
    probes.extend(in_path(operation, ids, canaries));
    probes.extend(in_headers(operation, ids, canaries));
    if takes_a_body(operation) {
        probes.extend(in_body(operation, ids, canaries));
    }
    probes
}

fn in_parameter(
    operation: &Operation,
    ids: &Ids,
    canaries: &mut Canaries,
    parameter: &serde_json::Value,
) -> Vec<Probe> {
    let name = parameter["name"].as_str().unwrap();
    let mut values = vec![canaries.word(), format!("'{}' ö \u{1}", canaries.word())];
    let mut word = || canaries.word();
    match name {
        "$filter" => values.extend([
            format!("displayName eq '{}'", word()),
            format!(
                "startswith(displayName, '{}') or number ne '{}'",
                word(),
                word()
            ),
            format!("contains(displayName, '{}') eq {}", word(), word()),
            format!("{}(displayName)", word()),
            format!("customerName eq '{}'", word()),
        ]),
        "$search" => values.extend([
            format!("\"{} {}\"", word(), word()),
            format!("{} AND NOT {}", word(), word()),
            format!("({}", word()),
        ]),
        "$orderby" | "$select" => values.push(format!("displayName,{}", word())),
        "If-Match" | "If-None-Match" => values.push(format!("W/\"1-{}\"", word())),
        "Prefer" => values.extend([
            format!("odata.maxpagesize={}, return={}", word(), word()),
            format!("return=minimal, {}", word()),
        ]),
        _ => {}
    }
    let probe = |value: String| {
        let good = Probe::good(operation, ids, canaries);
        match parameter["in"].as_str().unwrap() {
            "path" => {
                let own = match name {
                    "companyId" => &ids.company,
                    "customerId" => &ids.customer,
                    _ => &ids.invoice,
                };
                let value: String = byte_serialize(value.as_bytes()).collect();
                Probe {
                    path: good.path.replace(own, &value),
                    ..good
                }
            }
            "query" => good.query(name, &value),
            // Headers have no such characters.
            _ => good.header(name, value.replace(['\u{1}', 'ö'], "")),
        }
    };
    values.into_iter().map(probe).collect()
}

fn in_path(operation: &Operation, ids: &Ids, canaries: &mut Canaries) -> Vec<Probe> {
    let mut good = || Probe::good(operation, ids, canaries);
    let [one, two, three, four, five, six, seven] = [(); 7].map(|()| good());
    let nowhere = one
        .path
        .replace(&ids.company, "00000000-0000-0000-0000-00000000dead");
    let nothing = two
        .path
        .replace(&ids.customer, "00000000-0000-0000-0000-00000000dead");
    let nothing = nothing.replace(&ids.invoice, "00000000-0000-0000-0000-00000000dead");
    let name = canaries.word();
    let quoted = format!("('{}')", canaries.word());
    vec![
        Probe {
            path: nowhere,
            ..one
        },
        Probe {
            path: nothing,
            ..two
        },
        three.query(&name, &canaries.word()),
        four.below(&format!("/{}", canaries.word())),
        five.below(&format!(
            "/{}",
            percent_encoded(&canaries.word().to_lowercase())
        )),
        six.below(&quoted),
        seven.below(&format!("/{}", canaries.word().repeat(600))),
    ]
}

fn in_headers(operation: &Operation, ids: &Ids, canaries: &mut Canaries) -> Vec<Probe> {
    let mut probes = Vec::new();
    for header in [
        None,
        Some(format!("Bearer {}", canaries.word())),
        Some(format!("Basic {}", canaries.word())),
        Some(format!(
            "Bearer {}.{}.{}",
            canaries.word(),
            canaries.word(),
            canaries.word()
        )),
        Some(canaries.word()),
    ] {
        let credentials = Credentials::Header(header);
        probes.push(Probe::good(operation, ids, canaries).credentials(credentials));
    }
    let mut good = || Probe::good(operation, ids, canaries);
    let [
        nobody,
        accept,
        media,
        charset,
        encoding,
        id,
        trace,
        origin,
        host,
        many,
        method,
    ] = [(); 11].map(|()| good());
    let mut word = || canaries.word();
    probes.extend([
        nobody.credentials(Credentials::Nobody),
        accept.header("Accept", format!("text/{}", word())),
        media.header("Content-Type", format!("application/{}", word())),
        charset.header(
            "Content-Type",
            format!("application/json; charset={}", word()),
        ),
        encoding.header("Content-Encoding", word()),
        id.header("client-request-id", word()),
        trace.header("traceparent", word()),
        origin.header("Origin", format!("https://{}.example", word())),
        host.header("Host", format!("{}.example", word())),
        many.header("X-Many", word().repeat(2500)),
        Probe {
            method: word(),
            ..method
        },
    ]);
    if has(operation, "If-Match") {
        let good = Probe::good(operation, ids, canaries).without("If-Match");
        probes.push(good);
    }
    if has(operation, "If-None-Match") {
        let good = Probe::good(operation, ids, canaries);
        probes.push(good.header("If-None-Match", "*"));
    }
    probes
}

fn in_body(operation: &Operation, ids: &Ids, canaries: &mut Canaries) -> Vec<Probe> {
    let (number, id) = &ids.taken;
    let mut word = || canaries.word();
    let invalid = [&b"{\"displayName\": \"\xff"[..], word().as_bytes(), b"\"}"].concat();
    let bodies: Vec<Vec<u8>> = vec![
        word().into_bytes(),
        format!("{{\"displayName\": \"{}", word()).into_bytes(),
        format!("{{\"displayName\": {}}}", word()).into_bytes(),
        format!("{{\"{}\": \"{}\"}}", word(), word()).into_bytes(),
        format!(
            "{{\"taxLiable\": \"{}\", \"status\": \"{}\"}}",
            word(),
            word()
        )
        .into_bytes(),
        format!(
            "{{\"email\": \"{}\", \"phoneNumber\": \"{}\"}}",
            word(),
            word()
        )
        .into_bytes(),
        format!(
            "{{\"displayName\": \"{}\", \"displayName\": \"{}\"}}",
            word(),
            word()
        )
        .into_bytes(),
        format!(
            "{{\"currencyCode\": \"{}\", \"id\": \"{}\"}}",
            word(),
            word()
        )
        .into_bytes(),
        format!(
            "{{\"customerId\": \"{}\", \"customerNumber\": \"{}\"}}",
            word(),
            word()
        )
        .into_bytes(),
        format!("{{\"customerNumber\": \"{}\"}}", word()).into_bytes(),
        format!("{{\"blocked\": \"{}\", \"type\": \"{}\"}}", word(), word()).into_bytes(),
        format!("{{\"{}\": 1}}", escaped(&word().to_lowercase())).into_bytes(),
        format!("[\"{}\"]", word()).into_bytes(),
        format!(
            "{{\"displayName\": \"{}\", \"number\": \"{number}\"}}",
            word()
        )
        .into_bytes(),
        format!("{{\"id\": \"{id}\", \"currencyCode\": \"EUR\"}}").into_bytes(),
        format!("{{\"displayName\": \"{}\"}}", word().repeat(100_000)).into_bytes(),
        invalid,
    ];
    let probes = bodies.into_iter();
    let mut probes: Vec<_> = probes
        .map(|body| Probe::good(operation, ids, canaries).body(body))
        .collect();
    if has(operation, "Idempotency-Key") {
        // The second is another request with the same key.
        let key = canaries.word();
        for _ in 0..2 {
            let good = Probe::good(operation, ids, canaries);
            probes.push(good.header("Idempotency-Key", &*key));
        }
    }
    probes
}
