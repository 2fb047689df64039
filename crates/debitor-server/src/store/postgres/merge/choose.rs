//! Which segments are merged.

/// Segments that are merged at least, and at most.
const LEAST: usize = 16;
const MOST: usize = 256;
/// How much larger than the largest of the segments that are merged all of them must be at least.
const FACTOR: i64 = 4;

/// Which of the segments, of these sizes in bytes, are to be merged into one of so many bytes at most:
/// small ones first, so that each change is written again only after its segment has become several times
/// as large.
pub(super) fn choose<T: Clone>(segments: &[(i64, T)], largest: usize) -> Vec<T> {
    let largest = i64::try_from(largest).unwrap_or(i64::MAX);
    let mut segments = segments.to_vec();
    segments.sort_by_key(|(size, _)| *size);
    let mut sum = 0;
    let fits = segments.iter().take(MOST).take_while(|(size, _)| {
        sum += size;
        sum <= largest
    });
    segments.truncate(fits.count());
    let mut sum: i64 = segments.iter().map(|(size, _)| size).sum();
    while let Some((size, _)) = segments.pop_if(|(size, _)| *size * FACTOR > sum) {
        sum -= size;
    }
    if segments.len() < LEAST {
        segments.clear();
    }
    segments.into_iter().map(|(_, segment)| segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: i64 = 1 << 27;

    fn chosen(sizes: &[i64]) -> Vec<i64> {
        let segments: Vec<_> = sizes.iter().map(|size| (*size, *size)).collect();
        choose(&segments, usize::try_from(LARGEST).unwrap())
    }

    #[test]
    fn many_small_segments_are_merged_without_the_large_ones() {
        assert_eq!(chosen(&[10; LEAST - 1]), [0; 0]);
        assert_eq!(chosen(&[10; LEAST]), [10; LEAST]);
        assert_eq!(chosen(&[&[1000][..], &[10; LEAST]].concat()), [10; LEAST]);
        assert_eq!(
            chosen(&[&[160; 3][..], &[10; LEAST]].concat()).len(),
            LEAST + 3
        );
        assert_eq!(chosen(&[LARGEST / 4; 40]), [0; 0]);
        assert_eq!(chosen(&[LARGEST / 20; 40]).len(), 20);
        assert_eq!(chosen(&[10; 2 * MOST]).len(), MOST);
    }

    /// However many writes there are, few segments are there, and each change is seldom written again.
    #[test]
    fn segments_stay_few_and_are_seldom_written_again() {
        const WRITE: i64 = 14_000;
        const WRITES: i64 = 30_000;
        let (mut sizes, mut written) = (Vec::new(), 0);
        for _ in 0..WRITES {
            sizes.push(WRITE);
            let merged = chosen(&sizes);
            for one in &merged {
                let place = sizes.iter().position(|size| size == one).unwrap();
                sizes.swap_remove(place);
            }
            let size: i64 = merged.iter().sum();
            sizes.extend((size > 0).then_some(size));
            written += size;
        }
        let small = sizes.iter().filter(|size| **size < LARGEST / 8).count();
        let rewritten = written / (WRITE * WRITES);
        assert!(small < 30 && sizes.len() < 40, "{small}, {}", sizes.len());
        assert!(rewritten < 6, "{rewritten}");
    }
}
