//! Values of statements and rows. There are three types: numbers of 64 bits, texts, and octets; each may be NULL.
//!
//! Also NULL has a type, because PostgreSQL needs the type of each parameter.

use std::error::Error as StdError;

use rusqlite::types::ValueRef as SqliteValue;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use super::postgres::Failure;
use super::{Error, Result};

/// A value that goes into a statement.
#[derive(Debug, Clone, Copy)]
pub(in crate::sql) enum Value<'a> {
    Integer(Option<i64>),
    Text(Option<&'a str>),
    Blob(Option<&'a [u8]>),
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let value = match *self {
            Value::Integer(Some(number)) => SqliteValue::Integer(number),
            Value::Text(Some(text)) => SqliteValue::Text(text.as_bytes()),
            Value::Blob(Some(octets)) => SqliteValue::Blob(octets),
            Value::Integer(None) | Value::Text(None) | Value::Blob(None) => SqliteValue::Null,
        };
        Ok(rusqlite::types::ToSqlOutput::Borrowed(value))
    }
}

impl Value<'_> {
    /// Its type in PostgreSQL.
    pub(in crate::sql) fn kind(self) -> Type {
        match self {
            Value::Integer(_) => Type::INT8,
            Value::Text(_) => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match *self {
            Value::Integer(number) => number.to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Blob(octets) => octets.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        if self.kind() == *kind {
            self.to_sql(kind, out)
        } else {
            Err("a statement was prepared with other types".into())
        }
    }
}

/// A value that a statement owns until it is sent.
#[derive(Debug)]
pub(super) enum Owned {
    Integer(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

impl From<Value<'_>> for Owned {
    fn from(value: Value<'_>) -> Owned {
        match value {
            Value::Integer(number) => Owned::Integer(number),
            Value::Text(text) => Owned::Text(text.map(str::to_owned)),
            Value::Blob(octets) => Owned::Blob(octets.map(<[u8]>::to_vec)),
        }
    }
}

impl Owned {
    pub(super) fn as_value(&self) -> Value<'_> {
        match self {
            Owned::Integer(number) => Value::Integer(*number),
            Owned::Text(text) => Value::Text(text.as_deref()),
            Owned::Blob(octets) => Value::Blob(octets.as_deref()),
        }
    }
}

/// Types that can be values of a statement.
pub(in crate::sql) trait ToValue {
    fn to_value(&self) -> Value<'_>;

    /// NULL of this type.
    fn null() -> Value<'static>
    where
        Self: Sized;
}

macro_rules! numbers {
    ($($type:ty)*) => {
        $(impl ToValue for $type {
            fn to_value(&self) -> Value<'_> {
                Value::Integer(Some(i64::from(*self)))
            }

            fn null() -> Value<'static> {
                Value::Integer(None)
            }
        })*
    };
}

numbers! { i64 i32 u32 u16 u8 bool }

macro_rules! borrowed {
    ($($type:ty => $variant:ident)*) => {
        $(impl ToValue for $type {
            fn to_value(&self) -> Value<'_> {
                Value::$variant(Some(self))
            }

            fn null() -> Value<'static> {
                Value::$variant(None)
            }
        })*
    };
}

borrowed! { String => Text  &str => Text  Vec<u8> => Blob  &[u8] => Blob }

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(Some(self))
    }

    fn null() -> Value<'static> {
        Value::Blob(None)
    }
}

impl<T: ToValue> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        T::to_value(self)
    }

    fn null() -> Value<'static> {
        T::null()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        match self {
            Some(value) => value.to_value(),
            None => T::null(),
        }
    }

    fn null() -> Value<'static> {
        T::null()
    }
}

/// The values of a statement, in the order of their numbers.
pub(in crate::sql) trait Params {
    fn each<'a>(&'a self, take: &mut dyn FnMut(Value<'a>));

    /// All of them.
    fn list(&self) -> Vec<Value<'_>> {
        let mut values = Vec::new();
        self.each(&mut |value| values.push(value));
        values
    }

    /// Binds them in SQLite.
    fn bind(&self, statement: &mut rusqlite::Statement<'_>) -> rusqlite::Result<()> {
        let (mut number, mut outcome) = (0, Ok(()));
        self.each(&mut |value| {
            number += 1;
            if outcome.is_ok() {
                outcome = statement.raw_bind_parameter(number, value);
            }
        });
        outcome?;
        let expected = statement.parameter_count();
        if number == expected { Ok(()) } else { Err(rusqlite::Error::InvalidParameterCount(number, expected)) }
    }
}

