//! The fields of one record, depending on its type.

use askama::Template;
use askama::filters::HtmlSafe;
use dns::{Fault, RecordId, RecordType, Ttl};
use forms::TypedRecord;

use super::state::State;
use crate::form::{Field, Form, Problems};
use crate::language::Language;
use crate::reference::words::Words;
use crate::texts::zones::ZoneTexts;
use crate::texts::{Texts, say};

/// The longest value in one line, in characters.
const LONGEST: u32 = 65_535;

/// The usual types: the form lists them first and explains only the others.
pub(super) const USUAL: [RecordType; 8] = [
    RecordType::A,
    RecordType::Aaaa,
    RecordType::Cname,
    RecordType::Mx,
    RecordType::Txt,
    RecordType::Srv,
    RecordType::Caa,
    RecordType::Ns,
];

/// What is being edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// A record that is not there yet.
    New,
    /// A record that is there, and that nothing was collected for.
    Record(RecordId),
    /// A change that was collected, by its place.
    Item(usize),
}

impl Subject {
    fn encode(&self) -> String {
        match self {
            Subject::New => "new".to_owned(),
            Subject::Record(id) => format!("record {}", id.0),
            Subject::Item(place) => format!("item {place}"),
        }
    }

    fn decode(text: &str) -> Option<Subject> {
        match text.split_once(' ') {
            None if text == "new" => Some(Subject::New),
            Some(("record", id)) => Some(Subject::Record(RecordId(id.parse().ok()?))),
            Some(("item", place)) => Some(Subject::Item(place.parse().ok()?)),
            _ => None,
        }
    }
}

/// An editor that is open.
#[derive(Debug, Clone)]
pub(super) struct Editing {
    pub(super) subject: Subject,
    /// The record as it was when the editor was opened; the same as `typed` for a new one.
    pub(super) was: TypedRecord,
    pub(super) typed: TypedRecord,
    pub(super) fault: Option<Fault>,
    /// Whether the change may be collected although it cannot be applied as things stand: others may make it right.
    pub(super) may_keep: bool,
}

impl Editing {
    pub(super) fn open(subject: Subject, was: TypedRecord, typed: TypedRecord) -> Editing {
        Editing { subject, was, typed, fault: None, may_keep: false }
    }

    /// What came back of an editor.
    pub(super) fn of(form: &Form) -> Option<Editing> {
        let subject = Subject::decode(form.text("subject"))?;
        let record_type = form.text("record_type").to_owned();
        let field = |name: &str| form.text(name).to_owned();
        let value = match RecordType::parse(&record_type) {
            Ok(RecordType::Srv) => srv_value(form),
            Ok(RecordType::Caa) => caa_value(form),
            _ => field("value"),
        };
        let typed =
            TypedRecord { record_type, name: field("name"), value, ttl: field("ttl"), priority: field("priority") };
        let was = TypedRecord {
            record_type: field("was-record_type"),
            name: field("was-name"),
            value: field("was-value"),
            ttl: field("was-ttl"),
            priority: field("was-priority"),
        };
        Some(Editing::open(subject, was, typed))
    }
}

/// The words of a value that has a field for each, in their order; the rules miss what is missing.
fn srv_value(form: &Form) -> String {
    ["weight", "port", "target"].map(|name| form.text(name)).join(" ")
}

fn caa_value(form: &Form) -> String {
    let [flags, tag, value] = ["flags", "tag", "value"].map(|name| form.text(name));
    format!("{flags} {tag} \"{}\"", quoted(value))
}

/// A text as it stands between quotes: a quote that is not escaped becomes so, and escapes stay.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push('\\');
                // A last one would escape our own quote.
                out.push(chars.next().unwrap_or('\\'));
            }
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out
}

