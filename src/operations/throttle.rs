//! Limits of sign-in, before any work is done: by source, and by staff code *from that source*, so that nobody can lock a colleague out.

use std::num::NonZeroU32;

use governor::{DefaultKeyedRateLimiter, Quota};

/// Limits in memory of one process.
pub struct Throttle {
    by_source: DefaultKeyedRateLimiter<[u8; 8]>,
    by_pair: DefaultKeyedRateLimiter<([u8; 8], String)>,
}

/// Keys that are kept before quiet ones are forgotten.
const MOST_KEYS: usize = 10_000;
const PER_SOURCE: NonZeroU32 = NonZeroU32::new(60).unwrap();
const PER_PAIR: NonZeroU32 = NonZeroU32::new(10).unwrap();

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl Throttle {
    /// Sixty tries a minute from one source, ten of them for one staff code.
    #[must_use]
    pub fn new() -> Self {
        Self {
            by_source: DefaultKeyedRateLimiter::keyed(Quota::per_minute(PER_SOURCE)),
            by_pair: DefaultKeyedRateLimiter::keyed(Quota::per_minute(PER_PAIR)),
        }
    }

    /// Whether this try may go on.
    #[must_use]
    pub fn allows(&self, source: [u8; 8], code: &str) -> bool {
        // Sources that have been quiet are forgotten, so that the memory of a flood does not stay.
        if self.by_pair.len() > MOST_KEYS {
            self.by_source.retain_recent();
            self.by_pair.retain_recent();
        }
        self.by_source.check_key(&source).is_ok() && self.by_pair.check_key(&(source, code.to_owned())).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_for_a_code_and_sixty_from_a_source_and_nobody_locks_out_a_colleague() {
        let throttle = Throttle::new();
        let tries =
            |source: u8, code: &str, times: usize| (0..times).filter(|_| throttle.allows([source; 8], code)).count();
        assert_eq!(tries(1, "NV-A", 15), 10);
        assert_eq!(tries(2, "NV-A", 1), 1, "the same code from elsewhere");
        assert_eq!(tries(1, "NV-B", 1), 1, "another code from there");
        let more: usize = (0..20).map(|code| tries(1, &format!("NV-{code}"), 5)).sum();
        assert_eq!(
            more,
            60 - 15 - 1,
            "whatever the codes, tries that were refused counted too"
        );
        assert_eq!(tries(3, "NV-A", 1), 1);
    }
}
