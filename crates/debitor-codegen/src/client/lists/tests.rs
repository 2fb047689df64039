//! What is a list, and what its builder and its command get.

use super::super::tests::{contains, settings};
use super::super::{Client, generate};
use super::{List, of};
use crate::Spec;

/// A document with one list, whose page has these properties.
fn document(properties: &str) -> Spec {
    let text = format!(
        r##"
openapi: 3.0.3
info: {{ title: Pets, version: "1" }}
paths:
  /pets:
    get:
      operationId: pet_list
      responses:
        '200': {{ $ref: "#/components/responses/Pets" }}
        '404':
          description: none
          content: {{ application/json: {{ schema: {{ $ref: "#/components/schemas/Problem" }} }} }}
components:
  responses:
    Pets: {{ description: pets, content: {{ application/json: {{ schema: {{ $ref: "#/components/schemas/PetPage" }} }} }} }}
  schemas:
    Pet: {{ type: object, properties: {{ name: {{ type: string }} }} }}
    Problem: {{ type: object, properties: {{ code: {{ type: string }} }} }}
    PetPage: {{ type: object, required: [value], properties: {{ {properties} }} }}
"##
    );
    Spec::parse(&text).unwrap()
}

const VALUE: &str = r##"value: { type: array, items: { $ref: "#/components/schemas/Pet" } }"##;
const LINK: &str = r#""@odata.nextLink": { type: string }"#;

fn generated(properties: &str) -> Client {
    generate(&document(properties), &settings()).unwrap()
}

#[test]
fn a_page_with_a_next_link_is_a_list() {
    let list = List {
        operation_id: "pet_list".to_owned(),
        page: "PetPage".to_owned(),
        entity: "Pet".to_owned(),
    };
    assert_eq!(of(&document(&format!("{VALUE}, {LINK}"))), [list]);
    assert_eq!(of(&document(VALUE)), []);
}

#[test]
fn what_is_no_list_is_left_as_it_is() {
    let Client { client, cli, .. } = generated(VALUE);
    assert!(!client.contains("paging") && !client.contains("fn exchange"));
    assert!(!cli.contains("\"all\""));
}

#[test]
fn a_list_is_a_stream_of_pages_and_of_entities() {
    let client = generated(&format!("{VALUE}, {LINK}")).client;
    let check = |code: &str| assert!(contains(&client, code), "{code}\n{client}");
    check("pub fn pages(self");
    check("::pets_client::paging::Paged<'a, ResponseValue<types::PetPage>, types::Problem");
    check("pub fn stream(self");
    check("::pets_client::paging::Paged<'a, types::Pet, types::Problem");
    check("impl ::pets_client::paging::Page for types::PetPage { type Entity = types::Pet;");
}

#[test]
fn every_page_is_asked_for_and_read_as_the_first_is() {
    let client = generated(&format!("{VALUE}, {LINK}")).client;
    let check = |code: &str| assert!(contains(&client, code), "{code}\n{client}");
    check("let client = self.client; Self::exchange(client, self.request()?).await");
    check(".build()?; Ok(request) }");
    let exchange = client.split("async fn exchange").nth(1).unwrap();
    for step in ["client.pre(", "client.exec(", "client.post(", "404u16 =>"] {
        assert!(exchange.contains(step), "{step}\n{exchange}");
    }
}

#[test]
fn a_command_answers_all_pages_if_it_is_told_to() {
    let cli = generated(&format!("{VALUE}, {LINK}")).cli;
    let check = |code: &str| assert!(contains(&cli, code), "{code}\n{cli}");
    check(r#"::clap::Arg::new("all").long("all").action(::clap::ArgAction::SetTrue)"#);
    check(
        r#"if matches.get_flag("all") { return crate::write_pages(matches, request.pages()).await; }"#,
    );
}