/// The values of a statement, of any types.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::sql::db::ToValue),*] as &[&dyn $crate::sql::db::ToValue]
    };
}

pub(in crate::sql) use params;

impl Params for &[&dyn ToValue] {
    fn each<'a>(&'a self, take: &mut dyn FnMut(Value<'a>)) {
        self.iter().for_each(|value| take(value.to_value()));
    }
}

/// The type of the values of a statement that has none.
#[derive(Debug)]
pub(in crate::sql) enum Never {}

impl Params for [Never; 0] {
    fn each<'a>(&'a self, _: &mut dyn FnMut(Value<'a>)) {}
}

macro_rules! lists {
    ($($list:ty)*) => {
        $(impl<T: ToValue> Params for $list {
            fn each<'a>(&'a self, take: &mut dyn FnMut(Value<'a>)) {
                self.iter().for_each(|value| take(value.to_value()));
            }
        })*
    };
}

lists! { [T; 1] [T; 2] Vec<T> &[T] }

/// A value of a row.
#[derive(Debug, Clone, Copy)]
pub(in crate::sql) enum ValueRef<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl<'a> ValueRef<'a> {
    /// The octets; an error if the value has another type.
    pub(in crate::sql) fn as_blob(self) -> Result<&'a [u8]> {
        match self {
            ValueRef::Blob(octets) => Ok(octets),
            _ => Err(Error::Type("of octets".to_owned())),
        }
    }
}

impl<'a> FromSql<'a> for ValueRef<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => ValueRef::Integer(FromSql::from_sql(kind, raw)?),
            Type::INT4 => ValueRef::Integer(<i32 as FromSql>::from_sql(kind, raw)?.into()),
            Type::BOOL => ValueRef::Integer(<bool as FromSql>::from_sql(kind, raw)?.into()),
            Type::BYTEA => ValueRef::Blob(raw),
            _ => ValueRef::Text(FromSql::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(ValueRef::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT | Type::VARCHAR | Type::NAME)
    }
}

/// Types that can be read from a row; `None` if the value has another type or is out of range.
pub(in crate::sql) trait FromValue: Sized {
    fn from_value(value: ValueRef<'_>) -> Option<Self>;
}

macro_rules! read_numbers {
    ($($type:ty)*) => {
        $(impl FromValue for $type {
            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                let ValueRef::Integer(number) = value else { return None };
                number.try_into().ok()
            }
        })*
    };
}

read_numbers! { i64 i32 u32 u16 u8 usize }

impl FromValue for bool {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        let ValueRef::Integer(number) = value else { return None };
        Some(number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        let ValueRef::Text(text) = value else { return None };
        Some(text.to_owned())
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        value.as_blob().ok().map(<[u8]>::to_vec)
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        value.as_blob().ok()?.try_into().ok()
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// The index of a column: its number from 0, or its name.
pub(in crate::sql) trait Index:
    Copy + std::fmt::Display + rusqlite::RowIndex + tokio_postgres::row::RowIndex
{
}

impl Index for usize {}
impl Index for &str {}

/// A row of a query.
#[derive(Clone, Copy)]
pub(in crate::sql) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    /// The value of a column.
    pub(in crate::sql) fn get<I: Index, T: FromValue>(&self, index: I) -> Result<T> {
        T::from_value(self.get_ref(index)?).ok_or_else(|| Error::Type(index.to_string()))
    }

    /// The value of a column, as it stands in the row.
    pub(in crate::sql) fn get_ref(&self, index: impl Index) -> Result<ValueRef<'a>> {
        match self {
            Row::Sqlite(row) => sqlite(row.get_ref(index)?),
            Row::Postgres(row) => Ok(row.try_get(index).map_err(Failure::from)?),
        }
    }
}

fn sqlite(value: SqliteValue<'_>) -> Result<ValueRef<'_>> {
    Ok(match value {
        SqliteValue::Null => ValueRef::Null,
        SqliteValue::Integer(number) => ValueRef::Integer(number),
        SqliteValue::Text(octets) => {
            ValueRef::Text(std::str::from_utf8(octets).map_err(|_| Error::Type("of a text in UTF-8".to_owned()))?)
        }
        SqliteValue::Blob(octets) => ValueRef::Blob(octets),
        SqliteValue::Real(_) => return Err(Error::Type("of a number without fraction".to_owned())),
    })
}
