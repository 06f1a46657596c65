//! Rows that tests count although no operation of the store shows them. All SQL that counts is here, so that another database
//! needs one such file.

/// Which rows, or which number, a test asks the file for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows {
    Answers,
    /// The size of the largest stored answer, in octets.
    LargestAnswer,
    Apexes,
    Identities,
    KnownBrowsersOf(i64),
    /// When a token was last used, in milliseconds; 0: never.
    LastUseOf(i64),
    /// How many stored records are counted for an account; -1: they are not counted.
    HeldBy(i64),
    Records,
    LiveRecords,
    LiveRecordsOfLiveZones,
    /// Records that are neither live nor ended, in zones that are deleted.
    LiveRecordsOfDeletedZones,
    RecordsEndedBy(u64),
    RecordsSince(u64),
    /// Records that a large change ends, which is not complete yet.
    UnsettledRecords,
    /// Records of versions that are forgotten.
    UselessRecords,
    /// What a large change has left behind that did not become visible.
    LeftOver,
    Stages,
    RunningStages,
    Tables,
    Versions,
    VersionsWithAuthor,
    VersionsCommented(&'static str),
    Zones,
    LiveZones,
    DeletedZones,
    SweptZones,
    SettingsWithComment,
}

impl Rows {
    pub(crate) fn sql(self) -> String {
        let from = match self {
            Rows::LargestAnswer => {
                return "SELECT max(length(body) + length(rest) + length(headers)) FROM answers".to_owned();
            }
            Rows::LastUseOf(token) => {
                return format!("SELECT coalesce(max(last_used), 0) FROM tokens WHERE id = {token}");
            }
            Rows::HeldBy(account) => {
                return format!("SELECT coalesce(held_stored, -1) FROM accounts WHERE id = {account}");
            }
            Rows::LeftOver => {
                return "SELECT (SELECT count(*) FROM stages) + (SELECT count(*) FROM records WHERE ends > 0)
                      + (SELECT count(*) FROM records r JOIN zones z ON z.id = r.zone WHERE r.from_version > z.version)
                      + (SELECT count(*) FROM zones WHERE swept = 4)"
                    .to_owned();
            }
            Rows::Answers => "answers",
            Rows::Apexes => "apexes",
            Rows::Identities => "identities",
            Rows::KnownBrowsersOf(account) => &format!("known_browsers WHERE account = {account}"),
            Rows::Records => "records",
            Rows::LiveRecords => "records WHERE to_version IS NULL",
            Rows::LiveRecordsOfLiveZones => {
                "records r JOIN zones z ON z.id = r.zone WHERE z.deleted IS NULL AND r.to_version IS NULL"
            }
            Rows::LiveRecordsOfDeletedZones => {
                "records r JOIN zones z ON z.id = r.zone WHERE z.deleted IS NOT NULL AND r.to_version IS NULL"
            }
            Rows::RecordsEndedBy(version) => &format!("records WHERE to_version = {version}"),
            Rows::RecordsSince(version) => &format!("records WHERE from_version > {version}"),
            Rows::UnsettledRecords => "records WHERE ends > 0",
            Rows::UselessRecords => "records WHERE to_version < (SELECT min(version) FROM versions)",
            Rows::Stages => "stages",
            Rows::RunningStages => "stages WHERE token IS NOT NULL",
            Rows::Tables => "sqlite_schema",
            Rows::Versions => "versions",
            Rows::VersionsWithAuthor => "versions WHERE account IS NOT NULL OR author <> ''",
            Rows::VersionsCommented(comment) => &format!("versions WHERE comment = '{comment}'"),
            Rows::Zones => "zones",
            Rows::LiveZones => "zones WHERE deleted IS NULL",
            Rows::DeletedZones => "zones WHERE deleted IS NOT NULL",
            Rows::SweptZones => "zones WHERE swept = 1",
            Rows::SettingsWithComment => "zone_settings WHERE comment IS NOT NULL",
        };
        format!("SELECT count(*) FROM {from}")
    }
}
