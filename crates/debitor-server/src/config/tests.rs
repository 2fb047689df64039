//! Files and variables, and all their faults at once.

use std::path::Path;

use serde_json::Value;

use super::*;
use crate::serve::tls::fixture;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/tests/jwks.json");

fn environment_of(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Loads with a key set, and a certificate and key that are there meanwhile.
fn load(toml: &str, variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let directory = tempfile::tempdir().unwrap();
    let Files { certificate, key } = fixture::write(directory.path());
    let toml = toml
        .replace("KEYS", KEYS)
        .replace("CERT.PEM", &certificate.display().to_string())
        .replace("KEY.PEM", &key.display().to_string());
    Config::from_toml(&toml, &environment_of(variables))
}

fn check_faults(toml: &str, variables: &[(&str, &str)], expected: &[&str]) {
    let faults = load(toml, variables).unwrap_err().0;
    let told: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.place, fault.message))
        .collect();
    assert_eq!(told, expected);
}

const SMALLEST: &str = r#"
    [store]
    url = "sqlite:/var/lib/debitor"
    [[auth.issuers]]
    issuer = "https://login.example.com/"
    audience = "api://debitor"
    jwks_file = "KEYS"
"#;

const WHOLE: &str = r#"
    listen = "0.0.0.0:9000"
    public_url = "https://customers.example.com/"
    trusted_proxies = "10.0.0.0/8 ::1 2001:db8::/32 192.0.2.7"
    [tls]
    cert_file = "CERT.PEM"
    key_file = "KEY.PEM"
    [store]
    url = "sqlite:/var/lib/debitor"
    reserve_bytes = 1048576
    archive = "/mnt/archive"
    connections = 7
    wait_timeout_ms = 500
    statement_timeout_ms = 4000
    lock_timeout_ms = 1000
    silence_timeout_ms = 800
    [[auth.issuers]]
    issuer = "https://login.example.com/"
    audience = "api://debitor"
    jwks_file = "KEYS"
    [[auth.issuers]]
    issuer = "https://login.example.com/one"
    audience = "api://debitor"
    tenant = "6f1a1c3e-2b0e-4a7c-9d39-0a1f5d1f7a11"
    jwks_url = "https://login.example.com/keys"
    [[auth.issuers]]
    issuer = "https://login.microsoftonline.com/{tenantid}/v2.0"
    audience = "api://debitor"
    discovery = true
    [[auth.issuers]]
    issuer = "https://sts.windows.net/{tenantid}/"
    audience = "api://debitor"
    discovery_url = "https://login.microsoftonline.com/common/.well-known/openid-configuration"
    [log]
    filter = "warn,debitor_server=debug"
    format = "json"
    [limits]
    body_bytes = 2048
    connections = 5
    requests = 6
    connections_per_address = 4
    requests_per_second = 50
    requests_burst = 70
    writes_per_second = 20
    writes_burst = 30
    failed_authentications_per_second = 10
    failed_authentications_burst = 15
    handshake_timeout_ms = 100
    header_timeout_ms = 200
    body_timeout_ms = 300
    request_timeout_ms = 400
    write_timeout_ms = 500
    idle_timeout_ms = 600000
    announce_seconds = 15
    [docs]
    enabled = true
    [cors]
    origins = "https://app.example.com http://localhost:3000"
    [admin]
    listen = "127.0.0.1:9464"
"#;

/// The rest of the settings, which not every build takes.
const TRACES: &str = r#"
    [traces]
    endpoint = "http://127.0.0.1:4318/v1/traces"
    sampled_per_mille = 25
"#;