/// The three parts of an SRV or CAA value as they were joined.
fn parts(value: &str) -> [&str; 3] {
    let mut parts = value.splitn(3, ' ');
    let mut next = || parts.next().unwrap_or_default();
    [next(), next(), next()]
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// The editor as it is shown.
#[derive(Debug, Clone, Template)]
#[template(path = "zones/editor.html")]
pub(super) struct Editor {
    z: &'static ZoneTexts,
    t: &'static Texts,
    state: State,
    heading: String,
    keep: &'static str,
    subject: String,
    was: TypedRecord,
    record_type: String,
    /// What the type is for, and how its data is written, where one field takes all of it.
    about: String,
    name: Field,
    /// Everything that is its data.
    fields: Vec<Field>,
    ttl: Field,
    /// A fault that belongs to no field that is shown.
    problem: Option<String>,
    may_keep: bool,
}

impl HtmlSafe for Editor {}

impl Editor {
    /// `default_ttl` is the TTL of records without one.
    pub(super) fn of(editing: &Editing, default_ttl: Ttl, state: &State, language: Language) -> Editor {
        let (t, z) = (language.texts(), language.zone_texts());
        let Editing { subject, was, typed, fault, may_keep } = editing;
        let record_type = RecordType::parse(&typed.record_type).ok();
        let mut problems = Problems::default();
        // A fault of the whole value stands at its last field, where the value itself is.
        let value_field = if record_type == Some(RecordType::Srv) { "target" } else { "value" };
        let mut problem = None;
        match fault.as_ref().map(|fault| (fault.field, language.say(&fault.detail))) {
            None => {}
            Some((Some("value"), detail)) => problems.add(value_field, detail),
            Some((Some(field @ ("name" | "ttl")), detail)) => problems.add(field, detail),
            Some((Some("priority"), detail)) if has_priority(record_type) => problems.add("priority", detail),
            Some((_, detail)) => problem = Some(detail),
        }
        let name = Field::text("name", z.name).value(&typed.name).hint(z.name_hint).required();
        let ttl_hint = say(z.ttl_hint, &[&default_ttl.to_string()]);
        let ttl = Field::text("ttl", z.ttl).value(&typed.ttl).hint(&ttl_hint).numeric();
        let (heading, keep) = match subject {
            Subject::New => (say(z.new_record, &[&typed.record_type]), z.keep),
            Subject::Record(_) | Subject::Item(_) => {
                (say(z.change_record, &[&typed.name, &typed.record_type]), z.keep_change)
            }
        };
        Editor {
            name: if *subject == Subject::New { name.autofocus() } else { name }.problem(&problems),
            fields: fields(record_type, typed, *subject != Subject::New, z, &problems),
            ttl: ttl.problem(&problems),
            about: record_type.map(|record_type| about(record_type, language)).unwrap_or_default(),
            state: state.clone(),
            heading,
            keep,
            subject: subject.encode(),
            was: was.clone(),
            record_type: typed.record_type.clone(),
            problem,
            may_keep: *may_keep,
            z,
            t,
        }
    }
}

fn has_priority(record_type: Option<RecordType>) -> bool {
    record_type.is_some_and(RecordType::has_priority)
}

/// In the words of the type's own form, which are the API's.
fn about(record_type: RecordType, language: Language) -> String {
    match record_type.form() {
        Some(form) if !USUAL.contains(&record_type) => {
            let names: Vec<&str> = form.fields.iter().map(|field| field.name).collect();
            let description = Words(language).say(form.description);
            format!("{description} ({}). {}", form.rfc, names.join(" · "))
        }
        _ => String::new(),
    }
}

fn fields(
    record_type: Option<RecordType>,
    typed: &TypedRecord,
    is_first: bool,
    z: &'static ZoneTexts,
    problems: &Problems,
) -> Vec<Field> {
    fn text(name: &'static str, label: &str, value: &str) -> Field {
        Field::text(name, label).value(value).required()
    }
    let priority = || text("priority", z.priority, &typed.priority).numeric();
    let value = |label: &str, hint: &str| text("value", label, &typed.value).hint(hint).longest(LONGEST);
    let mut fields = match record_type {
        Some(RecordType::A) => vec![value(z.ipv4, "192.0.2.1")],
        Some(RecordType::Aaaa) => vec![value(z.ipv6, "2001:db8::1")],
        Some(RecordType::Cname) => vec![value(z.target, z.host_hint)],
        Some(RecordType::Ns) => vec![value(z.nameserver, z.host_hint)],
        Some(RecordType::Mx) => vec![priority().hint(z.priority_hint), value(z.mail_server, z.host_hint)],
        Some(RecordType::Txt) => {
            vec![Field::lines("value", z.text, 3).value(&typed.value).hint(z.text_hint).required()]
        }
        Some(RecordType::Srv) => {
            let [weight, port, target] = parts(&typed.value);
            vec![
                priority(),
                text("weight", z.weight, weight).numeric(),
                text("port", z.port, port).numeric(),
                text("target", z.target, target).hint(z.host_hint),
            ]
        }
        Some(RecordType::Caa) => {
            let [flags, tag, value] = parts(&typed.value);
            vec![
                text("flags", z.flags, if typed.value.is_empty() { "0" } else { flags }).numeric(),
                text("tag", z.tag, tag).hint("issue, issuewild, iodef"),
                text("value", z.value, unquoted(value)).hint(z.caa_hint).longest(LONGEST),
            ]
        }
        other => {
            let example = other.and_then(RecordType::form).map(|form| form.example).unwrap_or_default();
            vec![Field::lines("value", z.value, 2).value(&typed.value).hint(&say(z.for_example, &[example]))]
        }
    };
    fields = fields.into_iter().map(|field| field.problem(problems)).collect();
    if is_first && !fields.is_empty() {
        let first = fields.remove(0);
        fields.insert(0, first.autofocus());
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caa_value_is_taken_apart_and_put_together_again() {
        for (typed, value) in [
            ("letsencrypt.org", "letsencrypt.org"),
            ("a \"b\"", "a \\\"b\\\""),
            ("a \\\"b\\\"", "a \\\"b\\\""),
            ("\\065", "\\065"),
            ("end\\", "end\\\\"),
        ] {
            assert_eq!(quoted(typed), value);
            let whole = format!("0 issue \"{value}\"");
            let [flags, tag, rest] = parts(&whole);
            assert_eq!((flags, tag, unquoted(rest)), ("0", "issue", value));
            assert_eq!(quoted(unquoted(rest)), value, "and again");
        }
    }

    #[test]
    fn subjects_travel() {
        let record = Subject::Record(RecordId("00000000-0000-0000-0000-000000000001".parse().unwrap()));
        for subject in [Subject::New, record, Subject::Item(7)] {
            assert_eq!(Subject::decode(&subject.encode()), Some(subject));
        }
        for text in ["", "old", "record", "record x", "item -1"] {
            assert_eq!(Subject::decode(text), None, "{text}");
        }
    }
}
