//! An ordered map from small keys to slot numbers: a B+ tree in one vector.
//!
//! The standard library's map allocates a node at a time, frees it again when a small map empties, and is
//! cloned node by node. Here nodes are numbers: a clone is one copy, clearing keeps the memory, a steady load
//! allocates nothing, and a map of a few keys is one sorted node. (Of the crates that were looked at, none both
//! iterates in order and is cloned like that.)
//!
//! A node that empties is given back, and no two are merged; what that leaves sparse is packed anew, so there
//! are never more than a few times as many nodes as the keys need.

/// How many keys a node holds. By instructions counted for three look-ups, a removal and an insertion of keys as
/// long as a run's, beside 16: 8 needs 9 % less with one key there, and 10 % more with 100 or 10,000; 32 needs 14 %
/// more with one key, 4 % more with 100, and 4 % less with 10,000.
const WIDTH: usize = 16;
/// How high a tree may grow before it is packed; packed, 2^32 keys need less.
const HIGHEST: usize = 12;

/// Keys in order, each with a number.
#[derive(Debug)]
pub(crate) struct Ordered<K> {
    nodes: Vec<Node<K>>,
    free: Vec<u32>,
    root: u32,
    /// How many levels of inner nodes stand above the leaves.
    height: usize,
    len: usize,
}

/// A leaf's numbers are the map's, an inner node's are nodes, each with a key that none below it is less than.
/// The first key of an inner node may be any: whatever is less than the second belongs there.
#[derive(Clone, Copy, Debug)]
struct Node<K> {
    len: u8,
    keys: [K; WIDTH],
    numbers: [u32; WIDTH],
}

/// The way from the root to a leaf: nodes, and the places taken in them.
#[derive(Clone, Copy, Debug, Default)]
struct Path([(u32, u8); HIGHEST + 1]);

impl<K> Default for Ordered<K> {
    fn default() -> Self {
        Self { nodes: Vec::new(), free: Vec::new(), root: 0, height: 0, len: 0 }
    }
}

impl<K: Copy> Clone for Ordered<K> {
    fn clone(&self) -> Self {
        Self { nodes: self.nodes.clone(), free: self.free.clone(), ..*self }
    }

    /// Keeps the memory it has. Most maps of a small machine are empty, and have no nodes to copy or forget.
    fn clone_from(&mut self, other: &Self) {
        if !self.nodes.is_empty() || !other.nodes.is_empty() {
            self.nodes.clone_from(&other.nodes);
            self.free.clone_from(&other.free);
            (self.root, self.height, self.len) = (other.root, other.height, other.len);
        }
    }
}

