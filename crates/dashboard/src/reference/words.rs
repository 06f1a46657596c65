//! The words of the API's descriptions in the reader's language.
//!
//! The catalogues have gettext's form (`msgid "English"`, `msgstr "translation"`, a long one over several lines of quoted text), so
//! that translators find their tools. A text without a translation is shown in English; a test allows none.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::language::Language;

const SPANISH: &str = include_str!("../../texts/reference.es.po");
const MALAY: &str = include_str!("../../texts/reference.ms.po");

type Catalogue = HashMap<String, String>;

/// The words of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    catalogue: Option<&'static Catalogue>,
}

impl Words {
    pub(crate) fn of(language: Language) -> Words {
        static IN_SPANISH: LazyLock<Catalogue> = LazyLock::new(|| read(SPANISH));
        static IN_MALAY: LazyLock<Catalogue> = LazyLock::new(|| read(MALAY));
        let catalogue: Option<&'static Catalogue> = match language {
            Language::English => None,
            Language::Spanish => Some(&IN_SPANISH),
            Language::Malay => Some(&IN_MALAY),
        };
        Words { catalogue }
    }

    /// An English text in this language.
    pub(crate) fn say<'a>(&self, english: &'a str) -> &'a str
    where
        'static: 'a,
    {
        self.catalogue.and_then(|catalogue| catalogue.get(english)).map_or(english, String::as_str)
    }
}

/// Reads a catalogue. Whatever is no `msgid`, `msgstr` or quoted line is a comment.
fn read(text: &str) -> Catalogue {
    let mut catalogue = Catalogue::new();
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
    catalogue
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
