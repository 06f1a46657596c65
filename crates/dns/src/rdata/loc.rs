//! LOC: a geographic location (RFC 1876).
//!
//! The text has up to twelve words for 16 octets: degrees, minutes and seconds of latitude and longitude, the altitude in metres,
//! the size and the precisions. The sizes have one significant digit, as in the RFC; further digits are cut off, as BIND does.

use std::fmt;

use super::fields::{FieldError, Fields, error, excerpt, number};
use super::form::{Field, FieldKind, Form, Style, anything};
use super::kinds::{big_endian, take_octets};
use super::{WireError, generic};
use crate::presentation::Token;
use crate::{Message, message};

pub(super) const FORM: Form = Form {
    code: 29,
    name: "LOC",
    rfc: "RFC 1876",
    description: "A geographic location.",
    fields: &[Field::new(
        "location",
        &Location,
        "Latitude (degrees, minutes, seconds, N or S), longitude (the same, E or W), altitude in metres, and where they are \
         known the size and the horizontal and vertical precision in metres.",
    )],
    example: "52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m",
    check: anything,
};

/// The whole of the data.
struct Location;

/// Latitude and longitude count thousandths of a second from here.
const ORIGIN: u32 = 1 << 31;
/// The lowest altitude, in metres below the reference; altitudes count centimetres from there.
const DEEPEST: u32 = 100_000;
/// A degree, in thousandths of a second.
const DEGREE: u32 = 3_600_000;
/// The sizes where none are given (RFC 1876, section 3): 1 m, 10 km, 10 m; the first digit, and the power of ten in centimetres.
const SIZES: [u8; 3] = [0x12, 0x16, 0x13];

impl FieldKind for Location {
    fn name(&self) -> &'static str {
        "location"
    }

    fn read(&self, fields: &mut Fields<'_>, _: &Message, wire: &mut Vec<u8>) -> Result<(), FieldError> {
        let latitude = angle(fields, &message!("the latitude"), 90, [b"N", b"S"])?;
        let longitude = angle(fields, &message!("the longitude"), 180, [b"E", b"W"])?;
        let altitude = altitude(fields.word(&message!("the altitude"))?)?;
        let mut sizes = SIZES;
        let names = [message!("the size"), message!("the horizontal precision"), message!("the vertical precision")];
        for (size, name) in sizes.iter_mut().zip(names) {
            if !fields.is_empty() {
                *size = precision(&name, fields.word(&name)?)?;
            }
        }
        wire.push(0);
        wire.extend(sizes);
        wire.extend([latitude, longitude, altitude].iter().flat_map(|number| number.to_be_bytes()));
        Ok(())
    }

    fn read_wire<'w>(&self, wire: &'w [u8], canonical: &mut Vec<u8>) -> Result<&'w [u8], WireError> {
        if wire.first().ok_or(WireError)? != &0 {
            // Another version, of which nothing is known.
            return take_octets(wire, wire.len(), canonical);
        }
        let rest = take_octets(wire, 16, canonical)?;
        let sizes = wire.get(1..4).unwrap_or_default();
        let sound = sizes.iter().all(|size| *size == 0 || ((1..=9).contains(&(size >> 4)) && size & 15 <= 9));
        let within = |at: usize, degrees: u32| {
            let number = big_endian(wire.get(at..at + 4).unwrap_or_default());
            number.abs_diff(ORIGIN) <= degrees * DEGREE
        };
        if sound && within(4, 90) && within(8, 180) { Ok(rest) } else { Err(WireError) }
    }

    fn write(&self, octets: &[u8], out: &mut dyn fmt::Write, _: Style) -> fmt::Result {
        let (Some(&[0, size, horizontal, vertical]), [latitude, longitude, altitude]) =
            (octets.first_chunk::<4>(), [4, 8, 12].map(|at| big_endian(octets.get(at..at + 4).unwrap_or_default())))
        else {
            return generic::write_unknown_form(octets, out);
        };
        write_angle(out, latitude, ["N", "S"])?;
        write_angle(out, longitude, ["E", "W"])?;
        let lowest = DEEPEST * 100;
        let (sign, distance) = if altitude < lowest { ("-", lowest - altitude) } else { ("", altitude - lowest) };
        write!(out, "{sign}{}.{:02}m", distance / 100, distance % 100)?;
        for size in [size, horizontal, vertical] {
            let (digit, power) = (u32::from(size >> 4), u32::from(size & 15));
            match power {
                0 | 1 => write!(out, " 0.{:02}m", digit * 10u32.pow(power))?,
                _ => write!(out, " {}m", digit * 10u32.pow(power - 2))?,
            }
        }
        Ok(())
    }
}

