//! The state that the forms of the records page pass from one request to the next.

use dns::Serial;

/// What every form of the page carries.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) csrf: String,
    pub(super) path: String,
    pub(super) serial: Serial,
    pub(super) draft: String,
    pub(super) query: String,
    /// After which name the page begins; empty from the start.
    pub(super) after: String,
}
