//! What the tests of this crate share. Each test binary compiles all of it and uses a part.
#![allow(dead_code, clippy::allow_attributes, reason = "what one test binary leaves unused, another uses")]

pub(crate) mod channel;
pub(crate) mod content;
pub(crate) mod daemon;
pub(crate) mod dynamic;
pub(crate) mod followers;
pub(crate) mod named;
pub(crate) mod primary;
