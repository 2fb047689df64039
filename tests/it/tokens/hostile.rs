//! The corpus: each kind of attack is a group.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::issuer::{AUDIENCE, Issuer, READ_WRITE, SHARED, TENANT, encoded, merged, sign};

/// What must become of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// 401, without an error code (RFC 6750, section 3.1).
    NoCredentials,
    /// 401 `invalid_request`.
    Malformed,
    /// 401 `invalid_token`.
    Invalid,
    /// 403 `insufficient_scope`.
    NotAllowed,
}

/// Credentials that must be refused.
pub(super) struct Attempt {
    pub(super) group: &'static str,
    pub(super) name: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) query: String,
    pub(super) outcome: Outcome,
}

impl Attempt {
    /// The part of its credentials that no log may have.
    pub(super) fn secret(&self) -> Option<&str> {
        let (_, value) = self.headers.first()?;
        let secret = value.rsplit([' ', '.']).next()?;
        (secret.len() > 20).then_some(secret)
    }
}

/// All of them.
pub(super) fn attempts(issuer: &Issuer) -> Vec<Attempt> {
    let mut attempts = Attempts {
        issuer,
        group: "",
        all: Vec::new(),
    };
    attempts.unsigned();
    attempts.other_algorithms();
    attempts.shared_secrets();
    attempts.key_ids();
    attempts.keys_of_their_own();
    attempts.headers();
    attempts.times();
    attempts.issuers();
    attempts.audiences();
    attempts.tenants();
    attempts.types_of_claims();
    attempts.claims_said_twice();
    attempts.changed();
    attempts.permissions();
    attempts.credentials();
    attempts.all
}

struct Attempts<'a> {
    issuer: &'a Issuer,
    group: &'static str,
    all: Vec<Attempt>,
}