/// Degrees, then minutes and seconds where they are not zero, then the direction.
fn angle(fields: &mut Fields<'_>, what: &Message, most: u32, directions: [&[u8]; 2]) -> Result<u32, FieldError> {
    let mut token = fields.word(what)?;
    let first = token;
    let degrees = number(token.raw).filter(|degrees| *degrees <= most).ok_or_else(|| {
        let detail =
            message!("{what} needs degrees from 0 to {most}, not \"{found}\"", what, most, found = excerpt(token.raw));
        error(token, "field-angle", detail)
    })?;
    let mut thousandths = degrees * DEGREE;
    token = fields.word(what)?;
    if !directions.contains(&token.raw) {
        let minutes = number(token.raw).filter(|minutes| *minutes < 60).ok_or_else(|| {
            let [positive, negative] = directions.map(excerpt);
            let detail = message!(
                "{what} needs minutes from 0 to 59, or {positive} or {negative}, not \"{found}\"",
                what,
                positive,
                negative,
                found = excerpt(token.raw)
            );
            error(token, "field-angle", detail)
        })?;
        thousandths += minutes * 60_000;
        token = fields.word(what)?;
        if !directions.contains(&token.raw) {
            let seconds = decimal(token.raw, 3).filter(|seconds| *seconds < 60_000);
            thousandths += seconds.ok_or_else(|| {
                let detail = message!(
                    "{what} needs seconds from 0 to 59.999, not \"{found}\"",
                    what,
                    found = excerpt(token.raw)
                );
                error(token, "field-angle", detail)
            })? as u32;
            token = fields.word(what)?;
        }
    }
    if thousandths > most * DEGREE {
        let detail =
            message!("{what} is at most {most} degrees; at {most} degrees, minutes and seconds must be 0", what, most);
        return Err(error(first, "field-angle", detail));
    }
    match directions.iter().position(|direction| *direction == token.raw) {
        Some(0) => Ok(ORIGIN + thousandths),
        Some(_) => Ok(ORIGIN - thousandths),
        None => {
            let [positive, negative] = directions.map(excerpt);
            let detail = message!(
                "{what} ends with {positive} or {negative}, not \"{found}\"",
                what,
                positive,
                negative,
                found = excerpt(token.raw)
            );
            Err(error(token, "field-angle", detail))
        }
    }
}

fn write_angle(out: &mut dyn fmt::Write, number: u32, [positive, negative]: [&str; 2]) -> fmt::Result {
    let thousandths = number.abs_diff(ORIGIN);
    let seconds = thousandths / 1000;
    let direction = if number >= ORIGIN { positive } else { negative };
    write!(out, "{} {} {}.{:03} ", seconds / 3600, seconds / 60 % 60, seconds % 60, thousandths % 1000)?;
    write!(out, "{direction} ")
}

/// Metres above the reference, in centimetres above the lowest altitude.
fn altitude(token: &Token<'_>) -> Result<u32, FieldError> {
    let raw = token.raw.strip_suffix(b"m").unwrap_or(token.raw);
    let lowest = u64::from(DEEPEST) * 100;
    let centimetres = match raw.split_first() {
        Some((b'-', below)) => decimal(below, 2).and_then(|below| lowest.checked_sub(below)),
        _ => decimal(without_plus(raw), 2).map(|above| lowest + above),
    };
    centimetres.and_then(|centimetres| u32::try_from(centimetres).ok()).ok_or_else(|| {
        let detail = message!(
            "the altitude must be metres from -100000.00 to 42849672.95, such as 12.50m, not \"{found}\"",
            found = excerpt(token.raw)
        );
        error(token, "field-altitude", detail)
    })
}

/// Metres as one digit and a power of ten in centimetres.
fn precision(what: &Message, token: &Token<'_>) -> Result<u8, FieldError> {
    let raw = token.raw.strip_suffix(b"m").unwrap_or(token.raw);
    let centimetres =
        decimal(without_plus(raw), 2).filter(|centimetres| centimetres / 100 <= 90_000_000).ok_or_else(|| {
            let detail = message!(
                "{what} must be metres from 0 to 90000000, such as 10m, not \"{found}\"",
                what,
                found = excerpt(token.raw)
            );
            error(token, "field-precision", detail)
        })?;
    let power = centimetres.checked_ilog10().unwrap_or(0);
    let digit = centimetres / 10u64.pow(power);
    Ok((digit as u8) << 4 | power as u8)
}

/// BIND takes a plus sign before a digit only: not before a point.
fn without_plus(raw: &[u8]) -> &[u8] {
    match raw {
        [b'+', unsigned @ ..] if unsigned.first().is_some_and(u8::is_ascii_digit) => unsigned,
        _ => raw,
    }
}

