//! The customer that is created: an address and 15 other properties, with a name and an e-mail of random letters.

/// The body of a create; `{name}` and `{email}` differ in every request, never in length.
pub(crate) const CREATE: &str = concat!(
    r#"{"@odata.type":"#,
    r##""#microsoft.graph.customer","##,
    r#""displayName":"{name}","type":"Company","#,
    r#""address":{"street":"Am Speicher 7","city":"Hamburg","state":"HH","#,
    r#""countryLetterCode":"DE","postalCode":"20457"},"#,
    r#""phoneNumber":"+49 40 5550 1234","email":"{email}","#,
    r#""website":"https://nordhafen.example","taxLiable":true,"#,
    r#""taxAreaId":"a3f1c2d4-5b6e-4f70-8192-a3b4c5d6e7f8","#,
    r#""taxRegistrationNumber":"DE123456789","#,
    r#""currencyId":"b3f1c2d4-5b6e-4f70-8192-a3b4c5d6e7f8","currencyCode":"EUR","#,
    r#""paymentTermsId":"c3f1c2d4-5b6e-4f70-8192-a3b4c5d6e7f8","#,
    r#""shipmentMethodId":"d3f1c2d4-5b6e-4f70-8192-a3b4c5d6e7f8","#,
    r#""paymentMethodId":"e3f1c2d4-5b6e-4f70-8192-a3b4c5d6e7f8","#,
    r#""blocked":"_x0020_"}"#,
);

/// The body of an update: a new name.
pub(crate) const UPDATE: &str = r#"{"displayName":"{name}","phoneNumber":"+49 40 5550 5678"}"#;

/// Letters in a word; a name is three words.
pub(crate) const WORD: usize = 6;
