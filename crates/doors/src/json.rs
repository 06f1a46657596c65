//! JSON bodies. Unknown members are ignored; an error in the value of a known member names the member.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, IgnoredAny};

use crate::refusal::Refusal;

/// Parses a JSON body.
pub(crate) fn read<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(octets).map_err(|error| match serde_json::from_slice::<IgnoredAny>(octets) {
        Ok(_) => Refusal::Rules(vec![error.to_string()]),
        Err(_) => Refusal::BadJson,
    })
}

/// Reads an optional member, and names it in errors. `null` counts as no value.
pub(crate) fn member<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    name: &str,
    value: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(value).map_err(|error| D::Error::custom(format_args!("{name}: {error}")))
}

/// The same for a member that must have a value.
pub(crate) fn required<'de, D: Deserializer<'de>, T: Deserialize<'de>>(name: &str, value: D) -> Result<T, D::Error> {
    T::deserialize(value).map_err(|error| D::Error::custom(format_args!("{name}: {error}")))
}
