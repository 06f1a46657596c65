//! Reads the layers of the configuration, each over the one before: defaults, the settings of a running server (only for commands
//! beside it), the TOML file, the environment, the flags.
//!
//! Decided against a library for layers: it gives one type for all of them, but its errors do not name the key, the place where
//! it was set, and what would be valid.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, SetBy};
use super::keys::{KEYS, Key, ValueKind};
use super::running::Running;

/// The file that is read when no other is named.
const DEFAULT_FILE: &str = "zonewright.toml";
/// What an environment variable of ours begins with.
const PREFIX: &str = "ZONEWRIGHT_";
/// Names the configuration file, as `--config` does. No key: a file cannot name itself.
const CONFIG_VARIABLE: &str = "ZONEWRIGHT_CONFIG";

/// The value of every key that has one, and where it was set.
#[derive(Clone)]
pub(crate) struct Layers {
    /// The file that was read, if one was.
    pub(crate) file: Option<PathBuf>,
    values: BTreeMap<&'static str, (Value, SetBy)>,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    List(Vec<String>),
    Number(u64),
}

/// Without the values: there may be passwords among them.
impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.values.iter().map(|(key, (_, place))| (key, place))).finish()
    }
}

impl Layers {
    /// Reads all layers. `flags` are the keys that the command line sets, `named` is its `--config`.
    pub(crate) fn read(named: Option<&Path>, flags: Vec<(&'static str, Value)>) -> Result<Layers, ConfigError> {
        let mut layers = Layers { file: None, values: BTreeMap::new() };
        for key in KEYS {
            if !key.default.is_empty() {
                let value = parse(key, key.default)
                    .map_err(|problem| ConfigError::new(SetBy::Default, key.name, problem, hint(key)))?;
                layers.values.insert(key.name, (value, SetBy::Default));
            }
        }
        let (environment, named_there) = environment(std::env::vars_os())?;
        layers.read_file(named.map(|path| (path.to_owned(), "--config")).or(named_there))?;
        for (key, value, place) in environment {
            layers.values.insert(key, (value, place));
        }
        for (name, value) in flags {
            let flag = Key::find(name).and_then(Key::flag).unwrap_or_default();
            layers.values.insert(name, (value, SetBy::CommandLine(flag)));
        }
        Ok(layers)
    }

    /// Takes a server's settings for all keys that are not set otherwise. Keys that this version does not know are passed over.
    pub(crate) fn under(&mut self, server: Running) -> Result<(), ConfigError> {
        let Running { path, settings, .. } = server;
        for (name, value) in settings {
            let Some(key) = Key::find(&name).filter(|key| !self.is_set(key.name)) else { continue };
            let place = SetBy::Server(path.clone());
            let value = from_toml(key, value)
                .map_err(|problem| ConfigError::new(place.clone(), key.name, problem, hint(key)))?;
            self.values.insert(key.name, (value, place));
        }
        Ok(())
    }

    /// What other processes may know: every value but secrets, with paths that start from the root.
    pub(crate) fn public(&self) -> toml::Table {
        let mut table = toml::Table::new();
        for key in KEYS {
            let Some((value, _)) = self.values.get(key.name) else { continue };
            let value = match (key.kind, value) {
                (ValueKind::Secret, _) => continue,
                (ValueKind::Path, Value::Text(text)) => {
                    let path = std::path::absolute(text).ok();
                    toml::Value::from(path.as_ref().and_then(|path| path.to_str()).unwrap_or(text))
                }
                (_, Value::Text(text)) => toml::Value::from(text.as_str()),
                (_, Value::List(list)) => toml::Value::from(list.clone()),
                (_, Value::Number(number)) => match i64::try_from(*number) {
                    Ok(number) => toml::Value::from(number),
                    Err(_) => continue,
                },
            };
            table.insert(key.name.to_owned(), value);
        }
        table
    }

    /// Where the value of a key was set.
    pub(crate) fn set_by(&self, key: &str) -> SetBy {
        self.values.get(key).map_or(SetBy::Default, |(_, place)| place.clone())
    }

    /// A complaint about the value of a key, with where it was set.
    pub(crate) fn bad(&self, key: &str, problem: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        ConfigError::new(self.set_by(key), key, problem, hint)
    }

    /// The text of a key, if it is set. An empty text is an error.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, ConfigError> {
        match self.values.get(key) {
            Some((Value::Text(text), _)) if text.trim().is_empty() => {
                Err(self.bad(key, "is empty", "set a value, or leave it out"))
            }
            Some((Value::Text(text), _)) => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    /// The texts of a key.
    pub(crate) fn list(&self, key: &str) -> &[String] {
        match self.values.get(key) {
            Some((Value::List(list), _)) => list,
            _ => &[],
        }
    }

    /// Whether a key is set.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.set_by(key) != SetBy::Default
    }

    /// The number of a key.
    pub(crate) fn number(&self, key: &str) -> u64 {
        match self.values.get(key) {
            Some((Value::Number(number), _)) => *number,
            _ => 0,
        }
    }

    fn read_file(&mut self, named: Option<(PathBuf, &'static str)>) -> Result<(), ConfigError> {
        let by_hand = named.is_some();
        let (path, by) = named.unwrap_or_else(|| (DEFAULT_FILE.into(), ""));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !by_hand => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ConfigError::NoFile { path, by });
            }
            Err(error) => return Err(ConfigError::File { path, problem: error.to_string() }),
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::File {
            path: path.clone(),
            problem: at_line(&text, &error),
        })?;
        self.take_table(&path, "", table)?;
        self.file = Some(path);
        Ok(())
    }

    fn take_table(&mut self, path: &Path, within: &str, table: toml::Table) -> Result<(), ConfigError> {
        let place = || SetBy::File(path.to_owned());
        for (name, value) in table {
            let name = format!("{within}{name}");
            let below = format!("{name}.");
            let is_table = KEYS.iter().any(|key| key.name.starts_with(&below));
            match (Key::find(&name), value) {
                (Some(key), value) => {
                    let value = from_toml(key, value)
                        .map_err(|problem| ConfigError::new(place(), key.name, problem, hint(key)))?;
                    self.values.insert(key.name, (value, place()));
                }
                (None, toml::Value::Table(inner)) if is_table => self.take_table(path, &below, inner)?,
                (None, _) if is_table => {
                    return Err(ConfigError::new(place(), name.clone(), "is not a table", format!("write [{name}]")));
                }
                (None, _) => return Err(ConfigError::new(place(), name, "is not a known key", known_keys())),
            }
        }
        Ok(())
    }
}

