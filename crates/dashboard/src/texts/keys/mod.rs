//! The texts of the pages of update keys, like [`texts`](super), in a separate list so that both stay short.

mod english;
mod malay;
mod spanish;

pub(crate) use english::ENGLISH;
pub(crate) use malay::MALAY;
pub(crate) use spanish::SPANISH;

texts! {
    struct KeyTexts;
    keys,
    keys_text,
    keys_none,
    key_new,
    key_make,
    key_made,
    key_made_text,
    name_hint,
    wire_name,
    scope,
    kind,
    kind_acme,
    kind_acme_text,
    kind_host,
    kind_host_text,
    kind_records,
    kind_records_text,
    kind_transfer,
    kind_transfer_text,
    target,
    target_hint,
    zones,
    zones_hint,
    more,
    names,
    names_hint,
    types,
    types_hint,
    algorithm,
    weak,
    door,
    door_none,
    door_path,
    problem_limit,
    secret,
    path,
    token_text,
    configurations,
    configurations_text,
    all_names,
    usual_types,
    all_types,
    transfers,
    last_error,
    details,
    refusals,
    refusals_none,
    time,
    from,
    asked,
    reason,
    times,
    delete,
    delete_text,
    rule_zone,
    rule_name,
    rule_type,
    rule_permission,
    rule_purpose,
    rule_network,
    rule_signature,
    rule_clock,
    rule_algorithm,
    rule_malformed,
    rule_content,
    rule_limit,
}

#[cfg(test)]
mod tests {
    use super::super::tests::compare;
    use crate::language::Language;

    #[test]
    fn every_language_says_everything_and_says_it_about_the_same() {
        for language in [Language::Spanish, Language::Malay] {
            compare(language.name(), &Language::English.key_texts().all(), &language.key_texts().all(), &[]);
        }
    }
}