impl<K: Ord + Copy> Ordered<K> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Forgets every key, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.free.clear();
        (self.root, self.height, self.len) = (0, 0, 0);
    }

    pub(crate) fn get(&self, key: &K) -> Option<u32> {
        let mut node = self.nodes.get(self.root as usize)?;
        for _ in 0..self.height {
            node = &self.nodes[node.numbers[node.child_of(key)] as usize];
        }
        node.find(key).ok().map(|place| node.numbers[place])
    }

    /// Gives a key its number; returns the one it had.
    pub(crate) fn insert(&mut self, key: K, number: u32) -> Option<u32> {
        if self.nodes.is_empty() {
            self.nodes.push(Node::of(key, number));
            self.len = 1;
            return None;
        }
        let mut path = self.path_to(&key);
        let (leaf, _) = path.0[self.height];
        let leaf = &mut self.nodes[leaf as usize];
        match leaf.find(&key) {
            Ok(place) => return Some(std::mem::replace(&mut leaf.numbers[place], number)),
            Err(place) if usize::from(leaf.len) < WIDTH => leaf.insert(place, key, number),
            Err(_) => {
                if self.height == HIGHEST {
                    self.pack();
                    path = self.path_to(&key);
                }
                self.insert_and_split(&path, key, number);
            }
        }
        self.len += 1;
        None
    }

    /// Forgets a key; returns its number.
    pub(crate) fn remove(&mut self, key: &K) -> Option<u32> {
        if self.nodes.is_empty() {
            return None;
        }
        let path = self.path_to(key);
        let leaf = &mut self.nodes[path.0[self.height].0 as usize];
        let place = leaf.find(key).ok()?;
        let number = leaf.remove(place);
        self.len -= 1;
        if self.len == 0 {
            self.clear();
        } else {
            self.give_back(&path);
            self.pack_if_sparse();
        }
        Some(number)
    }

    /// Numbers in the order of their keys.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.walk(Path::default().rooted(self.root)).map(|(_, number)| number)
    }

    /// Keys at or after `first`, in order, with their numbers.
    pub(crate) fn from(&self, first: K) -> impl Iterator<Item = (K, u32)> {
        let path = if self.nodes.is_empty() { Path::default() } else { self.path_to(&first) };
        self.walk(path).skip_while(move |(key, _)| *key < first)
    }

    /// Numbers the keys anew, from zero in their order, and gives back what memory they do not need.
    pub(crate) fn renumber(&mut self) {
        *self = Self::packed(self.all().map(|(key, _)| key).zip(0..).collect());
    }

    fn path_to(&self, key: &K) -> Path {
        let mut path = Path::default().rooted(self.root);
        for level in 0..self.height {
            let (node, _) = path.0[level];
            let node = &self.nodes[node as usize];
            let place = node.child_of(key);
            path.0[level].1 = place as u8;
            path.0[level + 1].0 = node.numbers[place];
        }
        path
    }

    /// The leaf of `path` is full: it is split, and so is every full node above it.
    fn insert_and_split(&mut self, path: &Path, key: K, number: u32) {
        let (mut key, mut number) = (key, number);
        for level in (0..=self.height).rev() {
            let at = path.0[level].0 as usize;
            let place = if level == self.height {
                self.nodes[at].keys().partition_point(|other| *other < key)
            } else {
                usize::from(path.0[level].1) + 1
            };
            if usize::from(self.nodes[at].len) < WIDTH {
                self.nodes[at].insert(place, key, number);
                return;
            }
            let right = self.nodes[at].split(place, key, number);
            (key, number) = (right.keys[0], self.take(right));
        }
        let first = self.nodes[self.root as usize].keys[0];
        let mut root = Node::of(first, self.root);
        root.insert(1, key, number);
        self.root = self.take(root);
        self.height += 1;
    }

    /// Gives the nodes of `path` back that are empty, from the leaf up.
    fn give_back(&mut self, path: &Path) {
        for level in (1..=self.height).rev() {
            let (node, _) = path.0[level];
            if self.nodes[node as usize].len > 0 {
                break;
            }
            self.free.push(node);
            let (above, place) = path.0[level - 1];
            self.nodes[above as usize].remove(usize::from(place));
        }
        while self.height > 0 && self.nodes[self.root as usize].len == 1 {
            self.free.push(self.root);
            self.root = self.nodes[self.root as usize].numbers[0];
            self.height -= 1;
        }
    }

    fn pack_if_sparse(&mut self) {
        let nodes = self.nodes.len() - self.free.len();
        if nodes > 64 && nodes * WIDTH > 8 * self.len {
            self.pack();
        }
    }

    /// Builds the tree anew, with full nodes and no more memory than they need.
    fn pack(&mut self) {
        *self = Self::packed(self.all().collect());
    }

    fn packed(all: Vec<(K, u32)>) -> Self {
        let mut tree = Self { len: all.len(), ..Self::default() };
        let mut level = all;
        while level.len() > 1 || (tree.nodes.is_empty() && !level.is_empty()) {
            tree.height += usize::from(!tree.nodes.is_empty());
            let nodes: Vec<Node<K>> = level.chunks(WIDTH).map(Node::from_all).collect();
            level = nodes.into_iter().map(|node| (node.keys[0], tree.take(node))).collect();
        }
        tree.root = level.first().map_or(0, |(_, root)| *root);
        tree
    }

    fn all(&self) -> impl Iterator<Item = (K, u32)> {
        self.walk(Path::default().rooted(self.root))
    }

    /// Everything from the leaf of `path` on; the places of the levels above it are taken as they are.
    fn walk(&self, path: Path) -> impl Iterator<Item = (K, u32)> {
        let mut path = path;
        // The path may be but a root: go down to its first leaf.
        for level in 0..self.height {
            let (node, place) = path.0[level];
            path.0[level + 1].0 = self.nodes[node as usize].numbers[usize::from(place)];
        }
        std::iter::from_fn(move || {
            loop {
                let (leaf, place) = path.0[self.height];
                let node = self.nodes.get(leaf as usize)?;
                if place < node.len {
                    path.0[self.height].1 += 1;
                    return Some((node.keys[usize::from(place)], node.numbers[usize::from(place)]));
                }
                self.next_leaf(&mut path)?;
            }
        })
    }

    fn next_leaf(&self, path: &mut Path) -> Option<()> {
        let up = (0..self.height).rev().find(|level| {
            let (node, place) = path.0[*level];
            place + 1 < self.nodes[node as usize].len
        })?;
        path.0[up].1 += 1;
        for level in up..self.height {
            let (node, place) = path.0[level];
            path.0[level + 1] = (self.nodes[node as usize].numbers[usize::from(place)], 0);
        }
        Some(())
    }

    fn take(&mut self, node: Node<K>) -> u32 {
        if let Some(free) = self.free.pop() {
            self.nodes[free as usize] = node;
            return free;
        }
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).expect("fewer than 2^32 nodes")
    }
}

