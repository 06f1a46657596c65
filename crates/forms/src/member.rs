//! Errors of one member of a request, or of one field of a form.

use std::fmt;

use dns::{Message, message};

/// What is wrong with one member. `Display` is the English of [`MemberError::message`].
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says so in its text")]
pub enum MemberError {
    Unknown { name: String, known: &'static [&'static str] },
    Missing(&'static str),
    Type { name: &'static str, expected: Message },
    ReadOnly { name: &'static str },
    Uuid { name: &'static str },
}

impl MemberError {
    /// The member is not an integer from 0 to `max`.
    pub fn integer(name: &'static str, max: u32) -> MemberError {
        Self::Type { name, expected: message!("an integer from 0 to {max}", max) }
    }

    /// What is wrong, as a sentence.
    pub fn message(&self) -> Message {
        match self {
            Self::Unknown { known, .. } => {
                message!("This member is not known here; known are {known}", known = known.join(", "))
            }
            Self::Missing(name) => message!("{name} is required", name = Message::untranslated(name)),
            Self::Type { name, expected } => {
                message!("{name} must be {expected}", name = Message::untranslated(name), expected)
            }
            Self::ReadOnly { name } => {
                message!(
                    "{name} cannot be changed; leave it out, or send it as it was read",
                    name = Message::untranslated(name)
                )
            }
            Self::Uuid { name } => message!("{name} must be a UUID", name = Message::untranslated(name)),
        }
    }
}

impl fmt::Display for MemberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for MemberError {}