/// What the environment sets, and the configuration file that it names.
type Environment = (Vec<(&'static str, Value, SetBy)>, Option<(PathBuf, &'static str)>);

fn environment(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Environment, ConfigError> {
    let mut found = Vec::new();
    let mut file = None;
    for (variable, value) in variables {
        let Some(variable) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let place = || SetBy::Environment(variable.to_owned());
        if variable == CONFIG_VARIABLE {
            file = Some((PathBuf::from(value), CONFIG_VARIABLE));
            continue;
        }
        let Some(key) = KEYS.iter().find(|key| key.variable() == variable) else {
            let variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
            let hint = format!("the variables are {CONFIG_VARIABLE}, {}", variables.join(", "));
            return Err(ConfigError::new(
                SetBy::Environment(PREFIX.to_owned() + "*"),
                variable,
                "does not set a known key",
                hint,
            ));
        };
        let complain = |problem: String| ConfigError::new(place(), key.name, problem, hint(key));
        let text = value.to_str().ok_or_else(|| complain("is not UTF-8".to_owned()))?;
        found.push((key.name, parse(key, text).map_err(complain)?, place()));
    }
    Ok((found, file))
}

/// A value as it stands in the environment.
fn parse(key: &Key, text: &str) -> Result<Value, String> {
    match key.kind {
        ValueKind::Text | ValueKind::Path | ValueKind::Secret => Ok(Value::Text(text.to_owned())),
        ValueKind::List => Ok(Value::List(text.split_whitespace().map(str::to_owned).collect())),
        ValueKind::Number => text.parse().map(Value::Number).map_err(|_| format!("\"{text}\" is not a whole number")),
    }
}

fn from_toml(key: &Key, value: toml::Value) -> Result<Value, String> {
    let found = value.type_str();
    let wrong = || format!("is of type {found}");
    match (key.kind, value) {
        (ValueKind::Text | ValueKind::Path | ValueKind::Secret, toml::Value::String(text)) => Ok(Value::Text(text)),
        (ValueKind::Number, toml::Value::Integer(number)) => {
            number.try_into().map(Value::Number).map_err(|_| format!("{number} is negative"))
        }
        (ValueKind::List, toml::Value::String(text)) => parse(key, &text),
        (ValueKind::List, toml::Value::Array(items)) => items
            .into_iter()
            .map(|item| {
                item.as_str().map(str::to_owned).ok_or_else(|| format!("has an item of type {}", item.type_str()))
            })
            .collect::<Result<_, _>>()
            .map(Value::List),
        _ => Err(wrong()),
    }
}

/// What a value of the right type looks like.
fn hint(key: &Key) -> &'static str {
    match key.kind {
        ValueKind::Text | ValueKind::Path | ValueKind::Secret => "use a text; in the file, put it in quotes",
        ValueKind::List => "use a list: in the file [\"a\", \"b\"], in the environment separated by spaces",
        ValueKind::Number => "use a whole number; in the file, without quotes",
    }
}

fn known_keys() -> String {
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    format!("the keys are {}", names.join(", "))
}

fn at_line(text: &str, error: &toml::de::Error) -> String {
    let problem = error.message().replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {problem}", before.matches('\n').count() + 1),
        None => problem,
    }
}