impl Path {
    const fn rooted(mut self, root: u32) -> Self {
        self.0[0].0 = root;
        self
    }
}

impl<K: Ord + Copy> Node<K> {
    const fn of(key: K, number: u32) -> Self {
        let mut numbers = [0; WIDTH];
        numbers[0] = number;
        Self { len: 1, keys: [key; WIDTH], numbers }
    }

    fn from_all(all: &[(K, u32)]) -> Self {
        let mut node = Self::of(all[0].0, all[0].1);
        for (place, (key, number)) in all.iter().enumerate() {
            (node.keys[place], node.numbers[place]) = (*key, *number);
        }
        node.len = all.len() as u8;
        node
    }

    fn keys(&self) -> &[K] {
        &self.keys[..usize::from(self.len)]
    }

    fn find(&self, key: &K) -> Result<usize, usize> {
        self.keys().binary_search(key)
    }

    /// The place of the child a key belongs to.
    fn child_of(&self, key: &K) -> usize {
        self.keys()[1..].partition_point(|other| other <= key)
    }

    fn insert(&mut self, place: usize, key: K, number: u32) {
        let len = usize::from(self.len);
        self.keys.copy_within(place..len, place + 1);
        self.numbers.copy_within(place..len, place + 1);
        (self.keys[place], self.numbers[place]) = (key, number);
        self.len += 1;
    }

    fn remove(&mut self, place: usize) -> u32 {
        let len = usize::from(self.len);
        let number = self.numbers[place];
        self.keys.copy_within(place + 1..len, place);
        self.numbers.copy_within(place + 1..len, place);
        self.len -= 1;
        number
    }

