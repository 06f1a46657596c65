//! Errors of one member of a request, or of one field of a form.

/// What is wrong with one member.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says so in its text")]
pub enum MemberError {
    #[error("This member is not known here; known are {}", .known.join(", "))]
    Unknown { name: String, known: &'static [&'static str] },
    #[error("{0} is required")]
    Missing(&'static str),
    #[error("{name} must be {expected}")]
    Type { name: &'static str, expected: String },
    #[error("{name} cannot be changed; leave it out, or send it as it was read")]
    ReadOnly { name: &'static str },
    #[error("{name} must be a UUID")]
    Uuid { name: &'static str },
}
