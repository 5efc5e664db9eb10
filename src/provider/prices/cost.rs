//! From counts and prices to money: whole numbers all the way.

use super::Price;
use crate::base::json;
use crate::provider::usage::Tokens;

/// Pico-dollars in a nano-dollar.
const PICO: u128 = 1_000;

impl Price {
    /// What `tokens` cost, in nano-dollars: exact in pico-dollars, rounded once, half up.
    ///
    /// `None` where it is not known: input or output was not counted, a kind of token that was used
    /// has no price, or the sum is beyond all reason.
    pub(crate) fn of(&self, tokens: &Tokens) -> Option<i64> {
        let kinds = [
            (tokens.input?, self.input),
            (tokens.cache_read.unwrap_or(0), self.cache_read),
            (tokens.cache_write_5m(), self.cache_write_5m),
            (tokens.cache_write_1h.unwrap_or(0), self.cache_write_1h),
            (tokens.output?, self.output),
        ];
        let mut pico = 0_u128;
        for (count, price) in kinds {
            if count > 0 {
                pico = pico.checked_add(u128::from(count) * u128::from(price?))?;
            }
        }
        i64::try_from(pico.checked_add(PICO / 2)? / PICO).ok()
    }
}

/// Nano-dollars as dollars, exactly: as many digits after the point as are needed, at most nine.
pub(crate) fn usd(nano: i128) -> String {
    const UNIT: u64 = 1_000_000_000;
    let sign = if nano < 0 { "-" } else { "" };
    let Ok(nano) = u64::try_from(nano.unsigned_abs()) else {
        // A sum of more than 18 thousand million dollars.
        let (whole, rest) =
            (nano.unsigned_abs() / u128::from(UNIT), nano.unsigned_abs() % u128::from(UNIT));
        let digits = format!("{rest:09}");
        let digits = digits.trim_end_matches('0');
        let point = if digits.is_empty() { "" } else { "." };
        return format!("{sign}{whole}{point}{digits}");
    };
    let mut text = Vec::with_capacity(32);
    text.extend_from_slice(sign.as_bytes());
    json::number(&mut text, nano / UNIT);
    let rest = nano % UNIT;
    if rest > 0 {
        // A one before them keeps the zeros that they begin with.
        let point = text.len();
        json::number(&mut text, UNIT + rest);
        if let Some(one) = text.get_mut(point) {
            *one = b'.';
        }
        while text.last() == Some(&b'0') {
            text.pop();
        }
    }
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn money_is_exact_and_rounded_once() {
        let price = Price { input: Some(150_000), output: Some(600_000), ..Price::default() };
        let tokens = |input, output| Tokens {
            input: Some(input),
            output: Some(output),
            ..Tokens::default()
        };
        assert_eq!(price.of(&tokens(1_000_000, 1_000_000)), Some(750_000_000));
        assert_eq!(price.of(&tokens(0, 0)), Some(0));
        // Each of the two alone would be rounded to nothing; their sum is not.
        let tiny = Price { input: Some(400), output: Some(400), ..Price::default() };
        assert_eq!(tiny.of(&tokens(1, 0)), Some(0));
        assert_eq!(tiny.of(&tokens(1, 1)), Some(1));
        assert_eq!(Price { input: Some(500), ..tiny }.of(&tokens(1, 0)), Some(1));
        assert_eq!(Price { input: Some(499), ..tiny }.of(&tokens(1, 0)), Some(0));
    }

    #[test]
    fn what_is_not_known_is_not_free() {
        let price = Price { input: Some(5), output: None, ..Price::default() };
        let tokens = Tokens { input: Some(1), output: Some(0), ..Tokens::default() };
        assert_eq!(price.of(&tokens), Some(0));
        assert_eq!(price.of(&Tokens { output: Some(1), ..tokens }), None);
        assert_eq!(price.of(&Tokens { output: None, ..tokens }), None);
        assert_eq!(price.of(&Tokens { cache_read: Some(1), ..tokens }), None);
        assert_eq!(price.of(&Tokens { cache_read: Some(0), ..tokens }), Some(0));
        let most = Price { input: Some(u64::MAX), output: Some(u64::MAX), ..Price::default() };
        let all = Tokens { input: Some(u64::MAX), output: Some(u64::MAX), ..Tokens::default() };
        assert_eq!(most.of(&all), None);
    }

    #[test]
    fn dollars_are_written_exactly() {
        for (nano, shown) in [
            (0, "0"),
            (1, "0.000000001"),
            (1_500_000_000, "1.5"),
            (-2_000_000_010, "-2.00000001"),
            (100_000_000, "0.1"),
            (i128::from(i64::MAX), "9223372036.854775807"),
            (i128::from(u64::MAX) + 1, "18446744073.709551616"),
            (-1_000_000_000_000_000_000_010, "-1000000000000.00000001"),
        ] {
            assert_eq!(usd(nano), shown);
        }
    }

    /// Digits to the base of ten thousand millions, lowest first: a reference without any of the
    /// integers that are used above.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    struct Big(Vec<u64>);

    impl Big {
        const BASE: u64 = 10_000;

        fn of(mut n: u64) -> Self {
            let mut digits = Vec::new();
            while n > 0 {
                digits.push(n % Self::BASE);
                n /= Self::BASE;
            }
            Self(digits)
        }

        fn plus(&self, other: &Self) -> Self {
            let mut digits = Vec::new();
            let mut carry = 0;
            for n in 0..self.0.len().max(other.0.len()) + 1 {
                let digit = |of: &Self| of.0.get(n).copied().unwrap_or(0);
                let sum = digit(self) + digit(other) + carry;
                digits.push(sum % Self::BASE);
                carry = sum / Self::BASE;
            }
            Self(digits).trimmed()
        }

        fn times(&self, other: &Self) -> Self {
            let mut all = Self::default();
            for (n, a) in self.0.iter().enumerate() {
                for (m, b) in other.0.iter().enumerate() {
                    let mut digits = vec![0; n + m];
                    digits.extend(Self::of(a * b).0);
                    all = all.plus(&Self(digits));
                }
            }
            all
        }

        /// Divided by a thousand, the rest cut off.
        fn thousandth(&self) -> Self {
            let mut digits = vec![0; self.0.len()];
            let mut rest = 0;
            for n in (0..self.0.len()).rev() {
                let value = rest * Self::BASE + self.0[n];
                digits[n] = value / 1_000;
                rest = value % 1_000;
            }
            Self(digits).trimmed()
        }

        fn trimmed(mut self) -> Self {
            while self.0.last() == Some(&0) {
                self.0.pop();
            }
            self
        }
    }

    proptest! {
        #[test]
        fn cost_agrees_with_schoolbook_arithmetic(
            counts in proptest::array::uniform5(prop_oneof![0..5_u64, 0..10_000_000_u64, any::<u64>()]),
            prices in proptest::array::uniform5(prop_oneof![0..2_000_u64, 0..700_000_000_u64, any::<u64>()]),
        ) {
            let [input, cache_read, five, hour, output] = counts;
            let total = five.saturating_add(hour);
            let tokens = Tokens {
                input: Some(input),
                cache_read: Some(cache_read),
                cache_write: Some(total),
                cache_write_1h: Some(hour),
                output: Some(output),
                reasoning: None,
            };
            let five = total - hour;
            let [a, b, c, d, e] = prices;
            let price = Price {
                input: Some(a),
                cache_read: Some(b),
                cache_write_5m: Some(c),
                cache_write_1h: Some(d),
                output: Some(e),
            };
            let mut sum = Big::of(500);
            for (count, price) in [(input, a), (cache_read, b), (five, c), (hour, d), (output, e)] {
                sum = sum.plus(&Big::of(count).times(&Big::of(price)));
            }
            let expected = sum.thousandth();
            match price.of(&tokens) {
                Some(nano) => prop_assert_eq!(Big::of(u64::try_from(nano).unwrap()), expected),
                None => prop_assert!(expected.0.len() > 4, "{:?}", expected),
            }
        }
    }
}
