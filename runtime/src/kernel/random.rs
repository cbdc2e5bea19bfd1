//! A small pseudo-random generator for reproducible schedules. Not for secrets.
//!
//! It is SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014): one addition,
//! two multiplications, every seed gives a full period.

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        // The high half of the product: no division, and no bias worth mentioning for run queues.
        ((u128::from(mixed) * limit as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    /// The first numbers that the reference implementation gives for this seed; here, their upper halves.
    #[test]
    fn it_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let halves: [usize; 5] = std::array::from_fn(|_| random.below(1 << 32));
        assert_eq!(halves, [1_503_580_183, 745_795_716, 2_285_812_965, 1_069_479_744, 3_820_500_071]);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|limit| random.below(limit + 1)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }

    #[test]
    fn numbers_are_below_their_limit_and_reach_all_of_it() {
        for limit in [1, 2, 3, 10, 61] {
            let mut random = Random::new(limit as u64);
            let mut seen = vec![0; limit];
            for _ in 0..limit * 1000 {
                seen[random.below(limit)] += 1;
            }
            assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        }
        assert!(Random::new(0).below(usize::MAX) < usize::MAX);
    }
}
