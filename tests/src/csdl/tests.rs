//! Each rule, by one change to a document without faults, and where paths lead in it.

use super::Csdl;

const SAMPLE: &str = include_str!("sample.xml");

/// What is replaced by what, and a part of the fault that it makes.
const CHANGES: [(&str, &str, &str); 45] = [
    // shape
    ("Version=\"4.0\"", "Version=\"3.0\"", "the version is `3.0`"),
    (
        "docs.oasis-open.org/odata/ns/edmx",
        "elsewhere.example",
        "the root is",
    ),
    (
        "docs.oasis-open.org/odata/ns/edm\"",
        "elsewhere.example\"",
        "not of its namespace",
    ),
    (
        "<EntityContainer Name=\"Service\">",
        "<EntityContainer Name=\"S\"/><EntityContainer Name=\"Service\">",
        "there are 2 of `EntityContainer`",
    ),
    ("Name=\"town\" ", "", "has no `Name`"),
    ("MaxLength=\"100\"", "MaxLenght=\"100\"", "has `MaxLenght`"),
    (
        "<Property Name=\"town\" Type=\"Edm.String\"/>",
        "<Key/>",
        "holds a `Key`",
    ),
    (
        "<PropertyPath>title</PropertyPath>",
        "<Nonsense/>",
        "holds a `Nonsense`",
    ),
    // names
    ("Name=\"town\"", "Name=\"a-b\"", "no simple identifier"),
    ("Name=\"town\"", "Name=\"1st\"", "no simple identifier"),
    (
        "Namespace=\"acme.books\"",
        "Namespace=\"acme..books\"",
        "cannot be a namespace",
    ),
    (
        "Namespace=\"acme.books\"",
        "Namespace=\"Edm\"",
        "cannot be a namespace",
    ),
    (
        "Name=\"title\"",
        "Name=\"bought\"",
        "Property book/bought is there twice",
    ),
    (
        "ComplexType Name=\"place\"",
        "ComplexType Name=\"shelf\"",
        "ComplexType shelf is there twice",
    ),
    (
        "Singleton Name=\"archive\"",
        "Singleton Name=\"books\"",
        "Service/books is there twice",
    ),
    // types
    (
        "Type=\"Edm.Guid\"/>",
        "Type=\"Edm.Uuid\"/>",
        "has no type `Edm.Uuid`",
    ),
    (
        "acme.books.place",
        "acme.books.town",
        "has no type `acme.books.town`",
    ),
    ("acme.books.place", "acme.place", "has no type `acme.place`"),
    (
        "Type=\"acme.books.book\">",
        "Type=\"acme.books.place\">",
        "shelf/best has no type",
    ),
    (
        "EntityType=\"acme.books.book\"",
        "EntityType=\"acme.books.none\"",
        "Service/books has no type",
    ),
    (
        "Singleton Name=\"archive\" Type=\"acme.books.archive\"",
        "Singleton Name=\"archive\" Type=\"acme.books.place\"",
        "Service/archive has no type",
    ),
    // keys
    (
        "PropertyRef Name=\"id\"",
        "PropertyRef Name=\"no\"",
        "is not a property",
    ),
    (
        "Type=\"Edm.Guid\" Nullable=\"false\"",
        "Type=\"Edm.Guid\"",
        "the key Property shelf/id is nullable",
    ),
    (
        "Type=\"Edm.Guid\" Nullable=\"false\"",
        "Type=\"Edm.Double\" Nullable=\"false\"",
        "cannot be a key",
    ),
    (
        "<Key>\n          <PropertyRef Name=\"id\"/>\n        </Key>",
        "",
        "the entities of EntitySet Service/books have no key",
    ),
    // facets
    ("MaxLength=\"100\"", "MaxLength=\"0\"", "not positive"),
    ("MaxLength=\"100\"", "MaxLength=\"many\"", "not positive"),
    (
        "Precision=\"3\"",
        "MaxLength=\"3\"",
        "a length, but no text",
    ),
    (
        "Precision=\"3\"",
        "Precision=\"13\"",
        "no precision of a time",
    ),
    (
        "MaxLength=\"100\"",
        "Precision=\"3\"",
        "a precision, but no time",
    ),
    (
        "Nullable=\"false\"",
        "Nullable=\"no\"",
        "neither true nor false",
    ),
    (
        "ContainsTarget=\"true\"",
        "ContainsTarget=\"true\" Nullable=\"false\"",
        "a collection with `Nullable`",
    ),
    // ways
    (
        "Type=\"acme.books.book\">",
        "Type=\"acme.books.book\" ContainsTarget=\"true\">",
        "is held elsewhere too",
    ),
    (
        "Property=\"bestId\"",
        "Property=\"worstId\"",
        "names no properties",
    ),
    (
        "ReferencedProperty=\"id\"",
        "ReferencedProperty=\"title\"",
        "compares unlike types",
    ),
    (
        "Name=\"bestId\" Type=\"Edm.Guid\"",
        "Name=\"bestId\" Type=\"Edm.Guid\" Nullable=\"false\"",
        "null at one end only",
    ),
    (
        "Path=\"shelves/best\"",
        "Path=\"shelves\"",
        "leads to no reference",
    ),
    (
        "Path=\"shelves/best\"",
        "Path=\"shelves/worst\"",
        "leads to no reference",
    ),
    (
        "Target=\"books\"",
        "Target=\"archive/shelves/best\"",
        "is not there",
    ),
    (
        "Target=\"books\"",
        "Target=\"archive/shelves\"",
        "has another type",
    ),
    // annotations
    (
        "<edmx:Include Namespace=\"Org.OData.Core.V1\"/>",
        "<edmx:Include Namespace=\"Other\"/>",
        "is not included",
    ),
    ("V1.TopSupported", "V1.BottomSupported", "is not known"),
    (
        "V1.TopSupported",
        "V1.BatchSupported",
        "is not for EntitySet Service/books",
    ),
    (
        "Target=\"acme.books.book/title\"",
        "Target=\"acme.books.book/name\"",
        "nothing to annotate",
    ),
    (
        "NavigationPropertyPath=\"best\"",
        "NavigationPropertyPath=\"bestId\"",
        "leads nowhere",
    ),
];