/// A number with up to `places` decimal places, as so many times as much; `None` where it is none. The digits on one side of the
/// point may be missing.
fn decimal(text: &[u8], places: usize) -> Option<u64> {
    let point = text.iter().position(|octet| *octet == b'.');
    let (whole, fraction) = match point {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, &b""[..]),
    };
    if whole.len() + fraction.len() == 0 || fraction.len() > places {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { number(whole)? };
    let mut scaled = u64::from(whole);
    for place in 0..places {
        let digit = fraction.get(place).unwrap_or(&b'0');
        scaled = scaled * 10 + u64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    Some(scaled)
}

#[cfg(test)]
mod tests {
    use crate::rdata::examples::{RecordType, check, from_file};

    #[test]
    fn angles_say_how_far_they_go() {
        for (text, column, says) in [
            ("90 30 0 N 0 E 0m", 1, "the latitude is at most 90 degrees; at 90 degrees, minutes and seconds must be 0"),
            (
                "0 N 180 0 0.001 W 0m",
                5,
                "the longitude is at most 180 degrees; at 180 degrees, minutes and seconds must be 0",
            ),
            ("91 N 0 E 0m", 1, "the latitude needs degrees from 0 to 90, not \"91\""),
            ("89 60 N 0 E 0m", 4, "the latitude needs minutes from 0 to 59, or N or S, not \"60\""),
            ("89 59 60 N 0 E 0m", 7, "the latitude needs seconds from 0 to 59.999, not \"60\""),
        ] {
            let error = from_file(RecordType::Loc, text).unwrap_err();
            assert_eq!((error.at.column, error.to_string().as_str()), (column, says), "{text}");
        }
    }

    #[test]
    fn examples() {
        let same = "52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m";
        let good = |text, canonical| (text, None, canonical, canonical);
        let bad = |text| (text, None, "value");
        check(
            RecordType::Loc,
            &[
                good(same, same),
                good("52 22 23 N 4 53 32.0 E -2m", same),
                good("42 21 54 N 71 06 18 W -24m 30m", "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m"),
                good("0 S 0 W 0", "0 0 0.000 N 0 0 0.000 E 0.00m 1m 10000m 10m"),
                good("9 5 .5 S 3 1 E .5", "9 5 0.500 S 3 1 0.000 E 0.50m 1m 10000m 10m"),
                good(
                    "90 N 180 E 42849672.95m 90000000m 90000000m 90000000m",
                    "90 0 0.000 N 180 0 0.000 E 42849672.95m 90000000m 90000000m 90000000m",
                ),
                good("90 S 180 W -100000m 0 0.01 0.1", "90 0 0.000 S 180 0 0.000 W -100000.00m 0.00m 0.01m 0.10m"),
                good("1 N 1 E +1m 0.99 1.99 12345", "1 0 0.000 N 1 0 0.000 E 1.00m 0.90m 1m 10000m"),
                good("1 0 0.001 S 1 E 1", "1 0 0.001 S 1 0 0.000 E 1.00m 1m 10000m 10m"),
                good("\\# 16 00121613800000008000000000989680", "0 0 0.000 N 0 0 0.000 E 0.00m 1m 10000m 10m"),
                good("\\# 3 010203", "\\# 3 010203"),
            ],
            &[
                bad(""),
                bad("52 22 23 N 4 53 32 E"),
                bad("52 22 23 4 53 32 E 1"),
                bad("91 N 1 E 1"),
                bad("90 0 0.001 N 1 E 1"),
                bad("90 1 N 1 E 1"),
                bad("90 30 0 N 0 E 0m"),
                bad("1 N 180 0 0.001 E 1"),
                bad("1 60 N 1 E 1"),
                bad("1 59 60 N 1 E 1"),
                bad("1 1 1.0000 N 1 E 1"),
                bad("1 1 . N 1 E 1"),
                bad("1 n 1 E 1"),
                bad("1 N 1 E 42849672.96"),
                bad("1 N 1 E -100000.01"),
                bad("1 N 1 E 1.234"),
                bad("1 N 1 E .m"),
                bad("1 N 1 E m"),
                bad("1 N 1 E 1M"),
                bad("1 N 1 E 1 90000001"),
                bad("1 N 1 E 1 -1"),
                bad("1 N 1 E 1 1 1 1 1"),
                bad("\\# 15 001216138000000080000000009896"),
                bad("\\# 16 00021613800000008000000000989680"),
                bad("\\# 16 00121613934FD9018000000000989680"),
            ],
        );
    }
}