    /// Adds to a full node and returns what goes to a new one on its right. What comes at the end goes there
    /// alone: keys often rise, and so the nodes they leave behind are full.
    fn split(&mut self, place: usize, key: K, number: u32) -> Self {
        if place == WIDTH {
            return Self::of(key, number);
        }
        let half = WIDTH / 2;
        let mut right = *self;
        right.keys.copy_within(half.., 0);
        right.numbers.copy_within(half.., 0);
        right.len = (WIDTH - half) as u8;
        self.len = half as u8;
        if place <= half {
            self.insert(place, key, number);
        } else {
            right.insert(place - half, key, number);
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Small numbers without a clock: a multiplicative walk.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }

    fn agree(map: &Ordered<u64>, model: &BTreeMap<u64, u32>, first: u64) {
        assert_eq!(map.len(), model.len());
        assert!(map.numbers().eq(model.values().copied()));
        let rest: Vec<(u64, u32)> = map.from(first).collect();
        let expected: Vec<(u64, u32)> = model.range(first..).map(|(key, number)| (*key, *number)).collect();
        assert_eq!(rest, expected);
    }

    /// Whatever is done to both, both say the same.
    #[test]
    fn it_does_what_the_standard_map_does() {
        for seed in 0..200 {
            let mut dice = Dice(seed);
            let (keys, inserts) = (1 << dice.below(13), 1 + dice.below(99));
            let (mut map, mut model) = (Ordered::default(), BTreeMap::new());
            for step in 0..2_000 {
                let (key, number) = (dice.below(keys), dice.below(1 << 20) as u32);
                if dice.below(100) < inserts {
                    assert_eq!(map.insert(key, number), model.insert(key, number));
                } else {
                    assert_eq!(map.remove(&key), model.remove(&key));
                }
                let asked = dice.below(keys);
                assert_eq!(map.get(&asked), model.get(&asked).copied());
                if step % 97 == 0 {
                    agree(&map, &model, asked);
                }
            }
            agree(&map.clone(), &model, 0);
        }
    }

    #[test]
    fn keys_that_rise_and_fall_leave_few_nodes() {
        let mut map = Ordered::default();
        for key in 0..100_000_u64 {
            map.insert(key, 0);
        }
        assert!(map.nodes.len() < 100_000 / WIDTH * 5 / 4, "{} nodes", map.nodes.len());
        for key in (0..100_000).filter(|key| key % 1_000 != 0) {
            map.remove(&key);
        }
        assert!(map.nodes.len() - map.free.len() <= 100, "{} nodes", map.nodes.len());
        assert!(map.from(0).map(|(key, _)| key).eq((0..100_000).step_by(1_000)));
    }

    #[test]
    fn a_map_that_was_emptied_begins_anew() {
        let mut map = Ordered::default();
        for round in 0..3_u32 {
            (0..100_u64).for_each(|key| _ = map.insert(key, round));
            (0..100_u64).for_each(|key| assert_eq!(map.remove(&key), Some(round)));
            assert_eq!((map.len(), map.numbers().next()), (0, None));
        }
    }

    #[test]
    fn keys_are_numbered_anew_however_many_there_are() {
        for count in [0, 1, 2, 16, 17, 256, 257, 5_000] {
            let mut map = Ordered::default();
            (0..count).rev().for_each(|key| _ = map.insert(3 * key, 7));
            map.renumber();
            assert_eq!(map.len(), count as usize);
            assert!(map.from(0).eq((0..count).map(|key| (3 * key, key as u32))), "{count}");
            assert_eq!((map.get(&0), map.get(&1)), ((count > 0).then_some(0), None));
        }
    }

    #[test]
    fn a_map_that_lost_most_of_its_keys_is_as_high_and_wide_as_those_need() {
        let mut map = Ordered::default();
        (0..20_000_u64).for_each(|key| _ = map.insert(key, 0));
        (20..20_000).for_each(|key| _ = map.remove(&key));
        assert_eq!((map.height, map.nodes.len() - map.free.len()), (1, 3), "two leaves below a root");
        (1..20).for_each(|key| _ = map.remove(&key));
        assert_eq!(map.height, 0, "one leaf");
    }

    #[test]
    fn a_tree_is_packed_once_it_is_sparse_and_no_sooner() {
        let full = |leaves: u64| {
            let mut map = Ordered::default();
            (0..16 * leaves).for_each(|key| _ = map.insert(key, 0));
            map.renumber();
            map
        };
        let used = |map: &Ordered<u64>| map.nodes.len() - map.free.len();
        // One key after the other out of each leaf, so that none empties.
        let thin = |map: &mut Ordered<u64>, leaves: u64, left: usize| {
            let keys = (1..16).flat_map(|place| (0..leaves).map(move |leaf| 16 * leaf + place));
            let spare = map.len() - left;
            keys.filter(|key| map.remove(key).is_some()).take(spare).for_each(drop);
        };
        let mut map = full(90);
        (16 * 60..16 * 90).for_each(|key| _ = map.remove(&key));
        assert_eq!(used(&map), 60 + 4 + 1);
        thin(&mut map, 60, 130);
        assert_eq!((map.len(), used(&map)), (130, 65), "half a place is used");
        thin(&mut map, 60, 129);
        assert_eq!((map.len(), used(&map)), (129, 9 + 1));
        let mut few = full(59);
        thin(&mut few, 59, 59);
        assert_eq!((few.len(), used(&few)), (59, 59 + 4 + 1), "of a few it does not matter");
    }
}
