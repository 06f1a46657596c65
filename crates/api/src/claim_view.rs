//! Claims as responses show them.

use claims::{OpenClaim, Unproved};
use serde::Serialize;
use serde_json::{Value, json};
use store::CLAIM_LABEL;

use crate::schema::{Member, Schema, optional, required};

/// The record that proves a claim, and why it is not proved.
#[derive(Debug, Serialize)]
pub(crate) struct OpenClaimView {
    name: String,
    #[serde(rename = "type")]
    record_type: &'static str,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

impl From<OpenClaim> for OpenClaimView {
    fn from(OpenClaim { name, record_type, value, unproved }: OpenClaim) -> OpenClaimView {
        OpenClaimView { name, record_type, value, hint: (unproved != Unproved::New).then(|| hint(unproved)) }
    }
}

/// What a caller can do about a claim that is not proved.
pub(crate) fn hint(unproved: Unproved) -> &'static str {
    match unproved {
        Unproved::New => {
            "if the name is yours, publish the TXT record in `claim` where its DNS is hosted now, then repeat this request"
        }
        Unproved::NotFound => {
            "the TXT record in `claim` was not found in the public DNS; it may take a while until it is seen everywhere"
        }
        Unproved::NoAnswer => {
            "the public DNS did not answer in time when the TXT record in `claim` was looked for; repeat this request"
        }
    }
}

impl OpenClaimView {
    pub(crate) fn members() -> [Member; 4] {
        let name = "The name at which to publish the record in the public DNS.";
        let value = "A random value for this account and this name. It stays the same for seven days.";
        [
            required("name", Schema::string().about(name).like("_zonewright-claim.example.com")),
            required("type", Schema::one_of_the_words(&["TXT"])),
            required("value", Schema::string().about(value)),
            optional("hint", Schema::string().about("Why the record was not found, if it was looked up.")),
        ]
    }

    /// What a 400 with a claim looks like.
    pub(crate) fn refusal_schema() -> Schema {
        let claim = Schema::object(OpenClaimView::members())
            .named("Claim")
            .about("The proof that the name is yours. Once the record is found, the same request succeeds.");
        Schema::object([
            required("detail", Schema::string()),
            required("error_code", Schema::string()),
            required("field", Schema::string().or_null()),
            required("claim", claim),
        ])
        .named("ClaimError")
    }

    pub(crate) fn example() -> Value {
        json!({
            "name": format!("{CLAIM_LABEL}.example.com"), "type": "TXT", "value": "5f0c8a61d1f2b7e4930a8b6c1d2e3f4a5b6c7d8e",
        })
    }
}
