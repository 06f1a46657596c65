//! The reference of the API, as the page of the same name shows it.
//!
//! What there is to say comes from `api`, where each operation describes itself; the OpenAPI document is made of the same. The
//! English of the descriptions is the key of their translations (`texts/reference.*.po`), as usual for texts that belong to another
//! part of a program: who changes a sentence is told by a test which translations it had.

pub(crate) mod guide;
pub(crate) mod rows;
pub(crate) mod snippets;
pub(crate) mod words;
