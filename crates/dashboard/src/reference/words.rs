//! Translations of the API's descriptions.
//!
//! A text without a translation is shown in English; a test fails if there is one.

use std::sync::LazyLock;

use crate::catalogue::{Catalogue, Translations};
use crate::language::Language;

static WORDS: Translations = Translations {
    spanish: LazyLock::new(|| Catalogue::read(include_str!("../../texts/reference.es.po"))),
    malay: LazyLock::new(|| Catalogue::read(include_str!("../../texts/reference.ms.po"))),
};

/// The words of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    /// An English text in this language.
    pub(crate) fn say<'a>(&self, english: &'a str) -> &'a str {
        WORDS.say(self.0, english)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use serde_json::Value;

    use crate::pages::reference::DESCRIPTIONS;
    use crate::reference::guide::{Facts, Guide};

    /// Every text that the page shows in the reader's language.
    fn texts() -> BTreeSet<String> {
        let mut texts = BTreeSet::from([api::ABOUT.to_owned()]);
        let mut add = |text: &str| {
            if !text.is_empty() {
                texts.insert(text.to_owned());
            }
        };
        guide_texts().iter().for_each(|text| add(text));
        for group in api::Group::ALL {
            add(group.name());
            add(group.text());
        }
        for (_, description) in DESCRIPTIONS.iter() {
            add(description.title);
            add(description.text);
            description.parameters.iter().for_each(|parameter| add(parameter.text));
            for body in &description.bodies {
                body.examples.iter().for_each(|(about, _)| add(about));
                descriptions(body.schema.json(), &mut add);
                body.schema.named_schemas().values().for_each(|schema| descriptions(schema, &mut add));
            }
            for answer in &description.answers {
                add(answer.text);
                answer.headers.iter().for_each(|header| add(header.text));
                let schema = answer.body.as_ref().map(|(_, schema, _)| schema);
                for schema in
                    schema.into_iter().flat_map(|schema| schema.named_schemas().values().chain([schema.json()]))
                {
                    descriptions(schema, &mut add);
                }
            }
            for refusal in &description.refusals {
                refusal.schema.named_schemas().values().for_each(|schema| descriptions(schema, &mut add));
            }
        }
        texts
    }

    /// The texts around the operations.
    fn guide_texts() -> BTreeSet<&'static str> {
        let said = RefCell::new(BTreeSet::new());
        let say = |english: &'static str| {
            said.borrow_mut().insert(english);
            english.to_owned()
        };
        let nameserver = dns::apex::ApexNameserver { name: dns::Name::root(), addresses: Vec::new() };
        let apex = dns::Apex::new(vec![nameserver]).unwrap();
        let (guide, facts) = (Guide { say: &say }, Facts { base: "", apex: &apex, dns: None });
        guide.before(&facts);
        guide.after(&facts);
        said.into_inner()
    }

    fn descriptions(schema: &Value, add: &mut impl FnMut(&str)) {
        match schema {
            Value::Object(members) => {
                // A member may be called description; then it is no text.
                if let Some(text) = members.get("description").and_then(Value::as_str) {
                    add(text);
                }
                members.values().for_each(|member| descriptions(member, add));
            }
            Value::Array(items) => items.iter().for_each(|item| descriptions(item, add)),
            _ => {}
        }
    }

    /// What stands in backticks, sorted: it is the same in every language.
    fn code(text: &str) -> Vec<&str> {
        let mut code: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        code.sort_unstable();
        code
    }

    #[test]
    fn every_description_is_translated_and_no_translation_is_left_over() {
        super::WORDS.check("reference", &texts(), |english, translation| {
            (code(translation) != code(english)).then_some("has other code in")
        });
    }
}
