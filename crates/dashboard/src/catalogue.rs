//! Translations that are keyed by their English text.
//!
//! The catalogues have gettext's form (`msgid "English"`, `msgstr "translation"`, a long one over several lines of quoted text), so
//! that translators can use their tools. A text without a translation is shown in English; tests allow none.

use std::collections::HashMap;

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
    pub(crate) fn get(&self, english: &str) -> Option<&str> {
        self.0.get(english).map(String::as_str)
    }

    /// All English texts that it translates.
    #[cfg(test)]
    pub(crate) fn english(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
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