#[test]
fn the_smallest_file_has_defaults_for_the_rest() {
    let config = load(SMALLEST, &[]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!((config.public_url, config.tls), (None, None));
    assert_eq!(config.trusted_proxies, []);
    assert_eq!(config.limits.rates(), rates::Limits::default());
    assert_eq!(config.store.url.expose(), "sqlite:/var/lib/debitor");
    assert_eq!(config.store.reserve_bytes, 64 * 1024 * 1024);
    assert_eq!(config.store.archive, None);
    assert_eq!(
        config.limits,
        Limits {
            body_bytes: 1024 * 1024,
            connections: 10_240,
            requests: 512,
            connections_per_address: None,
            requests_per_second: None,
            requests_burst: None,
            writes_per_second: None,
            writes_burst: None,
            failed_authentications_per_second: None,
            failed_authentications_burst: None,
            handshake_timeout_ms: 5000,
            header_timeout_ms: 10_000,
            body_timeout_ms: 10_000,
            request_timeout_ms: 30_000,
            write_timeout_ms: 30_000,
            idle_timeout_ms: 75_000,
            announce_seconds: 0
        }
    );
    assert_eq!(
        (config.log, config.docs),
        (Log::default(), Docs { enabled: false })
    );
}

#[test]
fn every_setting_is_read() {
    let config = load(WHOLE, &[]).unwrap();
    assert_eq!(config.listen, "0.0.0.0:9000".parse().unwrap());
    assert_eq!(
        config.public_url.as_deref(),
        Some("https://customers.example.com")
    );
    assert!(config.tls.unwrap().key_file.ends_with("key.pem"));
    assert_eq!(config.store.reserve_bytes, 1024 * 1024);
    let Store {
        connections,
        wait_timeout_ms,
        statement_timeout_ms,
        lock_timeout_ms,
        silence_timeout_ms,
        ..
    } = config.store;
    assert_eq!(
        [
            connections,
            wait_timeout_ms,
            statement_timeout_ms,
            lock_timeout_ms,
            silence_timeout_ms
        ],
        [7, 500, 4000, 1000, 800]
    );
    assert_eq!(
        config.store.archive.as_deref(),
        Some(Path::new("/mnt/archive"))
    );
    assert_eq!(config.log.filter, "warn,debitor_server=debug");
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(
        config.limits,
        Limits {
            body_bytes: 2048,
            connections: 5,
            requests: 6,
            connections_per_address: Some(4),
            requests_per_second: Some(50),
            requests_burst: Some(70),
            writes_per_second: Some(20),
            writes_burst: Some(30),
            failed_authentications_per_second: Some(10),
            failed_authentications_burst: Some(15),
            handshake_timeout_ms: 100,
            header_timeout_ms: 200,
            body_timeout_ms: 300,
            request_timeout_ms: 400,
            write_timeout_ms: 500,
            idle_timeout_ms: 600_000,
            announce_seconds: 15
        }
    );
    assert!(config.docs.enabled);
    assert_eq!(
        config.cors.origins,
        ["https://app.example.com", "http://localhost:3000"]
    );
    assert_eq!(config.admin.listen, Some("127.0.0.1:9464".parse().unwrap()));
}

#[test]
fn an_issuers_keys_are_in_one_of_four_places() {
    let config = load(WHOLE, &[]).unwrap();
    assert_eq!(config.auth.issuers[0].audience, "api://debitor");
    let keys: Vec<_> = config.auth.issuers.iter().map(|one| &one.keys).collect();
    let url = |text: &str| text.parse().unwrap();
    let entra = "https://login.microsoftonline.com";
    let place = ".well-known/openid-configuration";
    assert_eq!(
        keys,
        [
            &Source::File(KEYS.into()),
            &Source::Url(url("https://login.example.com/keys")),
            &Source::Discovery {
                url: url(&format!("{entra}/organizations/v2.0/{place}")),
                issuer: format!("{entra}/{{tenantid}}/v2.0"),
            },
            &Source::Discovery {
                url: url(&format!("{entra}/common/{place}")),
                issuer: "https://sts.windows.net/{tenantid}/".to_owned(),
            },
        ]
    );
}

#[cfg(feature = "opentelemetry")]
#[test]
fn traces_are_sent_where_they_are_to_be() {
    let config = load(&[WHOLE, TRACES].concat(), &[]).unwrap();
    let endpoint = config.traces.endpoint.unwrap();
    assert_eq!(endpoint.as_str(), "http://127.0.0.1:4318/v1/traces");
    assert_eq!(config.traces.sampled_per_mille, 25);
    let variable = ("DEBITOR_TRACES_ENDPOINT", "https://traces.example.com/in");
    let config = load(SMALLEST, &[variable]).unwrap();
    let endpoint = config.traces.endpoint.unwrap();
    assert_eq!(endpoint.as_str(), "https://traces.example.com/in");
    assert_eq!(config.traces.sampled_per_mille, 1000);
    let faults = [
        "traces.endpoint: must be an http or https URL without user, query and fragment, as in \
         http://127.0.0.1:4318/v1/traces",
        "traces.sampled_per_mille (DEBITOR_TRACES_SAMPLED_PER_MILLE): must be a whole number from \
         0 to 1000",
    ];
    for bad in [
        "host:4318",
        "http://me:secret@host/",
        "http://host/?key=secret",
    ] {
        check_faults(
            &format!("{SMALLEST}[traces]\nendpoint = \"{bad}\""),
            &[("DEBITOR_TRACES_SAMPLED_PER_MILLE", "1001")],
            &faults,
        );
    }
    check_faults(
        &[SMALLEST, "[traces]\nsampled_per_mille = 1"].concat(),
        &[],
        &["traces.sampled_per_mille: is of no use without endpoint"],
    );
}

#[cfg(not(feature = "opentelemetry"))]
#[test]
fn a_build_without_traces_refuses_to_go_without_them() {
    check_faults(
        &[WHOLE, TRACES].concat(),
        &[],
        &["traces.endpoint: needs a server that is built with `--features opentelemetry`"],
    );
}

/// The reader and the schema are two descriptions: they must know the same keys.
#[test]
fn the_schema_has_exactly_the_settings_that_are_read() {
    fn keys(schema: &Value, root: &Value) -> Vec<String> {
        // What need not be there is `anyOf` itself and null.
        let own = schema.get("anyOf").map_or(schema, |any| &any[0]);
        let schema = match own["$ref"].as_str() {
            Some(name) => root.pointer(&name[1..]).unwrap(),
            None => own,
        };
        let choices = schema["oneOf"].as_array().into_iter().flatten();
        let of_choices = choices.filter_map(|choice| choice["properties"].as_object());
        let properties = schema["properties"].as_object().into_iter();
        let properties = properties.chain(of_choices).flatten();
        let mut found: Vec<String> = properties
            .flat_map(|(name, property)| {
                let below = keys(property, root);
                if below.is_empty() {
                    vec![name.clone()]
                } else {
                    prefixed(name, &below)
                }
            })
            .collect();
        found.extend(
            schema
                .get("items")
                .into_iter()
                .flat_map(|items| keys(items, root)),
        );
        found
    }
    fn prefixed(name: &str, below: &[String]) -> Vec<String> {
        below.iter().map(|key| format!("{name}.{key}")).collect()
    }
    fn used(table: &toml::Table) -> Vec<String> {
        let keys = table.iter().flat_map(|(name, value)| match value {
            toml::Value::Table(table) => prefixed(name, &used(table)),
            toml::Value::Array(tables) => tables
                .iter()
                .flat_map(|table| prefixed(name, &used(table.as_table().unwrap())))
                .collect(),
            _ => vec![name.clone()],
        });
        keys.collect()
    }
    let schema: Value = serde_json::from_str(&schema_json().unwrap()).unwrap();
    let mut described = keys(&schema, &schema);
    let mut read = used(&[WHOLE, TRACES].concat().parse().unwrap());
    described.sort();
    read.sort();
    read.dedup();
    assert_eq!(described, read);
}

#[test]
fn variables_win_over_the_file() {
    let config = load(
        WHOLE,
        &[
            ("DEBITOR_LISTEN", "127.0.0.1:1"),
            ("DEBITOR_PUBLIC_URL", "http://localhost:1"),
            ("DEBITOR_STORE_URL", "sqlite:elsewhere"),
            ("DEBITOR_AUTH_ISSUERS_0_AUDIENCE", "api://other"),
            ("DEBITOR_LOG_FORMAT", "text"),
            ("DEBITOR_LOG_FILTER", ""),
            ("DEBITOR_LIMITS_BODY_BYTES", "4096"),
            ("DEBITOR_DOCS_ENABLED", "false"),
            ("DEBITOR_LISTNE", "0.0.0.0:1"),
        ],
    )
    .unwrap();
    assert_eq!(config.listen, "127.0.0.1:1".parse().unwrap());
    assert_eq!(config.public_url.as_deref(), Some("http://localhost:1"));
    assert_eq!(config.store.url.expose(), "sqlite:elsewhere");
    assert_eq!(config.auth.issuers[0].audience, "api://other");
    assert_eq!(
        config.log.filter, "warn,debitor_server=debug",
        "an empty variable is none"
    );
    assert_eq!(config.limits.body_bytes, 4096);
    assert!(!config.docs.enabled);
    assert_eq!(config.ignored_variables, ["DEBITOR_LISTNE"]);
}

#[test]
fn variables_alone_are_enough() {
    let config = load(
        "",
        &[
            ("DEBITOR_STORE_URL", "sqlite:data"),
            ("DEBITOR_AUTH_ISSUERS_0_ISSUER", "https://one.example.com/"),
            ("DEBITOR_AUTH_ISSUERS_0_AUDIENCE", "api://debitor"),
            ("DEBITOR_AUTH_ISSUERS_0_JWKS_FILE", KEYS),
            ("DEBITOR_AUTH_ISSUERS_1_ISSUER", "https://two.example.com/"),
            ("DEBITOR_AUTH_ISSUERS_1_AUDIENCE", "api://debitor"),
            ("DEBITOR_AUTH_ISSUERS_1_JWKS_FILE", KEYS),
        ],
    )
    .unwrap();
    assert_eq!(config.auth.issuers.len(), 2);
    assert_eq!(config.auth.issuers[1].issuer, "https://two.example.com/");
}

#[test]
fn all_faults_are_told_at_once() {
    check_faults(
        r#"
        listen = 8080
        public_url = "ftp://customers.example.com"
        colour = "blue"
        [store]
        url = "mysql://root:hunter2@host/db"
        [[auth.issuers]]
        issuer = "http://login.example.com/"
        audience = " "
        jwks_file = "/nowhere/jwks.json"
        [[auth.issuers]]
        issuer = "https://login.example.com/"
        jwks_uri = "https://login.example.com/keys"
        [[auth.issuers]]
        issuer = "http://127.0.0.1:1/"
        audience = "api://debitor"
        tenant = "nobody"
        jwks_url = "http://login.example.com/keys"
        discovery = false
        [log]
        filter = "debitor_server=loud"
        format = "xml"
        [limits]
        body_bytes = 1
        [docs]
        enabled = 1
        "#,
        &[("DEBITOR_LIMITS_CONNECTIONS", "many")],
        &[
            "listen: must be a text",
            "public_url: must be an http or https URL without user, query and fragment",
            "store.url: must be sqlite:DIR or postgres://USER@HOST/DATABASE",
            "auth.issuers[0].issuer: must be an https URL, or an http URL of this machine",
            "auth.issuers[0].audience: must not be empty",
            "auth.issuers[0].jwks_file: cannot be read: No such file or directory (os error 2)",
            "auth.issuers[1].audience: is required",
            "auth.issuers[1].jwks_file: one of jwks_file, jwks_url, discovery and discovery_url is \
             required, and no more",
            "auth.issuers[1].jwks_uri: is not a setting; the settings here are: issuer, audience, \
             tenant, jwks_file, jwks_url, discovery, discovery_url",
            "auth.issuers[2].tenant: must be a GUID",
            "auth.issuers[2].jwks_file: one of jwks_file, jwks_url, discovery and discovery_url is \
             required, and no more",
            "auth.issuers[2].jwks_url: must be an https URL, or an http URL of this machine",
            "auth.issuers[2].discovery: must be true, or left out",
            "log.filter: must be levels by module, as in `info,debitor_server=debug`",
            "log.format: must be text or json",
            "limits.body_bytes: must be a whole number from 1024 to 67108864",
            "limits.connections (DEBITOR_LIMITS_CONNECTIONS): must be a whole number from 1 to \
             1000000",
            "docs.enabled: must be true or false",
            "colour: is not a setting; the settings here are: listen, public_url, trusted_proxies, \
             tls, store, auth, log, limits, docs, cors, admin, traces",
        ],
    );
}

#[test]
fn what_is_missing_is_told_too() {
    check_faults(
        "",
        &[],
        &[
            "store.url: is required",
            "auth.issuers: at least one is required",
        ],
    );
    check_faults(
        "store = 1\nauth = []\ndocs.enabled = \"yes\"",
        &[],
        &[
            "store: must be a table",
            "store.url: is required",
            "auth: must be a table",
            "auth.issuers: at least one is required",
            "docs.enabled: must be true or false",
        ],
    );
}

#[test]
fn an_issuer_is_trusted_once() {
    let twice = format!("{SMALLEST}{}", &SMALLEST[SMALLEST.find("[[").unwrap()..]);
    check_faults(
        &twice,
        &[],
        &["auth.issuers[1].issuer: is the issuer of an earlier entry"],
    );
}

#[test]
fn broken_toml_is_told_by_its_line_without_its_text() {
    let faults = load("listen = \"127.0.0.1:1\"\nurl = hunter2\n", &[]).unwrap_err();
    assert_eq!(faults.0[0].place, "line 2");
    assert!(!faults.to_string().contains("hunter2"), "{faults}");
}

#[test]
fn a_missing_file_is_named() {
    let faults = Config::load(Path::new("/nowhere/debitor.toml"), &Environment::new()).unwrap_err();
    assert!(
        faults
            .to_string()
            .contains("/nowhere/debitor.toml: cannot be read"),
        "{faults}"
    );
}

#[test]
fn secrets_are_never_shown() {
    for url in [
        "postgres://user:hunter2@host/db",
        "postgresql://user:p@hunter2@host/db",
        "postgres://user@host/db?password=hunter2",
        "postgres://user@host/db?password=hunter2@",
        "postgres://user:hunter2/@host/db",
        "postgres://user:hunter2?@host/db",
    ] {
        let found = load(SMALLEST, &[("DEBITOR_STORE_URL", url)]).unwrap();
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        let environment = environment_of(&[("DEBITOR_AUTH", url)]);
        let config = Config::development(Path::new("data"), &environment).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let shown = StoreUrl::unchecked(url);
        assert!(!format!("{shown}{shown:?}").contains("hunter2"), "{shown}");
    }
}

#[test]
fn only_an_embedded_store_has_an_archive() {
    let toml = SMALLEST.replace("sqlite:/var/lib/debitor", "postgres://debitor@db/debitor");
    assert!(load(&toml, &[]).is_ok());
    check_faults(
        &toml,
        &[("DEBITOR_STORE_ARCHIVE", "/mnt/archive")],
        &[
            "store.archive (DEBITOR_STORE_ARCHIVE): is for sqlite:DIR; PostgreSQL has archives of its own",
        ],
    );
}

#[test]
fn a_certificate_needs_its_key() {
    let with = |tls: &str| format!("[tls]\n{tls}\n{SMALLEST}");
    check_faults(
        &with("cert_file = \"CERT.PEM\""),
        &[],
        &["tls.key_file: is required"],
    );
    check_faults(
        &with("cert_file = \"KEY.PEM\"\nkey_file = \"CERT.PEM\"\nca_file = \"ca.pem\""),
        &[],
        &[
            "tls.cert_file: must be certificates as PEM",
            "tls.key_file: must be a private key as PEM",
            "tls.ca_file: is not a setting; the settings here are: cert_file, key_file",
        ],
    );
    check_faults(
        SMALLEST,
        &[("DEBITOR_TLS_KEY_FILE", "/nowhere/key.pem")],
        &[
            "tls.cert_file: is required",
            "tls.key_file (DEBITOR_TLS_KEY_FILE): cannot be read: No such file or directory (os \
             error 2)",
        ],
    );
    let directory = tempfile::tempdir().unwrap();
    let other = fixture::write(directory.path()).key;
    check_faults(
        &with("cert_file = \"CERT.PEM\"\nkey_file = \"KEY.PEM\""),
        &[("DEBITOR_TLS_KEY_FILE", other.to_str().unwrap())],
        &["tls.key_file (DEBITOR_TLS_KEY_FILE): must be the key of the certificate"],
    );
}

#[test]
fn issuers_and_public_urls_are_plain() {
    for url in [
        "https:host",
        "https://user:pass@host/",
        "https://host/?a",
        "https://host/#a",
        "host",
    ] {
        let toml = format!("public_url = \"{url}x\"\n{SMALLEST}");
        let faults = load(&toml, &[("DEBITOR_AUTH_ISSUERS_0_ISSUER", url)])
            .unwrap_err()
            .0;
        let place = "auth.issuers[0].issuer (DEBITOR_AUTH_ISSUERS_0_ISSUER)";
        assert!(faults.iter().any(|fault| fault.place == place), "{url}");
    }
}

#[test]
fn proxies_are_addresses_and_networks() {
    let config = load(WHOLE, &[]).unwrap();
    let told: Vec<_> = config
        .trusted_proxies
        .iter()
        .map(IpNet::to_string)
        .collect();
    assert_eq!(
        told,
        ["10.0.0.0/8", "::1/128", "2001:db8::/32", "192.0.2.7/32"]
    );
    for proxies in [
        "proxy.example.com",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0.0/8,::1",
        "10.0.0",
        "::1/129",
        "*",
        "127.0.0.1:80",
    ] {
        let faults = load(SMALLEST, &[("DEBITOR_TRUSTED_PROXIES", proxies)]).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{proxies}");
    }
}

#[test]
fn a_burst_is_twice_a_seconds_unless_it_is_said() {
    let rate = |per_second, burst| Some(Rate { per_second, burst });
    let limits = load(WHOLE, &[]).unwrap().limits.rates();
    assert_eq!(
        (limits.requests, limits.writes),
        (rate(50, 70), rate(20, 30))
    );
    assert_eq!(limits.failures, rate(10, 15));
    let toml = format!("{SMALLEST}[limits]\nwrites_per_second = 7\n");
    let limits = load(&toml, &[]).unwrap().limits.rates();
    assert_eq!((limits.requests, limits.writes), (None, rate(7, 14)));
    check_faults(
        &format!("{SMALLEST}[limits]\nwrites_burst = 7\nrequests_per_second = 0\n"),
        &[],
        &[
            "limits.requests_per_second: must be a whole number from 1 to 1000000",
            "limits.writes_burst: is of no use without writes_per_second",
        ],
    );
}

#[test]
fn origins_are_as_browsers_send_them() {
    for origin in [
        "*",
        "null",
        "app.example.com",
        "https://app.example.com/",
        "https://APP.example.com",
        "https://app.example.com:443",
        "https://*.example.com",
        "ftp://app.example.com",
        "https://a.example,https://b.example",
    ] {
        let faults = load(SMALLEST, &[("DEBITOR_CORS_ORIGINS", origin)]).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{origin}");
    }
    assert!(load(SMALLEST, &[]).unwrap().cors.origins.is_empty());
}

#[test]
fn a_development_server_needs_no_settings() {
    let config = Config::development(Path::new("some/where"), &Environment::new()).unwrap();
    assert_eq!(config.store.url.expose(), "sqlite:some/where");
    assert!(config.docs.enabled && config.auth.issuers.is_empty());
}

#[test]
fn the_committed_schema_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == schema_json().unwrap(),
        "crates/debitor-server/config.schema.json is stale; write it with\n  \
         cargo run -p debitor-server -- config-schema > crates/debitor-server/config.schema.json"
    );
}
