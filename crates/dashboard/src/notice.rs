//! A message that the next page shows once, such as "Saved.". The cookie contains only the name of the message, so that it is not
//! in a URL, and other sites cannot choose its text.

use crate::texts::{Texts, say};

macro_rules! notices {
    ($($name:ident = $word:literal => $text:ident,)*) => {
        /// Something that was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Notice {
            $($name,)*
            /// A zone was created from a file.
            Imported(Imported),
        }

        impl Notice {
            /// Its word in the cookie.
            pub(crate) fn word(self) -> String {
                match self {
                    $(Notice::$name => $word.to_owned(),)*
                    Notice::Imported(imported) => imported.word(),
                }
            }

            /// The notice of a word.
            pub(crate) fn of_word(word: &str) -> Option<Notice> {
                match word {
                    $($word => Some(Notice::$name),)*
                    _ => Imported::of_word(word).map(Notice::Imported),
                }
            }

            /// What it says.
            pub(crate) fn text(self, t: &Texts) -> String {
                match self {
                    $(Notice::$name => t.$text.to_owned(),)*
                    Notice::Imported(imported) => imported.text(t),
                }
            }
        }
    };
}

/// How a file became a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Imported {
    /// How many records the zone has from it.
    pub(crate) records: usize,
    /// How many of its records are missing here, besides those that the server makes itself.
    pub(crate) left_out: usize,
    /// How many warnings there are.
    pub(crate) warnings: usize,
}

impl Imported {
    fn word(self) -> String {
        format!("imported.{}.{}.{}", self.records, self.left_out, self.warnings)
    }

    fn of_word(word: &str) -> Option<Imported> {
        let mut numbers = word.strip_prefix("imported.")?.split('.').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Imported { records: next()?, left_out: next()?, warnings: next()? })
    }

    fn text(self, t: &Texts) -> String {
        let mut text = say(t.notice_imported, &[&self.records.to_string()]);
        for (sentence, count) in [(t.notice_left_out, self.left_out), (t.notice_warnings, self.warnings)] {
            if count > 0 {
                text.push(' ');
                text.push_str(&say(sentence, &[&count.to_string()]));
            }
        }
        text
    }
}

notices! {
    SignedOut = "signed-out" => notice_signed_out,
    ChoosePassword = "choose-password" => notice_choose_password,
    PasswordSet = "password-set" => notice_password_set,
    NamesSaved = "names-saved" => notice_names_saved,
    SessionEnded = "session-ended" => notice_session_ended,
    SessionsEnded = "sessions-ended" => notice_sessions_ended,
    TokenRevoked = "token-revoked" => notice_token_revoked,
    KeyDeleted = "key-deleted" => notice_key_deleted,
    SecondFactorOff = "second-factor-off" => notice_second_factor_off,
    AccountClosed = "account-closed" => notice_account_closed,
    Suspended = "suspended" => notice_suspended,
    Resumed = "resumed" => notice_resumed,
    OperatorCodesOff = "operator-codes-off" => notice_operator_codes_off,
    LimitsSet = "limits-set" => notice_limits_set,
    ZoneMade = "zone-made" => notice_zone_made,
    ZoneDeleted = "zone-deleted" => notice_zone_deleted,
    ZoneProved = "zone-proved" => notice_zone_proved,
    ChangesApplied = "changes-applied" => notice_changes_applied,
    NothingChanged = "nothing-changed" => notice_nothing_changed,
    VersionRestored = "version-restored" => notice_version_restored,
}
