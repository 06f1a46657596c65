//! The texts of the pages of zones, in the way of [`texts`](super): a list of their own, so that neither grows beyond what one reads.

mod english;
mod malay;
mod spanish;

use crate::language::Language;

texts! {
    struct ZoneTexts;
    zones,
    zones_new,
    search,
    search_zones,
    domain,
    domain_hint,
    records,
    created,
    none_found,
    next_page,
    first_page,
    welcome,
    welcome_zone,
    welcome_records,
    welcome_registrar,
    zone_file,
    zone_file_open,
    zone_file_hint,
    file_fault,
    more_faults,
    zone_make,
    delete_zone,
    delete_text,
    delete_type,
    problem_delete,
    zone_pages,
    history,
    export,
    registrar,
    registrar_text,
    one_record,
    records_count,
    filter,
    filter_hint,
    add_record,
    type_,
    usual_types,
    other_types,
    name,
    name_hint,
    value,
    ttl,
    ttl_hint,
    priority,
    priority_hint,
    ipv4,
    ipv6,
    target,
    nameserver,
    mail_server,
    host_hint,
    text,
    text_hint,
    weight,
    port,
    flags,
    tag,
    caa_hint,
    for_example,
    new_record,
    change_record,
    keep,
    keep_anyway,
    keep_anyway_hint,
    edit,
    remove,
    undo,
    record_gone,
    too_many_changes,
    changes,
    changes_hint,
    review,
    discard,
    moved,
    no_records,
    no_records_found,
    removed,
    added,
    changed,
    more_rows,
    review_title,
    review_text,
    changes_nothing,
    comment,
    comment_hint,
    apply,
    warnings,
    back_to_edit,
    conflict_title,
    conflict_text,
    conflict_meanwhile,
    conflict_unknown,
    conflict_go_on,
    also_changed,
    live_of,
    version,
    live_in_sync,
    live_behind,
    live_nobody,
    live_unknown,
    serves_nothing,
    up_to_date,
    behind,
    no_answer,
    deploy_failed,
    ask_again,
    time,
    by,
    what,
    source_api,
    source_operator,
    source_server,
    source_dashboard,
    source_import,
    source_rollback,
    source_undelete,
    event_created,
    event_deleted,
    event_undeleted,
    newest,
    older,
    no_changes,
    restore,
    restore_version,
    restore_text,
    restore_moved,
}

impl Language {
    /// Its texts of the pages of zones.
    pub(crate) fn zone_texts(self) -> &'static ZoneTexts {
        match self {
            Self::English => &english::ENGLISH,
            Self::Spanish => &spanish::SPANISH,
            Self::Malay => &malay::MALAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::compare;
    use super::*;

    /// Texts that are the same in another language because the word is.
    const SAME: &[&str] = &["domain", "ttl", "port", "tag", "source_api", "source_import"];

    #[test]
    fn every_language_says_everything_and_says_it_about_the_same() {
        for language in [Language::Spanish, Language::Malay] {
            compare(language.name(), &Language::English.zone_texts().all(), &language.zone_texts().all(), SAME);
        }
    }
}