fn faults(xml: &str) -> Vec<String> {
    Csdl::parse(xml).expect("XML").faults()
}

#[test]
fn a_good_document_has_no_faults() {
    assert_eq!(faults(SAMPLE), Vec::<String>::new());
}

#[test]
fn each_change_makes_its_fault() {
    for (old, new, fault) in CHANGES {
        assert!(SAMPLE.contains(old), "the sample has no {old}");
        let found = faults(&SAMPLE.replace(old, new));
        let hit = found.iter().any(|one| one.contains(fault));
        assert!(hit, "{old} => {new}: {found:#?}");
    }
}

#[test]
fn a_term_twice_and_a_path_that_leads_nowhere_are_faults() {
    let top = "<Annotation Term=\"Org.OData.Capabilities.V1.TopSupported\" Bool=\"true\"/>";
    let twice = faults(&SAMPLE.replace(top, &top.repeat(2)));
    assert!(twice[0].contains("twice"), "{twice:?}");
    let lost = faults(&SAMPLE.replace(">title<", ">name<"));
    assert!(lost[0].contains("`name` in an annotation"), "{lost:?}");
}

#[test]
fn what_is_no_xml_is_refused() {
    assert!(Csdl::parse("<a>").is_err());
}

#[test]
fn addresses_lead_to_types() {
    let csdl = Csdl::parse(SAMPLE).expect("XML");
    for (path, expected) in [
        ("archive", "acme.books.archive"),
        ("archive/shelves", "Collection(acme.books.shelf)"),
        ("archive/shelves/$count", "Edm.Int32"),
        ("archive/shelves/{id}", "acme.books.shelf"),
        ("archive/shelves/{id}/best", "acme.books.book"),
        ("books/{id}/title", "Edm.String"),
    ] {
        assert_eq!(csdl.resource(path).as_deref(), Ok(expected), "{path}");
    }
    for path in [
        "",
        "shelves",
        "archive/books",
        "archive/$count",
        "books/{id}/{id}",
    ] {
        assert!(csdl.resource(path).is_err(), "{path}");
    }
}

#[test]
fn contexts_lead_to_where_entities_belong() {
    let csdl = Csdl::parse(SAMPLE).expect("XML");
    let id = "7d1f4f0a-8a7e-4b0c-9a55-0c7e5d2b9e11";
    for (context, expected) in [
        ("books", "Collection(acme.books.book)"),
        ("books/$entity", "acme.books.book"),
        ("books(id,printed/town)", "Collection(acme.books.book)"),
        ("books(title)/$entity", "acme.books.book"),
        ("archive", "acme.books.archive"),
        ("archive/shelves(bestId)", "Collection(acme.books.shelf)"),
    ] {
        assert_eq!(csdl.context(context).as_deref(), Ok(expected), "{context}");
    }
    let wrong = [
        String::new(),
        "shelves".to_owned(),
        "archive/$entity".to_owned(),
        "archive(7)/shelves".to_owned(),
        "books(name)".to_owned(),
        format!("books({id})/title"),
        "archive/shelves/best/$entity".to_owned(),
        format!("archive/shelves({id})/best"),
        "archive/shelves(7)/best".to_owned(),
    ];
    for context in wrong {
        assert!(csdl.context(&context).is_err(), "{context}");
    }
}
