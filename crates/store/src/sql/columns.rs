//! The columns of rows that are read in many places.

/// The columns of a row that is read in many places: the text that statements select, as a macro for `concat!`, and the index
/// of each column after `first` others. Reading by these indexes costs nothing; by name, SQLite's names are compared for each
/// value of each row, which is for statements with few rows.
macro_rules! columns {
    (
        $text:ident, $indexes:ident of $table:literal: $first:ident $(, $column:ident)*
        $(; $computed:ident = $expression:literal)* $(; ... $end:ident)?
    ) => {
        macro_rules! $text {
            () => {
                concat!($table, ".", stringify!($first) $(, ", ", $table, ".", stringify!($column))* $(, ", ", $expression)*)
            };
        }

        #[derive(Debug, Clone, Copy)]
        pub(super) struct $indexes {
            pub(super) $first: usize,
            $(pub(super) $column: usize,)*
            $(pub(super) $computed: usize,)*
            $(pub(super) $end: usize,)?
        }

        impl $indexes {
            pub(super) const fn after(first: usize) -> $indexes {
                let $first = first;
                let next = first + 1;
                $(let $column = next; let next = next + 1;)*
                $(let $computed = next; let next = next + 1;)*
                let _end = next;
                $(let $end = _end;)?
                $indexes { $first $(, $column)* $(, $computed)* $(, $end)? }
            }
        }
    };
}

pub(super) use columns;
