//! The API reference: every operation, with examples that contain the server's address as the visitor sees it. Open to everyone.

use std::sync::LazyLock;

use api::{Description, Group, OPERATIONS, Operation, ParameterPlace};
use askama::Template;
use axum::response::Response;

use crate::failure::Failure;
use crate::page::{Page, Section, show as show_page};
use crate::reference::guide::{Block, Chapter, Facts, Guide};
use crate::reference::rows::{Prose, Row, Writer, objects};
use crate::reference::snippets::{Request, plain, written};
use crate::reference::words::Words;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "reference.html")]
struct ReferencePage {
    page: Page,
    base: String,
    about: Vec<Prose>,
    before: Vec<Chapter>,
    groups: Vec<GroupView>,
    after: Vec<Chapter>,
    objects: Vec<ObjectView>,
}

struct GroupView {
    name: &'static str,
    title: String,
    text: Prose,
    operations: Vec<OperationView>,
}

struct OperationView {
    id: &'static str,
    method: &'static str,
    path: String,
    permission: Option<&'static str>,
    title: String,
    text: Vec<Prose>,
    examples: Vec<(&'static str, &'static str, String)>,
    parameters: Vec<Row>,
    body: Vec<Row>,
    bodies: Vec<(&'static str, String, String)>,
    answers: Vec<AnswerView>,
    refusals: Vec<RefusalView>,
}

struct AnswerView {
    status: u16,
    text: String,
    kinds: Vec<crate::reference::rows::TypeText>,
    headers: Vec<Row>,
    example: String,
}

struct RefusalView {
    status: u16,
    code: &'static str,
    detail: String,
    field: String,
}

struct ObjectView {
    name: &'static str,
    shapes: Vec<Vec<Row>>,
}

/// What all operations say of themselves. It does not change while the program runs.
pub(crate) static DESCRIPTIONS: LazyLock<Vec<(&'static Operation, Description)>> =
    LazyLock::new(|| OPERATIONS.iter().map(|operation| (operation, operation.description())).collect());

pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let page = visit.page(Section::None);
    let writer = Writer { t: page.t, words: Words(page.language) };
    let groups = Group::ALL.into_iter().filter_map(|group| GroupView::new(group, &writer, &visit.base)).collect();
    let objects = objects(DESCRIPTIONS.iter().map(|(_, description)| description))
        .into_iter()
        .map(|(name, json)| ObjectView { name, shapes: writer.shapes(&json) })
        .filter(|object| !object.shapes.is_empty())
        .collect();
    let about = Prose::paragraphs(writer.words.say(api::ABOUT));
    let say = |english: &'static str| writer.words.say(english).to_owned();
    let guide = Guide { say: &say };
    let facts = Facts { base: &visit.base, apex: visit.apex(), dns: visit.shared.settings.dns };
    let (before, after) = (guide.before(&facts), guide.after(&facts));
    show_page(&ReferencePage { page, base: visit.base, about, before, groups, after, objects })
}

impl GroupView {
    fn new(group: Group, writer: &Writer, base: &str) -> Option<GroupView> {
        let operations: Vec<_> = DESCRIPTIONS
            .iter()
            .filter(|(_, description)| description.group == group)
            .map(|(operation, description)| OperationView::new(operation, description, writer, base))
            .collect();
        let title = writer.words.say(group.name()).to_owned();
        let text = Prose::new(writer.words.say(group.text()));
        (!operations.is_empty()).then_some(GroupView { name: group.name(), title, text, operations })
    }
}

impl OperationView {
    fn new(operation: &'static Operation, description: &Description, writer: &Writer, base: &str) -> OperationView {
        let examples = Request::new(operation, description, base).programs();
        // The first is in the examples above.
        let bodies = description.bodies.iter().flat_map(|body| {
            let example = |(about, example): &(&'static str, _)| {
                (body.media_type, writer.words.say(about).to_owned(), written(example))
            };
            body.examples.iter().map(example).collect::<Vec<_>>()
        });
        let mut refusals: Vec<_> = description.refusals.iter().map(RefusalView::new).collect();
        refusals.sort_by_key(|refusal| refusal.status);
        OperationView {
            id: description.id,
            method: operation.method.as_str(),
            path: format!("{}{}", api::BASE, operation.path),
            permission: operation.permission.map(|permission| permission.name()),
            title: writer.words.say(description.title).to_owned(),
            text: Prose::paragraphs(writer.words.say(description.text)),
            examples,
            parameters: description.parameters.iter().map(|parameter| parameter_row(parameter, writer)).collect(),
            body: description.bodies.first().map(|body| writer.members(&body.schema)).unwrap_or_default(),
            bodies: bodies.skip(1).collect(),
            answers: description.answers.iter().map(|answer| AnswerView::new(answer, writer)).collect(),
            refusals,
        }
    }
}

fn parameter_row(parameter: &api::Parameter, writer: &Writer) -> Row {
    let place = match parameter.place {
        ParameterPlace::Path => writer.t.reference_path,
        ParameterPlace::Query => writer.t.reference_query,
        ParameterPlace::Header => writer.t.reference_header,
    };
    let mut text = Prose::new(writer.words.say(parameter.text));
    if !parameter.example.is_null() {
        text.0.extend(Prose::new(&format!(" `{}`", plain(&parameter.example))).0);
    }
    Row {
        name: parameter.name.to_owned(),
        place,
        required: parameter.place == ParameterPlace::Path,
        kinds: writer.kinds(parameter.schema.json()),
        text,
    }
}

impl AnswerView {
    fn new(answer: &api::Success, writer: &Writer) -> AnswerView {
        let headers = answer.headers.iter().map(|header| Row {
            name: header.name.to_owned(),
            place: "",
            required: false,
            kinds: writer.kinds(header.schema.json()),
            text: Prose::new(writer.words.say(header.text)),
        });
        AnswerView {
            status: answer.status.as_u16(),
            text: writer.words.say(answer.text).to_owned(),
            kinds: answer.body.as_ref().map(|(_, schema, _)| writer.kinds(schema.json())).unwrap_or_default(),
            headers: headers.collect(),
            example: answer.body.as_ref().map(|(_, _, example)| written(example)).unwrap_or_default(),
        }
    }
}

impl RefusalView {
    fn new(refusal: &api::Refusal) -> RefusalView {
        let text = |member: &str| refusal.example[member].as_str().unwrap_or_default().to_owned();
        RefusalView {
            status: refusal.status.as_u16(),
            code: refusal.code,
            detail: text("detail"),
            field: text("field"),
        }
    }
}
