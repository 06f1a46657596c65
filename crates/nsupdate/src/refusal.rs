//! Response codes, and the reasons for them. A DNS response contains only a code; the owner of a key reads the reason in the
//! key's log.

use domain::base::iana::Rcode;
use store::RefusedBy;

/// Why a request is not carried out. Nothing of it has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The response code.
    pub(crate) rcode: Rcode,
    /// The rule that refused it, the request, and the error. `None` if the owner of the key does not need it: a prerequisite that
    /// does not hold, a failure of this server.
    pub(crate) reason: Option<Reason>,
}

/// The entry in the key's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) rule: RefusedBy,
    pub(crate) asked: String,
    pub(crate) detail: String,
}

impl Refusal {
    /// A response code without a reason.
    pub(crate) fn silent(rcode: Rcode) -> Refusal {
        Refusal { rcode, reason: None }
    }

    /// A response code with a reason.
    pub(crate) fn new(rcode: Rcode, rule: RefusedBy, asked: impl Into<String>, detail: impl Into<String>) -> Refusal {
        Refusal { rcode, reason: Some(Reason { rule, asked: asked.into(), detail: detail.into() }) }
    }

    /// FORMERR.
    pub(crate) fn malformed(asked: impl Into<String>, detail: impl Into<String>) -> Refusal {
        Refusal::new(Rcode::FORMERR, RefusedBy::Malformed, asked, detail)
    }
}
