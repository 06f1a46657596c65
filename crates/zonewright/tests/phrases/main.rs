//! Texts for users are plain English: the documents, the description of the API, the pages and the help of the commands have none of
//! the phrases in `phrases.txt`. Translations are checked with their English keys.

#![expect(clippy::unwrap_used, reason = "a test, whose helpers clippy does not know as such")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A text for users, and where it is from.
struct Text {
    from: String,
    words: String,
}

#[test]
fn texts_for_users_have_none_of_the_phrases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = help(&mut Vec::new());
    let mut files = vec![root.join("README.md"), root.join("docs/openapi.json")];
    for (folder, end) in
        [("docs", ".md"), ("crates/dashboard/src/texts", "english.rs"), ("crates/dashboard/texts", ".es.po")]
    {
        files_below(&root.join(folder), end, &mut files);
    }
    texts.extend(files.iter().map(|path| Text { from: path.display().to_string(), words: read(path) }));
    assert!(texts.len() > 40, "only {} texts were found", texts.len());
    let found: Vec<String> =
        texts.iter().flat_map(|text| found(&text.words).map(|phrase| format!("{}: {phrase}\n", text.from))).collect();
    assert!(found.is_empty(), "these phrases are not plain English:\n{}", found.concat());
}

#[test]
fn a_phrase_is_found_in_any_case_and_over_lines() {
    for text in ["The zone\n    is made.", "said:\\nNobody", "NAME SERVERS", "“Ways in”"] {
        assert_eq!(found(text).count(), 1, "{text}");
    }
    for text in ["A recommendation to amend it", "the name server-side", "always in sync", "live_nobody"] {
        assert_eq!(found(text).count(), 0, "{text}");
    }
}

/// The phrases that a text has.
fn found(text: &str) -> impl Iterator<Item = &'static str> {
    // Words in lower case with one space between. Identifiers (`live_nobody`) are one word.
    let words = text.replace("\\n", " ").to_lowercase();
    let words = words.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').filter(|word| !word.is_empty());
    let words = format!(" {} ", words.collect::<Vec<_>>().join(" "));
    let phrases = include_str!("phrases.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    phrases.filter(move |phrase| words.contains(&format!(" {phrase} ")))
}

/// The help of a command and of all commands below it.
fn help(command: &mut Vec<String>) -> Vec<Text> {
    let output = Command::new(env!("CARGO_BIN_EXE_zonewright")).args(&*command).arg("--help").output().unwrap();
    assert!(output.status.success(), "{command:?} has no help");
    let words = String::from_utf8(output.stdout).unwrap();
    let section =
        words.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    let names = section.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let names: Vec<String> = names
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    let mut texts = Vec::new();
    for name in names {
        command.push(name);
        texts.extend(help(command));
        command.pop();
    }
    texts.push(Text { from: format!("zonewright {} --help", command.join(" ")), words });
    texts
}

fn files_below(folder: &Path, end: &str, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, end, files);
        } else if path.to_string_lossy().ends_with(end) {
            files.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
