//! The schemas of error bodies. `error` writes these bodies, and does not depend on their description.

use crate::schema::{Schema, required};

/// The body of an error about one member, or about none.
pub(super) fn of_one_fault() -> Schema {
    let field = "The member or parameter at fault; null if it is not a single one.";
    Schema::object([
        required("detail", Schema::string().about("The error, for people; the wording may change.")),
        required("error_code", Schema::string().about("The error, for programs; stable.")),
        required("field", Schema::string().or_null().about(field)),
    ])
    .named("Error")
}

/// The body of an error about several parts of a request.
pub(crate) fn of_parts() -> Schema {
    let part = Schema::object([
        required("index", Schema::integer(0..=u32::MAX).about("The position of the change or record, counted from 0.")),
        required("field", Schema::string().or_null().about("The member at fault.")),
        required("detail", Schema::string()),
        required("error_code", Schema::string()),
    ]);
    let text = |about| Schema::string().about(about);
    Schema::object([
        required("detail", text("A message for people.")),
        required("error_code", text("For programs; stable.")),
        required("field", Schema::string().or_null().about("The member at fault.")),
        required("errors", Schema::array(part).about("All errors of the request.")),
    ])
    .named("ErrorsOfParts")
}
