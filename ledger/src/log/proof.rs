//! Inclusion and consistency proofs: made as in RFC 6962 §2.1, checked as in RFC 9162 §2.1.3.2 and §2.1.4.2.

use super::tree::{Hash, node_hash, root};

/// The path from a leaf to the root; `None` outside the tree.
#[must_use]
pub fn inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let mut path;
    if index < left.len() {
        path = inclusion(left, index)?;
        path.push(root(right));
    } else {
        path = inclusion(right, index - left.len())?;
        path.push(root(left));
    }
    Some(path)
}

/// Shows that the tree of the first `size` leaves is a beginning of this one; `None` for size 0 or too large a size.
#[must_use]
pub fn consistency(leaves: &[Hash], size: usize) -> Option<Vec<Hash>> {
    if size == 0 || size > leaves.len() {
        return None;
    }
    Some(subproof(leaves, size, true))
}

fn subproof(leaves: &[Hash], size: usize, whole: bool) -> Vec<Hash> {
    if size == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let mut path;
    if size <= left.len() {
        path = subproof(left, size, whole);
        path.push(root(right));
    } else {
        path = subproof(right, size - left.len(), false);
        path.push(root(left));
    }
    path
}

/// The largest power of two below a length of at least 2.
fn split(length: usize) -> usize {
    1 << (length - 1).ilog2()
}

/// Whether the path leads from the leaf at `index` to the root of the tree of `size` leaves.
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut node) = (index, size - 1, *leaf);
    for step in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            node = node_hash(step, &node);
            let skip = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at >>= skip;
            last >>= skip;
        } else {
            node = node_hash(&node, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && node == *root
}

/// Whether the tree with `old_root` is a beginning of the tree with `new_root`; size 0 proves nothing.
#[must_use]
pub fn verify_consistency(old_size: u64, new_size: u64, path: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old_size == 0 || old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return path.is_empty() && old_root == new_root;
    }
    let whole = [*old_root];
    let mut steps = if old_size.is_power_of_two() {
        whole.iter().chain(path)
    } else {
        [].iter().chain(path)
    };
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    let skip = at.trailing_ones();
    at >>= skip;
    last >>= skip;
    let Some(first) = steps.next() else {
        return false;
    };
    let (mut old, mut new) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old = node_hash(step, &old);
            new = node_hash(step, &new);
            let skip = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at >>= skip;
            last >>= skip;
        } else {
            new = node_hash(&new, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}
