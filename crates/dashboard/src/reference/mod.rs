//! The API reference.
//!
//! Its content comes from the descriptions of the operations in `api`, like the OpenAPI document. The English texts of the
//! descriptions are the keys of their translations (`texts/reference.*.po`), as usual for texts from another part of a program.
//! If a text changes, a test reports the translations to update.

pub(crate) mod guide;
pub(crate) mod rows;
pub(crate) mod snippets;
pub(crate) mod words;
