//! What filters say, which are refused, and how long both take.

use std::cell::Cell;

use debitor_api::properties::{CustomerProperty, SalesInvoiceProperty};

use super::*;
use crate::odata::lexer::Token;

/// The tree in one line: operators before their operands, in parentheses.
fn shown(text: &str) -> String {
    let expr = parse::<CustomerProperty>(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    show(&expr)
}

fn show<P: Property>(expr: &Expr<P>) -> String {
    use super::super::expression::Operand;
    use super::super::value::Value;
    let value = |value: &Value| match value {
        Value::Text(text) => format!("'{text}'"),
        Value::Number(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
    };
    let operand = |operand: &Operand<P>| match operand {
        Operand::Property(property) => property.path().to_owned(),
        Operand::Length(property, Form::Original) => format!("#{}", property.path()),
        Operand::Length(property, Form::Folded) => format!("#lower {}", property.path()),
        Operand::Literal(literal) => value(literal),
    };
    let parts = |word, parts: &[Expr<P>]| {
        let parts: Vec<_> = parts.iter().map(show).collect();
        format!("({word} {})", parts.join(" "))
    };
    match expr {
        Expr::And(all) => parts("and", all),
        Expr::Or(any) => parts("or", any),
        Expr::Not(part) => format!("(not {})", show(part)),
        Expr::Compare(left, comparison, right) => {
            format!(
                "({} {} {})",
                comparison.name(),
                operand(left),
                operand(right)
            )
        }
        Expr::IsNull(one) => format!("(null {})", operand(one)),
        Expr::In(one, values) => {
            let values: Vec<_> = values.iter().map(value).collect();
            format!("(in {} {})", operand(one), values.join(" "))
        }
        Expr::Text(function, text, part) => {
            format!("({} {} {})", function.name(), operand(text), operand(part))
        }
        Expr::Flag(property) => property.path().to_owned(),
        Expr::Is(part, truth) => format!("(is {truth:?} {})", show(part)),
        Expr::Constant(truth) => format!("{truth:?}"),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(shown(text), expected, "{text}");
}

#[test]
fn comparisons() {
    check("displayName eq 'Nord'", "(eq displayName 'nord')");
    check("'O''Brien' ne displayName", "(ne displayName 'o'brien')");
    check("'m' gt displayName", "(lt displayName 'm')");
    check("DISPLAYNAME GE 'a'", "(ge displayName 'a')");
    check("address/city eq 'Hamburg'", "(eq address/city 'hamburg')");
    check("email eq website", "(eq email website)");
    check("type eq 'person'", "(eq type 'person')");
    check("type gt 'D'", "(gt type 'd')");
    check("taxLiable eq false", "(eq taxLiable false)");
    let id = "3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b";
    let expected = format!("(eq id '{id}')");
    check(&format!("id eq {}", id.to_uppercase()), &expected);
    check(&format!("'{id}' eq id"), &expected);
    check(
        "lastModifiedDateTime lt 2026-01-31T12:00:00+02:00",
        "(lt lastModifiedDateTime '2026-01-31T10:00:00.000000000Z')",
    );
    check(
        "lastModifiedDateTime ge 2026-01-31",
        "(ge lastModifiedDateTime '2026-01-31T00:00:00.000000000Z')",
    );
    let invoice = parse::<SalesInvoiceProperty>("dueDate lt 2026-01-31").unwrap();
    assert_eq!(show(&invoice), "(lt dueDate '2026-01-31')");
}

#[test]
fn null_is_a_value_of_equality_alone() {
    check("email eq null", "(null email)");
    check("null ne email", "(not (null email))");
    check("email gt null", "Some(false)");
    check("length(email) eq null", "(null #email)");
    check("null eq null", "Some(true)");
    check("null ge null", "Some(false)");
    check("null ne 'x'", "Some(true)");
    check("contains(email,null)", "None");
    check("length(null) eq null", "Some(true)");
    check("null", "None");
}

#[test]
fn operators_bind_as_odata_says() {
    let [first, second, third] = ["number eq '1'", "email eq '2'", "website eq '3'"];
    let [a, b, c] = [first, second, third].map(shown);
    check(
        &format!("{first} and {second} or {third}"),
        &format!("(or (and {a} {b}) {c})"),
    );
    check(
        &format!("{first} or {second} and {third}"),
        &format!("(or {a} (and {b} {c}))"),
    );
    check(
        &format!("({first} or {second}) and {third}"),
        &format!("(and (or {a} {b}) {c})"),
    );
    check(
        &format!("{first} and {second} and {third}"),
        &format!("(and {a} {b} {c})"),
    );
    check(
        &format!("not({first})and({second})"),
        &format!("(and (not {a}) {b})"),
    );
    check(&format!("not not ({first})"), &format!("(not (not {a}))"));
    check("not taxLiable eq true", "(is Some(true) (not taxLiable))");
    check(
        "length(number) gt 2 eq true",
        "(is Some(true) (gt #number 2))",
    );
    check("((number)) eq (('1'))", &a);
    assert_eq!(a, "(eq number '1')");
}

#[test]
fn functions() {
    check(
        "contains(displayName,'A%_')",
        "(contains displayName 'a%_')",
    );
    check("StartsWith( email , 'x' )", "(startswith email 'x')");
    check("endswith('abc',number)", "(endswith 'abc' number)");
    check("contains('ABC','b')", "Some(true)");
    check(
        "contains(tolower(email),toupper('x'))",
        "(contains email 'x')",
    );
    check("toupper(email) eq 'X'", "(eq email 'x')");
    check("length(email) le 3", "(le #email 3)");
    check(
        "length(tolower(toupper(email))) eq 3",
        "(eq #lower email 3)",
    );
    check(
        "length('abc') lt length(email)",
        "(lt #email 3)".replace("lt", "gt").as_str(),
    );
    check("not contains(email,'x')", "(not (contains email 'x'))");
    check(
        "contains(email,'x') eq false",
        "(is Some(false) (contains email 'x'))",
    );
    check(
        "true ne contains(email,'x')",
        "(not (is Some(true) (contains email 'x')))",
    );
    check(
        "contains(email,'x') eq null",
        "(is None (contains email 'x'))",
    );
}

#[test]
fn membership() {
    check("number in ('A', 'b')", "(in number 'a' 'b')");
    check("NUMBER IN('A')", "(in number 'a')");
    check("email in ('a',null)", "(or (in email 'a') (null email))");
    check("email in (null)", "(null email)");
    check("length(email) in (1,2.5)", "(in #email 1 2.5)");
    check("blocked in ('ship')", "(in blocked 'ship')");
}

#[test]
fn conditions_by_themselves() {
    check("true", "Some(true)");
    check("false or taxLiable", "(or Some(false) taxLiable)");
    check("(taxLiable)", "taxLiable");
    check("not false", "(not Some(false))");
    check("1 lt 2", "Some(true)");
    check("'a' eq 'A'", "Some(true)");
}

#[track_caller]
fn refuse(text: &str, at: usize, message: &str) {
    let error = parse::<CustomerProperty>(text).expect_err(text);
    assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
}

#[test]
fn errors_say_where_what_was_found_and_what_was_expected() {
    refuse(
        "",
        1,
        "expected a property, a literal or a function, found the end",
    );
    refuse(
        "displayName",
        12,
        "expected a comparison such as `eq` behind `displayName`, found the end",
    );
    refuse(
        "displayName = 'x'",
        13,
        "expected a comparison such as `eq` behind `displayName`, found `=`",
    );
    refuse(
        "email eq",
        9,
        "expected a property, a literal or a function, found the end",
    );
    refuse(
        "email eq 'ä' und x",
        14,
        "expected `and`, `or` or the end, found `und`",
    );
    refuse("(email eq 'a'", 14, "expected `)`, found the end");
    refuse(
        "email eq 'a')",
        13,
        "expected `and`, `or` or the end, found `)`",
    );
    refuse(
        "email eq 'a",
        10,
        "the text that starts here has no closing quote `'`",
    );
    refuse(
        "mail eq 'a'",
        1,
        "`mail` names no property; perhaps `email`; a text stands in quotes",
    );
    refuse(
        "email in 'a'",
        10,
        "expected `(` and the values behind `in`, found `'a'`",
    );
}

#[test]
fn errors_of_membership_and_functions() {
    refuse("email in ()", 11, "expected a literal, found `)`");
    refuse("email in ('a' 'b')", 15, "expected `,` or `)`, found `'b'`");
    refuse(
        "email in (number)",
        11,
        "expected a literal, found `number`",
    );
    refuse(
        "'a' in ('a')",
        1,
        "expected a property before `in`, found `'a'`",
    );
    refuse(
        "indexof(email,'a') eq 1",
        1,
        "`indexof` is no function; there are `contains`, `startswith`, `endswith`, `length`, `tolower` or `toupper`",
    );
    refuse(
        "contains(email)",
        15,
        "expected `,` and the function's second text, found `)`",
    );
    refuse("id eq guid'x'", 7, "`guid` cannot stand before a literal");
    refuse(
        "number eq '1' eq '2' eq true",
        15,
        "expected parentheses around one of several comparisons, found `eq`",
    );
}

#[test]
fn dates_and_instants_that_are_none_are_told_as_such() {
    refuse(
        "lastModifiedDateTime gt 2026-13-01",
        25,
        "`2026-13-01` looks like a date, such as 2026-01-31, and is none; a text stands in quotes",
    );
    refuse(
        "2026-02-30 lt lastModifiedDateTime",
        1,
        "`2026-02-30` looks like a date, such as 2026-01-31, and is none; a text stands in quotes",
    );
    refuse(
        "number in ('a',2026-1-31)",
        16,
        "`2026-1-31` looks like a date, such as 2026-01-31, and is none; a text stands in quotes",
    );
    let instant = |word| {
        format!(
            "`{word}` looks like an instant, such as 2026-01-31T12:00:00Z, and is none; a `+` in it \
             is written `%2B`; a text stands in quotes"
        )
    };
    for word in [
        "2026-01-01T25:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T12:00:00",
    ] {
        let text = format!("taxLiable and lastModifiedDateTime le {word}");
        refuse(&text, 39, &instant(word));
    }
    // What a `+` that is not written `%2B` leaves.
    let text = "lastModifiedDateTime eq 2026-01-31T12:00:00 02:00";
    refuse(text, 25, &instant("2026-01-31T12:00:00"));
}

#[test]
fn types_must_fit() {
    refuse(
        "email eq 1",
        10,
        "expected a text in quotes, such as 'Nord', found `1`",
    );
    refuse(
        "1 eq email",
        1,
        "expected a text in quotes, such as 'Nord', found `1`",
    );
    refuse(
        "taxLiable eq 'true'",
        14,
        "expected `true` or `false`, found `'true'`",
    );
    refuse(
        "id eq 'x'",
        7,
        "expected a GUID, such as 3b2f52b9-52b9-4b2f-b952-2f3bb9522f3b, found `'x'`",
    );
    refuse(
        "type eq 'Firm'",
        9,
        "expected one of 'Company', 'Person', found `'Firm'`",
    );
    refuse(
        "blocked in ('All',' ')",
        19,
        "expected one of 'Ship', 'Invoice', 'All', found `' '`",
    );
    refuse(
        "lastModifiedDateTime gt '2026-01-31'",
        25,
        "expected an instant without quotes, such as 2026-01-31T12:00:00Z; a `+` in it is written `%2B`, found `'2026-01-31'`",
    );
}

#[test]
fn types_must_fit_in_functions_and_between_conditions() {
    refuse("contains(id,'x')", 10, "expected a text, found `id`");
    refuse(
        "length(taxLiable) eq 1",
        8,
        "expected a text, found `taxLiable`",
    );
    refuse(
        "contains(email,1)",
        16,
        "expected a text in quotes, such as 'Nord', found `1`",
    );
    refuse(
        "email eq id",
        10,
        "expected a text in quotes, such as 'Nord', found `id`",
    );
    refuse(
        "taxLiable eq (email eq 'x')",
        15,
        "expected `true` or `false`, found a condition",
    );
    refuse(
        "contains(email,'x') gt true",
        24,
        "expected `eq` or `ne` between a condition and this, found `true`",
    );
    refuse(
        "not email eq 'x'",
        1,
        "`not` binds more tightly than comparisons: put what it negates in parentheses, as in `not (number eq '1')`",
    );
    refuse(
        "'a' eq 1",
        8,
        "expected a text in quotes, such as 'Nord', found `1`",
    );
}

#[test]
fn size_depth_and_length_are_limited() {
    let nested = |levels| format!("{}taxLiable{}", "(".repeat(levels), ")".repeat(levels));
    check(&nested(DEEPEST), "taxLiable");
    refuse(
        &nested(DEEPEST + 1),
        21,
        "more than 20 levels within each other",
    );
    let nots = |count| format!("{}taxLiable", "not ".repeat(count));
    assert!(parse::<CustomerProperty>(&nots(DEEPEST)).is_ok());
    refuse(
        &nots(DEEPEST + 1),
        81,
        "more than 20 levels within each other",
    );
    let values = |count| format!("number in ({})", vec!["'1'"; count].join(","));
    assert!(parse::<CustomerProperty>(&values(99)).is_ok());
    let message = "more than 100 operators, functions and values of `in`";
    refuse(&values(100), 408, message);
    refuse(
        "number eq '\0'",
        12,
        "no text may contain the character U+0000",
    );
    let long = format!("number eq '{}'", "ä".repeat(2042));
    assert!(parse::<CustomerProperty>(&long).is_ok());
    refuse(&format!("{long} "), 2055, "longer than 4096 bytes");
}

/// The tokens that a parse takes, each of which leads to a fixed number of calls at most: they can be
/// taken once only.
fn steps(text: &str) -> (usize, usize) {
    let tokens = tokens(text).unwrap();
    let (all, taken) = (tokens.len(), Cell::new(0));
    let counted = tokens
        .into_iter()
        .inspect(|_: &Token<'_>| taken.set(taken.get() + 1));
    let _ = parse_tokens::<CustomerProperty>(counted);
    (taken.get(), all)
}

#[test]
fn every_token_is_taken_once() {
    for text in [
        "(".repeat(LONGEST),
        "not ".repeat(LONGEST / 4),
        "length(".repeat(LONGEST / 7),
        "taxLiable or ".repeat(LONGEST / 13),
        "((taxLiable) and (taxLiable)) or ((taxLiable))".to_owned(),
    ] {
        let (taken, all) = steps(&text);
        assert!(taken <= all, "{taken} of {all}: {text}");
    }
}
