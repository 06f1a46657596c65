//! What can go wrong in the store that is nobody's request's fault.

/// A failure of the database or of what is in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// The store is shutting down, or its writer has ended.
    #[error("the store is closed")]
    Closed,
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row that this program cannot have written.
    #[error("a row of {table} is damaged (row {row}, column {column})")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's number.
        row: i64,
    },
    /// The operating system gave no random octets.
    #[error("no random numbers from the operating system")]
    Random,
    /// A file or folder could not be made.
    #[error("{path} cannot be used")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
