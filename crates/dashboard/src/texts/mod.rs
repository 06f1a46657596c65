//! Every text of the pages, in one place per language.
//!
//! A text is a field of [`Texts`], and each language is a value of it: a missing text does not compile, and an unused text is a
//! warning. Words that are the same in all languages (names, protocols, permissions) are in the templates. Sentences with values
//! have `{0}`, `{1}`... for [`say`]; a test checks that all languages have the same ones.

mod english;
mod malay;
mod messages;
mod say;
mod spanish;

pub(crate) use english::ENGLISH;
pub(crate) use malay::MALAY;
pub(crate) use say::{minute, say};
pub(crate) use spanish::SPANISH;

macro_rules! texts {
    (struct $list:ident; $($(#[$about:meta])* $name:ident,)*) => {
        /// The texts of one language.
        #[derive(Debug)]
        pub(crate) struct $list { $($(#[$about])* pub(crate) $name: &'static str,)* }

        #[cfg(test)]
        impl $list {
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

pub(crate) mod keys;
pub(crate) mod zones;

texts! {
    struct Texts;
    // Around every page.
    skip,
    navigation,
    languages,
    sign_out,
    to_start,
    account,
    // What forms share.
    problems,
    save,
    go_on,
    // Failures.
    failure_not_found,
    failure_not_found_text,
    failure_foreign,
    failure_foreign_text,
    failure_no_form,
    failure_no_form_text,
    failure_too_large,
    failure_too_large_text,
    failure_daily_limit,
    failure_daily_limit_text,
    failure_busy,
    failure_busy_text,
    failure_storing,
    failure_storing_text,
    failure_unavailable,
    failure_unavailable_text,
    failure_server,
    failure_server_text,
    // Signing in.
    sign_in,
    email,
    password,
    forgotten,
    forgot,
    forgot_text,
    forgot_send,
    forgot_sent,
    forgot_sent_text,
    letter_reset,
    letter_reset_text,
    letter_browser,
    letter_browser_text,
    letter_password,
    letter_password_text,
    letter_codes_off,
    letter_codes_off_text,
    letter_token,
    letter_token_text,
    letter_guessed,
    letter_guessed_text,
    letter_when,
    letter_where,
    letter_which,
    letter_not_you,
    letter_by_operator,
    problem_sign_in,
    problem_sign_in_text,
    problem_wait,
    code,
    code_hint,
    problem_code,
    problem_codes_ended,
    problem_codes_wait,
    prove,
    prove_text,
    prove_no_password,
    problem_password_wrong,
    // One-time links, and the password.
    link,
    link_text,
    link_used,
    link_used_text,
    link_used_mail_text,
    choose_password,
    change_password,
    new_password,
    password_hint,
    password_revoke_tokens,
    password_revoke_tokens_hint,
    problem_password_short,
    problem_password_long,
    problem_password_is_email,
    problem_password_common,
    // The account.
    account_data,
    since,
    first_name,
    last_name,
    company_name,
    problem_name_long,
    problem_name_control,
    problem_name_invisible,
    ways_in,
    recovery_codes_left,
    sessions,
    browser,
    address,
    last_used,
    this_session,
    end_session,
    end_others,
    // Tokens.
    tokens,
    tokens_text,
    tokens_none,
    token_name,
    token_allows,
    token_zones_count,
    expires,
    expired,
    made,
    never,
    days,
    revoke,
    cancel,
    token_revoke_text,
    token_new,
    token_name_hint,
    permission_list,
    permission_create,
    permission_update,
    permission_delete,
    permission_all,
    expires_after,
    token_bounds,
    token_zones,
    token_zones_hint,
    token_networks,
    token_networks_hint,
    token_make,
    problem_token_name,
    problem_token_permissions,
    problem_token_limit,
    problem_token_many,
    problem_no_zone,
    problem_zone_gone,
    problem_network,
    problem_network_host,
    token_made,
    token_made_text,
    token,
    token_try,
    token_kept,
    copy,
    copied,
    // The second factor.
    second_factor,
    second_factor_short,
    second_factor_text_off,
    second_factor_text_on,
    second_factor_scan,
    second_factor_qr,
    second_factor_type,
    second_factor_open,
    second_factor_code_hint,
    second_factor_off_text,
    turn_on,
    turn_off,
    recovery_codes,
    recovery_codes_text,
    recovery_codes_kept,
    recovery_codes_renew,
    recovery_codes_renew_ask,
    // Closing the account.
    close,
    close_section,
    close_text,
    close_type,
    problem_close_type,
    problem_last_operator,
    // Making an account.
    register,
    register_make,
    register_link,
    register_password_hint,
    register_mail_text,
    register_sent_text,
    letter_register,
    letter_register_text,
    letter_known_text,
    letter_displaced,
    letter_displaced_text,
    letter_contested_text,
    problem_email,
    problem_email_taken,
    // The operator's pages.
    accounts,
    accounts_search,
    accounts_none_found,
    claims,
    claims_text,
    claims_owner,
    claims_by,
    claims_undecided,
    events,
    events_text,
    older,
    time,
    what,
    detail,
    by,
    state,
    active,
    suspended,
    operator,
    suspend,
    resume,
    suspend_hint,
    suspend_ask,
    resume_ask,
    limits,
    limits_hint,
    limits_change,
    limits_ask,
    no_limit,
    limit_zones,
    limit_records,
    limit_tokens,
    limit_changes,
    limit_stored,
    problem_limit,
    operator_link,
    operator_link_text,
    operator_link_ask,
    operator_link_make,
    operator_codes_off,
    operator_codes_off_ask,
    invite,
    invite_make,
    invite_ask,
    operator_invitation,
    operator_invitation_text,
    // The trail of events.
    event_account_made,
    event_signed_in,
    event_sign_in_failed,
    event_code_failed,
    event_signed_out,
    event_sessions_ended,
    event_password_set,
    event_link_made,
    event_link_used,
    event_second_factor_on,
    event_second_factor_off,
    event_recovery_code_used,
    event_token_made,
    event_token_revoked,
    event_update_key_made,
    event_update_key_revoked,
    event_suspended,
    event_resumed,
    event_limits_set,
    event_names_changed,
    event_invited,
    event_account_closed,
    event_role_set,
    event_new_browser,
    event_codes_guessed,
    event_zone_claimed,
    // The reference of the API.
    reference,
    reference_base,
    reference_contents,
    reference_needs,
    reference_any_token,
    reference_path,
    reference_query,
    reference_header,
    reference_name,
    reference_kind,
    reference_meaning,
    reference_required,
    reference_parameters,
    reference_body,
    reference_bodies,
    reference_headers,
    reference_errors,
    reference_status,
    reference_objects,
    reference_members,
    type_text,
    type_integer,
    type_integer_between,
    type_time,
    type_date,
    type_list,
    type_object,
    // What was done.
    notice_signed_out,
    notice_choose_password,
    notice_password_set,
    notice_names_saved,
    notice_session_ended,
    notice_sessions_ended,
    notice_token_revoked,
    notice_key_deleted,
    notice_second_factor_off,
    notice_account_closed,
    notice_suspended,
    notice_resumed,
    notice_operator_codes_off,
    notice_limits_set,
    notice_zone_made,
    notice_imported,
    notice_left_out,
    notice_warnings,
    notice_zone_deleted,
    notice_zone_proved,
    notice_changes_applied,
    notice_nothing_changed,
    notice_version_restored,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that are the same in another language because the word is.
    const SAME: &[&str] = &["token", "limit_tokens", "type_integer"];

    pub(super) fn places(text: &str) -> Vec<String> {
        let mut found: Vec<String> =
            text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect();
        found.sort();
        found
    }

    type Named = (&'static str, &'static str);

    /// Fails where a language lacks a text, says it about something else, or in English, but for those of `same`.
    pub(super) fn compare(language: &str, english: &[Named], texts: &[Named], same: &[&str]) {
        for ((name, english), (_, other)) in english.iter().zip(texts) {
            assert!(!other.trim().is_empty(), "{language} lacks {name}");
            assert_eq!(places(other), places(english), "{language}, {name}");
            assert!(other != english || same.contains(name), "{language}, {name} is English: {other}");
        }
    }

    #[test]
    fn every_language_says_everything_and_says_it_about_the_same() {
        for (language, texts) in [("Spanish", &SPANISH), ("Malay", &MALAY)] {
            compare(language, &ENGLISH.all(), &texts.all(), SAME);
        }
    }
}
