//! How many logins may begin in a minute: of one address, and of all together. Each costs
//! calls to the provider, who would rather not be asked by whoever likes to.

use std::collections::HashMap;

/// Addresses that are counted at once; beyond them the count of all is what holds.
const MAX_ADDRESSES: usize = 10_000;
/// How many times as many may come from all addresses together.
const OF_ALL: u32 = 10;
/// What is counted together.
const MINUTE_MILLIS: i64 = 60_000;

/// The counts of one minute.
#[derive(Debug)]
pub(super) struct Limit {
    of_one: u32,
    minute: i64,
    all: u32,
    each: HashMap<String, u32>,
}

impl Limit {
    /// So many a minute from one address.
    pub(super) fn new(of_one: u32) -> Self {
        Self {
            of_one,
            minute: 0,
            all: 0,
            each: HashMap::new(),
        }
    }

    /// Counts one; false when it is too much.
    pub(super) fn allows(&mut self, from: &str, now_millis: i64) -> bool {
        let minute = now_millis.div_euclid(MINUTE_MILLIS);
        if minute != self.minute {
            self.minute = minute;
            self.all = 0;
            self.each.clear();
        }
        self.all = self.all.saturating_add(1);
        let of_all = self.all <= self.of_one.saturating_mul(OF_ALL);
        if self.each.len() >= MAX_ADDRESSES && !self.each.contains_key(from) {
            return of_all;
        }
        let own = self.each.entry(from.to_owned()).or_default();
        *own = own.saturating_add(1);
        of_all && *own <= self.of_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_of_one_address_wait_for_the_next_minute() {
        let mut limit = Limit::new(3);
        let allowed = (0..5).map(|_| limit.allows("a", 1_000)).collect::<Vec<_>>();
        assert_eq!(allowed, [true, true, true, false, false]);
        assert!(limit.allows("b", 1_000));
        assert!(limit.allows("a", 60_000));
    }

    #[test]
    fn all_addresses_together_have_a_limit_and_memory_has_one() {
        let mut limit = Limit::new(2);
        let allowed = (0..100).filter(|n| limit.allows(&n.to_string(), 0)).count();
        assert_eq!(allowed, 20);
        let mut limit = Limit::new(u32::MAX);
        for address in 0..20_000 {
            limit.allows(&address.to_string(), 0);
        }
        assert_eq!(limit.each.len(), MAX_ADDRESSES);
    }
}
