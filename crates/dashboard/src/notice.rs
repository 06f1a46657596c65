//! What the next page says, once: that something was done. It travels as a word in a cookie, so that it is neither in an address
//! that somebody copies, nor words that somebody else could choose.

use crate::texts::Texts;

macro_rules! notices {
    ($($name:ident = $word:literal => $text:ident,)*) => {
        /// Something that was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Notice { $($name,)* }

        impl Notice {
            /// Its word in the cookie.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Notice::$name => $word,)* }
            }

            /// The notice of a word.
            pub(crate) fn of_word(word: &str) -> Option<Notice> {
                match word { $($word => Some(Notice::$name),)* _ => None }
            }

            /// What it says.
            pub(crate) fn text(self, t: &Texts) -> &'static str {
                match self { $(Notice::$name => t.$text,)* }
            }
        }
    };
}

notices! {
    SignedOut = "signed-out" => notice_signed_out,
    ChoosePassword = "choose-password" => notice_choose_password,
    PasswordSet = "password-set" => notice_password_set,
    NamesSaved = "names-saved" => notice_names_saved,
    SessionEnded = "session-ended" => notice_session_ended,
    SessionsEnded = "sessions-ended" => notice_sessions_ended,
    TokenRevoked = "token-revoked" => notice_token_revoked,
    SecondFactorOff = "second-factor-off" => notice_second_factor_off,
    AccountClosed = "account-closed" => notice_account_closed,
    Suspended = "suspended" => notice_suspended,
    Resumed = "resumed" => notice_resumed,
    OperatorCodesOff = "operator-codes-off" => notice_operator_codes_off,
    LimitsSet = "limits-set" => notice_limits_set,
    ZoneMade = "zone-made" => notice_zone_made,
    ZoneDeleted = "zone-deleted" => notice_zone_deleted,
    ChangesApplied = "changes-applied" => notice_changes_applied,
    NothingChanged = "nothing-changed" => notice_nothing_changed,
    VersionRestored = "version-restored" => notice_version_restored,
}
