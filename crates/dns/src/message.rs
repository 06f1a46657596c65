//! Sentences for people, whose values stand apart so that they can be translated.
//!
//! The English is written where the sentence is said, with [`message!`](crate::message!). That English template identifies the
//! sentence: catalogues of translations are keyed by it, as those of gettext are. Decided against
//! an enum of all sentences: every check would be spread over two files, and the compiler cannot tell a catalogue's gaps either way.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{HostName, Name, NameError, OwnerName, RecordType, Serial, Ttl, ZoneName};

/// A sentence, or a part of one, and the values in it. `Display` is the English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    template: &'static str,
    values: Vec<(&'static str, Value)>,
}

/// A value of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The same in every language: a name, a number, what a user wrote.
    Text(String),
    /// To be translated.
    Message(Message),
}

/// What can be a value of a message. Not `str`, so that English words cannot become values without a translation: they are
/// messages themselves.
pub trait ToValue {
    /// The value.
    fn to_value(&self) -> Value;
}

/// A [`Message`]: an English template with `{names}`, and a value for each. `message!("{owner} has {count} records", owner, count = 2)`.
///
/// Does not compile where the names of the template are others than those of the values.
#[macro_export]
macro_rules! message {
    (@value $name:ident) => { $crate::message::ToValue::to_value(&$name) };
    (@value $name:ident = $value:expr) => { $crate::message::ToValue::to_value(&$value) };
    ($template:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        // Only for the compiler. A format string out of `concat!` captures no variables.
        let _ = || { let _ = ::std::format_args!(::std::concat!($template) $(, $name = "")*); };
        $crate::Message::new(
            $template,
            ::std::vec![$((::std::stringify!($name), $crate::message!(@value $name $(= $value)?))),*],
        )
    }};
}

impl Message {
    /// For [`message!`](crate::message!), which compares the names.
    #[doc(hidden)]
    pub const fn new(template: &'static str, values: Vec<(&'static str, Value)>) -> Message {
        Message { template, values }
    }

    /// A text that is the same in every language, such as the name of a member, or that no page shows.
    pub const fn untranslated(text: &'static str) -> Message {
        Message::new(text, Vec::new())
    }

    /// The sentence in another language. `translate` gives the template of an English one.
    pub fn say(&self, translate: &impl Fn(&'static str) -> &'static str) -> String {
        fill(translate(self.template), |name| match self.value(name)? {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Message(message) => Some(Cow::Owned(message.say(translate))),
        })
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Where the sentence is longer than `most` octets, its values with at most 100 octets each.
    pub(crate) fn shortened(self, most: usize) -> Message {
        if self.to_string().len() > most { self.with_short_values() } else { self }
    }

    fn with_short_values(self) -> Message {
        const MOST: usize = 100;
        let shorter = |value| match value {
            Value::Text(text) if text.len() > MOST => {
                Value::Text(format!("{}...", &text[..text.floor_char_boundary(MOST)]))
            }
            Value::Text(text) => Value::Text(text),
            Value::Message(message) => Value::Message(message.with_short_values()),
        };
        let values = self.values.into_iter().map(|(name, value)| (name, shorter(value))).collect();
        Message { values, ..self }
    }
}

/// A text with its places, such as `{name}`, replaced by their values. A place without a value stays as it is.
pub fn fill<'v>(text: &str, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let place = after.split_once('}').and_then(|(name, after)| Some((value(name)?, after)));
        let (shown, after) = place.unwrap_or((Cow::Borrowed("{"), after));
        filled.push_str(before);
        filled.push_str(&shown);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(&|english| english))
    }
}

impl ToValue for Message {
    fn to_value(&self) -> Value {
        Value::Message(self.clone())
    }
}

impl ToValue for NameError {
    fn to_value(&self) -> Value {
        Value::Message(self.message())
    }
}

impl<T: ToValue> ToValue for &T {
    fn to_value(&self) -> Value {
        (*self).to_value()
    }
}

macro_rules! texts {
    ($($kind:ty),*) => {$(
        impl ToValue for $kind {
            fn to_value(&self) -> Value {
                Value::Text(self.to_string())
            }
        }
    )*};
}

texts!(String, Cow<'_, str>, u8, u16, u32, u64, usize, i32, i64);
texts!(Name, OwnerName, HostName, ZoneName, RecordType, Serial, Ttl, Ipv4Addr, Ipv6Addr);

#[cfg(test)]
mod tests {

    #[test]
    fn values_take_their_places_and_are_not_read_again() {
        let (reason, user) = (message!("it has {count} parts", count = 2), "{reason}".to_owned());
        let message = message!("\"{user}\" is refused: {reason} {user}", user, reason);
        assert_eq!(message.to_string(), "\"{reason}\" is refused: it has 2 parts {reason}");
        let spanish = |english| match english {
            "it has {count} parts" => "tiene {count} partes",
            _ => "{reason}: se rechaza «{user}» {x} {",
        };
        assert_eq!(message.say(&spanish), "tiene 2 partes: se rechaza «{reason}» {x} {");
    }

    #[test]
    fn a_message_quotes_only_so_much() {
        let long = message!("{a} is {b}", a = "é".repeat(200), b = message!("like {c}", c = "x".repeat(101)));
        assert_eq!(long.clone().shortened(1000), long);
        let short = long.shortened(300).to_string();
        assert_eq!(short, format!("{}... is like {}...", "é".repeat(50), "x".repeat(100)));
    }
}
