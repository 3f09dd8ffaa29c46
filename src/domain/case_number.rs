//! The case number that is read over the phone: `DH-2026-XXXXXX-C` (`docs/formats.md` §1).

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Makes the number of a year and 30 random bits.
#[must_use]
pub fn case_number(year: i32, random: u32) -> String {
    let year = format!("{:04}", year.rem_euclid(10_000));
    let tail: String = (0..6).rev().map(|at| symbol(random >> (5 * at))).collect();
    let check = check_symbol(&format!("{year}{tail}")).unwrap_or('0');
    format!("DH-{year}-{tail}-{check}")
}

/// Reads a number as people write it; `None` when it is not one or the check character does not fit.
#[must_use]
pub fn parse(text: &str) -> Option<String> {
    let folded: String = text
        .trim()
        .to_uppercase()
        .chars()
        .filter(|letter| !matches!(letter, '-' | ' ' | '\u{2013}' | '.'))
        .collect();
    let rest = folded.strip_prefix("DH").unwrap_or(&folded);
    let plain: String = rest
        .chars()
        .map(|letter| match letter {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    if plain.chars().count() != 11 || !plain.is_ascii() {
        return None;
    }
    let (body, check) = plain.split_at_checked(10)?;
    let (year, tail) = body.split_at_checked(4)?;
    let fits = year.bytes().all(|byte| byte.is_ascii_digit()) && check_symbol(body) == check.chars().next();
    fits.then(|| format!("DH-{year}-{tail}-{check}"))
}

fn symbol(value: u32) -> char {
    char::from(
        ALPHABET
            .get(usize::try_from(value & 31).unwrap_or(0))
            .copied()
            .unwrap_or(b'0'),
    )
}

/// Σ dᵢ·aⁱ in GF(32) over `x⁵+x²+1`, a = x: finds every wrong character and every exchange of two.
fn check_symbol(body: &str) -> Option<char> {
    let mut sum = 0_u32;
    for (at, letter) in body.bytes().enumerate() {
        let mut value = u32::try_from(ALPHABET.iter().position(|known| *known == letter)?).ok()?;
        for _ in 0..=at {
            value <<= 1;
            if value & 32 != 0 {
                value ^= 0b10_0101;
            }
        }
        sum ^= value;
    }
    Some(symbol(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_however_they_are_written() {
        let number = case_number(2026, 0x2ABC_DEF1);
        assert_eq!(parse(&number), Some(number.clone()));
        assert_eq!(parse(&number.to_lowercase().replace('-', " ")), Some(number.clone()));
        assert_eq!(parse(&number.replace('1', "I").replace('0', "o")), Some(number));
        assert_eq!(parse("DH-2026-UUUUUU-0"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("đ".repeat(11).as_str()), None);
    }

    #[test]
    fn numbers_on_paper_stay_what_they_are() {
        // Computed with tables of logarithms from docs/formats.md alone.
        assert_eq!(case_number(2026, 0), "DH-2026-000000-V");
        assert_eq!(case_number(2026, 123_456_789), "DH-2026-3NQK8N-K");
        assert_eq!(case_number(2031, (1 << 30) - 1), "DH-2031-ZZZZZZ-5");
    }

    #[test]
    fn every_wrong_character_and_every_exchange_is_found() {
        let number = case_number(2026, 123_456_789);
        let letters: Vec<char> = number.chars().collect();
        let places: Vec<usize> = (3..letters.len()).filter(|at| letters[*at] != '-').collect();
        for at in &places {
            for other in ALPHABET
                .iter()
                .map(|byte| char::from(*byte))
                .filter(|other| *other != letters[*at])
            {
                let mut wrong = letters.clone();
                wrong[*at] = other;
                assert_eq!(parse(&wrong.iter().collect::<String>()), None);
            }
            for with in &places {
                let mut wrong = letters.clone();
                wrong.swap(*at, *with);
                if wrong != letters {
                    assert_eq!(parse(&wrong.iter().collect::<String>()), None);
                }
            }
        }
    }
}
