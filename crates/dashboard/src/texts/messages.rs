//! The sentences of [`dns::message!`] in the reader's language: errors and warnings about what a visitor wrote.
//!
//! Their English is written where they are said, in `dns`, `store` and `forms`, and the API answers it. Here are the translations, as
//! gettext catalogues (`texts/messages.*.po`). The test reads the English out of the sources of all crates.

use std::sync::LazyLock;

use dns::Message;

use crate::catalogue::{Catalogue, Translations};
use crate::language::Language;

static MESSAGES: Translations = Translations {
    spanish: LazyLock::new(|| Catalogue::read(include_str!("../../texts/messages.es.po"))),
    malay: LazyLock::new(|| Catalogue::read(include_str!("../../texts/messages.ms.po"))),
};

impl Language {
    /// A message in this language.
    pub(crate) fn say(self, message: &Message) -> String {
        message.say(&|english| MESSAGES.say(self, english))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    use super::super::tests::places;
    use super::*;

    /// Messages that are the same in another language because the words are.
    const SAME: &[&str] = &["afrf", "base64", "{owner} {record_type}: {detail}", "{what}: {reason}"];

    /// The templates in the sources of all crates.
    fn templates() -> BTreeSet<String> {
        let mut sources = Vec::new();
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for member in fs::read_dir(&crates).unwrap() {
            find_sources(&member.unwrap().path().join("src"), &mut sources).unwrap();
        }
        let mut templates = BTreeSet::new();
        for path in sources.iter().filter(|path| !path.ends_with("dns/src/message.rs")) {
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = lines.collect::<Vec<_>>().join("\n");
            for call in code.split("message!(").skip(1) {
                let template = literal(call.trim_start());
                templates.insert(template.unwrap_or_else(|| panic!("{path:?}: no literal in message!({call:.60}")));
            }
        }
        templates
    }

    fn find_sources(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                find_sources(&path, found)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
        Ok(())
    }

    /// The text of the string literal at the start of some code.
    fn literal(code: &str) -> Option<String> {
        let mut text = String::new();
        let mut characters = code.strip_prefix('"')?.chars().peekable();
        loop {
            match characters.next()? {
                '"' => return Some(text),
                '\\' => match characters.next()? {
                    '\n' => while characters.next_if(|c| c.is_whitespace()).is_some() {},
                    plain @ ('"' | '\\') => text.push(plain),
                    _ => return None,
                },
                other => text.push(other),
            }
        }
    }

    #[test]
    fn every_message_is_translated_and_no_translation_is_left_over() {
        let templates = templates();
        assert!(templates.len() > 200, "{}", templates.len());
        MESSAGES.check("messages", &templates, |english, translation| {
            if places(translation) != places(english) {
                Some("has other values in")
            } else {
                (translation == english && !SAME.contains(&english)).then_some("has in English")
            }
        });
    }

    #[test]
    fn a_message_within_a_message_is_translated_too() {
        let zone = dns::ZoneName::parse("example.com").unwrap();
        let mx = dns::RecordData::parse(dns::RecordType::Mx, "192.0.2.1", Some(10), &zone).unwrap_err();
        assert!(Language::Spanish.say(&mx.detail).starts_with("192.0.2.1 es una dirección"), "{mx}");
        let srv = dns::RecordData::parse(dns::RecordType::Kx, "1 *.example.com", None, &zone).unwrap_err();
        let said = "exchanger: \"*.example.com\" is not a host name: a wildcard is not a host, because it stands for other names";
        assert_eq!(Language::English.say(&srv.detail), said);
        let malay = Language::Malay.say(&srv.detail);
        assert!(malay.starts_with("exchanger: ") && malay.contains("bukan nama hos") && !malay.contains("wildcard"));
    }
}