impl Attempts<'_> {
    fn add(
        &mut self,
        name: impl ToString,
        headers: &[(&'static str, &str)],
        query: &str,
        outcome: Outcome,
    ) {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.all.push(Attempt {
            group: self.group,
            name: format!("{}: {}", self.group, name.to_string()),
            headers: headers.collect(),
            query: query.to_owned(),
            outcome,
        });
    }

    fn token(&mut self, name: impl ToString, token: &str, outcome: Outcome) {
        let value = format!("Bearer {token}");
        self.add(name, &[("authorization", &value)], "", outcome);
    }

    fn invalid(&mut self, name: impl ToString, token: &str) {
        self.token(name, token, Outcome::Invalid);
    }

    /// A signed token with these claims.
    fn claims(&mut self, claims: Value) {
        let token = self.issuer.token("ec", json!({}), claims.clone());
        self.invalid(&claims, &token);
    }

    fn header(&mut self, key: &str, header: Value) {
        let token = self.issuer.token(key, header.clone(), json!({}));
        self.invalid(&header, &token);
    }

    fn unsigned(&mut self) {
        self.group = "no signature";
        let claims = self.issuer.claims().to_string();
        let valid = self.issuer.token("ec", json!({}), json!({}));
        let signature = valid.rsplit('.').next().unwrap_or_default();
        for alg in [
            json!("none"),
            json!("None"),
            json!("NONE"),
            json!("nOnE"),
            json!(""),
            json!(0),
            Value::Null,
        ] {
            let header = merged(self.issuer.header("ec"), json!({ "alg": alg })).to_string();
            let message = format!("{}.{}", encoded(header), encoded(&claims));
            for end in [".", "", ".AA", &format!(".{signature}")] {
                self.invalid(format!("{alg} {end:.4}"), &format!("{message}{end}"));
            }
        }
    }

    fn other_algorithms(&mut self) {
        use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
        self.group = "another algorithm than the key's";
        for (key, algorithms) in [
            ("rsa", vec![RS384, RS512, PS256, PS384, PS512]),
            ("pss", vec![RS256, RS384, RS512, PS384, PS512]),
            ("encryption", vec![RS256, PS256]),
            ("sha512", vec![RS256, RS512]),
        ] {
            for algorithm in algorithms {
                let token = self.issuer.token_by(key, algorithm);
                self.invalid(format!("{key} {algorithm:?}"), &token);
            }
        }
        for (key, alg) in [
            ("ec", "ES384"),
            ("ec", "EdDSA"),
            ("ec", "RS256"),
            ("ed", "ES256"),
            ("rsa", "PS256"),
            ("ec", "es256"),
        ] {
            self.header(key, json!({ "alg": alg }));
        }
        // CVE-2022-21449: zero is no signature, nor is the group's order.
        let valid = self.issuer.token("ec", json!({}), json!({}));
        let message = valid.rsplit_once('.').map_or("", |(message, _)| message);
        for byte in [0, 0xff] {
            let token = format!("{message}.{}", encoded([byte; 64]));
            self.invalid(format!("signature of {byte}"), &token);
        }
    }

    fn shared_secrets(&mut self) {
        self.group = "a public key as a shared secret";
        for key in ["ec", "rsa", "ed"] {
            let jwk = self.issuer.jwk(key);
            let number = jwk["n"]
                .as_str()
                .or(jwk["x"].as_str())
                .unwrap_or_default()
                .to_owned();
            for secret in [jwk.to_string(), number, String::new()] {
                for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                    let header = merged(self.issuer.header(key), json!({ "alg": algorithm }));
                    let secret = EncodingKey::from_secret(secret.as_bytes());
                    let token = sign(
                        &secret,
                        algorithm,
                        &header.to_string(),
                        &self.issuer.claims().to_string(),
                    );
                    self.invalid(format!("{key} {algorithm:?}"), &token);
                }
            }
        }
        let header = json!({ "alg": "HS256", "kid": "shared" }).to_string();
        let secret = EncodingKey::from_secret(SHARED.as_bytes());
        let token = sign(
            &secret,
            Algorithm::HS256,
            &header,
            &self.issuer.claims().to_string(),
        );
        self.invalid("a secret in the key set", &token);
    }

    fn key_ids(&mut self) {
        self.group = "key ids";
        for id in [
            json!("../../../../dev/null"),
            json!("/etc/passwd"),
            json!("file:///etc/passwd"),
            json!("ec' OR '1'='1"),
            json!("ec\u{0}"),
            json!("ec\r\nX: y"),
            json!("EC"),
            json!(" ec"),
            json!("rsa"),
            json!("tenants"),
            json!(""),
            json!("é"),
            json!("x".repeat(257)),
            json!("x".repeat(5000)),
            json!(1),
            json!(["ec"]),
            json!({ "kid": "ec" }),
            json!(true),
            // Without one only the key of a set of one would do.
            Value::Null,
        ] {
            self.header("ec", json!({ "kid": id }));
        }
    }

    fn keys_of_their_own(&mut self) {
        self.group = "a key that the token brings";
        let jwk = self.issuer.jwk("mine");
        let address = format!("{}/mine", self.issuer.origin);
        for header in [
            json!({ "jwk": jwk }),
            json!({ "jwk": jwk, "kid": "ec" }),
            json!({ "jwk": jwk, "kid": null }),
            json!({ "jku": address }),
            json!({ "jku": address, "kid": "ec" }),
            json!({ "jku": address, "kid": null }),
            json!({ "x5u": address, "kid": "ec" }),
            json!({ "x5u": address }),
            json!({ "x5c": ["MIIB"], "kid": "ec" }),
            json!({ "x5t": "AAAA", "x5t#S256": "AAAA", "kid": "ec" }),
            json!({ "kid": address }),
        ] {
            self.header("mine", header);
        }
        let iss = json!({ "iss": format!("{}/mine", self.issuer.origin) });
        let token = self.issuer.token("mine", json!({ "jku": address }), iss);
        self.invalid("an issuer of its own", &token);
    }

    fn headers(&mut self) {
        self.group = "headers that mean something else";
        for header in [
            json!({ "typ": "id+jwt" }),
            json!({ "typ": "JWE" }),
            json!({ "typ": "logout+jwt" }),
            json!({ "typ": "dpop+jwt" }),
            json!({ "typ": 1 }),
            json!({ "typ": "" }),
            json!({ "crit": ["exp"] }),
            json!({ "crit": [] }),
            json!({ "crit": "exp" }),
            json!({ "enc": "A256GCM" }),
            json!({ "zip": "DEF" }),
            json!({ "cty": "JWT" }),
            json!({ "b64": false }),
        ] {
            self.header("ec", header);
        }
    }

    fn times(&mut self) {
        self.group = "times";
        let now = self.issuer.now;
        let wrong = [
            json!((now + 600).to_string()),
            json!(1_800_000_000.5),
            json!(1e20),
            json!(u64::MAX),
            json!([now + 600]),
            json!({ "at": now + 600 }),
            json!(true),
            json!(""),
        ];
        for name in ["exp", "nbf", "iat"] {
            for value in &wrong {
                self.claims(json!({ name: value }));
            }
        }
        let mut claims = self.issuer.claims();
        for name in ["exp", "nbf", "iat"] {
            let was = std::mem::take(&mut claims[name]);
            let token = self.issuer.sign_text(
                "ec",
                &self.issuer.header("ec").to_string(),
                &claims.to_string(),
            );
            self.invalid(format!("{name} null"), &token);
            claims[name] = was;
        }
        for claims in [
            json!({ "exp": null }),
            json!({ "exp": now - 61 }),
            json!({ "exp": 0 }),
            json!({ "exp": -1 }),
            json!({ "exp": i64::MIN }),
            json!({ "nbf": now + 600 }),
            json!({ "iat": now + 600 }),
            json!({ "nbf": i64::MAX, "exp": i64::MAX }),
        ] {
            self.claims(claims);
        }
    }

    fn issuers(&mut self) {
        self.group = "issuers";
        let origin = self.issuer.origin.clone();
        for iss in [
            json!(format!("{origin}/")),
            json!(origin.to_uppercase()),
            json!(format!(" {origin}")),
            json!(format!("{origin}\u{0}")),
            json!(format!("{origin}.example")),
            json!(origin.trim_start_matches("http://")),
            json!(origin.replace("http", "https")),
            json!("https://login.example.com/"),
            json!([origin]),
            json!({ "iss": origin }),
            json!(1),
            json!(""),
            Value::Null,
        ] {
            self.claims(json!({ "iss": iss }));
        }
    }

    fn audiences(&mut self) {
        self.group = "audiences";
        for aud in [
            json!(""),
            json!("api://debitor/"),
            json!("API://DEBITOR"),
            json!("api://debitor "),
            json!("api://other"),
            json!("api://debitor api://other"),
            json!(["api://other"]),
            json!([[AUDIENCE]]),
            json!([]),
            json!({ "0": AUDIENCE }),
            json!(1),
            json!(true),
            Value::Null,
        ] {
            self.claims(json!({ "aud": aud }));
        }
    }

    fn tenants(&mut self) {
        self.group = "tenants";
        let tenant = TENANT.to_string();
        for tid in [
            json!(TENANT.simple().to_string()),
            json!(format!("{{{tenant}}}")),
            json!("00000000-0000-0000-0000-000000000000"),
            json!("{tenantid}"),
            json!(""),
            json!([tenant]),
            json!(1),
            Value::Null,
        ] {
            self.claims(json!({ "tid": tid }));
        }
        let other = "11111111-2222-4333-8444-555555555555";
        for (key, named, tid) in [
            ("tenants", other, json!(tenant)),
            ("tenants", &*tenant, json!(other)),
            ("tenants", "{tenantid}", json!("{tenantid}")),
            ("tenants", "{tenantid}", json!(tenant)),
            ("tenants", "", json!("")),
            ("tenants", "common", json!("common")),
            ("tenants", "x/../y", json!("x/../y")),
            ("tenants", &*tenant, Value::Null),
            // A key of the same set, which is of another issuer.
            ("other-tenants", &*tenant, json!(tenant)),
            // A key of the other issuer that is trusted.
            ("ec", &*tenant, json!(tenant)),
        ] {
            let claims = json!({ "iss": self.issuer.of_tenant(named), "tid": tid });
            let token = self.issuer.token(key, json!({}), claims);
            self.invalid(format!("{key} {named} {tid}"), &token);
        }
        let token = self.issuer.token("tenants", json!({}), json!({}));
        self.invalid("a tenant's key for the other issuer", &token);
    }

    fn types_of_claims(&mut self) {
        self.group = "claims of other types";
        for claims in [
            json!({ "oid": 1 }),
            json!({ "oid": ["a-person"] }),
            json!({ "oid": null }),
            json!({ "oid": "", "sub": "" }),
            json!({ "sub": {} }),
            json!({ "azp": 1 }),
            json!({ "appid": [] }),
            json!({ "scp": [READ_WRITE] }),
            json!({ "scp": { "0": READ_WRITE } }),
            json!({ "scope": [READ_WRITE] }),
            json!({ "roles": READ_WRITE }),
            json!({ "roles": [READ_WRITE, 1] }),
            json!({ "roles": { "0": READ_WRITE } }),
        ] {
            self.claims(claims);
        }
    }

    fn claims_said_twice(&mut self) {
        self.group = "claims said twice";
        let header = self.issuer.header("ec").to_string();
        let claims = self.issuer.claims();
        for name in ["iss", "aud", "exp"] {
            let text = format!("{{\"{name}\":{},{}", claims[name], &claims.to_string()[1..]);
            let token = self.issuer.sign_text("ec", &header, &text);
            self.invalid(name, &token);
        }
    }

    fn changed(&mut self) {
        self.group = "tokens that were changed";
        let token = self.issuer.token("ec", json!({}), json!({}));
        let mut parts = token.split('.').map(str::to_owned);
        let [header, claims, signature] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        let more = encoded(merged(self.issuer.claims(), json!({ "roles": ["Admin"] })).to_string());
        let backwards: String = signature.chars().rev().collect();
        for changed in [
            format!("{header}.{more}.{signature}"),
            format!("{header}.{claims}.{backwards}"),
            format!("{header}.{claims}"),
            format!("{header}..{signature}"),
            format!(".{claims}.{signature}"),
            format!("{claims}.{header}.{signature}"),
            format!("{header}.{claims}.{signature}."),
            format!("{header}.{claims}.{signature}.{signature}"),
            format!("{header}.{claims}.{signature}=="),
            format!("{header}.{claims}.{}", &signature[..signature.len() - 4]),
            format!("a.{header}.{claims}.{signature}"),
            format!("{header}%2E{claims}%2E{signature}"),
            "..".to_owned(),
            "a.b.c".to_owned(),
            "token".to_owned(),
            "x".repeat(8 * 1024 + 1),
            format!("{token}{}", "A".repeat(20_000)),
        ] {
            self.invalid(format!("{changed:.20}"), &changed);
        }
        for claims in ["[]", "null", "\"text\"", "", "{", "\u{0}", "{\"iss\":"] {
            let token = self.issuer.sign_text("ec", &header, claims);
            self.invalid(claims, &token);
        }
        let nested = self
            .issuer
            .sign_text("ec", &self.issuer.header("ec").to_string(), &token);
        self.invalid("a token in a token", &nested);
    }

    fn permissions(&mut self) {
        self.group = "permissions that look like the right one";
        for claims in [
            json!({ "scp": "" }),
            json!({ "scp": null }),
            json!({ "scp": "Financials.Read.All" }),
            json!({ "scp": "financials.readwrite.all" }),
            json!({ "scp": "Financials.ReadWrite" }),
            json!({ "scp": "Financials.ReadWrite.All.Not" }),
            json!({ "scp": "Not.Financials.ReadWrite.All" }),
            json!({ "scp": "Financials.ReadWrite.All,Other" }),
            json!({ "scp": "\u{a0}Financials.ReadWrite.All" }),
            json!({ "scp": "Financials.ReadWrite.All\t" }),
            json!({ "scp": "*" }),
            json!({ "scp": null, "roles": ["Financials.Read.All"] }),
            json!({ "scp": null, "roles": ["FINANCIALS.READWRITE.ALL"] }),
            json!({ "scp": null, "roles": [] }),
            json!({ "scp": null, "groups": [READ_WRITE], "wids": [READ_WRITE] }),
            json!({ "scp": null, "permissions": READ_WRITE }),
        ] {
            let token = self.issuer.token("ec", json!({}), claims.clone());
            self.token(&claims, &token, Outcome::NotAllowed);
        }
    }

    fn credentials(&mut self) {
        use Outcome::{Malformed, NoCredentials};
        self.group = "credentials elsewhere or more than once";
        let token = self.issuer.token("ec", json!({}), json!({}));
        let bearer = format!("Bearer {token}");
        let query = format!("?access_token={token}");
        let cookie = format!("access_token={token}");
        self.add("none", &[], "", NoCredentials);
        self.add("in the query", &[], &query, NoCredentials);
        self.add("in a cookie", &[("cookie", &cookie)], "", NoCredentials);
        self.add(
            "for a proxy",
            &[("proxy-authorization", &bearer)],
            "",
            NoCredentials,
        );
        self.add(
            "in a header of another name",
            &[("x-authorization", &bearer)],
            "",
            NoCredentials,
        );
        let user = format!("Basic {}", encoded("user:password"));
        for value in [
            &*user,
            &format!("BearerX {token}"),
            &token,
            &format!("Token {token}"),
            "",
        ] {
            self.add(
                format!("{value:.10}"),
                &[("authorization", value)],
                "",
                NoCredentials,
            );
        }
        for value in [
            "Bearer",
            "Bearer ",
            &format!("{bearer} {token}"),
            &format!("{bearer}, {user}"),
            &format!("{bearer},"),
        ] {
            self.add(
                format!("{value:.10}"),
                &[("authorization", value)],
                "",
                Malformed,
            );
        }
        let twice = [("authorization", &*bearer), ("authorization", &bearer)];
        self.add("twice", &twice, "", Malformed);
        let both = [("authorization", &*bearer), ("authorization", &user)];
        self.add("beside others", &both, "", Malformed);
    }
}
