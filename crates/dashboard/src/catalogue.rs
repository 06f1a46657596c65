//! Translations that are keyed by their English text.
//!
//! The catalogues have gettext's form (`msgid "English"`, `msgstr "translation"`, a long one over several lines of quoted text), so
//! that translators can use their tools. A text without a translation is shown in English; tests allow none.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::language::Language;

/// The catalogues of a set of texts. Each is read when it is first needed.
pub(crate) struct Translations {
    pub(crate) spanish: LazyLock<Catalogue>,
    pub(crate) malay: LazyLock<Catalogue>,
}

impl Translations {
    /// An English text in a language.
    pub(crate) fn say<'a>(&'a self, language: Language, english: &'a str) -> &'a str {
        let catalogue = match language {
            Language::English => return english,
            Language::Spanish => &self.spanish,
            Language::Malay => &self.malay,
        };
        catalogue.get(english).unwrap_or(english)
    }

    /// Fails where the catalogues `texts/{name}.*.po` lack one of these English texts, translate others, or have a translation for
    /// which `problem` says what is wrong.
    #[cfg(test)]
    pub(crate) fn check(
        &self,
        name: &str,
        texts: &std::collections::BTreeSet<String>,
        problem: impl Fn(&str, &str) -> Option<&'static str>,
    ) {
        let mut wrong = String::new();
        for (language, catalogue) in [("es", &self.spanish), ("ms", &self.malay)] {
            for english in texts {
                let translation = catalogue.get(english);
                let Some(problem) = translation.map_or(Some("lacks"), |found| problem(english, found)) else {
                    continue;
                };
                let id = serde_json::Value::from(english.as_str());
                wrong.push_str(&format!("texts/{name}.{language}.po {problem}\nmsgid {id}\nmsgstr \"\"\n\n"));
            }
            for english in catalogue.0.keys().filter(|english| !texts.contains(*english)) {
                wrong.push_str(&format!("texts/{name}.{language}.po translates a text that is gone:\n{english}\n\n"));
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }
}

/// The translations of one language.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(HashMap<String, String>);

impl Catalogue {
    /// Reads a catalogue. Lines that are no `msgid`, `msgstr` or quoted text are comments.
    pub(crate) fn read(text: &str) -> Catalogue {
        let mut catalogue = HashMap::new();
        let (mut id, mut translation) = (String::new(), String::new());
        let mut in_translation = false;
        for line in text.lines().map(str::trim).chain(["msgid \"\""]) {
            let quoted = if let Some(rest) = line.strip_prefix("msgid ") {
                if !id.is_empty() && !translation.is_empty() {
                    catalogue.insert(std::mem::take(&mut id), std::mem::take(&mut translation));
                }
                id.clear();
                translation.clear();
                in_translation = false;
                rest
            } else if let Some(rest) = line.strip_prefix("msgstr ") {
                in_translation = true;
                rest
            } else {
                line
            };
            let Some(inside) = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { continue };
            if in_translation { &mut translation } else { &mut id }.push_str(&unescaped(inside));
        }
        Catalogue(catalogue)
    }

    /// The translation of an English text.
    fn get(&self, english: &str) -> Option<&str> {
        self.0.get(english).map(String::as_str)
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            (character, false) => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_read() {
        let text = "# about\nmsgid \"\"\nmsgstr \"\"\n\"Language: es\\n\"\n\nmsgid \"a \\\"b\\\"\"\nmsgstr \"\"\n\"eins \"\n\"zwei\\n\"\n\n\
                    msgid \"not yet\"\nmsgstr \"\"\nmsgid \"last\"\nmsgstr \"letzte\"";
        let Catalogue(catalogue) = Catalogue::read(text);
        let mut entries: Vec<_> =
            catalogue.iter().map(|(id, translation)| (id.as_str(), translation.as_str())).collect();
        entries.sort_unstable();
        assert_eq!(entries, [("a \"b\"", "eins zwei\n"), ("last", "letzte")]);
    }
}
